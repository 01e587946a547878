#pragma once

#include "mock/body_condition.hpp"
#include "mock/graphql_match.hpp"
#include "mock/match_subject.hpp"
#include "mock/part_match.hpp"
#include "mock/text_condition.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hourglass::mock {

/// What an endpoint asks of a request beside method and path, compiled once.
///
///   match := {"target"?: condition, "params"? "query"? "headers"? "cookies"? "form"?: {name: condition …},
///            "multipart"?: [part …], "graphql"?: operation, "body"?: condition of a body, or an array of them}
///
/// All of it must hold. `target` is path and query as they came; `params` are the parameters of the path, decoded; names of headers have no case; a
/// name that stands several times has several values (a header's are its lines); `form` are the fields of a body of the type
/// application/x-www-form-urlencoded; for parts see `part_match`, for an operation `graphql_match`. What is said about one name is a
/// `text_condition`, about the body a `body_condition`. Limits: `limits::match_*`. Immutable; any thread.
class request_match {
public:
  /// `parameters` are those of the path. Fails with `errc::invalid` or `errc::too_large`, `where` beginning with `/match`.
  static events::outcome<std::shared_ptr<const request_match>> compile(const json_value& v, const std::vector<std::string>& parameters);

  /// False, too, once the purse is empty. `captures` are the values of the path's parameters.
  bool holds(match_subject& of, const std::vector<std::string>& captures) const;
  /// How many conditions there are: of two endpoints that fit, the one that asks more is meant.
  std::size_t conditions() const noexcept { return named_.size() + parts_.size() + (graphql_ ? 1 : 0) + bodies_.size(); }
  /// Of all its regular expressions.
  std::size_t regex_steps() const noexcept { return regex_steps_; }
  /// The first conditions that do not hold, and how many do.
  struct comparison {
    std::vector<match_difference> differences;
    std::size_t held = 0;
    bool off_target = false; ///< a condition on the whole target does not hold
  };
  comparison compare(match_subject& of, const std::vector<std::string>& captures, std::size_t most) const;

private:
  enum class place : std::uint8_t { target, params, query, headers, cookies, form };
  struct named {
    place in = place::query;
    std::string name;
    std::string where;
    text_condition condition;
    std::size_t parameter = 0; ///< index among the captures
    bool secret = false;       ///< better not told, nor what came
  };

  std::vector<std::string_view> values(const named& n, match_subject& of, const std::vector<std::string>& captures) const;
  static bool is_secret(const named& n, match_subject& of);

  std::size_t regex_steps_ = 0;
  std::vector<named> named_;
  std::vector<part_match> parts_;
  std::optional<graphql_match> graphql_;
  std::vector<body_condition> bodies_;
};

} // namespace hourglass::mock
