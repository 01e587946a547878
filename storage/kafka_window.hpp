#pragma once

#include "storage/records.hpp"

#include <cstddef>
#include <deque>

namespace hourglass::storage {

/// What was sent and is not yet known to have arrived, in log order. Its front is the cursor: it moves over the contiguous confirmed prefix only,
/// whatever order the confirmations come in, so that nothing behind the cursor can be missing.
class delivery_window {
public:
  explicit delivery_window(position first, std::uint64_t empty = 0) : first_(first), empty_places_(empty) {}

  /// The record at `next()` was handed over.
  void sent(std::size_t bytes) {
    waiting_.push_back({bytes, false, false});
    bytes_ += bytes;
  }

  /// At `next()` stands nothing to send: its event was pruned.
  void passed() {
    waiting_.push_back({0, true, true});
    advance();
  }

  /// The record at `at` arrived. True if the cursor moved. A position outside of the window changes nothing.
  bool confirm(position at) {
    if (at < first_ || at >= next())
      return false;
    waiting_[at - first_].arrived = true;
    const auto before = first_;
    advance();
    return first_ != before;
  }

  /// Positions before the cursor that nothing was sent for.
  std::uint64_t empty_places() const noexcept { return empty_places_; }
  /// Position after the last record of the confirmed prefix.
  position confirmed() const noexcept { return first_; }
  /// Position of the record to send next.
  position next() const noexcept { return first_ + waiting_.size(); }
  std::size_t size() const noexcept { return waiting_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return waiting_.empty(); }

private:
  struct entry {
    std::size_t bytes;
    bool arrived;
    bool empty_place;
  };

  void advance() {
    while (!waiting_.empty() && waiting_.front().arrived) {
      bytes_ -= waiting_.front().bytes;
      empty_places_ += waiting_.front().empty_place ? 1 : 0;
      waiting_.pop_front();
      ++first_;
    }
  }

  position first_;
  std::uint64_t empty_places_ = 0;
  std::deque<entry> waiting_;
  std::size_t bytes_ = 0;
};

} // namespace hourglass::storage
