#include "events/time.hpp"

#include <cstdio>
#include <optional>

namespace hourglass::events {

namespace {

using std::chrono::sys_days;
using sys_us = std::chrono::sys_time<std::chrono::microseconds>;

/// Takes fixed-width fields off the front of a text.
class reader {
public:
  explicit reader(std::string_view text) : text_(text) {}

  std::optional<unsigned> number(std::size_t width) {
    if (text_.size() < width)
      return std::nullopt;
    unsigned value = 0;
    for (char c : text_.substr(0, width)) {
      if (c < '0' || c > '9')
        return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    text_.remove_prefix(width);
    return value;
  }

  bool one_of(std::string_view choices, char* taken = nullptr) {
    if (text_.empty() || choices.find(text_.front()) == std::string_view::npos)
      return false;
    if (taken != nullptr)
      *taken = text_.front();
    text_.remove_prefix(1);
    return true;
  }

  /// Microseconds of a fraction of 1 to 9 digits; what is finer is cut off.
  std::optional<std::int64_t> fraction() {
    std::int64_t us = 0;
    std::size_t count = 0;
    for (; !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; ++count) {
      if (count < 6)
        us = us * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    if (count == 0 || count > 9)
      return std::nullopt;
    for (auto i = count; i < 6; ++i)
      us *= 10;
    return us;
  }

  bool done() const noexcept { return text_.empty(); }

private:
  std::string_view text_;
};

std::optional<std::int64_t> read_date(reader& in) {
  using namespace std::chrono;
  const auto y = in.number(4);
  const bool dash1 = in.one_of("-");
  const auto m = in.number(2);
  const bool dash2 = in.one_of("-");
  const auto d = in.number(2);
  if (!y || !dash1 || !m || !dash2 || !d)
    return std::nullopt;
  const year_month_day date{year{static_cast<int>(*y)}, month{*m}, day{*d}};
  if (*y < 1970 || !date.ok())
    return std::nullopt;
  return duration_cast<microseconds>(sys_days{date}.time_since_epoch()).count();
}

std::optional<std::int64_t> read_time_of_day(reader& in) {
  const auto h = in.number(2);
  const bool colon1 = in.one_of(":");
  const auto m = in.number(2);
  const bool colon2 = in.one_of(":");
  const auto s = in.number(2);
  if (!h || !colon1 || !m || !colon2 || !s || *h > 23 || *m > 59 || *s > 60) // 60: a leap second
    return std::nullopt;
  std::int64_t us = 0;
  if (in.one_of(".")) {
    const auto fraction = in.fraction();
    if (!fraction)
      return std::nullopt;
    us = *fraction;
  }
  return ((std::int64_t{*h} * 60 + *m) * 60 + *s) * 1'000'000 + us;
}

std::optional<std::int64_t> read_offset(reader& in) {
  char sign = 'Z';
  if (in.one_of("Zz"))
    return 0;
  if (!in.one_of("+-", &sign))
    return std::nullopt;
  const auto h = in.number(2);
  const bool colon = in.one_of(":");
  const auto m = in.number(2);
  if (!h || !colon || !m || *h > 23 || *m > 59)
    return std::nullopt;
  const auto us = (std::int64_t{*h} * 60 + *m) * 60'000'000;
  return sign == '-' ? -us : us;
}

} // namespace

std::string to_rfc3339(std::int64_t us) {
  using namespace std::chrono;
  const sys_us t{microseconds{us}};
  const auto day_start = floor<days>(t);
  const year_month_day date{day_start};
  const hh_mm_ss time{t - day_start};
  char text[48];
  const int size = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

outcome<std::int64_t> parse_rfc3339(std::string_view text) {
  reader in{text};
  const auto date = read_date(in);
  const bool separated = date && in.one_of("Tt");
  const auto time = separated ? read_time_of_day(in) : std::nullopt;
  const auto offset = time ? read_offset(in) : std::nullopt;
  if (!offset || !in.done())
    return failure(errc::invalid, "must be an RFC 3339 time such as 2026-11-21T21:35:21.5Z, years 1970 to 9999");
  const auto us = *date + *time - *offset;
  if (us < 0)
    return failure(errc::invalid, "must not be before 1970-01-01T00:00:00Z");
  return us;
}

} // namespace hourglass::events
