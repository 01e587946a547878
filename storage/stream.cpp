#include "storage/stream.hpp"

#include "events/erasure.hpp"

#include <algorithm>

namespace hourglass::storage {

std::size_t record_batch::bytes() const noexcept {
  constexpr std::size_t own = 256; // queue entry, handler, keys
  auto sum = own;
  for (const auto& record : records)
    sum += record.size() + 64;
  for (const auto& e : erases)
    sum += 64 + e.left.size();
  for (const auto& r : rows)
    sum += r.key.size() + r.value.size() + 32;
  return sum;
}

events::outcome<void> store::can_erase(const record_batch& batch) const {
  if (batch.erases.empty())
    return {};
  return stream::erased_by(*this, batch).map([](const auto&) {});
}

} // namespace hourglass::storage

namespace hourglass::storage::stream {

events::outcome<events::seq> seq_at(const store& in, const events::sandbox_id& sandbox,
                                    events::wall_time t) {
  const auto head = in.head(sandbox);
  if (!head)
    return tl::unexpected{head.error()};
  if (!*head)
    return events::seq{0};
  if ((*head)->wall <= t)
    return (*head)->seq;
  events::seq low = 0; // wall(low) <= t < wall(high), with wall(0) before everything
  events::seq high = (*head)->seq;
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    const auto bytes = in.read_raw(sandbox, middle);
    if (!bytes)
      return tl::unexpected{bytes.error()};
    if (!*bytes)
      return events::failure(events::errc::corrupt, "an event is missing in the middle of a stream",
                             sandbox.to_string() + "/" + std::to_string(middle));
    const auto header = events::decode_header(**bytes);
    if (!header)
      return tl::unexpected{header.error()};
    (header->wall <= t ? low : high) = middle;
  }
  return low;
}

events::outcome<events::chain_head> verify(const store& in, const events::sandbox_id& sandbox,
                                           const std::function<bool(events::seq)>& progress) {
  events::chain_head head;
  events::erasure_check erasures;
  for (;;) {
    const auto records = in.read(sandbox, head.seq + 1);
    if (!records)
      return tl::unexpected{records.error()};
    if (records->empty()) {
      if (auto good = erasures.finish(); !good)
        return tl::unexpected{std::move(good.error())};
      return head;
    }
    for (const auto& record : *records)
      if (auto good = events::follow(head, record).and_then([&] { return erasures.see(record); }); !good)
        return tl::unexpected{std::move(good.error())};
    if (progress && !progress(head.seq))
      return events::failure(events::errc::abandoned, "the check was ended before the end of the stream",
                             std::to_string(head.seq));
  }
}

events::outcome<std::vector<std::pair<events::seq, std::string>>> erased_by(const store& in, const record_batch& batch) {
  std::vector<std::pair<events::seq, std::string>> out;
  out.reserve(batch.erases.size());
  for (const auto& erasure : batch.erases) {
    const auto where = batch.sandbox.to_string() + "/" + std::to_string(erasure.seq);
    if (erasure.seq == 0 || erasure.seq >= batch.first)
      return events::failure(events::errc::conflict, "an event can only erase content of an earlier one", where);
    const auto bytes = in.read_raw(batch.sandbox, erasure.seq);
    if (!bytes)
      return tl::unexpected{bytes.error()};
    if (!*bytes)
      return events::failure(events::errc::conflict, "there is no such event to erase content of", where);
    if (const auto sound = decode_at(**bytes, batch.sandbox, erasure.seq); !sound)
      return tl::unexpected{sound.error()};
    auto left = events::erase(**bytes, erasure.left);
    if (!left)
      return tl::unexpected{std::move(left.error())};
    out.emplace_back(erasure.seq, std::move(*left));
  }
  std::sort(out.begin(), out.end());
  return out;
}

events::outcome<events::record> decode_at(std::string_view bytes, const events::sandbox_id& sandbox,
                                          events::seq seq) {
  auto record = events::decode(bytes);
  const auto where = sandbox.to_string() + "/" + std::to_string(seq);
  if (!record) {
    record.error().where = where;
    return record;
  }
  if (record->header.sandbox != sandbox || record->header.seq != seq)
    return events::failure(events::errc::corrupt, "a record stands in the place of another", where);
  return record;
}

events::outcome<bool> collector::take(events::seq seq, std::string_view bytes) {
  if (!wants(bytes.size()))
    return false;
  if (seq != next_)
    return events::failure(events::errc::corrupt, "an event is missing in the middle of a stream",
                           sandbox_.to_string() + "/" + std::to_string(next_));
  auto record = decode_at(bytes, sandbox_, seq);
  if (!record)
    return tl::unexpected{std::move(record.error())};
  if (records_.empty() && seq > 1)
    head_ = {seq - 1, record->header.previous, record->header.wall}; // what is before `from` is not ours to check
  if (auto good = events::follow(head_, *record); !good)
    return tl::unexpected{std::move(good.error())};
  bytes_ += bytes.size();
  ++next_;
  records_.push_back(std::move(*record));
  return true;
}

events::seq snapshot_to_drop(std::span<const events::seq> newest_first) {
  const auto newest = static_cast<double>(newest_first.front());
  auto drop = newest_first.back();
  auto closest = 2.0; // more than any ratio
  for (std::size_t i = 2; i + 1 < newest_first.size(); ++i) {
    const auto gap = static_cast<double>(newest_first[i - 1] - newest_first[i + 1]);
    const auto age = newest - static_cast<double>(newest_first[i + 1]) + 1;
    if (gap / age < closest) {
      closest = gap / age;
      drop = newest_first[i];
    }
  }
  return drop;
}

bool borrows(const snapshot& s) {
  return std::any_of(s.parts.begin(), s.parts.end(), [](const auto& part) { return !part; });
}

events::outcome<bool> lends_parts(const store& in, const events::sandbox_id& sandbox, const events::chain_head& head, std::uint32_t format, std::size_t parts,
                                  const snapshot& to) {
  if (head.seq >= to.head.seq || head.seq < to.unchanged_since || format != to.format || parts != to.parts.size())
    return false;
  return snapshot_fits(in, sandbox, head);
}

tl::unexpected<events::error> nothing_to_lend() {
  return events::failure(events::errc::conflict, "there is no snapshot that could lend the parts that did not change");
}

events::outcome<bool> snapshot_fits(const store& in, const events::sandbox_id& sandbox, const events::chain_head& head) {
  const auto bytes = in.read_raw(sandbox, head.seq);
  if (!bytes)
    return tl::unexpected{bytes.error()};
  if (!*bytes)
    return false;
  const auto record = decode_at(**bytes, sandbox, head.seq);
  if (!record)
    return tl::unexpected{record.error()};
  return record->link == head.link;
}

} // namespace hourglass::storage::stream
