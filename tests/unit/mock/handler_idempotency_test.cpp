#include "handler_fixture.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

// `$func.sbx.idempotency.remember`, as its host does it.
namespace hourglass::mock {

namespace {

using nlohmann::json;

TEST_F(handler, remembers_what_it_answered_under_a_key_for_a_day) {
  engine.during = [](script_host& h) {
    EXPECT_EQ(h.call("idempotency.find", R"(["k1"])"), "null");
    EXPECT_EQ(h.call("idempotency.keep", R"(["k1",{"n":1}])"), "null");
  };
  for (const auto& e : serve_it().events)
    ASSERT_TRUE(apply(data, e.kind, e.payload));
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("idempotency.find", R"(["k1"])"), R"({"value":{"n":1}})"); };
  serve_it();
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("idempotency.find", R"(["k1"])"), R"({"conflict":true})"); };
  ASSERT_TRUE(serve_it(asked(R"({"another":1})")));
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("idempotency.find", R"(["k1"])"), "null"); };
  ASSERT_TRUE(serve_at(after(std::chrono::hours{25}), asked()));
  EXPECT_EQ(engine.runs, 4);
}

TEST_F(handler, remembers_for_as_long_as_the_script_says) {
  engine.during = [](script_host& h) {
    EXPECT_TRUE(h.call("idempotency.keep", R"(["short",1,60])"));
    EXPECT_TRUE(h.call("idempotency.keep", R"(["long",1,172800])"));
    for (const auto* bad : {R"(["k",1,0])", R"(["k",1,1.5])", R"(["k",1,"60"])", R"(["k",1,2592001])"})
      EXPECT_FALSE(h.call("idempotency.keep", bad)) << bad;
  };
  store(serve_it(asked()));
  engine.during = [](script_host& h) {
    EXPECT_EQ(h.call("idempotency.find", R"(["short"])"), "null");
    EXPECT_EQ(h.call("idempotency.find", R"(["long"])"), R"({"value":1})");
  };
  ASSERT_TRUE(serve_at(after(std::chrono::hours{25}), asked()));
}

TEST_F(handler, takes_a_replay_of_a_request_with_secrets_for_the_same_request) {
  auto req = asked(R"({"password":"sesame","n":1})");
  req.target = "/p/g/pets/7?token=hush&x=1";
  engine.during = [](script_host& h) { EXPECT_TRUE(h.call("idempotency.keep", R"(["k",1])")); };
  auto first = serve_it(req);
  store(first);
  const auto recorded = decode_served(first->events.front().payload)->request;
  ASSERT_EQ(recorded.body.find("sesame"), std::string::npos);
  ASSERT_EQ(recorded.target.find("hush"), std::string::npos);
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("idempotency.find", R"(["k"])"), R"({"value":1})"); };
  ASSERT_TRUE(serve_it(recorded));
  ASSERT_TRUE(serve_it(req));
  req.body = R"({"password":"another","n":1})";
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("idempotency.find", R"(["k"])"), R"({"conflict":true})"); };
  ASSERT_TRUE(serve_it(req));
}

TEST_F(handler, takes_only_texts_and_numbers_for_keys_of_what_it_remembers) {
  engine.during = [](script_host& h) {
    for (const auto* bad : {"[{}]", "[[1]]", "[true]", "[false]", "[null]", R"([""])", "[]"}) {
      auto found = h.call("idempotency.find", bad);
      ASSERT_FALSE(found) << bad;
      EXPECT_EQ(found.error().detail, "the key must be a text or a number");
      EXPECT_FALSE(h.call("idempotency.keep", bad)) << bad;
    }
    EXPECT_TRUE(h.call("idempotency.keep", "[7,1]"));
    EXPECT_EQ(h.call("idempotency.find", R"(["7"])"), R"({"value":1})");
  };
  serve_it();
}

std::string nth_key(std::size_t n) { return R"(["key-)" + std::to_string(n) + R"(",1])"; }

TEST_F(handler, forgets_by_events_what_has_had_its_time) {
  constexpr std::size_t many = 300;
  engine.during = [](script_host& h) {
    for (std::size_t i = 0; i < many; ++i)
      ASSERT_TRUE(h.call("idempotency.keep", nth_key(i)));
  };
  store(serve_it(asked()));
  ASSERT_EQ(data.namespaces["sbx.idempotency"].size(), many);
  engine.during = [](script_host& h) {
    for (std::size_t i = 0; i < many; ++i)
      ASSERT_TRUE(h.call("idempotency.keep", nth_key(1'000 + i)));
  };
  auto again = serve_at(after(std::chrono::hours{25}), asked());
  store(again);
  const auto removed = std::count_if(again->events.begin(), again->events.end(), [](const auto& e) { return e.kind == events::kind::data_removed; });
  EXPECT_GT(removed, 250);
  EXPECT_EQ(data.namespaces["sbx.idempotency"].size(), 2 * many - static_cast<std::size_t>(removed));
}

TEST_F(handler, remembers_only_so_much_until_something_has_had_its_time) {
  std::string kept = R"({"until_us":)" + std::to_string(after(std::chrono::hours{1}).now.us) + R"(,"fingerprint":"f","value":1})";
  for (std::size_t i = 0; i < limits::script_remembered; ++i)
    ASSERT_TRUE(run(data, data_command{put_item{"sbx.idempotency", "k" + std::to_string(i), kept}}));
  engine.during = [](script_host& h) {
    auto more = h.call("idempotency.keep", R"(["more",1])");
    ASSERT_FALSE(more);
    EXPECT_NE(more.error().detail.find("script_remembered"), std::string::npos) << more.error().detail;
  };
  EXPECT_EQ(serve_it().events.size(), 1U);
  engine.during = [](script_host& h) { EXPECT_TRUE(h.call("idempotency.keep", R"(["more",1])")); };
  store(serve_at(after(std::chrono::hours{2}), asked()));
  EXPECT_LE(data.namespaces["sbx.idempotency"].size(), limits::script_remembered);
}

TEST_F(handler, still_knows_what_was_remembered_before_records_said_how_long) {
  std::string key; // as it is written now
  engine.during = [](script_host& h) { EXPECT_TRUE(h.call("idempotency.keep", R"(["k",1])")); };
  for (const auto& e : serve_it().events)
    if (e.kind == events::kind::data_put) {
      auto put = json::parse(e.payload);
      put["value"] = json{{"at_us", at_moment().now.us}, {"fingerprint", put["value"]["fingerprint"]}, {"value", 5}};
      ASSERT_TRUE(apply(data, e.kind, put.dump()));
    }
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("idempotency.find", R"(["k"])"), R"({"value":5})"); };
  ASSERT_TRUE(serve_at(after(std::chrono::hours{23}), asked()));
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("idempotency.find", R"(["k"])"), "null"); };
  ASSERT_TRUE(serve_at(after(std::chrono::hours{25}), asked()));
}

} // namespace

} // namespace hourglass::mock
