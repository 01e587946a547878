#pragma once

#include "actors/node.hpp"
#include "api/service.hpp"
#include "api/tail.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace hourglass::testing {

using nlohmann::json;

inline constexpr std::string_view admin_key = "hgk_test_admin_key";

/// The client's side of one live tail.
class heard : public http::event_stream {
public:
  struct event {
    std::string id, type, data;
  };
  bool send(std::string_view id, std::string_view type, std::string_view data) override {
    std::lock_guard held{lock_};
    if (!open_)
      return false;
    if (type != "heartbeat")
      events_.push_back({std::string{id}, std::string{type}, std::string{data}});
    wake_.notify_all();
    return true;
  }
  bool open() const noexcept override { return open_; }
  void close() override {
    std::lock_guard held{lock_};
    open_ = false;
    wake_.notify_all();
  }
  /// Waits until so many came; what came.
  std::vector<event> wait_for(std::size_t count) {
    std::unique_lock held{lock_};
    wake_.wait_for(held, std::chrono::seconds{20}, [&] { return events_.size() >= count || !open_; });
    return events_;
  }

  bool wait_closed() {
    std::unique_lock held{lock_};
    return wake_.wait_for(held, std::chrono::seconds{20}, [&] { return !open_; });
  }

private:
  std::mutex lock_;
  std::condition_variable wake_;
  std::vector<event> events_;
  std::atomic<bool> open_{true};
};

struct answer {
  http::response response;
  std::shared_ptr<heard> stream;

  unsigned status() const { return response.status; }
  json body() const { return json::parse(response.body, nullptr, false); }
  std::string header(std::string_view name) const { return std::string{http::find(response.headers, name)}; }
};

/// Stands where the server is: takes the one answer.
class catcher : public http::reply::sink {
public:
  explicit catcher(std::shared_ptr<std::promise<answer>> to) : to_(std::move(to)) {}
  ~catcher() override {
    if (!sent_) {
      answer lost;
      lost.response.status = 503;
      lost.response.body = R"({"detail":"abandoned"})";
      to_->set_value(lost);
    }
  }
  void send(http::response r) override {
    sent_ = true;
    to_->set_value(answer{std::move(r), nullptr});
  }
  std::shared_ptr<http::event_stream> stream(http::fields headers) override {
    sent_ = true;
    answer a;
    a.response.headers = std::move(headers);
    a.stream = std::make_shared<heard>();
    to_->set_value(a);
    return a.stream;
  }

private:
  std::shared_ptr<std::promise<answer>> to_;
  bool sent_ = false;
};

/// Passes everything on to a real node, unless a test wants a failure.
class faulty_node : public actors::node {
public:
  explicit faulty_node(actors::node& real) : real_(real) {}
  std::optional<events::error> refuse; ///< what every change, look and mock request fails with
  std::atomic<bool> lose{false};       ///< drops every callback, as an actor that died
  std::atomic<bool> lose_posts{false}; ///< drops what reader threads are to do, as a process that died before they came to it
  std::atomic<int> taken{0};           ///< so many creates find the uid taken by one that does not stand yet

  void serve(const events::sandbox_id& id, mock::request r, actors::caller who, actors::on_answer done) override {
    if (lose)
      return;
    refuse ? done(tl::unexpected{*refuse}) : real_.serve(id, std::move(r), std::move(who), std::move(done));
  }
  void create(std::string text, actors::caller who, actors::on_receipt done) override {
    if (lose)
      return;
    if (taken > 0) {
      --taken;
      return done(events::failure(events::errc::conflict, "another sandbox has this uid", "/uid"));
    }
    refuse ? done(tl::unexpected{*refuse}) : real_.create(std::move(text), std::move(who), std::move(done));
  }
  void submit(const events::sandbox_id& id, actors::command c, actors::caller who, actors::on_receipt done) override {
    if (lose)
      return;
    refuse ? done(tl::unexpected{*refuse}) : real_.submit(id, std::move(c), std::move(who), std::move(done));
  }
  void read(const events::sandbox_id& id, actors::reading r, actors::on_receipt done) override {
    if (lose)
      return;
    refuse ? done(tl::unexpected{*refuse}) : real_.read(id, std::move(r), std::move(done));
  }
  events::outcome<events::sandbox_id> resolve(std::string_view name) const override { return real_.resolve(name); }
  events::outcome<events::sandbox_id> authenticate(std::string_view secret) const override { return real_.authenticate(secret); }
  events::outcome<listed> list(std::string_view after, std::size_t limit, bool backwards) const override {
    return real_.list(after, limit, backwards);
  }
  void post_for(const events::sandbox_id& sandbox, std::function<void()> work) override {
    {
      const std::lock_guard lock{mutex_};
      posted_for_.insert(sandbox);
    }
    if (!lose_posts)
      real_.post_for(sandbox, std::move(work));
  }
  void post(std::function<void()> work) override {
    if (!lose_posts)
      real_.post(std::move(work));
  }
  bool has_posted_for(const events::sandbox_id& sandbox) {
    const std::lock_guard lock{mutex_};
    return posted_for_.contains(sandbox);
  }
  storage::store& store() noexcept override { return real_.store(); }
  storage::index_writer& index() noexcept override { return real_.index(); }
  storage::journal& journal() noexcept override { return real_.journal(); }
  const events::redactor& redactor() const noexcept override { return real_.redactor(); }
  const events::vault& vault() const noexcept override { return real_.vault(); }
  mock::script_engine* scripts() noexcept override { return real_.scripts(); }
  actors::plugin_registry& plugins() noexcept override { return real_.plugins(); }
  std::shared_ptr<const webhook::payload_judge> schemas() const override { return real_.schemas(); }
  actors::node_counters counters() const noexcept override { return real_.counters(); }
  actors::webhook_figures webhooks() const override { return real_.webhooks(); }
  void prune(const events::sandbox_id& id, actors::caller who, std::function<void(events::outcome<void>)> done) override {
    real_.prune(id, std::move(who), std::move(done));
  }
  events::outcome<actors::prune_report> report_of(const events::sandbox_id& id) const override { return real_.report_of(id); }
  actors::prune_figures prunes() const override { return real_.prunes(); }
  void stop(std::chrono::milliseconds grace) override { real_.stop(grace); }

private:
  actors::node& real_;
  std::mutex mutex_;
  std::set<events::sandbox_id> posted_for_;
};

/// A node in a folder of its own and the API over it, without sockets.
class world : public ::testing::Test {
protected:
  void SetUp() override {
    static std::atomic<int> count{0};
    folder_ = std::filesystem::temp_directory_path() /
              ("hourglass-api-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::remove_all(folder_);
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    tails_ = std::make_shared<api::tail_hub>();
    actors::node_options options;
    options.data = folder_;
    auto cidr = http::cidr::parse("127.0.0.0/8");
    options.guard = std::make_shared<http::egress_guard>(std::vector<http::cidr>{*cidr}, std::vector<http::egress_guard::endpoint>{});
    options.on_committed = [hub = tails_](const events::sandbox_id& id, events::seq last) { hub->committed(id, last); };
    configure(options);
    auto opened = actors::node::open(std::move(options));
    ASSERT_TRUE(opened) << opened.error().detail;
    real_ = std::move(*opened);
    node_ = std::make_unique<faulty_node>(*real_);
    api::service_options given;
    given.admin_key = admin_key;
    given.base_url = "http://test";
    given.domain = "sandbox.test";
    given.tails = tails_;
    adjust(given);
    service_ = std::make_unique<api::service>(*node_, std::move(given));
    handler_ = service_->handler();
  }
  void close() {
    if (service_)
      service_->drain();
    if (real_)
      real_->stop(std::chrono::seconds{5});
    handler_ = {};
    service_.reset();
    node_.reset();
    real_.reset();
  }
  /// The process ends and another one begins on the same folder.
  void restart() {
    close();
    open();
  }
  virtual void adjust(api::service_options&) {}
  virtual void configure(actors::node_options&) {}

  // -- asking -----------------------------------------------------------------------

  std::future<answer> begin(http::request r) {
    auto promise = std::make_shared<std::promise<answer>>();
    auto future = promise->get_future();
    handler_(std::make_shared<const http::request>(std::move(r)), http::reply{std::make_unique<catcher>(promise)});
    return future;
  }
  answer send(http::request r) {
    auto future = begin(std::move(r));
    if (future.wait_for(std::chrono::seconds{30}) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return future.get();
  }
  static http::request make(std::string method, std::string target, std::string body = {}, http::fields headers = {}) {
    http::request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.body = std::move(body);
    r.headers = std::move(headers);
    r.received_us = 1'700'000'000'000'000;
    return r;
  }
  static http::field bearer(std::string_view key) { return {"Authorization", "Bearer " + std::string{key}}; }

  /// As the admin, JSON.
  answer ask(std::string method, std::string target, const std::string& body = {}, http::fields more = {}) {
    more.push_back(bearer(admin_key));
    if (!body.empty())
      more.push_back({"Content-Type", "application/json"});
    return send(make(std::move(method), std::move(target), body, std::move(more)));
  }
  json asked(unsigned status, std::string method, std::string target, const json& body = nullptr) {
    auto a = ask(method, target, body.is_null() ? std::string{} : body.dump());
    EXPECT_EQ(a.status(), status) << method << " " << target << ": " << a.response.body;
    return a.response.body.empty() ? json{} : a.body();
  }
  /// A new sandbox: `id`, `client_secret`, …
  json sandbox(const json& settings = json::object()) { return asked(201, "POST", "/sandboxes", settings); }

  std::filesystem::path folder_;
  std::shared_ptr<api::tail_hub> tails_;
  std::unique_ptr<actors::node> real_;
  std::unique_ptr<faulty_node> node_;
  std::unique_ptr<api::service> service_;
  http::handler handler_;
};

} // namespace hourglass::testing
