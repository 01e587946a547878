#pragma once

#include "events/outcome.hpp"
#include "mock/message.hpp"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// How the query of a target and that of the request become one.
enum class query_rule : std::uint8_t {
  target_wins,  ///< both; of a name that both have, only the target's: who calls cannot replace a key that stands there
  request_wins, ///< both; of a name that both have, only the request's
  target_only,  ///< the request's is not sent
};

/// Where a request goes, complete.
struct forward_address {
  std::string url;     ///< `https://…`, `http://…`; of an inner one `sandbox:<name>/…`, or `stub:<name>/…`
  bool inner = false;  ///< does not leave the process
  bool own = false;    ///< inner: a stub of the sandbox itself
  std::string name;    ///< inner: of the sandbox or the stub
  std::string target;  ///< inner: path and query there
};

/// The target of an endpoint that forwards: a URL with variables.
///
/// target   := (text | `{` variable `}`)+
/// variable := name             a parameter of the endpoint's path, else an env parameter
///           | `env.` name      an env parameter, put in as it is: it may be a whole base, `{env.BANK}/v1`
///           | `request.path`   the path of the request, as it came
///           | `request.tail`   the same without the project and group root of the endpoint
///
/// What comes with a request stands in path or query only, never in scheme or host, and is percent-encoded, but for the paths, whose escapes are kept.
/// Schemes: `http`, `https`; and those that stay in this process: `sandbox:NAME/path` (another sandbox, by id or uid) and `stub:NAME/path` (the
/// endpoints of this sandbox below `/stubs/NAME`).
class forward_target {
public:
  /// What the variables stand for, of one request.
  struct values {
    const request& req;
    std::span<const std::string> names, captures; ///< path parameters
    std::string_view root;                        ///< project and group root
    const std::map<std::string, std::string, std::less<>>& env;
  };

  /// Fails with `errc::invalid`, `errc::too_large`.
  static events::outcome<forward_target> compile(std::string_view text, std::span<const std::string> parameters);

  /// Fails with `errc::not_found` (a variable that nobody has set; `where` names it), `errc::invalid` (no URL comes of it).
  events::outcome<forward_address> fill(const values& from, query_rule rule) const;

  const std::string& text() const noexcept { return text_; }

private:
  enum class kind : std::uint8_t { text, parameter, env, path, tail };
  struct piece {
    kind what = kind::text;
    std::string text; ///< or the variable's name
  };

  std::string text_;
  std::vector<piece> pieces_;
};

/// `target` with `from`, the beginning of it, replaced by `to`; with `from` empty, its scheme and host or, where it begins with a variable, that.
/// Nothing when it does not begin so.
std::optional<std::string> retarget(std::string_view target, std::string_view from, std::string_view to);

/// Scheme, host and path of a URL, for people: what stands in its query may be a secret.
std::string without_query(std::string_view url);

} // namespace hourglass::mock
