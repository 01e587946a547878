#include "node_fixture.hpp"

#include "replay/request.hpp"
#include "replay/snapshot.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;

TEST_F(node_test, the_state_at_any_moment_is_what_it_was) {
  auto id = create();
  auto one = submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}});
  auto two = submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Max"})"}});
  ASSERT_TRUE(one && two);
  auto then = replay::load(node_->store(), id, one->last);
  auto now = replay::load(node_->store(), id);
  ASSERT_TRUE(then && now);
  EXPECT_EQ(*then->data.find("pets", "1"), R"({"name":"Rex"})");
  EXPECT_EQ(*now->data.find("pets", "1"), R"({"name":"Max"})");
  EXPECT_FALSE(replay::load(node_->store(), id, events::seq{999}));
}

TEST_F(node_test, a_state_from_a_snapshot_is_the_state_from_the_whole_stream) {
  auto id = create();
  put_hello(id);
  receiver shop{receiver::always(no())};
  add_destination(id, shop.url());
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  auto folded = replay::load(node_->store(), id);
  ASSERT_TRUE(replay::take_snapshot(node_->store(), id, 1));
  auto snapshot = node_->store().latest_snapshot(id, replay::now_seq);
  ASSERT_TRUE(snapshot && *snapshot);
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"A", "1"}}));
  auto restored = replay::load(node_->store(), id);
  ASSERT_TRUE(folded && restored);
  EXPECT_EQ(webhook::snapshot(folded->outbox), webhook::snapshot(restored->outbox));
  EXPECT_EQ(mock::snapshot(folded->endpoints), mock::snapshot(restored->endpoints));
  EXPECT_EQ(restored->head.seq, folded->head.seq + 1);
}

TEST_F(node_test, a_replayed_request_gives_the_same_bytes_though_the_data_has_changed) {
  auto id = create();
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}}));
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{
    R"({"method":"GET","path":"/pets/{id}","response":{"template":true,"body":"{\"pet\": {{data.pets.1.name}}, \"id\": {{uuid}}, \"at\": {{now}}}"}})", ""}}));
  auto first = get(id, "/pets/1");
  ASSERT_TRUE(first) << first.error().detail;
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Max"})"}}));
  auto all = history(id);
  events::seq seq = 0;
  for (const auto& r : all)
    if (r.header.kind == kind::request_served)
      seq = r.header.seq;
  auto again = replay::replay_request(node_->store(), node_->redactor(), id, seq);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_TRUE(again->identical) << replay::to_json(*again);
  EXPECT_NE(again->again.body.find("Rex"), std::string::npos);
  EXPECT_EQ(history(id).size(), all.size());
}

} // namespace
