#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "events/vault.hpp"
#include "webhook/attempt.hpp"
#include "webhook/commands.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hourglass::webhook {

/// What a message brings to all its receivers, each time that it is sent.
struct message_content {
  std::string body;                   ///< these very bytes are signed and sent
  std::string content_type;           ///< empty: application/json
  std::vector<custom_header> headers; ///< the message's own
  std::string params = {};            ///< for scripts; empty: none
  events::virtual_time emitted = {};  ///< of its event, which the shell knows
  delivery_fault fault = delivery_fault::none;
};

/// About how many bytes of memory it takes, with all that its headers hold.
std::size_t weight(const message_content& c) noexcept;

/// The rules of a message's content type and headers; marks what is sensitive. Fails with `errc::invalid` or `errc::too_large`, `where` /contentType or /headers/X.
events::outcome<void> validate_content_type(std::string_view content_type);
events::outcome<void> validate_message_headers(std::vector<custom_header>& headers);

/// Whether the payload is no JSON object, but bytes that nobody looks into. Fails with `errc::invalid`, `where` as `c.payload_at`, when it says to be JSON and is not.
events::outcome<bool> is_opaque(const create_message& c);

/// Of a `message_created`, as the log has it; what is sealed is opened if there is a vault. A message without a content of its own is not parsed. Fails with `errc::corrupt`.
events::outcome<message_content> content_of(std::string_view payload, const events::vault* vault);

/// Puts it into an attempt. A header of the message stands instead of the destination's of that name; but whose signature and whose credentials go with it, the
/// destination says.
void put_into(start& s, const message_content& c);

} // namespace hourglass::webhook
