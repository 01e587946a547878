#include "api/auth.hpp"
#include "api/clock.hpp"
#include "api/problem.hpp"
#include "api/query.hpp"
#include "api/router.hpp"
#include "api/svix/paging.hpp"
#include "events/wall_clock.hpp"
#include "storage/terms.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace std::chrono_literals;
using events::errc;

// -- router ---------------------------------------------------------------------

api::router three_routes() {
  api::router r;
  r.add({.method = "GET", .path = "/a/{x}", .id = "one"});
  r.add({.method = "PUT", .path = "/a/{x}", .id = "two"});
  r.add({.method = "GET", .path = "/a/b", .id = "literal"});
  r.add({.method = "GET", .path = "/a/{x}/c/{y}", .id = "deep"});
  return r;
}

TEST(router, a_literal_segment_wins_over_a_parameter) {
  auto r = three_routes();
  EXPECT_EQ(r.find("GET", "/a/b").to->id, "literal");
  EXPECT_EQ(r.find("PUT", "/a/b").to->id, "two");
}

TEST(router, parameters_are_decoded_after_the_path_is_split) {
  auto r = three_routes();
  auto found = r.find("GET", "/a/x%2Fy/c/%C3%A9");
  ASSERT_TRUE(found.to);
  EXPECT_EQ(found.path[0].second, "x/y");
  EXPECT_EQ(found.path[1].second, "é");
}

TEST(router, names_the_methods_of_a_path_that_has_others) {
  auto found = three_routes().find("DELETE", "/a/q");
  EXPECT_FALSE(found.to);
  EXPECT_EQ(found.allow, "GET, PUT");
}

TEST(router, path_tricks_lead_nowhere) {
  auto r = three_routes();
  for (auto* path : {"/a/..", "/a/%2e%2e", "/a/.", "/a/%", "/a/%zz", "/a/%00", "/a/%ff"})
    EXPECT_TRUE(r.find("GET", path).malformed) << path;
  for (auto* path : {"", "a/b", "/a//", "/a/", "/", "//a/b", "/A/b", "/a/b/"}) {
    auto found = r.find("GET", path);
    EXPECT_FALSE(found.to) << path;
    EXPECT_TRUE(found.allow.empty()) << path;
  }
}

// -- query ------------------------------------------------------------------------

TEST(query, reads_and_refuses) {
  http::fields q = {{"n", "7"}, {"bad", "x"}, {"twice", "1"}, {"twice", "2"}, {"l", "a,b"}, {"l", "c"}, {"t", "true"}, {"limit", "251"}};
  api::query_reader fine{q};
  EXPECT_EQ(fine.integer("n", 0, 9), 7);
  EXPECT_EQ(fine.list("l").size(), 3U);
  EXPECT_TRUE(fine.truth("t", false));
  EXPECT_TRUE(fine.done());
  auto refused = [&](auto&& read) {
    api::query_reader r{q};
    read(r);
    return r.done() ? std::string{} : r.done().error().where;
  };
  EXPECT_EQ(refused([](auto& r) { r.integer("bad", 0, 9); }), "bad");
  EXPECT_EQ(refused([](auto& r) { r.integer("n", 8, 9); }), "n");
  EXPECT_EQ(refused([](auto& r) { r.text("twice"); }), "twice");
  EXPECT_EQ(refused([](auto& r) { r.limit(); }), "limit");
  EXPECT_EQ(refused([](auto& r) { r.truth("n", false); }), "n");
  EXPECT_EQ(refused([](auto& r) { r.instant("n"); }), "n");
  EXPECT_EQ(refused([](auto& r) { r.choice("n", {"a", "b"}); }), "n");
}

TEST(cursor, comes_back_as_it_went) {
  for (auto* text : {"", "a", "ab", "abc", "sbx_1/2?3", "é"})
    EXPECT_EQ(*api::from_cursor(api::to_cursor(text)), text);
  for (auto* forged : {"*", "a===", "_w", "zzzzz"})
    EXPECT_FALSE(api::from_cursor(forged)) << forged;
}

// -- durations and patience ----------------------------------------------------------

TEST(durations, are_read_as_seconds_or_with_a_unit) {
  const std::pair<const char*, std::chrono::seconds> cases[] = {
      {"PT5M", 300s}, {"5", 5s}, {"PT1H30M", 5400s}, {"P1D", 86400s}, {"P1DT1S", 86401s}, {"P2W", 1209600s}, {"90s", 90s}, {"5m", 300s}, {"2h", 7200s}, {"1d", 86400s}};
  for (auto& [text, want] : cases)
    EXPECT_EQ(api::parse_duration(text).value_or(events::duration{-1}), events::duration{want}) << text;
}

TEST(durations, that_say_nothing_definite_are_refused) {
  for (auto* text : {"", "P", "PT", "m", "P1M", "P1Y", "PT1D", "PT-5M", "-5m", "5m5s", "1.5h", "PT99999999999999999999S", "P99999999999W", "5 m", "pt5m", "PT5Mx"})
    EXPECT_FALSE(api::parse_duration(text)) << text;
}

TEST(patience, comes_from_prefer) {
  EXPECT_EQ(api::preferred_wait({{"Prefer", "respond-async, wait=7"}}), 7s);
  EXPECT_EQ(api::preferred_wait({{"prefer", "a"}, {"PREFER", "wait=1"}}), 1s);
  EXPECT_EQ(api::preferred_wait({{"Prefer", "wait=9999"}}), 60s);
  EXPECT_EQ(api::preferred_wait({{"Prefer", "wait=x"}}), std::nullopt);
  EXPECT_EQ(api::preferred_wait({{"X-Prefer", "wait=1"}}), std::nullopt);
}

// -- secrets, correlation ---------------------------------------------------------------

TEST(secrets, are_compared_whole) {
  EXPECT_TRUE(api::same_secret("abc", "abc"));
  EXPECT_FALSE(api::same_secret("abc", "abcd"));
  EXPECT_FALSE(api::same_secret("abc", "abd"));
  EXPECT_FALSE(api::same_secret("", "a"));
}

/// The index finds one by the moment in front (storage/terms.hpp): if that were the same for all, each would be looked for among all.
TEST(correlation, that_is_made_here_begins_with_the_moment) {
  const auto sandbox = events::make_sandbox_id(1, {});
  const auto first = api::correlation_of({});
  const auto now = events::wall_now().us / 1'000;
  ASSERT_EQ(first.size(), 26U);
  EXPECT_LE(std::abs(std::stoll(first.substr(4, 12), nullptr, 16) - now), 60'000);
  EXPECT_EQ(storage::terms::of_correlation(sandbox, first).size(), 2U) << "its moment, and itself";
  EXPECT_NE(api::correlation_of({}), first);
}

TEST(correlation, is_the_callers_when_it_is_fit_for_a_log) {
  auto of = [](std::string value) {
    http::request r;
    r.headers = {{"X-Correlation-Id", value}};
    return api::correlation_of(r);
  };
  EXPECT_EQ(of("abc-1"), "abc-1");
  EXPECT_EQ(of(std::string(64, 'a')), std::string(64, 'a'));
  for (auto bad : {std::string(65, 'a'), std::string{"a b"}, std::string{"a\tb"}, std::string{"\xc3\xa9"}, std::string{}})
    EXPECT_TRUE(of(bad).starts_with("cor_")) << bad;
  EXPECT_NE(of(""), of(""));
}

// -- problems ---------------------------------------------------------------------------

TEST(problems, have_the_status_of_their_code) {
  auto status = [](errc code, std::string where = {}, api::dialect how = api::dialect::ours) {
    return api::status_of({code, "", std::move(where)}, how);
  };
  EXPECT_EQ(status(errc::invalid), 400U);
  EXPECT_EQ(status(errc::invalid, "limit"), 400U);
  EXPECT_EQ(status(errc::invalid, "/url"), 422U);
  EXPECT_EQ(status(errc::invalid, "limit", api::dialect::svix), 422U);
  EXPECT_EQ(status(errc::unauthorized), 401U);
  EXPECT_EQ(status(errc::forbidden), 403U);
  EXPECT_EQ(status(errc::not_found), 404U);
  EXPECT_EQ(status(errc::conflict), 409U);
  EXPECT_EQ(status(errc::too_large), 413U);
  EXPECT_EQ(status(errc::overloaded), 503U);
  EXPECT_EQ(status(errc::unavailable), 503U);
  EXPECT_EQ(status(errc::abandoned), 503U);
  EXPECT_EQ(status(errc::timeout), 504U);
  EXPECT_EQ(status(errc::internal), 500U);
  EXPECT_EQ(status(errc::corrupt), 500U);
}

TEST(problems, never_show_what_failed_inside) {
  for (auto how : {api::dialect::ours, api::dialect::svix})
    for (auto code : {errc::internal, errc::io, errc::corrupt}) {
      auto r = api::problem_response({code, "/var/secret/path broke", "/x"}, "c1", how);
      EXPECT_EQ(r.body.find("secret"), std::string::npos);
    }
}

TEST(problems, say_that_an_event_does_not_verify_and_which) {
  const auto body = nlohmann::json::parse(api::problem_response({errc::corrupt, "block checksum of /var/x", "sbx_1/4"}, "c1", api::dialect::ours).body);
  EXPECT_EQ(body["type"], "/problems/corrupt");
  EXPECT_EQ(body["title"], "What is stored does not verify");
  EXPECT_NE(body.dump().find("sbx_1/4"), std::string::npos);
}

TEST(problems, speak_svix_where_svix_is_spoken) {
  auto invalid = nlohmann::json::parse(
      api::problem_response({errc::invalid, "must be a string", "/filterTypes/2"}, "c1", api::dialect::svix).body);
  EXPECT_EQ(invalid["detail"][0]["loc"], (nlohmann::json{"body", "filterTypes", "2"}));
  EXPECT_EQ(invalid["detail"][0]["msg"], "must be a string");
  auto missing = nlohmann::json::parse(api::problem_response({errc::not_found, "none", ""}, "c1", api::dialect::svix).body);
  EXPECT_EQ(missing, (nlohmann::json{{"code", "not_found"}, {"detail", "none"}}));
  auto busy = api::problem_response({errc::overloaded, "", ""}, "c1", api::dialect::svix);
  EXPECT_EQ(http::find(busy.headers, "Retry-After"), "1");
}

// -- Svix's pages -------------------------------------------------------------------------

TEST(svix_pages, keep_their_place_when_they_are_empty) {
  auto page = nlohmann::json::parse(api::svix::list_response({50, "7", false}, {}, {}, false));
  EXPECT_EQ(page["iterator"], "7");
  EXPECT_EQ(page["prevIterator"], "-7");
  EXPECT_EQ(page["done"], true);
  auto first = nlohmann::json::parse(api::svix::list_response({50, "", false}, {}, {}, false));
  EXPECT_TRUE(first["iterator"].is_null());
}

} // namespace
