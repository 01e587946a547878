#pragma once

#include "mock/json_value.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A JSONPath (RFC 9535) without function extensions: `$`, `.name`, `['name']`, `[0]`, `[-1]`, `[start:end:step]`, `.*`, `[*]`, `..name`, `..[…]`,
/// several selectors in one pair of brackets, and filters: `[?@.price < 10 && (@.name == 'x' || !@.sold)]`, whose queries may start with `@` or `$`.
/// Immutable once compiled, cheap to copy; any thread may use it.
class json_path {
public:
  static constexpr std::size_t most_bytes = 1024;
  static constexpr std::size_t most_selectors = 32; ///< those in filters counted
  static constexpr std::size_t most_depth = 8;      ///< of filters and parentheses inside each other

  struct found {
    std::vector<const json_value*> values; ///< in the order of RFC 9535; they look into the value that was searched
    bool complete = true;                  ///< false: `work` was used up before the end
  };

  /// Fails with `errc::invalid` (`where` = `1:column`, in bytes), and with `errc::too_large` beyond the bounds.
  static events::outcome<json_path> compile(std::string_view text);

  /// `work` goes down by at least one for each value that is looked at.
  found find(const json_value& root, std::uint64_t& work) const;

private:
  struct expression;
  struct selector {
    enum class kind : std::uint8_t { name, index, slice, wildcard, filter };
    kind what = kind::name;
    std::string name;
    std::int64_t start = 0; ///< of a slice, or the index
    std::int64_t end = 0;
    std::int64_t step = 1;
    bool has_start = false;
    bool has_end = false;
    std::shared_ptr<const expression> filter;
  };
  struct segment {
    bool descendant = false;
    std::vector<selector> selectors;
  };
  /// One side of a comparison.
  struct operand {
    bool literal = false;
    json_value value;
    bool from_root = false; ///< `$`, else `@`
    std::vector<segment> query;
  };
  struct expression {
    enum class kind : std::uint8_t { any, all, negation, exists, equal, unequal, less, at_most, greater, at_least };
    kind what = kind::exists;
    std::vector<expression> parts; ///< of `any`, `all`, `negation`
    std::vector<operand> sides;    ///< one of `exists`, two of a comparison
  };
  class parser;
  class search;

  std::vector<segment> segments_;
};

} // namespace hourglass::mock
