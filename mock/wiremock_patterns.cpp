// WireMock's patterns in our words.
#include "mock/wiremock_patterns.hpp"

#include "mock/target.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

translated_pattern lost(std::string what, std::string at) {
  return {std::nullopt, std::move(what), std::move(at), {}};
}
translated_pattern found(json_value condition) {
  return {std::move(condition), {}, {}, {}};
}

json_value single(std::string name, json_value value) {
  auto out = json_value::object();
  out.add(std::move(name), std::move(value));
  return out;
}

/// A member that is JSON, or a string with JSON in it.
std::optional<json_value> json_of(const json_value& v) {
  if (!v.is_string())
    return v;
  auto parsed = parse_json(v.text);
  return parsed ? std::optional{std::move(*parsed)} : std::nullopt;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> plain{{{"equalTo", "equals"},
                                                                              {"contains", "contains"},
                                                                              {"matches", "matches"},
                                                                              {"greaterThanNumber", "greater_than"},
                                                                              {"greaterThanEqualNumber", "at_least"},
                                                                              {"lessThanNumber", "less_than"},
                                                                              {"lessThanEqualNumber", "at_most"},
                                                                              {"absent", "absent"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> lists{
    {{"and", "all_of"}, {"or", "any_of"}, {"hasExactly", "has_exactly"}, {"includes", "includes"}}};

template <std::size_t N>
std::string_view ours(const std::array<std::pair<std::string_view, std::string_view>, N>& words, std::string_view theirs) {
  auto at = std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.first == theirs; });
  return at != words.end() ? at->second : std::string_view{};
}

using translate = translated_pattern (*)(const json_value&, const std::string&);

translated_pattern translate_list(const json_value& list, const std::string& at, std::string_view as, translate one) {
  if (!list.is_array())
    return lost("must be an array", at);
  auto out = json_value::array();
  std::string note;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    auto item = one(list.items[i], pointer_to(at, std::to_string(i)));
    if (!item.condition)
      return item;
    note = note.empty() ? item.note : note;
    out.items.push_back(std::move(*item.condition));
  }
  auto done = found(single(std::string{as}, std::move(out)));
  done.note = std::move(note);
  return done;
}

} // namespace

std::string translate_regex(std::string_view pattern) {
  constexpr std::string_view dot_all = "(?s)";
  if (pattern.starts_with(dot_all))
    pattern.remove_prefix(dot_all.size());
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      out.append(pattern.substr(i, 2));
      ++i;
      continue;
    }
    in_class = c == '[' || (in_class && c != ']');
    if (c == '.' && !in_class)
      out += "[\\s\\S]";
    else
      out += c;
  }
  return out;
}

translated_pattern translate_text_pattern(const json_value& p, const std::string& at) {
  if (!p.is_object() || p.items.empty())
    return lost("is no pattern", at);
  auto out = json_value::object();
  for (std::size_t i = 0; i < p.items.size(); ++i) {
    const auto& name = p.names[i];
    const auto& value = p.items[i];
    const auto here = pointer_to(at, name);
    if (const auto word = ours(plain, name); !word.empty()) {
      if (name == "absent" && !value.is_true()) // WireMock takes any value of it for true
        out.set("absent", json_value::of_bool(!value.is_bool()));
      else
        out.set(word, name == "matches" && value.is_string() ? json_value::of(translate_regex(value.text)) : value);
    } else if (const auto list = ours(lists, name); !list.empty()) {
      auto items = translate_list(value, here, list, translate_text_pattern);
      if (!items.condition)
        return items;
      out.set(list, std::move(items.condition->items.front()));
    } else if (name == "caseInsensitive") {
      if (value.is_true())
        out.set("ignore_case", value);
    } else if (name == "equalToNumber") {
      out.set("at_least", value);
      out.set("at_most", value);
    } else if (name == "anything") {
      out.set("all_of", json_value::array()); // holds where there is nothing, too; so do the negations
    } else if (name == "doesNotContain" || name == "doesNotMatch") {
      const bool matches = name == "doesNotMatch" && value.is_string();
      out.set("not", single(name == "doesNotMatch" ? "matches" : "contains", matches ? json_value::of(translate_regex(value.text)) : value));
    } else if (name == "not") {
      auto inner = translate_text_pattern(value, here);
      if (!inner.condition)
        return inner;
      out.set("not", std::move(*inner.condition));
    } else {
      return lost("the pattern `" + name.substr(0, 64) + "` has no translation", here);
    }
  }
  return out.items.empty() ? lost("is no pattern", at) : found(std::move(out));
}

namespace {

/// `{"expression": …, pattern}`, or a text that is an expression, as `{"path": …, operators}`.
translated_pattern translate_path(const json_value& v, const std::string& at, bool takes_json) {
  if (v.is_string())
    return found(single("path", v));
  const auto* expression = v.member("expression");
  if (expression == nullptr || !expression->is_string())
    return lost("has no expression", at);
  auto out = single("path", *expression);
  auto rest = json_value::object();
  for (std::size_t i = 0; i < v.items.size(); ++i)
    if (v.names[i] != "expression")
      rest.add(v.names[i], v.items[i]);
  if (rest.items.empty())
    return found(std::move(out));
  if (takes_json && rest.member("equalToJson") != nullptr) {
    auto json = translate_body_pattern(rest, at);
    if (!json.condition)
      return json;
    out.add("json", std::move(json.condition->items.front()));
    return found(std::move(out));
  }
  auto operators = translate_text_pattern(rest, at);
  if (!operators.condition)
    return operators;
  if (operators.condition->member("absent") == nullptr) // what a path does not find fits nothing else
    operators.condition->set("absent", json_value::of_bool(false));
  for (std::size_t i = 0; i < operators.condition->items.size(); ++i)
    out.add(operators.condition->names[i], std::move(operators.condition->items[i]));
  return found(std::move(out));
}

translated_pattern translate_json(const json_value& p, const std::string& at) {
  auto wanted = json_of(*p.member("equalToJson"));
  if (!wanted)
    return lost("is no JSON", pointer_to(at, "equalToJson"));
  auto out = single("equals", std::move(*wanted));
  for (std::size_t i = 0; i < p.items.size(); ++i) {
    if (p.names[i] == "ignoreArrayOrder" || p.names[i] == "ignoreExtraElements")
      out.set(p.names[i] == "ignoreArrayOrder" ? "ignore_array_order" : "ignore_extra_elements", json_value::of_bool(p.items[i].is_true()));
    else if (p.names[i] != "equalToJson")
      return lost("`" + p.names[i].substr(0, 64) + "` has no translation beside equalToJson", pointer_to(at, p.names[i]));
  }
  return found(single("json", std::move(out)));
}

translated_pattern translate_schema(const json_value& p, const std::string& at) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> drafts{{{"V4", "http://json-schema.org/draft-04/schema#"},
                                                                                        {"V6", "http://json-schema.org/draft-06/schema#"},
                                                                                        {"V7", "http://json-schema.org/draft-07/schema#"},
                                                                                        {"V201909", "https://json-schema.org/draft/2019-09/schema"},
                                                                                        {"V202012", "https://json-schema.org/draft/2020-12/schema"}}};
  auto schema = json_of(*p.member("matchesJsonSchema"));
  if (!schema)
    return lost("is no JSON", pointer_to(at, "matchesJsonSchema"));
  if (const auto draft = ours(drafts, p.string_member("schemaVersion"));
      !draft.empty() && schema->is_object() && schema->member("$schema") == nullptr)
    schema->set("$schema", json_value::of(std::string{draft}));
  return found(single("json_schema", std::move(*schema)));
}

} // namespace

translated_pattern translate_body_pattern(const json_value& p, const std::string& at) {
  if (!p.is_object())
    return lost("is no pattern", at);
  if (p.member("equalToJson") != nullptr)
    return translate_json(p, at);
  if (p.member("matchesJsonSchema") != nullptr)
    return translate_schema(p, at);
  for (const auto* name : {"matchesJsonPath", "matchesXPath"})
    if (const auto* path = p.member(name)) {
      const bool json = name == std::string_view{"matchesJsonPath"};
      auto out = translate_path(*path, pointer_to(at, name), json);
      if (!out.condition)
        return out;
      if (p.member("xPathNamespaces") != nullptr)
        out.note = "namespaces are compared by their prefixes, as they are written";
      out.condition = single(json ? "json_path" : "xpath", std::move(*out.condition));
      return out;
    }
  for (const auto* name : {"and", "or"})
    if (const auto* list = p.member(name))
      return translate_list(*list, pointer_to(at, name), name == std::string_view{"and"} ? "all_of" : "any_of", translate_body_pattern);
  if (const auto* inner = p.member("not")) {
    auto out = translate_body_pattern(*inner, pointer_to(at, "not"));
    if (out.condition)
      out.condition = single("not", std::move(*out.condition));
    return out;
  }
  auto text = translate_text_pattern(p, at);
  if (text.condition)
    text.condition = single("text", std::move(*text.condition));
  return text;
}

// -- templates -----------------------------------------------------------------------------

namespace {

/// `'$.a.b[0]'` as `.a.b[0]`.
std::optional<std::string> steps_of(std::string_view path) {
  path = trimmed(path);
  if (path.size() < 4 || path.front() != path.back() || (path.front() != '\'' && path.front() != '"'))
    return std::nullopt;
  path = path.substr(1, path.size() - 2);
  if (!path.starts_with("$.") || path.find("..") != std::string_view::npos ||
      path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]$") != std::string_view::npos)
    return std::nullopt;
  return std::string{path.substr(1)};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == std::string_view::npos;
}

std::optional<std::string> translate_expression(std::string_view e) {
  e = trimmed(e);
  if (e == "request.path" || e == "request.url")
    return "request.target";
  if (e == "request.method" || e == "request.body" || e == "now")
    return std::string{e};
  if (e == "randomValue type='UUID'" || e == "randomValue type=\"UUID\"")
    return "uuid";
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> roots{
      {{"request.query.", "request.query."}, {"request.headers.", "request.header."}, {"request.path.", "request.path."}}};
  for (const auto& [theirs, root] : roots)
    if (e.starts_with(theirs) && is_name(e.substr(theirs.size())))
      return std::string{root} + std::string{e.substr(theirs.size())};
  constexpr std::string_view json_path = "jsonPath request.body ";
  if (e.starts_with(json_path))
    if (auto steps = steps_of(e.substr(json_path.size())))
      return "request.body" + *steps;
  return std::nullopt;
}

} // namespace

std::optional<std::string> translate_handlebars(std::string_view text) {
  std::string out;
  while (true) {
    const auto open = text.find("{{");
    out += text.substr(0, open);
    if (open == std::string_view::npos)
      return out;
    text.remove_prefix(open);
    const bool triple = text.starts_with("{{{");
    const std::string_view closing = triple ? "}}}" : "}}";
    const auto close = text.find(closing);
    if (close == std::string_view::npos)
      return std::nullopt;
    auto expression = translate_expression(text.substr(closing.size(), close - closing.size()));
    if (!expression)
      return std::nullopt;
    out += "{{" + *expression + "}}";
    text.remove_prefix(close + closing.size());
  }
}

} // namespace hourglass::mock
