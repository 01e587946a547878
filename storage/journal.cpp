#include "storage/journal.hpp"

#include "storage/store.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace hourglass::storage {

namespace {

using events::errc;

/// Streams whose end the journal remembers, so that the order check costs no read; beyond it, it starts anew.
constexpr std::size_t heads_remembered = 65'536;

struct waiting {
  record_batch batch;
  journal::handler on_done;
  std::size_t bytes = 0;
};

class group_journal final : public journal {
public:
  group_journal(store& to, const journal_options& options) : to_(to), options_(options) {
    if (options_.writer_thread)
      writer_ = std::thread{[this] { write_until_closed(); }};
  }

  ~group_journal() override { group_journal::close(); }

  void close() override {
    {
      const std::lock_guard lock{mutex_};
      closing_ = true;
    }
    wake_.notify_one();
    if (writer_.joinable())
      writer_.join();
    while (write_next_group()) {
    }
  }

  void append(record_batch batch, handler on_done) override {
    const auto bytes = batch.bytes();
    if (failed_.load(std::memory_order_relaxed)) {
      reject(on_done, {errc::unavailable, "the journal has failed and was not recovered", {}});
      return;
    }
    {
      std::unique_lock lock{mutex_};
      if (closing_) {
        lock.unlock();
        reject(on_done, {errc::unavailable, "the journal is closed", {}});
        return;
      }
      if (queued_bytes_ + bytes > options_.queue_bytes) {
        lock.unlock();
        reject(on_done, {errc::overloaded, "the journal's queue is full (journal_queue_bytes)", {}});
        return;
      }
      queued_bytes_ += bytes;
      queue_.push_back({std::move(batch), std::move(on_done), bytes});
    }
    wake_.notify_one();
  }

  void listen(listener heard) override {
    const std::lock_guard lock{listeners_mutex_};
    listeners_.push_back(std::move(heard));
  }

  void give_to(taker takes) override {
    const std::lock_guard lock{listeners_mutex_};
    taker_ = std::move(takes);
  }

  bool run_once() override {
    if (write_next_group())
      return true;
    rest();
    return false;
  }

  events::outcome<void> recover() override {
    const std::lock_guard lock{write_mutex_};
    if (!failed_)
      return {};
    if (auto resumed = to_.resume(); !resumed)
      return resumed;
    heads_.clear();
    failed_ = false;
    return {};
  }

  position end() const noexcept override { return to_.end(); }
  bool failed() const noexcept override { return failed_; }

  journal_counters counters() const noexcept override {
    journal_counters out{batches_, events_, bytes_, syncs_, rejected_, unknown_, last_sync_us_, 0};
    const std::lock_guard lock{mutex_};
    out.queued_bytes = queued_bytes_;
    return out;
  }

private:
  struct group {
    std::vector<record_batch> batches; ///< in order; the accepted ones only
    std::vector<handler> handlers;     ///< one for each that waited
    std::vector<append_result> results;
    position first = 0; ///< of the first record
    std::size_t queued_bytes = 0;
    std::size_t events = 0;
    std::size_t bytes = 0;
  };

  void write_until_closed() {
    for (;;) {
      {
        std::unique_lock lock{mutex_};
        if (!wake_.wait_for(lock, options_.rest_after, [this] { return closing_ || !queue_.empty(); })) {
          lock.unlock();
          rest();
          continue;
        }
        if (queue_.empty())
          return;
      }
      write_next_group();
    }
  }

  /// A store that has come to refuse is noticed here even when nobody writes, or nobody would ask it to come back.
  void rest() {
    const std::lock_guard lock{write_mutex_};
    to_.idle();
    if (!to_.health())
      failed_ = true;
  }

  bool write_next_group() {
    group g;
    {
      const std::lock_guard lock{write_mutex_};
      auto drained = drain();
      if (drained.empty())
        return false;
      prepare(g, std::move(drained));
      if (!g.batches.empty())
        commit(g);
    }
    complete(g);
    return true;
  }

  std::vector<waiting> drain() {
    std::vector<waiting> out;
    std::size_t bytes = 0;
    const std::lock_guard lock{mutex_};
    while (!queue_.empty() && (out.empty() || bytes + queue_.front().bytes <= options_.batch_bytes)) {
      bytes += queue_.front().bytes;
      out.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    return out;
  }

  /// Decides which batches go in and at which position.
  void prepare(group& g, std::vector<waiting> drained) {
    auto at = to_.end();
    g.first = at;
    if (heads_.size() >= heads_remembered) // only between groups is every entry what the store holds
      heads_.clear();
    for (auto& entry : drained) {
      g.queued_bytes += entry.bytes;
      g.handlers.push_back(std::move(entry.on_done));
      if (auto refused = check(entry.batch)) {
        g.results.push_back({append_outcome::rejected, 0, std::move(*refused)});
        continue;
      }
      g.results.push_back({append_outcome::committed, at, {}});
      at += entry.batch.records.size();
      g.events += entry.batch.records.size();
      g.bytes += entry.bytes;
      g.batches.push_back(std::move(entry.batch));
    }
  }

  /// The reason to refuse `batch`, if there is one; otherwise its stream is taken to end where it ends.
  std::optional<events::error> check(const record_batch& batch) {
    if (failed_)
      return events::error{errc::unavailable, "the journal has failed and was not recovered", {}};
    if (batch.records.empty())
      return std::nullopt;
    for (const auto& record : batch.records)
      if (record.size() > limits::record_bytes)
        return events::error{errc::too_large, "an event is larger than record_bytes", batch.sandbox.to_string()};
    auto known = heads_.find(batch.sandbox);
    if (known == heads_.end()) {
      const auto head = to_.head(batch.sandbox);
      if (!head)
        return head.error();
      known = heads_.emplace(batch.sandbox, *head ? (*head)->seq : 0).first;
    }
    if (batch.first != known->second + 1)
      return events::error{errc::conflict,
                           "event " + std::to_string(batch.first) + " does not follow event " + std::to_string(known->second),
                           batch.sandbox.to_string()};
    if (const auto can = to_.can_erase(batch); !can)
      return can.error();
    known->second += batch.records.size();
    return std::nullopt;
  }

  void commit(group& g) {
    const auto begin = std::chrono::steady_clock::now();
    const auto written = to_.write(g.batches, to_.end(), durability::synced);
    const auto took = std::chrono::steady_clock::now() - begin;
    last_sync_us_ = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    if (written) {
      batches_ += g.batches.size();
      events_ += g.events;
      bytes_ += g.bytes;
      ++syncs_;
      return;
    }
    heads_.clear();
    const auto code = written.error().code;
    const bool untouched = code == errc::unavailable || code == errc::conflict;
    if (code != errc::conflict)
      failed_ = true; // also when the store only refused: it stays so until it is asked to come back
    for (auto& result : g.results)
      if (result.outcome == append_outcome::committed)
        result = {untouched ? append_outcome::rejected : append_outcome::unknown, 0, written.error()};
  }

  void complete(group& g) noexcept {
    bool committed = false;
    for (std::size_t i = 0; i < g.handlers.size(); ++i) {
      switch (g.results[i].outcome) {
      case append_outcome::committed:
        committed = true;
        break;
      case append_outcome::rejected:
        ++rejected_;
        break;
      case append_outcome::unknown:
        ++unknown_;
        break;
      }
      if (g.handlers[i])
        g.handlers[i](g.results[i]);
    }
    {
      const std::lock_guard lock{mutex_};
      queued_bytes_ -= g.queued_bytes;
    }
    if (!committed)
      return;
    const std::lock_guard lock{listeners_mutex_};
    if (taker_)
      taker_(g.first, std::move(g.batches));
    for (const auto& heard : listeners_)
      heard(to_.end());
  }

  void reject(const handler& on_done, events::error why) {
    ++rejected_;
    if (on_done)
      on_done({append_outcome::rejected, 0, std::move(why)});
  }

  store& to_;
  const journal_options options_;

  mutable std::mutex mutex_; ///< the queue
  std::condition_variable wake_;
  std::deque<waiting> queue_;
  std::size_t queued_bytes_ = 0;
  bool closing_ = false;

  std::mutex write_mutex_; ///< one write or recovery at a time
  std::unordered_map<events::sandbox_id, events::seq> heads_;

  std::mutex listeners_mutex_;
  std::vector<listener> listeners_;
  taker taker_;

  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> rejected_{0};
  std::atomic<std::uint64_t> unknown_{0};
  std::atomic<std::uint64_t> last_sync_us_{0};
  std::thread writer_;
};

} // namespace

std::unique_ptr<journal> open_journal(store& to, const journal_options& options) {
  return std::make_unique<group_journal>(to, options);
}

} // namespace hourglass::storage
