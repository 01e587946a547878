// Checking numbers, strings, arrays and objects, and what is said about their faults.
#include "mock/schema_check.hpp"

#include "mock/json_compare.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

std::size_t code_points(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string how_many(std::size_t n, std::string_view what) { return std::to_string(n) + ' ' + std::string{what} + (n == 1 ? "" : "s"); }

std::string but_has(std::string_view bound, std::size_t wanted, std::string_view what, std::size_t there) {
  return "must have at " + std::string{bound} + ' ' + how_many(wanted, what) + ", has " + std::to_string(there);
}

/// At most `most` bytes, and whole characters.
std::string_view front_of(std::string_view text, std::size_t most) {
  if (text.size() <= most)
    return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80)
    --most;
  return text.substr(0, most);
}

} // namespace

// -- numbers and strings -----------------------------------------------------------

bool schema_check::check_number(const schema_node& n, const json_value& v, const way& w) {
  const auto& rules = *n.numbers;
  std::int64_t small = 0;
  const bool is_small = small_integer(v.text, small);
  if (!is_small && !spend(v.text.size()))
    return false;
  std::optional<decimal> exact;
  auto exactly = [&]() -> const decimal& {
    if (!exact)
      exact = decimal::of(v.text);
    return *exact;
  };
  bool ok = true;
  for (const auto& b : rules.bounds) {
    int order = is_small && b.is_small ? (small < b.small ? -1 : small > b.small ? 1 : 0) : compare(exactly(), b.exact);
    bool good = order == 0 ? !b.exclusive : (order < 0) == b.upper;
    if (good)
      continue;
    ok = fault(n, b.keyword, w, [&] {
      return std::string{"must be "} + (b.upper ? (b.exclusive ? "less than " : "at most ") : (b.exclusive ? "greater than " : "at least ")) +
             b.text + ", is " + shown(v);
    });
    if (enough())
      return false;
  }
  if (rules.multiple_of) {
    const auto& m = *rules.multiple_of;
    bool good = is_small && m.is_small ? small % m.small == 0 : exactly().is_multiple_of(m.exact);
    if (!good)
      ok = fault(n, "multipleOf", w, [&] { return "must be a multiple of " + m.text + ", is " + shown(v); });
  }
  return ok;
}

bool schema_check::check_string(const schema_node& n, const std::string& text, const way& w) {
  const auto& rules = *n.strings;
  if (!spend(text.size() / 8 + (rules.pattern ? rules.pattern->cost_of(text.size()) : 0)))
    return false;
  bool ok = true;
  if (rules.least > 0 || rules.most < text.size()) {
    auto length = code_points(text);
    if (length < rules.least)
      ok = fault(n, "minLength", w, [&] { return but_has("least", rules.least, "character", length); });
    else if (length > rules.most)
      ok = fault(n, "maxLength", w, [&] { return but_has("most", rules.most, "character", length); });
  }
  if (rules.pattern && (ok || !enough()) && !rules.pattern->matches(text))
    ok = fault(n, "pattern", w, [&] { return "must match the pattern " + shown(rules.pattern->pattern()) + ", is " + shown(json_value::of(text)); });
  return ok;
}

// -- arrays ------------------------------------------------------------------------

bool schema_check::check_array(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  const auto& rules = *n.arrays;
  bool ok = true;
  if (v.items.size() < rules.least)
    ok = fault(n, "minItems", w, [&] { return but_has("least", rules.least, "element", v.items.size()); });
  else if (v.items.size() > rules.most)
    ok = fault(n, "maxItems", w, [&] { return but_has("most", rules.most, "element", v.items.size()); });
  if (!ok && enough())
    return false;
  if (rules.unique && v.items.size() > 1) {
    auto twice = find_equal(v.items, purse_.left);
    if (!spend(v.items.size()))
      return false;
    if (twice.found)
      ok = fault(n, "uniqueItems", w, [&] {
        return "must have no element twice; those at " + std::to_string(twice.first) + " and " + std::to_string(twice.second) + " are equal";
      });
    if (!ok && enough())
      return false;
  }
  auto upto = rules.rest != nullptr ? v.items.size() : std::min(v.items.size(), rules.prefix.size());
  for (std::size_t i = 0; i < upto; ++i) {
    instance_place at{&w.at, nullptr, i};
    way inner{at, w.scope, w.depth};
    const bool in_prefix = i < rules.prefix.size();
    const auto& element = in_prefix ? *rules.prefix[i] : *rules.rest;
    bool good = element.never && !in_prefix ? fault(n, rules.rest_keyword, inner, [] { return std::string{"is an element too many"}; })
                                            : check(element, v.items[i], inner, nullptr);
    ok = ok && good;
    if (exhausted_ || (!ok && enough()))
      return false;
    if (marks != nullptr)
      (*marks)[i] = true;
  }
  if (rules.contains != nullptr)
    ok = check_contains(n, v, w, rules.contains_evaluates ? marks : nullptr) && ok;
  return ok;
}

bool schema_check::check_contains(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  const auto& rules = *n.arrays;
  std::size_t found = 0;
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    instance_place at{&w.at, nullptr, i};
    if (!quietly(*rules.contains, v.items[i], {at, w.scope, w.depth}, nullptr))
      continue;
    ++found;
    if (marks != nullptr)
      (*marks)[i] = true;
    else if (found >= rules.contains_least && rules.contains_most == unbounded)
      return true;
  }
  if (exhausted_)
    return false;
  if (found < rules.contains_least)
    return fault(n, rules.contains_least == 1 ? "contains" : "minContains", w, [&] {
      return "must have at least " + how_many(rules.contains_least, "element") + " that fit `contains`, has " + std::to_string(found);
    });
  if (found > rules.contains_most)
    return fault(n, "maxContains", w, [&] {
      return "must have at most " + how_many(rules.contains_most, "element") + " that fit `contains`, has " + std::to_string(found);
    });
  return true;
}

// -- objects -----------------------------------------------------------------------

bool schema_check::check_object(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  const auto& rules = *n.objects;
  bool ok = true;
  if (v.items.size() < rules.least)
    ok = fault(n, "minProperties", w, [&] { return but_has("least", rules.least, "member", v.items.size()); });
  else if (v.items.size() > rules.most)
    ok = fault(n, "maxProperties", w, [&] { return but_has("most", rules.most, "member", v.items.size()); });
  if (!ok && enough())
    return false;
  ok = check_members(n, v, w, marks) && ok;
  if (exhausted_ || (!ok && enough()))
    return false;
  for (const auto& d : rules.dependents) {
    if (!spend(1 + d.name.size() / 64))
      return false;
    if (v.member(d.name) == nullptr)
      continue;
    if (!spend(d.required.size()))
      return false;
    for (const auto& name : d.required)
      if (v.member(name) == nullptr)
        ok = fault(n, d.keyword, w, [&] { return "must have the member " + shown(name) + ", because it has " + shown(d.name); });
    if (d.schema != nullptr)
      ok = check(*d.schema, v, w, marks) && ok;
    if (exhausted_ || (!ok && enough()))
      return false;
  }
  return ok;
}

bool schema_check::check_members(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks) {
  const auto& rules = *n.objects;
  constexpr std::size_t counted = 64;
  std::uint64_t there = 0; // bits of the required members that were seen
  bool ok = true;
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    const auto& name = v.names[i];
    instance_place at{&w.at, &name, i};
    way inner{at, w.scope, w.depth};
    if (!spend(1 + name.size() / 64))
      return false;
    const auto* known = rules.names.find(name);
    bool evaluated = false;
    bool good = true;
    if (known != nullptr) {
      if (known->required >= 0 && static_cast<std::size_t>(known->required) < counted)
        there |= std::uint64_t{1} << static_cast<unsigned>(known->required);
      if (known->schema != nullptr) {
        evaluated = true;
        good = check(*known->schema, v.items[i], inner, nullptr);
      }
    }
    for (const auto& p : rules.patterns) {
      if (!spend(p.pattern->cost_of(name.size())))
        return false;
      if (!p.pattern->matches(name))
        continue;
      evaluated = true;
      good = check(*p.schema, v.items[i], inner, nullptr) && good;
    }
    if (!evaluated && rules.additional != nullptr) {
      evaluated = true;
      good = rules.additional->never ? fault(n, "additionalProperties", inner, [] { return std::string{"is a member that is not known"}; })
                                     : check(*rules.additional, v.items[i], inner, nullptr);
    }
    if (rules.property_names != nullptr)
      good = (quietly(*rules.property_names, json_value::of(name), inner, nullptr) ||
              fault(n, "propertyNames", inner, [] { return std::string{"has a name that is not allowed"}; })) && good;
    ok = ok && good;
    if (exhausted_ || (!ok && enough()))
      return false;
    if (marks != nullptr && evaluated)
      (*marks)[i] = true;
  }
  if (!spend(rules.required.size() / 16))
    return false;
  for (std::size_t i = 0; i < rules.required.size(); ++i) {
    if (i >= counted && !spend(1 + rules.required[i].size() / 64))
      return false;
    bool seen = i < counted ? ((there >> i) & 1U) != 0 : v.member(rules.required[i]) != nullptr;
    if (seen)
      continue;
    ok = fault(n, "required", w, [&] { return "must have the member " + shown(rules.required[i]); });
    if (enough())
      return false;
  }
  return ok;
}

// -- what is said ------------------------------------------------------------------

std::string told_pointer(std::string_view pointer) {
  auto front = front_of(pointer, limits::fault_pointer_bytes);
  const bool cut = front.size() < pointer.size();
  if (cut && front.ends_with('~')) // half an escape
    front.remove_suffix(1);
  return std::string{front} + (cut ? "…" : "");
}

std::string instance_place::pointer() const {
  std::vector<const instance_place*> way;
  for (const auto* p = this; p->up != nullptr; p = p->up)
    way.push_back(p);
  std::string out;
  for (auto at = way.rbegin(); at != way.rend() && out.size() <= limits::fault_pointer_bytes; ++at) {
    const auto* member = (*at)->name;
    out += member != nullptr ? pointer_to("", front_of(*member, limits::fault_pointer_bytes + 4)) : '/' + std::to_string((*at)->index);
  }
  return told_pointer(out);
}

std::string schema_check::keyword_uri(const schema_node& n, std::string_view keyword) {
  auto at = told_pointer(n.at);
  return keyword.empty() ? at : pointer_to(at, keyword);
}

std::string names_of_types(std::uint8_t types) {
  namespace t = schema_types;
  std::vector<std::string> names;
  if ((types & t::object) != 0)
    names.emplace_back("an object");
  if ((types & t::array) != 0)
    names.emplace_back("an array");
  if ((types & t::string) != 0)
    names.emplace_back("a string");
  if ((types & t::number) != 0)
    names.emplace_back("a number");
  else if ((types & t::integer) != 0)
    names.emplace_back("an integer");
  if ((types & t::boolean) != 0)
    names.emplace_back("a boolean");
  if ((types & t::null) != 0)
    names.emplace_back("null");
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return out;
}

std::string_view name_of_type(const json_value& v) noexcept {
  switch (v.kind) {
  case json_value::type::null:
    return "null";
  case json_value::type::boolean:
    return "a boolean";
  case json_value::type::string:
    return "a string";
  case json_value::type::array:
    return "an array";
  case json_value::type::object:
    return "an object";
  case json_value::type::number:
    return v.text.find_first_of(".eE") == std::string::npos ? "an integer" : "a number";
  }
  return "";
}

std::string shown(std::string_view text) {
  auto front = front_of(text, 80);
  return '`' + std::string{front} + (front.size() < text.size() ? "…`" : "`");
}

std::string shown(const json_value& v) {
  if (v.is_array() || v.is_object())
    return std::string{name_of_type(v)};
  return v.is_string() ? shown(to_text(json_value::of(std::string{front_of(v.text, 100)}))) : shown(to_text(v));
}

} // namespace hourglass::mock
