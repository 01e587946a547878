#pragma once

#include "storage/records.hpp"

#include <cstddef>
#include <deque>

namespace hourglass::storage {

/// What was sent and is not yet known to have arrived, in log order. Its front is the cursor: it moves over the contiguous confirmed prefix only,
/// whatever order the confirmations come in, so that nothing behind the cursor can be missing.
class delivery_window {
public:
  explicit delivery_window(position first) : first_(first) {}

  /// The record at `next()` was handed over.
  void sent(std::size_t bytes) {
    waiting_.push_back({bytes, false});
    bytes_ += bytes;
  }

  /// The record at `at` arrived. True if the cursor moved. A position outside of the window changes nothing.
  bool confirm(position at) {
    if (at < first_ || at >= next())
      return false;
    waiting_[at - first_].arrived = true;
    const auto before = first_;
    while (!waiting_.empty() && waiting_.front().arrived) {
      bytes_ -= waiting_.front().bytes;
      waiting_.pop_front();
      ++first_;
    }
    return first_ != before;
  }

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
  };

  position first_;
  std::deque<entry> waiting_;
  std::size_t bytes_ = 0;
};

} // namespace hourglass::storage
