#pragma once

#include "events/outcome.hpp"
#include "webhook/attempt.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::webhook {

/// A delivery that only waits for its time: the schedule's next attempt is at `due`, and nothing
/// else is to be known of it.
struct resting_delivery {
  message_ref message;
  std::uint32_t attempts = 0; ///< made, whatever their trigger
  std::uint32_t step = 0;     ///< of them by the schedule
  events::virtual_time due;
  events::virtual_time since; ///< when it was due first
  bool operator==(const resting_delivery&) const = default;
};

/// What becomes of messages of one event type that wait too long.
struct ageing {
  std::optional<events::duration> maximum; ///< their age
  bool kept_back = false; ///< without one: they die when a rule has kept them back for too long
};
using ageing_of = std::function<ageing(std::string_view event_type)>;

inline constexpr std::size_t resting_text_most = 65'536; ///< of an id or a type, in bytes

/// The long tail of what waits for one destination, in little memory: some 30 bytes a delivery
/// instead of some 400.
///
/// Pages of at most `page_most` deliveries in the order of their messages, each packed into one
/// string, and of each page the earliest moments. To take one is to unpack its page and pack the
/// rest again, tens of microseconds; to find one, a few.
///
/// Pure; equal contents need not have equal pages. One thread at a time; a copy is independent.
class resting_deliveries {
public:
  static constexpr std::size_t page_most = 128;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// By which rules they grow old; without any they do not. O(size).
  void rule(ageing_of rules);

  /// Of them none is here yet, and they stand in the order of their messages.
  void put(const std::vector<resting_delivery>& sorted);
  std::optional<resting_delivery> find(events::seq message) const;
  /// The one of this message, which is no longer here then.
  std::optional<resting_delivery> take(events::seq message);
  /// Of the page with the earliest: all that are due by `until`, and the earliest in any case.
  std::vector<resting_delivery> take_soonest(events::virtual_time until);
  /// Of the page that has the oldest: all that are too old at `now`; and of the one whose first was due
  /// first of those that may be kept back: all that were due by `until`. There must be such.
  std::vector<resting_delivery> take_over(events::virtual_time now);
  std::vector<resting_delivery> take_kept(events::virtual_time until);

  /// When the first falls due, and a message at or before it. Of one at least.
  const std::pair<std::int64_t, events::seq>& front() const noexcept { return *by_due_.begin(); }
  // Microseconds; INT64_MAX when there is none.
  std::int64_t first_due_us() const noexcept { return first(by_due_); }
  std::int64_t first_over_us() const noexcept {
    return first(by_over_);
  } ///< when one is older than its maximum age
  std::int64_t first_kept_us() const noexcept {
    return first(by_kept_);
  } ///< when the first was due of those that may be kept back
  std::int64_t first_since_us() const noexcept; ///< O(pages)

  /// In the order of their messages.
  void each(const std::function<void(const resting_delivery&)>& see) const;
  /// The first `most` to fall due, in that order. O(size) at worst.
  std::vector<resting_delivery> soonest(std::size_t most) const;

  /// All moments so much later.
  void move(std::int64_t by_us);

private:
  struct page {
    std::int64_t base_us = 0; ///< what the moments in `packed` are counted from
    std::int64_t due_us = INT64_MAX, since_us = INT64_MAX, over_us = INT64_MAX,
                 kept_us = INT64_MAX; ///< the earliest of each
    std::string packed;
  };
  using pages = std::map<events::seq, page>; ///< by its first message
  using order = std::set<std::pair<std::int64_t, events::seq>>;

  static std::int64_t first(const order& o) noexcept {
    return o.empty() ? INT64_MAX : o.begin()->first;
  }
  pages::iterator page_of(events::seq message);
  std::vector<resting_delivery> take_page(pages::iterator at);
  template <class Wanted>
  std::vector<resting_delivery> take_of_first(const order& by, Wanted wanted);
  std::int64_t over_us(const resting_delivery& d) const;
  std::int64_t kept_us(const resting_delivery& d) const;
  void add_pages(const std::vector<resting_delivery>& sorted);
  void add_page(const resting_delivery* from, std::size_t count);
  void index_by_age(pages::iterator at, const std::vector<resting_delivery>& its);

  pages pages_;
  order by_due_, by_over_, by_kept_;
  ageing_of rules_;
  std::size_t size_ = 0;
};

/// One page for a snapshot, at most `page_most`, in the order of their messages.
std::string pack_resting(const std::vector<resting_delivery>& deliveries);
/// Takes any bytes. Fails with `errc::corrupt`.
events::outcome<std::vector<resting_delivery>> unpack_resting(std::string_view bytes);

} // namespace hourglass::webhook
