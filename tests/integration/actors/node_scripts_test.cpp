#include "scripts_fixture.hpp"

#include "actors/testing.hpp"
#include "events/limits.hpp"

#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;
using nlohmann::json;

using scripts = with_scripts<node_test>;

TEST_F(scripts, a_handler_answers_and_its_writes_are_durable_with_its_request) {
  auto id = with_handler(counting);
  auto r = get(id, "/run");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 200U);
  EXPECT_EQ(r->body, R"({"n":1})");
  auto all = history(id);
  ASSERT_GE(all.size(), 2U);
  EXPECT_EQ(all[all.size() - 2].header.kind, kind::request_served);
  EXPECT_EQ(all.back().header.kind, kind::data_put);
  EXPECT_EQ(all.back().header.correlation, "test");
  reopen();
  EXPECT_EQ(get(id, "/run")->body, R"({"n":2})");
}

TEST_F(scripts, a_counter_that_many_clients_increment_loses_nothing) {
  auto id = with_handler(counting);
  constexpr int clients = 16, each = 50;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i)
        if (auto r = get(id, "/run"); r && r->status == 200)
          ++good;
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(good, clients * each);
  EXPECT_EQ(data_of(id)["counters"]["a"], clients * each);
  std::vector<bool> seen(clients * each + 1);
  for (const auto& s : served(id))
    seen.at(json::parse(s.response.body)["n"].get<std::size_t>()) = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), clients * each) << "each has seen another number";
}

TEST_F(scripts, each_saw_exactly_the_state_that_the_events_before_it_make) {
  auto id = with_handler(counting);
  put_hello(id);
  std::vector<promised<mock::response>> answers(60);
  std::vector<promised<actors::receipt>> changes(60);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    mock::request r;
    r.method = "GET";
    r.target = i % 3 == 0 ? "/hello" : "/run";
    node_->serve(id, std::move(r), {"mock", "t"}, answers[i].callback());
    node_->submit(id, mock::data_command{mock::put_item{"counters", "a", std::to_string(1'000 * i)}}, {"admin", "t"}, changes[i].callback());
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_TRUE(answers[i].get());
    EXPECT_TRUE(changes[i].get());
  }
  const auto all = history(id);
  std::size_t scripted = 0, plain = 0;
  json stands; // what the events so far make of the counter
  for (const auto& e : all) {
    if (e.header.kind == kind::data_put)
      stands = json::parse(e.payload)["value"];
    if (e.header.kind != kind::request_served)
      continue;
    const auto record = mock::decode_served(e.payload).value();
    auto again = run_again(id, e.header.seq);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_TRUE(again->identical) << "at " << e.header.seq;
    if (!record.script) {
      ++plain;
      continue;
    }
    ++scripted;
    EXPECT_EQ(json::parse(record.response.body)["n"], (stands.is_null() ? 0 : stands.get<int>()) + 1) << "at " << e.header.seq;
  }
  EXPECT_EQ(scripted, 40U);
  EXPECT_EQ(plain, 20U);
  EXPECT_EQ(count(all, kind::data_put), 100U) << "each change and each script has written";
}

TEST_F(scripts, what_a_script_wrote_is_gone_when_its_request_is_too_large_for_the_log) {
  auto id = with_handler_that_grows();
  ASSERT_EQ(get(id, "/run")->body, R"({"n":0})");
  expect_that_it_grows_too_large(id);
  EXPECT_EQ(data_of(id)["counters"]["a"], 1);
  EXPECT_EQ(get(id, "/run")->body, R"({"n":1})");
}

TEST_F(scripts, one_that_fails_writes_only_that_it_did) {
  auto id = with_handler("$func.mock.put('a', 'b', 1);\n$func.sbx.webhook.emit('thing', {});\nconsole.log('before');\nnothing.here;");
  auto r = get(id, "/run");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 500U);
  auto problem = json::parse(r->body);
  EXPECT_EQ(problem["line"], 4);
  EXPECT_EQ(problem["kind"], "thrown");
  EXPECT_EQ(problem["sandbox"], id.to_string());
  EXPECT_EQ(problem["endpoint"], "ep_1");
  EXPECT_EQ(problem["correlation_id"], "test");
  auto all = history(id);
  EXPECT_EQ(all.back().header.kind, kind::request_served);
  EXPECT_EQ(count(all, kind::data_put), 0U);
  EXPECT_EQ(count(all, kind::message_created), 0U);
  auto record = served(id).back();
  ASSERT_TRUE(record.script);
  EXPECT_EQ(record.script->console, (std::vector<mock::console_line>{{"log", "before"}}));
  EXPECT_EQ(record.script->error->line, 4U);
}

TEST_F(scripts, one_that_loops_is_stopped_and_others_are_answered_meanwhile) {
  auto looping = with_handler("for (;;) {}");
  auto healthy = with_handler(counting);
  // One request that loops is never answered before the healthy one's that was sent behind it: each of these would otherwise wait for it.
  std::size_t overtook = 0;
  constexpr std::size_t rounds = 10;
  for (std::size_t i = 1; i <= rounds; ++i) {
    promised<mock::response> slow;
    ask(looping, slow);
    EXPECT_EQ(get(healthy, "/run")->body, R"({"n":)" + std::to_string(i) + '}');
    auto answered = slow.promise->get_future();
    overtook += answered.wait_for(std::chrono::seconds{0}) == std::future_status::timeout ? 1 : 0;
    auto stopped = wait(std::move(answered));
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->status, 500U);
    EXPECT_EQ(json::parse(stopped->body)["kind"], "time");
  }
  EXPECT_GE(overtook, rounds - 1) << "of as many loops, which take 100 ms of processor time each";
}

TEST_F(scripts, a_script_that_does_not_compile_never_replaces_one_that_does) {
  auto id = with_handler("$resp.body = 'old'");
  auto bad = put_handler(id, "/run", "let x = 1;\nif (x {");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, events::errc::invalid);
  EXPECT_EQ(bad.error().where, "/handler/script:2:7");
  EXPECT_EQ(get(id, "/run")->body, "old");
  auto f = submit(id, mock::endpoint_command{mock::put_function{"f", "() => {"}});
  ASSERT_FALSE(f);
  EXPECT_EQ(f.error().where.substr(0, 8), "/source:");
}

TEST_F(scripts, swapping_a_script_under_load_answers_with_the_old_or_the_new) {
  auto id = with_handler("$resp.body = {version: 0}");
  constexpr int swaps = 1'000;
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&] {
      int last = 0;
      while (!stop) {
        auto r = get(id, "/run");
        ASSERT_TRUE(r) << r.error().detail;
        ASSERT_EQ(r->status, 200U) << r->body;
        const int now = json::parse(r->body)["version"];
        EXPECT_GE(now, last) << "never back to an older one";
        last = now;
        ++answered;
      }
    });
  for (int v = 1; v <= swaps; ++v)
    ASSERT_TRUE(put_handler(id, "/run", "$resp.body = {version: " + std::to_string(v) + "}"));
  stop = true;
  for (auto& c : clients)
    c.join();
  EXPECT_GT(answered, 0);
  EXPECT_EQ(get(id, "/run")->body, R"({"version":1000})");
}

TEST_F(scripts, functions_are_refreshed_for_all_handlers) {
  auto id = with_handler("$resp.body = [$func.twice(4), Object.keys($func).includes('twice')]");
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_function{"twice", "($func, a) => a * 2"}}));
  EXPECT_EQ(get(id, "/run")->body, "[8,true]");
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_function{"twice", "($func, a) => a + a + 1"}}));
  EXPECT_EQ(get(id, "/run")->body, "[9,true]");
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::remove_function{"twice"}}));
  EXPECT_EQ(get(id, "/run")->status, 500U);
  reopen();
  EXPECT_EQ(get(id, "/run")->status, 500U);
}

TEST_F(scripts, a_replay_gives_the_same_bytes) {
  auto id = with_handler("const n = ($func.mock.find('c', 'n') ?? 0) + 1; $func.mock.put('c', 'n', n);"
                         "$resp.headers['x-n'] = n; $resp.body = {n, r: Math.random(), at: new Date(), env: $func.env.get('E'), q: $req.query};");
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"E", "1"}}));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(get(id, "/run?i=" + std::to_string(i)));
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"E", "2"}}));
  ASSERT_TRUE(put_handler(id, "/run", "$resp.body = 'another'"));
  std::size_t replayed = 0;
  for (const auto& e : history(id)) {
    if (e.header.kind != kind::request_served)
      continue;
    auto again = run_again(id, e.header.seq);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_TRUE(again->identical) << (again->differences.empty() ? "" : again->differences.front());
    ++replayed;
  }
  EXPECT_EQ(replayed, 5U);
}

TEST_F(scripts, a_replay_of_one_that_was_stopped_for_time_ends_as_it_did) {
  auto id = with_handler("console.log('here'); for (;;) {}");
  ASSERT_EQ(get(id, "/run")->status, 500U);
  auto again = run_again(id, history(id).back().header.seq);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->identical);
}

TEST_F(scripts, a_crash_of_its_data_actor_answers_everybody_and_loses_nothing) {
  auto id = with_handler(counting);
  ASSERT_TRUE(get(id, "/run"));
  std::atomic<int> counted{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c)
    clients.emplace_back([&] {
      for (int i = 0; i < 20; ++i)
        if (auto r = get(id, "/run"); r && r->status == 200)
          ++counted;
    });
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    actors::testing::crash_child_of(*node_, id, "data");
  }
  for (auto& c : clients)
    c.join();
  EXPECT_EQ(get(id, "/run")->status, 200U);
  const int stands = data_of(id)["counters"]["a"];
  EXPECT_GE(stands, counted + 2) << "what was acknowledged is there";
  EXPECT_EQ(static_cast<std::size_t>(stands), served(id).size()) << "and every event with its write";
}

TEST_F(scripts, a_crash_while_a_script_runs_answers_its_caller) {
  auto id = with_handler("for (;;) {}");
  promised<mock::response> p;
  ask(id, p);
  actors::testing::crash_child_of(*node_, id, "data");
  auto a = p.get();
  EXPECT_TRUE(!a || a->status == 500U);
  EXPECT_TRUE(eventually([&] { return get(id, "/none").has_value(); }));
}

TEST_F(scripts, one_that_runs_keeps_its_sandbox_awake) {
  auto id = with_handler(counting + std::string{"let x = 0; for (let i = 0; i < 100000; i++) x += i;"});
  std::vector<promised<mock::response>> answers(20);
  for (auto& a : answers) {
    ask(id, a);
    actors::testing::ask_to_sleep(*node_, id);
  }
  for (auto& a : answers) {
    auto r = a.get();
    ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(r->status, 200U);
  }
  EXPECT_EQ(data_of(id)["counters"]["a"], 20);
}

TEST_F(scripts, stopping_the_node_answers_who_waits_for_a_script) {
  auto id = with_handler("for (;;) {}");
  std::vector<promised<mock::response>> answers(30);
  for (auto& a : answers) {
    ask(id, a);
  }
  node_->stop(std::chrono::milliseconds{0});
  for (auto& a : answers) {
    auto r = a.get();
    EXPECT_TRUE(!r || r->status == 500U);
  }
}

TEST_F(scripts, the_example_of_the_payment_runs_as_written) {
  auto id = with_handler(R"js(
const scenario = $func.sbx.scenario.resolve($req.headers['x-sandbox-scenario'], 'ok');
$func.sbx.chaos.applyFromHeader($req.headers['x-chaos']);
switch (scenario) {
  case 'insufficient_funds': $func.error(402, {}, {code: 'insufficient_funds'}); break;
  case 'rate_limit':         $func.error(429, {'retry-after': '1'}, {code: 'rate_limited'}); break;
}
$resp.status = 200;
$resp.body = $func.sbx.idempotency.remember($req.headers['idempotency-key'], () => $func.template.json('Payment_200_application_json'));
$func.sbx.webhook.emit('payment.created', $resp.body);
)js");
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_template{"Payment_200_application_json", R"({"id":{{uuid}},"amount":5})"}}));
  auto ask = [&](mock::fields headers) {
    promised<mock::response> p;
    mock::request r;
    r.method = "GET";
    r.target = "/run";
    r.headers = std::move(headers);
    node_->serve(id, std::move(r), {"mock", "t"}, p.callback());
    return p.get().value();
  };
  auto first = ask({{"Idempotency-Key", "k"}});
  EXPECT_EQ(first.status, 200U) << first.body;
  EXPECT_EQ(json::parse(first.body)["amount"], 5);
  EXPECT_EQ(ask({{"Idempotency-Key", "k"}}).body, first.body);
  EXPECT_NE(ask({}).body, first.body);
  auto poor = ask({{"X-Sandbox-Scenario", "insufficient_funds"}});
  EXPECT_EQ(poor.status, 402U);
  EXPECT_EQ(poor.body, R"({"code":"insufficient_funds"})");
  auto often = ask({{"X-Sandbox-Scenario", "rate_limit"}});
  EXPECT_EQ(often.status, 429U);
  EXPECT_EQ(*mock::find(often.headers, "retry-after"), "1");
  EXPECT_EQ(ask({{"X-Chaos", "5xx=100%"}}).status, 503U);
  EXPECT_EQ(count(history(id), kind::message_created), 3U);
}

} // namespace
