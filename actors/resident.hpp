#pragma once

#include "events/ids.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace hourglass::actors {

/// The door of one sandbox that is in memory: how much work it has in hand, and whether it still takes more.
///
/// Work is counted from the moment it is let in until its answer is out; an append that is not yet durable, an attempt in flight and a clock
/// that advances count too. A sandbox leaves memory only by `close()`, which succeeds only while nothing is counted, so nothing is ever lost in
/// the mailbox of an actor that is going away. Only what comes from outside is ever refused, and only others from outside count against it:
/// receivers that hang must not keep callers out.
///
/// Threads: any.
class resident {
public:
  explicit resident(events::sandbox_id id) : id_(id) {}

  const events::sandbox_id& id() const noexcept { return id_; }

  enum class entry { in, full, closed };

  /// Lets one piece of work in from outside, unless `most` from outside are in already or the door is closed. Goes with `leave`.
  entry enter(std::uint32_t most) noexcept {
    auto before = count_.fetch_add(from_outside, std::memory_order_acq_rel);
    if ((before & closed_bit) != 0) {
      leave();
      return entry::closed;
    }
    if (before / from_outside_only >= most) {
      leave();
      return entry::full;
    }
    return entry::in;
  }
  void leave() noexcept { count_.fetch_sub(from_outside, std::memory_order_acq_rel); }

  /// For work that follows from work already inside: never refused. Goes with `leave_again`.
  void enter_again() noexcept { count_.fetch_add(1, std::memory_order_acq_rel); }
  void leave_again() noexcept { count_.fetch_sub(1, std::memory_order_acq_rel); }

  /// Of what is inside, the bytes that requests keep in memory. False: there would be more than `most`.
  bool take_bytes(std::size_t n, std::size_t most) noexcept {
    if (bytes_.fetch_add(n, std::memory_order_relaxed) + n <= most)
      return true;
    give_bytes(n);
    return false;
  }
  void give_bytes(std::size_t n) noexcept { bytes_.fetch_sub(n, std::memory_order_relaxed); }

  /// Closes the door if nothing is inside.
  bool close() noexcept {
    std::uint64_t nothing = 0;
    return count_.compare_exchange_strong(nothing, closed_bit, std::memory_order_acq_rel);
  }

  bool closed() const noexcept { return (count_.load(std::memory_order_acquire) & closed_bit) != 0; }
  /// Of either kind.
  std::uint32_t inside() const noexcept { return static_cast<std::uint32_t>(count_.load(std::memory_order_acquire)); }

  /// The sandbox was removed: nothing more is said of it.
  void silence() noexcept { silent_.store(true, std::memory_order_release); }
  bool silent() const noexcept { return silent_.load(std::memory_order_acquire); }

  void touch(std::int64_t now_us) noexcept { last_used_us_.store(now_us, std::memory_order_relaxed); }
  std::int64_t last_used_us() const noexcept { return last_used_us_.load(std::memory_order_relaxed); }

private:
  // In one word, so that a door closes only while there is nothing of either kind: all that are inside, those from outside, closed.
  static constexpr std::uint64_t from_outside_only = std::uint64_t{1} << 32U;
  static constexpr std::uint64_t from_outside = from_outside_only + 1;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63U;

  events::sandbox_id id_;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<bool> silent_{false};
  std::atomic<std::int64_t> last_used_us_{0};
};

using resident_ptr = std::shared_ptr<resident>;

/// One piece of work inside a resident; leaves when destroyed.
class hold {
public:
  hold() = default;
  /// Takes over an `enter()` that succeeded.
  static hold adopt(resident_ptr door) { return hold{std::move(door), true}; }
  /// Enters for work that follows from work already inside.
  static hold follow(const resident_ptr& door) {
    door->enter_again();
    return hold{door, false};
  }
  hold(hold&&) noexcept = default;
  hold& operator=(hold&& other) noexcept {
    release();
    door_ = std::move(other.door_);
    bytes_ = std::exchange(other.bytes_, 0);
    from_outside_ = other.from_outside_;
    return *this;
  }
  ~hold() { release(); }

  /// So many bytes stay in memory as long as it is inside. False: the sandbox would have more than `most`.
  bool carry(std::size_t n, std::size_t most) noexcept {
    if (!door_->take_bytes(n, most))
      return false;
    bytes_ += n;
    return true;
  }

  /// It carries nothing any more, and is still inside.
  void put_down() noexcept {
    if (door_)
      door_->give_bytes(std::exchange(bytes_, 0));
  }

  void release() noexcept {
    if (auto door = std::exchange(door_, nullptr)) {
      door->give_bytes(std::exchange(bytes_, 0));
      from_outside_ ? door->leave() : door->leave_again();
    }
  }
  explicit operator bool() const noexcept { return door_ != nullptr; }

private:
  hold(resident_ptr door, bool from_outside) : door_(std::move(door)), from_outside_(from_outside) {}
  resident_ptr door_;
  std::size_t bytes_ = 0;
  bool from_outside_ = false;
};

} // namespace hourglass::actors
