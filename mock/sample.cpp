#include "mock/sample_view.hpp"

#include "events/limits.hpp"
#include "mock/json_compare.hpp"
#include "mock/openapi.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

namespace hourglass::mock {

namespace {

constexpr std::size_t deepest = 48; // of a generated value, and of references within one schema

bool is_null_schema(const json_value& s) { return s.string_member("type") == "null"; }

std::size_t size_of(const json_value& v) {
  std::size_t n = 1;
  for (const auto& item : v.items)
    n += size_of(item);
  return n;
}

} // namespace

// -- a flattened schema ------------------------------------------------------------

const json_value* sampler::view::keyword(std::string_view name) const {
  for (const auto& p : parts)
    if (const auto* k = p.schema->member(name))
      return k;
  return nullptr;
}

double sampler::view::bound(std::string_view name, double otherwise) const {
  const auto* k = keyword(name);
  return k != nullptr && k->is_number() ? k->as_double() : otherwise;
}

std::size_t sampler::view::count(std::string_view name, std::size_t otherwise) const {
  std::int64_t n = 0;
  const auto* k = keyword(name);
  return k != nullptr && k->as_integer(n) && n >= 0 ? static_cast<std::size_t>(n) : otherwise;
}

bool sampler::view::nullable() const {
  for (const auto& p : parts) {
    if (const auto* n = p.schema->member("nullable"); n != nullptr && n->is_true())
      return true;
    if (const auto* t = p.schema->member("type"); t != nullptr && t->is_array())
      for (const auto& one : t->items)
        if (one.text == "null")
          return true;
  }
  return false;
}

bool sampler::view::leads_to(std::size_t within, const json_value* target) const {
  for (; within != SIZE_MAX; within = entered[within].within)
    if (entered[within].target == target)
      return true;
  return false;
}

bool sampler::view::has_properties() const {
  return std::any_of(parts.begin(), parts.end(), [](const part& p) { return p.schema->member("properties") != nullptr; });
}

std::string_view sampler::view::type() const {
  for (const auto& p : parts) {
    const auto* t = p.schema->member("type");
    if (t == nullptr)
      continue;
    if (t->is_string())
      return t->text;
    for (const auto& one : t->items)
      if (one.is_string() && one.text != "null")
        return one.text;
    if (!t->items.empty())
      return "null";
  }
  if (has_properties() || keyword("additionalProperties") != nullptr || keyword("required") != nullptr)
    return "object";
  if (keyword("items") != nullptr || keyword("prefixItems") != nullptr || keyword("contains") != nullptr)
    return "array";
  if (keyword("format") != nullptr || keyword("minLength") != nullptr || keyword("maxLength") != nullptr || keyword("pattern") != nullptr)
    return "string";
  if (keyword("minimum") != nullptr || keyword("maximum") != nullptr || keyword("multipleOf") != nullptr)
    return "number";
  return {};
}

// -- the walk ------------------------------------------------------------------------

sampler::sampler(const json_value& root, const events::entropy& seed, extent most, verdict fits)
  : root_(root), most_(most), fits_(std::move(fits)) {
  std::memcpy(&seed_, seed.data(), sizeof(seed_));
}

std::uint64_t sampler::draw() noexcept { // splitmix64
  auto z = state_ += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

json_value sampler::sample(const json_value& schema, std::string_view place) {
  constexpr std::uint64_t most = 5;
  auto first = attempt(schema, place, 0);
  auto fits = [&](const json_value& value) {
    return paid(limits::schema_work, [&](schema_purse& purse) { return fits_(schema, value, purse); });
  };
  last_ = judgement::fits;
  const bool own = own_taken_;
  if (fits_ && !exhausted() && !fits(first ? *first : json_value{})) {
    for (std::uint64_t n = 1; n < most && !exhausted(); ++n)
      if (auto next = attempt(schema, place, n); next && fits(*next)) {
        if (own && first && n == 1) {
          last_ = judgement::fits_without_own;
          first_try_ = std::move(*first);
        }
        return std::move(*next);
      }
    if (!exhausted()) {
      last_ = first ? judgement::does_not_fit : judgement::no_value;
      first_try_ = first ? *first : json_value{};
    }
  }
  return first ? std::move(*first) : json_value{};
}

sampler::maybe sampler::attempt(const json_value& schema, std::string_view place, std::uint64_t number) {
  own_values_ = may_use_own_ && (number == 0 || number == 2);
  lean_ = number >= 2;
  state_ = seed_ + number;
  for (unsigned char c : place) // FNV-1a, so that one place's values do not depend on another's
    state_ = (state_ ^ c) * 0x100000001b3U;
  own_taken_ = false;
  active_.clear();
  nodes_ = 0;
  steps_ = 0;
  auto v = value_of({&schema}, 0, 0, {});
  total_steps_ += steps_;
  return v;
}

sampler::maybe sampler::value_of(const schemas& all, std::size_t depth, std::size_t ordinal, std::string_view name) {
  if (depth > deepest || exhausted())
    return std::nullopt;
  view v;
  for (const auto* schema : all)
    if (!gather(*schema, v, all.size() == 1, 0))
      return std::nullopt;
  auto made = choose(v, 0, depth, ordinal, name);
  if (!made && v.nullable())
    return json_value{};
  return made;
}

/// Lays `schema` out into `v`. False if it cannot be met: a recursion, a dangling reference, `false`.
/// What was laid out already, as when two parts of an `allOf` share a base, is met by that.
bool sampler::gather(const json_value& schema, view& v, bool whole, std::size_t depth, std::size_t within) {
  if (++steps_ > limits::sample_steps || depth > deepest)
    return false;
  if (schema.is_bool())
    return schema.truth;
  if (!schema.is_object())
    return true;
  if (schema.member("$ref") != nullptr) {
    const auto* target = follow_reference(root_, schema);
    if (target == nullptr)
      return true; // warned of by the importer: anything will do
    if (std::find(active_.begin(), active_.end(), target) != active_.end() || v.leads_to(within, target))
      return false;
    if (std::any_of(v.entered.begin(), v.entered.end(), [target](const view::reference& r) { return r.target == target; }))
      return true;
    v.entered.push_back({target, within});
    within = v.entered.size() - 1;
    if (!gather(*target, v, whole, depth + 1, within))
      return false;
  }
  v.parts.push_back({&schema, whole, within});
  // Where the condition holds, what follows from it does.
  if (const auto* condition = schema.member("if"); condition != nullptr && condition->is_object())
    for (const auto* part : {condition, schema.member("then")})
      if (part != nullptr && !gather(*part, v, false, depth + 1, within))
        return false;
  if (const auto* all = schema.member("allOf"); all != nullptr && all->is_array())
    for (const auto& one : all->items)
      if (!gather(one, v, whole && all->items.size() == 1 && !v.has_properties(), depth + 1, within))
        return false;
  return true;
}

/// Decides the oneOf and anyOf of the parts from `next` on, taking the first alternative that leads to a value.
sampler::maybe sampler::choose(const view& v, std::size_t next, std::size_t depth, std::size_t ordinal, std::string_view name) {
  if (steps_ > limits::sample_steps)
    return std::nullopt;
  if (auto ready = given(v, ordinal))
    return ready;
  for (; next < v.parts.size(); ++next) {
    const auto& schema = *v.parts[next].schema;
    const auto* alternatives = schema.member("oneOf");
    if (alternatives == nullptr)
      alternatives = schema.member("anyOf");
    if (alternatives == nullptr || !alternatives->is_array() || alternatives->items.empty())
      continue;
    for (bool nulls : {false, true}) {
      for (const auto& one : alternatives->items) {
        if (is_null_schema(one) != nulls)
          continue;
        view with = v;
        if (!gather(one, with, !v.has_properties(), 0, v.parts[next].within))
          continue;
        const auto* discriminator = schema.member("discriminator");
        auto reference = one.string_member("$ref");
        if (discriminator != nullptr && !reference.empty()) {
          std::string value{reference.substr(reference.rfind('/') + 1)};
          if (const auto last = value.rfind("~1"); last != std::string::npos) // of a schema that is kept under its whole pointer
            value.erase(0, last + 2);
          if (const auto* mapping = discriminator->member("mapping"); mapping != nullptr && mapping->is_object()) {
            steps_ += mapping->items.size();
            for (std::size_t i = 0; i < mapping->items.size(); ++i)
              if (mapping->items[i].text == reference)
                value = mapping->names[i];
          }
          with.decided.emplace_back(discriminator->string_member("propertyName"), std::move(value));
        }
        if (auto made = choose(with, next + 1, depth, ordinal, name))
          return made;
        if (steps_ > limits::sample_steps)
          return std::nullopt;
      }
    }
    return std::nullopt;
  }
  return generate(v, depth, ordinal, name);
}

/// A value that the schema itself names. An example of only a part of an object does not count.
sampler::maybe sampler::given(const view& v, std::size_t ordinal) {
  auto usable = [&](const view::part& p, const json_value& value) {
    return (p.whole || (!value.is_object() && !value.is_array())) && (!value.is_null() || v.nullable());
  };
  auto take = [&](const json_value& value) {
    auto size = size_of(value);
    nodes_ += size;
    steps_ += size;
    return maybe{value};
  };
  auto own = [&](const json_value& value) {
    own_taken_ = true;
    return take(value);
  };
  for (const auto& p : v.parts)
    if (const auto* k = p.schema->member("const"))
      return take(*k);
  for (const auto& p : v.parts) {
    if (!own_values_)
      break;
    if (const auto* k = p.schema->member("example"); k != nullptr && usable(p, *k))
      return own(*k);
    if (const auto* k = p.schema->member("examples"); k != nullptr && k->is_array() && !k->items.empty() && usable(p, k->items.front()))
      return own(k->items[ordinal % k->items.size()]);
  }
  for (const auto& p : v.parts)
    if (const auto* k = p.schema->member("default"); k != nullptr && !k->is_null() && usable(p, *k) && ordinal == 0 && own_values_)
      return own(*k);
  for (const auto& p : v.parts)
    if (const auto* k = p.schema->member("enum"); k != nullptr && k->is_array() && !k->items.empty())
      return take(k->items[ordinal % k->items.size()]);
  return std::nullopt;
}

sampler::maybe sampler::generate(const view& v, std::size_t depth, std::size_t ordinal, std::string_view name) {
  ++nodes_;
  auto before = active_.size();
  for (const auto& r : v.entered)
    active_.push_back(r.target);
  auto type = v.type();
  maybe out;
  if (type == "object")
    out = object(v, depth);
  else if (type == "array")
    out = array(v, depth);
  else if (type == "string")
    out = text(v, name, ordinal);
  else if (type == "integer" || type == "number")
    out = number(v, type == "integer");
  else if (type == "boolean")
    out = json_value::of_bool(true);
  else
    out = json_value{}; // nothing says what it is: null is as good as anything
  active_.resize(before);
  return out;
}

sampler::maybe sampler::object(const view& v, std::size_t depth) {
  std::vector<std::pair<std::string_view, schemas>> members;
  std::unordered_map<std::string_view, std::size_t> places;
  std::unordered_set<std::string_view> required;
  for (const auto& p : v.parts) {
    if (const auto* list = p.schema->member("required"); list != nullptr && list->is_array())
      for (const auto& one : list->items)
        required.insert(one.text);
    const auto* properties = p.schema->member("properties");
    if (properties == nullptr || !properties->is_object())
      continue;
    steps_ += properties->items.size();
    if (steps_ > limits::sample_steps)
      return std::nullopt;
    for (std::size_t i = 0; i < properties->items.size(); ++i) {
      auto [at, fresh] = places.try_emplace(properties->names[i], members.size());
      if (fresh)
        members.push_back({properties->names[i], {}});
      members[at->second].second.push_back(&properties->items[i]);
    }
  }
  auto out = json_value::object();
  for (const auto& [name, all] : members) {
    bool must = required.contains(name);
    required.erase(name);
    auto decided = std::find_if(v.decided.begin(), v.decided.end(), [&, n = name](const auto& d) { return d.first == n; });
    if (decided != v.decided.end() && allows(all, decided->second)) {
      out.add(std::string{name}, json_value::of(decided->second));
      continue;
    }
    auto hidden = [](const json_value* s) {
      const auto* w = s->member("writeOnly");
      return w != nullptr && w->is_true();
    };
    if (std::any_of(all.begin(), all.end(), hidden))
      continue;
    if (!must && (lean_ || depth >= most_.depth || nodes_ >= most_.nodes))
      continue;
    auto value = value_of(all, depth + 1, 0, name);
    if (!value && must)
      return std::nullopt;
    if (value)
      out.add(std::string{name}, std::move(*value));
  }
  for (const auto& p : v.parts) // required, but nothing says what they are
    if (const auto* list = p.schema->member("required"); list != nullptr && list->is_array())
      for (const auto& one : list->items)
        if (required.erase(one.text) > 0 && !one.text.empty())
          out.add(one.text, json_value::of("string"));
  if (!extra_members(v, depth, out))
    return std::nullopt;
  return out;
}

/// Members beyond `properties`: one to show what a pure map looks like, and as many as minProperties asks for.
bool sampler::extra_members(const view& v, std::size_t depth, json_value& out) {
  const auto* schema = v.keyword("additionalProperties");
  bool open = schema == nullptr || !schema->is_bool() || schema->truth;
  bool pure_map = schema != nullptr && schema->is_object() && !v.has_properties() && depth < most_.depth;
  auto least = std::min(v.count("minProperties", 0), limits::sample_nodes);
  auto wanted = std::max(least, pure_map && v.count("maxProperties", 1) > 0 ? std::size_t{1} : std::size_t{0});
  for (std::size_t i = 1; open && out.items.size() < wanted; ++i) {
    auto value = schema != nullptr && schema->is_object() ? value_of({schema}, depth + 1, i - 1, {}) : maybe{json_value::of("string")};
    if (!value)
      return out.items.size() >= least;
    out.add("property" + std::to_string(i), std::move(*value));
  }
  return true;
}

sampler::maybe sampler::array(const view& v, std::size_t depth) {
  auto out = json_value::array();
  auto least = v.count("minItems", 0);
  auto most = std::min(v.count("maxItems", 100), std::size_t{100});
  auto wanted = std::min(std::max<std::size_t>(least, 1), most);
  const auto* first = v.keyword("prefixItems");
  const auto* items = v.keyword("items");
  if (first == nullptr && items != nullptr && items->is_array()) { // as in JSON Schema before 2020-12
    first = items;
    items = v.keyword("additionalItems");
  }
  if (first != nullptr && first->is_array())
    wanted = std::max(wanted, std::min(first->items.size(), most));
  if (least == 0 && (depth >= most_.depth || nodes_ >= most_.nodes))
    return out;
  const auto* unique = v.keyword("uniqueItems");
  const bool distinct = unique != nullptr && unique->is_true();
  auto stands_already = [&](const json_value& value) {
    return distinct && std::any_of(out.items.begin(), out.items.end(), [&](const json_value& other) { return same_value(value, other); });
  };
  bool closed = items != nullptr && items->is_bool() && !items->truth;
  for (std::size_t i = 0; i < wanted; ++i) {
    bool in_prefix = first != nullptr && i < first->items.size();
    if (!in_prefix && (closed || items == nullptr) && i >= least)
      break;
    const auto* schema = in_prefix ? &first->items[i] : items;
    auto value = schema != nullptr ? value_of({schema}, depth + 1, i, {}) : maybe{json_value{}};
    for (std::size_t other = 1; other < 20 && value && schema != nullptr && stands_already(*value); ++other)
      value = value_of({schema}, depth + 1, i + other, {});
    if (!value || stands_already(*value))
      return out.items.size() >= least ? maybe{std::move(out)} : std::nullopt;
    out.items.push_back(std::move(*value));
  }
  if (!add_contained(v, depth, most, out))
    return std::nullopt;
  return out;
}

/// As many elements as `contains` asks for.
bool sampler::add_contained(const view& v, std::size_t depth, std::size_t most, json_value& out) {
  const auto* contains = v.keyword("contains");
  if (contains == nullptr)
    return true;
  schemas both{contains};
  if (const auto* items = v.keyword("items"); items != nullptr && items->is_object())
    both.push_back(items);
  auto wanted = v.count("minContains", 1);
  if (out.items.size() + wanted > most)
    out.items.resize(most > wanted ? most - wanted : 0);
  for (std::size_t i = 0; i < wanted && i < limits::sample_nodes; ++i) {
    auto value = value_of(both, depth + 1, i, {});
    if (!value)
      return false;
    out.items.push_back(std::move(*value));
  }
  return true;
}

} // namespace hourglass::mock
