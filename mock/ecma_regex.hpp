#pragma once

#include "events/outcome.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace hourglass::mock {

/// A regular expression as JSON Schema has them (ECMA-262 with the flag `u`, not anchored), matched in time linear in the text.
///
/// Understood: alternation, groups (named ones too, without their names), greedy and lazy quantifiers up to 1,000, classes, `.`, `^`, `$`, `\b`, `\B`,
/// `\d \w \s` and their opposites as ECMA-262 defines them, `\t \n \v \f \r \0 \cX \xHH \uHHHH \u{…}`, `\p{…}` with a general category or a script
/// (`L`, `Letter`, `gc=Letter`, `Script=Greek`), and, beyond the flag `u`, needless backslashes before what is no letter or digit.
/// Refused with `errc::invalid` (`where` = offset in bytes): lookahead, lookbehind, backreferences, other properties; they have no linear-time
/// engine. Refused with `errc::too_large`: what compiles to more than `limits::regex_bytes`.
/// Immutable; may be used from any thread.
class ecma_regex {
public:
  static events::outcome<std::shared_ptr<const ecma_regex>> compile(std::string_view pattern);
  ~ecma_regex();

  bool matches(std::string_view text) const;
  /// Instructions that a match can be in at once; a byte of text costs at most about as many.
  std::size_t steps() const;
  /// What a match of `bytes` can cost, in bytes looked at.
  std::size_t cost_of(std::size_t bytes) const { return (bytes + 1) * (1 + steps() / 64); }
  const std::string& pattern() const noexcept { return pattern_; }

private:
  ecma_regex() = default;

  std::string pattern_;
  std::unique_ptr<re2::RE2> engine_;
};

/// The same expression in RE2's syntax. Fails as `ecma_regex::compile` on what cannot be said there.
events::outcome<std::string> to_re2(std::string_view pattern);

} // namespace hourglass::mock
