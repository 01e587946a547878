// `$func.sbx.idempotency`: what was answered under a key, as items of stored data, so that log, replay and time travel know of it.
#include "mock/handler.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/script_limits.hpp"

#include <charconv>
#include <limits>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

// record := {"until_us": the sandbox's time, "fingerprint": 32 hex digits, "value": any JSON}      its key: 32 hex digits of the digest of the caller's
// Those of before had "at_us" instead, lasted a day, and took their fingerprint of the request as it came, with its secrets.
const std::string space{idempotency_space};
constexpr std::string_view until_first = R"({"until_us":)", at_first = R"({"at_us":)";
constexpr std::size_t neighbours = 16; ///< looked at with each new record: of those whose time is over, a sixteenth of all remain in the end

std::int64_t in_us(std::chrono::seconds s) { return std::chrono::microseconds{s}.count(); }

/// A moment in a record may be any number: a sandbox's data can be put from outside.
std::int64_t later(std::int64_t moment, std::int64_t by) {
  return moment > std::numeric_limits<std::int64_t>::max() - by ? std::numeric_limits<std::int64_t>::max() : moment + by;
}

/// When a record's time is over; nothing if it is none that we wrote. Without parsing it: many are looked at.
std::optional<std::int64_t> end_of(std::string_view text) {
  const bool old = text.starts_with(at_first);
  if (!old && !text.starts_with(until_first))
    return std::nullopt;
  text.remove_prefix((old ? at_first : until_first).size());
  std::int64_t out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc{})
    return std::nullopt;
  return old ? later(out, in_us(limits::script_remembered_time)) : out;
}

/// The same of one that is read, whatever the order of its members.
std::optional<std::int64_t> end_of(const json_value& record) {
  std::int64_t out = 0;
  if (const auto* until = record.member("until_us"))
    return until->as_integer(out) ? std::optional{out} : std::nullopt;
  const auto* at = record.member("at_us");
  return at != nullptr && at->as_integer(out) ? std::optional{later(out, in_us(limits::script_remembered_time))} : std::nullopt;
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

std::string handler_run::fingerprint_of_before() const { return digest({request_->method, "\n", request_->target, "\n", request_->body}); }

outcome<std::string> handler_run::remembered(const json_value& arguments) {
  auto key = key_of(arguments.item_at(0));
  if (!key)
    return key;
  const auto* text = view_.find(space, *key);
  if (text == nullptr)
    return "null";
  const auto kept = parse_json(*text);
  const auto end = kept ? end_of(*kept) : std::nullopt;
  const auto* value = kept ? kept->member("value") : nullptr;
  if (!end || *end <= ctx_.now.us || value == nullptr)
    return "null";
  const auto of = kept->string_member("fingerprint");
  const bool from_before = kept->member("until_us") == nullptr;
  if (of != fingerprint() && !(from_before && of == fingerprint_of_before()))
    return R"({"conflict":true})";
  return R"({"value":)" + to_text(*value) + '}';
}

outcome<std::string> handler_run::keep(const json_value& arguments) {
  auto key = key_of(arguments.item_at(0));
  if (!key)
    return key;
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(limits::script_remembered_longest).count();
  std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(limits::script_remembered_time).count();
  if (const auto& given = arguments.item_at(2); !given.is_null() && (!given.as_integer(seconds) || seconds < 1 || seconds > longest))
    return failure(errc::invalid, "`seconds` must be a whole number from 1 to " + std::to_string(longest));
  if (view_.find(space, *key) == nullptr)
    if (auto room = room_for_one_more(); !room)
      return tl::unexpected<events::error>{std::move(room).error()};
  std::string text;
  events::json_text j{text};
  j.open_object().key("until_us").value(ctx_.now.us + in_us(std::chrono::seconds{seconds})).key("fingerprint").value(fingerprint());
  j.key("value").raw(to_text(arguments.item_at(1))).close_object();
  if (auto ok = view_.put(space, *key, text); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  forget_old(*key);
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
    if (!view_.discard(space, key)) // this run has discarded enough: another will
      return;
}

outcome<void> handler_run::room_for_one_more() {
  if (view_.size(space) < limits::script_remembered)
    return {};
  std::vector<std::string> over;
  full_ = full_ || !view_.walk(space, walked_to_, [&](const std::string& key, const std::string& text) {
    walked_to_ = key; // no time passes in a run: what is before this stays
    if (const auto end = end_of(text); end && *end <= ctx_.now.us)
      over.push_back(key);
    return over.size() < neighbours;
  });
  for (const auto& key : over)
    if (!view_.discard(space, key))
      break;
  if (view_.size(space) < limits::script_remembered)
    return {};
  return failure(errc::too_large, "more is remembered than the limit script_remembered (" + std::to_string(limits::script_remembered) + ")");
}

} // namespace hourglass::mock
