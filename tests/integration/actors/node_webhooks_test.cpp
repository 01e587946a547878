#include "node_fixture.hpp"

#include "webhook/facts.hpp"
#include "webhook/signing.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
using events::kind;

TEST_F(node_test, a_message_is_delivered_signed_and_its_attempt_is_in_the_log) {
  auto id = create();
  receiver shop{receiver::always(ok())};
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

TEST_F(node_test, what_a_message_brings_goes_with_every_attempt_after_a_restart_and_a_recovery_too) {
  auto id = create();
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : http::response{500, {}, ""}; }};
  webhook::create_destination c;
  c.value.url = shop.url();
  c.value.schedule = std::vector<events::duration>{std::chrono::milliseconds{200}};
  c.value.headers = {{"X-Tenant", "of the endpoint", false}};
  auto dest = nlohmann::json::parse(submit(id, webhook::command{c})->reply)["id"].get<std::string>();
  webhook::create_message m;
  m.event_type = "picture.taken";
  m.raw = true;
  m.payload = std::string("\x89PNG\x00\xff", 6);
  m.content_type = "image/png";
  m.headers = {{"X-Tenant", "of the message", false}, {"X-Api-Key", "s3cret-key", false}};
  ASSERT_TRUE(submit(id, webhook::command{m}));
  ASSERT_TRUE(shop.wait_for(1));
  reopen();
  ASSERT_TRUE(shop.wait_for(2));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 2; }));
  works = true;
  ASSERT_TRUE(submit(id, webhook::command{webhook::start_recovery{dest, events::virtual_time{0}, std::nullopt, webhook::recovery_scope::failed, {}}}));
  ASSERT_TRUE(shop.wait_for(3));
  for (const auto& got : shop.came()) {
    EXPECT_EQ(got.body, m.payload);
    EXPECT_EQ(http::find(got.headers, "content-type"), "image/png");
    EXPECT_EQ(http::find(got.headers, "x-tenant"), "of the message");
    EXPECT_EQ(http::find(got.headers, "x-api-key"), "s3cret-key");
  }
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 3; }));
  for (const auto& e : history(id))
    EXPECT_EQ(e.payload.find("s3cret-key"), std::string::npos) << events::to_string(e.header.kind);
}

/// A destination that is tried once, whose receiver fails until it works: all that is emitted before is a dead letter.
class node_with_letters : public node_test {
protected:
  void SetUp() override {
    node_test::SetUp();
    id = create();
    webhook::create_destination c;
    c.value.url = shop.url();
    c.value.schedule.emplace();
    dest = nlohmann::json::parse(submit(id, webhook::command{c})->reply)["id"].get<std::string>();
  }
  std::size_t dead() { return outbox(id)["endpoints"].at(0)["stats"]["dead"].get<std::size_t>(); }

  std::atomic<bool> works{false};
  receiver shop{[this](std::size_t, const http::request&) { return works ? ok() : http::response{500, {}, ""}; }};
  events::sandbox_id id;
  std::string dest;
};

TEST_F(node_with_letters, a_recovery_keeps_to_its_rate_over_a_restart_too) {
  constexpr std::size_t letters = 40, rate = 40;
  for (std::size_t i = 0; i < letters; ++i)
    ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == letters; }));
  works = true;
  webhook::start_recovery all;
  all.destination = dest;
  all.rate = rate;
  ASSERT_TRUE(submit(id, webhook::command{all}));
  ASSERT_TRUE(shop.wait_for(letters + 10));
  reopen();
  ASSERT_TRUE(shop.wait_for(2 * letters));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::recovery_finished) == 1; }));
  // Each has its own moment, and none goes before it: a busy machine may be late, and never early.
  std::map<std::string, std::int64_t> moments;
  std::set<std::int64_t> in_order;
  for (const auto& e : history(id)) {
    auto f = webhook::decode(e);
    if (!f)
      continue;
    if (const auto* page = std::get_if<webhook::recovery_progressed>(&*f))
      for (const auto& item : page->items)
        in_order.insert(moments[item.message.id] = item.deliver_at.value().us);
    if (const auto* a = std::get_if<webhook::attempt_finished>(&*f); a && a->why == webhook::trigger::recovery) {
      EXPECT_GE(e.header.virtual_.us, moments.at(a->message.id));
    }
  }
  EXPECT_EQ(moments.size(), letters);
  ASSERT_EQ(in_order.size(), letters);
  for (auto at = std::next(in_order.begin()); at != in_order.end(); ++at)
    EXPECT_GE(*at - *std::prev(at), 1'000'000 / static_cast<std::int64_t>(rate));
}

/// Who asks for the resend has read the log before the letter was removed.
TEST_F(node_with_letters, a_resend_of_a_letter_that_was_removed_meanwhile_takes_no_other_off_the_count) {
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(emit(id));
  ASSERT_TRUE(eventually([&] { return dead() == 2U; }));
  webhook::message_ref letter;
  for (const auto& e : history(id))
    if (auto f = webhook::decode(e); f && std::holds_alternative<webhook::attempt_finished>(*f))
      letter = std::get<webhook::attempt_finished>(*f).message;
  const auto head = history(id).back().header.seq;
  ASSERT_TRUE(submit(id, webhook::command{webhook::remove_letter{letter, dest, head}}));
  EXPECT_EQ(dead(), 1U);
  works = true;
  ASSERT_TRUE(submit(id, webhook::command{webhook::resend{letter, dest, 1, true, false}}));
  ASSERT_TRUE(shop.wait_for(3));
  ASSERT_TRUE(eventually([&] { return count(history(id), kind::attempt_finished) == 3; }));
  EXPECT_EQ(dead(), 1U) << "the other one";
}

/// A page's last answer comes about when the next page is due: neither of the two looks at the clock may take the other's for done.
TEST_F(node_with_letters, a_recovery_with_a_rate_comes_to_its_end_though_nothing_else_happens) {
  constexpr std::size_t letters = 2'000;
  webhook::create_message m;
  m.event_type = "thing.happened";
  m.payload = "{}";
  for (std::size_t i = 1; i <= letters; ++i) {
    if (i % 100 == 0)
      ASSERT_TRUE(submit(id, webhook::command{m}));
    else
      node_->submit(id, webhook::command{m}, {"admin", "test"}, [](const auto&) {});
  }
  ASSERT_TRUE(eventually([&] { return dead() == letters; }));
  works = true;
  webhook::start_recovery all;
  all.destination = dest;
  all.rate = 1'000;
  ASSERT_TRUE(submit(id, webhook::command{all}));
  ASSERT_TRUE(shop.wait_for(2 * letters));
  EXPECT_TRUE(eventually([&] { return dead() == 0; }));
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

// -- recoveries of one destination, and room for them --------------------------------------------

TEST_F(node_test, recoveries_of_one_destination_go_one_after_the_other_and_send_nothing_twice) {
  std::atomic<bool> works{false};
  receiver shop{[&](std::size_t, const http::request&) { return works ? ok() : no(); }};
  auto id = create();
  webhook::create_destination c;
  c.value.url = shop.url();
  c.value.schedule.emplace();
  c.value.protection = webhook::protection_policy::compile(nlohmann::json::parse(R"({"disable":{"failures":1,"after":0,"probe":60}})")).value();
  auto made = submit(id, webhook::command{c});
  ASSERT_TRUE(made);
  const auto dest = nlohmann::json::parse(made->reply)["id"].get<std::string>();
  for (int i = 0; i < 250; ++i)
    ASSERT_TRUE(emit(id, R"({"n":)" + std::to_string(i) + "}"));
  ASSERT_TRUE(eventually([&] { return count(history(id), events::kind::destination_disabled) == 1; }));
  works = true;
  webhook::patch_destination enable;
  enable.id = dest;
  enable.disabled = false; // starts one for what was missed
  ASSERT_TRUE(submit(id, webhook::command{enable}));
  ASSERT_TRUE(submit(id, webhook::command{webhook::start_recovery{dest, {0}, std::nullopt, webhook::recovery_scope::missing, {}}}));
  ASSERT_TRUE(eventually([&] { return count(history(id), events::kind::recovery_finished) == 2; }));
  ASSERT_TRUE(eventually([&] { return outbox(id)["pendingDeliveries"] == 0; }));
  std::map<std::string, int> delivered;
  for (const auto& r : history(id))
    if (r.header.kind == events::kind::attempt_finished)
      if (auto a = std::get<webhook::attempt_finished>(*webhook::decode(r)); a.follows == webhook::outcome_kind::delivered)
        ++delivered[a.message.id];
  std::size_t stored = 0;
  for (const auto& r : history(id))
    stored += r.header.kind == events::kind::message_created && std::get<webhook::message_created>(*webhook::decode(r)).destinations.empty() ? 1 : 0;
  EXPECT_GT(stored, 100U) << "more than one page";
  EXPECT_GE(delivered.size(), stored);
  for (const auto& [message, times] : delivered)
    EXPECT_EQ(times, 1) << message;
}

TEST_F(node_test, a_recovery_waits_while_too_much_waits_for_its_destination_and_goes_on_by_itself) {
  gate answer;
  receiver shop{receiver::held_back(answer, ok(), 1)};
  auto id = create();
  webhook::create_destination c;
  c.value.url = shop.url();
  auto made = submit(id, webhook::command{c});
  ASSERT_TRUE(made);
  const auto dest = nlohmann::json::parse(made->reply)["id"].get<std::string>();
  auto switch_off = [&](bool off) {
    webhook::patch_destination p;
    p.id = dest;
    p.disabled = off;
    ASSERT_TRUE(submit(id, webhook::command{p}));
  };
  switch_off(true);
  ASSERT_TRUE(emit(id, R"({"stored":true})"));
  switch_off(false);
  std::vector<promised<actors::receipt>> all(5'010);
  webhook::create_message m;
  m.event_type = "thing.happened";
  m.payload = "{}";
  for (auto& a : all)
    node_->submit(id, webhook::command{m}, {"admin", "test"}, a.callback());
  for (auto& a : all)
    ASSERT_TRUE(a.get());
  ASSERT_TRUE(submit(id, webhook::command{webhook::start_recovery{dest, {0}, std::nullopt, webhook::recovery_scope::missing, {}}}));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(count(history(id), events::kind::recovery_progressed), 0U) << "no room";
  answer.open();
  // Reads on from where it was: some ten thousand events over and over take minutes under a sanitizer.
  events::seq seen = 0;
  EXPECT_TRUE(eventually([&] {
    const auto some = node_->store().read(id, seen + 1);
    if (!some || some->empty())
      return false;
    seen = some->back().header.seq;
    return count(*some, events::kind::recovery_finished) == 1;
  })) << "without a visitor";
  EXPECT_TRUE(eventually([&] {
    const auto came = shop.came();
    return std::any_of(came.begin(), came.end(), [](const auto& r) { return r.body == R"({"stored":true})"; });
  }));
}

} // namespace
