#include "mock/decimal.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

constexpr std::int64_t farthest = 1'000'000'000'000;

__extension__ typedef unsigned __int128 wide;

std::uint64_t value_of(std::string_view digits) noexcept {
  std::uint64_t n = 0;
  for (char c : digits)
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  return n;
}

std::uint64_t times(std::uint64_t a, std::uint64_t b, std::uint64_t modulus) noexcept {
  return static_cast<std::uint64_t>(static_cast<wide>(a) * b % modulus);
}

} // namespace

decimal decimal::of(std::string_view text) {
  decimal out;
  if (!text.empty() && text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  auto mark = std::min(text.find_first_of("eE"), text.size());
  auto mantissa = text.substr(0, mark);
  if (mark < text.size()) {
    auto power = text.substr(mark + 1);
    bool down = !power.empty() && power.front() == '-';
    if (!power.empty() && (power.front() == '-' || power.front() == '+'))
      power.remove_prefix(1);
    for (char c : power)
      out.exponent = std::min(farthest, out.exponent * 10 + (c - '0'));
    if (down)
      out.exponent = -out.exponent;
  }
  auto point = std::min(mantissa.find('.'), mantissa.size());
  out.digits = mantissa.substr(0, point);
  if (point < mantissa.size()) {
    out.digits += mantissa.substr(point + 1);
    out.exponent -= static_cast<std::int64_t>(mantissa.size() - point - 1);
  }
  auto last = out.digits.find_last_not_of('0');
  if (last == std::string::npos)
    return {};
  out.exponent += static_cast<std::int64_t>(out.digits.size() - last - 1);
  out.digits.resize(last + 1);
  out.digits.erase(0, out.digits.find_first_not_of('0'));
  return out;
}

bool decimal::is_multiple_of(const decimal& divisor) const {
  if (digits.empty())
    return true;
  // The last digit of either is not 0, so too small an exponent cannot be made up for, and too large a one only adds factors of ten.
  if (exponent < divisor.exponent)
    return false;
  auto modulus = value_of(divisor.digits);
  std::uint64_t rest = 0;
  for (char c : digits)
    rest = (times(rest, 10, modulus) + static_cast<std::uint64_t>(c - '0')) % modulus;
  auto power = static_cast<std::uint64_t>(exponent - divisor.exponent);
  for (std::uint64_t ten = 10 % modulus; power > 0 && rest != 0; power >>= 1U, ten = times(ten, ten, modulus))
    if ((power & 1U) != 0)
      rest = times(rest, ten, modulus);
  return rest == 0;
}

int compare(const decimal& a, const decimal& b) noexcept {
  if (a.is_zero() || b.is_zero()) {
    int left = a.is_zero() ? 0 : a.negative ? -1 : 1;
    int right = b.is_zero() ? 0 : b.negative ? -1 : 1;
    return left - right;
  }
  if (a.negative != b.negative)
    return a.negative ? -1 : 1;
  auto high = [](const decimal& d) { return d.exponent + static_cast<std::int64_t>(d.digits.size()); };
  int order = 0;
  if (high(a) != high(b))
    order = high(a) < high(b) ? -1 : 1;
  else
    order = a.digits.compare(b.digits); // both start with a digit of the same weight
  return a.negative ? -order : order;
}

bool small_integer(std::string_view text, std::int64_t& out) noexcept {
  bool negative = !text.empty() && text.front() == '-';
  auto digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.size() > 18)
    return false;
  std::int64_t n = 0;
  for (char c : digits) {
    if (c < '0' || c > '9')
      return false;
    n = n * 10 + (c - '0');
  }
  out = negative ? -n : n;
  return true;
}

} // namespace hourglass::mock
