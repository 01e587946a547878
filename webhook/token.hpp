#pragma once

#include "http/client.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

/// Access tokens of OAuth 2.0 client credentials (RFC 6749 §4.4): how they are asked for, and what an answer means. Pure.
namespace hourglass::webhook {

/// How a client proves that it is itself by a JWT of its own (RFC 7523 §2.2).
struct client_assertion {
  std::string client_id, audience, key_id;
  std::string key; ///< PKCS#8 PEM
};
inline constexpr std::int64_t assertion_seconds = 60; ///< so long one holds

/// The JWT. @param id that makes it like no other. Fails with a sentence when the key cannot sign.
tl::expected<std::string, std::string> make_assertion(const client_assertion& a, std::int64_t unix_seconds, std::string_view id);

/// How a destination's token is asked for. Immutable.
struct token_request {
  std::string url;
  std::string authorization;                  ///< the header's value; empty: credentials stand in `form`
  std::string form;                           ///< application/x-www-form-urlencoded
  std::shared_ptr<const http::transport> way; ///< null: like all others
  std::string key;                            ///< 32 bytes that tell it from every other
  std::shared_ptr<const client_assertion> assertion = nullptr; ///< goes with the form; null: none
};

struct token_request_fields {
  std::string url, client_id, client_secret, scope, audience;
  bool in_body = false;
  std::string assertion_key = {}, assertion_key_id = {}, assertion_audience = {};
};
/// @param way its key counts too: through another proxy it is another request
token_request make_token_request(const token_request_fields& of, std::shared_ptr<const http::transport> way);

/// The exchange that asks for it. @param owner on whose behalf. @param assertion of `make_assertion`, where it goes with one
http::exchange token_exchange(const token_request& r, std::string owner, std::chrono::milliseconds deadline, const std::string& assertion = {});

struct access_token {
  std::string value;                 ///< fit for a header: 1 to 8,192 printable ASCII characters, no blanks
  std::chrono::seconds good_for{0};  ///< from when it was asked for, as it was told less a margin; 0: for one use only
};

inline constexpr std::size_t token_answer_bytes = 64 * 1024;
inline constexpr std::size_t token_bytes = 8 * 1024;
inline constexpr std::chrono::seconds token_time_untold{300}; ///< without `expires_in`
inline constexpr std::chrono::seconds token_time_most{24 * 3600};

/// What came back. Fails with a sentence for the attempt's record: of what the endpoint said it has only the error code of §5.2, since all else may echo
/// a secret.
tl::expected<access_token, std::string> read_token_answer(const http::exchange_result& answer);

/// `Basic` and user-id and password (RFC 7617).
std::string basic_authorization(std::string_view username, std::string_view password);

} // namespace hourglass::webhook
