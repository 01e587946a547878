#pragma once

#include "events/catalogue.hpp"
#include "events/ids.hpp"
#include "events/time.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace hourglass::events {

using hash = std::array<std::uint8_t, 32>;

/// Position in one sandbox's stream. Gapless, from 1; 0 means "before the first".
using seq = std::uint64_t;

/// What every event says about itself. The grammar on disk stands in `events/codec.cpp`.
struct header {
  sandbox_id sandbox;
  events::seq seq = 0;
  wall_time wall;        ///< never earlier than the event before it
  virtual_time virtual_; ///< of the sandbox's clock
  events::kind kind = events::kind::sandbox_created;
  std::uint8_t kind_version = 1;
  std::string principal;             ///< who caused it: `admin`, `key:<id>`, `mock`, `system`
  std::string correlation;           ///< at most 64 bytes; the caller's X-Correlation-Id or ours
  events::seq causation = 0;         ///< the event of this stream that led to this one, or 0
  std::vector<std::string> entities; ///< ids this event is about; the entity index is made of them
  hash payload_hash{};               ///< SHA-256 of the payload's bytes
  hash previous{};                   ///< link of the event before; zero for the first
};

/// One event as it is stored. The payload is JSON text; `link` is what the next event names as `previous`.
struct record {
  events::header header;
  std::string payload;
  hash link{};
  bool erased = false; ///< part of its payload was erased: what is left does not have the header's hash (events/erasure.hpp)
};

/// What is left of the payload of an earlier event of the stream, and takes its place.
struct erasure {
  events::seq seq = 0;
  std::string left;
};

/// An event that a core proposes; the sandbox adds seq, times, principal and links.
struct draft {
  events::kind kind;
  std::string payload; ///< JSON text, already redacted
  std::vector<std::string> entities;
  events::seq causation = 0;
  /// Names that may be taken once per sandbox (`event-id:…`); the store keeps them from the same write on.
  std::vector<std::string> claims;
  /// With it, in one write, the content of these events goes. Only with `content_erased`, which names them.
  std::vector<erasure> erases = {};
  std::uint32_t content_hours = 0; ///< after which its content is to be erased, on the node's clock; 0: nothing says so here
};

/// What a pure core may know about the moment. All of it is input, so a replay gives the same answer.
struct context {
  wall_time wall;
  virtual_time now;
  entropy chance{}; ///< for ids, jitter and generated values
  std::string principal;
  std::string correlation;
};

} // namespace hourglass::events
