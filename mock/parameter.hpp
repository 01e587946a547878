#pragma once

#include "mock/json_value.hpp"
#include "mock/message.hpp"
#include "mock/request_spec.hpp"
#include "mock/schema_walk.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// The reading of one request.
struct reading {
  schema_purse& purse; ///< what it may still cost; once it is empty, what is read means nothing
  bool cut = false;    ///< something had more than `limits::parameter_parts` parts, and was not read to its end
};

/// Names and values of a query or a form, the names decoded, the values still encoded: delimiters count before decoding.
std::vector<field> encoded_pairs(std::string_view query, reading& how);
/// The cookies of a request.
std::vector<field> cookie_pairs(const fields& headers, reading& how);

/// Text as the value that a schema means: `5` is a number where one may stand, else a string.
json_value typed_text(std::string text, const schema_walk& as, reading& how);

/// Reads `text`, a whole path segment, header or cookie, in the parameter's style.
json_value read_parameter(const parameter_spec& spec, std::string_view text, bool encoded, const schema_walk& as, reading& how);
/// Reads a query parameter, which may stand several times and under several names. Nothing if it is not there.
std::optional<json_value> read_query_parameter(const parameter_spec& spec, const std::vector<field>& pairs, const schema_walk& as, reading& how);

/// A form (`application/x-www-form-urlencoded`): members may repeat, and nest as `a[b][c]`, `a[]` and `a[0]`. A required array that is not there is empty,
/// since a form has no other way to say so; one value is an array of one where an array belongs (OpenAPI: `form`, exploded). Objects, and arrays of what is no text,
/// may stand as JSON.
json_value read_form(std::string_view body, const schema_walk& as, reading& how);

/// A value of a form whose name is decoded already.
struct form_value {
  std::string name;
  json_value value;
  bool text = true; ///< `value` is a text that the schema gives its meaning, else what it is
};
/// The same of a form that came otherwise (`multipart/form-data`).
json_value read_form(std::vector<form_value> values, const schema_walk& as, reading& how);

} // namespace hourglass::mock
