#pragma once

#include "mock/ecma_regex.hpp"
#include "mock/json_value.hpp"
#include "mock/schema.hpp"
#include "mock/text_condition.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hourglass::mock {

/// JSON that a value must be equal to, wholly or in part.
///
///   {"equals": any JSON, "ignore_array_order"?: false, "ignore_extra_elements"?: false}
///
/// Numbers are compared by value. With `ignore_extra_elements`, objects may have other members and arrays other elements; with `ignore_array_order`,
/// elements may stand anywhere. A text in `equals` may stand for others, as in JsonUnit: `${json-unit.ignore}` anything, `${json-unit.any-string}`,
/// `${json-unit.any-number}`,
/// `${json-unit.any-boolean}`, and `${json-unit.regex}PATTERN` a text that matches as a whole.
/// Immutable; any thread.
class json_match {
public:
  /// Fails with `errc::invalid` or `errc::too_large`, `where` beginning with `at`.
  static events::outcome<json_match> compile(const json_value& v, const std::string& at, match_budget& budget);

  /// False, too, once the purse is empty.
  bool holds(const json_value& v, schema_purse& purse) const;
  /// Of a value for which it does not hold: JSON Pointer to the first place that differs, as far as it can be told.
  std::string first_difference(const json_value& v, schema_purse& purse) const;
  const json_value& wanted() const noexcept { return wanted_; }

private:
  events::outcome<void> note_placeholders(const json_value& v, const std::string& at, match_budget& budget);
  bool same(const json_value& wanted, const json_value& v, schema_purse& purse) const;
  bool same_array(const json_value& wanted, const json_value& v, schema_purse& purse) const;
  /// With `ignore_array_order`: gives `a[wanted]` an element of `b`; others may have to take another one for it.
  bool find_place(const std::vector<json_value>& a, const std::vector<json_value>& b, std::size_t wanted, std::vector<std::size_t>& taken_by,
                  schema_purse& purse) const;
  bool same_object(const json_value& wanted, const json_value& v, schema_purse& purse) const;

  json_value wanted_;
  bool any_order_ = false;
  bool extra_ = false;
  std::map<std::string, std::shared_ptr<const ecma_regex>, std::less<>> regexes_; ///< by the whole placeholder
};

} // namespace hourglass::mock
