#include "storage/postings.hpp"

#include "storage/keys.hpp"

#include <algorithm>

namespace hourglass::storage::postings {

using events::seq;

namespace {

void add_distance(std::string& value, std::uint64_t distance) {
  for (; distance >= 0x80; distance >>= 7)
    value.push_back(static_cast<char>(static_cast<std::uint8_t>(distance | 0x80)));
  value.push_back(static_cast<char>(static_cast<std::uint8_t>(distance)));
}

/// The distance in front of `value`, which is taken away; 0, which is none, if there is no whole one.
std::uint64_t take_distance(std::string_view& value) {
  std::uint64_t distance = 0;
  for (unsigned shift = 0; shift < 64 && !value.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(value.front());
    value.remove_prefix(1);
    if (shift == 63 && byte > 1)
      return 0;
    distance |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80)
      return distance;
  }
  return 0;
}

index_entry run_of(std::string_view term, std::span<const seq> ascending) {
  index_entry out;
  out.key.reserve(term.size() + 8);
  out.key = term;
  keys::add_number(out.key, ascending.back());
  for (auto i = ascending.size() - 1; i > 0; --i)
    add_distance(out.value, ascending[i] - ascending[i - 1]);
  return out;
}

} // namespace

std::vector<index_entry> entries_of(const terms& folded) {
  std::vector<index_entry> out;
  out.reserve(folded.size());
  for (const auto& [term, seqs] : folded)
    for (std::size_t at = 0; at < seqs.size(); at += seqs_per_run)
      out.push_back(run_of(term, std::span{seqs}.subspan(at, std::min(seqs_per_run, seqs.size() - at))));
  return out;
}

events::outcome<std::vector<seq>> seqs_of(const index_entry& entry) {
  const auto broken = [] { return events::failure(events::errc::corrupt, "an entry of the index cannot be read"); };
  if (entry.key.size() < 8)
    return broken();
  std::vector<seq> out{keys::number_at<seq>(std::string_view{entry.key}.substr(entry.key.size() - 8))};
  for (std::string_view rest = entry.value; !rest.empty();) {
    const auto distance = take_distance(rest);
    if (distance == 0 || distance >= out.back() || out.size() == seqs_per_run)
      return broken();
    out.push_back(out.back() - distance);
  }
  return out;
}

} // namespace hourglass::storage::postings
