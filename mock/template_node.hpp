#pragma once

#include "mock/template.hpp"

namespace hourglass::mock {

/// One expression of a template. Private to template*.cpp.
struct template_node {
  enum class op : std::uint8_t {
    literal,
    path_parameter,
    query,
    header,
    body,
    method,
    target,
    answer_status,
    answer_header,
    answer_body,
    env,
    data,
    now,
    now_unix,
    now_ms,
    uuid,
    random,
    fallback,
  };
  op what = op::literal;
  json_value value;                 ///< literal
  std::vector<template_node> steps; ///< of a path: each gives a name or an index; of a call: its arguments
};

/// Reads one expression that starts at `at` and ends before `}}`; `at` is left after the `}}`.
/// Inside a JSON string quotes may be escaped (`\"`), as they are when the body was given as JSON.
events::outcome<template_node> parse_expression(std::string_view source, std::size_t& at, template_about about = template_about::request);

/// What an expression gives. `raw` is JSON text that nobody has parsed.
struct template_result {
  json_value value;
  std::optional<std::string> raw;
};
template_result evaluate(const template_node& node, template_scope& scope);

} // namespace hourglass::mock
