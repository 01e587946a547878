#pragma once

#include "tests/support/reference_data.hpp"

#include "mock/serve.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace hourglass::mock {

inline events::context at_moment(std::uint8_t chance = 1) {
  events::context ctx;
  ctx.wall.us = 1'790'000'000'000'000;
  ctx.now.us = 1'790'000'000'000'000; // 2026-09-21T14:13:20Z
  ctx.chance.fill(chance);
  ctx.principal = "admin";
  return ctx;
}

inline events::redactor test_redactor() { return events::redactor{{1, 2, 3}}; }

/// What decide proposes, applied. The reply, or the error's detail and place.
template <class State, class Command>
events::outcome<std::string> run(State& state, const Command& command, const events::context& ctx = at_moment()) {
  auto d = decide(state, command, ctx);
  if (!d)
    return tl::unexpected<events::error>{d.error()};
  for (const auto& e : d->events)
    if (auto ok = apply(state, e.kind, e.payload); !ok)
      return tl::unexpected<events::error>{ok.error()};
  return d->reply;
}

inline events::outcome<std::string> put(endpoint_state& s, std::string text, std::string id = {}, std::uint8_t chance = 1) {
  return run(s, endpoint_command{put_endpoint{std::move(text), std::move(id)}}, at_moment(chance));
}

inline request get(std::string target, fields headers = {}) {
  request r;
  r.method = "GET";
  r.target = std::move(target);
  r.headers = std::move(headers);
  r.peer = "127.0.0.1:40000";
  r.received.us = 1'790'000'000'000'000;
  return r;
}

inline request post(std::string target, std::string body, std::string type = "application/json") {
  auto r = get(std::move(target));
  r.method = "POST";
  r.headers.push_back({"Content-Type", std::move(type)});
  r.body = std::move(body);
  return r;
}

inline response answer(const endpoint_state& s, const request& r, const data_state& data = {}, std::uint8_t chance = 1) {
  return serve(s, data, r, at_moment(chance), test_redactor()).response;
}

inline std::string header(const response& r, std::string_view name) {
  const auto* v = find(r.headers, name);
  return v != nullptr ? *v : std::string{};
}

/// An endpoint whose body says which one it is.
inline std::string named(std::string_view method, std::string_view path, std::string_view body, std::string_view more = "") {
  return R"({"method":")" + std::string{method} + R"(","path":")" + std::string{path} + R"(","response":{"body":")" +
         std::string{body} + R"("})" + std::string{more} + "}";
}

inline std::string real_document(const std::string& name) {
  return test::reference_text("specs/" + name);
}

} // namespace hourglass::mock
