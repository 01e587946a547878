#pragma once

// Inside storage/ only: the life of one producer, used by kafka_export.cpp. The cursor's part is in kafka_cursor.cpp.

#include "storage/kafka_client.hpp"
#include "storage/kafka_window.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::storage::kafka {

/// What the export's thread and everybody else share: wishes in, figures out.
class board {
public:
  explicit board(std::function<void(bool, const std::string&)> on_reach = {}) : on_reach_(std::move(on_reach)) {}

  // -- from anybody --------------------------------------------------------------

  void notify() noexcept;
  void stop() noexcept;
  kafka_figures figures() const;
  bool wait_until(position end, std::chrono::steady_clock::time_point deadline) const;

  // -- from the export's thread ----------------------------------------------------

  bool stopping() const;
  /// Returns when notified, stopped, or after `longest`.
  void sleep(std::chrono::milliseconds longest);
  /// Returns when stopped or after `longest`.
  void pause(std::chrono::milliseconds longest);
  void state(kafka_state now);
  void trouble(events::error what);
  void delivered();
  void window(position exported, std::size_t in_flight);
  void restarted();

private:
  void tell(bool reached, std::unique_lock<std::mutex>& lock);

  const std::function<void(bool, const std::string&)> on_reach_;
  std::optional<bool> reached_; ///< what was told last
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::condition_variable wake_;
  kafka_figures figures_;
  bool notified_ = false;
  bool stop_ = false;
};

/// `what`, and what librdkafka says of it.
events::error kafka_error(rd_kafka_resp_err_t code, std::string_view what);

inline constexpr int metadata_timeout_ms = 1'000;

/// One producer, from its first connection until it is told to stop or can go on no more.
///
/// A delivery that fails for good ends the session with everything behind it (`enable.gapless.guarantee`), so that later events of a sandbox never
/// arrive before earlier ones; the next session goes on from the cursor.
///
/// Threads: the export's only. librdkafka calls back inside `rd_kafka_poll`, which is called here.
class session {
public:
  session(store& of, const kafka_options& options, board& shared);
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  /// Returns without error when stopped.
  events::outcome<void> run();

  /// True once anything was confirmed.
  bool delivered() const noexcept { return delivered_; }

  /// A producer as the export uses it, without callbacks' owner: to check the options.
  static events::outcome<client_handle> make_producer(const kafka_options& options, session* owner);

private:
  enum class topic_answer : std::uint8_t { no_broker, was_there, created };

  events::outcome<void> connect();
  events::outcome<topic_answer> ask_for_topic();
  events::outcome<topic_answer> look_for_topic(events::error if_absent);
  events::outcome<void> find_cursor(topic_answer answer);
  events::outcome<void> begin_anew();
  events::outcome<std::uint64_t> messages_ever() const;
  events::outcome<void> stream();
  events::outcome<bool> send_more();
  events::outcome<bool> send(const log_entry& entry);
  void idle();
  void save_cursor(bool now);
  void finish();
  void on_delivery(const rd_kafka_message_t& message);
  void on_error(rd_kafka_resp_err_t code, const char* reason);

  store& store_;
  const kafka_options& options_;
  board& board_;
  client_handle client_;
  delivery_window window_{1};
  std::string cursor_key_;
  int partitions_ = 0;
  position saved_ = 0; ///< the cursor as the store has it
  std::chrono::steady_clock::time_point saved_at_;
  bool delivered_ = false;
  bool away_ = false;                    ///< the broker went, and nothing has arrived since
  std::optional<events::error> ended_by_; ///< what ends this session
};

} // namespace hourglass::storage::kafka
