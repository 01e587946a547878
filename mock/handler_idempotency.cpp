// `$func.sbx.idempotency`: what was answered under a key, as items of stored data, so that log, replay and time travel know of it.
#include "mock/handler.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/script_limits.hpp"

#include <charconv>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

// record := {"until_us": the sandbox's time, "fingerprint": 32 hex digits, "value": any JSON}      its key: 32 hex digits of the digest of the caller's
// Those of before had "at_us" instead, and lasted a day.
const std::string space = "sbx.idempotency";
constexpr std::string_view until_first = R"({"until_us":)", at_first = R"({"at_us":)";
constexpr std::size_t neighbours = 16; ///< looked at with each new record: of those whose time is over, a sixteenth of all remain in the end

std::int64_t in_us(std::chrono::seconds s) { return std::chrono::microseconds{s}.count(); }

/// When a record's time is over; nothing if it is none of ours.
std::optional<std::int64_t> end_of(std::string_view text) {
  const bool old = text.starts_with(at_first);
  if (!old && !text.starts_with(until_first))
    return std::nullopt;
  text.remove_prefix((old ? at_first : until_first).size());
  std::int64_t out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc{})
    return std::nullopt;
  return old ? out + in_us(limits::script_remembered_time) : out;
}

const json_value& at(const json_value& arguments, std::size_t i) {
  static const json_value nothing;
  return i < arguments.items.size() ? arguments.items[i] : nothing;
}

std::string digest(std::initializer_list<std::string_view> parts) {
  return events::to_hex(events::as_text(events::sha256(parts))).substr(0, 32);
}

outcome<std::string> key_of(const json_value& given) {
  if ((!given.is_string() && !given.is_number()) || given.text.empty())
    return failure(errc::invalid, "the key must be a text or a number");
  return digest({given.text});
}

} // namespace

/// Of what the log will have of the request, so that a replay, which has no more than that, is the same request.
std::string handler_run::fingerprint() const {
  const auto* type = find(request_->headers, "content-type");
  const auto body = request_->body.empty() ? std::string{} : redact_.body(type != nullptr ? std::string_view{*type} : std::string_view{}, request_->body);
  return digest({request_->method, "\n", redact_.target(request_->target), "\n", body});
}

outcome<std::string> handler_run::remembered(const json_value& arguments) {
  auto key = key_of(at(arguments, 0));
  if (!key)
    return key;
  const auto* text = view_.find(space, *key);
  const auto end = text != nullptr ? end_of(*text) : std::nullopt;
  if (!end || *end <= ctx_.now.us)
    return "null";
  auto kept = parse_json(*text);
  const auto* value = kept ? kept->member("value") : nullptr;
  if (value == nullptr)
    return "null";
  if (kept->string_member("fingerprint") != fingerprint())
    return R"({"conflict":true})";
  return R"({"value":)" + to_text(*value) + '}';
}

outcome<std::string> handler_run::keep(const json_value& arguments) {
  auto key = key_of(at(arguments, 0));
  if (!key)
    return key;
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(limits::script_remembered_longest).count();
  std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(limits::script_remembered_time).count();
  if (const auto& given = at(arguments, 2); !given.is_null() && (!given.as_integer(seconds) || seconds < 1 || seconds > longest))
    return failure(errc::invalid, "`seconds` must be a whole number from 1 to " + std::to_string(longest));
  forget_old(*key);
  if (view_.find(space, *key) == nullptr)
    if (auto room = room_for_one_more(); !room)
      return tl::unexpected<events::error>{std::move(room).error()};
  std::string text;
  events::json_text j{text};
  j.open_object().key("until_us").value(ctx_.now.us + in_us(std::chrono::seconds{seconds})).key("fingerprint").value(fingerprint());
  j.key("value").raw(to_text(at(arguments, 1))).close_object();
  if (auto ok = view_.put(space, *key, text, ctx_); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  return "null";
}

/// Records whose time is over go when another comes: those next to it in order of their keys, which are digests and so as good as drawn.
void handler_run::forget_old(const std::string& near) {
  std::vector<std::string> over;
  std::size_t left = neighbours;
  auto look = [&](const std::string& key, const std::string& text) {
    if (const auto end = end_of(text); end && *end <= ctx_.now.us)
      over.push_back(key);
    return --left != 0;
  };
  view_.walk(space, near, look);
  if (left != 0)
    view_.walk(space, {}, look); // round the end
  for (const auto& key : over)
    (void)view_.remove(space, key); // no more room for changes: another request will
}

outcome<void> handler_run::room_for_one_more() {
  if (view_.size(space) < limits::script_remembered)
    return {};
  std::vector<std::string> over;
  if (!full_)
    view_.walk(space, {}, [&](const std::string& key, const std::string& text) {
      if (const auto end = end_of(text); end && *end <= ctx_.now.us)
        over.push_back(key);
      return over.size() < neighbours;
    });
  for (const auto& key : over)
    (void)view_.remove(space, key);
  full_ = over.empty();
  if (view_.size(space) < limits::script_remembered)
    return {};
  return failure(errc::too_large, "more is remembered than the limit script_remembered (" + std::to_string(limits::script_remembered) + ")");
}

} // namespace hourglass::mock
