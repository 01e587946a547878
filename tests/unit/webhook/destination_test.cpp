#include "webhook/destination.hpp"

#include "webhook/event_type.hpp"

#include "events/limits.hpp"

#include <tuple>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;

destination good() {
  destination d;
  d.url = "https://receiver.test/hook?x=1";
  return d;
}

std::string where(destination d) {
  auto ok = validate(d);
  return ok ? "accepted" : ok.error().where;
}

TEST(destination, a_url_must_be_http_or_https_and_whole) {
  for (auto url : {"", "receiver.test", "ftp://receiver.test/", "javascript:alert(1)", "http://", "http://user:pw@receiver.test/", "http://receiver.test:0/",
                   "http://receiver.test:99999/", "http://receiver.test/a\r\nX: y", "http://a b/", "http://receiver.test/#fragment"}) {
    auto d = good();
    d.url = url;
    EXPECT_EQ(where(d), "/url") << url;
  }
  EXPECT_EQ(where(good()), "accepted");
}

TEST(destination, names_of_types_channels_and_uids_are_names) {
  auto d = good();
  d.filter_types = {"user.created", "bad type"};
  EXPECT_EQ(where(d), "/filterTypes/1");
  d = good();
  d.channels = {""};
  EXPECT_EQ(where(d), "/channels/0");
  d = good();
  d.uid = "a/b";
  EXPECT_EQ(where(d), "/uid");
  d.uid = "ep_mine";
  EXPECT_EQ(where(d), "/uid") << "would be taken for an id";
}

TEST(destination, reserved_headers_are_refused_whatever_their_case) {
  for (auto name : {"Host", "content-LENGTH", "Content-Type", "Connection", "Transfer-Encoding", "webhook-id", "Webhook-Signature", "Svix-Id", "User-Agent", "Upgrade"}) {
    auto d = good();
    d.headers = {{name, "x", false}};
    EXPECT_EQ(where(d), std::string{"/headers/"} + name);
  }
}

TEST(destination, headers_cannot_inject) {
  EXPECT_FALSE(validate_header("X-A", "a\r\nX-B: c"));
  EXPECT_FALSE(validate_header("X-A", std::string_view{"a\0b", 3}));
  EXPECT_FALSE(validate_header("X-A", "a\x7f"));
  EXPECT_FALSE(validate_header("X-A", " a"));
  EXPECT_FALSE(validate_header("X-A", "\xff"));
  EXPECT_FALSE(validate_header("X A", "a"));
  EXPECT_FALSE(validate_header("X:A", "a"));
  EXPECT_FALSE(validate_header("", "a"));
  EXPECT_TRUE(validate_header("X-A", "a\tb"));
  EXPECT_TRUE(validate_header("X-A", ""));
}

TEST(destination, a_header_given_twice_is_refused) {
  auto d = good();
  d.headers = {{"X-A", "1", false}, {"x-a", "2", false}};
  EXPECT_EQ(where(d), "/headers/x-a");
}

TEST(destination, credentials_among_headers_are_flagged) {
  auto d = good();
  d.headers = {{"X-Plain", "1", false}, {"Authorization", "Bearer x", false}, {"X-API-Key", "k", false}, {"X-Auth-Token", "t", false}};
  ASSERT_TRUE(validate(d));
  EXPECT_FALSE(d.headers[0].sensitive);
  EXPECT_TRUE(d.headers[1].sensitive && d.headers[2].sensitive && d.headers[3].sensitive);
}

TEST(destination, numbers_have_bounds) {
  auto d = good();
  d.in_flight = 0;
  EXPECT_EQ(where(d), "/inFlight");
  d.in_flight = static_cast<std::uint32_t>(limits::in_flight_per_destination) + 1;
  EXPECT_EQ(where(d), "/inFlight");
  d = good();
  d.schedule = {{5s, -1s}};
  EXPECT_EQ(where(d), "/retrySchedule/1");
  d.schedule->assign(limits::attempts_per_message, 1s);
  EXPECT_EQ(where(d), "/retrySchedule");
  d.schedule->clear();
  EXPECT_EQ(where(d), "accepted") << "one attempt only";
}

TEST(destination, lists_are_sorted_and_freed_of_repeats) {
  auto d = good();
  d.filter_types = {"b", "a", "b"};
  ASSERT_TRUE(validate(d));
  EXPECT_EQ(d.filter_types, (std::vector<std::string>{"a", "b"}));
}

TEST(matching, no_filter_takes_all_and_a_filter_takes_exact_types) {
  auto d = good();
  EXPECT_TRUE(matches(d, "anything", {}));
  d.filter_types = {"user.created", "user.deleted"};
  EXPECT_TRUE(matches(d, "user.created", {}));
  EXPECT_FALSE(matches(d, "user", {}));
  EXPECT_FALSE(matches(d, "user.created.late", {}));
}

TEST(matching, a_star_is_one_part_and_two_are_one_or_more) {
  const std::tuple<const char*, const char*, bool> cases[] = {
      {"order.*", "order.paid", true},     {"order.*", "order.paid.late", false}, {"order.*", "order", false},
      {"order.**", "order.paid", true},    {"order.**", "order.paid.late", true}, {"order.**", "order", false},
      {"*.paid", "order.paid", true},      {"*.paid", "a.order.paid", false},     {"**.paid", "a.order.paid", true},
      {"**.paid", "paid", false},          {"a.*.c", "a.b.c", true},              {"a.**.c", "a.b.b.c", true},
      {"a.**.c", "a.c", false},            {"a.**.c", "a.c.c", true},             {"**.c.**", "c.c.c", true},
      {"**.c.**", "c.c", false},           {"*", "a.b.c", true},                  {"**", "a.b.c", true},
      {"*.*", "a", false},                 {"orders.*", "order.paid", false},
  };
  for (auto [pattern, type, yes] : cases) {
    EXPECT_TRUE(is_type_pattern(pattern)) << pattern;
    EXPECT_EQ(type_matches(pattern, type), yes) << pattern << " " << type;
    auto d = good();
    d.filter_types = {pattern};
    EXPECT_EQ(matches(d, type, {}), yes);
  }
  for (auto none : {"", "order", "ord*", "order.*x", "***", "order..*", ".*", "*.", "a b.*", "order.*/"})
    EXPECT_FALSE(is_type_pattern(none)) << none;
  auto d = good();
  d.filter_types = {"a", "ord*"};
  EXPECT_EQ(where(d), "/filterTypes/1");
}

TEST(matching, what_keeps_a_message_away_is_said_in_order) {
  auto d = good();
  d.filter_types = {"order.*"};
  d.channels = {"eu"};
  d.filter = content_filter::compile(nlohmann::json{{"payload.a", 1}}).value();
  using reason = match_report::reason;
  EXPECT_EQ(explain(d, {"user.created", {}, {"eu"}, {}, "{}"}).against, reason::event_type);
  EXPECT_EQ(explain(d, {"order.paid", {}, {"us"}, {}, "{}"}).against, reason::channels);
  auto no = explain(d, {"order.paid", {}, {"eu"}, {}, R"({"a":2})"});
  EXPECT_EQ(no.against, reason::filter);
  EXPECT_EQ(no.content.because, "/filter/payload.a");
  EXPECT_EQ(explain(d, {"order.paid", {}, {"eu"}, {}, R"({"a":1})"}).against, reason::none);
}

TEST(matching, a_destination_with_channels_wants_one_in_common) {
  auto d = good();
  EXPECT_TRUE(matches(d, "t", {"eu"})) << "without channels it takes all";
  d.channels = {"eu", "us"};
  EXPECT_TRUE(matches(d, "t", {"us", "asia"}));
  EXPECT_FALSE(matches(d, "t", {"asia"}));
  EXPECT_FALSE(matches(d, "t", {})) << "a message without channels does not match";
}

TEST(keys, a_rotated_secret_signs_until_it_expires) {
  auto d = good();
  d.secrets = {{signing_key::generate({1}), {0}, std::nullopt}, {signing_key::generate({2}), {0}, events::virtual_time{100}}};
  EXPECT_EQ(signing_keys_at(d, {99}).size(), 2U);
  EXPECT_EQ(signing_keys_at(d, {100}).size(), 1U);
  EXPECT_EQ(signing_keys_at(d, {99})[0], signing_key::generate({1}));
}

TEST(event_type, a_name_is_letters_digits_and_three_signs) {
  for (auto name : {"a", "user.created", "A-b_c.9"})
    EXPECT_TRUE(is_name(name));
  for (auto name : {"", "a b", "a/b", "ä", "a\n", "*"})
    EXPECT_FALSE(is_name(name));
  EXPECT_TRUE(is_name(std::string(256, 'a')));
  EXPECT_FALSE(is_name(std::string(257, 'a')));
}

TEST(event_type, schemas_are_an_object_of_json_schemas) {
  event_type t;
  t.name = "a";
  for (auto wrong : {"[]", "x", R"({"1": 5})", "{"}) {
    t.schemas = wrong;
    EXPECT_FALSE(validate(t)) << wrong;
  }
  t.schemas = R"({"1": {"type": "object"}})";
  EXPECT_TRUE(validate(t));
}

} // namespace
