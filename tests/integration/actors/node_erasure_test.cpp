#include "node_fixture.hpp"

#include "actors/registry.hpp"
#include "actors/retention.hpp"
#include "actors/testing.hpp"
#include "events/wall_clock.hpp"
#include "webhook/erasing.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
using events::kind;

class node_erasure : public node_test {
protected:
  void configure(actors::node_options& o) override {
    o.retention_every = 1s;
    o.scrub_after = 0s;
  }
  events::outcome<actors::receipt> erase(const events::sandbox_id& id, events::seq seq) {
    auto r = node_->store().read(id, seq, {1, 1}).value().front();
    webhook::erase_content c;
    c.items.push_back({seq, "x", webhook::without_content(r).value_or("{}")});
    return submit(id, webhook::command{c});
  }
  bool is_erased(const events::sandbox_id& id, events::seq seq) {
    return node_->store().read(id, seq, {1, 1}).value().front().erased;
  }
  events::seq emitted(const events::sandbox_id& id) { return emit(id)->last; }

  /// Everything that this sandbox has ever done, so many days ago.
  void age(const events::sandbox_id& id, int days) {
    auto all = history(id);
    node_->stop(5s);
    auto rows = node_->store().scan("", {}, 10'000).value();
    node_.reset();
    std::filesystem::remove_all(folder_ / "rocksdb");
    auto old = storage::open_rocks_store(folder_ / "rocksdb").value();
    events::chain_head head;
    storage::record_batch batch{id, 1, {}, rows, {}};
    for (const auto& r : all) {
      std::string bytes;
      const events::wall_time wall{r.header.wall.us - days * 86'400'000'000};
      events::seal(head, id, {r.header.kind, r.payload, r.header.entities, r.header.causation, {}},
                   {wall, r.header.virtual_, {}, r.header.principal, ""}, bytes);
      batch.records.push_back(std::move(bytes));
    }
    ASSERT_TRUE(old->write({&batch, 1}, 1, storage::durability::synced));
    old.reset();
    open();
  }
};

TEST_F(node_erasure, an_answer_is_erased_and_the_files_are_rewritten) {
  auto id = create();
  receiver shop{receiver::always({200, {}, R"({"sensitive":"data"})"})};
  add_destination(id, shop.url());
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  const auto attempt = history(id).back();
  ASSERT_NE(attempt.payload.find("sensitive"), std::string::npos);
  auto r = erase(id, attempt.header.seq);
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(history(id)[attempt.header.seq - 1].payload.find("sensitive"), std::string::npos);
  EXPECT_TRUE(node_->store().verify(id));
  EXPECT_TRUE(eventually([&] { return !node_->store().scrub_owed(); }));
  reopen();
  EXPECT_TRUE(node_->store().verify(id));
  put_hello(id);
  EXPECT_EQ(get(id, "/hello")->status, 200U);
}

/// Asked for again between its reading and its erasure, as two callers at once may.
TEST_F(node_erasure, a_delivery_of_what_is_gone_ends_and_the_sandbox_goes_on) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  auto to = add_destination(id, shop.url());
  auto seq = emitted(id);
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  ASSERT_TRUE(erase(id, seq));
  webhook::resend again;
  again.message = {"msg_x", seq, "thing.happened", 7};
  again.destination = to;
  ASSERT_TRUE(submit(id, webhook::command{again}));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::delivery_expired) == 1; }));
  ASSERT_TRUE(emit(id));
  EXPECT_TRUE(shop.wait_for(2));
  EXPECT_EQ(shop.came().size(), 2U);
}

TEST_F(node_erasure,
       payloads_and_answers_go_by_themselves_when_they_are_old_even_of_a_sandbox_that_sleeps) {
  auto id = create(R"({"retention":{"payload_days":30,"response_days":7}})"), other = create();
  receiver shop{receiver::always({200, {}, "thanks"})};
  add_destination(id, shop.url());
  std::vector<events::seq> messages;
  for (int i = 0; i < 40; ++i)
    messages.push_back(emitted(id));
  auto kept = emitted(other);
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 40; }));
  const auto before = history(id).size();
  std::this_thread::sleep_for(1500ms); // more than one look
  EXPECT_EQ(history(id).size(), before) << "nothing is old yet";
  age(id, 10);
  auto erased = [&](kind k) {
    const auto all = history(id);
    return std::count_if(all.begin(), all.end(),
                         [k](const auto& r) { return r.header.kind == k && r.erased; });
  };
  EXPECT_TRUE(eventually([&] { return erased(kind::attempt_finished) == 40; }));
  EXPECT_EQ(erased(kind::message_created), 0);
  age(id, 25);
  EXPECT_TRUE(eventually([&] { return erased(kind::message_created) == 40; }));
  EXPECT_TRUE(node_->store().verify(id));
  const auto all = history(id);
  const auto said = std::count_if(
      all.begin(), all.end(), [](const auto& r) { return r.header.kind == kind::content_erased; });
  EXPECT_LE(said, 4) << "one a turn, not one a message";
  EXPECT_EQ(all.back().header.principal, "retention");
  (void)kept;
}

TEST_F(node_erasure,
       a_message_that_says_how_long_goes_when_its_time_is_over_and_not_while_it_waits) {
  auto id = create();
  gate done;
  receiver slow{receiver::held_back(done, ok())};
  add_destination(id, slow.url());
  webhook::create_message m;
  m.event_type = "a";
  m.payload = R"({"n":1})";
  m.retention_hours = 1;
  auto r = submit(id, webhook::command{m});
  ASSERT_TRUE(r);
  const auto rows = node_->store().scan(actors::retention::due_prefix, {}, 10).value();
  ASSERT_EQ(rows.size(), 1U);
  const auto due = actors::retention::due_of(rows[0].key).value();
  EXPECT_EQ(due.seq, r->last);
  EXPECT_NEAR(static_cast<double>(due.at.us - events::wall_now().us), 3.6e9, 6e7);
  const auto now_due = [&] {
    const storage::row row = actors::retention::row_of({{events::wall_now().us - 1}, id, due.seq});
    ASSERT_TRUE(node_->store().put({&row, 1}));
  };
  now_due();
  EXPECT_TRUE(eventually([&] {
    return node_->store().scan(actors::retention::due_prefix, {}, 10)->size() == 2;
  })) << "put off: it is under way";
  std::this_thread::sleep_for(1s);
  EXPECT_FALSE(is_erased(id, due.seq));
  done.open();
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  ASSERT_TRUE(actors::testing::ask_to_sleep(*node_, id));
  now_due();
  EXPECT_TRUE(eventually([&] { return is_erased(id, due.seq); }));
  EXPECT_TRUE(node_->store().verify(id));
}

TEST_F(node_erasure, what_waited_goes_only_if_the_setting_of_that_moment_wants_it_and_is_found_again_by_a_later_one) {
  namespace retention = actors::retention;
  auto id = create();
  webhook::create_message m;
  m.event_type = "a";
  m.payload = R"({"n":1})";
  auto r = submit(id, webhook::command{m});
  ASSERT_TRUE(r);
  ASSERT_TRUE(eventually([&] { return !history(id).empty(); }));
  auto& store = node_->store();
  constexpr std::int64_t day_us = 86'400'000'000;
  const events::wall_time in_two_days{events::wall_now().us + 2 * day_us};
  mock::retention_settings nothing, a_day, three_days;
  a_day.payload_days = 1;
  three_days.payload_days = 3;
  ASSERT_TRUE(eventually([&] { return retention::turn_of(store, id, a_day, in_two_days)->what.items.size() == 1; }));
  const auto looked = retention::turn_of(store, id, a_day, in_two_days).value(); // it waits, let us say: only the cursor moves
  ASSERT_TRUE(store.put(looked.done));
  EXPECT_TRUE(retention::turn_of(store, id, a_day, in_two_days)->what.items.empty());

  const std::vector<retention::due> waited{{in_two_days, id, r->last}};
  EXPECT_EQ(retention::turn_of(store, id, waited, a_day, in_two_days)->what.items.size(), 1U);
  const auto later = retention::turn_of(store, id, waited, three_days, in_two_days).value();
  EXPECT_TRUE(later.what.items.empty());
  ASSERT_EQ(later.done.size(), 2U);
  EXPECT_NEAR(static_cast<double>(retention::due_of(later.done[1].key)->at.us - in_two_days.us), static_cast<double>(day_us), 6e7);

  const auto lifted = retention::turn_of(store, id, waited, nothing, in_two_days).value();
  EXPECT_TRUE(lifted.what.items.empty());
  ASSERT_TRUE(store.put(lifted.done));
  EXPECT_EQ(retention::turn_of(store, id, a_day, in_two_days)->what.items.size(), 1U) << "a setting of later must find it again";
}

} // namespace
