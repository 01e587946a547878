#pragma once

#include "mock/openapi.hpp"
#include "mock/schema.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace hourglass::limits {

inline constexpr std::size_t document_doubts = 50; ///< told one by one; of the others their number

} // namespace hourglass::limits

namespace hourglass::mock {

/// Holds the values of an import's answers against their schemas, and gathers what to tell of those that do not fit. Private to openapi*.cpp.
class openapi_doubts {
public:
  explicit openapi_doubts(const json_value& root);

  /// The schema that stands at `place`. What of it cannot be compiled is told, once.
  const json_schema& compiled(const json_value& schema, const std::string& place);

  /// Of an example of the document at `at`. All of one document are held against their schemas within `limits::schema_work`.
  void judge_example(const json_value& schema, const std::string& place, const json_value& value, const std::string& at);
  /// Of a value that was made of the schema and is not as it says; null: none could be made.
  void tell_misfit(const json_value& schema, const std::string& place, const json_value* value);
  /// The same, where one without the schema's own examples and defaults is.
  void tell_unused(const json_value& schema, const std::string& place, const json_value& value);

  /// Adds what was gathered to `to`, as far as `limits::document_warnings` has room.
  void take(std::vector<document_warning>& to);

private:
  std::optional<schema_fault> fault_of(const json_value& schema, const std::string& place, const json_value& value, schema_purse& purse);
  void tell(std::string detail, std::string where);
  bool is_write_only(const schema_fault& f);

  const json_value& root_;
  schema_compiler compiler_;
  std::map<const json_value*, json_schema> known_;
  schema_purse purse_; ///< of examples
  bool told_empty_ = false;
  std::optional<std::unordered_set<std::string>> write_only_; ///< names of properties, once somebody asks
  std::set<std::string> told_;
  std::vector<document_warning> doubts_;
  std::size_t more_ = 0;
};

/// Leaves of members that stand twice in one object the last one, as JSON's readers do, and tells of them.
void drop_doubles(json_value& root, std::vector<document_warning>& to);

} // namespace hourglass::mock
