#pragma once

#include "mock/openapi.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A document that comes with those that it refers to:
///   {"document": <document>, "documents": {"<name>": <document>, …}}      each an object, or the text of one, JSON or YAML
/// A name is what references say, relative to the document they stand in (`schemas/pet.yaml`, `../common.yaml`) or absolute. Nothing is fetched.
class openapi_bundle {
public:
  static bool is_one(const json_value& root);

  /// The document with the others in it, under `/documents/<name>`, where references to them now lead.
  /// Fails with `errc::invalid` on what does not read (`where` = JSON Pointer, in texts with `line:column` behind it) and on a reference to a document
  /// that is not there, with `errc::too_large` beyond `limits::document_nodes` values in all of them together.
  static events::outcome<json_value> join(json_value root);

  /// The documents that `document` refers to, as their names are among all of them. `in` is its own name; empty: the main one.
  static std::vector<std::string> names_in(std::string_view in, const json_value& document);

  /// What to tell of the first reference that leaves `root`, if one does.
  static std::optional<document_warning> first_of_others(const json_value& root);
};

} // namespace hourglass::mock
