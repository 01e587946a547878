#pragma once

#include "events/envelope.hpp"
#include "http/client.hpp"
#include "webhook/delivery_fault.hpp"
#include "webhook/destination.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::webhook {

/// What the outbox keeps of a message while a delivery is pending. Its body stays in the log, at `seq`.
struct message_ref {
  std::string id;      ///< `msg_…`, the `webhook-id` of every attempt
  events::seq seq = 0; ///< of its `message_created`
  std::string event_type;
  std::uint64_t body_bytes = 0;
  bool alone = false; ///< it goes in no batch: what it does wrong on purpose is to be seen, and is nobody else's
  bool operator==(const message_ref&) const = default;
};

/// Why an attempt was made.
enum class trigger : std::uint8_t { schedule, manual, recovery };
std::string_view to_string(trigger t) noexcept;

/// Names one attempt under way in this process. Never on disk; an answer with a token that is not known changes nothing.
using fencing_token = std::uint64_t;

/// One attempt that is to be made now.
struct start {
  fencing_token token = 0;
  std::shared_ptr<const message_ref> message;
  std::string destination; ///< id
  std::uint32_t number = 1; ///< of this message to this destination, from 1
  trigger why = trigger::schedule;
  bool in_line = false; ///< others of its line must have ended before
  std::string method = "POST";
  std::string url;
  std::vector<custom_header> headers;
  std::string content_type; ///< of the message; empty: application/json
  std::vector<signing_key> keys; ///< valid now, newest first
  signature_profile profile = signature_profile::standard;
  signature_template signing;                      ///< of profile `custom`
  bool form = false;                               ///< JSON is sent as a form
  delivery_fault fault = delivery_fault::none;     ///< what it does wrong on purpose
  std::shared_ptr<const delivery_way> way; ///< null: like all others
  std::shared_ptr<const std::vector<std::shared_ptr<const message_ref>>> members; ///< what goes as an array (webhook/batching.hpp): a batch, which is `message` then, or that alone. Null: the message as it is
  std::shared_ptr<const transformation> transform; ///< to be run before it is sent; null: none
  std::chrono::milliseconds deadline{0};
};

/// What a transformation made of the message, without the body: of that the attempt has size and digest, so that who erases a message has erased all of it.
struct sent_instead {
  bool cancelled = false; ///< nothing was sent, and it is done with
  std::string method, url;
};

/// What became of it, whole. Made by the dispatcher; sensitive header values and body members are already redacted.
struct attempt_result {
  http::exchange_result answer;
  http::fields request_headers;  ///< as sent, in order
  std::int64_t timestamp = 0;    ///< Unix seconds, as signed
  std::int64_t started_us = 0;   ///< wall time
  std::uint64_t body_bytes = 0;  ///< of the request; the bytes are those of the message's event, or what a transformation made of them
  events::hash body_sha256{};
  std::optional<sent_instead> transformed = {};
  delivery_fault fault = delivery_fault::none; ///< it was wrong on purpose
  bool cancelled() const noexcept { return transformed && transformed->cancelled; }
};

} // namespace hourglass::webhook
