#pragma once

#include "events/outcome.hpp"
#include "storage/fwd.hpp"
#include "storage/records.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::storage {

struct kafka_options {
  std::string bootstrap; ///< `HOST:PORT[,HOST:PORT…]`
  std::string topic = "hourglass.events";
  /// For a topic that is created here. Forever: with another count a sandbox would change its partition, and its order would be lost.
  int partitions = 16;
  int replication = -1; ///< copies of each partition when it is created here; -1: the broker's default
  bool create_topic = true; ///< false: it must be there
  std::chrono::milliseconds linger{5};
  std::size_t in_flight_records = 10'000; ///< sent or queued and not yet confirmed
  std::size_t in_flight_bytes = std::size_t{32} << 20;
  std::chrono::milliseconds retry_min{200}; ///< before a new producer after a fatal error, doubling up to `retry_max`
  std::chrono::milliseconds retry_max{10'000};
  std::chrono::milliseconds stop_grace{2'000}; ///< how long the end waits for confirmations that are on their way
  /// Told when it turns out that Kafka cannot be reached (with the reason), and when it is back; once per change, on the export's thread.
  std::function<void(bool reached, const std::string& why)> on_reach;
  /// More librdkafka settings (`security.protocol`, `sasl.username`, …). Those that the promises below rest on cannot be changed.
  std::vector<std::pair<std::string, std::string>> settings;
};

enum class kafka_state : std::uint8_t {
  connecting, ///< no broker has answered yet
  streaming,  ///< events go out as they come
  retrying,   ///< the broker went away or refused; nothing is lost, the lag grows
  stopped,
};

/// `connecting` and the like, for `/readyz` and the metric's label.
std::string_view to_string(kafka_state state) noexcept;

struct kafka_figures {
  kafka_state state = kafka_state::connecting;
  position exported = 1;       ///< position after the last event that the topic is known to hold
  std::uint64_t lag = 0;       ///< events in the log that are not confirmed
  std::uint64_t in_flight = 0; ///< of those, handed to the producer
  std::uint64_t delivered = 0; ///< delivery reports of success since the start; more than exported events when some went twice
  std::uint64_t errors = 0;    ///< errors reported by the client library, deliveries that failed, refused reads or writes of the store
  std::uint64_t restarts = 0;  ///< producers given up after a fatal error
  std::optional<events::error> trouble; ///< why it does not stream, or the last thing that went wrong
};

/// Copies the log of the node to a Kafka topic, behind everybody's back. RocksDB stays the truth.
///
/// Operation
///   One thread reads the log from the cursor on and produces each event; the cursor (a row of the store, one for each Kafka cluster and topic)
///   moves over the contiguous confirmed prefix only, on delivery reports only. The topic is created when it is not there, and then
///   filled from the first event on. How an event becomes a message stands in `storage/kafka_message.hpp`.
/// Promise
///   At least once, in order per sandbox (the first copies of a sandbox's events stand in order of seq in one partition), never a gap. After a
///   crash or a fatal error events may come twice; `ce_id` tells. An event that the topic refuses stops the export with `trouble`, rather than being
///   left out.
/// Independence
///   An absent, slow or restarting broker blocks nobody: nothing waits for the export, and its memory is bounded by `in_flight_*`.
/// Threads
///   Any thread. `notify` never blocks.
class kafka_export {
public:
  /// Starts the thread; needs no broker. `of` must outlive the export.
  /// Fails with `errc::invalid` when an option or setting is wrong.
  static events::outcome<std::unique_ptr<kafka_export>> open(store& of, kafka_options options);

  /// Ends the thread, after at most about `stop_grace`; the rest goes out after the next start.
  virtual ~kafka_export() = default;

  /// "The log now ends at `end`". Connect it: `journal.listen([&](position end) { kafka.notify(end); })`.
  virtual void notify(position end) noexcept = 0;

  /// Waits until everything before `end` is confirmed. False when the deadline came first. Blocks: for tests and orderly ends only.
  virtual bool wait_until(position end, std::chrono::steady_clock::time_point deadline) const = 0;

  virtual kafka_figures figures() const = 0;
};

} // namespace hourglass::storage
