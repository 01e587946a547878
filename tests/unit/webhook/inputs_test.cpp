#include "webhook/inputs.hpp"
#include "webhook/raw_member.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;

template <class T>
std::string where(const events::outcome<T>& read) {
  return read ? "accepted" : read.error().where;
}

TEST(inputs, an_endpoint_is_read_whole) {
  auto c = read_endpoint_in(R"({"url":"http://a.test/","uid":"u","description":"d","filterTypes":["a"],"channels":["c"],"headers":{"X-A":"1"},
    "metadata":{"k":"v"},"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","retrySchedule":[1, 2.5],"inFlight":3,"throttleRate":9,"version":2,
    "disabled":true,"unknown":{}})");
  ASSERT_TRUE(c);
  const auto& d = c->value;
  EXPECT_EQ(d.url, "http://a.test/");
  EXPECT_EQ(d.uid, "u");
  EXPECT_EQ(d.headers.size(), 1U);
  EXPECT_EQ(d.secrets.size(), 1U);
  EXPECT_EQ(d.schedule, (std::vector<duration>{1s, 2500ms}));
  EXPECT_EQ(d.in_flight, 3U);
  EXPECT_EQ(d.rate_limit, 9U);
  EXPECT_TRUE(d.disabled);
}

TEST(inputs, what_svix_sends_as_null_is_not_given) {
  auto c = read_endpoint_in(R"({"url":"http://a.test/","uid":null,"filterTypes":null,"channels":null,"rateLimit":null,"secret":null,"metadata":null})");
  ASSERT_TRUE(c);
  EXPECT_TRUE(c->value.filter_types.empty() && c->value.secrets.empty() && !c->value.rate_limit);
}

TEST(inputs, the_first_mistake_is_pointed_at) {
  EXPECT_EQ(where(read_endpoint_in("{}")), "/url");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":5})")), "/url");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","filterTypes":"a"})")), "/filterTypes");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","filterTypes":["a",1]})")), "/filterTypes/1");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","headers":{"A":1}})")), "/headers/A");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","secret":"whsec_short"})")), "/secret");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","retrySchedule":[-1]})")), "/retrySchedule/0");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","version":-1})")), "/version");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","disabled":"no"})")), "/disabled");
  for (auto wrong : {"[]", "null", "1"})
    EXPECT_EQ(where(read_endpoint_in(wrong)), "") << wrong;
  for (auto wrong : {"{", "\xff", R"({"url":"http://a.test/","url":"http://b.test/"})", "{}{}"})
    EXPECT_EQ(where(read_endpoint_in(wrong)), "body") << wrong;
  for (auto none : {"", " \n"}) {
    auto read = read_endpoint_in(none);
    EXPECT_EQ(where(read), "body");
    EXPECT_EQ(read.error().detail, "a JSON body is needed and there is none");
  }
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","headers":{"a/b~c":1}})")), "/headers/a~1b~0c");
}

TEST(inputs, a_filter_is_compiled_as_it_is_read) {
  auto c = read_endpoint_in(R"({"url":"http://a.test/","filter":{"payload.a":1},"eventTypes":["order.*"]})");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->value.filter.text(), R"({"payload.a":1})");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","filter":{"payload.a":{"$regex":"x"}}})")), "/filter/payload.a/$regex");
  EXPECT_EQ(where(read_endpoint_in(R"({"url":"x","filter":[]})")), "/filter");
  EXPECT_FALSE(read_endpoint_patch("{}")->filter);
  EXPECT_TRUE(read_endpoint_patch(R"({"filter":null})")->filter->empty());
}

TEST(inputs, a_trial_of_filters_has_bounds) {
  auto t = read_filter_trial(R"({"endpointId":"ep_1","filter":null,"eventTypes":["a.*"],"limit":5,"iterator":"17"})");
  ASSERT_TRUE(t);
  EXPECT_TRUE(t->filter && t->filter->empty());
  EXPECT_EQ(t->filter_types, std::vector<std::string>{"a.*"});
  EXPECT_EQ(t->before, 17U);
  EXPECT_FALSE(t->channels);
  EXPECT_FALSE(read_filter_trial("{}")->filter);
  for (auto [text, at] : {std::pair{R"({"limit":0})", "/limit"}, {R"({"limit":1001})", "/limit"}, {R"({"iterator":"x"})", "/iterator"}, {R"({"iterator":""})", "/iterator"},
                          {R"({"since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"})", "/until"}, {R"({"channels":"a"})", "/channels"}, {R"({"filter":1})", "/filter"}})
    EXPECT_EQ(where(read_filter_trial(text)), at) << text;
}

TEST(inputs, patch_tells_not_given_from_null) {
  auto p = read_endpoint_patch(R"({"filterTypes":null,"retrySchedule":null,"disabled":false})");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->filter_types, std::vector<std::string>{});
  ASSERT_TRUE(p->schedule);
  EXPECT_FALSE(*p->schedule);
  EXPECT_EQ(p->disabled, false);
  EXPECT_FALSE(p->url || p->uid || p->channels || p->in_flight || p->rate_limit || p->metadata || p->description);
  EXPECT_EQ(where(read_endpoint_patch(R"({"url":null})")), "/url");
}

TEST(inputs, headers_are_replaced_or_changed) {
  EXPECT_EQ(read_endpoint_headers(R"({"headers":{"A":"1"}})", true)->headers->size(), 1U);
  auto p = read_endpoint_headers(R"({"headers":{"A":"1"},"deleteHeaders":["B"]})", false);
  ASSERT_EQ(p->header_changes.size(), 2U);
  EXPECT_EQ(p->header_changes[0].second, std::nullopt);
  EXPECT_EQ(where(read_endpoint_headers("{}", true)), "/headers");
}

TEST(inputs, a_rotation_may_have_no_body) {
  auto c = read_secret_rotate("");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->overlap, 24h);
  EXPECT_EQ(read_secret_rotate(R"({"gracePeriodSeconds":60})")->overlap, 60s);
  EXPECT_EQ(where(read_secret_rotate(R"({"gracePeriodSeconds":"x"})")), "/gracePeriodSeconds");
  EXPECT_EQ(where(read_secret_rotate(R"({"key":"x"})")), "/key");
}

TEST(inputs, a_message_keeps_the_bytes_of_its_payload) {
  auto c = read_message_in("{\"payload\" : { \"a\":1.0 , \"s\":\"}\\\"{\" }\n, \"eventType\":\"t\",\"eventId\":\"e\"}");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->payload, "{ \"a\":1.0 , \"s\":\"}\\\"{\" }");
  EXPECT_EQ(where(read_message_in(R"({"eventType":"t"})")), "/payload");
  EXPECT_EQ(where(read_message_in(R"({"eventType":"t","payload":[]})")), "/payload");
  EXPECT_EQ(where(read_message_in(R"({"eventType":"t","payload":null})")), "/payload");
  EXPECT_EQ(where(read_message_in(R"({"payload":{}})")), "/eventType");
  EXPECT_EQ(where(read_message_in(R"({"eventType":"t","payload":{},"deliverAt":"tomorrow"})")), "/deliverAt");
  EXPECT_TRUE(read_message_in(R"({"eventType":"t","payload":{},"transformationsParams":{"mine":1,"headers":null}})"));
  EXPECT_EQ(read_message_in(R"({"eventType":"t","payload":{},"deliverAt":"1970-01-01T00:00:01Z"})")->deliver_at, events::virtual_time{1'000'000});
}

TEST(inputs, a_member_is_cut_out_exactly) {
  EXPECT_EQ(raw_member(R"({"a":1,"b":[{"c":"]"}],"d":-1.5e3})", "b"), R"([{"c":"]"}])");
  EXPECT_EQ(raw_member(R"({"a":1,"b":[{"c":"]"}],"d":-1.5e3})", "d"), "-1.5e3");
  EXPECT_EQ(raw_member(R"( { "a" : true } )", "a"), "true");
  EXPECT_EQ(raw_member(R"({"x":{"a":1},"\u0061":"escaped name"})", "a"), R"("escaped name")");
  EXPECT_EQ(raw_member(R"({"a":1,"a":2})", "a"), "2") << "the last one counts";
  EXPECT_EQ(raw_member(R"({"b":"\\","a":"\"a\":"})", "a"), R"("\"a\":")");
  EXPECT_EQ(raw_member("{}", "a"), "");
  EXPECT_EQ(raw_member("[]", "a"), "");
  EXPECT_EQ(raw_member("", "a"), "");
}

TEST(inputs, a_recovery_has_a_range_and_a_scope) {
  auto c = read_recover_in(R"({"since":"2026-01-01T00:00:00Z","until":null,"scope":"missing","eventTypes":["a"]})");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->scope, recovery_scope::missing);
  EXPECT_FALSE(c->until);
  EXPECT_EQ(where(read_recover_in("{}")), "/since");
  EXPECT_EQ(where(read_recover_in(R"({"since":"yesterday"})")), "/since");
  EXPECT_EQ(where(read_recover_in(R"({"since":"2026-01-01T00:00:00Z","scope":"x"})")), "/scope");
}

TEST(inputs, an_event_type_is_put_whole_or_in_part) {
  auto c = read_event_type_in(R"({"name":"a","description":"d","schemas":{"1":{}},"featureFlag":"f"})");
  ASSERT_TRUE(c);
  EXPECT_TRUE(c->must_be_new);
  auto p = read_event_type_update(R"({"archived":true})", "a", &c->value);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->value.description, "d");
  EXPECT_TRUE(p->value.archived);
  EXPECT_EQ(read_event_type_update(R"({"description":"n"})", "a", nullptr)->value.schemas, "");
}

} // namespace
