#include "api/log_reading.hpp"

#include <deque>

namespace hourglass::api {

events::outcome<std::optional<events::seq>> scan_log(const storage::store& in, storage::history_query what,
                                                     const std::function<events::outcome<bool>(const events::record&)>& see) {
  std::size_t looked = 0;
  what.limit = limits::page_size;
  while (true) {
    auto page = storage::find(in, what);
    if (!page)
      return tl::unexpected<events::error>{page.error()};
    for (std::size_t i = 0; i < page->events.size(); ++i) {
      auto more = see(page->events[i]);
      if (!more)
        return tl::unexpected<events::error>{more.error()};
      auto last_of_all = i + 1 == page->events.size() && !page->next;
      if (!*more)
        return last_of_all ? std::optional<events::seq>{} : page->events[i].header.seq;
    }
    looked += std::max<std::size_t>(page->events.size(), 50);
    if (!page->next || looked >= scan_most)
      return page->next;
    if (what.newest_first)
      what.before = page->next;
    else
      what.after = *page->next;
  }
}

namespace {

/// One of the queries of a merged scan, read ahead by a page.
class reading_ahead {
public:
  reading_ahead(const storage::store& in, storage::history_query what) : in_(in), what_(std::move(what)) { what_.limit = limits::page_size; }

  /// The next event, without taking it; null at the end.
  events::outcome<const events::record*> peek() {
    while (page_.empty() && !ended_) {
      auto more = storage::find(in_, what_);
      if (!more)
        return tl::unexpected<events::error>{more.error()};
      looked_ += std::max<std::size_t>(more->events.size(), 50);
      std::move(more->events.begin(), more->events.end(), std::back_inserter(page_));
      ended_ = !more->next;
      if (more->next && what_.newest_first)
        what_.before = more->next;
      else if (more->next)
        what_.after = *more->next;
      if (looked_ >= scan_most)
        break;
    }
    return page_.empty() ? nullptr : &page_.front();
  }
  void pop() { page_.pop_front(); }

  bool ended() const noexcept { return ended_ && page_.empty(); }
  std::size_t looked() const noexcept { return looked_; }
  /// With no event at hand and no end: where it would go on.
  events::seq place() const { return what_.newest_first ? what_.before.value_or(0) : what_.after; }

private:
  const storage::store& in_;
  storage::history_query what_;
  std::deque<events::record> page_;
  std::size_t looked_ = 0;
  bool ended_ = false;
};

} // namespace

events::outcome<std::optional<events::seq>> scan_log_merged(const storage::store& in, std::vector<storage::history_query> what,
                                                            const std::function<events::outcome<bool>(const events::record&)>& see) {
  const bool down = what.front().newest_first;
  auto before = [down](events::seq a, events::seq b) { return down ? a > b : a < b; };
  std::vector<reading_ahead> sources;
  for (auto& one : what)
    sources.emplace_back(in, std::move(one));
  std::optional<events::seq> last;
  while (true) {
    const events::record* next = nullptr;
    std::optional<events::seq> stuck; // a source that must be read further before anything behind this place may be told
    std::size_t looked = 0;
    for (auto& source : sources) {
      auto at = source.peek();
      if (!at)
        return tl::unexpected<events::error>{at.error()};
      looked += source.looked();
      if (*at && (!next || before((*at)->header.seq, next->header.seq)))
        next = *at;
      if (!*at && !source.ended() && (!stuck || before(source.place(), *stuck)))
        stuck = source.place();
    }
    if (!next && !stuck)
      return std::nullopt;
    if (stuck && (!next || before(*stuck, next->header.seq)))
      return stuck;
    last = next->header.seq;
    auto more = see(*next);
    if (!more)
      return tl::unexpected<events::error>{more.error()};
    bool ended = true;
    for (auto& source : sources) {
      if (auto at = source.peek(); at && *at && (*at)->header.seq == *last)
        source.pop();
      ended = ended && source.ended();
    }
    if (!*more || looked >= scan_most)
      return ended ? std::optional<events::seq>{} : last;
  }
}

namespace {

events::outcome<events::virtual_time> moment_of(const storage::store& in, const events::sandbox_id& sandbox, events::seq seq) {
  auto raw = in.read_raw(sandbox, seq);
  if (!raw)
    return tl::unexpected<events::error>{raw.error()};
  if (!*raw)
    return events::failure(events::errc::corrupt, "an event is missing in the middle of a stream", sandbox.to_string() + "/" + std::to_string(seq));
  return events::decode_header(**raw).map([](const events::header& h) { return h.virtual_; });
}

} // namespace

events::outcome<events::seq> place_of(const storage::store& in, const events::sandbox_id& sandbox, events::virtual_time t) {
  auto head = in.head(sandbox);
  if (!head)
    return tl::unexpected<events::error>{head.error()};
  // Only setting the clock can take time back: between two such events it goes forward. Beyond the first thousands of them it is taken to.
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {events::kind::clock_set};
  what.newest_first = false;
  std::vector<events::seq> ends;
  auto set = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> { return ends.push_back(r.header.seq - 1), true; });
  if (!set)
    return tl::unexpected<events::error>{set.error()};
  ends.push_back(*head ? (*head)->seq : 0);
  events::seq low = 0; // at or before `t`
  for (auto end : ends) {
    if (end <= low)
      continue;
    auto last = moment_of(in, sandbox, end);
    if (!last)
      return tl::unexpected<events::error>{last.error()};
    if (*last <= t) {
      low = end;
      continue;
    }
    for (auto high = end; low + 1 < high;) { // `high` is later
      auto middle = low + (high - low) / 2;
      auto at = moment_of(in, sandbox, middle);
      if (!at)
        return tl::unexpected<events::error>{at.error()};
      (*at <= t ? low : high) = middle;
    }
    return low;
  }
  return low;
}

events::outcome<std::optional<events::record>> find_one(const storage::store& in, const events::sandbox_id& sandbox, events::kind kind,
                                                        std::string_view entity) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {kind};
  what.entity = std::string{entity};
  std::optional<events::record> out;
  while (!out) {
    auto next = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> {
      out = r;
      return false;
    });
    if (!next)
      return tl::unexpected<events::error>{next.error()};
    if (!*next)
      break;
    what.before = *next; // it looked at as many as one call may; the rest may hold it
  }
  return out;
}

} // namespace hourglass::api
