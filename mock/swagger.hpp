#pragma once

#include "mock/openapi.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace hourglass::mock {

/// A Swagger 2.0 document made into an OpenAPI 3.0 one, and the way back: what is told of a place in the result is told of the place it came from.
///
/// Becomes: `body` and `formData` parameters with `consumes` a request body; `schema` and `examples` of responses with `produces` contents; `host`,
/// `basePath` and `schemes` a server; `collectionFormat` style and explode; `type: file` binary text; `x-nullable` nullable; a `discriminator` an object;
/// `securityDefinitions` security schemes. `definitions` stay where they are, so references to them do, too; those to `parameters` and `responses` are
/// put in their places. Bounded by `limits::document_nodes` values and `limits::document_text_bytes` of names and texts in the result.
class swagger_conversion {
public:
  static bool is_one(const json_value& root) { return root.member("swagger") != nullptr; }

  /// Fails with `errc::invalid` on another version, with `errc::too_large` beyond the limit.
  events::outcome<json_value> convert(const json_value& root);

  /// The place in the original that a place in the result came from.
  std::string original(std::string_view pointer) const;
  /// Has `doc`, made of the result, speak of the original.
  void give_back(openapi_document& doc) const;

private:
  struct parameter {
    const json_value* value;
    std::string at; ///< in the original
  };
  using parameters = std::vector<parameter>;

  json_value schema_of(const json_value& v);
  json_value simple_schema(const json_value& v);
  json_value path_item(const json_value& v, const std::string& at);
  json_value operation(const json_value& v, const std::string& at, const parameters& of_path);
  parameters parameters_of(const json_value& v, const std::string& at);
  json_value plain_parameters(const parameters& all, const std::string& at);
  json_value plain_parameter(const parameter& p);
  json_value request_body(const parameters& all, const json_value& operation, const std::string& at);
  json_value form_body(const parameters& form, std::vector<std::string> types, const std::string& at);
  json_value responses(const json_value& v, const std::vector<std::string>& types, const std::string& at);
  json_value response(const json_value& v, const std::vector<std::string>& types, const std::string& at, const std::string& from);
  json_value servers() const;
  json_value security_schemes();
  std::vector<std::string> media_types(const json_value& operation, std::string_view name, const std::string& at);
  json_value copied(const json_value& v);
  void redirect(json_value& v) const;
  void add_text(json_value& to, const json_value& from, const char* name);
  /// Notes that what is at `place` came from `from`.
  void came_from(std::string place, std::string from);
  /// Must be called before anything is copied. False once too much was: then what is made is of no use.
  bool spend(std::size_t nodes, std::size_t bytes) noexcept;
  bool spend(const json_value& one) noexcept; ///< without what lies below it
  bool spent() const noexcept;
  void warn(std::string detail, std::string where);

  const json_value* root_ = nullptr;
  json_value forms_; ///< what the operation at hand takes in its form, one schema a parameter
  std::unordered_map<std::string, std::string> places_; ///< in the result -> in the original, where these differ
  std::vector<document_warning> warnings_; ///< what could not be kept; of places in the original
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace hourglass::mock
