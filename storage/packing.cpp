#include "storage/packing.hpp"

#include "events/codec.hpp"
#include "storage/keys.hpp"

#include <cstring>
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
constexpr unsigned most_uses = 64;          // of one base, so that what a broken one takes with it stays small
constexpr unsigned pause_after_failure = 16; // records kept whole before it is tried again: they do not resemble each other
constexpr std::size_t bytes_of_a_class = 128;
constexpr std::size_t bases_kept = 8;       // by an unpacker

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

/// The last one that was stored whole.
struct base_record {
  events::seq seq = 0; ///< 0: none yet
  std::string bytes;
  unsigned uses = 0;
  unsigned pause = 0;
};

} // namespace

struct record_packer::memory {
  explicit memory(std::size_t budget_bytes) : budget(budget_bytes) { LZ4_initStream(&coder, sizeof coder); }

  const std::size_t budget;
  std::size_t used = 0;
  std::unordered_map<alike, base_record, hash_of_alike> bases;
  LZ4_stream_t coder;
  std::string out;

  /// Size of what stands in `out` then; 0 if it would save less than a quarter.
  std::size_t difference(const base_record& from, std::string_view record) {
    const auto worth = record.size() - record.size() / 4;
    if (out.size() < worth)
      out.resize(worth);
    LZ4_loadDict(&coder, from.bytes.data(), static_cast<int>(from.bytes.size()));
    const auto packed = LZ4_compress_fast_continue(&coder, record.data(), out.data() + head_bytes, static_cast<int>(record.size()),
                                                   static_cast<int>(worth - head_bytes), 1);
    if (packed <= 0)
      return 0;
    std::string head{mark};
    keys::add_number(head, from.seq);
    keys::add_number(head, static_cast<std::uint32_t>(record.size()));
    std::memcpy(out.data(), head.data(), head_bytes);
    return head_bytes + static_cast<std::size_t>(packed);
  }
};

record_packer::record_packer(std::size_t budget_bytes) : memory_(std::make_unique<memory>(budget_bytes)) {}
record_packer::~record_packer() = default;

void record_packer::forget() noexcept {
  memory_->bases.clear();
  memory_->used = 0;
}

std::string_view record_packer::pack(const sandbox_id& sandbox, events::seq at, std::string_view record) {
  if (record.size() < smallest_packed_record || record.size() > largest_packed_record)
    return record;
  if (memory_->used > memory_->budget)
    forget();
  const auto [found, is_new] =
      memory_->bases.try_emplace({sandbox, events::kind_of(record), static_cast<std::uint16_t>(record.size() / bytes_of_a_class)});
  if (is_new)
    memory_->used += sizeof(*found);
  auto& base = found->second;
  if (base.pause > 0) {
    --base.pause;
    return record;
  }
  if (base.seq != 0 && base.uses < most_uses && base.seq < at && at - base.seq <= base_reach) {
    if (const auto size = memory_->difference(base, record); size != 0) {
      ++base.uses;
      return {memory_->out.data(), size};
    }
    if (base.uses == 0)
      base.pause = pause_after_failure;
  }
  memory_->used += record.size() - base.bytes.size(); // it may shrink
  base.seq = at;
  base.bytes = record;
  base.uses = 0;
  return record;
}

// -- unpacking --------------------------------------------------------------------

outcome<std::string_view> record_unpacker::base_at(const sandbox_id& sandbox, events::seq at) {
  for (const auto& b : bases_)
    if (b.seq == at && b.sandbox == sandbox)
      return b.bytes;
  auto stored = fetch_(sandbox, at);
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  if (!*stored || (*stored)->starts_with(mark))
    return failure(errc::corrupt, "an event is kept as its difference from one that is not there whole", sandbox.to_string() + "/" + std::to_string(at));
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
  const auto size = keys::number_at<std::uint32_t>(stored.substr(mark.size() + 8));
  if (from == 0 || from >= at || at - from > base_reach || size < smallest_packed_record || size > largest_packed_record)
    return broken("an event that is kept as a difference does not say from what");
  const auto base = base_at(sandbox, from);
  if (!base)
    return base;
  if (base->size() > largest_packed_record)
    return broken("an event is kept as its difference from one that is too large");
  out_.resize(size);
  const auto packed = stored.substr(head_bytes);
  const auto made = LZ4_decompress_safe_usingDict(packed.data(), out_.data(), static_cast<int>(packed.size()), static_cast<int>(size), base->data(),
                                                  static_cast<int>(base->size()));
  if (made < 0 || static_cast<std::uint32_t>(made) != size)
    return broken("an event that is kept as a difference cannot be read");
  return out_;
}

} // namespace hourglass::storage
