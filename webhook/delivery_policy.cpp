#include "webhook/delivery_policy.hpp"

#include "webhook/event_type.hpp"
#include "webhook/limits.hpp"
#include "webhook/object_of_policy.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

using events::errc, events::failure;
using nlohmann::json;

struct retry_policy::content {
  std::string text;
  retry_rules all;
  std::vector<std::pair<std::string, retry_rules>> by_type;
  bool gone_disables = true;
  std::optional<std::uint32_t> retries_per_minute;
};

namespace {

constexpr std::size_t policy_bytes = 16 * 1024;
constexpr std::size_t policy_types = 50;
constexpr std::size_t success_ranges = 20;
constexpr double day_seconds = 24.0 * 3600; // more than Retry-After is ever taken for

std::optional<status_range> range_of(const json& from) {
  auto status = [](std::uint64_t n) { return n >= 100 && n <= 599; };
  if (from.is_number_unsigned() && status(from.get<std::uint64_t>()))
    return status_range{from.get<std::uint16_t>(), from.get<std::uint16_t>()};
  if (!from.is_string())
    return std::nullopt;
  const auto& text = from.get_ref<const std::string&>();
  std::uint16_t low = 0, high = 0;
  const auto* end = text.data() + text.size();
  auto first = std::from_chars(text.data(), end, low);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '-')
    return std::nullopt;
  auto second = std::from_chars(first.ptr + 1, end, high);
  if (second.ec != std::errc{} || second.ptr != end || !status(low) || !status(high) || high < low)
    return std::nullopt;
  return status_range{low, high};
}

void read_success(object_of_policy& o, std::vector<status_range>& into) {
  const auto* list = o.given("success");
  if (list == nullptr)
    return;
  if (!list->is_array() || list->empty() || list->size() > success_ranges)
    return o.fail("must be an array of 1 to 20 statuses", "success");
  into.clear();
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto range = range_of((*list)[i]);
    if (!range)
      return o.fail(errc::invalid, "must be a status of 100 to 599, or \"from-to\"", o.at("success") + "/" + std::to_string(i));
    into.push_back(*range);
  }
}

void read_schedule(object_of_policy& o, retry_rules& into) {
  const auto* list = o.given("schedule");
  if (list == nullptr)
    return;
  if (!list->is_array())
    return o.fail("must be an array of seconds", "schedule");
  if (list->size() >= limits::attempts_per_message)
    return o.fail(errc::too_large, "makes more than " + std::to_string(limits::attempts_per_message) + " attempts", o.at("schedule"));
  into.schedule.emplace();
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto seconds = (*list)[i].is_number() ? (*list)[i].get<double>() : -1.0;
    if (!(seconds >= 0 && seconds <= month_seconds))
      return o.fail(errc::invalid, "must be 0 seconds to 30 days", o.at("schedule") + "/" + std::to_string(i));
    into.schedule->emplace_back(std::llround(seconds * 1e6));
  }
  into.exponential.reset();
}

void read_exponential(object_of_policy& o, retry_rules& into) {
  const auto* given = o.given("exponential");
  if (given == nullptr)
    return;
  if (o.given("schedule") != nullptr)
    return o.fail("stands for a schedule: give one of the two", "exponential");
  object_of_policy e{*given, o.at("exponential"), {"base", "factor", "cap", "count"}};
  e.need("base");
  e.need("count");
  exponential_delays out;
  out.base = e.seconds("base", 0.001).value_or(duration{0});
  out.factor = e.number("factor", 1, 100).value_or(2);
  out.cap = e.seconds("cap", 0.001).value_or(duration{std::chrono::hours{24}});
  out.count = e.natural("count", 0, static_cast<std::uint32_t>(limits::attempts_per_message) - 1).value_or(0);
  if (out.cap < out.base)
    e.fail("must not be less than `base`", "cap");
  o.fail(e.problem());
  into.exponential = out;
  into.schedule.reset();
}

void read_rules(object_of_policy& o, retry_rules& into) {
  read_schedule(o, into);
  read_exponential(o, into);
  into.jitter = o.number("jitter", 0, 1).value_or(into.jitter);
  if (auto age = o.seconds("maximumAge", 0))
    into.maximum_age = age;
  read_success(o, into.success);
}

void read_types(object_of_policy& o, retry_policy::content& into) {
  const auto* list = o.given("eventTypes");
  if (list == nullptr)
    return;
  if (!list->is_array() || list->size() > policy_types)
    return o.fail("must be an array of at most 50 entries", "eventTypes");
  for (std::size_t i = 0; i < list->size(); ++i) {
    object_of_policy one{(*list)[i], o.at("eventTypes") + "/" + std::to_string(i), {"match", "schedule", "exponential", "jitter", "maximumAge", "success"}};
    one.need("match");
    const auto* match = one.given("match");
    auto name = match != nullptr && match->is_string() ? match->get<std::string>() : std::string{};
    if (match != nullptr && !is_name(name) && !is_type_pattern(name))
      one.fail("must be an event type or a pattern of them", "match");
    auto rules = into.all;
    read_rules(one, rules);
    o.fail(one.problem());
    into.by_type.emplace_back(std::move(name), std::move(rules));
  }
}

events::outcome<std::string> text_of(const json& from, const std::string& at) {
  auto text = from.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > policy_bytes)
    return failure(errc::too_large, "is longer than 16384 bytes", at);
  return text;
}

const retry_rules& default_rules() {
  static const retry_rules out;
  return out;
}

} // namespace

// -- retry ------------------------------------------------------------------------------------

events::outcome<retry_policy> retry_policy::compile(const json& from, const std::string& at) {
  content c;
  auto text = text_of(from, at);
  if (!text)
    return tl::unexpected{text.error()};
  c.text = std::move(*text);
  object_of_policy o{from, at, {"schedule", "exponential", "jitter", "maximumAge", "success", "gone", "retriesPerMinute", "eventTypes"}};
  read_rules(o, c.all);
  if (const auto* gone = o.given("gone")) {
    if (*gone != "disable" && *gone != "retry")
      o.fail("must be `disable` or `retry`", "gone");
    c.gone_disables = *gone != "retry";
  }
  c.retries_per_minute = o.natural("retriesPerMinute", 1, 1'000'000);
  read_types(o, c);
  if (o.problem())
    return tl::unexpected{*o.problem()};
  retry_policy out;
  if (!from.empty()) // an empty one is none
    out.content_ = std::make_shared<const content>(std::move(c));
  return out;
}

const std::string& retry_policy::text() const noexcept {
  static const std::string none;
  return content_ ? content_->text : none;
}

const retry_rules& retry_policy::rules_for(std::string_view event_type) const noexcept {
  if (!content_)
    return default_rules();
  for (const auto& [match, rules] : content_->by_type)
    if (match == event_type || (match.find('*') != std::string::npos && type_matches(match, event_type)))
      return rules;
  return content_->all;
}

bool retry_policy::has_delays() const noexcept { return content_ && (content_->all.schedule || content_->all.exponential); }
bool retry_policy::has_types() const noexcept { return content_ && !content_->by_type.empty(); }
bool retry_policy::gone_disables() const noexcept { return !content_ || content_->gone_disables; }
std::optional<std::uint32_t> retry_policy::retries_per_minute() const noexcept { return content_ ? content_->retries_per_minute : std::nullopt; }

bool protection_rules::overloaded(unsigned status, bool timed_out) const noexcept {
  if (overload.empty() && !timeout_is_overload)
    return status == 429 || status == 503;
  return (timed_out && timeout_is_overload) ||
         std::any_of(overload.begin(), overload.end(), [status](const status_range& r) { return status >= r.from && status <= r.to; });
}

// -- protection ---------------------------------------------------------------------------------

namespace {

void read_breaker(object_of_policy& o, protection_rules& into) {
  const auto* given = o.given("breaker");
  if (given == nullptr)
    return;
  object_of_policy b{*given, o.at("breaker"), {"failures", "probeAfter", "probeCap"}};
  auto& rule = *(into.breaker = protection_rules::breaker_rule{}); // clang 14, which builds the fuzzers, takes no `emplace` of a nested class with defaults
  rule.failures = b.natural("failures", 1, 10'000).value_or(rule.failures);
  rule.probe_after = b.seconds("probeAfter", 1).value_or(rule.probe_after);
  rule.probe_cap = b.seconds("probeCap", 1).value_or(std::max(rule.probe_cap, rule.probe_after));
  if (rule.probe_cap < rule.probe_after)
    b.fail("must not be less than `probeAfter`", "probeCap");
  o.fail(b.problem());
}

void read_overload(object_of_policy& o, protection_rules& into) {
  const auto* list = o.given("statuses");
  if (list == nullptr)
    return;
  if (!list->is_array() || list->empty() || list->size() > success_ranges)
    return o.fail("must be an array of 1 to 20 statuses", "statuses");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto& one = (*list)[i];
    if (one == "timeout") {
      into.timeout_is_overload = true;
    } else if (auto range = range_of(one)) {
      into.overload.push_back(*range);
    } else {
      return o.fail(errc::invalid, "must be a status of 100 to 599, \"from-to\", or \"timeout\"", o.at("statuses") + "/" + std::to_string(i));
    }
  }
}

void read_slow_down(object_of_policy& o, protection_rules& into) {
  const auto* given = o.given("slowDown");
  if (given == nullptr)
    return;
  object_of_policy s{*given, o.at("slowDown"), {"cap", "statuses"}};
  into.slow_down = s.seconds("cap", 1, day_seconds).value_or(default_slow_down);
  read_overload(s, into);
  o.fail(s.problem());
}

void read_disable(object_of_policy& o, protection_rules& into) {
  const auto* given = o.given("disable");
  if (given == nullptr)
    return;
  object_of_policy d{*given, o.at("disable"), {"failures", "after", "probe", "expires"}};
  auto& rule = *(into.disable = protection_rules::disable_rule{});
  rule.failures = d.natural("failures", 1, 1'000'000).value_or(rule.failures);
  rule.after = d.seconds("after", 0, 12 * month_seconds).value_or(rule.after);
  if (d.is_null("probe"))
    rule.probe.reset();
  else if (auto probe = d.seconds("probe", 1))
    rule.probe = probe;
  rule.expires = d.seconds("expires", 1, 12 * month_seconds);
  o.fail(d.problem());
}

} // namespace

events::outcome<protection_policy> protection_policy::compile(const json& from, const std::string& at) {
  protection_policy out;
  auto text = text_of(from, at);
  if (!text)
    return tl::unexpected{text.error()};
  object_of_policy o{from, at, {"breaker", "slowDown", "disable"}};
  read_breaker(o, out.rules_);
  read_slow_down(o, out.rules_);
  read_disable(o, out.rules_);
  if (o.problem())
    return tl::unexpected{*o.problem()};
  if (!from.empty()) // an empty one is none
    out.text_ = std::move(*text);
  return out;
}

} // namespace hourglass::webhook
