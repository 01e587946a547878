#include "mock/json_match.hpp"

#include "mock/json_compare.hpp"
#include "mock/object_reader.hpp"

#include <algorithm>

namespace hourglass::mock {

using events::outcome;

namespace {

constexpr std::string_view placeholder = "${json-unit.";
constexpr std::string_view regex_placeholder = "${json-unit.regex}";

} // namespace

outcome<json_match> json_match::compile(const json_value& v, const std::string& at, match_budget& budget) {
  object_reader in{v, at};
  in.only({"equals", "ignore_array_order", "ignore_extra_elements"});
  json_match out;
  out.any_order_ = in.truth("ignore_array_order", false);
  out.extra_ = in.truth("ignore_extra_elements", false);
  if (!in.has("equals"))
    in.fail("is required", "equals");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  out.wanted_ = *v.member("equals");
  if (auto fine = out.note_placeholders(out.wanted_, in.where("equals"), budget); !fine)
    return tl::unexpected<events::error>{std::move(fine).error()};
  return out;
}

outcome<void> json_match::note_placeholders(const json_value& v, const std::string& at, match_budget& budget) {
  for (std::size_t i = 0; i < v.items.size(); ++i)
    if (auto fine = note_placeholders(v.items[i], pointer_to(at, v.is_object() ? v.names[i] : std::to_string(i)), budget); !fine)
      return fine;
  if (!v.is_string() || !v.text.starts_with(regex_placeholder) || regexes_.contains(v.text))
    return {};
  auto regex = whole_regex(std::string_view{v.text}.substr(regex_placeholder.size()), at, budget);
  if (!regex)
    return tl::unexpected<events::error>{std::move(regex).error()};
  regexes_.emplace(v.text, std::move(*regex));
  return {};
}

bool json_match::holds(const json_value& v, schema_purse& purse) const {
  return same(wanted_, v, purse) && !purse.empty();
}

std::string json_match::first_difference(const json_value& v, schema_purse& purse) const {
  std::string at;
  const auto* wanted = &wanted_;
  const auto* other = &v;
  while (other != nullptr && wanted->kind == other->kind && !purse.empty()) {
    const json_value* next = nullptr;
    if (wanted->is_object()) {
      for (std::size_t i = 0; i < wanted->items.size() && next == nullptr; ++i)
        if (const auto* there = other->member(wanted->names[i]); there == nullptr || !same(wanted->items[i], *there, purse)) {
          at = pointer_to(at, wanted->names[i]);
          next = &wanted->items[i];
          other = there;
        }
      if (next == nullptr && !extra_)
        for (const auto& name : other->names)
          if (wanted->member(name) == nullptr)
            return pointer_to(at, name);
    } else if (wanted->is_array() && !any_order_ && wanted->items.size() == other->items.size()) {
      for (std::size_t i = 0; i < wanted->items.size() && next == nullptr; ++i)
        if (!same(wanted->items[i], other->items[i], purse)) {
          at = pointer_to(at, std::to_string(i));
          next = &wanted->items[i];
          other = &other->items[i];
        }
    }
    if (next == nullptr)
      break;
    wanted = next;
  }
  return at;
}

bool json_match::same(const json_value& wanted, const json_value& v, schema_purse& purse) const {
  if (!purse.spend(1))
    return false;
  if (wanted.is_string() && wanted.text.starts_with(placeholder)) {
    const auto what = std::string_view{wanted.text}.substr(placeholder.size());
    if (what == "ignore}" || what == "ignore-element}")
      return true;
    if (what == "any-string}")
      return v.is_string();
    if (what == "any-number}")
      return v.is_number();
    if (what == "any-boolean}")
      return v.is_bool();
    if (auto at = regexes_.find(wanted.text); at != regexes_.end())
      return v.is_string() && purse.spend(at->second->cost_of(v.text.size())) && at->second->matches(v.text);
  }
  if (wanted.is_array() && v.is_array())
    return same_array(wanted, v, purse);
  if (wanted.is_object() && v.is_object())
    return same_object(wanted, v, purse);
  return same_value(wanted, v, purse.left);
}

bool json_match::same_array(const json_value& wanted, const json_value& v, schema_purse& purse) const {
  const auto& a = wanted.items;
  const auto& b = v.items;
  if (extra_ ? a.size() > b.size() : a.size() != b.size())
    return false;
  if (!any_order_ && !extra_)
    return std::equal(a.begin(), a.end(), b.begin(), [&](const auto& x, const auto& y) { return same(x, y, purse); });
  if (!any_order_) { // others may stand between them
    std::size_t i = 0;
    for (const auto& x : a) {
      while (i < b.size() && !same(x, b[i], purse))
        if (++i; !purse.spend(1))
          return false;
      if (i++ == b.size())
        return false;
    }
    return true;
  }
  constexpr auto nobody = ~std::size_t{0};
  std::vector<std::size_t> taken_by(b.size(), nobody);
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!find_place(a, b, i, taken_by, purse))
      return false;
  return true;
}

bool json_match::find_place(const std::vector<json_value>& a, const std::vector<json_value>& b, std::size_t wanted,
                            std::vector<std::size_t>& taken_by, schema_purse& purse) const {
  // An augmenting path (Kuhn): where all that fit are taken, one of their takers goes elsewhere. Those that are looked at stand in a queue.
  constexpr auto nobody = ~std::size_t{0};
  std::vector<bool> seen(b.size());
  std::vector<std::size_t> reached_by(b.size(), nobody); // the one that would move there
  std::vector<std::size_t> place_of(a.size(), nobody);
  for (std::size_t i = 0; i < b.size(); ++i)
    if (taken_by[i] != nobody)
      place_of[taken_by[i]] = i;
  std::vector<std::size_t> queue{wanted};
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const auto x = queue[next];
    if (!purse.spend(1 + (a.size() + b.size()) / 8))
      return false;
    for (const bool taken : {false, true}) // what is free first: then no one moves
      for (std::size_t i = 0; i < b.size(); ++i) {
        if (seen[i] || (taken_by[i] != nobody) != taken)
          continue;
        if (!same(a[x], b[i], purse)) {
          if (purse.empty())
            return false;
          continue;
        }
        seen[i] = true;
        reached_by[i] = x;
        if (taken) {
          queue.push_back(taken_by[i]);
          continue;
        }
        for (auto at = i; at != nobody;) { // each moves to where it was reached
          const auto mover = reached_by[at];
          taken_by[at] = mover;
          at = place_of[mover];
        }
        return true;
      }
  }
  return false;
}

bool json_match::same_object(const json_value& wanted, const json_value& v, schema_purse& purse) const {
  std::size_t known = 0;
  for (std::size_t i = 0; i < wanted.items.size(); ++i) {
    if (!purse.spend(1 + wanted.names[i].size() / 64))
      return false;
    if (wanted.member(wanted.names[i]) != &wanted.items[i])
      continue; // of a member that is given twice, the last one counts
    const auto* other = v.member(wanted.names[i]);
    if (other == nullptr) {
      if (wanted.items[i].is_string() && wanted.items[i].text == "${json-unit.ignore-element}")
        continue;
      return false;
    }
    ++known;
    if (!same(wanted.items[i], *other, purse))
      return false;
  }
  if (extra_)
    return true;
  std::size_t there = 0;
  for (std::size_t i = 0; i < v.items.size(); ++i)
    there += v.member(v.names[i]) == &v.items[i] ? 1 : 0;
  return purse.spend(v.items.size()) && there == known;
}

} // namespace hourglass::mock
