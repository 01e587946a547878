#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Records kept as their difference from an earlier one of the same stream. Events of a sandbox resemble each other: the same answer, the same header names,
/// the same message in each of its attempts. What a reader gets is always the record as `events::seal` made it, so nothing outside of the store
/// knows of this: not the chain, not the export, not the index. Decision: docs/decisions/013-records-as-differences.md.
///
/// packed := mark: FF FF FF FF (no record begins so: it would be 4 GiB long), base: fixed64 big endian (seq of a whole record of the same stream, at most
///           `most_reach` before this one), size: fixed32 big endian (of the record), LZ4 block whose dictionary is the base
namespace hourglass::storage {

/// What a packed record may be. Events on disks are read by these numbers, so that another one needs a new `keys::format`.
namespace packed {
inline constexpr events::seq most_reach = 1'024; ///< a record depends on nothing further back in its stream
inline constexpr std::size_t least_record = 256;
inline constexpr std::size_t most_record = 65'536; ///< LZ4 looks back no further
} // namespace packed

/// Decides what to store for each record. Remembers the last whole records of the streams it saw, within a budget; what it forgets is only stored whole again.
/// What it packed it has unpacked again. Whoever comes to change or remove stored events must see that nothing is packed from them afterwards (`forget`).
/// One thread at a time.
class record_packer {
public:
  explicit record_packer(std::size_t budget_bytes = 16 << 20);
  ~record_packer();
  record_packer(const record_packer&) = delete;
  record_packer& operator=(const record_packer&) = delete;

  /// What to store for `record`: itself, or its difference. Valid until the next call and while `record` is.
  std::string_view pack(const events::sandbox_id& sandbox, events::seq at, std::string_view record);

  /// To be called when something that was packed may not have been stored.
  void forget() noexcept;
  /// To be called before events of `sandbox` change: nothing is packed from them afterwards.
  void forget(const events::sandbox_id& sandbox);

private:
  struct memory;
  std::unique_ptr<memory> memory_;
};

/// Makes records of what is stored. Cheap to make: one for each read, so that a base is read once for a run of records. One thread at a time.
class record_unpacker {
public:
  /// The stored bytes of an event, if it is there.
  using fetcher = std::function<events::outcome<std::optional<std::string>>(const events::sandbox_id&, events::seq)>;

  explicit record_unpacker(fetcher fetch) : fetch_(std::move(fetch)) {}

  /// Of which event the record whose stored bytes are `stored` is the difference; 0: of none, it is whole.
  static events::seq base_of(std::string_view stored) noexcept;

  /// The size of the record whose stored bytes are `stored`, as they say.
  static std::size_t size_of(std::string_view stored) noexcept;

  /// The record whose stored bytes are `stored`; valid until the next call and while `stored` is. Its own checksum is not looked at here.
  /// Fails with `errc::corrupt` when it cannot be made, and as `fetch` does.
  events::outcome<std::string_view> unpack(const events::sandbox_id& sandbox, events::seq at, std::string_view stored);

private:
  struct whole {
    events::sandbox_id sandbox;
    events::seq at = 0;
    std::string bytes;
  };

  events::outcome<std::string_view> base_at(const events::sandbox_id& sandbox, events::seq at, events::seq for_whom);

  fetcher fetch_;
  std::vector<whole> bases_; ///< the last few; a stream has some kinds of records by turns
  std::size_t replace_ = 0;
  std::string out_;
};

} // namespace hourglass::storage
