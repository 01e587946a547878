#include "mock/text_condition.hpp"

#include "mock/decimal.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

tl::unexpected<events::error> wrong(std::string why, const std::string& at, errc code = errc::invalid) {
  return failure(code, std::move(why), at);
}

/// A text as the JSON number that it is; empty if it is none.
std::string number_of(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.size() > 100 || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos)
    return {};
  auto v = parse_json(text);
  return v && v->is_number() ? v->text : std::string{};
}

outcome<std::vector<text_condition>> compile_list(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth) {
  if (!v.is_array())
    return wrong("must be an array of conditions", at);
  std::vector<text_condition> out;
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    auto one = text_condition::compile(v.items[i], pointer_to(at, std::to_string(i)), budget, depth + 1);
    if (!one)
      return tl::unexpected<events::error>{std::move(one).error()};
    out.push_back(std::move(*one));
  }
  return out;
}

/// In linear time, whatever the two are.
bool has_piece(std::string_view text, std::string_view piece) {
  return piece.empty() || (!text.empty() && memmem(text.data(), text.size(), piece.data(), piece.size()) != nullptr);
}

bool scalar_text(const json_value& v, std::string& out) {
  if (v.is_string() || v.is_number())
    out = v.text;
  else if (v.is_bool())
    out = v.truth ? "true" : "false";
  return v.is_string() || v.is_number() || v.is_bool();
}

} // namespace

outcome<std::shared_ptr<const ecma_regex>> whole_regex(std::string_view pattern, const std::string& at, match_budget& budget) {
  if (pattern.size() > limits::match_regex_bytes)
    return failure(errc::too_large, "is longer than the limit match_regex_bytes (" + std::to_string(limits::match_regex_bytes) + ")", at);
  auto alone = ecma_regex::compile(pattern); // what is wrong shall be told of the pattern as it was given
  if (!alone)
    return failure(alone.error().code, "is no regular expression that runs in linear time: " + alone.error().detail, at);
  auto whole = ecma_regex::compile("^(?:" + std::string{pattern} + ")$");
  if (!whole)
    return failure(whole.error().code, "is no regular expression that runs in linear time: " + whole.error().detail, at);
  if ((*whole)->steps() > budget.regex_steps)
    return failure(errc::too_large, "the patterns are more than the limit match_regex_steps (" + std::to_string(limits::match_regex_steps) + ")", at);
  budget.regex_steps -= (*whole)->steps();
  return whole;
}

outcome<text_condition> text_condition::compile(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth) {
  if (depth > limits::match_depth)
    return wrong("conditions stand deeper inside each other than the limit match_depth (" + std::to_string(limits::match_depth) + ")", at,
                 errc::too_large);
  if (budget.conditions == 0)
    return wrong("more conditions than the limit match_conditions (" + std::to_string(limits::match_conditions) + ")", at, errc::too_large);
  --budget.conditions;
  text_condition out;
  out.text_ = to_text(v);
  std::string text;
  if (scalar_text(v, text)) {
    out.pieces_.push_back({piece::kind::equals, std::move(text)});
    return out;
  }
  if (!v.is_object() || v.items.empty())
    return wrong("must be a text to be equal to, or an object with operators", at);
  if (auto fine = out.read(v, at, budget, depth); !fine)
    return tl::unexpected<events::error>{std::move(fine).error()};
  return out;
}

outcome<void> text_condition::read(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth) {
  static constexpr std::array<std::string_view, 4> pieces{"equals", "contains", "starts_with", "ends_with"};
  static constexpr std::array<std::string_view, 4> comparisons{"greater_than", "at_least", "less_than", "at_most"};
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    const auto& name = v.names[i];
    const auto& argument = v.items[i];
    const auto here = pointer_to(at, name);
    if (v.member(name) != &argument)
      return wrong("stands twice", here);
    if (auto p = std::find(pieces.begin(), pieces.end(), name); p != pieces.end()) {
      piece one;
      one.what = static_cast<piece::kind>(p - pieces.begin());
      if (!scalar_text(argument, one.text))
        return wrong("must be a text", here);
      pieces_.push_back(std::move(one));
    } else if (auto c = std::find(comparisons.begin(), comparisons.end(), name); c != comparisons.end()) {
      auto limit = argument.is_number() ? argument.text : argument.is_string() ? number_of(argument.text) : std::string{};
      if (limit.empty() || limit.size() > 100)
        return wrong("must be a number of at most 100 digits", here);
      const auto which = c - comparisons.begin();
      numbers_.push_back({std::move(limit), which < 2, which % 2 == 1});
    } else if (name == "matches") {
      if (!argument.is_string())
        return wrong("must be a regular expression", here);
      auto regex = whole_regex(argument.text, here, budget);
      if (!regex)
        return tl::unexpected<events::error>{std::move(regex).error()};
      regex_ = std::move(*regex);
    } else if (name == "ignore_case") {
      if (!argument.is_bool())
        return wrong("must be true or false", here);
      ignore_case_ = argument.truth;
    } else if (name == "absent") {
      if (!argument.is_bool())
        return wrong("must be true or false", here);
      presence_ = argument.truth ? presence::absent : presence::present;
    } else if (name == "not") {
      auto one = compile(argument, here, budget, depth + 1);
      if (!one)
        return tl::unexpected<events::error>{std::move(one).error()};
      not_.push_back(std::move(*one));
    } else if (name == "any_of" || name == "all_of" || name == "includes" || name == "has_exactly") {
      auto list = compile_list(argument, here, budget, depth);
      if (!list)
        return tl::unexpected<events::error>{std::move(list).error()};
      if (name == "includes" && v.member("has_exactly") != nullptr)
        return wrong("does not go with has_exactly", here);
      exactly_ = exactly_ || name == "has_exactly";
      some_ = some_ || name == "any_of";
      (name == "any_of" ? any_ : name == "all_of" ? all_ : includes_) = std::move(*list);
    } else {
      return wrong("is no operator of a condition", here);
    }
  }
  if (ignore_case_ && regex_)
    return wrong("does not go with a regular expression; write it as [aA]", pointer_to(at, "ignore_case"));
  if (ignore_case_ && pieces_.empty())
    return wrong("needs equals, contains, starts_with or ends_with beside it", pointer_to(at, "ignore_case"));
  if (ignore_case_)
    for (auto& p : pieces_)
      p.text = lower(p.text);
  return {};
}

bool text_condition::has_one_rule() const noexcept {
  return !pieces_.empty() || !numbers_.empty() || regex_;
}

bool text_condition::of_one(std::string_view value, schema_purse& purse) const {
  if (!purse.spend(1 + value.size() / 16 * (1 + pieces_.size())))
    return false;
  std::string low;
  if (ignore_case_)
    low = lower(value);
  const std::string_view text = ignore_case_ ? std::string_view{low} : value;
  const bool pieces_fit = std::all_of(pieces_.begin(), pieces_.end(), [&](const piece& p) {
    switch (p.what) {
    case piece::kind::equals:
      return text == p.text;
    case piece::kind::contains:
      return has_piece(text, p.text);
    case piece::kind::starts:
      return text.starts_with(p.text);
    case piece::kind::ends:
      return text.ends_with(p.text);
    }
    return false;
  });
  if (!pieces_fit)
    return false;
  if (!numbers_.empty()) {
    const auto number = number_of(value);
    if (number.empty())
      return false;
    const auto have = decimal::of(number);
    for (const auto& n : numbers_) {
      const auto order = compare(have, decimal::of(n.limit));
      if (order == 0 ? !n.equal : (order > 0) != n.greater)
        return false;
    }
  }
  return !regex_ || (purse.spend(regex_->cost_of(value.size())) && regex_->matches(value));
}

bool text_condition::holds(std::span<const std::string_view> values, schema_purse& purse) const {
  if (!purse.spend(1))
    return false;
  if (presence_ != presence::any && values.empty() != (presence_ == presence::absent))
    return false;
  if (has_one_rule() && std::none_of(values.begin(), values.end(), [&](auto v) { return of_one(v, purse); }))
    return false;
  auto is_so = [&](const text_condition& c) { return c.holds(values, purse); };
  if (!std::all_of(all_.begin(), all_.end(), is_so) || (some_ && std::none_of(any_.begin(), any_.end(), is_so)))
    return false;
  if (exactly_ && values.size() != includes_.size())
    return false;
  for (const auto& c : includes_)
    if (std::none_of(values.begin(), values.end(), [&](std::string_view v) { return c.holds({&v, 1}, purse); }))
      return false;
  if (!not_.empty() && not_.front().holds(values, purse))
    return false;
  return !purse.empty();
}

} // namespace hourglass::mock
