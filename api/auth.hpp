#pragma once

#include "actors/node.hpp"
#include "api/call.hpp"
#include "api/router.hpp"

#include <string>
#include <string_view>

namespace hourglass::api {

/// Equal, in a time that depends on neither value.
bool same_secret(std::string_view a, std::string_view b) noexcept;

/// Whose key the request carries: `Authorization: Bearer <key>`. Without the header: nobody.
/// Fails with `errc::unauthorized` for a header that is not that, or a key that nobody has.
events::outcome<principal> identify(const http::request& request, std::string_view admin_key, actors::node& node);

/// May `who` use the route? For `access::sandbox`, `asked` is the sandbox of the path as `resolve` found it.
/// Fails with `errc::unauthorized` (no key), `errc::forbidden`, or what `asked` failed with. A sandbox's key, and a portal's token, learn nothing
/// about other sandboxes, not even whether they exist.
events::outcome<void> permit(const principal& who, const route& to, const events::outcome<events::sandbox_id>* asked);

/// The caller's `X-Correlation-Id` if it is 1 to 64 printable ASCII characters without spaces, else a new one.
std::string correlation_of(const http::request& request);

} // namespace hourglass::api
