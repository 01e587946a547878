#include "webhook/delivery_policy.hpp"
#include "webhook/destination.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;
using nlohmann::json;

retry_policy policy(std::string_view text) {
  auto out = retry_policy::compile(json::parse(text));
  EXPECT_TRUE(out) << text << ": " << (out ? "" : out.error().detail + " at " + out.error().where);
  return out.value_or(retry_policy{});
}

template <class T>
std::string refused(std::string_view text) {
  auto out = T::compile(json::parse(text));
  return out ? "accepted" : out.error().where;
}

std::optional<duration> delay(const destination& d, std::uint32_t made, std::string_view type = "t", double spread = 0) {
  return next_delay(d, type, made, std::nullopt, spread);
}

TEST(retry_policy, without_one_the_schedule_of_the_destination_holds) {
  destination d;
  EXPECT_EQ(delay(d, 1), 5s);
  d.retries = policy(R"({"jitter":0.5})");
  EXPECT_EQ(delay(d, 1), 5s) << "it has no delays of its own";
  d.schedule = {{7s}};
  EXPECT_EQ(delay(d, 1), 7s);
  EXPECT_EQ(delay(d, 2), std::nullopt);
}

TEST(retry_policy, grows_exponentially_up_to_its_cap_and_its_count) {
  destination d;
  d.retries = policy(R"({"exponential":{"base":1.5,"factor":3,"cap":20,"count":4}})");
  EXPECT_EQ(delay(d, 1), 1500ms);
  EXPECT_EQ(delay(d, 2), 4500ms);
  EXPECT_EQ(delay(d, 3), 13500ms);
  EXPECT_EQ(delay(d, 4), 20s);
  EXPECT_EQ(delay(d, 5), std::nullopt);
  EXPECT_EQ(next_delay(d, "t", 1, 1h, 0), 1h) << "Retry-After is a floor here too";
  d.retries = policy(R"({"exponential":{"base":2592000,"factor":100,"cap":2592000,"count":99}})");
  EXPECT_EQ(delay(d, 99), 24h * 30) << "and does not overflow";
}

TEST(retry_policy, jitter_is_as_wide_as_it_says) {
  destination d;
  d.retries = policy(R"({"schedule":[100],"jitter":1})");
  EXPECT_EQ(delay(d, 1, "t", 0.2), 200s);
  EXPECT_EQ(delay(d, 1, "t", -0.2), 0s);
  d.retries = policy(R"({"schedule":[100],"jitter":0})");
  EXPECT_EQ(delay(d, 1, "t", 0.2), 100s);
  d.retries = policy(R"({"schedule":[100]})");
  EXPECT_EQ(delay(d, 1, "t", 0.2), 120s);
}

TEST(retry_policy, an_event_type_takes_the_first_entry_that_matches_and_the_rest_from_above) {
  destination d;
  d.retries = policy(R"({"schedule":[10],"success":[200],"eventTypes":[{"match":"order.paid","schedule":[1]},{"match":"order.*","maximumAge":60},{"match":"**","success":["200-299",304]}]})");
  EXPECT_EQ(delay(d, 1, "order.paid"), 1s);
  EXPECT_EQ(delay(d, 1, "order.sent"), 10s);
  EXPECT_EQ(d.retries.rules_for("order.sent").maximum_age, 60s);
  EXPECT_EQ(d.retries.rules_for("order.paid").maximum_age, std::nullopt);
  EXPECT_EQ(d.retries.rules_for("user").success, (std::vector<status_range>{{200, 299}, {304, 304}}));
  EXPECT_EQ(d.retries.rules_for("order.sent").success, (std::vector<status_range>{{200, 200}}));
}

TEST(retry_policy, what_counts_as_success_can_be_said) {
  const std::vector<status_range> odd{{200, 200}, {304, 304}, {409, 410}};
  auto is = [&odd](unsigned status) { return std::holds_alternative<delivered>(classify(status, http::transport_error::none, std::nullopt, odd)); };
  for (unsigned yes : {200U, 304U, 409U, 410U})
    EXPECT_TRUE(is(yes)) << yes;
  for (unsigned no : {201U, 303U, 305U, 408U, 411U, 0U})
    EXPECT_FALSE(is(no)) << no;
  EXPECT_FALSE(std::holds_alternative<delivered>(classify(200, http::transport_error::timeout, std::nullopt, odd)));
  EXPECT_TRUE(std::holds_alternative<try_again>(classify(410, http::transport_error::none, std::nullopt, {}, false)));
}

TEST(retry_policy, what_does_not_compile_is_refused_where_it_is_wrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "/retryPolicy"},
      {R"({"shedule":[]})", "/retryPolicy/shedule"},
      {R"({"schedule":5})", "/retryPolicy/schedule"},
      {R"({"schedule":[1,-1]})", "/retryPolicy/schedule/1"},
      {R"({"schedule":[2592001]})", "/retryPolicy/schedule/0"},
      {R"({"schedule":[1],"exponential":{"base":1,"count":1}})", "/retryPolicy/exponential"},
      {R"({"exponential":{"count":1}})", "/retryPolicy/exponential/base"},
      {R"({"exponential":{"base":1}})", "/retryPolicy/exponential/count"},
      {R"({"exponential":{"base":0,"count":1}})", "/retryPolicy/exponential/base"},
      {R"({"exponential":{"base":1,"count":100}})", "/retryPolicy/exponential/count"},
      {R"({"exponential":{"base":1,"count":1,"factor":0.5}})", "/retryPolicy/exponential/factor"},
      {R"({"exponential":{"base":10,"count":1,"cap":5}})", "/retryPolicy/exponential/cap"},
      {R"({"jitter":1.1})", "/retryPolicy/jitter"},
      {R"({"maximumAge":-1})", "/retryPolicy/maximumAge"},
      {R"({"maximumAge":"1h"})", "/retryPolicy/maximumAge"},
      {R"({"success":[]})", "/retryPolicy/success"},
      {R"({"success":[99]})", "/retryPolicy/success/0"},
      {R"({"success":[200,"299-200"]})", "/retryPolicy/success/1"},
      {R"({"success":["2xx"]})", "/retryPolicy/success/0"},
      {R"({"success":["200-299x"]})", "/retryPolicy/success/0"},
      {R"({"gone":"ignore"})", "/retryPolicy/gone"},
      {R"({"slowDown":{}})", "/retryPolicy/slowDown"},
      {R"({"retriesPerMinute":0})", "/retryPolicy/retriesPerMinute"},
      {R"({"eventTypes":{}})", "/retryPolicy/eventTypes"},
      {R"({"eventTypes":[{}]})", "/retryPolicy/eventTypes/0/match"},
      {R"({"eventTypes":[{"match":"a*"}]})", "/retryPolicy/eventTypes/0/match"},
      {R"({"eventTypes":[{"match":"a","gone":"retry"}]})", "/retryPolicy/eventTypes/0/gone"},
      {R"({"eventTypes":[{"match":"a","jitter":2}]})", "/retryPolicy/eventTypes/0/jitter"},
  };
  for (auto [text, where] : cases)
    EXPECT_EQ(refused<retry_policy>(text), where) << text;
  json large = {{"schedule", std::vector<int>(99, 1)}};
  EXPECT_TRUE(retry_policy::compile(large));
  large["schedule"].push_back(1);
  EXPECT_EQ(retry_policy::compile(large).error().code, events::errc::too_large);
}

TEST(retry_policy, two_ways_to_say_the_delays_are_one_too_many) {
  destination d;
  d.url = "http://a.test/";
  d.schedule = {{1s}};
  d.retries = policy(R"({"schedule":[5]})");
  EXPECT_EQ(validate(d).error().where, "/retryPolicy");
  d.retries = policy(R"({"maximumAge":5})");
  EXPECT_TRUE(validate(d));
}

TEST(protection, what_is_not_said_is_off_and_an_empty_rule_has_the_defaults) {
  auto rules = protection_policy::compile(json::parse(R"({"breaker":{"failures":3},"disable":null})")).value().rules();
  ASSERT_TRUE(rules.breaker);
  EXPECT_EQ(rules.breaker->failures, 3U);
  EXPECT_EQ(rules.breaker->probe_after, 30s);
  EXPECT_FALSE(rules.slow_down);
  EXPECT_FALSE(rules.disable);
  EXPECT_FALSE(rules.probes());
  rules = protection_policy::compile(json::parse(R"({"slowDown":{},"disable":{}})")).value().rules();
  EXPECT_FALSE(rules.breaker);
  EXPECT_EQ(rules.slow_down, 30min);
  EXPECT_EQ(rules.disable->probe, 1h);
  EXPECT_TRUE(rules.probes());
  EXPECT_FALSE(protection_policy::compile(json::parse(R"({"disable":{"probe":null}})")).value().rules().probes());
}

TEST(protection, an_empty_one_is_none) {
  EXPECT_TRUE(protection_policy::compile(json::object()).value().empty());
  const protection_rules none;
  EXPECT_FALSE(none.breaker || none.slow_down || none.disable);
}

TEST(protection, what_does_not_compile_is_refused_where_it_is_wrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"1", "/protection"},
      {R"({"braker":{}})", "/protection/braker"},
      {R"({"breaker":{"failures":0}})", "/protection/breaker/failures"},
      {R"({"breaker":{"probeAfter":0}})", "/protection/breaker/probeAfter"},
      {R"({"breaker":{"probeAfter":60,"probeCap":30}})", "/protection/breaker/probeCap"},
      {R"({"breaker":true})", "/protection/breaker"},
      {R"({"slowDown":true})", "/protection/slowDown"},
      {R"({"slowDown":{"cap":0}})", "/protection/slowDown/cap"},
      {R"({"slowDown":{"cap":86401}})", "/protection/slowDown/cap"},
      {R"({"slowDown":{"after":1}})", "/protection/slowDown/after"},
      {R"({"slowDown":{"statuses":[]}})", "/protection/slowDown/statuses"},
      {R"({"slowDown":{"statuses":[429,"599-500"]}})", "/protection/slowDown/statuses/1"},
      {R"({"slowDown":{"statuses":["time out"]}})", "/protection/slowDown/statuses/0"},
      {R"({"disable":{"after":-1}})", "/protection/disable/after"},
      {R"({"disable":{"failures":"x"}})", "/protection/disable/failures"},
      {R"({"disable":{"probe":0}})", "/protection/disable/probe"},
      {R"({"probe":60})", "/protection/probe"},
  };
  for (auto [text, where] : cases)
    EXPECT_EQ(refused<protection_policy>(text), where) << text;
}

} // namespace
