#include "node_fixture.hpp"

#include "webhook/batching_policy.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <set>

// Many destinations and large messages: what is handed out of their bodies is bounded, and all arrives.

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;

constexpr std::size_t body_bytes = 16 * limits::kibi;
constexpr std::size_t most_bytes = 5 * body_bytes;

/// Keeps every request waiting until the test answers it, and counts the bodies that are waiting, each once.
class patient_receiver {
public:
  explicit patient_receiver(std::size_t expected = body_bytes) : expected_(expected) {}

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server_->port()) + path; }

  /// Answers the request that has waited longest, but for those of `but`; false: none comes.
  bool answer_one(const std::string& but = "") {
    std::unique_lock lock{mutex_};
    auto next = waiting_.end();
    const auto found = [&] {
      next = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.path != but; });
      return next != waiting_.end();
    };
    if (!came_.wait_for(lock, 30s, found))
      return false;
    auto to = std::move(next->to);
    if (auto held = holders_.find(next->message); --held->second == 0)
      holders_.erase(held);
    waiting_.erase(next);
    lock.unlock();
    to.send({200, {}, ""}); // counted out before: the next may come at once
    return true;
  }
  std::size_t most_bodies() {
    std::lock_guard lock{mutex_};
    return most_;
  }
  std::map<std::string, std::multiset<std::string>> arrived() {
    std::lock_guard lock{mutex_};
    return arrived_;
  }

private:
  struct request {
    std::string path, message;
    http::reply to;
  };

  void take(const http::request& r, http::reply to) {
    std::lock_guard lock{mutex_};
    std::string message{http::find(r.headers, "webhook-id")};
    if (expected_ != 0)
      EXPECT_EQ(r.body.size(), expected_);
    else
      EXPECT_GT(r.body.size(), body_bytes);
    arrived_[r.target].insert(message);
    ++holders_[message];
    most_ = std::max(most_, holders_.size());
    waiting_.push_back({r.target, message, std::move(to)});
    came_.notify_all();
  }

  const std::size_t expected_; ///< of each body; 0: more than `body_bytes`
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<request> waiting_;
  std::map<std::string, std::size_t> holders_; ///< by message
  std::size_t most_ = 0;
  std::map<std::string, std::multiset<std::string>> arrived_;
  std::unique_ptr<http::server> server_ = *http::server::open({.threads = 1}, [this](auto r, http::reply to) { take(*r, std::move(to)); });
};

class node_with_few_bytes : public node_test {
protected:
  void configure(actors::node_options& o) override { o.bytes_under_way_per_sandbox = most_bytes; }
  static std::string body() { return R"({"x":")" + std::string(body_bytes - 8, 'x') + "\"}"; }
};

TEST_F(node_with_few_bytes, many_destinations_of_large_messages_get_all_of_them_within_the_bytes_that_may_be_under_way) {
  patient_receiver shops;
  auto id = create();
  constexpr std::size_t destinations = 30, messages = 20;
  for (std::size_t i = 0; i < destinations; ++i)
    add_destination(id, shops.url("/" + std::to_string(i)));
  std::multiset<std::string> sent;
  for (std::size_t i = 0; i < messages; ++i) {
    auto r = emit(id, body());
    ASSERT_TRUE(r) << r.error().detail;
    sent.insert(nlohmann::json::parse(r->reply)["id"].get<std::string>());
  }
  for (std::size_t i = 0; i < destinations * messages; ++i)
    ASSERT_TRUE(shops.answer_one()) << "after " << i << " nothing comes any more";
  EXPECT_LE(shops.most_bodies() * body_bytes, most_bytes);
  EXPECT_GE(shops.most_bodies(), 2U) << "it would show nothing";
  const auto arrived = shops.arrived();
  EXPECT_EQ(arrived.size(), destinations);
  for (const auto& [path, came] : arrived)
    EXPECT_EQ(came, sent) << path;
  EXPECT_TRUE(eventually([&] { return count(history(id), events::kind::attempt_finished) == destinations * messages; }));
}

TEST_F(node_with_few_bytes, a_receiver_that_hangs_on_large_messages_leaves_bytes_to_another) {
  patient_receiver shops;
  auto id = create();
  add_destination(id, shops.url("/hang"));
  add_destination(id, shops.url("/ok"));
  constexpr std::size_t messages = 20;
  for (std::size_t i = 0; i < messages; ++i)
    ASSERT_TRUE(emit(id, body()));
  for (std::size_t i = 0; i < messages; ++i)
    ASSERT_TRUE(shops.answer_one("/hang")) << "after " << i << " nothing comes any more";
  EXPECT_EQ(shops.arrived()["/ok"].size(), messages);
  EXPECT_LT(shops.arrived()["/hang"].size(), messages);
  EXPECT_LE(shops.most_bodies() * body_bytes, most_bytes);
  for (std::size_t i = 0; i < messages; ++i)
    ASSERT_TRUE(shops.answer_one()) << "it goes on with its own";
  EXPECT_TRUE(eventually([&] { return count(history(id), events::kind::attempt_finished) == 2 * messages; }));
}

/// What the messages bring beside their payloads is known only when the body is made.
TEST_F(node_with_few_bytes, batches_count_with_all_that_they_hold) {
  patient_receiver shops{0};
  auto id = create();
  webhook::create_destination c;
  c.value.url = shops.url("/batches");
  c.value.batching = webhook::batching_policy::compile(nlohmann::json::parse(R"({"maxMessages":2,"maxWaitMs":30000})")).value();
  ASSERT_TRUE(submit(id, webhook::command{c}));
  constexpr std::size_t messages = 20;
  for (std::size_t i = 0; i < messages; ++i) {
    webhook::create_message m;
    m.event_type = "a";
    m.payload = "{}";
    for (const char* name : {"X-First", "X-Second", "X-Third"})
      m.headers.push_back({name, std::string(4'000, 'h')});
    auto made = submit(id, webhook::command{m});
    ASSERT_TRUE(made) << made.error().detail;
  }
  for (std::size_t i = 0; i < messages / 2; ++i)
    ASSERT_TRUE(shops.answer_one()) << "after " << i << " nothing comes any more";
  EXPECT_TRUE(eventually([&] { return count(history(id), events::kind::attempt_finished) == messages; }));
  // The one that begins while there is room may go over.
  EXPECT_LE((shops.most_bodies() - 1) * body_bytes, most_bytes);
  EXPECT_GE(shops.most_bodies(), 2U) << "it would show nothing";
}

} // namespace
