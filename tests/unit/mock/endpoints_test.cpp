#include "support.hpp"

#include "events/limits.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace events = hourglass::events;

struct bad_case {
  const char* text;
  errc code;
  const char* where;
};

TEST(endpoints, bad_input_is_refused_with_its_place_and_changes_nothing) {
  const bad_case cases[] = {
    {"", errc::invalid, "1:1"},
    {"{", errc::invalid, "1:2"},
    {"[]", errc::invalid, ""},
    {"{\"a\":\"\xff\"}", errc::invalid, "1:7"},
    {R"({"path":"/a","response":{}})", errc::invalid, "/method"},
    {R"({"method":1,"path":"/a","response":{}})", errc::invalid, "/method"},
    {R"({"method":"G T","path":"/a","response":{}})", errc::invalid, "/method"},
    {R"({"method":"GET","response":{}})", errc::invalid, "/path"},
    {R"({"method":"GET","path":"a","response":{}})", errc::invalid, "/path"},
    {R"({"method":"GET","path":"/a/../b","response":{}})", errc::invalid, "/path"},
    {R"({"method":"GET","path":"/a//b","response":{}})", errc::invalid, "/path"},
    {R"({"method":"GET","path":"/a%2Fb","response":{}})", errc::invalid, "/path"},
    {R"({"method":"GET","path":"/a\u0000b","response":{}})", errc::invalid, "/path"},
    {R"({"method":"GET","path":"/a","project_root":"x","response":{}})", errc::invalid, "/project_root"},
    {R"({"method":"GET","path":"/a"})", errc::invalid, "/response"},
    {R"({"method":"GET","path":"/a","response":[]})", errc::invalid, "/response"},
    {R"({"method":"GET","path":"/a","respons":{}, "response":{}})", errc::invalid, "/respons"},
    {R"({"method":"GET","method":"PUT","path":"/a","response":{}})", errc::invalid, "/method"},
    {R"({"method":"GET","path":"/a","response":{"status":"200"}})", errc::invalid, "/response/status"},
    {R"({"method":"GET","path":"/a","response":{"status":99}})", errc::invalid, "/response/status"},
    {R"({"method":"GET","path":"/a","response":{"status":101}})", errc::invalid, "/response/status"},
    {R"({"method":"GET","path":"/a","response":{"status":204,"body":"x"}})", errc::invalid, "/response/body"},
    {R"({"method":"GET","path":"/a","response":{"headers":[]}})", errc::invalid, "/response/headers"},
    {R"({"method":"GET","path":"/a","response":{"headers":{"a b":"c"}}})", errc::invalid, "/response/headers/a b"},
    {R"({"method":"GET","path":"/a","response":{"headers":{"X":"a\r\nSet-Cookie: b"}}})", errc::invalid, "/response/headers/X"},
    {R"({"method":"GET","path":"/a","response":{"headers":{"Content-Length":"5"}}})", errc::invalid, "/response/headers/Content-Length"},
    {R"({"method":"GET","path":"/a","response":{"headers":{"Content-Type":"x"}}})", errc::invalid, "/response/headers/Content-Type"},
    {R"({"method":"GET","path":"/a","response":{"template":1}})", errc::invalid, "/response/template"},
    {R"({"method":"GET","path":"/a","response":{"template":true,"body":"{\n{{nope}}}"}})", errc::invalid, "/response/body:2:3"},
    {R"({"method":"GET","path":"/a","response":{"template":true,"headers":{"X":"{{nope}}"}}})", errc::invalid, "/response/headers/X:1:3"},
    {R"({"method":"GET","path":"/a","consumes":"text/plain","response":{}})", errc::invalid, "/consumes"},
    {R"({"method":"GET","path":"/a","consumes":["text"],"response":{}})", errc::invalid, "/consumes"},
  };
  endpoint_state state;
  for (const auto& c : cases) {
    auto r = put(state, c.text);
    ASSERT_FALSE(r) << c.text;
    EXPECT_EQ(r.error().code, c.code) << c.text;
    EXPECT_EQ(r.error().where, c.where) << c.text << ": " << r.error().detail;
  }
  EXPECT_EQ(state.size(), 0U);
}

TEST(endpoints, nesting_without_end_is_refused) {
  endpoint_state state;
  auto r = put(state, R"({"method":"GET","path":"/a","response":{"body":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}}");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::too_large);
}

TEST(endpoints, a_body_over_the_limit_is_refused) {
  endpoint_state state;
  auto r = put(state, named("GET", "/a", std::string(hourglass::limits::endpoint_body_bytes + 1, 'x')));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::too_large);
}

TEST(endpoints, the_same_route_twice_is_a_conflict) {
  endpoint_state state;
  ASSERT_TRUE(put(state, named("GET", "/pets/{id}", "a"), {}, 1));
  auto twice = put(state, named("GET", "/pets/{name}", "b"), {}, 2);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, errc::conflict);
  EXPECT_EQ(twice.error().where, "/path");
  EXPECT_TRUE(put(state, named("PUT", "/pets/{name}", "b"), {}, 3));
  EXPECT_TRUE(put(state, named("GET", "/pets/{name}", "b", R"(,"consumes":["text/plain"])"), {}, 4));
  EXPECT_FALSE(put(state, named("GET", "/pets/{name}", "b", R"(,"consumes":["a/b","text/plain"])"), {}, 5));
  EXPECT_EQ(state.size(), 3U);
}

TEST(endpoints, putting_under_an_id_replaces_and_the_old_route_is_gone) {
  endpoint_state state;
  ASSERT_TRUE(put(state, named("GET", "/old", "a"), "ep_1"));
  ASSERT_TRUE(put(state, named("GET", "/new", "b"), "ep_1"));
  EXPECT_EQ(state.size(), 1U);
  EXPECT_EQ(answer(state, get("/old")).status, 404U);
  EXPECT_EQ(answer(state, get("/new")).body, "b");
  auto again = decide(state, endpoint_command{put_endpoint{named("GET", "/new", "b"), "ep_1"}}, at_moment());
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->events.empty()) << "nothing changes, nothing is written";
  EXPECT_FALSE(put(state, named("GET", "/x", "b"), "bad id!"));
}

TEST(endpoints, a_removed_endpoint_answers_no_more) {
  endpoint_state state;
  ASSERT_TRUE(put(state, named("GET", "/a", "a"), "ep_1"));
  ASSERT_TRUE(run(state, endpoint_command{remove_endpoint{"ep_1"}}));
  EXPECT_EQ(answer(state, get("/a")).status, 404U);
  auto gone = run(state, endpoint_command{remove_endpoint{"ep_1"}});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, errc::not_found);
}

TEST(endpoints, what_was_put_reads_back) {
  endpoint_state state;
  auto reply = put(state, R"({"method":"post","path":"/pets","consumes":["application/json"],"name":"make",
    "response":{"status":201,"headers":{"Location":"/pets/1"},"body":{"z":1,"a":[1.50,1e3]},"template":false}})");
  ASSERT_TRUE(reply);
  auto v = nlohmann::json::parse(*reply);
  EXPECT_EQ(v["method"], "POST");
  EXPECT_EQ(v["response"]["status"], 201);
  EXPECT_EQ(v["response"]["headers"]["Location"], "/pets/1");
  EXPECT_EQ(v["source"], "hand");
  auto r = answer(state, post("/pets", "{}"));
  EXPECT_EQ(r.body, R"({"z":1,"a":[1.50,1e3]})") << "members keep their order, numbers their text";
  EXPECT_EQ(header(r, "Content-Type"), "application/json");
  EXPECT_EQ(r.status, 201U);
}

TEST(endpoints, a_snapshot_and_the_events_after_it_give_what_all_events_give) {
  endpoint_state all;
  std::vector<events::draft> log;
  auto step = [&](const endpoint_command& c, std::uint8_t chance) {
    auto d = decide(all, c, at_moment(chance));
    ASSERT_TRUE(d) << d.error().detail;
    for (const auto& e : d->events) {
      ASSERT_TRUE(apply(all, e.kind, e.payload));
      log.push_back(e);
    }
  };
  step(put_endpoint{named("GET", "/a/{x}", "1"), {}}, 9);
  step(put_endpoint{named("GET", "/a/b.{x}", "2"), {}}, 3);
  step(put_endpoint{named("GET", "/a/{x}.b", "3"), {}}, 5);
  step(put_endpoint{R"({"method":"GET","path":"/t","response":{"body":"{{now}}","template":true}})", {}}, 4);
  step(import_openapi{R"({"openapi":"3.0.0","paths":{"/i":{"get":{"responses":{"204":{}}}}}})"}, 6);
  step(put_endpoint{named("POST", "/a/{y}", "4"), "ep_x"}, 7);
  step(put_endpoint{R"({"method":"GET","path":"/f/{id}","forward":{"target":"https://up.example/{id}","fallback":"mock"}})", "ep_f"}, 8);
  step(put_forwarding{R"({"clients":{"":{"timeout_ms":5}}})"}, 8);
  step(remove_endpoint{"ep_x"}, 8);
  for (std::size_t cut = 0; cut <= log.size(); ++cut) {
    endpoint_state head;
    for (std::size_t i = 0; i < cut; ++i)
      ASSERT_TRUE(apply(head, log[i].kind, log[i].payload));
    auto back = restore<endpoint_state>(snapshot(head));
    ASSERT_TRUE(back);
    for (std::size_t i = cut; i < log.size(); ++i)
      ASSERT_TRUE(apply(*back, log[i].kind, log[i].payload));
    EXPECT_EQ(snapshot(*back), snapshot(all)) << cut;
    for (auto target : {"/a/q", "/a/b.c", "/a/b.b", "/t", "/i"})
      EXPECT_EQ(answer(*back, get(target)).body, answer(all, get(target)).body);
  }
  EXPECT_FALSE(restore<endpoint_state>("{}"));
  EXPECT_EQ(restore<endpoint_state>(R"({"format":8})").error().code, errc::newer_format);
}

TEST(endpoints, a_payload_that_does_not_read_changes_nothing) {
  endpoint_state state;
  ASSERT_TRUE(put(state, named("GET", "/a", "a"), "ep_1"));
  auto before = snapshot(state);
  for (auto bad : {"", "{}", "[]", R"({"id":"x"})", R"({"endpoints":[{}]})", R"({"endpoints":3})"}) {
    EXPECT_EQ(apply(state, events::kind::endpoint_put, bad).error().code, errc::corrupt);
    EXPECT_EQ(apply(state, events::kind::openapi_imported, bad).error().code, errc::corrupt);
  }
  EXPECT_EQ(snapshot(state), before);
}

TEST(endpoints, a_copy_is_on_its_own) {
  endpoint_state state;
  ASSERT_TRUE(put(state, named("GET", "/a", "a"), "ep_1"));
  auto fork = state;
  ASSERT_TRUE(run(fork, endpoint_command{remove_endpoint{"ep_1"}}));
  EXPECT_EQ(answer(state, get("/a")).body, "a");
  EXPECT_EQ(answer(fork, get("/a")).status, 404U);
}

TEST(endpoints, lists_page_in_order_of_id) {
  endpoint_state state;
  for (auto id : {"ep_c", "ep_a", "ep_b"})
    ASSERT_TRUE(put(state, named("GET", std::string{"/"} + id, "x"), id));
  auto page = state.list("ep_a", 1);
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0]->id, "ep_b");
}

} // namespace
