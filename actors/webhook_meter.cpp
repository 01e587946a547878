#include "actors/webhook_meter.hpp"

#include <algorithm>

namespace hourglass::actors {

namespace {

constexpr double us_per_second = 1e6;

/// What waits grows old though its sandbox sleeps.
double age_of(const std::optional<events::duration>& oldest, events::wall_time then, events::wall_time now) {
  return oldest ? static_cast<double>(oldest->count() + std::max<std::int64_t>(0, now.us - then.us)) / us_per_second : 0;
}

} // namespace

void webhook_meter::delivered(events::duration after) noexcept {
  delivered_.fetch_add(1, std::memory_order_relaxed);
  const auto us = std::max<std::int64_t>(0, after.count());
  const auto& bounds = latency_counts::bounds;
  const auto at = std::lower_bound(bounds.begin(), bounds.end(), static_cast<double>(us) / us_per_second) - bounds.begin();
  latency_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  latency_us_.fetch_add(us, std::memory_order_relaxed);
}

void webhook_meter::put(const events::sandbox_id& sandbox, webhook::backlog what, events::wall_time at) {
  std::lock_guard guard{mutex_};
  if (what.empty())
    said_.erase(sandbox);
  else
    said_[sandbox] = {std::move(what), at};
}

void webhook_meter::forget(const events::sandbox_id& sandbox) {
  std::lock_guard guard{mutex_};
  said_.erase(sandbox);
}

webhook_figures webhook_meter::read(events::wall_time now) const {
  webhook_figures out;
  out.messages = messages_.load(std::memory_order_relaxed);
  out.delivered = delivered_.load(std::memory_order_relaxed);
  out.failed = failed_.load(std::memory_order_relaxed);
  out.dead = dead_.load(std::memory_order_relaxed);
  out.expired = expired_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < latency_.size(); ++i)
    out.latency.counts[i] = latency_[i].load(std::memory_order_relaxed);
  out.latency.sum = static_cast<double>(latency_us_.load(std::memory_order_relaxed)) / us_per_second;
  std::lock_guard guard{mutex_};
  auto more = [](const webhook_figures::row& a, const webhook_figures::row& b) { return a.pending > b.pending; };
  for (const auto& [sandbox, s] : said_) {
    out.pending += s.what.pending;
    out.oldest_s = std::max(out.oldest_s, age_of(s.what.oldest, s.at, now));
    for (const auto& [state, count] : s.what.by_state)
      out.by_state[std::string{state}] += count;
    for (const auto& d : s.what.worst)
      out.worst.push_back({sandbox.to_string(), d.destination, std::string{d.state}, d.pending, age_of(d.oldest, s.at, now)});
    if (out.worst.size() > 64 * webhook_figures::rows_most) {
      std::nth_element(out.worst.begin(), out.worst.begin() + webhook_figures::rows_most, out.worst.end(), more);
      out.worst.resize(webhook_figures::rows_most);
    }
  }
  std::stable_sort(out.worst.begin(), out.worst.end(), more);
  out.worst.resize(std::min(out.worst.size(), webhook_figures::rows_most));
  return out;
}

} // namespace hourglass::actors
