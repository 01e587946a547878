#include "mock/template.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/template_node.hpp"

#include <charconv>

namespace hourglass::mock {

template_flavour flavour_of_template(std::string_view name, std::string_view source) {
  if (name.ends_with("json"))
    return template_flavour::json;
  if (name.ends_with("xml"))
    return template_flavour::xml;
  const auto first = source.find_first_not_of(" \t\r\n");
  const bool looks_json = first != std::string_view::npos && (source[first] == '[' || (source[first] == '{' && !source.substr(first).starts_with("{{")));
  return looks_json ? template_flavour::json : template_flavour::text;
}

/// Literal text, then perhaps an expression.
struct compiled_template::piece {
  std::string text;
  std::optional<template_node> expression;
  bool in_string = false; ///< the expression stands inside a JSON string
};

namespace {

/// Where in the source each part of the sample came from, to give an error of the sample a place in the source.
struct origin {
  std::size_t sample;
  std::size_t source;
};

std::size_t offset_at(std::string_view text, std::string_view place) {
  std::size_t line = 1;
  std::size_t column = 1;
  auto colon = place.find(':');
  std::from_chars(place.data(), place.data() + colon, line);
  std::from_chars(place.data() + colon + 1, place.data() + place.size(), column);
  std::size_t at = 0;
  while (--line > 0)
    at = text.find('\n', at) + 1;
  return at + column - 1;
}

events::outcome<void> check_json(std::string_view source, std::string_view sample, const std::vector<origin>& origins) {
  auto parsed = parse_json(sample);
  if (parsed)
    return {};
  auto error = parsed.error();
  if (error.where.empty())
    return tl::unexpected<events::error>{error};
  auto at = offset_at(sample, error.where);
  auto source_at = at;
  for (const auto& o : origins)
    if (o.sample <= at)
      source_at = o.source + (at - o.sample);
  return events::failure(error.code, "the text around the expressions " + error.detail, place_of(source, source_at));
}

/// Follows JSON strings through literal text.
bool string_after(std::string_view text, bool in_string) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      in_string = !in_string;
    else if (in_string && text[i] == '\\')
      ++i;
  }
  return in_string;
}

void append_escaped_json(std::string_view text, std::string& out) {
  auto start = out.size();
  events::json_text{out}.value(text);
  out.erase(start, 1); // the quotes around it
  out.pop_back();
}

void append_escaped_xml(std::string_view text, std::string& out) {
  for (char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&apos;";
      break;
    default:
      out += c;
    }
  }
}

/// What a value reads as inside text.
std::string as_text(template_result r) {
  if (r.raw && !r.raw->empty() && (r.raw->front() == '"' || r.raw->front() == 'n'))
    r = {parse_json(*r.raw).value_or(json_value{}), {}};
  if (r.raw)
    return std::move(*r.raw);
  if (r.value.is_string() || r.value.is_number())
    return std::move(r.value.text);
  return r.value.is_null() ? std::string{} : to_text(r.value);
}

} // namespace

compiled_template::compiled_template(template_flavour flavour) : flavour_(flavour) {}
compiled_template::compiled_template(compiled_template&&) noexcept = default;
compiled_template& compiled_template::operator=(compiled_template&&) noexcept = default;
compiled_template::~compiled_template() = default;

events::outcome<compiled_template> compiled_template::compile(std::string_view source, template_flavour flavour, template_about about) {
  compiled_template out{flavour};
  std::string sample;
  std::vector<origin> origins;
  bool in_string = false;
  std::size_t at = 0;
  while (at < source.size()) {
    auto open = std::min(source.find("{{", at), source.size());
    auto literal = source.substr(at, open - at);
    in_string = flavour == template_flavour::json && string_after(literal, in_string);
    origins.push_back({sample.size(), at});
    sample += literal;
    auto& added = out.pieces_.emplace_back();
    added.text = literal;
    at = open;
    if (open == source.size())
      break;
    if (out.pieces_.size() > limits::template_expressions)
      return events::failure(events::errc::too_large, "more expressions than the limit template_expressions", place_of(source, at));
    at += 2;
    auto expression = parse_expression(source, at, about);
    if (!expression)
      return tl::unexpected<events::error>{expression.error()};
    origins.push_back({sample.size(), open});
    sample += in_string ? "" : "null";
    added.expression = std::move(*expression);
    added.in_string = in_string;
  }
  if (flavour == template_flavour::json)
    if (auto ok = check_json(source, sample, origins); !ok)
      return tl::unexpected<events::error>{ok.error()};
  return out;
}

events::outcome<void> compiled_template::render(template_scope& scope, std::string& out) const {
  for (const auto& p : pieces_) {
    out += p.text;
    if (p.expression) {
      auto result = evaluate(*p.expression, scope);
      bool as_value = flavour_ == template_flavour::json && !p.in_string;
      if (as_value && result.raw)
        out += *result.raw;
      else if (as_value)
        write_json(result.value, out);
      else if (flavour_ == template_flavour::json)
        append_escaped_json(as_text(std::move(result)), out);
      else if (flavour_ == template_flavour::xml)
        append_escaped_xml(as_text(std::move(result)), out);
      else
        out += as_text(std::move(result));
    }
    if (out.size() > limits::template_output_bytes)
      return events::failure(events::errc::too_large, "the answer is larger than the limit template_output_bytes");
    if (scope.exhausted())
      return events::failure(events::errc::too_large, "the answer reads more than the limit template_work_bytes");
  }
  return {};
}

} // namespace hourglass::mock
