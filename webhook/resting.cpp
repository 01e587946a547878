#include "webhook/resting.hpp"

#include "events/ids.hpp"
#include "webhook/lane_guard.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <tuple>

// packed   := delivery…
// delivery := seq, attempts, step, due, since, type, body_bytes, id
//             Numbers are LEB128, those that may be negative folded ("zigzag"). Of seq, due, since and
//             body_bytes the difference from the delivery before; of the first from 0, base, base, 0.
// type     := which of the types of this page, counted as they come; a new one: then its length, its bytes
// id       := 0, 16 bytes (`msg_` and the text of those)
//           | 1 + length, bytes
//
// A snapshot's page has base, folded, in front.

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;

constexpr std::string_view usual_prefix = "msg_";
constexpr std::size_t id_bytes = 16;

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
    ok_ = ok_ && count <= std::min(rest_.size(), resting_text_most);
    if (!ok_)
      return {};
    const auto out = rest_.substr(0, count);
    rest_.remove_prefix(out.size());
    return out;
  }
  /// As it stands there: sixteen bytes of a usual one, else its text.
  std::pair<bool, std::string_view> id() {
    const auto length = number();
    return length == 0 ? std::pair{true, bytes(id_bytes)} : std::pair{false, bytes(length - 1)};
  }
  std::string_view rest() const noexcept { return rest_; }

private:
  std::string_view rest_;
  bool ok_ = true;
};

std::string id_text(const std::pair<bool, std::string_view>& packed) {
  if (!packed.first)
    return std::string{packed.second};
  events::sandbox_id id;
  std::copy(packed.second.begin(), packed.second.end(), id.bytes.begin());
  return std::string{usual_prefix} + id.to_string().substr(usual_prefix.size());
}

/// One after the other, without its texts.
class page_reader {
public:
  page_reader(std::string_view packed, std::int64_t base_us) : u_(packed) {
    now_.due = now_.since = {base_us};
  }

  /// False at the end, and where the bytes are none of `pack`'s.
  bool next() {
    if (!u_.more())
      return false;
    const auto before = now_.message.seq;
    now_.message.seq += u_.number();
    now_.attempts = u_.small(), now_.step = u_.small();
    now_.due = {plus(now_.due.us, u_.signed_number())};
    now_.since = {plus(now_.since.us, u_.signed_number())};
    type_ = u_.number();
    if (type_ == types_.size())
      types_.push_back(u_.bytes(u_.number()));
    now_.message.body_bytes = static_cast<std::uint64_t>(
        plus(static_cast<std::int64_t>(now_.message.body_bytes), u_.signed_number()));
    id_ = u_.id();
    ok_ = u_.ok() && type_ < types_.size() && now_.message.seq > before && ++count_ <= resting_deliveries::page_most;
    return ok_;
  }
  bool ok() const noexcept { return ok_ && u_.ok(); }
  events::seq seq() const noexcept { return now_.message.seq; }
  resting_delivery whole() const {
    auto out = now_;
    out.message.event_type = types_[type_];
    out.message.id = id_text(id_);
    return out;
  }

private:
  unpacker u_;
  resting_delivery now_; ///< without its texts
  std::vector<std::string_view> types_;
  std::uint64_t type_ = 0;
  std::pair<bool, std::string_view> id_;
  std::size_t count_ = 0;
  bool ok_ = true;
};

/// Nothing when the bytes are none of `pack`'s.
std::optional<std::vector<resting_delivery>> unpack(std::string_view packed,
                                                    std::int64_t base_us) {
  std::vector<resting_delivery> out;
  page_reader page{packed, base_us};
  while (page.next())
    out.push_back(page.whole());
  return page.ok() ? std::optional{std::move(out)} : std::nullopt;
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
    p.over_us = std::min(p.over_us, over_us(d));
    p.kept_us = std::min(p.kept_us, kept_us(d));
  }
  if (p.over_us != INT64_MAX)
    by_over_.emplace(p.over_us, at->first);
  if (p.kept_us != INT64_MAX)
    by_kept_.emplace(p.kept_us, at->first);
}

std::int64_t resting_deliveries::over_us(const resting_delivery& d) const {
  const auto age = rules_(d.message.event_type);
  return age.maximum ? capped_sum(d.since.us, age.maximum->count()) : INT64_MAX;
}

std::int64_t resting_deliveries::kept_us(const resting_delivery& d) const {
  const auto age = rules_(d.message.event_type);
  return age.kept_back && !age.maximum ? d.due.us : INT64_MAX;
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
  page_reader reader{at->second.packed, at->second.base_us};
  while (reader.next() && reader.seq() <= message)
    if (reader.seq() == message)
      return reader.whole();
  return std::nullopt;
}

std::optional<resting_delivery> resting_deliveries::take(events::seq message) {
  auto out = find(message);
  if (out) {
    auto its = take_page(page_of(message));
    std::erase_if(its, [message](const auto& d) { return d.message.seq == message; });
    add_pages(its);
  }
  return out;
}

template <class Wanted>
std::vector<resting_delivery> resting_deliveries::take_of_first(const order& by, Wanted wanted) {
  auto its = take_page(pages_.find(by.begin()->second));
  const auto others = std::stable_partition(its.begin(), its.end(), wanted);
  add_pages({std::make_move_iterator(others), std::make_move_iterator(its.end())});
  its.erase(others, its.end());
  return its;
}

std::vector<resting_delivery> resting_deliveries::take_over(events::virtual_time now) {
  return take_of_first(by_over_, [&](const auto& d) { return over_us(d) <= now.us; });
}

std::vector<resting_delivery> resting_deliveries::take_kept(events::virtual_time until) {
  return take_of_first(by_kept_, [&](const auto& d) { return kept_us(d) <= until.us; });
}

std::vector<resting_delivery> resting_deliveries::take_soonest(events::virtual_time until) {
  const auto most = std::max(first_due_us(), until.us);
  return take_of_first(by_due_, [most](const auto& d) { return d.due.us <= most; });
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
        (out.empty() || std::pair{out.back().due.us, out.back().message.seq} < std::pair{due, seq}))
      break; // this page and those after it have nothing that is before
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
