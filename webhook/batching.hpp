#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/attempt.hpp"
#include "webhook/message_content.hpp"

#include <cstdint>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

/// Several messages of one destination in one request (docs/decisions/054-batching.md).
namespace hourglass::webhook {

/// What is sent of one message in a batch.
struct batch_element {
  const message_ref* message = nullptr;
  const message_content* content = nullptr;
};

/// body    := [element…], in the order in which they go
/// element := {"id": of the message, "type": its event type, "timestamp": when it was emitted, on the sandbox's clock, RFC 3339,
///             "contentType": if it brought one, "headers": {name: value…} that it brought, if any, "payload": JSON as it was emitted, or
///             "payloadBase64": of any other type}
///
/// A header that is a credential is left out: it was meant for one request, and in a body nothing would hide it. The same elements give the same bytes.
std::string batch_body(std::span<const batch_element> elements);

/// What goes alone to a destination that wants batches is an array too: of one.
inline constexpr std::string_view batch_event_type = "batch"; ///< where a signature's headers name the event

} // namespace hourglass::webhook
