#pragma once

#include "http/server.hpp"
#include "tests/integration/http/raw_socket.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace hourglass::http::testing {

using namespace std::chrono_literals;

/// Requests that are taken now and answered when the test says so.
struct shelf {
  std::mutex mutex;
  std::condition_variable more;
  std::deque<std::pair<std::shared_ptr<const request>, reply>> waiting;

  void put(std::shared_ptr<const request> r, reply to) {
    std::lock_guard lock{mutex};
    waiting.emplace_back(std::move(r), std::move(to));
    more.notify_all();
  }
  handler as_handler() {
    return [this](std::shared_ptr<const request> r, reply to) { put(std::move(r), std::move(to)); };
  }
  std::pair<std::shared_ptr<const request>, reply> take() {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(more.wait_for(lock, 10s, [this] { return !waiting.empty(); }));
    if (waiting.empty())
      return {nullptr, reply{nullptr}};
    auto first = std::move(waiting.front());
    waiting.pop_front();
    return first;
  }
};

inline std::unique_ptr<server> start(handler h, server_options options = {}) {
  auto s = server::open(std::move(options), std::move(h));
  EXPECT_TRUE(s) << s.error();
  return std::move(*s);
}

/// Says what it was asked.
inline void echo(std::shared_ptr<const request> r, reply to) {
  response answer;
  answer.headers.push_back({"X-Method", r->method});
  answer.body = r->target + "|" + r->body;
  to.send(std::move(answer));
}

inline std::string get(std::string_view target, std::string_view more = {}) {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: h\r\n" + std::string{more} + "\r\n";
}

inline unsigned status_of(const std::string& answer) { return answer.size() > 12 ? static_cast<unsigned>(std::stoul(answer.substr(9, 3))) : 0; }

/// A client that says `text`, and no more of itself.
inline raw_socket client_that_says(const server& s, std::string_view text) {
  auto c = raw_socket::connect(s.port());
  c.say(text);
  return c;
}

inline std::string body_of(const std::string& answer) {
  auto at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr(at + 4);
}

template <class F>
bool eventually(F condition) {
  for (int i = 0; i < 2'000; ++i) {
    if (condition())
      return true;
    std::this_thread::sleep_for(5ms);
  }
  return condition();
}

} // namespace hourglass::http::testing
