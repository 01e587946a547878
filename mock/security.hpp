#pragma once

#include "events/json_text.hpp"
#include "mock/endpoints.hpp"
#include "mock/json_value.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hourglass::mock {

/// Which credentials are good, by security scheme: SHA-256 of each, in hex. Of a scheme that is not here every one is good that could be one.
using good_credentials = std::map<std::string, std::vector<std::string>, std::less<>>;

/// Reads `security` of an operation, else of its document, with the schemes that it names. `warn`: what of it cannot be checked.
/// A scheme that nobody here can check (mutual TLS, one that the document does not have) counts as fulfilled.
security_spec read_security(const json_value& root, const json_value& operation, const std::string& at,
                            const std::function<void(std::string, std::string)>& warn);

/// Whether the request has what `demands` says. Of a request that is repeated: what was said before.
bool is_authorised(const security_spec& demands, const request& req, const good_credentials& good);

/// 401, with a challenge for each scheme.
response unauthorised(const security_spec& demands, const request& req);
/// The value of `WWW-Authenticate`.
std::string challenge_of(const security_spec& demands, const request& req);
/// Half a sentence: `has not the credentials that …`.
std::string lacking(const security_spec& demands);

void write_security(const security_spec& s, events::json_text& j);
security_spec decode_security(const json_value* v); ///< null: none

/// Fails with `errc::invalid`, `errc::too_large`.
events::outcome<good_credentials> read_credentials(std::string_view text);
void write_credentials(const good_credentials& good, events::json_text& j);
good_credentials decode_credentials(const json_value& v);

} // namespace hourglass::mock
