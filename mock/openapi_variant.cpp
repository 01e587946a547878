#include "mock/openapi_variant.hpp"

#include "mock/openapi.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

/// The conditions so far, by place and name.
class conditions {
public:
  void add(const std::string& place, const std::string& name, json_value condition) {
    auto* of_place = here(place);
    if (of_place->member(name) == nullptr)
      of_place->add(name, std::move(condition));
  }
  json_value take() { return all_.items.empty() ? json_value{} : std::move(all_); }

private:
  json_value* here(const std::string& place) {
    const auto at = std::find(all_.names.begin(), all_.names.end(), place);
    if (at != all_.names.end())
      return &all_.items[static_cast<std::size_t>(at - all_.names.begin())];
    all_.add(place, json_value::object());
    return &all_.items.back();
  }

  json_value all_ = json_value::object();
};

json_value is_there() {
  auto out = json_value::object();
  out.add("absent", json_value::of_bool(false));
  return out;
}

json_value equals(std::string text) {
  auto out = json_value::object();
  out.add("equals", json_value::of(std::move(text)));
  return out;
}

void read_query(std::string_view query, conditions& into) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto middle = std::min(pair.find('='), pair.size());
    std::string name, value;
    if (!percent_decode(pair.substr(0, middle), true, name) || !percent_decode(pair.substr(std::min(middle + 1, pair.size())), true, value) || name.empty())
      continue;
    into.add("query", name, value.empty() || value.front() == '{' ? is_there() : equals(std::move(value)));
  }
}

/// The only text that a schema takes, if it says so.
std::optional<std::string> only_value(const json_value& root, const json_value& schema) {
  const auto* s = follow_reference(root, schema);
  const auto* one = s != nullptr ? s->member("const") : nullptr;
  if (const auto* all = s != nullptr ? s->member("enum") : nullptr; one == nullptr && all != nullptr && all->is_array() && all->items.size() == 1)
    one = &all->items.front();
  if (one == nullptr || (!one->is_string() && !one->is_number()))
    return std::nullopt;
  return one->text;
}

void read_parameters(const json_value& root, const json_value& of, conditions& into) {
  const auto* all = of.member("parameters");
  if (all == nullptr || !all->is_array())
    return;
  for (const auto& one : all->items) {
    const auto* p = follow_reference(root, one);
    const auto* schema = p != nullptr ? p->member("schema") : nullptr;
    if (schema == nullptr || !p->truth_member("required"))
      continue;
    const auto place = p->string_member("in");
    if (place != "query" && place != "header")
      continue;
    if (auto value = only_value(root, *schema))
      into.add(place == "query" ? "query" : "headers", std::string{p->string_member("name")}, equals(std::move(*value)));
  }
}

} // namespace

std::optional<path_variant> variant_of(const json_value& root, const std::string& path, const json_value& item, const json_value& operation) {
  const auto end = path.find_first_of("?#");
  if (end == std::string::npos)
    return std::nullopt;
  path_variant out{path.substr(0, end), {}};
  conditions found;
  if (path[end] == '?') {
    read_query(std::string_view{path}.substr(end + 1, path.find('#', end) - end - 1), found);
  } else {
    read_parameters(root, operation, found);
    read_parameters(root, item, found);
  }
  out.match = found.take();
  return out;
}

} // namespace hourglass::mock
