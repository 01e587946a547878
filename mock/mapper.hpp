#pragma once

#include "events/outcome.hpp"
#include "mock/json_value.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

// Data mappers: rules that make one JSON value of another, stored by name, used by scripts (`$func.dataMapper.apply`) (docs/decisions/052-mappers-and-plugins.md).
//
// mapper    := {"rules": [rule…], "keep"?: true, "description"?: text}      keep: the result begins as a copy of the input, not as {}
// rule      := {"to": place, source, "when"?: condition, then…} | {"remove": place, "when"?}
// source    := "from": path                       the first value that it finds
//            | "from": path, "all": true          all of them, as an array
//            | "from": path, "each": [rule…]      for each element of the array that it finds (with "all" for each value), what these rules make of it
//            | "value": any JSON                  a constant
//            | "template": text                   with {{path}} in it, for the text of what is there, or for nothing
// then      := in this order: "default"?: any JSON        where nothing is found, or null
//              "required"?: true                          it is an error if there is nothing then; else the rule does nothing
//              "map"?: {text: any JSON}, "otherwise"?     the value by its text; without `otherwise` it is an error if it is not there
//              "type"?: string | number | integer | boolean    converted, or an error
// condition := {"path": path, "equals"? | "in"?: [any JSON…] | "exists"?: true|false, "not"?: true}     of the first value; `exists` if it says nothing
// place     := names with dots (`customer.name`), or a JSON Pointer (`/customer/a.b`); `$` for the whole. A number reaches into an array that is there, `-` makes
//              one where nothing is, and appends to it
// path      := a JSONPath (`mock/json_path.hpp`) of what the rules are applied to; in `each`, `$$` instead of `$` begins at the whole input
//
// Rules are applied in order, each on what those before it have made. What is wrong is said with the pointer of the rule.
namespace hourglass::mock {

namespace limits_of_mappers {
inline constexpr std::size_t bytes = 64 * 1024; ///< of one, as text
inline constexpr std::size_t values = 8'192;    ///< of one, as JSON: each costs a hundred bytes as long as the sandbox is awake
inline constexpr std::size_t rules = 500;        ///< of one, those in `each` counted
inline constexpr std::size_t depth = 8;          ///< of `each` in `each`
inline constexpr std::size_t of_a_sandbox = 100;
inline constexpr std::uint64_t work = 500'000;       ///< values looked at or made in one application
inline constexpr std::size_t output_bytes = 4 * 1024 * 1024; ///< texts that are made, and the result
} // namespace limits_of_mappers

/// A mapper, checked and ready. Immutable; any thread.
class compiled_mapper {
public:
  /// Fails with `errc::invalid` and `errc::too_large` (`where` = JSON Pointer).
  static events::outcome<std::shared_ptr<const compiled_mapper>> compile(const json_value& v);
  static events::outcome<std::shared_ptr<const compiled_mapper>> compile(std::string_view text);

  ~compiled_mapper();

  /// The same input gives the same output. Fails with `errc::invalid`, `errc::too_large` (`where` = the pointer of the rule). Quotes nothing of the input.
  events::outcome<json_value> apply(const json_value& input) const;

  struct rule;

private:
  compiled_mapper();
  bool keep_ = false;
  std::vector<rule> rules_;
};

} // namespace hourglass::mock
