#include "actors/outbound_calls.hpp"

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
  out.body_kept = limits::outbound_answer_bytes;
  out.body_read = limits::outbound_answer_bytes + 1;
  return out;
}

/// An answer that was cut off, by its sender or by us, is none: half a JSON document would be taken for a whole one.
mock::outbound_outcome outcome_of(http::exchange_result result) {
  mock::outbound_outcome out;
  out.took_us = result.spent.total_us;
  if (result.error != http::transport_error::none) {
    out.error = http::to_string(result.error);
    out.message = std::move(result.detail);
    return out;
  }
  if (result.truncated) {
    out.error = "too_large";
    out.message = "the answer is longer than the limit outbound_answer_bytes (" + std::to_string(limits::outbound_answer_bytes) + ")";
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

bool call_round::take(std::size_t which, mock::outbound_outcome what) {
  if (which >= came.size() || came[which])
    return false;
  came[which] = std::move(what);
  --missing;
  return true;
}

} // namespace hourglass::actors
