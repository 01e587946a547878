#include "mock/body_condition.hpp"

#include "events/json_text.hpp"
#include "mock/refusal.hpp"
#include "mock/secret_names.hpp"

#include <algorithm>
#include <utility>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

tl::unexpected<events::error> wrong(std::string why, const std::string& at, errc code = errc::invalid) {
  return failure(code, std::move(why), at);
}

/// A value as the text that the operators of a text look at.
std::string text_of(const json_value& v) {
  return v.is_string() ? v.text : to_text(v);
}

/// A value as it may be told: no more than what kind it is, if it has parts.
std::string shown(const json_value& v) {
  if (v.is_array())
    return "an array of " + std::to_string(v.items.size());
  return v.is_object() ? "an object of " + std::to_string(v.items.size()) : quoted(to_text(v));
}

/// What a path finds is remembered, so it may visit less than all that the purse has.
json_path::found find_within(const json_path& path, const json_value& v, schema_purse& purse) {
  const auto most = std::min<std::uint64_t>(purse.left, limits::json_path_work);
  auto work = most;
  auto out = path.find(v, work);
  purse.spend(most - work);
  return out;
}

/// Of a path that may find values below any name.
bool goes_anywhere(std::string_view path) {
  return path.find_first_of("*?:") != std::string_view::npos || path.find("..") != std::string_view::npos;
}

} // namespace

// -- compiling -----------------------------------------------------------------------

outcome<body_condition> body_condition::compile(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth) {
  if (depth > limits::match_depth)
    return wrong("conditions stand deeper inside each other than the limit match_depth (" + std::to_string(limits::match_depth) + ")", at,
                 errc::too_large);
  if (budget.conditions == 0)
    return wrong("more conditions than the limit match_conditions (" + std::to_string(limits::match_conditions) + ")", at, errc::too_large);
  --budget.conditions;
  if (!v.is_object() || v.items.size() != 1)
    return wrong("must be an object with one member: text, json, json_path, json_schema, xpath, not, any_of or all_of", at);
  const auto& kind = v.names.front();
  const auto& argument = v.items.front();
  body_condition out;
  out.where_ = pointer_to(at, kind);
  out.secret_ = tells_secret(argument);
  if (kind != "not" && kind != "any_of" && kind != "all_of") // what stands in those may be anything; the pointer says enough
    out.told_ = quoted(to_text(argument));
  auto take = [&](auto compiled) -> outcome<body_condition> {
    if (!compiled)
      return tl::unexpected<events::error>{std::move(compiled).error()};
    out.rule_ = std::move(*compiled);
    return std::move(out);
  };
  if (kind == "text")
    return take(text_condition::compile(argument, out.where_, budget, depth + 1));
  if (kind == "json")
    return take(json_match::compile(argument, out.where_, budget));
  if (kind == "json_path") {
    out.secret_ = out.secret_ || argument.string_member("path").find('\\') != std::string_view::npos; // a name may be written in escapes
    return take(compile_path(argument, out.where_, budget, depth + 1));
  }
  if (kind == "xpath")
    return take(compile_xpath(argument, out.where_, budget, depth + 1));
  if (kind == "json_schema") {
    auto schema = compile_schema(argument, {});
    if (!schema)
      return wrong(schema.error().detail + (schema.error().where.empty() ? "" : " (at " + schema.error().where + ")"), out.where_,
                   schema.error().code);
    return take(std::move(schema));
  }
  group parts;
  parts.what = kind == "not" ? group::kind::negation : kind == "any_of" ? group::kind::any : group::kind::all;
  if (kind == "not") {
    auto one = compile(argument, out.where_, budget, depth + 1);
    if (!one)
      return one;
    parts.parts.push_back(std::move(*one));
  } else if (kind == "any_of" || kind == "all_of") {
    if (!argument.is_array())
      return wrong("must be an array of conditions", out.where_);
    for (std::size_t i = 0; i < argument.items.size(); ++i) {
      auto one = compile(argument.items[i], pointer_to(out.where_, std::to_string(i)), budget, depth + 1);
      if (!one)
        return one;
      parts.parts.push_back(std::move(*one));
    }
  } else {
    return wrong("is no condition of a body", out.where_);
  }
  out.rule_ = std::move(parts);
  return out;
}

outcome<body_condition::path_rule> body_condition::compile_path(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth) {
  const auto* path = v.member("path");
  if (!v.is_object() || path == nullptr || !path->is_string())
    return wrong("must be an object with a path, a JSONPath", at);
  auto compiled = json_path::compile(path->text);
  if (!compiled)
    return wrong("is no JSONPath that is supported: " + compiled.error().detail + " (" + compiled.error().where + ")", pointer_to(at, "path"),
                 compiled.error().code);
  path_rule out{std::move(*compiled), path->text, {}, {}};
  auto operators = json_value::object();
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    if (v.member(v.names[i]) != &v.items[i])
      return wrong("stands twice", pointer_to(at, v.names[i]));
    if (v.names[i] == "json") {
      auto json = json_match::compile(v.items[i], pointer_to(at, "json"), budget);
      if (!json)
        return tl::unexpected<events::error>{std::move(json).error()};
      out.json = std::move(*json);
    } else if (v.names[i] != "path") {
      operators.add(v.names[i], v.items[i]);
    }
  }
  if (operators.items.empty())
    return out;
  auto text = text_condition::compile(operators, at, budget, depth);
  if (!text)
    return tl::unexpected<events::error>{std::move(text).error()};
  out.text = std::move(*text);
  return out;
}

outcome<body_condition::xml_rule> body_condition::compile_xpath(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth) {
  const auto* path = v.member("path");
  if (path == nullptr || !path->is_string())
    return wrong("must be an object with a path, an XPath", at);
  auto compiled = xml_path::compile(path->text);
  if (!compiled)
    return wrong("is no XPath: " + compiled.error().detail, pointer_to(at, "path"), compiled.error().code);
  xml_rule out{std::move(*compiled), {}};
  auto operators = json_value::object();
  for (std::size_t i = 0; i < v.items.size(); ++i)
    if (v.names[i] != "path")
      operators.add(v.names[i], v.items[i]);
  if (operators.items.empty())
    return out;
  auto text = text_condition::compile(operators, at, budget, depth);
  if (!text)
    return tl::unexpected<events::error>{std::move(text).error()};
  out.text = std::move(*text);
  return out;
}

// -- holding ---------------------------------------------------------------------------

bool body_condition::holds_path(const path_rule& rule, body_view& body, schema_purse& purse) const {
  const auto* v = body.json(purse);
  json_path::found found;
  if (v != nullptr)
    found = find_within(rule.path, *v, purse);
  if (!found.complete)
    body.unsure = true;
  if (purse.empty() || !found.complete)
    return false;
  if (rule.json && std::none_of(found.values.begin(), found.values.end(), [&](const auto* one) { return rule.json->holds(*one, purse); }))
    return false;
  if (!rule.text)
    return rule.json || !found.values.empty();
  std::vector<std::string> texts;
  std::vector<std::string_view> views;
  for (const auto* one : found.values) {
    texts.push_back(text_of(*one));
    if (!purse.spend(1 + texts.back().size() / 16)) // a path may find the same large value many times
      return false;
  }
  views.assign(texts.begin(), texts.end());
  return rule.text->holds(views, purse);
}

bool body_condition::holds_xpath(const xml_rule& rule, body_view& body, schema_purse& purse) {
  const auto* document = body.xml(purse);
  const auto found = document != nullptr ? rule.path.find(*document, purse) : xml_path::found{};
  if (!found.complete || (document == nullptr && body.bytes().size() > limits::xml_bytes))
    body.unsure = true;
  if (purse.empty())
    return false;
  if (!rule.text)
    return !found.texts.empty();
  if (!found.complete)
    return false;
  const std::vector<std::string_view> views(found.texts.begin(), found.texts.end());
  return rule.text->holds(views, purse);
}

bool body_condition::holds(body_view& body, schema_purse& purse) const {
  if (!purse.spend(1))
    return false;
  if (const auto* text = std::get_if<text_condition>(&rule_)) {
    const auto bytes = body.bytes();
    return text->holds({&bytes, bytes.empty() ? std::size_t{0} : std::size_t{1}}, purse);
  }
  if (const auto* path = std::get_if<path_rule>(&rule_))
    return holds_path(*path, body, purse);
  if (const auto* path = std::get_if<xml_rule>(&rule_))
    return holds_xpath(*path, body, purse);
  if (const auto* parts = std::get_if<group>(&rule_)) {
    auto is_so = [&](const body_condition& c) { return c.holds(body, purse); };
    if (parts->what == group::kind::negation) { // what could not be looked at neither holds nor does its opposite
      const bool before = std::exchange(body.unsure, false);
      const bool so = !is_so(parts->parts.front()) && !body.unsure;
      body.unsure = body.unsure || before;
      return so && !purse.empty();
    }
    const bool so = parts->what == group::kind::any ? std::any_of(parts->parts.begin(), parts->parts.end(), is_so)
                                                    : std::all_of(parts->parts.begin(), parts->parts.end(), is_so);
    return so && !purse.empty();
  }
  const auto* v = body.json(purse);
  if (v == nullptr)
    return false;
  if (const auto* json = std::get_if<json_match>(&rule_))
    return json->holds(*v, purse);
  return std::get<json_schema>(rule_).accepts(*v, purse);
}

// -- telling -----------------------------------------------------------------------------

void body_condition::tell_path(const path_rule& rule, body_view& body, schema_purse& purse, match_difference& into) const {
  const auto* v = body.json(purse);
  const auto found = v != nullptr ? find_within(rule.path, *v, purse) : json_path::found{};
  if (found.values.empty())
    return;
  into.hidden = into.hidden || (goes_anywhere(rule.source) && has_secret_member(*v));
  std::string all;
  for (std::size_t i = 0; i < std::min<std::size_t>(found.values.size(), 3); ++i)
    all += (i == 0 ? "" : ", ") + shown(*found.values[i]);
  into.came = all + (found.values.size() > 3 ? ", …" : "");
}

match_difference body_condition::difference(body_view& body, schema_purse& purse) const {
  match_difference out{where_, told_, std::nullopt, secret_, {}};
  if (body.bytes().empty()) {
    out.detail = "there is no body";
  } else if (const auto* path = std::get_if<path_rule>(&rule_)) {
    tell_path(*path, body, purse, out);
    if (body.json(purse) == nullptr)
      out.detail = "the body is no JSON";
  } else if (const auto* xml = std::get_if<xml_rule>(&rule_)) {
    const auto* document = body.xml(purse);
    const auto found = document != nullptr ? xml->path.find(*document, purse) : xml_path::found{};
    if (document == nullptr)
      out.detail = "the body is no XML, or larger than the limit xml_bytes";
    else if (!found.complete)
      out.detail = "the XPath costs too much for a document of this size";
    else if (!found.texts.empty())
      out.came = quoted(found.texts.front());
    out.hidden = out.hidden || (out.came && names_secret(body.bytes())); // a node's text is that of all below it
  } else if (std::holds_alternative<json_match>(rule_) || std::holds_alternative<json_schema>(rule_)) {
    const auto* v = body.json(purse);
    if (v == nullptr) {
      out.came = "a body of " + std::to_string(body.bytes().size()) + " bytes";
      out.detail = "the body is no JSON";
    } else if (const auto* json = std::get_if<json_match>(&rule_)) {
      const auto at = json->first_difference(*v, purse);
      const auto* there = at_pointer(*v, at);
      const auto* wanted = at_pointer(json->wanted(), at);
      out.detail = "differs at " + (at.empty() ? std::string{"the root"} : quoted(at));
      out.hidden = names_secret(at) || (wanted != nullptr && tells_secret(*wanted)); // of the place alone
      out.wanted = wanted != nullptr ? shown(*wanted) : "nothing";
      out.came = there != nullptr ? std::optional{shown(*there)} : std::nullopt;
    } else if (auto faults = std::get<json_schema>(rule_).check(*v, purse, 1); !faults.empty()) {
      const auto& fault = faults.front();
      const auto* there = at_pointer(*v, fault.instance);
      if (there != nullptr)
        out.came = shown(*there);
      out.hidden = out.hidden || names_secret(fault.instance) || (there != nullptr && tells_secret(*there));
      out.detail = quoted((fault.instance.empty() ? "the body" : fault.instance) + (out.hidden ? " breaks " + fault.keyword : ' ' + fault.message));
    }
  } else {
    out.came = "a body of " + std::to_string(body.bytes().size()) + " bytes";
  }
  if (out.hidden) {
    out.wanted.clear();
    out.came = out.came ? std::optional{std::string{}} : std::nullopt;
  }
  return out;
}

} // namespace hourglass::mock
