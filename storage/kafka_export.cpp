#include "storage/kafka_export.hpp"

#include "storage/kafka_session.hpp"

#include <algorithm>
#include <exception>
#include <thread>

namespace hourglass::storage {

using events::errc;
using events::failure;
using events::outcome;

namespace kafka {

// -- board ----------------------------------------------------------------------

void board::notify() noexcept {
  const std::scoped_lock lock{mutex_};
  notified_ = true;
  wake_.notify_one();
}

void board::stop() noexcept {
  const std::scoped_lock lock{mutex_};
  stop_ = true;
  wake_.notify_one();
}

kafka_figures board::figures() const {
  const std::scoped_lock lock{mutex_};
  return figures_;
}

bool board::wait_until(position end, std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_until(lock, deadline, [&] { return figures_.exported >= end; });
}

bool board::stopping() const {
  const std::scoped_lock lock{mutex_};
  return stop_;
}

void board::sleep(std::chrono::milliseconds longest) {
  std::unique_lock lock{mutex_};
  wake_.wait_for(lock, longest, [&] { return notified_ || stop_; });
  notified_ = false;
}

void board::pause(std::chrono::milliseconds longest) {
  std::unique_lock lock{mutex_};
  wake_.wait_for(lock, longest, [&] { return stop_; });
}

void board::state(kafka_state now) {
  std::unique_lock lock{mutex_};
  figures_.state = now;
  if (now == kafka_state::streaming)
    figures_.trouble.reset();
  if (now == kafka_state::streaming || now == kafka_state::retrying)
    tell(now == kafka_state::streaming, lock);
}

/// While it streams, trouble may be that of one connection among several; `state` follows if it is more.
void board::trouble(events::error what) {
  std::unique_lock lock{mutex_};
  ++figures_.errors;
  figures_.trouble = std::move(what);
  if (figures_.state != kafka_state::streaming)
    tell(false, lock);
}

void board::tell(bool reached, std::unique_lock<std::mutex>& lock) {
  if (!on_reach_ || std::exchange(reached_, reached) == reached)
    return;
  const auto why = figures_.trouble ? figures_.trouble->detail : std::string{};
  lock.unlock();
  on_reach_(reached, why);
}

void board::delivered() {
  const std::scoped_lock lock{mutex_};
  ++figures_.delivered;
}

void board::window(position exported, std::size_t in_flight) {
  const std::scoped_lock lock{mutex_};
  figures_.exported = exported;
  figures_.in_flight = in_flight;
  changed_.notify_all();
}

void board::restarted() {
  const std::scoped_lock lock{mutex_};
  ++figures_.restarts;
}

} // namespace kafka

namespace {

class threaded_export final : public kafka_export {
public:
  threaded_export(store& of, kafka_options options)
      : store_(of), options_(std::move(options)), thread_([this] { run(); }) {
    // nop
  }

  ~threaded_export() override {
    board_.stop();
    thread_.join();
  }

  void notify(position) noexcept override { board_.notify(); }

  bool wait_until(position end, std::chrono::steady_clock::time_point deadline) const override {
    return board_.wait_until(end, deadline);
  }

  kafka_figures figures() const override {
    auto out = board_.figures();
    const auto end = store_.end();
    out.lag = end > out.exported ? end - out.exported : 0;
    return out;
  }

private:
  void run() noexcept {
    auto pause = options_.retry_min;
    while (!board_.stopping()) {
      const auto [ended, delivered] = run_session();
      if (ended)
        break;
      board_.trouble(ended.error());
      board_.state(kafka_state::retrying);
      board_.restarted();
      if (delivered)
        pause = options_.retry_min;
      board_.pause(pause);
      pause = std::min(pause * 2, options_.retry_max);
    }
    board_.state(kafka_state::stopped);
  }

  std::pair<outcome<void>, bool> run_session() noexcept {
    try {
      kafka::session session{store_, options_, board_};
      auto ended = session.run();
      return {std::move(ended), session.delivered()};
    } catch (const std::exception& e) { // out of memory
      return {failure(errc::internal, e.what(), "kafka"), false};
    }
  }

  store& store_;
  const kafka_options options_;
  kafka::board board_{options_.on_reach};
  std::thread thread_; // last: starts when all the rest is there
};

bool is_topic_name(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         name.find_first_not_of(allowed) == std::string_view::npos;
}

outcome<void> check(const kafka_options& options) {
  if (options.bootstrap.empty())
    return failure(errc::invalid, "needs at least one HOST:PORT", "bootstrap");
  if (!is_topic_name(options.topic))
    return failure(errc::invalid, "is not a name that Kafka allows for a topic", "topic");
  if (options.partitions < 1 || options.partitions > 10'000)
    return failure(errc::invalid, "must be from 1 to 10000", "partitions");
  if (options.replication != -1 && (options.replication < 1 || options.replication > 100))
    return failure(errc::invalid, "must be -1 or from 1 to 100", "replication");
  if (options.in_flight_records < 1 || options.in_flight_records > 1'000'000)
    return failure(errc::invalid, "must be from 1 to 1000000", "in_flight_records");
  if (options.in_flight_bytes < 1 || options.in_flight_bytes > (std::size_t{1} << 30))
    return failure(errc::invalid, "must be from 1 byte to 1 GiB", "in_flight_bytes");
  return {};
}

} // namespace

std::string_view to_string(kafka_state state) noexcept {
  switch (state) {
  case kafka_state::connecting:
    return "connecting";
  case kafka_state::streaming:
    return "streaming";
  case kafka_state::retrying:
    return "retrying";
  case kafka_state::stopped:
    return "stopped";
  }
  return "unknown";
}

outcome<std::unique_ptr<kafka_export>> kafka_export::open(store& of, kafka_options options) {
  if (auto fine = check(options); !fine)
    return tl::unexpected{std::move(fine.error())};
  // A producer that is thrown away: librdkafka judges the settings only when it makes one.
  if (auto producer = kafka::session::make_producer(options, nullptr); !producer)
    return tl::unexpected{std::move(producer.error())};
  return std::make_unique<threaded_export>(of, std::move(options));
}

} // namespace hourglass::storage
