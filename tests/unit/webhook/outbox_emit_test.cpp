#include "tests/unit/webhook/world.hpp"

#include "events/limits.hpp"
#include "webhook/content_filter.hpp"

#include <nlohmann/json.hpp>

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

TEST(emit, fans_out_to_every_destination_that_matches_and_writes_down_which) {
  world w;
  auto all = w.add();
  auto users = to("http://a.test/");
  users.filter_types = {"user.created"};
  auto some = w.add(users);
  users.filter_types = {"invoice.paid"};
  w.add(users);
  auto m = w.emit("user.created");
  auto f = decode(w.log.back().first.kind, w.log.back().second);
  ASSERT_TRUE(f);
  EXPECT_EQ(std::get<message_created>(*f).destinations, (std::vector<std::string>{all, some}));
  EXPECT_EQ(w.take().size(), 2U);
  EXPECT_EQ(m.seq, w.log.size());
}

TEST(emit, a_pattern_is_found_by_what_stands_before_its_star_and_each_destination_once) {
  world w;
  auto with = [&w](std::vector<std::string> types) { return w.add({.url = "http://a.test/", .filter_types = std::move(types)}); };
  auto both = with({"order.paid", "order.*", "order.**"});
  auto deep = with({"order.**"});
  auto last = with({"**.late"});
  auto every = with({"*"});
  with({"user.*"});
  auto got = [&w](std::string type) {
    w.emit(std::move(type));
    return std::get<message_created>(*decode(w.log.back().first.kind, w.log.back().second)).destinations;
  };
  EXPECT_EQ(got("order.paid"), (std::vector{both, deep, every}));
  EXPECT_EQ(got("order.paid.late"), (std::vector{both, deep, last, every}));
  EXPECT_EQ(got("order"), std::vector{every});
  w.must(patch_destination{.id = both, .filter_types = std::vector<std::string>{"order.paid"}});
  w.must(patch_destination{.id = deep, .filter_types = std::vector<std::string>{}});
  w.must(remove_destination{every});
  EXPECT_EQ(got("order.paid"), (std::vector{both, deep})) << "the index follows every change";
  EXPECT_EQ(got("order.sent"), std::vector{deep});
  w.live = w.folded();
  EXPECT_EQ(got("order.paid"), (std::vector{both, deep}));
}

TEST(emit, a_content_filter_decides_about_the_payload) {
  world w;
  destination d;
  d.filter = content_filter::compile(nlohmann::json{{"payload.total", {{"$gte", 100}}}}).value();
  auto large = w.add(d);
  auto all = w.add();
  auto got = [&w](std::string body) {
    w.emit("order.paid", std::move(body));
    return std::get<message_created>(*decode(w.log.back().first.kind, w.log.back().second)).destinations;
  };
  EXPECT_EQ(got(R"({"total":100})"), (std::vector{large, all}));
  EXPECT_EQ(got(R"({"total":99})"), std::vector{all});
  w.live = w.folded();
  EXPECT_EQ(got(R"({"total":99})"), std::vector{all});
  w.live = restore(snapshot(w.live)).value();
  EXPECT_EQ(got(R"({"total":99})"), std::vector{all});
  w.must(patch_destination{.id = large, .filter = content_filter{}});
  EXPECT_EQ(got(R"({"total":99})"), (std::vector{large, all}));
}

TEST(emit, a_message_that_matches_nobody_is_stored_too) {
  world w;
  w.emit("nobody.cares");
  EXPECT_EQ(w.log.size(), 1U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(emit, the_body_keeps_its_bytes) {
  world w;
  std::string body = "{ \"b\":1.0,\n\t\"a\" : \"\\u00e9\xc3\xa9\", \"body_bytes\":7, \"body\":{\"x\":[1e40, 0.10]}, \"c\":2 }";
  w.emit("t", body);
  EXPECT_EQ(message_body(w.log.back().second), body);
}

TEST(emit, a_payload_that_is_no_json_object_changes_nothing) {
  world w;
  for (std::string wrong : {"", "[]", "1", "\"x\"", "null", "{", "{\"a\":1}}", "{\"a\":\"\xff\"}", "{'a':1}", " ", "{\"a\":1,\"a\":2}"})
    EXPECT_EQ(w.where_refused(create_message{"t", "", wrong, {}, {}}), "/payload") << wrong;
  EXPECT_TRUE(w.log.empty());
}

TEST(emit, a_payload_over_the_limit_is_too_large) {
  world w;
  std::string big = "{\"a\":\"" + std::string(limits::message_bytes, 'x') + "\"}";
  EXPECT_EQ(w.refused(create_message{"t", "", big, {}, {}}), errc::too_large);
}

TEST(emit, names_are_checked) {
  world w;
  EXPECT_EQ(w.where_refused(create_message{"bad type", "", "{}", {}, {}}), "/eventType");
  EXPECT_EQ(w.where_refused(create_message{"t", "a/b", "{}", {}, {}}), "/eventId");
  EXPECT_EQ(w.where_refused(create_message{"t", "", "{}", {"ok", "not ok"}, {}}), "/channels/1");
  EXPECT_EQ(w.where_refused(create_message{"t", "", "{}", {"1", "2", "3", "4", "5", "6"}, {}}), "/channels");
}

TEST(emit, is_refused_with_the_limit_s_name_when_too_many_deliveries_wait) {
  world w;
  w.add(), w.add();
  w.emit(); // two wait
  create_message more{"user.created", {}, "{}", {}, {}};
  EXPECT_TRUE(w.ask(more, 4));
  auto refused = w.ask(more, 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::overloaded);
  EXPECT_NE(refused.error().detail.find("pending_per_sandbox"), std::string::npos);
  EXPECT_FALSE(w.ask(more, 0)) << "more wait than may";
}

TEST(emit, what_is_to_be_delivered_later_is_due_then_after_a_restart_too) {
  world w;
  w.add();
  create_message later{"user.created", {}, R"({"a":1})", {}, {}};
  later.deliver_at = w.now + 1h;
  w.must(later);
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(next_due(w.live), w.now + 1h);
  EXPECT_EQ(next_due(w.folded()), w.now + 1h) << "the log says it too";
  EXPECT_EQ(snapshot(w.folded()), snapshot(w.live));
  w.now = w.now + 1h;
  EXPECT_EQ(w.take().size(), 1U);
}

TEST(emit, what_is_to_be_delivered_in_the_past_or_in_31_days_is_refused) {
  world w;
  w.add();
  create_message m{"user.created", {}, "{}", {}, {}};
  for (auto at : {w.now, w.now + -1s, w.now + 24h * 31}) {
    m.deliver_at = at;
    EXPECT_EQ(w.where_refused(m), "/deliverAt") << at.us;
  }
  EXPECT_TRUE(w.log.size() == 1) << "nothing was written but the destination";
}

TEST(emit, for_one_destination_goes_to_no_other_whatever_the_filters) {
  world w;
  auto one = w.add({.uid = "one", .filter_types = {"other"}});
  w.add();
  create_message m{"user.created", {}, "{}", {}, {}};
  m.only_to = "one";
  auto done = w.run(m);
  ASSERT_TRUE(done);
  EXPECT_EQ(std::get<message_created>(done->facts[0]).destinations, std::vector{one});
  m.only_to = "nobody";
  EXPECT_EQ(w.refused(m), errc::not_found);
  w.must(patch_destination{.id = one, .disabled = true});
  m.only_to = one;
  EXPECT_EQ(w.refused(m), errc::conflict);
}

TEST(emit, an_event_id_is_claimed) {
  world w;
  w.must(create_message{"t", "evt-1", "{}", {}, {}});
  EXPECT_EQ(w.drafts[0].claims, std::vector<std::string>{"event-id:evt-1"});
  w.must(create_message{"t", "", "{}", {}, {}});
  EXPECT_TRUE(w.drafts[0].claims.empty());
}

TEST(emit, the_same_draw_gives_the_same_ids_and_the_entities_name_message_and_destinations) {
  world a, b;
  auto ep = a.add();
  EXPECT_EQ(ep, b.add());
  EXPECT_EQ(a.emit(), b.emit());
  auto m = a.emit();
  EXPECT_EQ(a.drafts[0].entities, (std::vector<std::string>{m.id, ep}));
}

TEST(emit, channels_reach_only_destinations_that_share_one) {
  world w;
  auto d = to("http://a.test/");
  d.channels = {"eu"};
  w.add(d);
  w.must(create_message{"t", "", "{}", {"us"}, {}});
  EXPECT_TRUE(w.take().empty());
  w.must(create_message{"t", "", "{}", {"us", "eu"}, {}});
  EXPECT_EQ(w.take().size(), 1U);
}

} // namespace
