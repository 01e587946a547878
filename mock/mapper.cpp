#include "mock/mapper_rule.hpp"

#include "events/json_check.hpp"
#include "mock/decimal.hpp"
#include "mock/json_compare.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using rule = compiled_mapper::rule;

std::string_view kind_of(const json_value& v) {
  switch (v.kind) {
  case json_value::type::null: return "null";
  case json_value::type::boolean: return "a boolean";
  case json_value::type::number: return "a number";
  case json_value::type::string: return "a text";
  case json_value::type::array: return "an array";
  case json_value::type::object: return "an object";
  }
  return "a value";
}

std::string text_of(const json_value& v) { return v.is_string() ? v.text : to_text(v); }

bool is_number_text(const std::string& text) { // as JSON has it
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && (text[0] == '-' || digit(text[0])) && digit(text.back()) && events::check_json(text, 1).has_value();
}

/// One application: what it may still cost, and what goes wrong.
class application {
public:
  explicit application(const json_value& whole) : whole_(whole) {}

  outcome<void> run(const std::vector<rule>& rules, const json_value& input, json_value& result) {
    for (const auto& r : rules)
      if (auto ok = one(r, input, result); !ok)
        return ok;
    return {};
  }

  outcome<void> pay(const json_value& v, const rule& r) {
    if (!spend(v))
      return too_much(r);
    return {};
  }

private:
  static tl::unexpected<events::error> wrong(const rule& r, std::string why) { return failure(errc::invalid, std::move(why), r.at); }
  static tl::unexpected<events::error> too_much(const rule& r) {
    return failure(errc::too_large, "reads or makes more than a mapper may (" + std::to_string(limits_of_mappers::work) + " values, " +
                                      std::to_string(limits_of_mappers::output_bytes) + " bytes)", r.at);
  }

  bool spend(const json_value& v) {
    if (work_ == 0 || v.text.size() > bytes_)
      return false;
    --work_;
    bytes_ -= v.text.size();
    for (const auto& n : v.names) {
      if (n.size() > bytes_)
        return false;
      bytes_ -= n.size();
    }
    return std::all_of(v.items.begin(), v.items.end(), [this](const auto& i) { return spend(i); });
  }

  /// What it costs to copy `v` or to write it out, before it is done: what is made of it may be much less.
  bool afford(const json_value& v) {
    constexpr std::size_t bytes_a_unit = 64;
    std::size_t cost = 1 + v.text.size() / bytes_a_unit;
    for (const auto& n : v.names)
      cost += n.size() / bytes_a_unit;
    return afford(cost) && std::all_of(v.items.begin(), v.items.end(), [this](const auto& i) { return afford(i); });
  }
  bool afford(std::size_t cost) {
    const bool enough = work_ > cost;
    work_ = enough ? work_ - cost : 0;
    return enough;
  }

  outcome<std::vector<const json_value*>> find(const rule& r, const mapper_path& p, const json_value& input) {
    if (!afford(std::size_t{1}))
      return too_much(r);
    auto found = p.path.find(p.from_whole ? whole_ : input, work_);
    if (!found.complete)
      return too_much(r);
    return std::move(found.values);
  }

  outcome<bool> holds(const rule& r, const json_value& input) {
    auto found = find(r, r.when->path, input);
    if (!found)
      return tl::unexpected<events::error>{std::move(found).error()};
    bool is = !found->empty();
    if (is && r.when->one_of) {
      const auto& all = *r.when->one_of;
      is = std::any_of(all.begin(), all.end(), [&](const auto& v) { return same_value(v, *found->front(), work_); });
      if (work_ == 0)
        return too_much(r);
    }
    return is != r.when->negated;
  }

  outcome<void> one(const rule& r, const json_value& input, json_value& result) {
    if (r.when) {
      auto yes = holds(r, input);
      if (!yes)
        return tl::unexpected<events::error>{std::move(yes).error()};
      if (!*yes)
        return {};
    }
    if (r.removes)
      return remove(r, result);
    auto value = source(r, input);
    if (!value)
      return tl::unexpected<events::error>{std::move(value).error()};
    if ((!*value || (*value)->is_null()) && r.otherwise_missing) {
      if (!afford(*r.otherwise_missing))
        return too_much(r);
      *value = *r.otherwise_missing;
    }
    if (!*value)
      return r.required ? outcome<void>{wrong(r, "there is nothing at `from`, and it is required")} : outcome<void>{};
    if (auto ok = change(r, **value); !ok)
      return ok;
    if (auto ok = pay(**value, r); !ok)
      return ok;
    return put(r, result, std::move(**value));
  }

  // -- where it comes from ------------------------------------------------------------

  outcome<std::optional<json_value>> source(const rule& r, const json_value& input) {
    if (r.constant) {
      if (!afford(*r.constant))
        return too_much(r);
      return std::optional{*r.constant};
    }
    if (!r.from)
      return from_template(r, input);
    auto found = find(r, *r.from, input);
    if (!found)
      return tl::unexpected<events::error>{std::move(found).error()};
    if (r.has_each)
      return for_each(r, *found);
    if (r.all) {
      auto list = json_value::array();
      for (const auto* v : *found) {
        if (auto ok = pay(*v, r); !ok)
          return tl::unexpected<events::error>{std::move(ok).error()};
        list.items.push_back(*v);
      }
      return std::optional{std::move(list)};
    }
    if (found->empty())
      return std::optional<json_value>{};
    if (!afford(*found->front()))
      return too_much(r);
    return std::optional{*found->front()};
  }

  outcome<std::optional<json_value>> for_each(const rule& r, const std::vector<const json_value*>& found) {
    std::vector<const json_value*> elements;
    if (r.all) {
      elements = found;
    } else if (found.empty() || found.front()->is_null()) {
      return std::optional<json_value>{};
    } else if (!found.front()->is_array()) {
      return wrong(r, "`each` goes through an array, and there is " + std::string{kind_of(*found.front())});
    } else {
      for (const auto& v : found.front()->items)
        elements.push_back(&v);
    }
    auto list = json_value::array();
    for (const auto* v : elements) {
      auto made = json_value::object();
      if (auto ok = run(r.each, *v, made); !ok)
        return tl::unexpected<events::error>{std::move(ok).error()};
      list.items.push_back(std::move(made));
      if (work_ == 0)
        return too_much(r);
      --work_;
    }
    return std::optional{std::move(list)};
  }

  outcome<std::optional<json_value>> from_template(const rule& r, const json_value& input) {
    std::string text;
    for (const auto& p : r.pieces) {
      text += p.text;
      if (p.path) {
        auto found = find(r, *p.path, input);
        if (!found)
          return tl::unexpected<events::error>{std::move(found).error()};
        if (!found->empty() && !afford(*found->front()))
          return too_much(r);
        if (!found->empty() && !found->front()->is_null())
          text += text_of(*found->front());
      }
      if (text.size() > bytes_)
        return too_much(r);
    }
    return std::optional{json_value::of(std::move(text))};
  }

  // -- what becomes of it -------------------------------------------------------------

  outcome<void> change(const rule& r, json_value& v) {
    if (r.map) {
      const auto* known = v.is_array() || v.is_object() ? nullptr : r.found_in_map(text_of(v));
      if (known == nullptr && !r.otherwise)
        return wrong(r, "`map` has no entry for what is there, which is " + std::string{kind_of(v)});
      auto mapped = known != nullptr ? *known : *r.otherwise;
      v = std::move(mapped);
    }
    switch (r.as) {
    case rule::type::any: return {};
    case rule::type::string: v = json_value::of(text_of(v)); return {};
    case rule::type::number: return to_number(r, v, false);
    case rule::type::integer: return to_number(r, v, true);
    case rule::type::boolean: return to_boolean(r, v);
    }
    return {};
  }

  static outcome<void> to_number(const rule& r, json_value& v, bool whole) {
    const auto text = v.is_bool() ? std::string{v.truth ? "1" : "0"} : v.text;
    const bool may_be = v.is_number() || v.is_bool() || (v.is_string() && is_number_text(text));
    if (!may_be || (whole && !decimal::of(text).is_integer()))
      return wrong(r, std::string{kind_of(v)} + " that is no " + (whole ? "whole number" : "number"));
    std::int64_t n = 0;
    auto out = json_value::of_number(text);
    if (whole && !out.as_integer(n) && text.size() > 40) // 1e999999 is whole, and nobody wants to read it
      return wrong(r, "a number that is too large");
    v = std::move(out);
    return {};
  }

  static outcome<void> to_boolean(const rule& r, json_value& v) {
    const auto text = text_of(v);
    if (text != "true" && text != "false" && text != "1" && text != "0")
      return wrong(r, std::string{kind_of(v)} + " that is neither true, false, 1 nor 0");
    v = json_value::of_bool(text == "true" || text == "1");
    return {};
  }

  // -- where it goes --------------------------------------------------------------------

  static std::optional<std::size_t> index_of(const std::string& step) {
    std::size_t out = 0;
    const auto [rest, bad] = std::from_chars(step.data(), step.data() + step.size(), out);
    if (step.empty() || bad != std::errc{} || rest != step.data() + step.size() || (step.size() > 1 && step[0] == '0'))
      return std::nullopt;
    return out;
  }

  static json_value* member_of(json_value& v, const std::string& name) {
    const auto at = std::find(v.names.rbegin(), v.names.rend(), name);
    return at == v.names.rend() ? nullptr : &v.items[static_cast<std::size_t>(v.names.rend() - at) - 1];
  }

  outcome<void> put(const rule& r, json_value& result, json_value value) {
    auto* at = &result;
    for (const auto& step : r.place) {
      if (at->is_null())
        *at = step == "-" ? json_value::array() : json_value::object();
      if (at->is_array()) {
        const auto i = step == "-" ? std::optional{at->items.size()} : index_of(step);
        if (!i || *i > at->items.size())
          return wrong(r, "`to` reaches into an array by `" + step.substr(0, 64) + "`, which is no place in it");
        if (*i == at->items.size())
          at->items.emplace_back();
        at = &at->items[*i];
      } else if (at->is_object()) {
        if (!afford(at->items.size() / 8)) // they are looked through
          return too_much(r);
        auto* there = member_of(*at, step);
        if (there == nullptr) {
          if (at->items.size() >= limits_of_mappers::rules && work_ < at->items.size())
            return too_much(r);
          work_ -= std::min<std::uint64_t>(work_, at->items.size());
          at->add(step, {});
          there = &at->items.back();
        }
        at = there;
      } else {
        return wrong(r, "`to` goes through `" + step.substr(0, 64) + "`, before which there is " + std::string{kind_of(*at)});
      }
    }
    *at = std::move(value);
    return {};
  }

  outcome<void> remove(const rule& r, json_value& result) {
    auto* at = &result;
    for (std::size_t i = 0; i + 1 < r.place.size(); ++i) {
      if (!afford(at->items.size()))
        return too_much(r);
      const auto n = at->is_array() ? index_of(r.place[i]) : std::nullopt;
      at = at->is_object() ? member_of(*at, r.place[i]) : n && *n < at->items.size() ? &at->items[*n] : nullptr;
      if (at == nullptr)
        return {};
    }
    if (!afford(at->items.size()))
      return too_much(r);
    const auto& last = r.place.back();
    if (at->is_array()) {
      if (const auto n = index_of(last); n && *n < at->items.size())
        at->items.erase(at->items.begin() + static_cast<std::ptrdiff_t>(*n));
    } else if (at->is_object()) {
      auto without = json_value::object();
      for (std::size_t i = 0; i < at->items.size(); ++i)
        if (at->names[i] != last)
          without.add(std::move(at->names[i]), std::move(at->items[i]));
      *at = std::move(without);
    }
    return {};
  }

  const json_value& whole_;
  std::uint64_t work_ = limits_of_mappers::work;
  std::size_t bytes_ = limits_of_mappers::output_bytes;
};

/// The index of names that `member` uses on a large object is of before the changes.
void seal_all(json_value& v) {
  for (auto& i : v.items)
    seal_all(i);
  v.seal();
}

std::size_t depth_of(const json_value& v) {
  std::size_t out = 0;
  for (const auto& i : v.items)
    out = std::max(out, depth_of(i));
  return out + 1;
}

} // namespace

outcome<json_value> compiled_mapper::apply(const json_value& input) const {
  application a{input};
  auto result = json_value::object();
  if (keep_)
    result = input;
  if (auto ok = a.run(rules_, input, result); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  if (depth_of(result) > limits::json_depth)
    return failure(errc::too_large, "the result is deeper than " + std::to_string(limits::json_depth), "/rules");
  seal_all(result);
  return result;
}

} // namespace hourglass::mock
