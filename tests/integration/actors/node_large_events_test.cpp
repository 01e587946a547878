#include "node_fixture.hpp"

#include "events/limits.hpp"
#include "replay/request.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;

TEST_F(node_test, a_request_with_a_body_too_long_for_the_log_is_answered_and_its_replay_says_what_it_cannot) {
  auto id = create();
  promised<mock::response> answer;
  mock::request r;
  r.method = "POST";
  r.target = "/anything";
  r.body.assign(8 * limits::mebi, '\n');
  node_->serve(id, std::move(r), {"mock", "test"}, answer.callback());
  promised<actors::receipt> behind;
  node_->submit(id, mock::data_command{mock::put_item{"pets", "1", "1"}}, {"admin", "test"}, behind.callback());
  auto a = answer.get();
  ASSERT_TRUE(a) << a.error().detail;
  EXPECT_EQ(a->status, 404U);
  auto b = behind.get();
  EXPECT_TRUE(b) << b.error().detail;
  const auto all = history(id);
  EXPECT_EQ(count(all, kind::request_served), 1U);
  for (const auto& e : all) {
    if (e.header.kind != kind::request_served)
      continue;
    auto again = replay::replay_request(node_->store(), node_->redactor(), id, e.header.seq);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_FALSE(again->identical);
    ASSERT_FALSE(again->differences.empty());
    EXPECT_NE(again->differences[0].find("of its 8388608 bytes only the first"), std::string::npos) << again->differences[0];
    EXPECT_NE(replay::to_json(*again).find(R"("body_truncated":true,"body_bytes":8388608)"), std::string::npos);
  }
}

TEST_F(node_test, an_answer_of_which_only_the_front_is_recorded_is_compared_by_its_digest) {
  auto id = create();
  std::string text;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"E" + std::to_string(i), std::string(900'000, '\t')}}));
    text += "{{env.E" + std::to_string(i) + "}}";
  }
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{
    R"({"method":"GET","path":"/tabs","response":{"template":true,"headers":{"Content-Type":"text/plain"},"body":")" + text + R"("}})", ""}}));
  auto first = get(id, "/tabs");
  ASSERT_TRUE(first) << first.error().detail;
  ASSERT_EQ(first->body.size(), 3'600'000U);
  auto again = replay::replay_request(node_->store(), node_->redactor(), id, history(id).size());
  ASSERT_TRUE(again) << again.error().detail;
  ASSERT_TRUE(again->response_cut);
  EXPECT_LT(again->recorded.body.size(), again->again.body.size());
  EXPECT_TRUE(again->identical) << again->differences.at(0);
}

TEST_F(node_test, what_is_too_large_for_the_log_is_refused_alone) {
  auto id = create();
  std::string headers;
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"E" + std::to_string(i), std::string(900'000, 'x')}}));
  for (int i = 0; i < 6; ++i)
    headers += (i == 0 ? "" : ",") + ("\"X-" + std::to_string(i)) + R"(":"{{env.E0}}{{env.E1}}{{env.E2}}{{env.E3}}")";
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{R"({"method":"GET","path":"/big","response":{"template":true,"headers":{)" + headers + "}}}", ""}}));
  put_hello(id);

  promised<mock::response> big, small;
  promised<actors::receipt> put, message;
  mock::request r;
  r.method = "GET";
  r.target = "/big";
  node_->serve(id, r, {"mock", "test"}, big.callback());
  node_->submit(id, mock::data_command{mock::put_item{"pets", "1", "1"}}, {"admin", "test"}, put.callback());
  webhook::create_message m;
  m.event_type = "thing.happened";
  m.payload = "{}";
  node_->submit(id, webhook::command{m}, {"admin", "test"}, message.callback());
  r.target = "/hello";
  node_->serve(id, r, {"mock", "test"}, small.callback());

  auto refused = big.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::too_large) << refused.error().detail;
  EXPECT_TRUE(put.get());
  EXPECT_TRUE(message.get());
  EXPECT_TRUE(small.get());
  EXPECT_EQ(node_->journal().counters().rejected, 0U);
  EXPECT_EQ(count(history(id), kind::request_served), 1U);
}

TEST_F(node_test, a_part_that_proposed_what_is_too_large_is_read_back_from_the_log) {
  auto id = create();
  put_hello(id);
  ASSERT_TRUE(emit(id));
  webhook::put_event_type wrong;
  wrong.value.name = "much.too.large";
  wrong.value.description.assign(17 * limits::mebi, 'x');
  auto refused = submit(id, webhook::command{wrong});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::too_large) << refused.error().detail;
  EXPECT_TRUE(emit(id));
  EXPECT_TRUE(get(id, "/hello"));
  EXPECT_EQ(outbox(id).dump().find("much.too.large"), std::string::npos);
}

} // namespace
