#include "mock/chaos.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/script_limits.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::array<std::pair<std::string_view, wire_fault>, 5> faults{{{"drop", wire_fault::drop},
                                                                         {"empty", wire_fault::empty},
                                                                         {"reset", wire_fault::reset},
                                                                         {"malformed", wire_fault::malformed},
                                                                         {"garbage", wire_fault::garbage}}};

tl::unexpected<events::error> wrong(std::string_view item) {
  std::string shown{item.substr(0, 64)};
  if (!events::is_utf8(shown))
    shown = "(bytes that are not UTF-8)";
  return failure(errc::invalid, "`" + shown + "` is no chaos such as latency=200, latency=50-400, latency=lognormal:80:0.6, dribble=2000@10%, "
                                              "5xx=2%, 429=1%, drop=1%, empty=1%, reset=1%, malformed=1%, garbage=1% or seed=run-7");
}

template <class T>
bool read_number(std::string_view text, T& out) {
  auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc{} && end == text.data() + text.size() && out >= 0;
}

bool read_ms(std::string_view text, std::chrono::milliseconds& out) {
  long long ms = 0;
  if (!read_number(text, ms) || ms > std::chrono::milliseconds{limits::chaos_latency}.count())
    return false;
  out = std::chrono::milliseconds{ms};
  return true;
}

/// `median:sigma` or `median:sigma:most`
bool read_lognormal(std::string_view text, chaos& out) {
  const auto first = text.find(':');
  if (first == std::string_view::npos)
    return false;
  const auto second = std::min(text.find(':', first + 1), text.size());
  out.latency_high = limits::chaos_latency;
  const bool read = read_ms(text.substr(0, first), out.latency_low) && read_number(text.substr(first + 1, second - first - 1), out.sigma) &&
                    (second == text.size() || read_ms(text.substr(second + 1), out.latency_high));
  return read && out.sigma > 0 && out.sigma <= 10 && out.latency_low.count() > 0 && out.latency_low <= out.latency_high;
}

bool read_latency(std::string_view text, chaos& out) {
  out.sigma = 0;
  constexpr std::string_view lognormal = "lognormal:";
  if (text.starts_with(lognormal))
    return read_lognormal(text.substr(lognormal.size()), out);
  const auto dash = text.find('-');
  if (!read_ms(text.substr(0, dash), out.latency_low) || (dash != std::string_view::npos && !read_ms(text.substr(dash + 1), out.latency_high)))
    return false;
  if (dash == std::string_view::npos)
    out.latency_high = out.latency_low;
  return out.latency_low <= out.latency_high;
}

bool read_share(std::string_view text, double& out) {
  return text.ends_with('%') && read_number(text.substr(0, text.size() - 1), out) && std::isfinite(out) && out <= 100;
}

bool read_dribble(std::string_view text, chaos& out) {
  const auto at = text.find('@');
  out.dribble_percent = 100;
  return read_ms(text.substr(0, at), out.dribble) && (at == std::string_view::npos || read_share(text.substr(at + 1), out.dribble_percent));
}

bool read_seed(std::string_view text, chaos& out) {
  out.seed = text;
  return !text.empty() && text.size() <= 64 && events::is_utf8(text);
}

bool read_failure(std::string_view name, std::string_view share, chaos::failure& out) {
  if (auto fault = wire_fault_from(name))
    out.fault = *fault;
  else if (name == "5xx")
    out.status = 503;
  else if (!read_number(name, out.status) || out.status < 400 || out.status > 599)
    return false;
  return read_share(share, out.percent);
}

/// Evenly from [0, 1).
double draw(const events::entropy& chance, std::string_view what) {
  const auto h = events::sha256({{reinterpret_cast<const char*>(chance.data()), chance.size()}, what});
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i)
    bits = bits << 8U | h[i];
  return static_cast<double>(bits >> 11U) * 0x1p-53;
}

/// Of a normal distribution around 0 with deviation 1 (Box and Muller).
double draw_normal(const events::entropy& chance) {
  constexpr double turn = 6.283185307179586;
  return std::sqrt(-2 * std::log(1 - draw(chance, "latency"))) * std::cos(turn * draw(chance, "latency angle"));
}

std::chrono::milliseconds delay_of(const chaos& c, const events::entropy& chance) {
  const auto low = static_cast<double>(c.latency_low.count()), high = static_cast<double>(c.latency_high.count());
  const double ms = c.sigma > 0 ? low * std::exp(c.sigma * draw_normal(chance)) : low + std::floor(draw(chance, "latency") * (high - low + 1));
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::min(ms, high))};
}

} // namespace

std::string_view to_string(wire_fault f) noexcept {
  const auto* at = std::find_if(faults.begin(), faults.end(), [f](const auto& known) { return known.second == f; });
  return at != faults.end() ? at->first : "none";
}

std::optional<wire_fault> wire_fault_from(std::string_view name) noexcept {
  const auto* at = std::find_if(faults.begin(), faults.end(), [name](const auto& known) { return known.first == name; });
  return at != faults.end() ? std::optional{at->second} : std::nullopt;
}

outcome<chaos> chaos::read(std::string_view text) {
  chaos out;
  double total = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const auto comma = std::min(text.find(',', from), text.size());
    const auto item = trimmed(text.substr(from, comma - from));
    from = comma + 1;
    if (item.empty())
      continue;
    const auto equals = item.find('=');
    if (equals == std::string_view::npos)
      return wrong(item);
    const auto name = trimmed(item.substr(0, equals)), value = trimmed(item.substr(equals + 1));
    if (name == "latency" || name == "dribble" || name == "seed") {
      if (name == "latency" ? !read_latency(value, out) : name == "dribble" ? !read_dribble(value, out) : !read_seed(value, out))
        return wrong(item);
      continue;
    }
    failure f;
    if (out.failures.size() >= 32 || !read_failure(name, value, f))
      return wrong(item);
    total += f.percent;
    out.failures.push_back(f);
  }
  if (total > 100)
    return events::failure(errc::invalid, "the shares of chaos are together more than 100%");
  out.text = text;
  return out;
}

chaos_fate fate_of(const chaos& c, const events::entropy& chance) {
  chaos_fate out;
  out.delay = delay_of(c, chance);
  if (c.dribble.count() > 0 && draw(chance, "dribble") * 100 < c.dribble_percent)
    out.dribble = c.dribble;
  auto left = draw(chance, "failure") * 100;
  for (const auto& f : c.failures) {
    left -= f.percent;
    if (left >= 0)
      continue;
    out.fault = f.fault;
    if (f.status != 0)
      out.status = f.status;
    break;
  }
  return out;
}

events::entropy chance_of(std::string_view seed, std::uint64_t ordinal) {
  const auto h = events::sha256({seed, std::string(1, '\0'), std::to_string(ordinal)});
  events::entropy out{};
  static_assert(sizeof(out) <= sizeof(h));
  std::memcpy(out.data(), h.data(), sizeof(out));
  return out;
}

} // namespace hourglass::mock
