#include "scripts_fixture.hpp"
#include "upstream.hpp"

#include "actors/late_answers.hpp"
#include "actors/testing.hpp"
#include "mock/outbound_limits.hpp"
#include "tests/integration/http/receiver.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;
using nlohmann::json;

http::response says(const json& value) { return {200, {{"Content-Type", "application/json"}}, value.dump()}; }

class outbound : public with_scripts<node_test> {
protected:
  /// A handler that calls `to` and gives what came back, with a counter that it reads.
  static std::string calling(const std::string& to, const std::string& options = "{}") {
    return "const r = $func.http.get('" + to + "', " + options + "); $resp.body = {status: r.status, body: r.body, n: $func.mock.find('c', 'n')};";
  }
  /// Gives the kind of failure.
  static std::string failing(const std::string& to, const std::string& options = "{}") {
    return "try { $resp.body = $func.http.get('" + to + "', " + options + ").status } catch (e) { $resp.body = e.kind }";
  }
  void expect_identical(const events::sandbox_id& id) {
    for (const auto& e : history(id))
      if (e.header.kind == kind::request_served) {
        auto again = run_again(id, e.header.seq);
        ASSERT_TRUE(again) << again.error().detail;
        EXPECT_TRUE(again->identical) << json(again->differences).dump();
      }
  }
};

TEST_F(outbound, a_script_answers_with_what_a_call_came_to) {
  upstream there{[](const http::request& r) { return says({{"n", 7}, {"echo", r.body}}); }};
  auto id = with_handler("const r = $func.http.post('" + there.url("/in?x=1") + "', {json: {a: 1}, headers: {'X-A': 'b'}});"
                         "$func.mock.put('c', 'n', r.json().n); $func.sbx.webhook.emit('thing', {n: r.json().n}); console.log('once');"
                         "$resp.body = {status: r.status, type: r.headers['content-type'], got: r.json()}");
  auto r = get(id, "/run");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(json::parse(r->body), (json{{"status", 200}, {"type", "application/json"}, {"got", {{"n", 7}, {"echo", R"({"a":1})"}}}}));
  const auto came = there.came();
  ASSERT_EQ(came.size(), 1U);
  EXPECT_EQ(came[0].method, "POST");
  EXPECT_EQ(came[0].target, "/in?x=1");
  EXPECT_EQ(http::find(came[0].headers, "x-a"), "b");
  EXPECT_EQ(http::find(came[0].headers, "content-type"), "application/json");
  EXPECT_EQ(data_of(id)["c"]["n"], 7);
  const auto all = history(id);
  EXPECT_EQ(count(all, kind::request_served), 1U);
  EXPECT_EQ(count(all, kind::message_created), 1U);
  const auto record = served(id).back();
  ASSERT_TRUE(record.request.calls);
  ASSERT_EQ(record.request.calls->size(), 1U);
  EXPECT_EQ(record.request.calls->front().outcome.status, 200U);
  EXPECT_EQ(record.script->console.size(), 1U) << "of the run that answered, and no other";
}

TEST_F(outbound, a_replay_calls_nobody_and_gives_the_same_bytes_after_a_restart_too) {
  events::sandbox_id id;
  {
    upstream there{[n = 0](const http::request&) mutable { return says({{"n", ++n}}); }};
    id = with_handler("const a = $func.http.get('" + there.url() + "').json().n, b = $func.http.get('" + there.url() + "').json().n;"
                      "$func.concurrency.delay(5); $resp.body = [a, b, Math.random(), new Date()]");
    ASSERT_TRUE(get(id, "/run"));
    ASSERT_TRUE(get(id, "/run"));
    EXPECT_EQ(json::parse(served(id).back().response.body)[1], 4);
    expect_identical(id);
    EXPECT_EQ(there.came().size(), 4U);
  }
  expect_identical(id); // nobody is there any more
  reopen();
  expect_identical(id);
}

TEST_F(outbound, calls_of_all_branches_are_under_way_together) {
  upstream there{[](const http::request& r) { return says(r.target); }, true};
  auto id = with_handler("$resp.body = $func.concurrency.all(['/a', '/b', '/c'].map(p => () => $func.http.get('" + there.url("") + "' + p).json()))");
  promised<mock::response> p;
  ask(id, p);
  ASSERT_TRUE(there.wait_for(3)) << "before any has an answer";
  there.let_go();
  auto r = p.get();
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->body, R"(["/a","/b","/c"])");
  const auto record = served(id).back();
  for (const auto& c : *record.request.calls)
    EXPECT_EQ(c.round, 1U);
}

TEST_F(outbound, others_of_the_sandbox_go_on_meanwhile_and_the_log_has_the_order_of_the_answers) {
  upstream slow{[](const http::request&) { return says("late"); }, true};
  auto id = with_handler(calling(slow.url()));
  ASSERT_TRUE(put_handler(id, "/quick", "$func.mock.put('c', 'n', 5); $resp.body = 'quick'", "ep_2"));
  promised<mock::response> p;
  ask(id, p);
  ASSERT_TRUE(slow.wait_for(1));
  EXPECT_EQ(get(id, "/quick")->body, "quick");
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"c", "n", "6"}}));
  EXPECT_EQ(get(id, "/quick")->body, "quick");
  slow.let_go();
  auto r = p.get();
  ASSERT_TRUE(r);
  EXPECT_EQ(json::parse(r->body)["n"], 5) << "it is served on the state as it is when it enters again";
  const auto all = served(id);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all.back().request.target, "/run");
  expect_identical(id);
}

TEST_F(outbound, many_at_once_are_each_answered_with_their_own) {
  upstream there{[](const http::request& r) { return says(r.target); }};
  auto id = with_handler("$resp.body = $func.http.get('" + there.url("/") + "' + $req.query.i).json() + $func.http.get('" + there.url("/x") + "' + $req.query.i).json()");
  std::vector<promised<mock::response>> answers(60);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    mock::request r;
    r.method = "GET";
    r.target = "/run?i=" + std::to_string(i);
    node_->serve(id, std::move(r), {"mock", "t"}, answers[i].callback());
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto r = answers[i].get();
    ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(r->body, "/" + std::to_string(i) + "/x" + std::to_string(i));
  }
  EXPECT_EQ(there.came().size(), 2 * answers.size());
  expect_identical(id);
}

TEST_F(outbound, what_the_guard_refuses_is_not_called) {
  auto id = with_handler(failing("http://10.0.0.1/"));
  EXPECT_EQ(get(id, "/run")->body, "refused_by_guard");
  ASSERT_TRUE(put_handler(id, "/run", failing("http://169.254.169.254/latest/meta-data")));
  EXPECT_EQ(get(id, "/run")->body, "refused_by_guard");
  ASSERT_TRUE(put_handler(id, "/run", "\n$func.http.get('http://10.0.0.1/?key=s3cret')"));
  auto r = get(id, "/run");
  EXPECT_EQ(r->status, 500U);
  auto problem = json::parse(r->body);
  EXPECT_EQ(problem["kind"], "thrown");
  EXPECT_EQ(problem["line"], 2);
  EXPECT_NE(problem["detail"].get<std::string>().find("HttpError"), std::string::npos) << problem;
  EXPECT_EQ(r->body.find("s3cret"), std::string::npos);
  expect_identical(id);
}

TEST_F(outbound, one_that_hangs_is_a_timeout) {
  upstream hangs{[](const http::request&) { return says(1); }, true};
  auto id = with_handler(failing(hangs.url(), "{timeout: 100}"));
  EXPECT_EQ(get(id, "/run")->body, "timeout");
  expect_identical(id);
}

TEST_F(outbound, one_that_floods_lies_or_breaks_off_is_a_failure) {
  http::testing::receiver floods{[](http::testing::raw_socket c, int) {
    c.until("\r\n\r\n");
    c.say("HTTP/1.1 200 OK\r\n\r\n");
    const std::string much(64 * 1024, 'x');
    for (int i = 0; i < 64; ++i)
      if (!c.say(much))
        return;
  }};
  http::testing::receiver lies{[](http::testing::raw_socket c, int) {
    c.until("\r\n\r\n");
    c.say("SSH-2.0-OpenSSH_9\r\n\r\n\r\n");
  }};
  http::testing::receiver breaks{[](http::testing::raw_socket c, int) {
    c.until("\r\n\r\n");
    c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  }};
  auto id = create();
  auto url = [](const auto& of) { return "http://127.0.0.1:" + std::to_string(of.port()) + "/"; };
  ASSERT_TRUE(put_handler(id, "/run", failing(url(floods))));
  EXPECT_EQ(get(id, "/run")->body, "too_large");
  ASSERT_TRUE(put_handler(id, "/run", failing(url(lies))));
  EXPECT_EQ(get(id, "/run")->body, "malformed");
  ASSERT_TRUE(put_handler(id, "/run", failing(url(breaks))));
  EXPECT_EQ(get(id, "/run")->body, "reset");
  expect_identical(id);
}

TEST_F(outbound, a_redirect_is_an_answer_like_any_other) {
  upstream there{[](const http::request&) { return http::response{302, {{"Location", "http://10.0.0.1/"}}, ""}; }};
  auto id = with_handler("const r = $func.http.get('" + there.url() + "'); $resp.body = [r.status, r.ok, r.headers.location]");
  EXPECT_EQ(get(id, "/run")->body, R"([302,false,"http://10.0.0.1/"])");
  EXPECT_EQ(there.came().size(), 1U);
}

TEST_F(outbound, no_secret_reaches_the_log_and_its_replay_is_the_same) {
  upstream there{[](const http::request& r) {
    return r.target == "/token" ? says({{"access_token", "secret-of-answer"}}) : says({{"with", std::string{http::find(r.headers, "authorization")}}});
  }};
  auto id = with_handler("const login = $func.http.post('" + there.url("/token") + "', {json: {password: $func.env.get('P')}, headers: {'X-Api-Key': $req.headers['x-api-key']}});"
                         "const r = $func.http.get('" + there.url("/what") + "', {headers: {Authorization: 'Bearer ' + login.json().access_token}});"
                         "console.log(r.body); $resp.body = r.json()");
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"P", "secret-of-env"}}));
  promised<mock::response> p;
  mock::request r;
  r.method = "GET";
  r.target = "/run";
  r.headers = {{"X-Api-Key", "secret-of-request"}};
  node_->serve(id, std::move(r), {"mock", "t"}, p.callback());
  auto answered = p.get();
  ASSERT_TRUE(answered);
  EXPECT_EQ(json::parse(answered->body)["with"], "Bearer secret-of-answer") << "who asks gets it";
  EXPECT_EQ(there.came().size(), 2U);
  for (const auto& e : history(id))
    if (e.header.kind == kind::request_served) {
      for (const auto* secret : {"secret-of-answer", "secret-of-env", "secret-of-request"})
        EXPECT_EQ(e.payload.find(secret), std::string::npos) << secret;
    }
  expect_identical(id);
  EXPECT_EQ(there.came().size(), 2U);
}

TEST_F(outbound, calls_and_rounds_are_bounded) {
  upstream there{[](const http::request&) { return says(1); }};
  auto id = with_handler("$resp.body = $func.concurrency.all(Array.from({length: 17}, (_, i) => () => $func.http.get('" + there.url("/") + "' + i).status))");
  auto many = get(id, "/run");
  EXPECT_EQ(many->status, 500U);
  EXPECT_NE(many->body.find("outbound_calls"), std::string::npos) << many->body;
  const auto before = there.came().size();
  ASSERT_TRUE(put_handler(id, "/run", "for (let i = 0; i < 9; i++) $func.http.get('" + there.url("/") + "' + i)"));
  auto deep = get(id, "/run");
  EXPECT_EQ(deep->status, 500U);
  EXPECT_NE(deep->body.find("outbound_rounds"), std::string::npos) << deep->body;
  EXPECT_EQ(there.came().size() - before, limits::outbound_rounds);
  expect_identical(id);
}

TEST_F(outbound, too_many_under_way_are_refused_and_leave_no_trace) {
  upstream hangs{[](const http::request&) { return says(1); }, true};
  auto id = with_handler("$func.concurrency.all(Array.from({length: 16}, (_, i) => () => $func.http.get('" + hangs.url("/") + "' + i)))");
  constexpr std::size_t fit = limits::outbound_in_flight_per_sandbox / limits::outbound_calls;
  std::vector<promised<mock::response>> answers(fit);
  for (auto& p : answers)
    ask(id, p);
  auto events = [&] { return history(id).size(); };
  const auto before = events();
  ASSERT_TRUE(eventually([&] {
    auto r = get(id, "/run");
    return !r && r.error().code == events::errc::overloaded;
  }));
  EXPECT_EQ(events(), before);
  hangs.let_go();
  for (auto& p : answers)
    EXPECT_EQ(p.get()->status, 200U);
}

TEST_F(outbound, a_later_round_that_finds_no_room_leaves_the_calls_before_it_in_the_log) {
  upstream charges{[](const http::request&) { return says(1); }};
  upstream hangs{[](const http::request&) { return says(1); }, true};
  const auto sixteen = "$func.concurrency.all(Array.from({length: 16}, (_, i) => () => $func.http.get('" + hangs.url("/") + "' + i)))";
  auto id = with_handler(sixteen);
  std::vector<promised<mock::response>> answers(limits::outbound_in_flight_per_sandbox / limits::outbound_calls);
  for (auto& p : answers)
    ask(id, p);
  const auto fifteen = "$func.concurrency.all(Array.from({length: 15}, (_, i) => () => $func.http.get('" + hangs.url("/") + "' + i)))";
  ASSERT_TRUE(put_handler(id, "/pay", "$func.http.get('" + charges.url("/") + "'); try { " + fifteen + "; $resp.body = 'none' } catch (e) { $resp.body = e.kind }", "ep_2"));
  ASSERT_TRUE(eventually([&] { return hangs.came().size() > 0; }));
  auto paid = get(id, "/pay");
  ASSERT_TRUE(paid) << paid.error().detail;
  EXPECT_EQ(paid->body, "overloaded");
  EXPECT_EQ(charges.came().size(), 1U);
  hangs.let_go();
  for (auto& p : answers)
    EXPECT_EQ(p.get()->status, 200U);
  expect_identical(id);
}

/// Little in hand.
class outbound_in_hand : public outbound {
protected:
  void configure(actors::node_options& o) override {
    outbound::configure(o);
    o.bytes_per_sandbox = 3'000'000;
  }
};

TEST_F(outbound_in_hand, an_answer_counts_as_soon_as_it_has_come) {
  upstream large{[](const http::request&) { return http::response{200, {{"Content-Type", "text/plain"}}, std::string(900'000, 'a')}; }};
  upstream hangs{[](const http::request&) { return says(1); }, true};
  const auto take = "(() => { try { return $func.http.get('" + large.url("/") + "').status } catch (e) { return e.kind } })";
  auto id = with_handler("$resp.body = $func.concurrency.all([" + take + ", () => $func.http.get('" + hangs.url("/") + "').status]);");
  ASSERT_TRUE(put_handler(id, "/probe", "$resp.body = " + take + "();", "ep_2"));
  EXPECT_EQ(get(id, "/probe")->body, "200");
  std::vector<promised<mock::response>> answers(6);
  for (auto& p : answers)
    ask(id, p);
  EXPECT_TRUE(eventually([&] { return get(id, "/probe")->body == "too_large"; }));
  hangs.let_go();
  for (auto& p : answers)
    EXPECT_EQ(p.get()->status, 200U);
  EXPECT_EQ(get(id, "/probe")->body, "200");
  expect_identical(id);
}

TEST_F(outbound, a_stop_meanwhile_is_told_and_nothing_is_written) {
  upstream hangs{[](const http::request&) { return says(1); }, true};
  auto id = with_handler("$func.mock.put('c', 'n', 1); " + calling(hangs.url()));
  promised<mock::response> p;
  ask(id, p);
  ASSERT_TRUE(hangs.wait_for(1));
  const auto before = history(id).size();
  node_->stop(std::chrono::milliseconds{50});
  auto r = p.get();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::unavailable) << r.error().detail;
  node_.reset();
  open();
  EXPECT_EQ(history(id).size(), before);
  EXPECT_TRUE(data_of(id).empty());
}

TEST_F(outbound, a_server_that_stops_waits_for_no_delay) {
  auto id = with_handler("$func.concurrency.delay(25000); $resp.body = 'on'");
  promised<mock::response> p;
  ask(id, p);
  std::this_thread::sleep_for(std::chrono::milliseconds{100});
  actors::give_late_answers(*node_);
  EXPECT_EQ(p.get()->body, "on");
  promised<mock::response> q;
  ask(id, q);
  EXPECT_EQ(q.get()->body, "on");
}

TEST_F(outbound, a_sandbox_that_is_deleted_meanwhile_says_so) {
  upstream hangs{[](const http::request&) { return says(1); }, true};
  auto id = with_handler(calling(hangs.url()));
  promised<mock::response> p;
  ask(id, p);
  ASSERT_TRUE(hangs.wait_for(1));
  ASSERT_TRUE(submit(id, mock::settings_command{mock::delete_sandbox{}}));
  hangs.let_go();
  auto r = p.get();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::not_found);
}

TEST_F(outbound, it_stays_awake_and_survives_a_crash_of_its_parts) {
  upstream hangs{[](const http::request&) { return says("whole"); }, true};
  auto id = with_handler(calling(hangs.url()));
  promised<mock::response> p;
  ask(id, p);
  ASSERT_TRUE(hangs.wait_for(1));
  ASSERT_TRUE(actors::testing::ask_to_sleep(*node_, id));
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, "data"));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts >= 1; }));
  hangs.let_go();
  auto r = p.get();
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(json::parse(r->body)["body"], R"("whole")");
  EXPECT_EQ(hangs.came().size(), 1U);
  EXPECT_EQ(node_->counters().passivated, 0U);
}

TEST_F(outbound, a_script_that_is_swapped_meanwhile_answers_and_the_call_is_recorded) {
  upstream hangs{[](const http::request& r) { return says(r.target); }, true};
  auto id = with_handler(calling(hangs.url("/old")));
  promised<mock::response> p;
  ask(id, p);
  ASSERT_TRUE(hangs.wait_for(1));
  ASSERT_TRUE(put_handler(id, "/run", "$resp.body = $func.http.get('" + hangs.url("/new") + "').json()"));
  hangs.let_go();
  auto r = p.get();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, "/new");
  const auto record = served(id).back();
  ASSERT_EQ(record.request.calls->size(), 2U) << "both were made";
  expect_identical(id);
}

TEST_F(outbound, a_delay_holds_up_nobody_else) {
  auto id = with_handler("$func.concurrency.delay(400); $resp.body = 'late'");
  ASSERT_TRUE(put_handler(id, "/quick", "$resp.body = 'quick'", "ep_2"));
  const auto begin = std::chrono::steady_clock::now();
  promised<mock::response> p;
  ask(id, p);
  EXPECT_EQ(get(id, "/quick")->body, "quick");
  EXPECT_EQ(p.get()->body, "late");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds{400});
  EXPECT_EQ(served(id).front().request.target, "/quick");
}

} // namespace
