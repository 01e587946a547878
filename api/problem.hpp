#pragma once

#include "events/outcome.hpp"
#include "http/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace hourglass::api {

/// How a route words its errors.
enum class dialect : std::uint8_t {
  ours, ///< RFC 9457 `application/problem+json`
  svix, ///< `{"code","detail"}`, and for 422 `{"detail":[{"loc","msg","type"}]}`
};

/// The status of an error. `errc::invalid` is 422 when `where` points into a body (`/url`), else 400; in Svix's dialect always 422.
unsigned status_of(const events::error& e, dialect how = dialect::ours) noexcept;

/// The answer for an error. `errc::internal`, `io` and `corrupt` never show their detail to a stranger: it belongs in the log.
http::response problem_response(const events::error& e, std::string_view correlation, dialect how = dialect::ours);

/// An answer whose status no `errc` has (405, 415, 406): `slug` names the type, `/problems/<slug>`.
http::response problem_response(unsigned status, std::string_view slug, std::string detail, std::string_view correlation,
                                dialect how = dialect::ours);

} // namespace hourglass::api
