#include "webhook/resting.hpp"

#include "events/ids.hpp"
#include "events/limits.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <tuple>

// packed   := delivery…
// delivery := seq, attempts, step, due, since, type, body_bytes, id. Numbers are LEB128, those that
// may be negative folded ("zigzag"); seq, due, since and
//             body_bytes are the difference from the delivery before, the first's from 0, base,
//             base and 0
// type     := which of the types of this page it is, counted as they come; a new one is followed by
// its name: length, bytes id       := 0, 16 bytes (`msg_` and the text of those) | 1 + length,
// bytes
//
// A snapshot's page has base, folded, in front.

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;

constexpr std::string_view usual_prefix = "msg_";
constexpr std::size_t id_bytes = 16;
constexpr std::size_t text_most = 64 * limits::kibi; ///< longer is no name and no id

std::uint64_t folded(std::int64_t v) noexcept {
  return (static_cast<std::uint64_t>(v) << 1U) ^ static_cast<std::uint64_t>(v >> 63);
}
std::int64_t unfolded(std::uint64_t v) noexcept {
  return static_cast<std::int64_t>(v >> 1U) ^ -static_cast<std::int64_t>(v & 1U);
}

// Of any two, without overflow: a snapshot may hold any number.
std::int64_t minus(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

void put_number(std::string& to, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7U)
    to.push_back(static_cast<char>(v | 0x80U));
  to.push_back(static_cast<char>(v));
}
void put_signed(std::string& to, std::int64_t v) {
  put_number(to, folded(v));
}
void put_text(std::string& to, std::string_view text) {
  put_number(to, text.size()), to.append(text);
}

/// The sixteen bytes of an id that `events::make_id` has made: such an id is that of a sandbox, but
/// for what stands in front.
std::optional<events::sandbox_id> usual_id(std::string_view id) {
  if (!id.starts_with(usual_prefix))
    return std::nullopt;
  auto bytes = events::sandbox_id::parse("sbx_" + std::string{id.substr(usual_prefix.size())});
  return bytes ? std::optional{*bytes} : std::nullopt;
}

void put_id(std::string& to, std::string_view id) {
  if (auto usual = usual_id(id)) {
    to.push_back('\0');
    to.append(reinterpret_cast<const char*>(usual->bytes.data()), id_bytes);
  } else {
    put_number(to, id.size() + 1);
    to.append(id);
  }
}

std::string pack(const resting_delivery* from, std::size_t count, std::int64_t base_us) {
  std::string out;
  resting_delivery before;
  before.due = before.since = {base_us};
  std::vector<std::string_view> types;
  for (const auto* d = from; d != from + count; ++d) {
    put_number(out, d->message.seq - before.message.seq);
    put_number(out, d->attempts), put_number(out, d->step);
    put_signed(out, minus(d->due.us, before.due.us)),
        put_signed(out, minus(d->since.us, before.since.us));
    const auto type = std::find(types.begin(), types.end(), d->message.event_type);
    put_number(out, static_cast<std::uint64_t>(type - types.begin()));
    if (type == types.end()) {
      types.emplace_back(d->message.event_type);
      put_text(out, types.back());
    }
    put_signed(out, minus(static_cast<std::int64_t>(d->message.body_bytes),
                          static_cast<std::int64_t>(before.message.body_bytes)));
    put_id(out, d->message.id);
    before.due = d->due, before.since = d->since;
    before.message.seq = d->message.seq, before.message.body_bytes = d->message.body_bytes;
  }
  out.shrink_to_fit();
  return out;
}

class unpacker {
public:
  explicit unpacker(std::string_view bytes) : rest_(bytes) {}

  bool ok() const noexcept { return ok_; }
  bool more() const noexcept { return ok_ && !rest_.empty(); }

  std::uint64_t number() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; ok_ && shift < 64; shift += 7) {
      if (rest_.empty())
        break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0)
        return out;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t signed_number() { return unfolded(number()); }
  std::uint32_t small() {
    const auto n = number();
    ok_ = ok_ && n <= UINT32_MAX;
    return static_cast<std::uint32_t>(n);
  }
  std::string_view bytes(std::uint64_t count) {
    ok_ = ok_ && count <= std::min(rest_.size(), text_most);
    if (!ok_)
      return {};
    const auto out = rest_.substr(0, count);
    rest_.remove_prefix(out.size());
    return out;
  }
  std::string id() {
    const auto length = number();
    if (length != 0)
      return std::string{bytes(length - 1)};
    const auto raw = bytes(id_bytes);
    if (!ok_)
      return {};
    events::sandbox_id id;
    std::copy(raw.begin(), raw.end(), id.bytes.begin());
    return std::string{usual_prefix} + id.to_string().substr(usual_prefix.size());
  }
  std::string_view rest() const noexcept { return rest_; }

private:
  std::string_view rest_;
  bool ok_ = true;
};

/// Nothing when the bytes are none of `pack`'s.
std::optional<std::vector<resting_delivery>> unpack(std::string_view packed, std::int64_t base_us) {
  std::vector<resting_delivery> out;
  std::vector<std::string> types;
  unpacker u{packed};
  resting_delivery before;
  before.due = before.since = {base_us};
  while (u.more()) {
    resting_delivery d;
    const auto further = u.number();
    d.message.seq = before.message.seq + further;
    d.attempts = u.small(), d.step = u.small();
    d.due = {plus(before.due.us, u.signed_number())},
    d.since = {plus(before.since.us, u.signed_number())};
    const auto type = u.number();
    if (type == types.size())
      types.emplace_back(u.bytes(u.number()));
    d.message.body_bytes = static_cast<std::uint64_t>(
        plus(static_cast<std::int64_t>(before.message.body_bytes), u.signed_number()));
    d.message.id = u.id();
    if (!u.ok() || type >= types.size() || further == 0 || d.message.seq <= before.message.seq ||
        out.size() == resting_deliveries::page_most)
      return std::nullopt;
    d.message.event_type = types[type];
    before.due = d.due, before.since = d.since;
    before.message.seq = d.message.seq, before.message.body_bytes = d.message.body_bytes;
    out.push_back(std::move(d));
  }
  return u.ok() ? std::optional{std::move(out)} : std::nullopt;
}

std::vector<resting_delivery> unpack_own(std::string_view packed, std::int64_t base_us) {
  auto out = unpack(packed, base_us);
  if (!out)
    throw std::logic_error{"a page of resting deliveries is broken"};
  return *std::move(out);
}

bool before_by_seq(const resting_delivery& a, const resting_delivery& b) noexcept {
  return a.message.seq < b.message.seq;
}
bool before_by_due(const resting_delivery& a, const resting_delivery& b) noexcept {
  return std::tie(a.due, a.message.seq) < std::tie(b.due, b.message.seq);
}

} // namespace

// -- pages --------------------------------------------------------------------------------

/// The one in which it would stand; the end when all stand behind it.
resting_deliveries::pages::iterator resting_deliveries::page_of(events::seq message) {
  auto at = pages_.upper_bound(message);
  return at == pages_.begin() ? pages_.end() : std::prev(at);
}

std::vector<resting_delivery> resting_deliveries::take_page(pages::iterator at) {
  auto out = unpack_own(at->second.packed, at->second.base_us);
  by_due_.erase({at->second.due_us, at->first});
  by_over_.erase({at->second.over_us, at->first});
  by_kept_.erase({at->second.kept_us, at->first});
  pages_.erase(at);
  size_ -= out.size();
  return out;
}

/// Pages alike in size: a full one that is split leaves room in both.
void resting_deliveries::add_pages(const std::vector<resting_delivery>& sorted) {
  const auto count = (sorted.size() + page_most - 1) / page_most;
  for (std::size_t i = 0, from = 0; i < count; ++i) {
    const auto upto = sorted.size() * (i + 1) / count;
    add_page(sorted.data() + from, upto - from);
    from = upto;
  }
}

void resting_deliveries::add_page(const resting_delivery* from, std::size_t count) {
  page p;
  p.base_us = from->due.us;
  p.packed = pack(from, count, p.base_us);
  for (const auto* d = from; d != from + count; ++d) {
    p.due_us = std::min(p.due_us, d->due.us);
    p.since_us = std::min(p.since_us, d->since.us);
  }
  const auto at = pages_.emplace(from->message.seq, std::move(p)).first;
  by_due_.emplace(at->second.due_us, at->first);
  size_ += count;
  if (rules_)
    index_by_age(at, {from, from + count});
}

void resting_deliveries::index_by_age(pages::iterator at,
                                      const std::vector<resting_delivery>& its) {
  auto& p = at->second;
  p.over_us = p.kept_us = INT64_MAX;
  for (const auto& d : its) {
    const auto age = rules_(d.message.event_type);
    if (age.maximum)
      p.over_us = std::min(p.over_us, (d.since + *age.maximum).us);
    else if (age.kept_back)
      p.kept_us = std::min(p.kept_us, d.due.us);
  }
  if (p.over_us != INT64_MAX)
    by_over_.emplace(p.over_us, at->first);
  if (p.kept_us != INT64_MAX)
    by_kept_.emplace(p.kept_us, at->first);
}

void resting_deliveries::rule(ageing_of rules) {
  rules_ = std::move(rules);
  by_over_.clear(), by_kept_.clear();
  for (auto at = pages_.begin(); at != pages_.end(); ++at)
    index_by_age(at, unpack_own(at->second.packed, at->second.base_us));
}

// -- one and many -------------------------------------------------------------------------

void resting_deliveries::put(const std::vector<resting_delivery>& sorted) {
  for (auto from = sorted.begin(); from != sorted.end();) {
    auto at = page_of(from->message.seq);
    const auto next = at == pages_.end() ? pages_.begin() : std::next(at);
    const auto upto =
        next == pages_.end()
            ? sorted.end()
            : std::lower_bound(from, sorted.end(), next->first,
                               [](const auto& d, auto seq) { return d.message.seq < seq; });
    std::vector<resting_delivery> together, fresh{from, upto};
    if (at != pages_.end()) {
      auto there = take_page(at);
      std::merge(std::make_move_iterator(there.begin()), std::make_move_iterator(there.end()),
                 std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()),
                 std::back_inserter(together), before_by_seq);
    } else {
      together = std::move(fresh);
    }
    add_pages(together);
    from = upto;
  }
}

std::optional<resting_delivery> resting_deliveries::find(events::seq message) const {
  const auto at = const_cast<resting_deliveries*>(this)->page_of(message); // NOLINT: looks only
  if (at == pages_.end())
    return std::nullopt;
  for (auto& d : unpack_own(at->second.packed, at->second.base_us))
    if (d.message.seq == message)
      return std::move(d);
  return std::nullopt;
}

std::optional<resting_delivery> resting_deliveries::take(events::seq message) {
  if (!find(message))
    return std::nullopt;
  auto its = take_page(page_of(message));
  const auto wanted = std::find_if(its.begin(), its.end(),
                                   [message](const auto& d) { return d.message.seq == message; });
  auto out = std::move(*wanted);
  its.erase(wanted);
  add_pages(its);
  return out;
}

std::vector<resting_delivery> resting_deliveries::take_soonest(events::virtual_time until) {
  const auto most = std::max(first_due_us(), until.us);
  auto its = take_first_page(by_due_);
  const auto later = std::stable_partition(its.begin(), its.end(),
                                           [most](const auto& d) { return d.due.us <= most; });
  add_pages({std::make_move_iterator(later), std::make_move_iterator(its.end())});
  its.erase(later, its.end());
  return its;
}

std::int64_t resting_deliveries::first_since_us() const noexcept {
  auto out = INT64_MAX;
  for (const auto& [seq, p] : pages_)
    out = std::min(out, p.since_us);
  return out;
}

void resting_deliveries::each(const std::function<void(const resting_delivery&)>& see) const {
  for (const auto& [seq, p] : pages_)
    for (const auto& d : unpack_own(p.packed, p.base_us))
      see(d);
}

std::vector<resting_delivery> resting_deliveries::soonest(std::size_t most) const {
  std::vector<resting_delivery> out;
  for (const auto& [due, seq] : by_due_) {
    if (out.size() == most &&
        (out.empty() || out.back().due.us < due)) // pages that begin later have nothing earlier
      break;
    const auto& p = pages_.at(seq);
    auto its = unpack_own(p.packed, p.base_us);
    std::move(its.begin(), its.end(), std::back_inserter(out));
    std::sort(out.begin(), out.end(), before_by_due);
    out.resize(std::min(out.size(), most));
  }
  return out;
}

void resting_deliveries::move(std::int64_t by_us) {
  by_due_.clear();
  for (auto& [seq, p] : pages_) {
    p.base_us = plus(p.base_us, by_us);
    p.due_us = plus(p.due_us, by_us), p.since_us = plus(p.since_us, by_us);
    by_due_.emplace(p.due_us, seq);
  }
  if (rules_)
    rule(std::move(rules_));
}

// -- snapshots ----------------------------------------------------------------------------

std::string pack_resting(const std::vector<resting_delivery>& deliveries) {
  const auto base_us = deliveries.empty() ? 0 : deliveries.front().due.us;
  std::string out;
  put_signed(out, base_us);
  return out + pack(deliveries.data(), deliveries.size(), base_us);
}

events::outcome<std::vector<resting_delivery>> unpack_resting(std::string_view bytes) {
  unpacker u{bytes};
  const auto base_us = u.signed_number();
  auto out = u.ok() ? unpack(u.rest(), base_us) : std::nullopt;
  if (!out)
    return failure(errc::corrupt, "deliveries that wait cannot be read");
  return *std::move(out);
}

} // namespace hourglass::webhook
