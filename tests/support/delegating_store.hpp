#pragma once

#include "storage/store.hpp"

#include <memory>
#include <utility>

namespace hourglass::storage::testing {

/// Passes everything on to another store. A test overrides what shall go wrong.
class delegating_store : public store {
public:
  explicit delegating_store(std::shared_ptr<store> real) : real_(std::move(real)) {}

  store& real() const { return *real_; }

  events::outcome<void> write(std::span<const record_batch> batches, position first, durability how) override {
    return real_->write(batches, first, how);
  }
  position end() const noexcept override { return real_->end(); }
  events::outcome<void> resume() override { return real_->resume(); }
  events::outcome<void> health() const override { return real_->health(); }
  void idle() override { real_->idle(); }
  store_figures figures() const override { return real_->figures(); }
  events::outcome<bool> prune(std::span<const pruned_stream> which, prune_place& from) override { return real_->prune(which, from); }
  events::outcome<std::map<events::seq, std::uint64_t>> pruned_places() const override { return real_->pruned_places(); }
  events::outcome<std::vector<events::sandbox_id>> streams(const std::optional<events::sandbox_id>& after, std::size_t limit) const override {
    return real_->streams(after, limit);
  }
  events::outcome<std::optional<events::chain_head>> head(const events::sandbox_id& s) const override { return real_->head(s); }
  events::outcome<std::vector<events::record>> read(const events::sandbox_id& s, events::seq from, read_budget b) const override {
    return real_->read(s, from, b);
  }
  events::outcome<std::optional<std::string>> read_raw(const events::sandbox_id& s, events::seq q) const override {
    return real_->read_raw(s, q);
  }
  events::outcome<std::vector<log_entry>> read_log(position from, read_budget b) const override { return real_->read_log(from, b); }
  events::outcome<events::seq> seq_at(const events::sandbox_id& s, events::wall_time t) const override { return real_->seq_at(s, t); }
  events::outcome<events::chain_head> verify(const events::sandbox_id& s, const std::function<bool(events::seq)>& p) const override {
    return real_->verify(s, p);
  }
  events::outcome<std::optional<std::string>> get(std::string_view key) const override { return real_->get(key); }
  events::outcome<std::vector<row>> scan(std::string_view p, std::string_view a, std::size_t l, bool r) const override {
    return real_->scan(p, a, l, r);
  }
  events::outcome<void> put(std::span<const row> rows) override { return real_->put(rows); }
  events::outcome<void> put_snapshot(const events::sandbox_id& s, const snapshot& n) override { return real_->put_snapshot(s, n); }
  events::outcome<std::optional<snapshot>> latest_snapshot(const events::sandbox_id& s, events::seq at_most) const override {
    return real_->latest_snapshot(s, at_most);
  }
  events::outcome<std::vector<due_entry>> due_until(events::wall_time u, std::size_t l, const std::optional<due_entry>& a) const override {
    return real_->due_until(u, l, a);
  }
  void close_due_before(events::wall_time t) override { real_->close_due_before(t); }
  events::outcome<void> drop_due_before(events::wall_time t) override { return real_->drop_due_before(t); }
  events::outcome<void> put_index(std::span<const index_entry> k, position folded) override { return real_->put_index(k, folded); }
  position index_end() const noexcept override { return real_->index_end(); }
  events::outcome<std::vector<index_entry>> scan_index(std::string_view f, std::string_view t, std::size_t l, bool r) const override {
    return real_->scan_index(f, t, l, r);
  }

private:
  std::shared_ptr<store> real_;
};

} // namespace hourglass::storage::testing
