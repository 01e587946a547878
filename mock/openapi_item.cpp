#include "mock/openapi_item.hpp"

#include "mock/collection_limits.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

constexpr std::size_t deepest = 16;

bool has_list(const json_value& v, std::string_view name) {
  const auto* list = v.member(name);
  return list != nullptr && list->is_array() && !list->items.empty();
}

} // namespace

const schema_place* item_shape::find(std::string_view name) const {
  auto at = std::find_if(properties.begin(), properties.end(), [&](const auto& p) { return p.first == name; });
  return at != properties.end() ? &at->second : nullptr;
}

bool openapi_shapes::exhausted() const noexcept { return steps_ > limits::document_item_steps; }

bool openapi_shapes::pay(std::size_t steps) noexcept {
  steps_ += steps;
  return !exhausted();
}

schema_place openapi_shapes::follow(schema_place s) {
  for (std::size_t hops = 0; s && hops < deepest; ++hops) {
    const auto reference = s.schema->string_member("$ref");
    if (reference.empty())
      return s.schema->is_object() ? s : schema_place{};
    std::string pointer;
    if (reference.front() != '#' || !percent_decode(reference.substr(1), false, pointer))
      return {};
    ++steps_;
    s = {at_pointer(root_, pointer), pointer};
  }
  return {};
}

schema_place openapi_shapes::core(schema_place s) {
  bool several = s.one_of_several;
  for (std::size_t hops = 0; hops < deepest && !exhausted(); ++hops) {
    s = follow(std::move(s));
    s.one_of_several = several;
    if (!s || s.schema->member("properties") != nullptr || s.schema->member("items") != nullptr)
      return s;
    schema_place next;
    if (const auto* all = s.schema->member("allOf"); all != nullptr && all->is_array() && all->items.size() == 1)
      next = {&all->items.front(), s.at + "/allOf/0"};
    for (const auto* name : {"oneOf", "anyOf"}) {
      if (next || !has_list(*s.schema, name))
        continue;
      const auto& list = s.schema->member(name)->items;
      auto counts = [](const json_value& one) { return one.string_member("type") != "null"; };
      auto first = std::find_if(list.begin(), list.end(), counts);
      several = several || std::count_if(list.begin(), list.end(), counts) > 1;
      if (first != list.end())
        next = {&*first, s.at + '/' + name + '/' + std::to_string(first - list.begin())};
    }
    if (!next)
      return s;
    ++steps_;
    s = std::move(next);
  }
  return {};
}

const item_shape& openapi_shapes::shape_of(const schema_place& s) {
  auto [at, fresh] = known_.try_emplace(s.schema);
  if (fresh && s) {
    gather(s, at->second, 0);
    for (const auto& p : at->second.properties)
      at->second.plain.push_back(plain_name(p.first));
  }
  return at->second;
}

void openapi_shapes::gather(schema_place s, item_shape& into, std::size_t depth) {
  s = follow(std::move(s));
  if (!s || depth > deepest || exhausted())
    return;
  ++steps_;
  if (const auto* properties = s.schema->member("properties"); properties != nullptr && properties->is_object()) {
    auto base = s.at + "/properties";
    steps_ += properties->items.size();
    for (std::size_t i = 0; i < properties->items.size() && into.properties.size() < limits::item_members; ++i)
      if (into.find(properties->names[i]) == nullptr)
        into.properties.emplace_back(properties->names[i], schema_place{&properties->items[i], pointer_to(base, properties->names[i])});
  }
  if (const auto* required = s.schema->member("required"); required != nullptr && required->is_array())
    for (const auto& name : required->items)
      if (name.is_string() && into.required.size() < limits::item_members)
        into.required.push_back(name.text);
  if (const auto* all = s.schema->member("allOf"); all != nullptr && all->is_array())
    for (std::size_t i = 0; i < all->items.size(); ++i)
      gather({&all->items[i], s.at + "/allOf/" + std::to_string(i)}, into, depth + 1);
  for (const auto* name : {"oneOf", "anyOf"})
    if (has_list(*s.schema, name))
      gather({&s.schema->member(name)->items.front(), s.at + '/' + name + "/0"}, into, depth + 1);
}

bool openapi_shapes::is_list(const schema_place& s) const {
  return s && s.schema->member("items") != nullptr && s.schema->member("properties") == nullptr;
}

schema_place openapi_shapes::items_of(const schema_place& list) { return core({list.schema->member("items"), list.at + "/items"}); }

bool openapi_shapes::says(schema_place s, std::string_view keyword) {
  for (std::size_t hops = 0; s && s.schema->is_object() && hops < deepest; ++hops) {
    if (const auto* m = s.schema->member(keyword); m != nullptr && m->is_true())
      return true;
    ++steps_;
    if (s.schema->member("$ref") != nullptr)
      s = follow(std::move(s));
    else if (const auto* all = s.schema->member("allOf"); all != nullptr && all->is_array() && all->items.size() == 1)
      s = {&all->items.front(), {}};
    else
      return false;
  }
  return false;
}

std::string_view openapi_shapes::type_of(schema_place s) {
  s = core(std::move(s));
  const auto* type = s ? s.schema->member("type") : nullptr;
  if (type == nullptr)
    return {};
  if (type->is_string())
    return type->text;
  for (const auto& one : type->items)
    if (one.is_string() && one.text != "null")
      return one.text;
  return {};
}

std::string plain_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c + 32);
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      out += c;
  }
  return out;
}

bool ends_with_parameter(std::string_view path) noexcept {
  auto slash = path.rfind('/');
  if (slash == std::string_view::npos || !path.ends_with('}'))
    return false;
  auto last = path.substr(slash + 1);
  return last.size() > 2 && last.front() == '{' && last.find('{', 1) == std::string_view::npos && last.find('}') == last.size() - 1;
}

} // namespace hourglass::mock
