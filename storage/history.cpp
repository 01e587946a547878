#include "events/codec.hpp"
#include "storage/index.hpp"
#include "storage/keys.hpp"
#include "storage/postings.hpp"
#include "storage/store.hpp"
#include "storage/terms.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <tuple>

namespace hourglass::storage {

namespace {

using events::outcome;
using events::seq;

constexpr std::size_t examined_per_page = 5'000;
constexpr std::size_t page_bytes = 8 << 20;
constexpr std::size_t counted = 256; ///< how far the width of an index is measured

/// seq in [low, high)
struct bounds {
  seq low = 1;
  seq high = ~seq{0};
};

/// The seqs behind one beginning of index keys, in the order asked for.
class index_cursor {
public:
  index_cursor(const store& in, std::string prefix, bounds within, bool reverse)
      : in_(in), prefix_(std::move(prefix)), within_(within), reverse_(reverse) {}

  /// The next seq, without taking it; nothing at the end.
  outcome<std::optional<seq>> peek() {
    while (buffer_.empty() && !done_)
      if (auto filled = fill(); !filled)
        return tl::unexpected{filled.error()};
    return buffer_.empty() ? std::optional<seq>{} : buffer_.front();
  }

  void pop() { buffer_.pop_front(); }

  /// How many there are, up to `counted`.
  outcome<std::size_t> width() const {
    const auto runs = in_.scan_index(bound(within_.low), bound(~seq{0}), counted);
    if (!runs)
      return tl::unexpected{runs.error()};
    std::size_t n = 0;
    for (const auto& run : *runs) {
      const auto seqs = postings::seqs_of(run);
      if (!seqs)
        return tl::unexpected{seqs.error()};
      n += static_cast<std::size_t>(std::count_if(seqs->begin(), seqs->end(), [&](seq at) {
        return at >= within_.low && at < within_.high;
      }));
      if (n >= counted || seqs->front() >= within_.high)
        break;
    }
    return std::min(n, counted);
  }

private:
  outcome<void> fill() {
    constexpr std::size_t step = 64;
    std::vector<index_entry> runs;
    if (reverse_ && !begun_) { // the run that `high` may stand in
      auto around = in_.scan_index(bound(within_.high), bound(~seq{0}), 1);
      if (!around)
        return tl::unexpected{around.error()};
      runs = std::move(*around);
    }
    begun_ = true;
    auto more = in_.scan_index(bound(within_.low), bound(reverse_ ? within_.high : ~seq{0}), step,
                               reverse_);
    if (!more)
      return tl::unexpected{more.error()};
    done_ = more->size() < step;
    std::move(more->begin(), more->end(), std::back_inserter(runs));
    for (const auto& run : runs) {
      auto seqs = postings::seqs_of(run);
      if (!seqs)
        return tl::unexpected{seqs.error()};
      const auto last = seqs->front();
      done_ = done_ || (!reverse_ && last >= within_.high);
      std::erase_if(*seqs, [&](seq at) { return at < within_.low || at >= within_.high; });
      if (reverse_)
        buffer_.insert(buffer_.end(), seqs->begin(), seqs->end());
      else
        buffer_.insert(buffer_.end(), seqs->rbegin(), seqs->rend());
      if (!reverse_)
        within_.low = last + 1;
      else
        within_.high = std::min(within_.high, last);
    }
    return {};
  }

  std::string bound(seq at) const {
    auto key = prefix_;
    keys::add_number(key, at);
    return key;
  }

  const store& in_;
  std::string prefix_;
  bounds within_;
  bool reverse_;
  bool begun_ = false;
  bool done_ = false;
  std::deque<seq> buffer_;
};

/// Candidates of one page: several index cursors merged, or simply every event of the stream.
class candidates {
public:
  candidates(bounds all, bool reverse) : all_(all), reverse_(reverse) {}
  candidates(std::vector<index_cursor> cursors, bool reverse)
      : reverse_(reverse), by_index_(true), cursors_(std::move(cursors)) {}

  outcome<std::optional<seq>> next() {
    if (!by_index_) {
      if (all_.low >= all_.high)
        return std::optional<seq>{};
      return reverse_ ? --all_.high : all_.low++;
    }
    std::optional<seq> best;
    for (auto& cursor : cursors_) {
      const auto at = cursor.peek();
      if (!at)
        return at;
      if (*at && (!best || (reverse_ ? **at > *best : **at < *best)))
        best = **at;
    }
    for (auto& cursor : cursors_)
      if (const auto at = cursor.peek(); best && at && *at == best)
        cursor.pop();
    return best;
  }

private:
  bounds all_;
  bool reverse_;
  bool by_index_ = false;
  std::vector<index_cursor> cursors_;
};

outcome<bounds> bounds_of(const store& in, const history_query& q) {
  const auto head = in.head(q.sandbox);
  if (!head)
    return tl::unexpected{head.error()};
  bounds out{std::max<seq>(q.after, 0) + 1, *head ? (*head)->seq + 1 : 1};
  if (q.before)
    out.high = std::min(out.high, *q.before);
  if (q.from) {
    const auto earlier = in.seq_at(q.sandbox, {q.from->us - 1});
    if (!earlier)
      return tl::unexpected{earlier.error()};
    out.low = std::max(out.low, *earlier + 1);
  }
  if (q.until) {
    const auto last = in.seq_at(q.sandbox, *q.until);
    if (!last)
      return tl::unexpected{last.error()};
    out.high = std::min(out.high, *last + 1);
  }
  return out;
}

/// One entry for each condition that has an index: the beginnings of its keys.
std::vector<std::vector<std::string>> indexes_of(const history_query& q) {
  std::vector<std::vector<std::string>> out;
  const bool served = q.kinds.empty() || std::find(q.kinds.begin(), q.kinds.end(), events::kind::request_served) != q.kinds.end();
  if (q.correlation) // of equals the first: a moment is narrower than a group of endpoints
    out.push_back(terms::of_correlation(q.sandbox, *q.correlation));
  if (q.entity)
    out.push_back(terms::of_entity(q.sandbox, *q.entity, served));
  if (q.principal)
    out.push_back(terms::of_principal(q.sandbox, *q.principal));
  if (!q.kinds.empty()) {
    auto& kinds = out.emplace_back();
    for (auto k : q.kinds)
      kinds.push_back(keys::of_kind(q.sandbox, k));
  }
  return out;
}

outcome<candidates> narrowest(const store& in, const history_query& q, bounds within) {
  const auto indexes = indexes_of(q);
  if (indexes.empty())
    return candidates{within, q.newest_first};
  std::vector<index_cursor> best;
  auto best_width = ~std::size_t{0};
  for (const auto& prefixes : indexes) {
    std::vector<index_cursor> cursors;
    std::size_t width = 0;
    for (const auto& prefix : prefixes) {
      const auto& cursor = cursors.emplace_back(in, prefix, within, q.newest_first);
      const auto entries = cursor.width();
      if (!entries)
        return tl::unexpected{entries.error()};
      width = std::min(width + *entries, counted);
    }
    if (width < best_width) {
      best_width = width;
      best = std::move(cursors);
    }
  }
  return candidates{std::move(best), q.newest_first};
}

bool matches(const history_query& q, const events::header& h) {
  return (q.kinds.empty() || std::find(q.kinds.begin(), q.kinds.end(), h.kind) != q.kinds.end()) &&
         (!q.correlation || *q.correlation == h.correlation) &&
         (!q.principal || *q.principal == h.principal) &&
         (!q.entity ||
          std::find(h.entities.begin(), h.entities.end(), *q.entity) != h.entities.end()) &&
         (!q.from || h.wall >= *q.from) && (!q.until || h.wall <= *q.until);
}

tl::unexpected<events::error> missing(const history_query& q, seq at) {
  return events::failure(events::errc::corrupt, "an event is missing in the middle of a stream",
                         q.sandbox.to_string() + "/" + std::to_string(at));
}

/// Names the event, where decoding names a byte in it.
tl::unexpected<events::error> failure_at(events::error why, const events::sandbox_id& sandbox, seq at) {
  why.where = sandbox.to_string() + "/" + std::to_string(at);
  return tl::unexpected{std::move(why)};
}

/// Adds the events of one run that have this correlation id, until `out` has `limit`.
outcome<void> add_places(const store& in, const index_entry& run, std::string_view correlation,
                         std::size_t limit, std::vector<event_place>& out) {
  const auto seqs = postings::seqs_of(run);
  if (!seqs)
    return tl::unexpected{seqs.error()};
  const auto sandbox = keys::sandbox_at(std::string_view{run.key}.substr(run.key.size() - 24));
  for (auto at = seqs->rbegin(); at != seqs->rend() && out.size() < limit; ++at) {
    const auto raw = in.read_raw(sandbox, *at);
    if (!raw)
      return tl::unexpected{raw.error()};
    if (!*raw)
      return events::failure(events::errc::corrupt, "the index names an event that is not there",
                             sandbox.to_string() + "/" + std::to_string(*at));
    const auto header = events::decode_header(**raw);
    if (!header)
      return failure_at(header.error(), sandbox, *at);
    if (header->correlation == correlation)
      out.push_back({sandbox, *at});
  }
  return {};
}

/// An event that was changed behind the server's back is not what the event after it says that it follows. So each event found is held against the next
/// one of its stream, whether that was found too or not.
outcome<void> hold_against_next(const store& in, const events::record& found, const events::record* next) {
  auto previous = next != nullptr ? outcome<events::hash>{next->header.previous} : outcome<events::hash>{found.link};
  if (next == nullptr) {
    const auto raw = in.read_raw(found.header.sandbox, found.header.seq + 1);
    if (!raw)
      return tl::unexpected{raw.error()};
    if (!*raw)
      return {}; // it is the last one
    previous = events::decode_header(**raw).map([](const events::header& h) { return h.previous; });
  }
  if (!previous)
    return tl::unexpected{previous.error()};
  if (*previous != found.link)
    return events::failure(events::errc::corrupt, "an event is not the one that the next one follows",
                           found.header.sandbox.to_string() + "/" + std::to_string(found.header.seq));
  return {};
}

outcome<void> hold_against_next(const store& in, const std::vector<events::record>& all, bool newest_first) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto other = newest_first ? i - 1 : i + 1; // before the first is behind the last
    const auto* next = other < all.size() && all[other].header.seq == all[i].header.seq + 1 ? &all[other] : nullptr;
    if (auto good = hold_against_next(in, all[i], next); !good)
      return good;
  }
  return {};
}

outcome<history_page> collect(const store& in, const history_query& what) {
  history_page page;
  const auto within = bounds_of(in, what);
  if (!within)
    return tl::unexpected{within.error()};
  if (within->low >= within->high)
    return page;
  auto source = narrowest(in, what, *within);
  if (!source)
    return tl::unexpected{std::move(source.error())};
  const auto limit = std::max<std::size_t>(what.limit, 1);
  std::size_t bytes = 0;
  for (std::size_t examined = 0;; ++examined) {
    const auto at = source->next();
    if (!at)
      return tl::unexpected{at.error()};
    if (!*at) {
      page.next.reset();
      return page;
    }
    if (page.events.size() >= limit || examined >= examined_per_page || bytes >= page_bytes)
      return page; // `next` is the last one examined
    page.next = **at;
    const auto raw = in.read_raw(what.sandbox, **at);
    if (!raw)
      return tl::unexpected{raw.error()};
    if (!*raw)
      return missing(what, **at);
    bytes += (*raw)->size(); // of what does not match, too: an index term may stand for much
    const auto header = events::decode_header(**raw);
    if (!header)
      return failure_at(header.error(), what.sandbox, **at);
    if (!matches(what, *header))
      continue;
    auto record = events::decode(**raw);
    if (!record)
      return failure_at(record.error(), what.sandbox, **at);
    page.events.push_back(std::move(*record));
  }
}

} // namespace

outcome<history_page> find(const store& in, const history_query& what) {
  auto page = collect(in, what);
  if (page)
    if (auto good = hold_against_next(in, page->events, what.newest_first); !good)
      return tl::unexpected{good.error()};
  return page;
}

outcome<void> each_found(const store& in, history_query what, const std::function<outcome<void>(const events::record&)>& see) {
  for (;;) {
    const auto page = find(in, what);
    if (!page)
      return tl::unexpected{page.error()};
    for (const auto& e : page->events)
      if (auto good = see(e); !good)
        return good;
    if (!page->next)
      return {};
    if (what.newest_first)
      what.before = page->next;
    else
      what.after = *page->next;
  }
}

outcome<std::vector<event_place>> find_correlation(const store& in, std::string_view correlation, std::size_t limit) {
  constexpr std::size_t step = 64;
  std::vector<event_place> out;
  for (auto from : terms::of_correlation(correlation)) {
    const auto to = keys::behind(from);
    const auto most = out.size() + limit;
    for (bool more = true; more && out.size() < most;) {
      const auto found = in.scan_index(from, to, step);
      if (!found)
        return tl::unexpected{found.error()};
      for (const auto& run : *found)
        if (auto added = add_places(in, run, correlation, most, out); !added)
          return tl::unexpected{added.error()};
      more = found->size() == step;
      if (more)
        from = found->back().key + '\0';
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return std::tie(a.sandbox, a.seq) < std::tie(b.sandbox, b.seq); });
  out.resize(std::min(out.size(), limit));
  return out;
}

} // namespace hourglass::storage
