#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A parameter as OpenAPI declares it.
struct parameter_spec {
  std::string in;    ///< `path`, `query`, `header`, `cookie`
  std::string name;
  std::string style; ///< `simple`, `label`, `matrix`, `form`, `spaceDelimited`, `pipeDelimited`, `deepObject`
  bool explode = false;
  bool required = false;
  bool json = false;  ///< its text is JSON (`content` instead of `schema`)
  std::string schema; ///< its key among the imported schemas; empty: anything goes
  bool operator==(const parameter_spec&) const = default;
};

/// What a document says of one part of a multipart body (its Encoding Object).
struct part_spec {
  std::string name;
  std::vector<std::string> types; ///< media types that it may have, essences or ranges; empty: any
  std::vector<parameter_spec> headers;
  std::string place; ///< of the Encoding Object, a JSON Pointer into the document
  bool operator==(const part_spec&) const = default;
};

/// A body of one media type.
struct body_spec {
  std::string media_type; ///< essence, or a range like `text/*`
  std::string schema;     ///< as above
  /// Of a type that a multipart body may have: what more is asked of its parts. None: such a body is not looked into, as in all imports of before
  /// there were rules of parts.
  std::optional<std::vector<part_spec>> parts = std::nullopt;
  bool operator==(const body_spec&) const = default;
};

/// A credential of one security scheme.
struct credential_spec {
  std::string scheme; ///< its name in the document
  std::string type;   ///< `apiKey`, else the scheme of `Authorization` in lower case: `basic`, `bearer` (also OAuth 2 and OpenID Connect), …
  std::string in;     ///< of an apiKey: `header`, `query`, `cookie`
  std::string name;   ///< of an apiKey: the parameter's
  bool operator==(const credential_spec&) const = default;
};
/// Any of these, each with all that it lists; empty: nobody is asked for one.
using security_spec = std::vector<std::vector<credential_spec>>;

/// What an imported operation demands of a request.
struct request_spec {
  std::vector<parameter_spec> parameters;
  std::vector<body_spec> bodies;
  bool body_required = false;
  unsigned refusal = 422; ///< 400 if the document declares that and no 422
  security_spec security;
  bool empty() const noexcept { return parameters.empty() && bodies.empty() && security.empty(); }
  bool operator==(const request_spec&) const = default;
};

/// What becomes of a request that breaks the rules of its operation.
enum class validation_mode : std::uint8_t {
  off,     ///< nothing is checked
  report,  ///< it is answered, and `X-Request-Validation` tells the first fault and how many there are
  enforce, ///< it is refused with a problem document that lists the faults
};
std::string_view to_string(validation_mode mode) noexcept;

/// What becomes of a request without the credentials that its operation demands.
enum class security_mode : std::uint8_t {
  ignore, ///< nobody looks
  report, ///< it is answered, and `X-Request-Validation` tells
  check,  ///< it is refused with 401 and `WWW-Authenticate`
};
std::string_view to_string(security_mode mode) noexcept;
std::optional<security_mode> security_mode_from(std::string_view name) noexcept;
/// What an import does that does not say: as strict as with all else.
security_mode security_that_follows(validation_mode mode) noexcept;

std::optional<validation_mode> validation_mode_from(std::string_view name) noexcept;

} // namespace hourglass::mock
