#pragma once

#include "mock/body_condition.hpp"
#include "mock/match_subject.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hourglass::mock {

/// What one part of a multipart body must be.
///
///   part := {"name"? "filename"?: condition, "headers"?: {name: condition …}, "body"?: condition of a body, or an array of them, "every"?: false}
///
/// It holds if one part fits all of that; with `every`, if there are parts and all of them fit. Immutable; any thread.
class part_match {
public:
  static events::outcome<part_match> compile(const json_value& v, const std::string& at, match_budget& budget);

  bool holds(match_subject& of) const;
  match_difference difference(match_subject& of) const;

private:
  bool fits(match_subject::part& part, schema_purse& purse) const;

  std::string where_;
  bool every_ = false;
  std::optional<text_condition> name_;
  std::optional<text_condition> filename_;
  std::vector<std::pair<std::string, text_condition>> headers_;
  std::vector<body_condition> bodies_;
};

} // namespace hourglass::mock
