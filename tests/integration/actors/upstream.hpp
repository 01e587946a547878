#pragma once

#include "http/server.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace hourglass::test {

/// Somebody on loopback who is called: answers at once, or keeps callers waiting until the test lets them go.
class upstream {
public:
  using answer = std::function<http::response(const http::request&)>;

  explicit upstream(answer a, bool holds = false) : answer_(std::move(a)), holds_(holds) {
    auto opened = http::server::open({.threads = 1}, [this](std::shared_ptr<const http::request> r, http::reply to) {
      std::unique_lock lock{mutex_};
      came_.push_back(*r);
      changed_.notify_all();
      if (holds_) {
        held_.emplace_back(std::move(to), std::move(r));
        return;
      }
      lock.unlock();
      to.send(answer_(*r));
    });
    if (!opened)
      throw std::runtime_error{opened.error()};
    server_ = std::move(*opened);
  }
  ~upstream() {
    let_go();
    server_->stop(std::chrono::milliseconds{100});
  }

  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(server_->port()) + path; }

  /// The bound is only there so that a broken build ends.
  bool wait_for(std::size_t n) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{30}, [&] { return came_.size() >= n; });
  }
  std::vector<http::request> came() {
    std::lock_guard guard{mutex_};
    return came_;
  }
  /// Those who wait get their answers, and who comes later need not wait.
  void let_go() {
    decltype(held_) held;
    {
      std::lock_guard guard{mutex_};
      holds_ = false;
      held.swap(held_);
    }
    for (auto& [to, r] : held)
      to.send(answer_(*r));
  }

private:
  answer answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool holds_;
  std::vector<http::request> came_;
  std::vector<std::pair<http::reply, std::shared_ptr<const http::request>>> held_;
  std::unique_ptr<http::server> server_;
};

} // namespace hourglass::test
