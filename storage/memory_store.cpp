#include "storage/keys.hpp"
#include "storage/stream.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace hourglass::storage {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using events::sandbox_id;

class memory_store final : public store {
public:
  outcome<void> write(std::span<const record_batch> batches, position first, durability) override {
    std::vector<std::pair<sandbox_id, std::vector<std::pair<events::seq, std::string>>>> erased;
    for (const auto& batch : batches) {
      auto left = stream::erased_by(*this, batch);
      if (!left)
        return tl::unexpected{std::move(left.error())};
      erased.emplace_back(batch.sandbox, std::move(*left));
    }
    const std::unique_lock lock{mutex_};
    if (first != end_.load())
      return failure(errc::conflict, "the log does not end where the write begins", std::to_string(first));
    for (const auto& batch : batches) {
      auto seq = batch.first;
      for (const auto& bytes : batch.records) {
        streams_[batch.sandbox].insert_or_assign(seq, bytes);
        log_.push_back({batch.sandbox, seq++});
      }
      put_rows(batch.rows);
      if (batch.due)
        add_due({*batch.due, batch.sandbox});
    }
    for (auto& [sandbox, records] : erased)
      for (auto& [seq, bytes] : records)
        streams_[sandbox].insert_or_assign(seq, std::move(bytes));
    end_ = log_.size() + 1;
    return {};
  }

  outcome<bool> prune(std::span<const pruned_stream> which, prune_place& from) override {
    const std::lock_guard one_at_a_time{snapshot_mutex_};
    const std::unique_lock lock{mutex_};
    for (const auto& one : which) {
      streams_.erase(one.sandbox);
      snapshots_.erase(one.sandbox);
      for (auto& place : log_)
        if (place.first == one.sandbox)
          place = {sandbox_id{}, one.said_by};
      std::erase_if(due_, [&](const auto& entry) { return entry.second.sandbox == one.sandbox; });
      std::erase_if(index_, [&](const auto& entry) {
        const std::string_view key = entry.first;
        for (const auto kind : {keys::by_kind, keys::by_principal, keys::by_entity})
          if (key.starts_with(keys::of_stream(kind, one.sandbox)))
            return true;
        return keys::sandbox_of_correlation(key) == one.sandbox;
      });
    }
    from.at = prune_place::part::done;
    return false;
  }

  outcome<std::map<events::seq, std::uint64_t>> pruned_places() const override {
    const std::shared_lock lock{mutex_};
    std::map<events::seq, std::uint64_t> out;
    for (const auto& [sandbox, seq] : log_)
      if (sandbox == sandbox_id{})
        ++out[seq];
    return out;
  }

  outcome<std::vector<sandbox_id>> streams(const std::optional<sandbox_id>& after, std::size_t limit) const override {
    const std::shared_lock lock{mutex_};
    std::vector<sandbox_id> out;
    for (const auto& [sandbox, stream] : streams_)
      if (!after || sandbox > *after)
        out.push_back(sandbox);
    std::sort(out.begin(), out.end());
    out.resize(std::min(out.size(), limit));
    return out;
  }

  position end() const noexcept override { return end_.load(); }
  outcome<void> resume() override { return {}; }
  outcome<void> health() const override { return {}; }

  store_figures figures() const override {
    const std::shared_lock lock{mutex_};
    store_figures out;
    for (const auto& [sandbox, stream] : streams_)
      for (const auto& [seq, bytes] : stream)
        out.memory_bytes += bytes.size();
    return out;
  }

  // -- streams ----------------------------------------------------------------

  outcome<std::optional<events::chain_head>> head(const sandbox_id& sandbox) const override {
    const std::shared_lock lock{mutex_};
    const auto found = streams_.find(sandbox);
    if (found == streams_.end())
      return std::optional<events::chain_head>{};
    const auto& [seq, bytes] = *found->second.rbegin();
    const auto record = stream::decode_at(bytes, sandbox, seq);
    if (!record)
      return tl::unexpected{record.error()};
    return events::chain_head{seq, record->link, record->header.wall};
  }

  outcome<std::vector<events::record>> read(const sandbox_id& sandbox, events::seq from,
                                            read_budget budget) const override {
    from = std::max<events::seq>(from, 1);
    stream::collector out{sandbox, from, budget};
    const std::shared_lock lock{mutex_};
    if (const auto found = streams_.find(sandbox); found != streams_.end())
      for (auto at = found->second.lower_bound(from); at != found->second.end(); ++at) {
        const auto taken = out.take(at->first, at->second);
        if (!taken)
          return tl::unexpected{taken.error()};
        if (!*taken)
          break;
      }
    return out.finish();
  }

  outcome<std::optional<std::string>> read_raw(const sandbox_id& sandbox, events::seq seq) const override {
    const std::shared_lock lock{mutex_};
    const auto found = streams_.find(sandbox);
    if (found == streams_.end())
      return std::optional<std::string>{};
    const auto at = found->second.find(seq);
    return at == found->second.end() ? std::optional<std::string>{} : at->second;
  }

  outcome<std::vector<log_entry>> read_log(position from, read_budget budget) const override {
    const std::shared_lock lock{mutex_};
    std::vector<log_entry> out;
    std::size_t bytes = 0;
    for (auto at = std::max<position>(from, 1); at <= log_.size(); ++at) {
      const auto& [sandbox, seq] = log_[at - 1];
      if (sandbox == sandbox_id{}) { // pruned
        if (out.size() >= budget.max_records)
          break;
        out.push_back({at, sandbox, seq, {}});
        continue;
      }
      const auto& record = streams_.at(sandbox).at(seq);
      if (!out.empty() && (out.size() >= budget.max_records || bytes + record.size() > budget.max_bytes))
        break;
      bytes += record.size();
      out.push_back({at, sandbox, seq, record});
    }
    return out;
  }

  outcome<events::seq> seq_at(const sandbox_id& sandbox, events::wall_time t) const override {
    return stream::seq_at(*this, sandbox, t);
  }

  outcome<events::chain_head> verify(const sandbox_id& sandbox,
                                     const std::function<bool(events::seq)>& progress) const override {
    return stream::verify(*this, sandbox, progress);
  }

  // -- rows -------------------------------------------------------------------

  outcome<std::optional<std::string>> get(std::string_view key) const override {
    const std::shared_lock lock{mutex_};
    const auto found = rows_.find(key);
    return found == rows_.end() ? std::optional<std::string>{} : found->second;
  }

  outcome<std::vector<row>> scan(std::string_view prefix, std::string_view after, std::size_t limit,
                                 bool reverse) const override {
    const std::shared_lock lock{mutex_};
    const auto behind = keys::behind(prefix);
    auto low = rows_.lower_bound(prefix);
    auto high = behind.empty() ? rows_.end() : rows_.lower_bound(behind);
    std::vector<row> out;
    if (reverse) {
      if (!after.empty() && (behind.empty() || after < behind))
        high = rows_.lower_bound(std::max(after, prefix));
      while (high != low && out.size() < limit) {
        --high;
        out.push_back({high->first, high->second});
      }
      return out;
    }
    if (after >= prefix && !after.empty())
      low = !behind.empty() && after >= behind ? high : rows_.upper_bound(after);
    for (; low != high && out.size() < limit; ++low)
      out.push_back({low->first, low->second});
    return out;
  }

  outcome<void> put(std::span<const row> rows) override {
    const std::unique_lock lock{mutex_};
    put_rows(rows);
    return {};
  }

  // -- snapshots --------------------------------------------------------------

  outcome<void> put_snapshot(const sandbox_id& sandbox, const snapshot& s) override {
    const std::lock_guard one_at_a_time{snapshot_mutex_};
    auto whole = s;
    if (stream::borrows(s)) {
      const auto lender = newest_snapshot_but(sandbox, s.head.seq);
      const auto lent = lender ? stream::lends_parts(*this, sandbox, lender->head, lender->format, lender->parts.size(), s) : outcome<bool>{false};
      if (!lent)
        return tl::unexpected{lent.error()};
      if (!*lent)
        return stream::nothing_to_lend();
      for (std::size_t i = 0; i < whole.parts.size(); ++i) {
        if (!whole.parts[i])
          whole.parts[i] = lender->parts[i];
      }
    }
    const std::unique_lock lock{mutex_};
    auto& mine = snapshots_[sandbox];
    mine.insert_or_assign(s.head.seq, std::move(whole));
    if (mine.size() > stream::snapshots_kept) {
      std::vector<events::seq> newest_first;
      for (auto at = mine.rbegin(); at != mine.rend(); ++at)
        newest_first.push_back(at->first);
      mine.erase(stream::snapshot_to_drop(newest_first));
    }
    return {};
  }

  outcome<std::optional<snapshot>> latest_snapshot(const sandbox_id& sandbox,
                                                   events::seq at_most) const override {
    std::vector<snapshot> newest_first;
    {
      const std::shared_lock lock{mutex_};
      if (const auto found = snapshots_.find(sandbox); found != snapshots_.end())
        for (auto at = found->second.upper_bound(at_most); at != found->second.begin();)
          newest_first.push_back((--at)->second);
    }
    for (auto& s : newest_first) {
      const auto fits = stream::snapshot_fits(*this, sandbox, s.head);
      if (!fits)
        return tl::unexpected{fits.error()};
      if (*fits)
        return std::move(s);
    }
    return std::optional<snapshot>{};
  }

  // -- due --------------------------------------------------------------------

  outcome<std::vector<due_entry>> due_until(events::wall_time until, std::size_t limit,
                                            const std::optional<due_entry>& after) const override {
    const std::shared_lock lock{mutex_};
    std::vector<due_entry> out;
    for (auto at = after ? due_.upper_bound(keys::of_due(*after)) : due_.begin();
         at != due_.end() && at->second.at <= until && out.size() < limit; ++at)
      out.push_back(at->second);
    return out;
  }

  void close_due_before(events::wall_time t) override {
    const std::unique_lock lock{mutex_};
    due_open_ = std::max(due_open_, keys::minute_of(t));
  }

  outcome<void> drop_due_before(events::wall_time t) override {
    close_due_before(t);
    const std::unique_lock lock{mutex_};
    due_.erase(due_.begin(), due_.lower_bound(keys::of_due_minute(keys::minute_of(t))));
    return {};
  }

  // -- index ------------------------------------------------------------------

  outcome<void> put_index(std::span<const index_entry> entries, position folded) override {
    const std::unique_lock lock{mutex_};
    for (const auto& e : entries)
      index_.insert_or_assign(e.key, e.value);
    index_end_ = folded;
    return {};
  }

  position index_end() const noexcept override { return index_end_.load(); }

  outcome<std::vector<index_entry>> scan_index(std::string_view from, std::string_view to, std::size_t limit,
                                               bool reverse) const override {
    const std::shared_lock lock{mutex_};
    std::vector<index_entry> out;
    auto low = index_.lower_bound(from);
    auto high = index_.lower_bound(to);
    while (from < to && low != high && out.size() < limit) {
      const auto& [key, value] = reverse ? *--high : *low++;
      out.push_back({key, value});
    }
    return out;
  }

private:
  std::optional<snapshot> newest_snapshot_but(const sandbox_id& sandbox, events::seq replaced) const {
    const std::shared_lock lock{mutex_};
    if (const auto found = snapshots_.find(sandbox); found != snapshots_.end())
      for (auto at = found->second.rbegin(); at != found->second.rend(); ++at)
        if (at->first != replaced)
          return at->second;
    return std::nullopt;
  }

  void put_rows(std::span<const row> rows) {
    for (const auto& r : rows) {
      if (r.remove)
        rows_.erase(r.key);
      else
        rows_.insert_or_assign(r.key, r.value);
    }
  }

  void add_due(due_entry entry) {
    if (keys::minute_of(entry.at) < due_open_)
      entry.at.us = static_cast<std::int64_t>(due_open_) * 60'000'000;
    entry.at.us = std::max<std::int64_t>(entry.at.us, 0);
    due_.insert_or_assign(keys::of_due(entry), entry);
  }

  std::mutex snapshot_mutex_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<sandbox_id, std::map<events::seq, std::string>> streams_;
  std::vector<std::pair<sandbox_id, events::seq>> log_;
  std::map<std::string, std::string, std::less<>> rows_;
  std::unordered_map<sandbox_id, std::map<events::seq, snapshot>> snapshots_;
  std::map<std::string, due_entry, std::less<>> due_;
  std::map<std::string, std::string, std::less<>> index_;
  std::uint64_t due_open_ = 0;
  std::atomic<position> end_{1};
  std::atomic<position> index_end_{1};
};

} // namespace

std::unique_ptr<store> open_memory_store() { return std::make_unique<memory_store>(); }

} // namespace hourglass::storage
