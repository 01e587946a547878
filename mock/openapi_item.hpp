#pragma once

#include "mock/json_value.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::mock {

/// A schema and where it stands.
struct schema_place {
  const json_value* schema = nullptr;
  std::string at; ///< JSON Pointer into the document
  bool one_of_several = false; ///< by `openapi_shapes::core`: the first alternative of more than one
  explicit operator bool() const noexcept { return schema != nullptr; }
};

/// What a schema says of an object's members.
struct item_shape {
  std::vector<std::pair<std::string, schema_place>> properties;
  std::vector<std::string> plain; ///< of `properties`, each `plain_name`
  std::vector<std::string> required;

  const schema_place* find(std::string_view name) const;
};

/// Looks at the schemas of answers, to tell what is an item and what is a list of them. Private to openapi*.cpp.
class openapi_shapes {
public:
  explicit openapi_shapes(const json_value& root) : root_(root) {}

  /// What is left of `s` without references, single `allOf` and alternatives, of which the first counts: two places that mean the same lead to one.
  schema_place core(schema_place s);
  /// References and `allOf` laid flat. Good as long as this is.
  const item_shape& shape_of(const schema_place& s);
  bool is_list(const schema_place& s) const;
  schema_place items_of(const schema_place& list);
  /// `readOnly` and the like, also behind a reference.
  bool says(schema_place s, std::string_view keyword);
  std::string_view type_of(schema_place s); ///< the first that is not null; empty: it does not say

  bool exhausted() const noexcept;
  /// Counts looking at so many members. False once everything is used up.
  bool pay(std::size_t steps) noexcept;

private:
  schema_place follow(schema_place s);
  void gather(schema_place s, item_shape& into, std::size_t depth);

  const json_value& root_;
  std::map<const json_value*, item_shape> known_;
  std::size_t steps_ = 0;
};

/// Lower-case letters and digits only: `pet_id`, `petId` and `pet-id` are one name.
std::string plain_name(std::string_view name);
bool ends_with_parameter(std::string_view path) noexcept; ///< `/pets/{id}`

} // namespace hourglass::mock
