#pragma once

#include "actors/testing.hpp"
#include "events/wall_clock.hpp"
#include "node_fixture.hpp"
#include "tests/support/delegating_store.hpp"

#include <functional>
#include <mutex>
#include <new>

namespace hourglass::test {

using events::wall_now;
constexpr std::int64_t minute_us = 60'000'000;

/// A store between a node and what stays when the node is killed.
class breakable_store final : public storage::testing::delegating_store {
public:
  using delegating_store::delegating_store;

  /// Nothing that is written arrives any more, as after a kill.
  std::atomic<bool> cut{false};
  /// The next write that has events is the last one that arrives.
  std::atomic<bool> cut_after_next{false};
  /// What is due now goes into the index as of ten minutes ago.
  std::atomic<bool> ages{false};
  /// The due index looks empty.
  std::atomic<bool> blind{false};
  /// Looking for sandboxes finds none.
  std::atomic<bool> registry_hidden{false};
  /// So many look-ups in the index fail, or throw.
  mutable std::atomic<int> failing_look_ups{0}, throwing_look_ups{0};
  /// Events cannot be read: so many times, or are not what was written.
  mutable std::atomic<int> failing_reads{0};
  std::atomic<bool> corrupt_reads{false};

  using judge = std::function<std::optional<events::error>(std::span<const storage::record_batch>)>;
  /// Says whether a write is refused.
  void judge_writes(judge j) {
    std::lock_guard guard{mutex_};
    judge_ = std::move(j);
  }
  /// Runs before a sandbox is folded.
  void before_loading(std::function<void(const events::sandbox_id&)> hook) {
    std::lock_guard guard{mutex_};
    loading_ = std::move(hook);
  }
  using editor = std::function<void(std::vector<storage::due_entry>&)>;
  /// Changes what the due index shows.
  void edit_due(editor e) {
    std::lock_guard guard{mutex_};
    editor_ = std::move(e);
  }

  events::outcome<void> write(std::span<const storage::record_batch> batches, storage::position first, storage::durability how) override {
    judge j;
    {
      std::lock_guard guard{mutex_};
      j = judge_;
    }
    if (cut)
      return events::failure(events::errc::unavailable, "the test has cut the disk off");
    if (j)
      if (auto why = j(batches))
        return tl::unexpected<events::error>{std::move(*why)};
    std::vector<storage::record_batch> aged{batches.begin(), batches.end()};
    bool has_events = false;
    for (auto& b : aged) {
      has_events = has_events || !b.records.empty();
      if (ages && b.due && b.due->us < wall_now().us + minute_us)
        b.due->us -= 10 * minute_us;
    }
    auto done = real().write(aged, first, how);
    if (has_events && cut_after_next)
      cut = true;
    return done;
  }
  events::outcome<void> put(std::span<const storage::row> rows) override { return cut ? refused() : real().put(rows); }
  events::outcome<void> put_snapshot(const events::sandbox_id& s, const storage::snapshot& n) override {
    return cut ? refused() : real().put_snapshot(s, n);
  }
  events::outcome<void> put_index(std::span<const storage::index_entry> k, storage::position folded) override {
    return cut ? refused() : real().put_index(k, folded);
  }
  events::outcome<void> drop_due_before(events::wall_time t) override { return cut ? refused() : real().drop_due_before(t); }

  events::outcome<std::vector<storage::due_entry>> due_until(events::wall_time u, std::size_t l,
                                                             const std::optional<storage::due_entry>& a) const override {
    if (blind)
      return std::vector<storage::due_entry>{};
    auto found = real().due_until(u, l, a);
    editor e;
    {
      std::lock_guard guard{mutex_};
      e = editor_;
    }
    if (found && e)
      e(*found);
    return found;
  }
  events::outcome<std::vector<storage::row>> scan(std::string_view p, std::string_view a, std::size_t l, bool r) const override {
    return registry_hidden ? std::vector<storage::row>{} : real().scan(p, a, l, r);
  }
  events::outcome<std::vector<storage::index_entry>> scan_index(std::string_view f, std::string_view t, std::size_t l, bool r) const override {
    if (throwing_look_ups > 0 && throwing_look_ups-- > 0)
      throw std::bad_alloc{};
    if (failing_look_ups > 0 && failing_look_ups-- > 0)
      return events::failure(events::errc::io, "the test's index cannot be read");
    return real().scan_index(f, t, l, r);
  }
  events::outcome<std::optional<storage::snapshot>> latest_snapshot(const events::sandbox_id& s, events::seq at_most) const override {
    std::function<void(const events::sandbox_id&)> hook;
    {
      std::lock_guard guard{mutex_};
      hook = loading_;
    }
    if (hook)
      hook(s);
    return real().latest_snapshot(s, at_most);
  }
  events::outcome<std::optional<std::string>> read_raw(const events::sandbox_id& s, events::seq q) const override {
    if (failing_reads > 0 && failing_reads-- > 0)
      return events::failure(events::errc::io, "the test's log cannot be read");
    return corrupt_reads ? std::optional<std::string>{} : real().read_raw(s, q);
  }

private:
  static events::outcome<void> refused() { return events::failure(events::errc::io, "the test has cut the disk off"); }

  mutable std::mutex mutex_;
  judge judge_;
  editor editor_;
  std::function<void(const events::sandbox_id&)> loading_;
};

/// A node whose store can be broken, and that can be killed: what was written stays, what was not is gone.
class breakable_node_test : public node_test {
protected:
  events::outcome<std::unique_ptr<actors::node>> open_node(actors::node_options o) override {
    auto disk = std::make_unique<breakable_store>(real_);
    disk_ = disk.get();
    prepare(*disk_);
    return actors::testing::open_on(std::move(o), std::move(disk));
  }
  /// Before a node sees it.
  virtual void prepare(breakable_store&) {}

  void kill() {
    disk_->cut = true;
    node_.reset();
    open();
  }

  /// A sandbox with one delivery that failed once and is due again after `gap`.
  events::sandbox_id with_pending(receiver& failing, events::duration gap) {
    auto id = create();
    webhook::create_destination c;
    c.value.url = failing.url();
    c.value.schedule = std::vector<events::duration>{gap, gap};
    EXPECT_TRUE(submit(id, webhook::command{c}));
    EXPECT_TRUE(emit(id));
    EXPECT_TRUE(eventually([&] { return count(history(id), events::kind::attempt_finished) >= 1; }));
    return id;
  }

  /// Who has an entry between these moments, counted from now.
  std::set<events::sandbox_id> due_between(events::duration from, events::duration to) {
    std::set<events::sandbox_id> out;
    auto all = real_->due_until({wall_now().us + to.count()}, 100'000);
    EXPECT_TRUE(all);
    for (const auto& e : *all)
      if (e.at.us >= wall_now().us + from.count())
        out.insert(e.sandbox);
    return out;
  }
  bool old_entries_are_gone() { return due_between(std::chrono::hours{-1}, std::chrono::minutes{-5}).empty(); }

  std::shared_ptr<storage::store> real_ = storage::open_memory_store();
  breakable_store* disk_ = nullptr;
};

} // namespace hourglass::test
