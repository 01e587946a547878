#include "node_fixture.hpp"

#include "actors/once.hpp"
#include "actors/pruning.hpp"
#include "actors/registry.hpp"
#include "actors/retention.hpp"
#include "actors/testing.hpp"
#include "events/wall_clock.hpp"
#include "storage/index.hpp"
#include "tests/support/raw_store.hpp"

#include <atomic>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
using actors::prune_report;
using state = actors::prune_report::state;
using storage::node_stream;

class node_prune : public node_test {
protected:
  std::optional<std::chrono::seconds> retention_;
  std::function<storage::position()> exported_;

  void configure(actors::node_options& o) override {
    o.retention_every = 1s;
    o.deleted_sandbox_retention = retention_;
    o.exported = exported_;
  }
  void remove(const events::sandbox_id& id) {
    auto r = submit(id, mock::settings_command{mock::delete_sandbox{}});
    ASSERT_TRUE(r) << r.error().detail;
  }
  events::outcome<void> prune(const events::sandbox_id& id) {
    promised<int> p;
    node_->prune(id, {"admin", "why-1"}, [p](events::outcome<void> r) {
      p.promise->set_value(r ? events::outcome<int>{1} : tl::unexpected{r.error()});
    });
    return p.get().map([](int) {});
  }
  state how(const events::sandbox_id& id) {
    node_->index().wait_until(node_->journal().end(), std::chrono::steady_clock::now() + 10s);
    auto r = node_->report_of(id);
    EXPECT_TRUE(r) << r.error().detail;
    return r ? r->is : state::live;
  }
  bool is_gone(const events::sandbox_id& id) {
    return eventually([&] { return how(id) == state::gone; });
  }
  static std::vector<std::string> names(const events::sandbox_id& id) {
    return {std::string{reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()},
            id.to_string()};
  }
  /// Where it is named in the files of the node, which must be closed, but for what the node's own
  /// stream says of it.
  std::map<std::string, int> left_of(const events::sandbox_id& id) {
    const auto own = names(node_stream)[0];
    return hourglass::testing::where_they_stand(
        folder_ / "rocksdb", names(id),
        [own](std::string_view key) { return key.substr(2).starts_with(own); });
  }
  void close() {
    node_->stop(5s);
    node_.reset();
  }
  std::vector<events::record> said() { return history(node_stream); }

  /// A sandbox of which everything is kept that the node keeps of any.
  events::sandbox_id
  busy(const std::string& text = R"({"uid":"shop","retention":{"payload_days":30}})") {
    auto id = create(text);
    put_hello(id);
    EXPECT_EQ(get(id, "/hello")->status, 200U);
    receiver away{receiver::always(no())};
    add_destination(id, away.url());
    webhook::create_message m;
    m.event_type = "thing.happened";
    m.payload = R"({"n":1})";
    m.retention_hours = 5;
    m.event_id = "mine-1"; // a claim
    promised<actors::receipt> p;
    node_->submit(
        id, webhook::command{m},
        {"admin", "test", std::make_shared<const actors::once>(actors::once{"the-name", "print"})},
        p.callback());
    auto r = p.get();
    EXPECT_TRUE(r) << r.error().detail;
    EXPECT_TRUE(away.wait_for(1)); // and now a retry is due
    EXPECT_TRUE(
        eventually([&] { return count(history(id), events::kind::attempt_finished) == 1; }));
    const storage::row looked{std::string{actors::retention::cursor_prefix} + names(id)[0] + "xx",
                              std::string(8, '\0')};
    EXPECT_TRUE(node_->store().put({&looked, 1}));
    return id;
  }
};

/// Whoever adds a row or a family that is kept by sandbox, and forgets the pruner: this fails, if
/// `busy` makes one.
TEST_F(node_prune, nothing_that_is_kept_of_a_sandbox_is_left) {
  auto other = create(R"({"uid":"other"})");
  put_hello(other);
  auto id = busy();
  EXPECT_TRUE(actors::testing::ask_to_sleep(*node_, id));
  ASSERT_TRUE(eventually([&] { return node_->counters().live <= 1; }))
      << "with a snapshot, and an entry of what is due";
  ASSERT_TRUE(eventually([&] { return node_->store().index_end() == node_->store().end(); }));
  close();
  const auto before = left_of(id);
  for (const auto* kind :
       {"events ev", "events go", "index ty", "index gc", "state rosb", "state roui", "state rocl",
        "state rort", "state rorc", "state roon", "due du"})
    EXPECT_TRUE(std::any_of(before.begin(), before.end(),
                            [&](const auto& one) { return one.first.starts_with(kind); }))
        << kind << ": or the test sees nothing";
  open();
  remove(id);
  const auto events = history(id);
  EXPECT_EQ(how(id), state::deleted);
  ASSERT_TRUE(prune(id));
  ASSERT_TRUE(is_gone(id));
  EXPECT_TRUE(history(id).empty());
  const auto record = actors::pruning::tombstone_of(said().back()).value();
  EXPECT_EQ(record.sandbox, id);
  EXPECT_EQ(record.events, events.size());
  EXPECT_EQ(record.last_link, events.back().link) << "who has it in a backup can prove it";
  EXPECT_EQ(said().back().header.principal, "admin");
  EXPECT_EQ(said().back().header.correlation, "why-1");
  EXPECT_EQ(node_->store().pruned_places().value(),
            (std::map<events::seq, std::uint64_t>{{1, events.size()}}));
  EXPECT_TRUE(node_->store().verify(node_stream));
  const auto figures = node_->prunes();
  EXPECT_EQ(figures.sandboxes, 1U);
  EXPECT_EQ(figures.events, events.size());
  EXPECT_EQ(figures.going, 0U);
  EXPECT_TRUE(node_->store().scrub_owed()) << "the bytes leave the files with the next scrub";
  EXPECT_EQ(get(other, "/hello")->status, 200U);
  close();
  for (const auto& [where, count] : left_of(id))
    ADD_FAILURE() << count << " times in " << where;
  open();
  EXPECT_EQ(how(id), state::gone);
  EXPECT_EQ(get(other, "/hello")->status, 200U);
}

TEST_F(node_prune, what_is_not_deleted_is_not_pruned) {
  auto id = create();
  EXPECT_EQ(prune(id).error().code, events::errc::conflict);
  EXPECT_EQ(how(id), state::live);
  EXPECT_EQ(prune(events::make_sandbox_id(1, {9})).error().code, events::errc::not_found);
  EXPECT_EQ(prune(node_stream).error().code, events::errc::not_found);
  EXPECT_EQ(prune({}).error().code, events::errc::not_found);
  put_hello(id);
  EXPECT_EQ(get(id, "/hello")->status, 200U);
  EXPECT_TRUE(said().empty());
}

TEST_F(node_prune, without_a_retention_a_deleted_one_stays) {
  auto id = create();
  remove(id);
  std::this_thread::sleep_for(1200ms); // more than two looks
  EXPECT_EQ(how(id), state::deleted);
  EXPECT_FALSE(history(id).empty());
  EXPECT_EQ(node_->report_of(id)->goes_at, std::nullopt);
  EXPECT_EQ(node_->report_of(id)->events, 2U);
  EXPECT_TRUE(eventually([&] { return node_->prunes().deleted == 1; }));
  retention_ = 24h;
  reopen();
  EXPECT_EQ(how(id), state::deleted);
  EXPECT_EQ(node_->report_of(id)->goes_at->us - node_->report_of(id)->deleted_at.us,
            86'400'000'000);
}

TEST_F(node_prune, by_time_it_goes_by_itself_and_asking_again_is_harmless) {
  auto id = busy();
  remove(id);
  retention_ = 0s;
  reopen();
  EXPECT_TRUE(is_gone(id));
  EXPECT_EQ(said().back().header.principal, "retention");
  EXPECT_TRUE(prune(id));
  reopen();
  EXPECT_EQ(how(id), state::gone);
  EXPECT_TRUE(prune(id));
  std::this_thread::sleep_for(1200ms);
  EXPECT_EQ(said().size(), 1U) << "it is said once";
}

TEST_F(node_prune, a_uid_serves_again_and_an_id_never_does) {
  auto id = create(R"({"uid":"shop"})");
  put_hello(id);
  remove(id);
  ASSERT_TRUE(prune(id));
  ASSERT_TRUE(is_gone(id));
  auto next = create(R"({"uid":"shop"})");
  EXPECT_NE(next, id);
  EXPECT_EQ(node_->resolve("shop").value(), next);
  EXPECT_EQ(node_->resolve(id.to_string()).error().code, events::errc::not_found);
  EXPECT_EQ(get(id, "/hello").error().code, events::errc::not_found);
  EXPECT_EQ(submit(id, mock::settings_command{mock::delete_sandbox{}}).error().code,
            events::errc::not_found);
  EXPECT_FALSE(prune(next)) << "what lives under its uid now is another";
  EXPECT_TRUE(history(id).empty());
}

TEST_F(node_prune, waits_until_kafka_has_all_of_it) {
  static std::atomic<storage::position> exported;
  exported = 0;
  exported_ = [] { return exported.load(); };
  retention_ = 0s;
  reopen();
  auto id = create();
  remove(id);
  ASSERT_TRUE(eventually([&] { return node_->prunes().held == 1; }));
  EXPECT_EQ(how(id), state::waiting);
  EXPECT_EQ(node_->report_of(id)->held_by, "kafka_export");
  exported = node_->journal().end() - 1;
  std::this_thread::sleep_for(1200ms);
  EXPECT_EQ(history(id).size(), 2U) << "its last event is not there yet";
  ASSERT_TRUE(prune(id)) << "a wish waits as well";
  std::this_thread::sleep_for(1200ms);
  EXPECT_EQ(history(id).size(), 2U);
  exported = node_->journal().end();
  EXPECT_TRUE(is_gone(id));
  EXPECT_EQ(node_->prunes().held, 0U);
}

/// As after a kill between the write that says so and the end of the rest.
TEST_F(node_prune, what_was_said_to_be_gone_goes_after_a_restart) {
  auto id = busy();
  remove(id);
  const auto all = history(id);
  close();
  {
    auto raw = storage::open_rocks_store(folder_ / "rocksdb").value();
    events::chain_head head;
    storage::record_batch batch{node_stream, 1, {{}}, {}, {}};
    events::seal(head, node_stream,
                 actors::pruning::draft_of({id, all.size(), all.back().link, all.back().header.wall,
                                            all.back().header.wall}),
                 {events::wall_now(), {}, {}, "admin", ""}, batch.records[0]);
    batch.rows.push_back({actors::pruning::deleted_key(id), {}, true});
    batch.rows.push_back(actors::pruning::row_of(storage::pruned_stream{id, 1}));
    ASSERT_TRUE(raw->write({&batch, 1}, raw->end(), storage::durability::synced));
  }
  open();
  EXPECT_TRUE(is_gone(id));
  EXPECT_EQ(said().size(), 1U);
  close();
  EXPECT_TRUE(left_of(id).empty());
}

/// By a version that kept no row of what was deleted.
TEST_F(node_prune, those_that_were_deleted_before_are_found) {
  std::vector<events::sandbox_id> gone;
  for (int i = 0; i < 3; ++i)
    remove(gone.emplace_back(create()));
  auto stays = create();
  put_hello(stays);
  ASSERT_TRUE(eventually([&] {
    return node_->store().get(actors::pruning::looked_through_key)->has_value();
  })) << "there was nothing to find";
  close();
  {
    auto raw = storage::open_rocks_store(folder_ / "rocksdb").value();
    std::vector<storage::row> rows{{std::string{actors::pruning::looked_through_key}, {}, true}};
    for (const auto& id : gone)
      rows.push_back({actors::pruning::deleted_key(id), {}, true});
    ASSERT_TRUE(raw->put(rows));
  }
  retention_ = 0s;
  open();
  for (const auto& id : gone)
    EXPECT_TRUE(is_gone(id));
  EXPECT_EQ(get(stays, "/hello")->status, 200U);
  EXPECT_EQ(said().size(), 3U);
}

TEST_F(node_prune, many_go_while_others_are_served) {
  retention_ = 0s;
  reopen();
  auto stays = create();
  put_hello(stays);
  std::vector<events::sandbox_id> gone;
  for (int i = 0; i < 40; ++i) {
    gone.push_back(create());
    put_hello(gone.back());
    EXPECT_EQ(get(gone.back(), "/hello")->status, 200U);
    remove(gone.back());
    EXPECT_EQ(get(stays, "/hello")->status, 200U);
  }
  for (const auto& id : gone)
    EXPECT_TRUE(is_gone(id));
  EXPECT_EQ(node_->prunes().sandboxes, 40U);
  EXPECT_TRUE(node_->store().verify(stays));
  EXPECT_TRUE(node_->store().verify(node_stream));
  std::uint64_t places = 0;
  const auto by_record = node_->store().pruned_places().value();
  for (const auto& [seq, n] : by_record)
    places += n;
  EXPECT_EQ(places, node_->prunes().events);
  reopen();
  EXPECT_EQ(get(stays, "/hello")->status, 200U);
}

} // namespace
