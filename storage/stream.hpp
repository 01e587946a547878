#pragma once

#include "storage/store.hpp"

#include <span>
#include <utility>

/// What every store does alike with a stream, in terms of `store` itself. For implementations of `store` only.
namespace hourglass::storage::stream {

/// `store::seq_at` by binary search.
events::outcome<events::seq> seq_at(const store& in, const events::sandbox_id& sandbox, events::wall_time t);

/// `store::verify` by reading it all.
events::outcome<events::chain_head> verify(const store& in, const events::sandbox_id& sandbox,
                                           const std::function<bool(events::seq)>& progress);

/// The records that take the place of those that `batch` erases content of, in order of seq. Fails with `errc::conflict` when one is not there or stands
/// behind, as `read_raw` does, and with `errc::corrupt` when one does not verify.
events::outcome<std::vector<std::pair<events::seq, std::string>>> erased_by(const store& in, const record_batch& batch);

/// Decodes one stored record and checks that it is the one that was asked for.
events::outcome<events::record> decode_at(std::string_view bytes, const events::sandbox_id& sandbox,
                                          events::seq seq);

/// Takes records in order, checks each against the one before it, until the budget is used up.
class collector {
public:
  collector(const events::sandbox_id& sandbox, events::seq from, read_budget budget)
      : sandbox_(sandbox), next_(from), budget_(budget) {}

  /// Whether the budget has room for one more record of so many bytes.
  bool wants(std::size_t bytes) const {
    return records_.empty() || (records_.size() < budget_.max_records && bytes_ + bytes <= budget_.max_bytes);
  }

  /// False when the budget is used up and `bytes` was not taken.
  events::outcome<bool> take(events::seq seq, std::string_view bytes);

  std::vector<events::record> finish() { return std::move(records_); }

private:
  events::sandbox_id sandbox_;
  events::seq next_;
  read_budget budget_;
  std::size_t bytes_ = 0;
  events::chain_head head_;
  std::vector<events::record> records_;
};

/// Which snapshot to drop when one more than `kept` is there: never one of the two newest; the one whose neighbours are closest together
/// in relation to their age, so that old ones stand ever further apart. `newest_first` has at least three entries.
events::seq snapshot_to_drop(std::span<const events::seq> newest_first);

inline constexpr std::size_t snapshots_kept = 12;

/// Whether `s` leaves a part to the snapshot before it.
bool borrows(const snapshot& s);

/// Whether a snapshot that ends at `head` may lend the parts that `to` leaves out: near enough (see `store::put_snapshot`), and of this stream.
events::outcome<bool> lends_parts(const store& in, const events::sandbox_id& sandbox, const events::chain_head& head, std::uint32_t format, std::size_t parts,
                                  const snapshot& to);
tl::unexpected<events::error> nothing_to_lend();

/// `latest_snapshot` trusts a snapshot only if the stream has its event with its link.
events::outcome<bool> snapshot_fits(const store& in, const events::sandbox_id& sandbox, const events::chain_head& head);

} // namespace hourglass::storage::stream
