#pragma once

#include "events/ids.hpp"
#include "mock/endpoints.hpp"
#include "mock/json_value.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A webhook that a document declares: an event type to be.
struct document_webhook {
  std::string name;
  std::string description;
  std::string media_type;
  std::string example; ///< JSON text
  std::string shape;   ///< hex digits that stay as long as the document says the same of it, whatever its example was made from
};

/// Something that was left out or read with good will.
struct document_warning {
  std::string detail;
  std::string where; ///< JSON Pointer into the document
};

/// Where the body of one content of one response comes from.
struct answer_source {
  std::string schema;     ///< its key among the document's `answers`; empty: there is none that a body could be made of
  bool generated = false; ///< the body was made of the schema
  std::string given;      ///< the document's own first example, where it was asked not to use it
};
using answer_sources = std::vector<std::vector<answer_source>>; ///< of an endpoint, by response and content

struct openapi_document {
  std::string title;
  std::string version;
  std::string sha256; ///< of the text, in hex digits
  std::vector<endpoint> endpoints; ///< without ids; each compiles
  std::vector<document_webhook> webhooks;
  json_value requests; ///< the schemas that the endpoints' `demands` name, as `request_schemas` reads them but for `validation`; null: none
  json_value answers; ///< the schemas that `sources` name, as `openapi_requests` gathers them; null: none
  std::vector<answer_sources> sources; ///< of each endpoint; none without `answers`
  std::vector<collection_spec> collections; ///< whose `space` the endpoints' `state` names
  std::optional<state_mode> state; ///< what the document itself says of them
  std::vector<document_warning> warnings; ///< at most `limits::document_warnings`
};

/// Derives endpoints from an OpenAPI 3.0 or 3.1 document, or a Swagger 2.0 one (`mock/swagger.hpp`), JSON or YAML. The same text and seed give the same endpoints.
///
/// Bodies are, in this order: `examples` (their `value`, whatever stands beside it) and `example` of the media type, an example of its schema, a
/// value generated from the schema. Only references within the document are followed; others are left out with a warning.
/// Fails with `errc::invalid` (`where` = `line:column` or a JSON Pointer) on what is no such document, with `errc::too_large` beyond the limits.
/// With `generated` only the last of these, and without the examples and defaults of the schemas.
events::outcome<openapi_document> read_openapi(std::string_view text, const events::entropy& seed, bool generated = false);

/// A JSON Pointer as a reference within its document.
std::string reference_to_place(std::string_view pointer);

/// Follows `$ref`s within `root` from `v` to something that is none. Null for one that leaves the document, dangles or runs in a circle.
const json_value* follow_reference(const json_value& root, const json_value& v);

/// Hex digits of all that `from` says, also by what it refers to. `bytes_left` is what may still be looked at, of one document.
std::string digest_of_all(const json_value& root, const json_value& from, std::size_t& bytes_left);

/// The body that an operation takes, and its media types; null without a body that has any.
struct openapi_body {
  const json_value* body = nullptr;
  const json_value* content = nullptr;
};
openapi_body request_body_of(const json_value& root, const json_value& operation);

/// Path part of the first server of the operation, the path or the document.
std::string base_path_of(const json_value& root, const json_value& item, const json_value& operation);

} // namespace hourglass::mock
