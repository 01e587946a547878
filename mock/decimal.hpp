#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hourglass::mock {

/// A JSON number without loss: `digits` * 10^`exponent`. Digits neither start nor end with a zero; zero has none.
/// An exponent beyond a million million counts as that.
struct decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;

  /// `text` must be a JSON number.
  static decimal of(std::string_view text);

  bool is_zero() const noexcept { return digits.empty(); }
  bool is_integer() const noexcept { return digits.empty() || exponent >= 0; }
  /// True if `*this` is a whole multiple of `divisor`, which is neither zero nor longer than `most_divisor_digits`.
  bool is_multiple_of(const decimal& divisor) const;
  bool operator==(const decimal&) const = default;

  static constexpr std::size_t most_divisor_digits = 18;
};

/// Negative, zero or positive, as `a` is less than, equal to or greater than `b`.
int compare(const decimal& a, const decimal& b) noexcept;

/// True if `text`, a JSON number, is a whole one of at most 18 digits without fraction or exponent; `out` is it then.
bool small_integer(std::string_view text, std::int64_t& out) noexcept;

} // namespace hourglass::mock
