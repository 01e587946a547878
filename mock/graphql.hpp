#pragma once

#include "mock/json_value.hpp"
#include "mock/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A GraphQL document as its tokens: blanks, commas and comments are gone, so that two texts that mean the same are equal. Names and values look into
/// the text. Nothing if the text has something that is no token, or is longer than `limits::graphql_bytes`.
std::optional<std::vector<std::string_view>> graphql_tokens(std::string_view text);

/// One operation of a document.
struct graphql_operation {
  std::string type;                ///< `query`, `mutation`, `subscription`
  std::string name;                ///< empty: it has none
  std::vector<std::string> fields; ///< the fields it asks for at its root, by their own names, not their aliases
};
/// The operations in order, without fragments. Nothing if the document is none; what stands below the root fields is not looked at.
std::optional<std::vector<graphql_operation>> graphql_operations(const std::vector<std::string_view>& tokens);

/// A request to a GraphQL server.
struct graphql_request {
  std::string query;
  std::string operation_name; ///< empty: the only one
  json_value variables;       ///< null: none
};
/// As GraphQL over HTTP has it: a JSON body with `query`, `operationName` and `variables`; a body of application/graphql; or these as parameters of
/// the target. `body` is the request's as JSON, or null.
std::optional<graphql_request> read_graphql(const request& req, const json_value* body);

} // namespace hourglass::mock
