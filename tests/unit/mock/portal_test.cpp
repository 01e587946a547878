#include "support.hpp"

#include "mock/settings.hpp"

#include <limits>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
using hourglass::events::kind;
namespace events = hourglass::events;

constexpr std::int64_t second = 1'000'000, day = 86'400 * second;

events::context at(std::int64_t us, std::uint8_t chance = 1) {
  events::context ctx;
  ctx.wall.us = us;
  ctx.chance.fill(chance);
  return ctx;
}

/// What became of a command; its events are applied.
template <class Command>
events::outcome<std::string> run(portal_state& s, const Command& c, std::int64_t us, std::uint8_t chance = 1) {
  auto d = decide(s, c, at(us, chance));
  if (!d)
    return tl::unexpected<events::error>{d.error()};
  for (const auto& e : d->events) {
    events::header h;
    h.wall.us = us;
    if (auto ok = apply(s, e.kind, e.payload, h); !ok)
      return tl::unexpected<events::error>{ok.error()};
  }
  return d->reply;
}

bool over(const portal_state& s, const std::string& session, std::int64_t issued, std::int64_t now) {
  auto it = s.ends.find(session);
  return it != s.ends.end() && is_over(it->second, issued, now);
}

TEST(portal, capabilities_imply_what_they_cannot_do_without) {
  using c = capability;
  auto bit = [](c one) { return static_cast<std::uint8_t>(one); };
  const std::uint8_t base = bit(c::view);
  const struct {
    std::uint8_t has;
    std::vector<c> may, may_not;
  } table[] = {
      {0, {}, {c::view, c::view_secret, c::manage_secret, c::transformations, c::attempts, c::manage_endpoint}},
      {base, {c::view}, {c::view_secret, c::manage_secret, c::transformations, c::attempts, c::manage_endpoint}},
      {static_cast<std::uint8_t>(base | bit(c::view_secret)), {c::view, c::view_secret}, {c::manage_secret, c::attempts, c::manage_endpoint}},
      {static_cast<std::uint8_t>(base | bit(c::manage_secret)), {c::view_secret, c::manage_secret}, {c::transformations, c::attempts, c::manage_endpoint}},
      {static_cast<std::uint8_t>(base | bit(c::transformations)), {c::transformations}, {c::view_secret, c::attempts, c::manage_endpoint}},
      {static_cast<std::uint8_t>(base | bit(c::attempts)), {c::attempts}, {c::view_secret, c::manage_secret, c::transformations, c::manage_endpoint}},
      {static_cast<std::uint8_t>(base | bit(c::manage_endpoint)), {c::view_secret, c::manage_secret, c::transformations, c::manage_endpoint}, {c::attempts}},
      {all_capabilities, {c::view, c::view_secret, c::manage_secret, c::transformations, c::attempts, c::manage_endpoint}, {}},
  };
  for (const auto& row : table) {
    for (auto one : row.may)
      EXPECT_TRUE(allows(row.has, one)) << int{row.has} << " " << name_of(one);
    for (auto one : row.may_not)
      EXPECT_FALSE(allows(row.has, one)) << int{row.has} << " " << name_of(one);
  }
  for (auto name : names_of(all_capabilities))
    EXPECT_EQ(name_of(*capability_named(name)), name);
  EXPECT_FALSE(capability_named("viewBase"));
}

TEST(portal, what_is_opened_says_all_that_the_token_will) {
  portal_state s;
  auto reply = run(s, open_portal{"user_1", all_capabilities, {"beta"}, 3'600}, 5 * second, 7);
  ASSERT_TRUE(reply);
  auto claims = read_claims(*reply);
  ASSERT_TRUE(claims);
  EXPECT_EQ(*claims, (portal_claims{"070707070707070707070707", "user_1", all_capabilities, {"beta"}, 5 * second, 3'605 * second}));
  EXPECT_EQ(to_text(*claims), *reply) << "read and written, it is the same text: an answer is made anew of it";
  EXPECT_EQ(s, portal_state{}) << "what is signed need not be kept";
}

TEST(portal, what_is_opened_has_bounds) {
  portal_state s;
  EXPECT_EQ(run(s, open_portal{"", all_capabilities, {}, 3'599}, 1).error().where, "/expiry");
  EXPECT_EQ(run(s, open_portal{"", all_capabilities, {}, 604'801}, 1).error().where, "/expiry");
  EXPECT_EQ(run(s, open_portal{"", all_capabilities, std::vector<std::string>(26, "a"), 3'600}, 1).error().where, "/featureFlags");
  EXPECT_EQ(run(s, open_portal{"", 62, {}, 3'600}, 1).error().where, "/capabilities");
}

TEST(portal, a_link_is_used_once_and_forgotten_when_it_would_do_nothing_anyway) {
  portal_state s;
  ASSERT_TRUE(run(s, enter_portal{"a", 3'600 * second}, second));
  auto again = run(s, enter_portal{"a", 3'600 * second}, 2 * second);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::unauthorized);
  EXPECT_TRUE(s.closed.contains(closed_link("a")));
  EXPECT_FALSE(s.closed.contains(closed_token("a"))) << "the token that it gave is good";
  ASSERT_TRUE(run(s, enter_portal{"b", 7'200 * second}, 3'600 * second));
  EXPECT_FALSE(s.closed.contains(closed_link("a")));
  EXPECT_TRUE(s.closed.contains(closed_link("b")));
}

TEST(portal, a_token_is_logged_out_until_it_would_have_ended_and_twice_is_once) {
  portal_state s;
  ASSERT_TRUE(run(s, leave_portal{"a", day}, second));
  EXPECT_TRUE(decide(s, leave_portal{"a", day}, at(second))->events.empty());
  ASSERT_TRUE(run(s, leave_portal{"b", 2 * day}, day - 1));
  EXPECT_TRUE(s.closed.contains(closed_token("a")));
  ASSERT_TRUE(run(s, leave_portal{"c", 2 * day}, day));
  EXPECT_FALSE(s.closed.contains(closed_token("a")));
}

TEST(portal, all_tokens_end_or_those_of_a_session_and_later_ones_do_not) {
  portal_state s;
  ASSERT_TRUE(run(s, expire_portals{{"u1"}, 0}, 10 * second));
  EXPECT_TRUE(over(s, "u1", 10 * second, 10 * second));
  EXPECT_FALSE(over(s, "u1", 10 * second + 1, 20 * second)) << "made after";
  EXPECT_FALSE(over(s, "u2", 5 * second, 20 * second));
  EXPECT_FALSE(over(s, "", 5 * second, 20 * second));
  ASSERT_TRUE(run(s, expire_portals{{}, 0}, 30 * second));
  EXPECT_TRUE(over(s, "", 30 * second, 30 * second));
  EXPECT_EQ(s.ends.size(), 1U) << "what ends all needs no others beside";
}

TEST(portal, an_end_that_is_to_come_leaves_an_earlier_one_as_it_was) {
  portal_state s;
  ASSERT_TRUE(run(s, expire_portals{{}, 0}, 10 * second));
  ASSERT_TRUE(run(s, expire_portals{{}, 60}, 20 * second));
  EXPECT_TRUE(over(s, "", 10 * second, 21 * second)) << "ended at once, by the first";
  EXPECT_FALSE(over(s, "", 15 * second, 79 * second)) << "not yet, by the second";
  EXPECT_TRUE(over(s, "", 15 * second, 80 * second));
  EXPECT_FALSE(over(s, "", 21 * second, 200 * second));
  ASSERT_TRUE(run(s, expire_portals{{}, 5}, 30 * second)) << "sooner, and of more: nothing else need stay";
  EXPECT_TRUE(over(s, "", 15 * second, 35 * second));
}

TEST(portal, steps_without_end_are_refused_and_all_at_once_always_works) {
  portal_state s;
  bool refused = false;
  for (std::int64_t i = 0; i < 40 && !refused; ++i)
    refused = !run(s, expire_portals{{"u"}, 1'000 + i * 100}, i * second);
  EXPECT_TRUE(refused);
  EXPECT_LE(s.ends["u"].size(), 16U);
  EXPECT_EQ(run(s, expire_portals{std::vector<std::string>(1'001, "u"), 0}, 1).error().where, "/sessionIds");
  EXPECT_EQ(run(s, expire_portals{{}, 259'201}, 1).error().where, "/expiry");
  ASSERT_TRUE(run(s, expire_portals{{}, 0}, 50 * second));
  EXPECT_TRUE(over(s, "", 50 * second, 50 * second));
}

TEST(portal, ends_are_forgotten_when_no_token_is_as_old) {
  portal_state s;
  ASSERT_TRUE(run(s, expire_portals{{"u1"}, 0}, 0));
  ASSERT_TRUE(run(s, expire_portals{{"u2"}, 0}, 7 * day - 1));
  EXPECT_EQ(s.ends.size(), 2U);
  ASSERT_TRUE(run(s, leave_portal{"x", 9 * day}, 7 * day));
  EXPECT_FALSE(s.ends.contains("u1"));
  EXPECT_TRUE(s.ends.contains("u2"));
}

TEST(portal, a_snapshot_of_the_settings_has_it_and_an_old_one_has_none) {
  settings_state s;
  auto all = [&](const settings_command& c, std::int64_t us) {
    auto d = decide(s, c, at(us));
    ASSERT_TRUE(d) << d.error().detail;
    events::header h;
    h.wall.us = us;
    for (const auto& e : d->events)
      ASSERT_TRUE(apply(s, e.kind, e.payload, h));
  };
  all(create_sandbox{"{}", {}}, 1);
  EXPECT_EQ(snapshot(s).find("portal"), std::string::npos) << "as an older program wrote it";
  all(enter_portal{"link", day}, second);
  all(leave_portal{"token", day}, second);
  all(expire_portals{{"u1", "u2"}, 30}, second);
  all(expire_portals{{}, 60}, 2 * second);
  EXPECT_EQ(s.updated.us, 1) << "the sandbox itself is as it was";
  EXPECT_EQ(restore<settings_state>(snapshot(s)).value(), s);
  all(update_sandbox{R"({"name":"n"})", std::nullopt}, 3 * second);
  EXPECT_EQ(s.portal.closed.size(), 2U) << "a change of the settings ends no end";
  EXPECT_EQ(restore<settings_state>(snapshot(s)).value(), s);
  all(delete_sandbox{}, 4 * second);
  EXPECT_EQ(decide(s, open_portal{}, at(5)).error().code, errc::not_found);
}

TEST(portal, what_does_not_read_is_corrupt) {
  for (auto* text : {"", "[]", "{}", R"({"id":"a"})", R"({"id":"","capabilities":[],"issued_us":1,"expires_us":2})", R"({"id":"a","capabilities":7,"issued_us":1,"expires_us":2})",
                     R"({"id":"a","capabilities":[],"issued_us":-1,"expires_us":2})", R"({"id":"a","capabilities":[],"issued_us":1.5,"expires_us":2})",
                     R"({"id":"a","capabilities":[],"flags":[1],"issued_us":1,"expires_us":2})"})
    EXPECT_EQ(read_claims(text).error().code, errc::corrupt) << text;
  EXPECT_TRUE(read_claims(R"({"id":"a","capabilities":["ViewBase","OfTomorrow"],"more":1,"issued_us":1,"expires_us":2})"));
  for (auto* text : {"{}", "[1]", "[[1]]", "[[1,2,3]]", R"([["1",2]])", "x"})
    EXPECT_EQ(read_ends(text).error().code, errc::corrupt) << text;
  portal_state s;
  for (auto kind : {kind::portal_entered, kind::portal_left, kind::portal_expired})
    EXPECT_EQ(apply(s, kind, "{}", {}).error().code, errc::corrupt);
  EXPECT_EQ(restore_portal(R"({"ends":{},"closed":{"a":"b"}})").error().code, errc::corrupt);
}

} // namespace
