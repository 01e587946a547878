#include "node_fixture.hpp"

#include "actors/testing.hpp"
#include "events/limits.hpp"
#include "replay/request.hpp"
#include "replay/snapshot.hpp"
#include "webhook/signing.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

using namespace hourglass;
using test::node_test;
using test::receiver;
using events::kind;

http::response ok() { return {200, {}, ""}; }

// -- requests ---------------------------------------------------------------------------

TEST_F(node_test, an_answer_leaves_only_after_its_event_is_in_the_log) {
  auto id = create();
  put_hello(id);
  auto r = get(id, "/hello");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 200U);
  EXPECT_EQ(nlohmann::json::parse(r->body), (nlohmann::json{{"hello", "world"}}));
  EXPECT_EQ(count(history(id), kind::request_served), 1U);
}

TEST_F(node_test, an_unknown_sandbox_is_not_found_and_leaves_nothing_in_memory) {
  auto r = get(events::make_sandbox_id(1, events::draw_entropy()), "/hello");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::not_found);
  EXPECT_EQ(node_->counters().live, 0U);
}

TEST_F(node_test, everything_is_back_after_a_restart) {
  auto id = create(R"({"uid":"shop","name":"Shop"})");
  put_hello(id);
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}}));
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"REGION", "eu"}}));
  ASSERT_TRUE(get(id, "/hello"));
  auto before = history(id);
  reopen();
  auto found = node_->resolve("shop");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, id);
  EXPECT_TRUE(get(id, "/hello"));
  auto after = history(id);
  ASSERT_EQ(after.size(), before.size() + 1);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(after[i].link, before[i].link);
  auto data = look<mock::data_state>(
    id, [](const mock::data_state& s, events::virtual_time) -> events::outcome<std::string> { return mock::to_json(s); });
  ASSERT_TRUE(data);
  EXPECT_EQ((*data)["data"]["pets"]["1"]["name"], "Rex");
  EXPECT_EQ((*data)["env"]["REGION"], "eu");
}

TEST_F(node_test, many_clients_of_many_sandboxes_leave_gapless_chains) {
  std::vector<events::sandbox_id> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(create());
    put_hello(ids.back());
  }
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c)
    clients.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i)
        if (auto r = get(ids[static_cast<std::size_t>(c + i) % ids.size()], "/hello"); r && r->status == 200)
          ++good;
    });
  for (auto& c : clients)
    c.join();
  EXPECT_EQ(good, 400);
  std::size_t served = 0;
  for (const auto& id : ids)
    served += count(history(id), kind::request_served);
  EXPECT_EQ(served, 400U);
}

TEST_F(node_test, a_deleted_sandbox_is_gone_with_its_names) {
  auto id = create(R"({"uid":"shop"})");
  ASSERT_TRUE(submit(id, mock::settings_command{mock::delete_sandbox{}}));
  EXPECT_FALSE(node_->resolve("shop"));
  auto r = get(id, "/hello");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::not_found);
  EXPECT_NE(create(R"({"uid":"shop"})"), id);
}

TEST_F(node_test, a_uid_belongs_to_one_sandbox) {
  create(R"({"uid":"shop"})");
  promised<actors::receipt> p;
  node_->create(R"({"uid":"shop"})", {"admin", ""}, p.callback());
  auto second = p.get();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, events::errc::conflict);
}

TEST_F(node_test, the_client_secret_opens_its_sandbox) {
  promised<actors::receipt> p;
  node_->create("{}", {"admin", ""}, p.callback());
  auto r = p.get();
  ASSERT_TRUE(r);
  auto j = nlohmann::json::parse(r->reply);
  auto who = node_->authenticate(j["client_secret"].get<std::string>());
  ASSERT_TRUE(who);
  EXPECT_EQ(who->to_string(), j["id"].get<std::string>());
  EXPECT_FALSE(node_->authenticate("hgs_wrong"));
  // Shown once and stored nowhere.
  for (const auto& e : history(*who))
    EXPECT_EQ(e.payload.find(j["client_secret"].get<std::string>()), std::string::npos);
}

// -- supervision --------------------------------------------------------------------------

class crashing_child : public node_test, public ::testing::WithParamInterface<const char*> {};

TEST_P(crashing_child, is_rebuilt_from_the_log) {
  auto id = create();
  put_hello(id);
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}}));
  receiver shop{[](std::size_t, const http::request&) { return ok(); }};
  add_destination(id, shop.url());
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, GetParam()));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == 1; }));
  auto r = get(id, "/hello");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 200U);
  ASSERT_TRUE(emit(id));
  EXPECT_TRUE(shop.wait_for(1));
  auto data = look<mock::data_state>(
    id, [](const mock::data_state& s, events::virtual_time) -> events::outcome<std::string> { return mock::to_json(s); });
  ASSERT_TRUE(data);
  EXPECT_EQ((*data)["data"]["pets"]["1"]["name"], "Rex");
  EXPECT_EQ(clock_mode(id), "running");
}

INSTANTIATE_TEST_SUITE_P(each, crashing_child, ::testing::Values("endpoint", "data", "clock", "outbox"),
                         [](const auto& i) { return std::string{i.param}; });

TEST_F(node_test, a_child_that_crashes_again_and_again_degrades_its_sandbox_alone) {
  auto sick = create();
  auto well = create();
  put_hello(sick);
  put_hello(well);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    ASSERT_TRUE(actors::testing::crash_child_of(*node_, sick, "data"));
    ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == i; }));
    if (i < 6) {
      ASSERT_TRUE(get(sick, "/hello"));
    }
  }
  auto r = get(sick, "/hello");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::unavailable);
  EXPECT_TRUE(get(well, "/hello"));
  EXPECT_EQ(node_->counters().degraded, 1U);
}

TEST_F(node_test, an_idle_sandbox_leaves_memory_and_wakes_on_a_request) {
  auto id = create();
  put_hello(id);
  ASSERT_TRUE(eventually([&] {
    actors::testing::ask_to_sleep(*node_, id);
    return node_->counters().live == 0;
  }));
  auto r = get(id, "/hello");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 200U);
  EXPECT_EQ(node_->counters().woken, 2U);
}

TEST_F(node_test, requests_while_a_sandbox_falls_asleep_are_all_answered) {
  auto id = create();
  put_hello(id);
  std::atomic<bool> stop{false};
  std::thread sandman{[&] {
    while (!stop) {
      actors::testing::ask_to_sleep(*node_, id);
      std::this_thread::yield();
    }
  }};
  std::vector<std::thread> clients;
  std::atomic<int> bad{0};
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        if (auto r = get(id, "/hello"); !r || r->status != 200)
          ++bad;
    });
  for (auto& c : clients)
    c.join();
  stop = true;
  sandman.join();
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(count(history(id), kind::request_served), 400U);
}

// -- webhooks -------------------------------------------------------------------------------

TEST_F(node_test, a_message_is_delivered_signed_and_its_attempt_is_in_the_log) {
  auto id = create();
  receiver shop{[](std::size_t, const http::request&) { return ok(); }};
  webhook::create_destination c;
  c.value.url = shop.url();
  auto key = webhook::signing_key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  c.value.secrets.push_back({*key, {}, std::nullopt});
  ASSERT_TRUE(submit(id, webhook::command{c}));
  auto sent = emit(id, R"({"pet":  "Rex"})");
  ASSERT_TRUE(sent);
  ASSERT_TRUE(shop.wait_for(1));
  auto got = shop.came().front();
  EXPECT_EQ(got.body, R"({"pet":  "Rex"})"); // byte for byte
  EXPECT_EQ(std::string{http::find(got.headers, "webhook-id")}, nlohmann::json::parse(sent->reply)["id"].get<std::string>());
  auto now = std::stoll(std::string{http::find(got.headers, "webhook-timestamp")});
  EXPECT_EQ(webhook::verify(*key, http::find(got.headers, "webhook-id"), http::find(got.headers, "webhook-timestamp"),
                            http::find(got.headers, "webhook-signature"), got.body, now),
            webhook::verdict::ok);
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
}

TEST_F(node_test, advancing_the_clock_runs_the_whole_schedule_to_the_dead_letter) {
  auto id = create();
  receiver broken{[](std::size_t, const http::request&) { return http::response{500, {}, "no"}; }};
  auto dest = add_destination(id, broken.url());
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{48}}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  auto all = history(id);
  EXPECT_EQ(broken.came().size(), 8U);
  EXPECT_EQ(count(all, kind::attempt_finished), 8U);
  // In virtual time the gaps are the schedule's, within its jitter of a fifth.
  std::vector<std::int64_t> at;
  for (const auto& r : all)
    if (r.header.kind == kind::attempt_finished)
      at.push_back(r.header.virtual_.us / 1'000'000);
  auto schedule = webhook::default_schedule();
  for (std::size_t i = 1; i < at.size(); ++i) {
    auto wanted = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(schedule[i - 1]).count());
    EXPECT_NEAR(static_cast<double>(at[i] - at[i - 1]), wanted, wanted * 0.2 + 2);
  }
  EXPECT_EQ(all.back().header.kind, kind::clock_advance_finished);
  // Every attempt is the same message.
  for (const auto& r : broken.came())
    EXPECT_EQ(http::find(r.headers, "webhook-id"), http::find(broken.came().front().headers, "webhook-id"));
}

TEST_F(node_test, an_advance_that_waits_for_a_receiver_that_hangs_can_be_cancelled) {
  auto id = create();
  std::promise<void> go;
  auto gate = go.get_future().share();
  receiver slow{[&](std::size_t, const http::request&) {
    gate.wait();
    return ok();
  }};
  add_destination(id, slow.url());
  EXPECT_FALSE(submit(id, mock::clock_command{mock::cancel_advance{}})) << "there is none";
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 1; }));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{48}}}}));
  EXPECT_EQ(clock_mode(id), "advancing");
  EXPECT_TRUE(submit(id, mock::clock_command{mock::cancel_advance{}}));
  EXPECT_EQ(clock_mode(id), "running");
  auto all = history(id);
  EXPECT_EQ(all.back().header.kind, kind::clock_advance_finished);
  auto state = replay::load(node_->store(), id);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->clock.mode, mock::clock_mode::running);
  EXPECT_LT(mock::now(state->clock, all.back().header.wall).us - all.back().header.wall.us, std::int64_t{3'600'000'000}) << "it stays where it was";
  go.set_value();
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
}

TEST_F(node_test, a_reset_of_the_clock_brings_along_what_waits) {
  auto id = create();
  receiver broken{[](std::size_t, const http::request&) { return http::response{500, {}, "no"}; }};
  webhook::create_destination c;
  c.value.url = broken.url();
  c.value.schedule = std::vector<events::duration>{std::chrono::hours{1}};
  ASSERT_TRUE(submit(id, webhook::command{c}));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{24 * 700}}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::reset_clock{}}));
  auto all = history(id);
  EXPECT_EQ(count(all, kind::deliveries_moved), 1U);
  auto state = replay::load(node_->store(), id);
  ASSERT_TRUE(state);
  auto due = webhook::next_due(state->outbox);
  ASSERT_TRUE(due);
  auto left = due->us - all.back().header.wall.us;
  EXPECT_GT(left, 0);
  EXPECT_LT(left, std::int64_t{2} * 3'600 * 1'000'000) << "an hour with its jitter, and not two years";
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{2}}}}));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 2; })) << "the live outbox knows it as well";
}

TEST_F(node_test, a_dead_letter_is_delivered_by_a_recovery_once_the_receiver_works) {
  auto id = create();
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : http::response{503, {}, ""}; }};
  auto dest = add_destination(id, shop.url());
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(emit(id, R"({"n":)" + std::to_string(i) + "}"));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 3; }));
  ASSERT_TRUE(submit(id, mock::clock_command{mock::advance_clock{events::duration{std::chrono::hours{72}}}}));
  ASSERT_TRUE(eventually([&] { return clock_mode(id) == "running"; }));
  ASSERT_EQ(shop.came().size(), 24U);
  works = true;
  ASSERT_TRUE(submit(id, webhook::command{webhook::start_recovery{dest, events::virtual_time{0}, std::nullopt, webhook::recovery_scope::failed, {}}}));
  ASSERT_TRUE(shop.wait_for(27));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::recovery_finished) == 1 && count(history(id), kind::attempt_finished) == 27; }));
}

TEST_F(node_test, what_was_pending_at_a_restart_is_delivered_without_a_visitor) {
  auto id = create();
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : http::response{500, {}, ""}; }};
  webhook::create_destination c;
  c.value.url = shop.url();
  c.value.schedule = std::vector<events::duration>{std::chrono::milliseconds{200}, std::chrono::milliseconds{200}};
  ASSERT_TRUE(submit(id, webhook::command{c}));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) >= 1; }));
  works = true;
  reopen();
  EXPECT_TRUE(shop.wait_for(2));
  EXPECT_TRUE(eventually([&] {
    auto all = history(id);
    return all.back().header.kind == kind::attempt_finished && outbox(id).dump().find("\"pending\":[{") == std::string::npos;
  }));
}

TEST_F(node_test, an_attempt_whose_outbox_crashed_is_made_again_and_counted_once) {
  auto id = create();
  std::promise<void> go;
  auto gate = go.get_future().share();
  receiver slow{[&](std::size_t n, const http::request&) {
    if (n == 1)
      gate.wait();
    return ok();
  }};
  add_destination(id, slow.url());
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 1; }));
  ASSERT_TRUE(actors::testing::crash_child_of(*node_, id, "outbox"));
  ASSERT_TRUE(eventually([&] { return node_->counters().child_restarts == 1 && node_->counters().attempts == 2; }));
  go.set_value();
  ASSERT_TRUE(slow.wait_for(2));
  EXPECT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 0; }));
  EXPECT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  auto came = slow.came();
  EXPECT_EQ(http::find(came[0].headers, "webhook-id"), http::find(came[1].headers, "webhook-id"));
}

// -- the past -----------------------------------------------------------------------------------

TEST_F(node_test, the_state_at_any_moment_is_what_it_was) {
  auto id = create();
  auto one = submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}});
  auto two = submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Max"})"}});
  ASSERT_TRUE(one && two);
  auto then = replay::load(node_->store(), id, one->last);
  auto now = replay::load(node_->store(), id);
  ASSERT_TRUE(then && now);
  EXPECT_EQ(*then->data.find("pets", "1"), R"({"name":"Rex"})");
  EXPECT_EQ(*now->data.find("pets", "1"), R"({"name":"Max"})");
  EXPECT_FALSE(replay::load(node_->store(), id, events::seq{999}));
}

TEST_F(node_test, a_replayed_request_gives_the_same_bytes_though_the_data_has_changed) {
  auto id = create();
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}}));
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{
    R"({"method":"GET","path":"/pets/{id}","response":{"template":true,"body":"{\"pet\": {{data.pets.1.name}}, \"id\": {{uuid}}, \"at\": {{now}}}"}})", ""}}));
  auto first = get(id, "/pets/1");
  ASSERT_TRUE(first) << first.error().detail;
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Max"})"}}));
  auto all = history(id);
  events::seq seq = 0;
  for (const auto& r : all)
    if (r.header.kind == kind::request_served)
      seq = r.header.seq;
  auto again = replay::replay_request(node_->store(), node_->redactor(), id, seq);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_TRUE(again->identical) << replay::to_json(*again);
  EXPECT_NE(again->again.body.find("Rex"), std::string::npos);
  EXPECT_EQ(history(id).size(), all.size());
}

TEST_F(node_test, a_request_with_a_body_too_long_for_the_log_is_answered_and_its_replay_says_what_it_cannot) {
  auto id = create();
  promised<mock::response> answer;
  mock::request r;
  r.method = "POST";
  r.target = "/anything";
  r.body.assign(8 * limits::mebi, '\n');
  node_->serve(id, std::move(r), {"mock", "test"}, answer.callback());
  promised<actors::receipt> behind;
  node_->submit(id, mock::data_command{mock::put_item{"pets", "1", "1"}}, {"admin", "test"}, behind.callback());
  auto a = answer.get();
  ASSERT_TRUE(a) << a.error().detail;
  EXPECT_EQ(a->status, 404U);
  auto b = behind.get();
  EXPECT_TRUE(b) << b.error().detail;
  const auto all = history(id);
  EXPECT_EQ(count(all, kind::request_served), 1U);
  for (const auto& e : all) {
    if (e.header.kind != kind::request_served)
      continue;
    auto again = replay::replay_request(node_->store(), node_->redactor(), id, e.header.seq);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_FALSE(again->identical);
    ASSERT_FALSE(again->differences.empty());
    EXPECT_NE(again->differences[0].find("of its 8388608 bytes only the first"), std::string::npos) << again->differences[0];
    EXPECT_NE(replay::to_json(*again).find(R"("body_truncated":true,"body_bytes":8388608)"), std::string::npos);
  }
}

TEST_F(node_test, an_answer_of_which_only_the_front_is_recorded_is_compared_by_its_digest) {
  auto id = create();
  std::string text;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"E" + std::to_string(i), std::string(900'000, '\t')}}));
    text += "{{env.E" + std::to_string(i) + "}}";
  }
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{
    R"({"method":"GET","path":"/tabs","response":{"template":true,"headers":{"Content-Type":"text/plain"},"body":")" + text + R"("}})", ""}}));
  auto first = get(id, "/tabs");
  ASSERT_TRUE(first) << first.error().detail;
  ASSERT_EQ(first->body.size(), 3'600'000U);
  auto again = replay::replay_request(node_->store(), node_->redactor(), id, history(id).size());
  ASSERT_TRUE(again) << again.error().detail;
  ASSERT_TRUE(again->response_cut);
  EXPECT_LT(again->recorded.body.size(), again->again.body.size());
  EXPECT_TRUE(again->identical) << again->differences.at(0);
}

TEST_F(node_test, what_is_too_large_for_the_log_is_refused_alone) {
  auto id = create();
  std::string headers;
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"E" + std::to_string(i), std::string(900'000, 'x')}}));
  for (int i = 0; i < 6; ++i)
    headers += (i == 0 ? "" : ",") + ("\"X-" + std::to_string(i)) + R"(":"{{env.E0}}{{env.E1}}{{env.E2}}{{env.E3}}")";
  ASSERT_TRUE(submit(id, mock::endpoint_command{mock::put_endpoint{R"({"method":"GET","path":"/big","response":{"template":true,"headers":{)" + headers + "}}}", ""}}));
  put_hello(id);

  promised<mock::response> big, small;
  promised<actors::receipt> put, message;
  mock::request r;
  r.method = "GET";
  r.target = "/big";
  node_->serve(id, r, {"mock", "test"}, big.callback());
  node_->submit(id, mock::data_command{mock::put_item{"pets", "1", "1"}}, {"admin", "test"}, put.callback());
  webhook::create_message m;
  m.event_type = "thing.happened";
  m.payload = "{}";
  node_->submit(id, webhook::command{m}, {"admin", "test"}, message.callback());
  r.target = "/hello";
  node_->serve(id, r, {"mock", "test"}, small.callback());

  auto refused = big.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::too_large) << refused.error().detail;
  EXPECT_TRUE(put.get());
  EXPECT_TRUE(message.get());
  EXPECT_TRUE(small.get());
  EXPECT_EQ(node_->journal().counters().rejected, 0U);
  EXPECT_EQ(count(history(id), kind::request_served), 1U);
}

TEST_F(node_test, a_part_that_proposed_what_is_too_large_is_read_back_from_the_log) {
  auto id = create();
  put_hello(id);
  ASSERT_TRUE(emit(id));
  webhook::put_event_type wrong;
  wrong.value.name = "much.too.large";
  wrong.value.description.assign(17 * limits::mebi, 'x');
  auto refused = submit(id, webhook::command{wrong});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::too_large) << refused.error().detail;
  EXPECT_TRUE(emit(id));
  EXPECT_TRUE(get(id, "/hello"));
  EXPECT_EQ(outbox(id).dump().find("much.too.large"), std::string::npos);
}

TEST_F(node_test, a_state_from_a_snapshot_is_the_state_from_the_whole_stream) {
  auto id = create();
  put_hello(id);
  receiver shop{[](std::size_t, const http::request&) { return http::response{500, {}, ""}; }};
  add_destination(id, shop.url());
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 1; }));
  auto folded = replay::load(node_->store(), id);
  ASSERT_TRUE(replay::take_snapshot(node_->store(), id, 1));
  auto snapshot = node_->store().latest_snapshot(id, replay::now_seq);
  ASSERT_TRUE(snapshot && *snapshot);
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"A", "1"}}));
  auto restored = replay::load(node_->store(), id);
  ASSERT_TRUE(folded && restored);
  EXPECT_EQ(webhook::snapshot(folded->outbox), webhook::snapshot(restored->outbox));
  EXPECT_EQ(mock::snapshot(folded->endpoints), mock::snapshot(restored->endpoints));
  EXPECT_EQ(restored->head.seq, folded->head.seq + 1);
}

// -- connections ------------------------------------------------------------------------

class node_with_few_connections : public node_test {
protected:
  void configure(actors::node_options& o) override { o.client.connections_per_origin = 1; }
};

TEST_F(node_with_few_connections, a_sandbox_whose_receiver_hangs_does_not_hold_up_another_at_the_same_origin) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<http::reply> hanging;
  std::size_t arrived = 0;
  auto origin = http::server::open({}, [&](std::shared_ptr<const http::request> r, http::reply to) {
    std::lock_guard lock{mutex};
    if (r->target == "/hang")
      hanging.push_back(std::move(to));
    else
      ++arrived, to.send({});
    changed.notify_all();
  });
  ASSERT_TRUE(origin) << origin.error();
  const auto url = "http://127.0.0.1:" + std::to_string((*origin)->port());
  auto wait_until = [&](auto&& good) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{60}, good);
  };
  auto a = create(), b = create();
  add_destination(a, url + "/hang");
  add_destination(b, url + "/ok");
  ASSERT_TRUE(emit(a));
  ASSERT_TRUE(emit(a));
  ASSERT_TRUE(wait_until([&] { return hanging.size() == 1; }));
  ASSERT_TRUE(emit(b));
  ASSERT_TRUE(wait_until([&] { return arrived == 1; }));
  EXPECT_EQ(count(history(a), kind::attempt_finished), 0U) << "it was not waited for";
  node_->stop(std::chrono::milliseconds{0});
}

} // namespace
