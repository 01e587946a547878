#pragma once

#include "mock/ecma_regex.hpp"
#include "mock/json_value.hpp"
#include "mock/match_limits.hpp"
#include "mock/schema.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What compiling one match document may still take.
struct match_budget {
  std::size_t conditions = limits::match_conditions;
  std::size_t regex_steps = limits::match_regex_steps;
};

/// A regular expression that all of a text must match. Fails as `ecma_regex::compile`, with `at` as the place.
events::outcome<std::shared_ptr<const ecma_regex>> whole_regex(std::string_view pattern, const std::string& at, match_budget& budget);

/// What the values of one name (a query parameter, a header …), of which there may be none or several, must be.
///
///   condition := text, number or truth value: one value equals it | {operator: argument …}: all of these hold
///   of one value (the same for all operators): "equals" "contains" "starts_with" "ends_with" "matches" (a regular expression, of the whole value)
///                "greater_than" "at_least" "less_than" "at_most" (numbers); "ignore_case": true (of ASCII letters, for all but "matches")
///   of all values: "absent": whether there is none; "not": condition; "any_of", "all_of": [condition …];
///                  "includes": [condition …], each is some value's; "has_exactly": [condition …], and as many values as conditions
///
/// `not` holds where what it negates does not, so also where there is nothing. Immutable; any thread.
class text_condition {
public:
  /// Fails with `errc::invalid` or `errc::too_large`, `where` beginning with `at`.
  static events::outcome<text_condition> compile(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth = 0);

  /// False, too, once the purse is empty.
  bool holds(std::span<const std::string_view> values, schema_purse& purse) const;
  /// As it was put, as JSON; for telling.
  const std::string& text() const noexcept { return text_; }

private:
  struct number_rule {
    std::string limit; ///< JSON number
    bool greater = false;
    bool equal = false;
  };

  events::outcome<void> read(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth);
  bool of_one(std::string_view value, schema_purse& purse) const;
  bool has_one_rule() const noexcept;

  std::string text_;
  // of one value
  struct piece {
    enum class kind : std::uint8_t { equals, contains, starts, ends };
    kind what = kind::equals;
    std::string text; ///< in lower case if case is ignored
  };
  std::vector<piece> pieces_;
  std::vector<number_rule> numbers_;
  std::shared_ptr<const ecma_regex> regex_;
  bool ignore_case_ = false;
  // of all
  enum class presence : std::uint8_t { any, absent, present };
  presence presence_ = presence::any;
  std::vector<text_condition> not_; ///< none or one
  std::vector<text_condition> all_;
  std::vector<text_condition> any_;
  std::vector<text_condition> includes_;
  bool exactly_ = false; ///< `includes_` are all there may be
  bool some_ = false;    ///< `any_of` was given
};

} // namespace hourglass::mock
