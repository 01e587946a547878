#include "storage/packing.hpp"

#include "events/codec.hpp"
#include "events/digest.hpp"
#include "storage/keys.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <unordered_map>

#include <lz4.h>

namespace hourglass::storage {

using events::errc;
using events::failure;
using events::outcome;
using events::sandbox_id;

namespace {

constexpr std::string_view mark{"\xff\xff\xff\xff", 4};
constexpr std::size_t head_bytes = 4 + 8 + 4;

// The packer's choices. They may change.
constexpr std::size_t largest_worth_a_try = 16'384; // loading a base costs the journal's thread time
constexpr std::size_t bytes_of_a_class = 128;
constexpr unsigned most_uses = 64;           // of one base, so that what a broken one takes with it stays small
constexpr unsigned misses_before_pause = 2;
constexpr unsigned pause_after_misses = 16;  // records kept whole before it is tried again: they do not resemble each other
constexpr std::size_t buried_at_a_time = 4;  // entries

constexpr std::size_t bases_kept = 8; // by an unpacker

/// Into `out`, which is as long as the record.
bool decode(std::string_view block, std::string_view base, std::span<char> out) {
  const auto made = LZ4_decompress_safe_usingDict(block.data(), out.data(), static_cast<int>(block.size()), static_cast<int>(out.size()), base.data(),
                                                  static_cast<int>(base.size()));
  return made >= 0 && static_cast<std::size_t>(made) == out.size();
}

} // namespace

// -- packing ----------------------------------------------------------------------

namespace {

/// Records of one kind and about one size probably resemble each other: two endpoints that answer by turns seldom share a size.
struct alike {
  sandbox_id sandbox;
  events::kind kind{};
  std::uint16_t size_class = 0;

  bool operator==(const alike&) const = default;
};

struct hash_of_alike {
  std::size_t operator()(const alike& a) const noexcept {
    return std::hash<sandbox_id>{}(a.sandbox) ^ ((static_cast<std::size_t>(a.kind) << 16 | a.size_class) * 0x9E3779B97F4A7C15U);
  }
};

/// A record that was stored whole.
struct base_record {
  events::seq at = 0; ///< 0: none
  std::string bytes;
  std::uint32_t checksum = 0; ///< of `bytes`, which stand in memory for long
  unsigned uses = 0;

  bool serves(events::seq whom) const { return at != 0 && uses < most_uses && at < whom && whom - at <= packed::most_reach; }
};

struct candidates {
  std::array<base_record, 2> bases; ///< two, for answers of one size that come by turns
  unsigned misses = 0;              ///< since the last success
  unsigned pause = 0;

  std::size_t memory() const { return sizeof(std::pair<alike, candidates>) + 64 + bases[0].bytes.capacity() + bases[1].bytes.capacity(); }
};

using generation = std::unordered_map<alike, candidates, hash_of_alike>;

} // namespace

struct record_packer::memory {
  explicit memory(std::size_t budget_bytes) : budget(budget_bytes) { LZ4_initStream(&coder, sizeof coder); }

  const std::size_t budget;
  generation young, old; ///< what is asked for again in time moves to the young
  generation dying;      ///< is freed little by little: the journal's thread has no time
  std::size_t young_bytes = 0;
  LZ4_stream_t coder;
  std::string out, check;

  candidates& of(const alike& key) {
    for (std::size_t i = 0; i < buried_at_a_time && !dying.empty(); ++i)
      dying.erase(dying.begin());
    if (young_bytes > budget / 2) {
      dying = std::move(old);
      old = std::move(young);
      young.clear();
      young_bytes = 0;
    }
    if (const auto found = young.find(key); found != young.end())
      return found->second;
    auto node = old.extract(key);
    auto& mine = node ? young.insert(std::move(node)).position->second : young[key];
    young_bytes += mine.memory();
    return mine;
  }

  /// Size of what stands in `out` then; 0 if it would save less than a quarter.
  std::size_t difference(base_record& from, std::string_view record) {
    if (events::crc32c(from.bytes) != from.checksum) {
      from.at = 0;
      return 0;
    }
    const auto worth = record.size() - record.size() / 4;
    out.assign(mark);
    keys::add_number(out, from.at);
    keys::add_number(out, static_cast<std::uint32_t>(record.size()));
    out.resize(worth);
    LZ4_loadDict(&coder, from.bytes.data(), static_cast<int>(from.bytes.size()));
    const auto size = LZ4_compress_fast_continue(&coder, record.data(), out.data() + head_bytes, static_cast<int>(record.size()),
                                                 static_cast<int>(worth - head_bytes), 1);
    if (size <= 0)
      return 0;
    check.resize(record.size());
    if (!decode({out.data() + head_bytes, static_cast<std::size_t>(size)}, from.bytes, check) || check != record)
      return 0;
    return head_bytes + static_cast<std::size_t>(size);
  }

  /// As `difference`, from the best of `mine`: the one whose size is closer first.
  std::size_t best_difference(candidates& mine, events::seq at, std::string_view record) {
    const auto apart = [&](const base_record& b) { return b.bytes.size() < record.size() ? record.size() - b.bytes.size() : b.bytes.size() - record.size(); };
    std::array<base_record*, 2> order{&mine.bases[0], &mine.bases[1]};
    if (apart(*order[1]) < apart(*order[0]))
      std::swap(order[0], order[1]);
    for (auto* base : order) {
      if (!base->serves(at))
        continue;
      if (const auto size = difference(*base, record); size != 0) {
        ++base->uses;
        mine.misses = 0;
        return size;
      }
      ++mine.misses;
    }
    return 0;
  }

  void remember(candidates& mine, events::seq at, std::string_view record) {
    auto& [first, second] = mine.bases;
    auto& gone = !first.serves(at) ? first : !second.serves(at) || second.at < first.at ? second : first;
    young_bytes -= mine.memory();
    gone.at = 0; // until all of it is there
    if (gone.bytes.capacity() < record.size())
      gone.bytes.reserve((record.size() / bytes_of_a_class + 1) * bytes_of_a_class);
    gone.bytes.assign(record);
    gone.checksum = events::crc32c(record);
    gone.uses = 0;
    gone.at = at;
    young_bytes += mine.memory();
  }
};

record_packer::record_packer(std::size_t budget_bytes) : memory_(std::make_unique<memory>(budget_bytes)) {}
record_packer::~record_packer() = default;

void record_packer::forget() noexcept {
  memory_->young.clear();
  memory_->old.clear();
  memory_->young_bytes = 0;
}

void record_packer::forget(const sandbox_id& sandbox) {
  std::erase_if(memory_->old, [&](const auto& entry) { return entry.first.sandbox == sandbox; });
  std::erase_if(memory_->young, [&](const auto& entry) {
    const bool gone = entry.first.sandbox == sandbox;
    memory_->young_bytes -= gone ? entry.second.memory() : 0;
    return gone;
  });
}

std::string_view record_packer::pack(const sandbox_id& sandbox, events::seq at, std::string_view record) {
  if (record.size() < packed::least_record || record.size() > largest_worth_a_try)
    return record;
  auto& mine = memory_->of({sandbox, events::kind_of(record), static_cast<std::uint16_t>(record.size() / bytes_of_a_class)});
  if (mine.pause > 0) {
    --mine.pause;
    return record;
  }
  if (const auto size = memory_->best_difference(mine, at, record); size != 0)
    return {memory_->out.data(), size};
  if (mine.misses > misses_before_pause) {
    mine.misses = 0;
    mine.pause = pause_after_misses;
  }
  memory_->remember(mine, at, record);
  return record;
}

// -- unpacking --------------------------------------------------------------------

events::seq record_unpacker::base_of(std::string_view stored) noexcept {
  return stored.size() > head_bytes && stored.starts_with(mark) ? keys::number_at<events::seq>(stored.substr(mark.size())) : 0;
}

std::size_t record_unpacker::size_of(std::string_view stored) noexcept {
  return stored.size() > head_bytes && stored.starts_with(mark) ? keys::number_at<std::uint32_t>(stored.substr(mark.size() + 8)) : stored.size();
}

outcome<std::string_view> record_unpacker::base_at(const sandbox_id& sandbox, events::seq at, events::seq for_whom) {
  for (const auto& b : bases_)
    if (b.at == at && b.sandbox == sandbox)
      return b.bytes;
  auto stored = fetch_(sandbox, at);
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  if (!*stored || (*stored)->starts_with(mark) || (*stored)->size() > packed::most_record)
    return failure(errc::corrupt,
                   "event " + std::to_string(for_whom) + " is kept as its difference from event " + std::to_string(at) + ", which is not there whole",
                   sandbox.to_string() + "/" + std::to_string(at));
  if (bases_.size() < bases_kept) {
    bases_.push_back({sandbox, at, std::move(**stored)});
    return bases_.back().bytes;
  }
  auto& oldest = bases_[replace_];
  replace_ = (replace_ + 1) % bases_kept;
  oldest = {sandbox, at, std::move(**stored)};
  return oldest.bytes;
}

outcome<std::string_view> record_unpacker::unpack(const sandbox_id& sandbox, events::seq at, std::string_view stored) {
  if (!stored.starts_with(mark))
    return stored;
  const auto broken = [&](const char* what) { return failure(errc::corrupt, what, sandbox.to_string() + "/" + std::to_string(at)); };
  if (stored.size() <= head_bytes)
    return broken("an event that is kept as a difference is cut off");
  const auto from = keys::number_at<events::seq>(stored.substr(mark.size()));
  const auto size = size_of(stored);
  if (from == 0 || from >= at || at - from > packed::most_reach)
    return broken("an event that is kept as a difference does not say from which");
  if (size < packed::least_record || size > packed::most_record)
    return broken("an event that is kept as a difference has a size that none of them has");
  const auto base = base_at(sandbox, from, at);
  if (!base)
    return base;
  out_.resize(size);
  if (!decode(stored.substr(head_bytes), *base, out_))
    return broken("an event that is kept as a difference cannot be read");
  return out_;
}

} // namespace hourglass::storage
