#pragma once

#include "mock/openapi.hpp"
#include "mock/openapi_item.hpp"
#include "mock/request_spec.hpp"

#include <functional>
#include <map>

namespace hourglass::mock {

/// Reads what operations demand of their requests, and gathers the schemas that this needs; or those of answers. Private to openapi*.cpp.
class openapi_requests {
public:
  using warner = std::function<void(std::string detail, std::string where)>;
  enum class side : std::uint8_t { requests, answers }; ///< whose schemas these are
  /// `later`: the document is OpenAPI 3.1.
  openapi_requests(const json_value& root, bool later, warner warn, side of = side::requests)
    : root_(root), later_(later), of_(of), warn_(std::move(warn)) {}

  request_spec read(const json_value& path_item, const json_value& operation, const std::string& path_at, const std::string& at);

  /// Gathers the schema that stands at `at`, or what it refers to; its key, empty if that leads nowhere.
  std::string keep(const json_value& schema, const std::string& at);
  /// Gathers one more schema; its key.
  std::string keep_at(const schema_place& s);

  /// The schemas as `request_schemas` reads them, but for `validation` and `security`; null if nothing is demanded. What they refer to is among them.
  json_value take();
  /// About as long as they are in JSON.
  std::size_t bytes() const noexcept { return bytes_; }
  /// What was gathered last may not be whole, nor is what comes.
  bool full() const noexcept { return full_; }

private:
  void read_parameters(const json_value* list, const std::string& at, std::vector<parameter_spec>& out);
  void read_bodies(const json_value& operation, const std::string& at, request_spec& out);
  std::vector<part_spec> read_parts(const json_value& encoding, const std::string& at);
  bool is_left_out(std::string_view keyword) const;
  void gather();
  void spend(std::size_t bytes);
  json_value copied(const json_value& schema, const json_value* whole = nullptr);
  json_value required_of(const json_value& names, const json_value& whole);
  bool sends_only(const json_value& whole, const std::string& name, std::size_t depth);
  bool read_only(const json_value& schema, std::size_t depth);
  json_value discriminator_of(const json_value& v);
  std::string key_of(std::string_view reference);

  const json_value& root_;
  bool later_;
  side of_;
  warner warn_;
  std::map<std::string, json_value> schemas_; ///< by their place
  std::vector<std::pair<std::string, const json_value*>> wanted_;
  std::size_t bytes_ = 0;
  std::size_t looks_ = 0; ///< in search of `readOnly`
  bool full_ = false;
  bool demanded_ = false; ///< by any operation
};

} // namespace hourglass::mock
