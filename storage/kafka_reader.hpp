#pragma once

#include "events/codec.hpp"
#include "events/outcome.hpp"
#include "storage/kafka_export.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

namespace hourglass::storage {

/// What a topic held when it was read.
struct topic_contents {
  std::uint64_t messages = 0;
  std::uint64_t events = 0;     ///< different ones
  std::uint64_t duplicates = 0; ///< `messages - events`
  std::map<events::sandbox_id, events::chain_head> heads;
};

/// Reads the topic from its beginning to what was its end when the reading began, and rebuilds the stored records of every sandbox: copies are
/// dropped, each event is decoded and must continue its sandbox's chain. `each` gets every event once, per sandbox in order of seq, with its stored bytes;
/// sandboxes are interleaved.
/// Fails with `errc::corrupt` (a gap, a broken chain, two different events under one id), `errc::not_found` (no such topic), `errc::timeout`
/// (not at the end by `deadline`), `errc::io`, `errc::invalid`.
/// Blocks the caller's thread.
events::outcome<topic_contents>
read_topic(const kafka_options& options,
           const std::function<void(const events::record& event, std::string_view stored)>& each,
           std::chrono::steady_clock::time_point deadline);

} // namespace hourglass::storage
