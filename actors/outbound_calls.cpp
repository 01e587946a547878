#include "actors/outbound_calls.hpp"

#include "events/wall_clock.hpp"
#include "mock/forward_limits.hpp"
#include "mock/outbound_limits.hpp"
#include "mock/script_limits.hpp"

#include <utility>

namespace hourglass::actors {

http::exchange exchange_of(const mock::outbound_call& call, std::string owner) {
  http::exchange out;
  out.method = call.method;
  out.url = call.url;
  for (const auto& [name, value] : call.headers)
    out.headers.push_back({name, value});
  out.body = call.body;
  out.owner = std::move(owner);
  out.deadline = call.timeout;
  out.body_kept = call.kind == mock::outbound_kind::forward ? limits::forward_body_bytes : limits::outbound_answer_bytes;
  out.body_read = out.body_kept + 1;
  if (!call.authorities.empty())
    out.way = std::make_shared<const http::transport>(http::tls_identity{call.authorities, {}, {}, {}});
  return out;
}

/// An answer that was cut off, by its sender or by us, is none: half a JSON document would be taken for a whole one.
mock::outbound_outcome outcome_of(http::exchange_result result, std::size_t most) {
  mock::outbound_outcome out;
  out.took_us = result.spent.total_us;
  if (result.error != http::transport_error::none) {
    out.error = http::to_string(result.error);
    out.message = std::move(result.detail);
    return out;
  }
  if (result.truncated) {
    out.error = "too_large";
    out.message = "the answer is longer than the limit " + std::string{most == limits::forward_body_bytes ? "forward_body_bytes" : "outbound_answer_bytes"} + " (" + std::to_string(most) + ")";
    return out;
  }
  out.status = result.status;
  for (auto& [name, value] : result.headers)
    out.headers.push_back({std::move(name), std::move(value)});
  out.body = std::move(result.body);
  return out;
}

void plugin_turns::take(std::function<void()> begin) {
  constexpr std::size_t most = limits::script_queue_per_sandbox / 4;
  {
    std::lock_guard guard{mutex_};
    if (out_ == most) {
      waiting_.push_back(std::move(begin));
      return;
    }
    ++out_;
  }
  begin();
}

void plugin_turns::give_back() {
  std::function<void()> next;
  {
    std::lock_guard guard{mutex_};
    if (waiting_.empty()) {
      --out_;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  next();
}

// -- what stays in this process ---------------------------------------------------------

namespace {

constexpr std::string_view of_sandbox = "sandbox:", of_stub = "stub:";

} // namespace

bool is_inner(const mock::outbound_call& call) {
  return call.kind == mock::outbound_kind::forward && (call.url.starts_with(of_sandbox) || call.url.starts_with(of_stub));
}

inner_request inner_request_of(const mock::outbound_call& call, const std::string& self) {
  const bool stub = call.url.starts_with(of_stub);
  const auto rest = std::string_view{call.url}.substr(stub ? of_stub.size() : of_sandbox.size());
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string name{rest.substr(0, end)};
  inner_request out;
  out.sandbox = stub ? self : name;
  out.what.method = call.method;
  out.what.target = (stub ? "/stubs/" + name : std::string{}) + std::string{rest.substr(end)};
  out.what.headers = call.headers;
  out.what.body = call.body;
  out.what.peer = "sandbox:" + self;
  out.what.received = events::wall_now();
  return out;
}

mock::outbound_outcome outcome_of(events::outcome<mock::response> answer, const mock::outbound_call& call, std::int64_t took_us) {
  auto failed = [&](std::string error, std::string message) {
    auto out = mock::outbound_outcome::failed(std::move(error), std::move(message));
    out.took_us = took_us;
    return out;
  };
  if (!answer) {
    const auto code = answer.error().code;
    return failed(code == events::errc::not_found ? "no_such_sandbox" : code == events::errc::overloaded ? "overloaded" : "unavailable", answer.error().detail);
  }
  using mock::wire_fault;
  if (answer->fault == wire_fault::drop)
    return failed("timeout", "the sandbox did not answer within " + std::to_string(call.timeout.count()) + " ms");
  if (answer->fault == wire_fault::empty || answer->fault == wire_fault::reset)
    return failed("reset", "the sandbox ended the connection before it answered");
  if (answer->fault != wire_fault::none)
    return failed("malformed", "what the sandbox answered is no HTTP");
  if (answer->body.size() > limits::forward_body_bytes)
    return failed("too_large", "the answer is longer than the limit forward_body_bytes (" + std::to_string(limits::forward_body_bytes) + ")");
  mock::outbound_outcome out;
  out.status = answer->status;
  out.headers = std::move(answer->headers);
  out.body = std::move(answer->body);
  out.took_us = took_us;
  return out;
}

bool call_round::take(std::size_t which, mock::outbound_outcome what) {
  if (which >= came.size() || came[which])
    return false;
  came[which] = std::move(what);
  --missing;
  return true;
}

} // namespace hourglass::actors
