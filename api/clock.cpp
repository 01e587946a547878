#include "api/clock.hpp"

#include "api/core.hpp"
#include "api/input.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "events/wall_clock.hpp"

#include <chrono>

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

events::outcome<events::duration> parse_duration(std::string_view text) {
  auto wrong = [] {
    return failure(errc::invalid, "must be seconds (90), an ISO 8601 duration (PT5M, P1DT2H) or a number with a unit (90s, 5m, 2h, 1d)", "/by");
  };
  constexpr std::int64_t most = std::int64_t{400} * 365 * 86'400; // more than any clock can take, and far from an overflow
  auto unit = [](char c, bool of_time) -> std::int64_t {
    switch (c) {
    case 'W':
      return of_time ? 0 : 7 * 86'400;
    case 'D':
      return of_time ? 0 : 86'400;
    case 'H':
      return of_time ? 3'600 : 0;
    case 'M':
      return of_time ? 60 : 0; // months have no length of their own
    case 'S':
      return of_time ? 1 : 0;
    default:
      return 0;
    }
  };
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    auto seconds = to_number(text);
    return seconds && *seconds <= static_cast<std::uint64_t>(most) ? events::outcome<events::duration>{std::chrono::seconds{*seconds}} : wrong();
  }
  auto iso = text.starts_with('P');
  bool of_time = !iso;
  std::int64_t seconds = 0;
  std::size_t i = iso ? 1 : 0;
  bool any = false;
  while (i < text.size()) {
    if (iso && !of_time && text[i] == 'T') {
      of_time = true;
      ++i;
      continue;
    }
    auto end = std::min(text.find_first_not_of("0123456789", i), text.size());
    auto number = to_number(text.substr(i, end - i));
    if (!number || *number > static_cast<std::uint64_t>(most) || end == text.size())
      return wrong();
    auto symbol = text[end];
    std::int64_t scale = 0;
    if (iso)
      scale = unit(symbol, of_time);
    else if (symbol == 'd')
      scale = 86'400;
    else if (symbol == 's' || symbol == 'm' || symbol == 'h')
      scale = unit(static_cast<char>(symbol & ~0x20), true);
    auto amount = static_cast<std::int64_t>(*number);
    if (scale == 0 || amount > most / scale || (!iso && any))
      return wrong();
    seconds += amount * scale;
    if (seconds > most)
      return wrong();
    any = true;
    i = end + 1;
  }
  if (!any)
    return wrong();
  return std::chrono::duration_cast<events::duration>(std::chrono::seconds{seconds});
}

std::optional<std::chrono::seconds> preferred_wait(const http::fields& headers) {
  for (auto& [name, value] : headers) {
    if (!http::contains({{name, value}}, "Prefer"))
      continue; // the header may come several times
    std::string_view rest = value;
    while (!rest.empty()) {
      auto end = std::min(rest.find_first_of(",;"), rest.size());
      auto one = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (!one.empty() && one.front() == ' ')
        one.remove_prefix(1);
      while (!one.empty() && one.back() == ' ')
        one.remove_suffix(1);
      if (one.starts_with("wait="))
        if (auto n = to_number(one.substr(5)))
          return std::chrono::seconds{std::min<std::uint64_t>(*n, 60)};
    }
  }
  return std::nullopt;
}

namespace {

using state = mock::clock_state;
using steady = std::chrono::steady_clock;

events::outcome<std::string> show(const state& s, events::virtual_time) {
  return mock::to_json(s, events::wall_now());
}

void get(core& in, const call_ptr& c) {
  in.look<state>(c, show);
}

void change_and_show(core& in, const call_ptr& c, mock::clock_command what) {
  in.change(c, c->sandbox, actors::command{std::move(what)}, [&in](const call_ptr& done, actors::receipt) { get(in, done); });
}

void set(core& in, const call_ptr& c) {
  input body{c->body};
  auto to = body.instant("to");
  if (auto fine = body.done(); !fine)
    return c->fail(fine.error());
  change_and_show(in, c, mock::set_clock{events::virtual_time{to}});
}

events::outcome<mock::advance_clock> read_advance(const json& given) {
  input body{given};
  auto* by = body.any("by");
  auto to = body.optional_instant("to");
  if (by && to)
    body.reject("by", "give either by or to");
  if (!by && !to)
    body.reject("by", "is needed: how far, or else to: until when");
  std::optional<events::duration> length;
  if (by && by->is_number_integer()) {
    if (auto seconds = body.optional_integer("by", 0, std::chrono::duration_cast<std::chrono::seconds>(limits::clock_advance).count()))
      length = std::chrono::seconds{*seconds};
  } else if (by && by->is_string()) {
    auto parsed = parse_duration(by->get_ref<const std::string&>());
    if (!parsed)
      return tl::unexpected<events::error>{parsed.error()};
    length = *parsed;
  } else if (by) {
    body.reject("by", "must be seconds, or a duration such as PT5M");
  }
  if (auto fine = body.done(); !fine)
    return tl::unexpected<events::error>{fine.error()};
  if (length)
    return mock::advance_clock{*length};
  return mock::advance_clock{events::virtual_time{*to}};
}

/// Looks again and again until the clock has arrived or the caller's patience is over; no thread waits meanwhile.
void watch(core& in, const call_ptr& c, std::optional<std::chrono::seconds> patience, steady::time_point until,
           std::chrono::milliseconds pause) {
  in.look<state>(c, c->sandbox, show, [&in, patience, until, pause](const call_ptr& done, actors::receipt r) {
    auto arrived = json::parse(r.reply, nullptr, false).value("mode", "") != "advancing";
    if (!arrived && steady::now() < until && !in.draining) {
      in.later.after(pause, [&in, done, patience, until, pause] {
        guarded(done, [&] { watch(in, done, patience, until, std::min(pause * 2, std::chrono::milliseconds{200})); });
      });
      return;
    }
    http::fields headers;
    if (patience)
      headers.push_back({"Preference-Applied", "wait=" + std::to_string(patience->count())});
    done->answer(arrived ? 200 : 202, std::move(r.reply), std::move(headers));
  });
}

void advance(core& in, const call_ptr& c) {
  auto what = read_advance(c->body);
  if (!what)
    return c->fail(what.error());
  auto patience = preferred_wait(c->request->headers);
  in.change(c, c->sandbox, actors::command{mock::clock_command{*what}}, [&in, patience](const call_ptr& done, actors::receipt) {
    watch(in, done, patience, steady::now() + patience.value_or(std::chrono::seconds{0}), std::chrono::milliseconds{5});
  });
}

} // namespace

void add_clock(router& to) {
  constexpr std::string_view tag = "clock";
  auto simple = [&](std::string_view path, std::string_view id, std::string_view says, route::handler run) {
    to.add({.method = "POST", .path = path, .id = id, .tag = tag, .says = says, .who = access::sandbox,
            .answers = {{200, "Clock"}}, .run = run});
  };
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/clock", .id = "getClock", .tag = tag, .says = "The sandbox's own clock",
          .who = access::sandbox, .answers = {{200, "Clock"}}, .portal = capability::view, .run = get});
  simple("/sandboxes/{sandbox}/clock/freeze", "freezeClock", "Time stands from now on",
         [](core& in, const call_ptr& c) { change_and_show(in, c, mock::freeze_clock{}); });
  simple("/sandboxes/{sandbox}/clock/resume", "resumeClock", "Time goes on from where it stood",
         [](core& in, const call_ptr& c) { change_and_show(in, c, mock::resume_clock{}); });
  simple("/sandboxes/{sandbox}/clock/reset", "resetClock", "Back to the node's time, running. When that takes the clock back, deliveries that wait keep the time they had left to wait (deliveries.moved)",
         [](core& in, const call_ptr& c) { change_and_show(in, c, mock::reset_clock{}); });
  simple("/sandboxes/{sandbox}/clock/cancel", "cancelAdvance",
         "Ends an advance at the moment it has reached, for instance when a receiver hangs; 409 when there is none. Attempts under way go on",
         [](core& in, const call_ptr& c) { change_and_show(in, c, mock::cancel_advance{}); });
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/clock/set", .id = "setClock", .tag = tag,
          .says = "Jumps forward at once, whatever falls due between", .who = access::sandbox, .takes = body::json,
          .body_schema = "ClockSet", .answers = {{200, "Clock"}}, .run = set});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/clock/advance", .id = "advanceClock", .tag = tag,
          .says = "Moves forward; what falls due on the way fires in order. With Prefer: wait=N (at most 60) it answers when done, or after N seconds",
          .who = access::sandbox, .takes = body::json, .body_schema = "ClockAdvance",
          .answers = {{200, "Clock", "Arrived"}, {202, "Clock", "Under way"}}, .run = advance});
}

} // namespace hourglass::api
