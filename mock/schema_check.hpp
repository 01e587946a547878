#pragma once

#include "mock/schema_node.hpp"

namespace hourglass::mock {

/// Which members or elements of a value some schema has looked at, for `unevaluatedProperties` and `unevaluatedItems`.
using evaluated_marks = std::vector<bool>;

/// A place in the value being checked; the way up is spelt out only when there is a fault to tell.
struct instance_place {
  const instance_place* up = nullptr;
  const std::string* name = nullptr; ///< null: an element
  std::size_t index = 0;

  std::string pointer() const;
};

/// The schema resources entered on the way to a schema, innermost first.
struct dynamic_scope {
  const dynamic_scope* up = nullptr;
  std::uint32_t resource = 0;
};

/// One value against one schema. Private to schema_check*.cpp.
class schema_check {
public:
  schema_check(const schema_program& program, schema_purse& purse, std::vector<schema_fault>* faults, std::size_t most)
    : program_(program), purse_(purse), faults_(faults), most_(most) {}

  bool run(const schema_node& n, const json_value& v);
  bool exhausted() const noexcept { return exhausted_; }
  static schema_fault too_much_work(const schema_node& n);

private:
  /// What goes along on the way down.
  struct way {
    const instance_place& at;
    const dynamic_scope* scope;
    std::size_t depth;
  };

  bool check(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool check_unevaluated(const schema_node& n, const json_value& v, const way& w, const evaluated_marks& marks);
  bool check_values(const schema_node& n, const json_value& v, const way& w);
  bool check_number(const schema_node& n, const json_value& v, const way& w);
  bool check_string(const schema_node& n, const std::string& text, const way& w);
  bool check_array(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool check_contains(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool check_object(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool check_members(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool check_logic(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool check_alternatives(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool check_one_of(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  void explain(const schema_node& n, const std::vector<schema_ref>& alternatives, const json_value& v, const way& w);
  schema_ref dynamic_target(const logic_rules& l, const dynamic_scope* scope);

  /// Whether `v` fits, telling nobody why not.
  bool quietly(const schema_node& n, const json_value& v, const way& w, evaluated_marks* marks);
  bool spend(std::uint64_t work) noexcept;
  /// Room for the marks of one alternative; nothing is spent if there are none to keep.
  bool spend_marks(const evaluated_marks* marks) noexcept { return marks == nullptr || spend(marks->size() / 16); }
  /// Notes a fault; false, always.
  template <class Message>
  bool fault(const schema_node& n, const char* keyword, const way& w, Message&& message) {
    if (faults_ != nullptr && faults_->size() < most_)
      faults_->push_back({w.at.pointer(), keyword_uri(n, keyword), keyword, message()});
    return false;
  }
  static std::string keyword_uri(const schema_node& n, std::string_view keyword);
  /// True if nobody wants to know more than that there is a fault.
  bool enough() const noexcept { return faults_ == nullptr || faults_->size() >= most_; }

  const schema_program& program_;
  schema_purse& purse_;
  std::vector<schema_fault>* faults_;
  std::size_t most_;
  bool exhausted_ = false;
};

bool type_fits(const schema_node& n, const json_value& v) noexcept;
std::string names_of_types(std::uint8_t types);
std::string_view name_of_type(const json_value& v) noexcept;
/// `v` for a message: short, and whole characters.
std::string shown(const json_value& v);
std::string shown(std::string_view text);

} // namespace hourglass::mock
