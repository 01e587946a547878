#include "api/call.hpp"

#include <algorithm>

namespace hourglass::api {

std::string principal::name() const {
  switch (is) {
  case role::nobody:
    return "anonymous";
  case role::portal:
    return "portal:" + (portal->session.empty() ? portal->id : portal->session);
  case role::sandbox:
    return "sandbox:" + own.to_string();
  case role::admin:
    return "admin";
  }
  return "anonymous";
}

bool principal::sees(const std::vector<std::string>& feature_flags) const {
  if (is != role::portal || feature_flags.empty())
    return true;
  return std::find_first_of(feature_flags.begin(), feature_flags.end(), portal->flags.begin(), portal->flags.end()) != feature_flags.end();
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
  auto told = e;
  for (auto [name, sent] : sent_as)
    if (e.where.starts_with(name) && (e.where.size() == name.size() || e.where[name.size()] == '/'))
      told.where = std::string{sent} + e.where.substr(name.size());
  leave(problem_response(told, correlation, speaks), &e);
}

void call::send(http::response whole) {
  leave(std::move(whole), nullptr);
}

void call::leave(http::response whole, const events::error* why) {
  if (std::exchange(answered_, true))
    return;
  whole.headers.push_back({"X-Correlation-Id", correlation});
  if (on_answered)
    on_answered(*this, whole.status, why);
  auto keep = std::exchange(before_answer, nullptr); // and with it, when it is done, the name
  if (!keep)
    return reply_.send(std::move(whole));
  auto answer = std::make_shared<http::response>(std::move(whole));
  keep(*this, *answer, [self = shared_from_this(), answer] { self->reply_.send(std::move(*answer)); });
}

std::shared_ptr<http::event_stream> call::stream() {
  if (std::exchange(answered_, true))
    return nullptr;
  if (on_answered)
    on_answered(*this, 200, nullptr);
  return reply_.stream({{"X-Correlation-Id", correlation}, {"Cache-Control", "no-store"}});
}

} // namespace hourglass::api
