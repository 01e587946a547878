#include "webhook/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace hourglass::webhook {

namespace {

using namespace std::chrono_literals;

constexpr std::array<duration, 7> schedule{5s, 5min, 30min, 2h, 5h, 10h, 10h};
constexpr duration longest_wait = 24h; // a receiver that asks for more gets the schedule's own end first
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// Takes an HTTP date apart from the left; any step that does not fit makes the whole fail.
class date_reader {
public:
  explicit date_reader(std::string_view text) : rest_(text) {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && rest_.empty(); }

  date_reader& literal(std::string_view text) {
    if (rest_.starts_with(text))
      rest_.remove_prefix(text.size());
    else
      ok_ = false;
    return *this;
  }

  bool peek(std::string_view text) const noexcept { return rest_.starts_with(text); }

  /// Exactly `digits` digits; a leading space stands for a zero (asctime).
  date_reader& number(std::size_t digits, int& out) {
    if (rest_.size() < digits) {
      ok_ = false;
      return *this;
    }
    out = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      char c = rest_[i] == ' ' && i == 0 && digits == 2 ? '0' : rest_[i];
      if (c < '0' || c > '9')
        ok_ = false;
      else
        out = out * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return *this;
  }

  date_reader& month(int& out) {
    auto found = std::find(months.begin(), months.end(), rest_.substr(0, 3));
    if (found == months.end())
      ok_ = false;
    else
      rest_.remove_prefix(3);
    out = static_cast<int>(found - months.begin()) + 1;
    return *this;
  }

  /// `Sun` or, when `whole`, `Sunday`. The day of the week says nothing that the date does not.
  date_reader& day_name() {
    if (std::find(days.begin(), days.end(), rest_.substr(0, 3)) == days.end())
      ok_ = false;
    else
      rest_.remove_prefix(3);
    auto letters = std::find_if(rest_.begin(), rest_.end(), [](char c) { return c < 'a' || c > 'z'; });
    rest_.remove_prefix(std::min<std::size_t>(static_cast<std::size_t>(letters - rest_.begin()), 6));
    return *this;
  }

private:
  std::string_view rest_;
  bool ok_ = true;
};

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_seconds) noexcept {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  auto clock = [&](date_reader& r) { r.number(2, hour).literal(":").number(2, minute).literal(":").number(2, second); };
  date_reader r{text};
  r.day_name();
  if (r.peek(", ")) {
    r.literal(", ").number(2, day);
    if (r.peek("-")) { // RFC 850: two digits of the year, at most 50 years ahead
      r.literal("-").month(month).literal("-").number(2, year).literal(" ");
      int this_year = 1970 + static_cast<int>(now_seconds / 31'556'952);
      year += this_year / 100 * 100;
      if (year > this_year + 50)
        year -= 100;
    } else {
      r.literal(" ").month(month).literal(" ").number(4, year).literal(" ");
    }
    clock(r);
    r.literal(" GMT");
  } else { // asctime
    r.literal(" ").month(month).literal(" ").number(2, day).literal(" ");
    clock(r);
    r.literal(" ").number(4, year);
  }
  namespace ch = std::chrono;
  ch::year_month_day date{ch::year{year}, ch::month{static_cast<unsigned>(month)}, ch::day{static_cast<unsigned>(day)}};
  if (!r.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  auto since = ch::sys_days{date}.time_since_epoch();
  return ch::duration_cast<ch::seconds>(since).count() + hour * 3600 + minute * 60 + second;
}

} // namespace

std::span<const duration> default_schedule() noexcept { return schedule; }

classification classify(unsigned status, http::transport_error error, std::optional<duration> retry_after, std::span<const status_range> success,
                        bool gone_is_final) noexcept {
  constexpr std::array<status_range, 1> by_default{};
  auto taken = success.empty() ? std::span<const status_range>{by_default} : success;
  auto within = [status](const status_range& r) { return r.from <= status && status <= r.to; };
  if (error == http::transport_error::none && std::any_of(taken.begin(), taken.end(), within))
    return delivered{};
  if (status == 410 && gone_is_final)
    return gone{};
  return try_again{retry_after};
}

std::optional<duration> parse_retry_after(std::string_view value, std::int64_t now_seconds) noexcept {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
    value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
    value.remove_suffix(1);
  if (value.empty() || value.size() > 64)
    return std::nullopt;
  auto bounded = [](double seconds) {
    auto longest = std::chrono::duration<double>(longest_wait).count();
    return duration{std::llround(std::clamp(seconds, 0.0, longest) * 1e6)};
  };
  if (value.front() >= '0' && value.front() <= '9') {
    if (value.find_first_not_of("0123456789.") != std::string_view::npos)
      return std::nullopt;
    double seconds = 0;
    auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), seconds, std::chars_format::fixed);
    if (end != value.data() + value.size())
      return std::nullopt;
    return problem == std::errc{} ? bounded(seconds) : longest_wait;
  }
  auto at = parse_http_date(value, now_seconds);
  if (!at)
    return std::nullopt;
  return bounded(static_cast<double>(*at - now_seconds));
}

std::optional<duration> next_delay(std::uint32_t made, std::span<const duration> delays, std::optional<duration> at_least,
                                   double spread) noexcept {
  if (made == 0 || made > delays.size())
    return std::nullopt;
  auto base = delays[made - 1];
  auto jittered = base + duration{std::llround(static_cast<double>(base.count()) * spread)};
  return std::max(jittered, at_least.value_or(duration{0}));
}

std::optional<duration> next_delay(std::uint32_t made, const exponential_delays& delays, std::optional<duration> at_least, double spread) noexcept {
  if (made == 0 || made > delays.count)
    return std::nullopt;
  auto grown = static_cast<double>(delays.base.count()) * std::pow(delays.factor, static_cast<double>(made - 1));
  const std::array one{duration{std::llround(std::min(grown, static_cast<double>(delays.cap.count())))}};
  return next_delay(1, one, at_least, spread);
}

double spread_of(const events::entropy& chance) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 8; i < 16; ++i)
    bits = bits << 8 | chance[i];
  auto unit = static_cast<double>(bits >> 11) * 0x1.0p-53; // [0, 1)
  return (unit * 2 - 1) * 0.2;
}

} // namespace hourglass::webhook
