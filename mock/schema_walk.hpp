#pragma once

#include "mock/schema.hpp"

namespace hourglass::mock {

/// What a schema says about a value before there is one: which types it could be of, and which schemas its parts would have. For reading text
/// (parameters, forms) into the value that is meant. It looks through references and alternatives and is a good guess, not a verdict.
/// What it looks at is paid for; with an empty purse it knows nothing.
class schema_walk {
public:
  explicit schema_walk(const json_schema& schema);

  bool allows_null() const noexcept;
  bool allows_boolean() const noexcept;
  bool allows_number() const noexcept;
  bool allows_string() const noexcept; ///< also where nothing is said
  bool allows_array() const noexcept;
  bool allows_object() const noexcept;
  bool names_text(const std::string& text, schema_purse& purse) const; ///< among the strings of an `enum` or as `const`

  bool declares(std::string_view member, schema_purse& purse) const;
  bool mentions(std::string_view member, schema_purse& purse) const; ///< declares it, or requires it
  bool demands(std::string_view member, schema_purse& purse) const;  ///< requires it
  schema_walk member(std::string_view name, schema_purse& purse) const;
  schema_walk element(std::size_t i, schema_purse& purse) const;
  std::vector<std::string_view> members(schema_purse& purse) const; ///< those that are declared; good as long as the schema is
  /// What its schemas say of XML.
  struct xml_hint {
    std::string_view name;
    bool attribute = false;
    bool wrapped = false;
  };
  xml_hint xml() const;

private:
  schema_walk() = default;
  void enter(const schema_node* node, schema_purse& purse);
  unsigned types() const noexcept { return types_ != 0 ? types_ : hints_; }

  std::vector<const schema_node*> nodes_;
  unsigned types_ = 0; ///< of all that name some; 0: nothing is said
  unsigned hints_ = 0; ///< those of the values that `enum` and `const` name, and that bounds and lengths are about
};

} // namespace hourglass::mock
