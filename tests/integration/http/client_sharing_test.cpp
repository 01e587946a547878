#include "http/server.hpp"
#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/receiver.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

TEST(client, beyond_the_connections_of_an_origin_requests_wait_their_turn) {
  std::mutex mutex;
  std::vector<std::string> order;
  std::atomic<int> connections{0};
  receiver r{[&](raw_socket c, int) {
    while (true) {
      auto text = c.message();
      if (text.empty())
        return;
      if (text.find("/0 ") != std::string::npos)
        ++connections;
      std::lock_guard lock{mutex};
      order.push_back(text.substr(6, text.find(' ', 6) - 6));
      c.say(ok);
    }
  }};
  client_options o;
  o.connections_per_origin = 1;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(begin(*c, to(local(r.port(), "/" + std::to_string(i)))));
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    auto result = wait(all[static_cast<std::size_t>(i)]);
    EXPECT_EQ(result.status, 200u) << result.detail;
    EXPECT_EQ(result.reused, i != 0);
    expected.push_back(std::to_string(i));
  }
  c.reset();
  EXPECT_EQ(order, expected);
}

/// Answers at once, but not under /hang: those it holds until the test lets them go.
class choosy_receiver {
public:
  std::uint16_t port() const { return server_->port(); }
  std::uint64_t open() const { return server_->counters().open; }
  void wait_for(std::size_t held) {
    std::unique_lock lock{mutex_};
    more_.wait(lock, [&] { return held_.size() >= held; });
  }
  std::size_t held() {
    std::lock_guard lock{mutex_};
    return held_.size();
  }
  void let_go() {
    std::lock_guard lock{mutex_};
    hangs_ = false;
    for (auto& r : held_)
      r.send({});
    held_.clear();
  }

private:
  void take(const request& r, reply to) {
    std::lock_guard lock{mutex_};
    if (!hangs_ || !r.target.starts_with("/hang"))
      return to.send({});
    held_.push_back(std::move(to));
    more_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<reply> held_;
  bool hangs_ = true;
  std::unique_ptr<server> server_ = *server::open({}, [this](auto r, reply to) { take(*r, std::move(to)); });
};

exchange from(std::string owner, exchange what) {
  what.owner = std::move(owner);
  return what;
}

TEST(client, waiting_for_a_connection_fails_nothing_and_leaves_all_of_the_time) {
  choosy_receiver r;
  client_options o;
  o.connections_per_origin = 1;
  auto c = client::open(o, loopback_allowed());
  auto slow = to(local(r.port(), "/hang"));
  slow.deadline = 2'500ms;
  auto first = begin(*c, slow);
  r.wait_for(1);
  auto e = to(local(r.port()));
  e.deadline = 2s; // less than it has to wait
  auto second = call(*c, e);
  EXPECT_EQ(second.error, transport_error::none) << second.detail;
  EXPECT_EQ(second.status, 200u);
  EXPECT_GT(second.spent.queue_us, 2'000'000);
  EXPECT_EQ(wait(first).error, transport_error::timeout);
}

TEST(client, an_owner_whose_exchanges_hang_does_not_hold_up_another_at_the_same_origin) {
  choosy_receiver r;
  client_options o;
  o.connections_per_origin = 2;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 10; ++i)
    stuck.push_back(begin(*c, from("a", to(local(r.port(), "/hang" + std::to_string(i))))));
  r.wait_for(2);
  EXPECT_EQ(call(*c, from("b", to(local(r.port(), "/ok")))).status, 200u);
  EXPECT_EQ(r.held(), 2u);
  r.let_go();
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).status, 200u);
}

TEST(client, origins_that_hang_leave_connections_to_others_of_their_owner) {
  choosy_receiver hanging[3], healthy;
  client_options o;
  o.connections = 32;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 30; ++i)
    for (auto& r : hanging)
      stuck.push_back(begin(*c, from("a", to(local(r.port(), "/hang")))));
  for (auto& r : hanging)
    r.wait_for(4);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(call(*c, from("a", to(local(healthy.port(), "/ok")))).status, 200u);
  std::size_t held = 0;
  for (auto& r : hanging) {
    held += r.held();
    EXPECT_EQ(r.held(), 4u);
  }
  EXPECT_EQ(held, 12u) << "as many of the half of 32 as leave more than any of them has, and an eighth";
  for (auto& r : hanging)
    r.let_go();
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).status, 200u) << "all have their turn";
}

TEST(client, origins_that_hang_leave_some_to_one_that_has_none_while_they_are_fewer) {
  std::vector<std::unique_ptr<choosy_receiver>> hanging;
  for (int i = 0; i < 24; ++i)
    hanging.push_back(std::make_unique<choosy_receiver>());
  choosy_receiver healthy;
  client_options o;
  o.connections = 64;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 5; ++i)
    for (auto& r : hanging)
      stuck.push_back(begin(*c, from("a", to(local(r->port(), "/hang")))));
  for (auto& r : hanging)
    r->wait_for(1);
  EXPECT_EQ(call(*c, from("a", to(local(healthy.port(), "/ok")))).status, 200u);
  const auto held = [&] {
    std::size_t all = 0;
    for (auto& r : hanging)
      all += r->held();
    return all;
  };
  for (int i = 0; i < 3'000 && held() < 28; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(call(*c, from("a", to(local(healthy.port(), "/ok")))).status, 200u);
  EXPECT_EQ(held(), 28u) << "of the half of 64 four are kept";
  for (auto& r : hanging)
    r->let_go();
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).status, 200u);
}

TEST(client, connections_in_all_are_capped_and_shared_out_among_owners) {
  choosy_receiver one, two, three;
  client_options o;
  o.connections = 8;
  auto c = client::open(o, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 30; ++i)
    for (auto* r : {&one, &two, &three})
      stuck.push_back(begin(*c, from("a", to(local(r->port(), "/hang")))));
  one.wait_for(1), two.wait_for(1), three.wait_for(1); // half of eight, of which one is kept for an origin that has none
  for (int i = 0; i < 30; ++i)
    stuck.push_back(begin(*c, from("b", to(local(one.port(), "/hang")))));
  one.wait_for(3); // b's two of the five that were left: a third would leave fewer than it has
  EXPECT_EQ(call(*c, from("c", to(local(two.port(), "/ok")))).status, 200u);
  EXPECT_EQ(call(*c, from("d", to(local(three.port(), "/ok")))).status, 200u);
  EXPECT_LE(one.open() + two.open() + three.open(), 8u);
  EXPECT_EQ(one.held() + two.held() + three.held(), 5u);
  for (auto* r : {&one, &two, &three})
    r->let_go();
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).status, 200u);
}

TEST(client, an_idle_connection_makes_room_for_one_to_another_origin) {
  choosy_receiver one, two;
  client_options o;
  o.connections = 1;
  auto c = client::open(o, loopback_allowed());
  for (int i = 0; i < 3; ++i)
    for (auto* r : {&one, &two})
      EXPECT_EQ(call(*c, to(local(r->port()))).status, 200u);
  EXPECT_TRUE(call(*c, to(local(two.port()))).reused);
}

TEST(client, thousands_that_wait_for_an_address_that_is_refused_all_get_their_answer) {
  client_options o;
  o.connections_per_origin = 1;
  auto c = client::open(o, std::make_shared<egress_guard>(std::vector<cidr>{}, std::vector<egress_guard::endpoint>{}));
  std::vector<std::future<exchange_result>> all;
  for (int i = 0; i < 5'000; ++i)
    all.push_back(begin(*c, to("http://10.0.0.1/")));
  for (auto& f : all)
    ASSERT_EQ(wait(f).error, transport_error::refused_by_guard);
}

TEST(client, a_hanging_origin_does_not_delay_another) {
  receiver hangs{[](raw_socket c, int) { c.rest(); }};
  receiver fine{[](raw_socket c, int) {
    while (!c.message().empty())
      c.say(ok);
  }};
  auto c = client::open({}, loopback_allowed());
  std::vector<std::future<exchange_result>> stuck;
  for (int i = 0; i < 100; ++i)
    stuck.push_back(begin(*c, to(local(hangs.port()))));
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(call(*c, to(local(fine.port()))).status, 200u);
  c->stop(0ms);
  for (auto& f : stuck)
    EXPECT_EQ(wait(f).error, transport_error::cancelled);
}

} // namespace
