#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace hourglass::events {

/// Why something did not happen. The HTTP API maps each to one status (`api/problem.cpp`).
enum class errc : std::uint8_t {
  invalid,      ///< the input breaks a rule; `where` points at it                        400 or 422
  unauthorized, ///< no valid credential                                                         401
  forbidden,    ///< valid credential, not allowed                                               403
  not_found,    ///< no such thing (any more)                                                    404
  conflict,     ///< contradicts the present state (duplicate id, already cancelled)             409
  too_large,    ///< over a limit of `limits.hpp`; `detail` names it                             413
  overloaded,   ///< no room now, nothing changed, try again                                     503
  unavailable,  ///< shutting down, degraded, or a dependency is away; nothing changed           503
  timeout,      ///< took longer than its deadline                                               504
  abandoned,    ///< whoever had to answer is gone; the outcome may be unknown                   503
  held,         ///< another process holds the data folder
  newer_format, ///< written by a newer version
  corrupt,      ///< stored bytes do not verify
  io,           ///< the operating system or the store failed
  internal,     ///< a bug; logged with its correlation id                                       500
};

std::string_view to_string(errc code) noexcept;

struct error {
  errc code = errc::internal;
  std::string detail; ///< one sentence for a person: what was wrong
  std::string where;  ///< JSON Pointer, header or parameter name, file or position; empty if nowhere
};

template <class T>
using outcome = tl::expected<T, error>;

/// `return failure(errc::invalid, "must be a string", "/url");`
inline tl::unexpected<error> failure(errc code, std::string detail, std::string where = {}) {
  return tl::unexpected<error>{error{code, std::move(detail), std::move(where)}};
}

} // namespace hourglass::events
