#include "api/call.hpp"

namespace hourglass::api {

std::string principal::name() const {
  switch (is) {
  case role::nobody:
    return "anonymous";
  case role::sandbox:
    return "sandbox:" + own.to_string();
  case role::admin:
    return "admin";
  }
  return "anonymous";
}

call::call(std::shared_ptr<const http::request> what, http::reply to, std::string id)
  : request(std::move(what)), correlation(std::move(id)), reply_(std::move(to)) {}

const std::string& call::param(std::string_view name) const {
  static const std::string none;
  for (auto& [key, value] : path)
    if (key == name)
      return value;
  return none;
}

void call::answer(unsigned status, std::string text, http::fields headers) {
  http::response out;
  out.status = status;
  out.headers = std::move(headers);
  out.headers.push_back({"Content-Type", "application/json"});
  out.body = std::move(text);
  send(std::move(out));
}

void call::no_content() {
  http::response out;
  out.status = 204;
  send(std::move(out));
}

void call::fail(const events::error& e) {
  if (std::exchange(answered_, true))
    return;
  auto out = problem_response(e, correlation, speaks);
  out.headers.push_back({"X-Correlation-Id", correlation});
  if (on_answered)
    on_answered(*this, out.status, &e);
  reply_.send(std::move(out));
}

void call::send(http::response whole) {
  if (std::exchange(answered_, true))
    return;
  whole.headers.push_back({"X-Correlation-Id", correlation});
  if (on_answered)
    on_answered(*this, whole.status, nullptr);
  reply_.send(std::move(whole));
}

std::shared_ptr<http::event_stream> call::stream() {
  if (std::exchange(answered_, true))
    return nullptr;
  if (on_answered)
    on_answered(*this, 200, nullptr);
  return reply_.stream({{"X-Correlation-Id", correlation}, {"Cache-Control", "no-store"}});
}

} // namespace hourglass::api
