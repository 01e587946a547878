#pragma once

#include "actors/node.hpp"
#include "http/server.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <vector>

namespace hourglass::test {

inline http::response ok() { return {200, {}, ""}; }
inline http::response no() { return {500, {}, "no"}; }

/// Opens when told to; the bound is only there so that a broken build ends.
class gate {
public:
  void open() { promise_.set_value(); }
  void wait() const { future_.wait_for(std::chrono::seconds{30}); }

private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

/// A receiver of webhooks on loopback that answers what the test says and keeps what came.
class receiver {
public:
  using answer = std::function<http::response(std::size_t number, const http::request&)>;

  explicit receiver(answer a) : answer_(std::move(a)) {
    auto opened = http::server::open({.threads = 1}, [this](std::shared_ptr<const http::request> r, http::reply to) {
      http::response out;
      {
        std::lock_guard guard{mutex_};
        came_.push_back(*r);
        out = answer_(came_.size(), *r);
      }
      changed_.notify_all();
      to.send(std::move(out));
    });
    if (!opened)
      throw std::runtime_error{opened.error()};
    server_ = std::move(*opened);
  }
  ~receiver() { server_->stop(std::chrono::milliseconds{100}); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/hook"; }

  /// Waits for the `n`th request; the bound is only there so that a broken build ends.
  bool wait_for(std::size_t n) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{30}, [&] { return came_.size() >= n; });
  }
  std::vector<http::request> came() {
    std::lock_guard guard{mutex_};
    return came_;
  }

  static answer always(const http::response& r) {
    return [r](std::size_t, const http::request&) { return r; };
  }
  /// Its first `most` answers wait until `g` is open.
  static answer held_back(const gate& g, const http::response& r, std::size_t most = SIZE_MAX) {
    return [&g, r, most](std::size_t number, const http::request&) {
      if (number <= most)
        g.wait();
      return r;
    };
  }

private:
  answer answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<http::request> came_;
  std::unique_ptr<http::server> server_;
};

/// A node on a folder of its own, and blocking calls.
class node_test : public ::testing::Test {
protected:
  void SetUp() override {
    auto name = std::string{::testing::UnitTest::GetInstance()->current_test_info()->name()};
    folder_ = std::filesystem::temp_directory_path() / ("hourglass-" + name + "-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  void TearDown() override {
    node_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    actors::node_options o;
    o.data = folder_;
    o.guard = std::make_shared<const http::egress_guard>(std::vector{*http::cidr::parse("127.0.0.0/8")},
                                                         std::vector<http::egress_guard::endpoint>{});
    configure(o);
    auto opened = open_node(std::move(o));
    ASSERT_TRUE(opened) << opened.error().detail;
    node_ = std::move(*opened);
  }
  virtual void configure(actors::node_options&) {}
  virtual events::outcome<std::unique_ptr<actors::node>> open_node(actors::node_options o) { return actors::node::open(std::move(o)); }

  /// Stops in order and opens again on the same folder.
  void reopen() {
    node_->stop(std::chrono::seconds{5});
    node_.reset();
    open();
  }

  template <class T>
  static events::outcome<T> wait(std::future<events::outcome<T>> f) {
    if (f.wait_for(std::chrono::seconds{60}) != std::future_status::ready)
      return events::failure(events::errc::timeout, "the test waited too long");
    return f.get();
  }

  template <class T>
  struct promised {
    std::shared_ptr<std::promise<events::outcome<T>>> promise = std::make_shared<std::promise<events::outcome<T>>>();
    auto callback() {
      return [p = promise](events::outcome<T> r) { p->set_value(std::move(r)); };
    }
    events::outcome<T> get() { return wait(promise->get_future()); }
  };

  events::sandbox_id create(const std::string& text = "{}") {
    promised<actors::receipt> p;
    node_->create(text, {"admin", "test"}, p.callback());
    auto r = p.get();
    EXPECT_TRUE(r) << r.error().detail;
    auto id = events::sandbox_id::parse(nlohmann::json::parse(r->reply)["id"].get<std::string>());
    EXPECT_TRUE(id);
    return *id;
  }
  events::outcome<actors::receipt> submit(const events::sandbox_id& id, actors::command c) {
    promised<actors::receipt> p;
    node_->submit(id, std::move(c), {"admin", "test"}, p.callback());
    return p.get();
  }
  events::outcome<mock::response> get(const events::sandbox_id& id, const std::string& target) {
    promised<mock::response> p;
    mock::request r;
    r.method = "GET";
    r.target = target;
    node_->serve(id, std::move(r), {"mock", "test"}, p.callback());
    return p.get();
  }
  template <class State>
  events::outcome<nlohmann::json> look(const events::sandbox_id& id, actors::look<State> what) {
    promised<actors::receipt> p;
    node_->read(id, std::move(what), p.callback());
    auto r = p.get();
    if (!r)
      return tl::unexpected<events::error>{r.error()};
    return nlohmann::json::parse(r->reply);
  }
  nlohmann::json outbox(const events::sandbox_id& id) {
    auto j = look<webhook::outbox_state>(
      id, [](const webhook::outbox_state& s, events::virtual_time) -> events::outcome<std::string> { return webhook::to_json(s); });
    EXPECT_TRUE(j);
    return j ? *j : nlohmann::json{};
  }
  std::string clock_mode(const events::sandbox_id& id) {
    auto j = look<mock::clock_state>(id, [](const mock::clock_state& s, events::virtual_time) -> events::outcome<std::string> {
      return mock::to_json(s, events::wall_time{});
    });
    EXPECT_TRUE(j) << j.error().detail;
    return j ? (*j)["mode"].get<std::string>() : "";
  }
  /// Every event of the stream, checked link by link.
  std::vector<events::record> history(const events::sandbox_id& id) {
    std::vector<events::record> all;
    events::chain_head head;
    for (;;) {
      auto some = node_->store().read(id, head.seq + 1);
      EXPECT_TRUE(some) << some.error().detail;
      if (!some || some->empty())
        return all;
      for (auto& r : *some) {
        EXPECT_TRUE(events::follow(head, r));
        all.push_back(std::move(r));
      }
    }
  }
  static std::size_t count(const std::vector<events::record>& all, events::kind k) {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [k](const auto& r) { return r.header.kind == k; }));
  }
  /// Looks again until `good`; ends by itself only in a broken build.
  static bool eventually(const std::function<bool()>& good) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!good()) {
      if (std::chrono::steady_clock::now() > end)
        return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
  }

  void put_hello(const events::sandbox_id& id) {
    auto r = submit(id, mock::endpoint_command{mock::put_endpoint{
                          R"({"method":"GET","path":"/hello","response":{"body":{"hello":"world"}}})", ""}});
    ASSERT_TRUE(r) << r.error().detail;
  }
  std::string add_destination(const events::sandbox_id& id, const std::string& url) {
    webhook::create_destination c;
    c.value.url = url;
    auto r = submit(id, webhook::command{c});
    EXPECT_TRUE(r) << r.error().detail;
    return r ? nlohmann::json::parse(r->reply)["id"].get<std::string>() : "";
  }
  events::outcome<actors::receipt> emit(const events::sandbox_id& id, const std::string& payload = R"({"n":1})") {
    webhook::create_message m;
    m.event_type = "thing.happened";
    m.payload = payload;
    return submit(id, webhook::command{m});
  }

  /// A sandbox whose first attempt is on its way to `slow`, which holds its answer back.
  events::sandbox_id with_attempt_under_way(receiver& slow) {
    auto id = create();
    add_destination(id, slow.url());
    EXPECT_TRUE(emit(id));
    EXPECT_TRUE(eventually([&] { return node_->counters().attempts_in_flight == 1; }));
    return id;
  }

  std::filesystem::path folder_;
  std::unique_ptr<actors::node> node_;
};

} // namespace hourglass::test
