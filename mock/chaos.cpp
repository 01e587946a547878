#include "mock/chaos.hpp"

#include "events/digest.hpp"
#include "mock/script_limits.hpp"
#include "mock/target.hpp"

#include <charconv>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

tl::unexpected<events::error> wrong(std::string_view item) {
  return failure(errc::invalid, "`" + std::string{item.substr(0, 64)} + "` is no chaos such as latency=200, latency=50-400, 5xx=2%, 429=1% or drop=1%");
}

template <class T>
bool read_number(std::string_view text, T& out) {
  auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc{} && end == text.data() + text.size() && out >= 0;
}

bool read_latency(std::string_view text, chaos& out) {
  long long low = 0, high = 0;
  const auto dash = text.find('-');
  if (!read_number(text.substr(0, dash), low) || (dash != std::string_view::npos && !read_number(text.substr(dash + 1), high)))
    return false;
  if (dash == std::string_view::npos)
    high = low;
  out.latency_low = std::chrono::milliseconds{low};
  out.latency_high = std::chrono::milliseconds{high};
  return low <= high && out.latency_high <= limits::chaos_latency;
}

bool read_share(std::string_view text, double& out) { return text.ends_with('%') && read_number(text.substr(0, text.size() - 1), out) && out <= 100; }

bool read_failure(std::string_view name, std::string_view share, chaos::failure& out) {
  if (name == "5xx")
    out.status = 503;
  else if (name != "drop" && (!read_number(name, out.status) || out.status < 400 || out.status > 599))
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

} // namespace

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
    if (name == "latency") {
      if (!read_latency(value, out))
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
  return out;
}

chaos_fate fate_of(const chaos& c, const events::entropy& chance) {
  chaos_fate out;
  const auto range = static_cast<double>((c.latency_high - c.latency_low).count());
  out.delay = c.latency_low + std::chrono::milliseconds{static_cast<std::int64_t>(draw(chance, "latency") * (range + 1))};
  out.delay = std::min(out.delay, c.latency_high);
  auto left = draw(chance, "failure") * 100;
  for (const auto& f : c.failures) {
    left -= f.percent;
    if (left >= 0)
      continue;
    if (f.status == 0)
      out.drop = true;
    else
      out.status = f.status;
    break;
  }
  return out;
}

} // namespace hourglass::mock
