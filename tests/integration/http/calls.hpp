#pragma once

#include "http/client.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

namespace hourglass::http::testing {

using namespace std::chrono_literals;

inline std::shared_ptr<const egress_guard> loopback_allowed() {
  return std::make_shared<egress_guard>(std::vector<cidr>{*cidr::parse("127.0.0.0/8")}, std::vector<egress_guard::endpoint>{});
}

inline std::array<std::uint8_t, 16> address(std::string_view text) { return cidr::parse(text)->network; }

inline std::future<exchange_result> begin(client& c, exchange what) {
  auto promise = std::make_shared<std::promise<exchange_result>>();
  auto result = promise->get_future();
  c.send(std::move(what), [promise](exchange_result r) { promise->set_value(std::move(r)); });
  return result;
}

inline exchange_result wait(std::future<exchange_result>& f) {
  if (f.wait_for(20s) != std::future_status::ready) {
    ADD_FAILURE() << "no result";
    return {};
  }
  return f.get();
}

inline exchange_result call(client& c, exchange what) {
  auto f = begin(c, std::move(what));
  return wait(f);
}

inline exchange to(const std::string& url, std::string body = "hello") {
  exchange e;
  e.url = url;
  e.body = std::move(body);
  e.deadline = 10s;
  return e;
}

inline std::string local(std::uint16_t port, std::string_view path = "/") { return "http://127.0.0.1:" + std::to_string(port) + std::string{path}; }

} // namespace hourglass::http::testing
