#include "tests/unit/webhook/ordered.hpp"

// What order may be asked for, and how its facts stand in the log.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

TEST(ordering, is_refused_where_it_is_wrong) {
  auto where = [](const char* text) {
    auto made = ordering_policy::compile(json::parse(text));
    return made ? "taken" : made.error().where;
  };
  for (auto good : {R"("fifo")", R"({"key":true})", R"({"key":"/payload/a/0/b~1c"})", R"({"onDead":"hold"})", R"({"key":"/payload/a","onDead":"goOn"})"})
    EXPECT_EQ(where(good), "taken") << good;
  for (auto bad : {R"("lifo")", "{}", "1", "[]"})
    EXPECT_EQ(where(bad), "/ordering") << bad;
  for (auto bad : {R"({"key":""})", R"({"key":"/payload"})", R"({"key":"payload/a"})", R"({"key":"/payload/~2"})", R"({"key":"/payloads/a"})", R"({"key":false})", R"({"key":7})"})
    EXPECT_EQ(where(bad), "/ordering/key") << bad;
  EXPECT_EQ(where(R"({"onDead":"skip"})"), "/ordering/onDead");
  EXPECT_EQ(where(R"({"keys":"/payload/a"})"), "/ordering/keys");
}

TEST(ordering, says_that_a_pointer_is_too_long) {
  const auto made = ordering_policy::compile({{"key", "/payload/" + std::string(1'016, 'a')}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().where, "/ordering/key");
  EXPECT_EQ(made.error().detail, "has more than 1024 bytes");
  EXPECT_TRUE(ordering_policy::compile({{"key", "/payload/" + std::string(1'015, 'a')}}));
}

TEST(ordering, no_pointer_throws_whatever_stands_in_a_payload) {
  const std::vector<std::string> none;
  auto line = [&none](const std::string& pointer, const char* payload) {
    return ordering_policy::compile({{"key", "/payload" + pointer}}).value().line_of("", {"t", {}, none, none, payload});
  };
  constexpr const char* list = R"({"items":[1,[2]]})";
  EXPECT_EQ(line("/items/0", list), "=1");
  EXPECT_EQ(line("/items/1/0", list), "=2");
  for (const auto* token : {"", "-", "00", "01", "+0", " 0", "0x", "x", "2", "18446744073709551616", "9999999999999999999999999", "0/0", "0/", "1/-", "~0", "~1"})
    EXPECT_EQ(line(std::string{"/items/"} + token, list), "") << token;
  EXPECT_EQ(line("/", R"({"":"e"})"), "=e");
  EXPECT_EQ(line("/a~0b/c~1d/01", R"({"a~b":{"c/d":{"01":true}}})"), "=true");
  EXPECT_EQ(line("/a/b", R"({"a":"b"})"), "");
  EXPECT_EQ(line("/~01", R"({"~1":"x"})"), "=x") << "each escape once";
}

TEST(ordering, a_line_is_named_by_the_key_that_is_given_or_by_what_stands_at_the_pointer) {
  const std::vector<std::string> none;
  auto line = [&none](const char* ordering, const char* key, const char* payload) {
    return ordering_policy::compile(json::parse(ordering)).value().line_of(key, {"t", {}, none, none, payload});
  };
  EXPECT_EQ(line(R"("fifo")", "k", "{}"), "/");
  EXPECT_EQ(line(R"({"onDead":"hold"})", "", "{}"), "/");
  EXPECT_EQ(line(R"({"key":true})", "k", "{}"), "=k");
  EXPECT_EQ(line(R"({"key":true})", "", R"({"k":1})"), "");
  EXPECT_EQ(line(by_customer, "", R"({"customer":{"id":"a"}})"), "=a");
  EXPECT_EQ(line(by_customer, "k", R"({"customer":{"id":"a"}})"), "=k") << "who emits knows better";
  EXPECT_EQ(line(by_customer, "", R"({"customer":{"id":7}})"), "=7");
  EXPECT_EQ(line(by_customer, "", R"({"customer":{"id":true}})"), "=true");
  for (auto none_there : {"{}", R"({"customer":null})", R"({"customer":{"id":null}})", R"({"customer":{"id":[1]}})", R"({"customer":[]})"})
    EXPECT_EQ(line(by_customer, "", none_there), "") << none_there;
  const auto longer = line(by_customer, "", json{{"customer", {{"id", std::string(10'000, 'x')}}}}.dump().c_str());
  EXPECT_EQ(longer.size(), 65U);
  EXPECT_NE(longer, line(by_customer, "", json{{"customer", {{"id", std::string(10'001, 'x')}}}}.dump().c_str()));
}

TEST(facts_of_lines, stand_in_the_log_only_where_there_is_an_order) {
  message_created m{"msg_1", "t", "", {}, {}, {"ep_1", "ep_2"}, "{}", 2};
  EXPECT_EQ(encode(m).payload, R"({"body_bytes":2,"id":"msg_1","event_type":"t","destinations":["ep_1","ep_2"],"body":{}})");
  m.ordering_key = "k";
  m.lines = {"", "=k"};
  EXPECT_EQ(encode(m).payload, R"({"body_bytes":2,"id":"msg_1","event_type":"t","ordering_key":"k","destinations":["ep_1","ep_2"],"lines":["","=k"],"body":{}})");
  auto back = std::get<message_created>(*decode(events::kind::message_created, encode(m).payload));
  EXPECT_EQ(back.lines, m.lines);
  EXPECT_EQ(back.ordering_key, "k");
  auto wrong = encode(m).payload;
  wrong.replace(wrong.find(R"("",)"), 3, "");
  EXPECT_EQ(decode(events::kind::message_created, wrong).error().where, "lines");
  EXPECT_EQ(encode(delivery_expired{"exp_1", {"msg_1", 7, "t", 2}, "ep_1", 3, "maximum age", {5}, true, false, true}).payload,
            R"({"id":"exp_1","message":"msg_1","message_seq":7,"event_type":"t","message_bytes":2,"destination":"ep_1","attempts":3,"reason":"maximum age","since_us":5,"was_dead":true,"line_held":true})");
  for (fact f : {fact{delivery_expired{"exp_1", {"msg_1", 7, "t", 2}, "ep_1", 3, "kept back", {5}, false, true}},
                 fact{resend_requested{{"msg_1", 7, "t", 2}, "ep_1", 3, true, false, "=k"}},
                 fact{recovery_progressed{"rcv_1", {{{"msg_1", 7, "t", 2}, 0, false, false, {}, "=k", virtual_time{9}}}, 9, 8, 7}}}) {
    auto draft = encode(f);
    auto again = decode(draft.kind, draft.payload);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(encode(*again).payload, draft.payload);
  }
}

} // namespace
