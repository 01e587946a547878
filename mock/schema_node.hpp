#pragma once

#include "mock/decimal.hpp"
#include "mock/ecma_regex.hpp"
#include "mock/schema.hpp"

#include <array>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>

namespace hourglass::mock {

/// What a schema is compiled to: rules sorted by the type of value they concern, so that checking a value looks at nothing else.
/// Private to schema*.cpp.

using schema_ref = const schema_node*;

struct number_bound {
  decimal exact;
  std::int64_t small = 0;
  bool is_small = false;
  bool exclusive = false;
  bool upper = false;
  const char* keyword = "";
  std::string text;
};

struct number_rules {
  std::vector<number_bound> bounds;
  std::optional<number_bound> multiple_of;
};

constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

struct string_rules {
  std::size_t least = 0;
  std::size_t most = unbounded;
  std::shared_ptr<const ecma_regex> pattern;
};

struct array_rules {
  std::size_t least = 0;
  std::size_t most = unbounded;
  bool unique = false;
  std::vector<schema_ref> prefix;
  schema_ref rest = nullptr;
  const char* prefix_keyword = "prefixItems";
  const char* rest_keyword = "items";
  schema_ref contains = nullptr;
  std::size_t contains_least = 1;
  std::size_t contains_most = unbounded;
  bool contains_evaluates = false;
};

/// Names of members, found by their hash.
class name_table {
public:
  struct entry {
    std::string name;
    schema_ref schema = nullptr;
    int required = -1; ///< place in `object_rules::required`
  };
  entry& operator[](const std::string& name);
  void seal(); ///< once all names are in
  const entry* find(std::string_view name) const noexcept;
  const std::vector<entry>& all() const noexcept { return entries_; }

private:
  std::vector<entry> entries_;
  std::map<std::string, std::size_t, std::less<>> building_;
  std::vector<std::uint32_t> slots_; ///< index + 1 into `entries_`; open addressing
};

struct dependent_rule {
  std::string name;
  std::vector<std::string> required;
  schema_ref schema = nullptr;
  const char* keyword = "";
};

struct pattern_rule {
  std::shared_ptr<const ecma_regex> pattern;
  schema_ref schema = nullptr;
};

struct object_rules {
  std::size_t least = 0;
  std::size_t most = unbounded;
  name_table names; ///< of `properties` and `required`
  std::vector<std::string> required;
  std::vector<pattern_rule> patterns;
  schema_ref additional = nullptr;
  schema_ref property_names = nullptr;
  std::vector<dependent_rule> dependents;
};

struct schema_format; // schema_format.hpp

/// `discriminator` of OpenAPI: which alternative a value of a property points at.
struct discriminator_rule {
  std::string property;
  std::map<std::string, std::size_t, std::less<>> alternatives;
};

/// What concerns values of every type.
struct logic_rules {
  bool has_constant = false;
  json_value constant;
  bool has_choices = false;
  std::vector<json_value> choices;        ///< those of `enum` that are no strings
  std::vector<std::string> choice_texts;  ///< those that are, in order
  std::uint8_t choice_types = 0;          ///< of `choices`
  schema_ref reference = nullptr;
  schema_ref dynamic = nullptr;
  const char* dynamic_keyword = "$dynamicRef";
  bool is_dynamic = false;
  std::string dynamic_name;
  std::vector<schema_ref> all_of;
  std::vector<schema_ref> any_of;
  std::vector<schema_ref> one_of;
  std::optional<discriminator_rule> discriminator;
  schema_ref negated = nullptr;
  schema_ref condition = nullptr;
  schema_ref consequence = nullptr;
  schema_ref alternative = nullptr;
  schema_ref unevaluated_items = nullptr;
  schema_ref unevaluated_members = nullptr;
};

namespace schema_types {
inline constexpr std::uint8_t null = 1;
inline constexpr std::uint8_t boolean = 2;
inline constexpr std::uint8_t number = 4; ///< also those that are integers
inline constexpr std::uint8_t string = 8;
inline constexpr std::uint8_t array = 16;
inline constexpr std::uint8_t object = 32;
inline constexpr std::uint8_t integer = 64;
inline constexpr std::uint8_t any = 63;
/// The bits of a value's own type; both for a number.
std::uint8_t of(const json_value& v) noexcept;
} // namespace schema_types

/// `xml` of OpenAPI: how a value is written as XML. Nothing is checked against it.
struct xml_rules {
  std::string name; ///< of the element or attribute; empty: the property's
  bool attribute = false;
  bool wrapped = false; ///< an array has an element of its own around its items
};

struct schema_node {
  std::string at; ///< URI of the schema
  std::uint32_t resource = 0;
  std::uint8_t types = schema_types::any;
  bool never = false;           ///< the schema `false`
  bool nullable = false;        ///< OpenAPI 3.0: null fits, whatever else is said
  bool strict_integers = false; ///< draft 4: 1.0 is none
  std::unique_ptr<number_rules> numbers;
  std::unique_ptr<string_rules> strings;
  std::unique_ptr<array_rules> arrays;
  std::unique_ptr<object_rules> objects;
  std::unique_ptr<logic_rules> logic;
  std::unique_ptr<xml_rules> xml;
  const schema_format* format = nullptr; ///< only if it is asserted
};

struct schema_program {
  std::deque<schema_node> nodes; ///< never moved
  std::vector<std::map<std::string, schema_ref, std::less<>>> dynamic; ///< of each resource
};

} // namespace hourglass::mock
