#pragma once

#include "mock/body_condition.hpp"
#include "mock/match_subject.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hourglass::mock {

/// What a GraphQL request must ask for.
///
///   operation := {"type"?: "query", "mutation" or "subscription", "name"?: condition of the operation's name, "field"?: condition of one of the
///   fields at its root,
///                 "query"?: the text of the whole document, apart from blanks, commas and comments, "variables"?: {"equals" …} as for JSON}
///
/// Of a document with several operations it is about the one that the request names. Immutable; any thread.
class graphql_match {
public:
  static events::outcome<graphql_match> compile(const json_value& v, const std::string& at, match_budget& budget);

  bool holds(match_subject& of) const;
  match_difference difference(match_subject& of) const;

private:
  /// The first member that does not hold, or null.
  const char* fault(match_subject& of) const;

  std::string where_;
  json_value wanted_;
  std::string type_;
  std::optional<text_condition> name_;
  std::optional<text_condition> field_;
  std::vector<std::string> tokens_; ///< of `query`; empty: any
  std::optional<json_match> variables_;

  explicit graphql_match(json_value wanted) : wanted_(std::move(wanted)) {}
};

} // namespace hourglass::mock
