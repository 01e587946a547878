#pragma once

#include "events/limits.hpp"
#include "events/outcome.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A JSON value as it was read: members keep their order, numbers their text. Depth is bounded where values are made, so walking one by
/// recursion is safe. (nlohmann::json sorts members, and its ordered variant takes quadratic time on a hostile object.)
struct json_value {
  enum class type : std::uint8_t { null, boolean, number, string, array, object };

  type kind = type::null;
  bool truth = false;
  std::string text;              ///< a string's content, or a number as JSON text
  std::vector<json_value> items; ///< elements, or the values of members
  std::vector<std::string> names; ///< of members, parallel to `items`

  static json_value of(std::string text);
  static json_value of_number(std::string text);
  static json_value of_number(std::int64_t number);
  static json_value of_bool(bool truth);
  static json_value array();
  static json_value object();

  bool is_null() const noexcept { return kind == type::null; }
  bool is_string() const noexcept { return kind == type::string; }
  bool is_number() const noexcept { return kind == type::number; }
  bool is_bool() const noexcept { return kind == type::boolean; }
  bool is_array() const noexcept { return kind == type::array; }
  bool is_object() const noexcept { return kind == type::object; }
  bool is_true() const noexcept { return kind == type::boolean && truth; }

  /// The member `name`, the last of them if there are several; null if none, or if this is no object.
  const json_value* member(std::string_view name) const noexcept;
  /// The text of the string member `name`, or an empty view.
  std::string_view string_member(std::string_view name) const noexcept;
  bool truth_member(std::string_view name) const noexcept; ///< whether it is true
  std::int64_t integer_member(std::string_view name, std::int64_t otherwise) const noexcept;
  /// The member of the member …; null where there is none.
  const json_value* reached(const std::vector<std::string>& steps) const noexcept;
  /// Of an array; the value null where it has no such.
  const json_value& item_at(std::size_t i) const noexcept;
  /// A number that is a whole one within 64 bits.
  bool as_integer(std::int64_t& out) const noexcept;
  double as_double() const noexcept; ///< 0 if this is no number

  void add(std::string name, json_value value); ///< appends; the caller keeps names apart
  void set(std::string_view name, json_value value);

  /// Must be called once an object has got its last member, if `member` is to be fast on a large one.
  void seal();

private:
  std::shared_ptr<const std::vector<std::uint32_t>> index_; ///< members in order of name, for large objects
};

/// Values made in one go: how many and how deep. Aliases count each time they are used.
struct json_budget {
  std::size_t nodes = limits::document_nodes;
  std::size_t depth = limits::json_depth;
};

/// Fails with `errc::invalid` (`where` = `line:column`) on anything but one JSON value in UTF-8, with `errc::too_large` beyond `budget`.
events::outcome<json_value> parse_json(std::string_view text, json_budget budget = {});

/// JSON or YAML 1.2 (core schema, plus merge keys), told apart by the first character. One document; aliases are expanded within `budget`.
events::outcome<json_value> parse_document(std::string_view text, json_budget budget = {});

/// Compact JSON text, appended.
void write_json(const json_value& v, std::string& out);
std::string to_text(const json_value& v);

/// `line:column`, both from 1, of a byte offset.
std::string place_of(std::string_view text, std::size_t offset);

/// `base` + `/` + `name`, escaped as a JSON Pointer.
std::string pointer_to(std::string_view base, std::string_view name);

/// The value at a JSON Pointer (RFC 6901), or null.
const json_value* at_pointer(const json_value& root, std::string_view pointer);

} // namespace hourglass::mock
