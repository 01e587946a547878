#pragma once

#include "events/json_text.hpp"
#include "mock/forward_target.hpp"
#include "mock/template.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::mock {

/// A status, or a class of them.
struct status_pattern {
  unsigned low = 0, high = 0;

  /// `404`, `4XX`. Nothing if it is neither.
  static std::optional<status_pattern> read(std::string_view text);
  bool covers(unsigned status) const noexcept { return status >= low && status <= high; }
};

/// What becomes of headers on their way. Names in `allow` and `remove` may end with `*`.
///   {"allow"?: ["…"], "remove"?: ["…"], "set"?: {"…": "a template (`mock/template.hpp`)"}}
struct header_rules {
  std::optional<std::vector<std::string>> allow; ///< none but these, and Content-Type
  std::vector<std::string> remove;
  std::vector<std::pair<std::string, compiled_template>> set; ///< after the others, in place of what has this name

  /// Fails with `errc::invalid`, `errc::too_large`; `about_answer`: templates may tell of it, and there is `allow`.
  static events::outcome<header_rules> read(const json_value* v, std::string at, bool about_answer);
  /// Fails as a template does.
  events::outcome<void> apply(fields& headers, template_scope& scope) const;
};

/// How an endpoint forwards.
///   {"target": a `forward_target`, "query"?: "target" | "request" | "none", "timeout_ms"?, "headers"?: rules for the request's,
///    "answer"?: {"status"?: {"404": 200, "5XX": 502}, "headers"?: rules for the answer's, "body"?: any JSON or a string, as a template that knows
///    `response.status`, `response.header.<name>`, `response.body…` of the upstream's answer, "body_status"?: ["2XX"]},
///    "fallback"?: "error" | "mock", "mock_on"?: [501, "5XX"], "compare"?: false}
struct forward_rules {
  forward_target target;
  query_rule query = query_rule::target_wins;
  std::optional<std::chrono::milliseconds> time;
  header_rules asked;                                         ///< of the request's headers
  header_rules answered;                                      ///< of the answer's
  std::vector<std::pair<status_pattern, unsigned>> statuses; ///< the exact ones first
  std::optional<compiled_template> body;
  std::string media_type;                     ///< of `body`
  std::vector<status_pattern> body_statuses; ///< of which `body` takes the place of the upstream's; empty: of all
  bool mock_on_failure = false;
  std::vector<status_pattern> mock_on;
  bool compare = false;

  bool wants_mock() const noexcept { return mock_on_failure || !mock_on.empty() || compare; }

  /// Fails with `errc::invalid`, `errc::too_large`; `where` is a JSON Pointer below `/forward`.
  static events::outcome<std::shared_ptr<const forward_rules>> compile(const json_value& v, std::span<const std::string> parameters);
};

/// How the endpoints of a project ask their upstreams.
///   {"timeout_ms"?, "headers"?: rules for requests, "authorities"?: PEM}
struct forward_client {
  std::string text; ///< as it was put, compact JSON
  std::optional<std::chrono::milliseconds> time;
  header_rules asked;
  std::string authorities; ///< trusted instead of the system's
};
/// By project root; that of an empty one is for all that have none of their own.
using forward_clients = std::map<std::string, std::shared_ptr<const forward_client>, std::less<>>;

/// `v`: {"<project root>": client}. Fails with `errc::invalid`, `errc::too_large`; `where` is a JSON Pointer into it below `at`.
events::outcome<forward_clients> read_forward_clients(const json_value& v, const std::string& at);
void write_forward_clients(const forward_clients& clients, events::json_text& j);

} // namespace hourglass::mock
