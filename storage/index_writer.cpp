#include "events/codec.hpp"
#include "storage/index.hpp"
#include "storage/postings.hpp"
#include "storage/store.hpp"
#include "storage/terms.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace hourglass::storage {

namespace {

using namespace std::chrono_literals;
using events::outcome;

/// What one fold adds. Most events share their terms with others of the same fold, and so an entry.
class gathered {
public:
  void add(const events::header& h) {
    of_event_.clear();
    terms::of_event(h, of_event_);
    for (auto& term : of_event_) {
      auto& seqs = seqs_of_[std::move(term)];
      if (seqs.empty() || seqs.back() != h.seq)
        seqs.push_back(h.seq);
    }
  }

  std::vector<index_entry> entries() const { return postings::entries_of(seqs_of_); }

private:
  postings::terms seqs_of_;
  std::vector<std::string> of_event_;
};

class log_folder final : public index_writer {
public:
  log_folder(store& over, const index_options& options)
      : over_(over), options_(options), target_(over.end()), folded_(over.index_end()) {
    if (options_.thread)
      thread_ = std::thread{[this] { run(); }};
  }

  ~log_folder() override {
    {
      const std::lock_guard lock{mutex_};
      closing_ = true;
    }
    wake_.notify_all();
    done_.notify_all();
    if (thread_.joinable())
      thread_.join();
  }

  void notify(position end) noexcept override {
    raise_target(end);
    if (!idle_.load())
      return; // it looks again before it sleeps
    const std::lock_guard lock{mutex_};
    wake_.notify_one();
  }

  void take(position first, std::vector<record_batch> batches) noexcept override {
    offer o{first, std::move(batches), 0};
    for (const auto& batch : o.batches)
      o.bytes += batch.bytes();
    const std::lock_guard lock{offers_mutex_};
    if (offered_ + o.bytes > options_.offered_bytes)
      return; // the log has it
    offered_ += o.bytes;
    offers_.push_back(std::move(o));
  }

  bool wait_until(position end, std::chrono::steady_clock::time_point deadline) override {
    if (folded_ >= end)
      return true;
    std::unique_lock lock{mutex_};
    raise_target(end);
    ++hurried_;
    wake_.notify_one();
    done_.wait_until(lock, deadline, [&] { return closing_ || folded_ >= end; });
    --hurried_;
    return folded_ >= end;
  }

  position folded() const noexcept override { return folded_; }

  outcome<bool> fold_once() override {
    const auto from = folded_.load();
    if (from >= over_.end())
      return false;
    gathered terms;
    const auto folded = fold_offered(from, terms);
    if (!folded)
      return tl::unexpected{folded.error()};
    auto to = *folded;
    if (to == from) {
      const auto read = fold_log(from, terms);
      if (!read)
        return tl::unexpected{read.error()};
      to = *read;
    }
    if (auto put = over_.put_index(terms.entries(), to); !put)
      return tl::unexpected{std::move(put.error())};
    {
      const std::lock_guard lock{mutex_};
      folded_ = to;
    }
    done_.notify_all();
    return true;
  }

  std::optional<events::error> trouble() const override {
    const std::lock_guard lock{mutex_};
    return trouble_;
  }

private:
  struct offer {
    position first = 0;
    std::vector<record_batch> batches;
    std::size_t bytes = 0;
  };

  /// Folds what was offered from `from` on without a gap; returns where it ends, `from` if nothing
  /// fits.
  outcome<position> fold_offered(position from, gathered& terms) {
    auto at = from;
    for (std::size_t records = 0; records < options_.records_per_fold;) {
      offer next;
      {
        const std::lock_guard lock{offers_mutex_};
        while (!offers_.empty() && offers_.front().first < at)
          drop_front();
        if (offers_.empty() || offers_.front().first != at)
          break;
        next = std::move(offers_.front());
        offered_ -= next.bytes;
        offers_.pop_front();
      }
      for (const auto& batch : next.batches)
        for (const auto& bytes : batch.records) {
          const auto header = events::decode_header(bytes);
          if (!header)
            return tl::unexpected{header.error()};
          terms.add(*header);
          ++at;
          ++records;
        }
    }
    return at;
  }

  outcome<position> fold_log(position from, gathered& terms) {
    const auto entries = over_.read_log(from, {options_.records_per_fold, std::size_t{8} << 20});
    if (!entries)
      return tl::unexpected{entries.error()};
    for (const auto& entry : *entries) {
      if (entry.pruned())
        continue;
      const auto header = events::decode_header(entry.bytes);
      if (!header)
        return tl::unexpected{header.error()};
      terms.add(*header);
    }
    return from + entries->size();
  }

  void drop_front() {
    offered_ -= offers_.front().bytes;
    offers_.pop_front();
  }

  void raise_target(position end) noexcept {
    for (auto known = target_.load(); known < end && !target_.compare_exchange_weak(known, end);) {
    }
  }

  void run() {
    std::unique_lock lock{mutex_};
    while (!closing_) {
      idle_ = true;
      wake_.wait(lock, [this] { return closing_ || target_ > folded_; });
      idle_ = false;
      wake_.wait_for(lock, options_.linger, [this] { return closing_ || hurried_ > 0; });
      lock.unlock();
      outcome<bool> more = true;
      while (more && *more && !closing_)
        more = fold_once();
      lock.lock();
      trouble_ = more ? std::nullopt : std::optional{more.error()};
      // With nothing more to fold but a target ahead, someone waits for what is not committed yet.
      if (!more || target_ > folded_)
        wake_.wait_for(lock, more ? std::chrono::milliseconds{options_.linger} : 1000ms,
                       [this] { return closing_.load(); });
    }
  }

  store& over_;
  const index_options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::atomic<position> target_;
  std::atomic<position> folded_;
  std::atomic<bool> idle_{false};
  std::atomic<bool> closing_{false};
  std::mutex offers_mutex_;
  std::deque<offer> offers_;
  std::size_t offered_ = 0; ///< bytes
  int hurried_ = 0;         ///< who waits in `wait_until`
  std::optional<events::error> trouble_;
  std::thread thread_;
};

} // namespace

std::unique_ptr<index_writer> open_index_writer(store& over, const index_options& options) {
  return std::make_unique<log_folder>(over, options);
}

} // namespace hourglass::storage
