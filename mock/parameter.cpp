// From the text of a parameter or a form to the value that its schema means (OpenAPI's styles).
#include "mock/parameter.hpp"

#include "mock/target.hpp"

#include <algorithm>
#include <map>

namespace hourglass::mock {

namespace {

constexpr std::size_t most_levels = 16;

std::string decoded(std::string_view text, bool encoded, bool plus_is_space) {
  std::string out;
  return encoded && percent_decode(text, plus_is_space, out) ? out : std::string{text};
}

bool is_number(const std::string& text) {
  if (text.empty() || text.size() > 1'000 || text.find_first_not_of("0123456789+-.eE") != std::string::npos)
    return false;
  auto v = parse_json(text);
  return v && v->is_number();
}

std::vector<std::string_view> split(std::string_view text, std::string_view delimiter, reading& how) {
  std::vector<std::string_view> out;
  while (true) {
    auto end = std::min(text.find(delimiter), text.size());
    out.push_back(text.substr(0, end));
    if (end == text.size())
      return out;
    if (out.size() == limits::parameter_parts) {
      how.cut = true;
      return out;
    }
    text.remove_prefix(end + delimiter.size());
  }
}

json_value array_of(const std::vector<std::string_view>& parts, bool encoded, bool plus, const schema_walk& as, reading& how) {
  auto out = json_value::array();
  for (auto part : parts)
    out.items.push_back(typed_text(decoded(part, encoded, plus), as.element(out.items.size(), how.purse), how));
  return out;
}

/// `a,1,b,2`, or `a=1,b=2` if exploded.
json_value object_of(const std::vector<std::string_view>& parts, bool explode, bool encoded, bool plus, const schema_walk& as, reading& how) {
  auto out = json_value::object();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto equals = std::min(parts[i].find('='), parts[i].size());
    auto name = explode ? parts[i].substr(0, equals) : parts[i];
    auto value = explode ? parts[i].substr(std::min(equals + 1, parts[i].size())) : i + 1 < parts.size() ? parts[++i] : std::string_view{};
    auto key = decoded(name, encoded, plus);
    auto typed = typed_text(decoded(value, encoded, plus), as.member(key, how.purse), how);
    out.add(std::move(key), std::move(typed));
  }
  out.seal();
  return out;
}

json_value composed(const std::vector<std::string_view>& parts, bool explode, bool encoded, bool plus, const schema_walk& as, reading& how) {
  return as.allows_array() ? array_of(parts, encoded, plus, as, how) : object_of(parts, explode, encoded, plus, as, how);
}

bool is_scalar(const schema_walk& as) { return !as.allows_array() && !as.allows_object(); }

// -- nested names -----------------------------------------------------------------------

struct leaf {
  json_value value;
  bool text = true; ///< that may mean something else
};

struct tree {
  std::vector<leaf> values;
  std::map<std::string, tree, std::less<>> children;
};

/// `a[b][]` as `a`, `b`, ``; a name that is not bracketed so is one key.
std::vector<std::string> keys_of(const std::string& name) {
  auto open = name.find('[');
  if (open == std::string::npos || open == 0 || name.back() != ']')
    return {name};
  std::vector<std::string> out{name.substr(0, open)};
  for (auto at = open; at < name.size();) {
    auto close = name.find(']', at);
    if (name[at] != '[' || close == std::string::npos || out.size() == most_levels)
      return {name};
    out.push_back(name.substr(at + 1, close - at - 1));
    at = close + 1;
  }
  return out;
}

void insert(tree& into, const std::vector<std::string>& keys, std::size_t from, leaf value) {
  auto* at = &into;
  for (auto i = from; i < keys.size(); ++i)
    at = &at->children[keys[i]];
  at->values.push_back(std::move(value));
}

/// What is no text has no form of its own and may stand as JSON: OpenAPI's default for objects in a body, and what Swagger UI sends.
json_value text_or_json(const leaf& one, const schema_walk& as, reading& how) {
  if (!one.text)
    return one.value;
  const auto& text = one.value.text;
  const bool may = !as.allows_string() && ((text.starts_with('{') && as.allows_object()) ||
                                           (text.starts_with('[') && as.allows_array() && !as.element(0, how.purse).allows_string()));
  if (may && how.purse.spend(1 + text.size() / 4))
    if (auto v = parse_json(text))
      return std::move(*v);
  return typed_text(text, as, how);
}

json_value value_of(const tree& t, const schema_walk& as, reading& how) {
  bool places = !t.children.empty() && std::all_of(t.children.begin(), t.children.end(), [](const auto& c) {
    return c.first.size() < 9 && std::all_of(c.first.begin(), c.first.end(), [](char d) { return d >= '0' && d <= '9'; });
  });
  if (t.children.empty() && t.values.size() == 1)
    if (auto one = text_or_json(t.values.front(), as, how); one.is_array() || !as.allows_array() || as.allows_string())
      return one;
  if (t.children.empty() || (places && (as.allows_array() || !as.allows_object()))) {
    auto out = json_value::array();
    for (const auto& v : t.values)
      out.items.push_back(text_or_json(v, as.element(out.items.size(), how.purse), how));
    std::vector<std::pair<std::size_t, const tree*>> order;
    for (const auto& [key, child] : t.children)
      order.emplace_back(key.empty() ? 0 : std::stoul(key), &child);
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [place, child] : order) {
      if (child->children.empty())
        for (const auto& v : child->values)
          out.items.push_back(text_or_json(v, as.element(out.items.size(), how.purse), how));
      else
        out.items.push_back(value_of(*child, as.element(out.items.size(), how.purse), how));
    }
    return out;
  }
  auto out = json_value::object();
  for (const auto& [key, child] : t.children)
    out.add(key, value_of(child, as.member(key, how.purse), how));
  out.seal();
  return out;
}

} // namespace

std::vector<field> encoded_pairs(std::string_view query, reading& how) {
  std::vector<field> out;
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty())
      continue;
    if (out.size() == limits::parameter_parts) {
      how.cut = true;
      break;
    }
    auto equals = std::min(pair.find('='), pair.size());
    out.push_back({decoded(pair.substr(0, equals), true, true), std::string{pair.substr(std::min(equals + 1, pair.size()))}});
  }
  return out;
}

std::vector<field> cookie_pairs(const fields& headers, reading& how) {
  std::vector<field> out;
  for (const auto& h : headers) {
    if (!same_name(h.name, "cookie"))
      continue;
    for (auto pair : split(h.value, ";", how)) {
      auto equals = std::min(pair.find('='), pair.size());
      out.push_back({std::string{trimmed(pair.substr(0, equals))}, std::string{trimmed(pair.substr(std::min(equals + 1, pair.size())))}});
    }
  }
  return out;
}

json_value typed_text(std::string text, const schema_walk& as, reading& how) {
  if (!how.purse.spend(1 + text.size() / 16) || as.names_text(text, how.purse))
    return json_value::of(std::move(text));
  if (as.allows_number() && is_number(text))
    return *parse_json(text);
  if (as.allows_boolean() && (text == "true" || text == "false"))
    return json_value::of_bool(text == "true");
  if (as.allows_null() && !as.allows_string() && (text.empty() || text == "null"))
    return {};
  return json_value::of(std::move(text));
}

json_value read_parameter(const parameter_spec& spec, std::string_view text, bool encoded, const schema_walk& as, reading& how) {
  bool plus = spec.in == "query";
  if (spec.json) {
    auto v = parse_json(decoded(text, encoded, plus));
    return v ? std::move(*v) : json_value::of(decoded(text, encoded, plus));
  }
  std::string_view delimiter = ",";
  if (spec.style == "label" && text.starts_with('.')) {
    text.remove_prefix(1);
    delimiter = spec.explode ? "." : ",";
  } else if (spec.style == "matrix" && text.starts_with(';')) {
    text.remove_prefix(1);
    auto named = spec.name + '=';
    if (text.starts_with(named) && (!spec.explode || is_scalar(as)))
      text.remove_prefix(named.size());
    delimiter = spec.explode ? ";" : ",";
    if (spec.explode && as.allows_array()) {
      auto parts = split(text, ";", how);
      for (auto& part : parts)
        part.remove_prefix(part.starts_with(named) ? named.size() : 0);
      return array_of(parts, encoded, plus, as, how);
    }
  } else if (spec.style == "spaceDelimited") {
    delimiter = text.find("%20") != std::string_view::npos ? "%20" : "+";
  } else if (spec.style == "pipeDelimited") {
    delimiter = text.find("%7C") != std::string_view::npos ? "%7C" : "|";
  }
  if (is_scalar(as))
    return typed_text(decoded(text, encoded, plus), as, how);
  auto parts = text.empty() ? std::vector<std::string_view>{} : split(text, delimiter, how);
  if (spec.in == "header")
    for (auto& part : parts) // a list of a header may have blanks around its commas
      part = trimmed(part);
  return composed(parts, spec.explode && spec.in != "cookie", encoded, plus, as, how);
}

std::optional<json_value> read_query_parameter(const parameter_spec& spec, const std::vector<field>& pairs, const schema_walk& as, reading& how) {
  how.purse.spend(pairs.size() / 4);
  if (spec.style == "deepObject" || (as.allows_object() && spec.explode && !spec.json)) {
    const bool deep = spec.style == "deepObject";
    tree all;
    bool any = false;
    for (const auto& p : pairs) {
      if (!how.purse.spend(1 + p.name.size() / 64))
        break;
      auto keys = deep ? keys_of(p.name) : std::vector<std::string>{p.name};
      bool mine = deep ? keys.size() > 1 && keys.front() == spec.name : as.mentions(p.name, how.purse);
      if (!mine)
        continue;
      any = true;
      insert(all, keys, deep ? 1 : 0, {json_value::of(decoded(p.value, true, true)), true});
    }
    if (any)
      return value_of(all, as, how);
    if (deep)
      return std::nullopt;
  }
  std::vector<std::string_view> mine;
  for (const auto& p : pairs)
    if (p.name == spec.name || (as.allows_array() && p.name == spec.name + "[]"))
      mine.push_back(p.value);
  if (mine.empty())
    return std::nullopt;
  if (as.allows_array() && !spec.json && (spec.explode || mine.size() > 1))
    return array_of(mine, true, true, as, how);
  return read_parameter(spec, mine.front(), true, as, how);
}

json_value read_form(std::string_view body, const schema_walk& as, reading& how) {
  std::vector<form_value> values;
  for (auto& p : encoded_pairs(body, how))
    values.push_back({std::move(p.name), json_value::of(decoded(p.value, true, true)), true});
  return read_form(std::move(values), as, how);
}

json_value read_form(std::vector<form_value> values, const schema_walk& as, reading& how) {
  tree all;
  for (auto& v : values)
    insert(all, as.declares(v.name, how.purse) ? std::vector<std::string>{v.name} : keys_of(v.name), 0, {std::move(v.value), v.text});
  auto out = json_value::object();
  for (const auto& [key, child] : all.children)
    out.add(key, value_of(child, as.member(key, how.purse), how));
  // An empty array leaves no trace in a form: one that must be there and is not is empty, and `minItems` judges it.
  for (auto name : as.members(how.purse)) {
    if (how.purse.empty())
      break;
    if (all.children.find(name) != all.children.end() || !as.demands(name, how.purse))
      continue;
    if (const auto m = as.member(name, how.purse); m.allows_array() && !m.allows_object() && !m.allows_string())
      out.add(std::string{name}, json_value::array());
  }
  out.seal();
  return out;
}

} // namespace hourglass::mock
