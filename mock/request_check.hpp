#pragma once

#include "mock/endpoints.hpp"
#include "mock/parameter.hpp"
#include "mock/schema.hpp"

#include <map>
#include <memory>
#include <optional>

namespace hourglass::mock {

struct multipart_part;

/// What is wrong with a request.
struct request_fault {
  std::vector<std::string> location; ///< `body`, `path`, `query`, `header` or `cookie`, then the parameter's name, then the way into its value
  schema_fault why;
};

/// The demands of one imported operation, ready. Immutable; may be used from any thread.
class request_check {
public:
  /// At most `limits::schema_faults`, none if the request is as it should be. `captures`: the path's parameters, in order of `names`.
  std::vector<request_fault> faults(const request& req, const std::vector<std::string>& names, const std::vector<std::string>& captures) const;
  bool enforced() const noexcept { return enforced_; }
  bool demands_body() const noexcept { return !bodies_.empty(); } ///< something of it, if there is one
  const security_spec& credentials() const noexcept { return security_; } ///< those that are demanded
  bool credentials_enforced() const noexcept { return security_enforced_; }

  /// The body as the value that it means. A form of which nothing is demanded here means what `otherwise` says.
  /// Fails with `errc::not_found` if its media type is one that is not read, `errc::invalid` (`where` = `line:column`, if known) if it does not read,
  /// `errc::too_large` if that would cost more than a request may.
  events::outcome<json_value> body_of(const request& req, const json_schema& otherwise = {}) const;
  unsigned refusal_status(const std::vector<request_fault>& faults) const noexcept; ///< 400 where a body is not even a value to be judged

  /// The answer to a request with `faults`: a problem document with a `validation` list.
  response refusal_of(const std::vector<request_fault>& faults) const;
  /// The value of `X-Request-Validation`.
  static std::string report_of(const std::vector<request_fault>& faults);

private:
  friend class request_schemas;
  struct parameter {
    parameter_spec spec;
    json_schema schema;
    schema_walk as;
  };
  struct part {
    part_spec spec;
    std::vector<parameter> headers;
  };
  struct body {
    std::string media_type;
    json_schema schema;
    schema_walk as;
    std::optional<std::vector<part>> parts; ///< as `body_spec::parts`
  };
  std::string assumed_media() const;
  void check_body(const request& req, reading& how, std::vector<request_fault>& out) const;
  static void check_parts(const request& req, const body& demanded, reading& how, std::vector<request_fault>& out);
  static void check_part(const multipart_part& came, const part& rule, reading& how, std::vector<request_fault>& out);

  std::vector<parameter> parameters_;
  std::vector<body> bodies_;
  bool body_required_ = false;
  unsigned refusal_ = 422;
  bool enforced_ = false;
  security_spec security_;
  bool security_enforced_ = false;
};

/// The schemas that the requests of an imported document need: a JSON object of them, by JSON Pointer into the document. References among them
/// are `#/` and the key, escaped.
///   {"dialect": "openapi_3_0" | "draft2020_12", "validation": "off" | "report" | "enforce", "security"?: "ignore" | "report" | "check",
///    "formats"?: true (they are asserted), "schemas": {…}}
class request_schemas {
public:
  /// Fails with `errc::corrupt`. `text` must outlive this.
  static events::outcome<std::unique_ptr<request_schemas>> read(const json_value& v);

  /// Null if `e` demands nothing.
  std::shared_ptr<const request_check> compile(const endpoint& e);
  /// The schema of that key; accepts everything if there is none.
  json_schema compile(const std::string& key) { return schema_of(key); }
  /// What no schema could be made of; `where` points into the document.
  std::vector<events::error> problems() const;

private:
  request_schemas(const json_value& schemas, schema_options options);
  json_schema schema_of(const std::string& key);
  request_check::parameter parameter_of(const parameter_spec& p);

  schema_compiler compiler_;
  std::map<std::string, json_schema, std::less<>> known_;
  std::vector<events::error> failed_;
  bool enforced_ = false;
  bool security_enforced_ = false;
};

/// `#/~1components~1schemas~1Pet/type`, a place among the imported schemas, as `#/components/schemas/Pet/type`, the place in their document.
std::string place_in_document(std::string_view uri);

} // namespace hourglass::mock
