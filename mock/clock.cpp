#include "mock/clock.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/object_reader.hpp"

#include <algorithm>
#include <charconv>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using events::virtual_time;

constexpr std::int64_t year_9999_us = 253'402'300'799'999'999;
static_assert(limits::clock_advance == std::chrono::hours{24 * 3660}, "the messages say so");
constexpr std::int64_t clock_advance_us = std::chrono::duration_cast<events::duration>(limits::clock_advance).count();

std::string_view name_of(clock_mode m) {
  switch (m) {
  case clock_mode::running:
    return "running";
  case clock_mode::frozen:
    return "frozen";
  case clock_mode::advancing:
    return "advancing";
  }
  return "running";
}

/// Every clock event and the snapshot hold the state that follows, so that folding is copying.
std::string write_state(const clock_state& s) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("mode").value(name_of(s.mode)).key("offset_us").value(s.offset_us).key("at_us").value(s.at.us);
  if (s.target)
    j.key("target_us").value(s.target->us);
  j.key("then_frozen").value(s.then_frozen).close_object();
  return out;
}

outcome<clock_state> read_state(std::string_view text) {
  auto v = parse_json(text);
  if (!v)
    return failure(errc::corrupt, v.error().detail, v.error().where);
  clock_state s;
  auto mode = v->string_member("mode");
  auto number = [&](std::string_view name, std::int64_t& into) {
    const auto* m = v->member(name);
    return m != nullptr && m->as_integer(into);
  };
  if ((mode != "running" && mode != "frozen" && mode != "advancing") || !number("offset_us", s.offset_us) || !number("at_us", s.at.us))
    return failure(errc::corrupt, "a clock does not read");
  s.mode = mode == "running" ? clock_mode::running : mode == "frozen" ? clock_mode::frozen : clock_mode::advancing;
  if (std::int64_t target = 0; number("target_us", target))
    s.target = virtual_time{target};
  if ((s.mode == clock_mode::advancing) != s.target.has_value())
    return failure(errc::corrupt, "a clock does not read");
  const auto* frozen = v->member("then_frozen");
  s.then_frozen = frozen != nullptr && frozen->is_true();
  return s;
}

decision become(const clock_state& before, const clock_state& after, events::kind kind, events::wall_time wall) {
  decision out;
  out.reply = to_json(after, wall);
  if (before != after)
    out.events.push_back({kind, write_state(after), {}, 0, {}});
  return out;
}

clock_state running_at(virtual_time t, events::wall_time wall) {
  clock_state s;
  s.offset_us = t.us - wall.us;
  s.at = t;
  return s;
}

clock_state frozen_at(virtual_time t) {
  clock_state s;
  s.mode = clock_mode::frozen;
  s.at = t;
  return s;
}

/// Checks a time to go to against the present one.
outcome<void> check_forward(virtual_time from, virtual_time to) {
  if (to < from)
    return failure(errc::invalid, "a sandbox's time never goes back; it is " + events::to_rfc3339(from), "/to");
  if (to.us > year_9999_us)
    return failure(errc::invalid, "is beyond the year 9999", "/to");
  if (to.us - from.us > clock_advance_us)
    return failure(errc::invalid, "is further ahead than the limit clock_advance (3660 days)", "/to");
  return {};
}

outcome<decision> no_advance(const clock_state& s) {
  return failure(errc::conflict, s.mode == clock_mode::advancing ? "the clock is advancing" : "the clock is not advancing");
}

outcome<decision> decide_one(const clock_state& s, const freeze_clock&, events::wall_time wall) {
  if (s.mode == clock_mode::advancing)
    return no_advance(s);
  return become(s, s.mode == clock_mode::frozen ? s : frozen_at(now(s, wall)), events::kind::clock_set, wall);
}

outcome<decision> decide_one(const clock_state& s, const resume_clock&, events::wall_time wall) {
  if (s.mode == clock_mode::advancing)
    return no_advance(s);
  return become(s, s.mode == clock_mode::running ? s : running_at(s.at, wall), events::kind::clock_set, wall);
}

outcome<decision> decide_one(const clock_state& s, const set_clock& c, events::wall_time wall) {
  if (s.mode == clock_mode::advancing)
    return no_advance(s);
  if (auto ok = check_forward(now(s, wall), c.to); !ok)
    return tl::unexpected<events::error>{ok.error()};
  return become(s, s.mode == clock_mode::frozen ? frozen_at(c.to) : running_at(c.to, wall), events::kind::clock_set, wall);
}

outcome<decision> decide_one(const clock_state& s, const advance_clock& c, events::wall_time wall) {
  if (s.mode == clock_mode::advancing)
    return no_advance(s);
  auto from = now(s, wall);
  virtual_time to;
  if (const auto* by = std::get_if<events::duration>(&c.by_or_to)) {
    if (by->count() < 0 || by->count() > clock_advance_us)
      return failure(errc::invalid, "must not be negative, nor more than the limit clock_advance (3660 days)", "/by");
    to = from + *by;
  } else {
    to = std::get<virtual_time>(c.by_or_to);
  }
  if (auto ok = check_forward(from, to); !ok)
    return tl::unexpected<events::error>{ok.error()};
  clock_state next;
  next.mode = clock_mode::advancing;
  next.at = from;
  next.target = to;
  next.then_frozen = s.mode == clock_mode::frozen;
  return become(s, next, events::kind::clock_advance_started, wall);
}

outcome<decision> decide_one(const clock_state& s, const move_clock& c, events::wall_time wall) {
  if (s.mode != clock_mode::advancing)
    return no_advance(s);
  if (c.to < s.at || c.to > *s.target)
    return failure(errc::invalid, "is not between the present moment and the target", "/to");
  auto next = s;
  next.at = c.to;
  return become(s, next, events::kind::clock_moved, wall);
}

outcome<decision> decide_one(const clock_state& s, const finish_advance&, events::wall_time wall) {
  if (s.mode != clock_mode::advancing)
    return no_advance(s);
  return become(s, s.then_frozen ? frozen_at(*s.target) : running_at(*s.target, wall), events::kind::clock_advance_finished, wall);
}

outcome<decision> decide_one(const clock_state& s, const cancel_advance&, events::wall_time wall) {
  if (s.mode != clock_mode::advancing)
    return no_advance(s);
  return become(s, s.then_frozen ? frozen_at(s.at) : running_at(s.at, wall), events::kind::clock_advance_finished, wall);
}

outcome<decision> decide_one(const clock_state& s, const reset_clock&, events::wall_time wall) {
  if (s.mode == clock_mode::advancing)
    return no_advance(s);
  if (s.mode == clock_mode::running && s.offset_us == 0 && s.at.us <= wall.us)
    return become(s, s, events::kind::clock_set, wall);
  return become(s, running_at({wall.us}, wall), events::kind::clock_set, wall);
}

/// `90s`, `5m`, `2h`, `1d`, `250ms`, or bare seconds.
std::optional<events::duration> read_duration(const json_value& v) {
  std::string_view text = v.text;
  std::int64_t n = 0;
  if (!v.is_string() && !v.is_number())
    return std::nullopt;
  auto [rest, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (bad != std::errc{} || n < 0 || n > clock_advance_us / 1000)
    return std::nullopt;
  std::string_view unit{rest, static_cast<std::size_t>(text.data() + text.size() - rest)};
  std::int64_t unit_us = unit.empty() || unit == "s" ? 1'000'000
                         : unit == "ms"              ? 1'000
                         : unit == "m"               ? 60'000'000
                         : unit == "h"               ? 3'600'000'000
                         : unit == "d"               ? 86'400'000'000
                                                     : 0;
  if (unit_us == 0 || n > clock_advance_us / unit_us)
    return std::nullopt;
  return events::duration{n * unit_us};
}

} // namespace

virtual_time now(const clock_state& s, events::wall_time wall) noexcept {
  if (s.mode != clock_mode::running)
    return s.at;
  return std::max(virtual_time{wall.us + s.offset_us}, s.at);
}

std::optional<events::wall_time> wall_for(const clock_state& s, virtual_time when, events::wall_time wall) noexcept {
  if (when <= now(s, wall))
    return wall;
  if (s.mode != clock_mode::running)
    return std::nullopt;
  return events::wall_time{when.us - s.offset_us};
}

outcome<decision> decide(const clock_state& state, const clock_command& command, const events::context& ctx) {
  return std::visit([&](const auto& c) { return decide_one(state, c, ctx.wall); }, command);
}

outcome<clock_command> parse_clock_command(std::string_view text) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  object_reader in{*v, ""};
  in.only({"action", "to", "by"});
  auto action = in.text("action", 16, true);
  bool timed = action == "set" || action == "advance";
  if (!timed && action != "freeze" && action != "resume" && action != "reset")
    in.fail("must be freeze, resume, reset, set or advance", "action");
  if (!timed && in.has("to"))
    in.fail("belongs to set and advance", "to");
  if (action != "advance" && in.has("by"))
    in.fail("belongs to advance", "by");
  if (in.has("to") && in.has("by"))
    in.fail("excludes `to`", "by");
  if (timed && !in.has("to") && !in.has("by"))
    in.fail("is required", "to");
  auto to_text = in.text("to", 64);
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  if (const auto* by = v->member("by")) {
    auto d = read_duration(*by);
    if (!d)
      return failure(errc::invalid, "must be seconds or a text such as 90s, 5m, 2h or 1d, within the limit clock_advance (3660 days)", "/by");
    return advance_clock{*d};
  }
  if (!timed)
    return action == "freeze" ? clock_command{freeze_clock{}} : action == "resume" ? clock_command{resume_clock{}} : clock_command{reset_clock{}};
  auto to = events::parse_rfc3339(to_text);
  if (!to)
    return failure(errc::invalid, "must be a time of RFC 3339", "/to");
  return action == "set" ? clock_command{set_clock{{*to}}} : clock_command{advance_clock{virtual_time{*to}}};
}

outcome<void> apply(clock_state& state, events::kind kind, std::string_view payload, const events::header&) {
  if (kind < events::kind::clock_set || kind > events::kind::clock_advance_finished)
    return {};
  auto next = read_state(payload);
  if (!next)
    return tl::unexpected<events::error>{next.error()};
  state = *next;
  return {};
}

std::string snapshot(const clock_state& state) { return write_state(state); }

template <>
outcome<clock_state> restore<clock_state>(std::string_view text) {
  return read_state(text);
}

std::string to_json(const clock_state& s, events::wall_time wall) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("mode").value(name_of(s.mode)).key("now").value(events::to_rfc3339(now(s, wall)));
  if (s.mode == clock_mode::running)
    j.key("offset_us").value(s.offset_us);
  if (s.target)
    j.key("target").value(events::to_rfc3339(*s.target));
  j.close_object();
  return out;
}

} // namespace hourglass::mock
