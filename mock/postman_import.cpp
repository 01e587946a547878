// The saved example responses of a Postman collection (v2.0, v2.1) as endpoints.
#include "mock/translation.hpp"

#include "events/json_text.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/match_limits.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

constexpr std::size_t deepest_folder = 32;
constexpr std::size_t longest_url = 16 * limits::kibi;

using variables = std::map<std::string, std::string, std::less<>>;

/// Puts the collection's own variables into a text. What they hold is not looked at again.
std::string resolved(std::string_view text, const variables& known) {
  std::string out;
  while (true) {
    const auto open = text.find("{{");
    out += text.substr(0, open);
    const auto close = open != std::string_view::npos ? text.find("}}", open) : open;
    if (close == std::string_view::npos || out.size() > longest_url) {
      out += open != std::string_view::npos ? text.substr(open) : std::string_view{};
      return out;
    }
    const auto at = known.find(text.substr(open + 2, close - open - 2));
    out += at != known.end() ? std::string_view{at->second} : text.substr(open, close + 2 - open);
    text.remove_prefix(close + 2);
  }
}

/// Path and query of a URL that may lack its scheme or start with a variable.
std::string_view after_origin(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos && scheme < url.find_first_of("/?"))
    url.remove_prefix(scheme + 3);
  return url.starts_with('/') ? url : url.substr(std::min(url.find_first_of("/?"), url.size()));
}

/// `:id` and `{{id}}` as `{id}`; each name once. The path is within `limits::endpoint_path_bytes`.
std::string path_template(std::string_view path) {
  std::set<std::string> names;
  std::map<std::string, std::size_t> again; // how often a name stands; so finding a free one takes few tries
  std::string out;
  while (!path.empty()) {
    path.remove_prefix(path.front() == '/' ? 1 : 0);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment.empty())
      continue;
    std::string name;
    if (segment.front() == ':' && segment.size() > 1)
      name = segment.substr(1);
    else if (segment.starts_with("{{") && segment.ends_with("}}") && segment.size() > 4)
      name = segment.substr(2, segment.size() - 4);
    out += '/';
    if (name.empty()) {
      out += literal_path(segment);
      continue;
    }
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '{' || c == '}' || c == '?' || c == '#'; }, '_');
    for (const auto first = name; !names.insert(name).second;)
      name = first + '_' + std::to_string(++again[first] + 1);
    out += '{' + name + '}';
  }
  return out.empty() ? "/" : out;
}

class collection_reader {
public:
  collection_reader(const json_value& v, translation& out) : v_(v), out_(out) {
    if (const auto* list = v.member("variable"))
      for (const auto& item : list->items)
        note_variable(item);
  }

  void run() { folder(*v_.member("item"), "/item", 0); }

private:
  /// What may be a credential stays a variable, so it is asked for, but not what it is; and a large one would be copied into each request.
  void note_variable(const json_value& item) {
    const auto key = item.string_member("key");
    const auto* value = item.member("value");
    if (value == nullptr || !value->is_string() || is_secret_name(key) || item.string_member("type") == "secret")
      return;
    if (value->text.size() > longest_url)
      return out_.warn("a variable is too long to be put into requests", "/variable");
    known_[std::string{key}] = value->text;
  }

  void folder(const json_value& items, const std::string& at, std::size_t depth) {
    if (depth > deepest_folder)
      return out_.warn("left out, since it stands in too many folders", at);
    for (std::size_t i = 0; i < items.items.size(); ++i) {
      const auto here = at + '/' + std::to_string(i);
      if (const auto* below = items.items[i].member("item"))
        folder(*below, here + "/item", depth + 1);
      else
        request(items.items[i], here);
    }
  }

  void request(const json_value& item, const std::string& at) {
    const auto* responses = item.member("response");
    if (responses == nullptr || responses->items.empty())
      return out_.warn("left out, since it has no saved response", at);
    for (std::size_t i = 0; i < responses->items.size(); ++i)
      example(item, responses->items[i], at + "/response/" + std::to_string(i));
  }

  void example(const json_value& item, const json_value& saved, const std::string& at) {
    static const json_value nothing;
    const auto* original = saved.member("originalRequest");
    const auto* plain = item.member("request");
    const auto& asked = original != nullptr && original->is_object() ? *original : plain != nullptr ? *plain : nothing;
    auto endpoint = json_value::object();
    const auto method = asked.string_member("method");
    endpoint.set("method", json_value::of(method.empty() ? "GET" : std::string{method}));
    const auto url = url_of(asked);
    if (url.empty())
      return out_.warn("left out, since its request has no URL", at);
    const auto parts = split_target(after_origin(url));
    if (parts.path.size() > limits::endpoint_path_bytes || parts.query.size() > longest_url)
      return out_.warn("left out, since its URL is too long", at);
    endpoint.set("path", json_value::of(path_template(parts.path)));
    if (const auto name = item.string_member("name"); !name.empty())
      endpoint.set("name", json_value::of(std::string{name.substr(0, 256)}));
    auto query = query_of(asked, parts.query);
    if (!query)
      return out_.warn("left out, since its query is too long", at);
    if (!query->items.empty()) {
      auto match = json_value::object();
      match.set("query", std::move(*query));
      endpoint.set("match", std::move(match));
    }
    endpoint.set("response", response(saved, at));
    choose_by_header(endpoint, saved, at);
  }

  /// Of several examples for one request the first answers; the others where they are asked for as of Postman's own mock servers.
  void choose_by_header(json_value& endpoint, const json_value& saved, const std::string& at) {
    const auto* code = saved.member("code");
    const auto name = saved.string_member("name");
    const std::pair<const char*, std::string> ways[] = {
        {"", ""}, {"x-mock-response-code", code != nullptr ? code->text : std::string{}}, {"x-mock-response-name", std::string{name}}};
    const auto* before = endpoint.member("match");
    const auto match = before != nullptr ? *before : json_value::object();
    for (const auto& [header, value] : ways) {
      auto wanted = match;
      if (*header != '\0') {
        if (value.empty())
          continue;
        auto headers = json_value::object();
        headers.set(header, json_value::of(value));
        wanted.set("headers", std::move(headers));
        endpoint.set("match", std::move(wanted));
      }
      std::string key = endpoint.member("method")->text + ' ' + endpoint.member("path")->text + ' ';
      if (const auto* m = endpoint.member("match"))
        write_json(*m, key);
      if (taken_.insert(std::move(key)).second)
        return out_.add(std::move(endpoint), {}, at);
    }
    out_.warn("left out, since another example has the same request, code and name", at);
  }

  std::string url_of(const json_value& asked) const {
    const auto* url = asked.is_string() ? &asked : asked.member("url");
    if (url == nullptr)
      return {};
    if (url->is_string())
      return resolved(url->text, known_);
    if (const auto raw = url->string_member("raw"); !raw.empty())
      return resolved(raw, known_);
    std::string out;
    if (const auto* path = url->member("path"))
      for (const auto& segment : path->items)
        out += '/' + (segment.is_string() ? segment.text : std::string{segment.string_member("value")});
    return resolved(out, known_);
  }

  /// Parameters that are switched on, nothing if they are too many; those with variables must only be there, and of secrets nothing is asked.
  std::optional<json_value> query_of(const json_value& asked, std::string_view raw) const {
    auto out = json_value::object();
    fields pairs;
    const auto* url = asked.member("url");
    if (const auto* list = url != nullptr ? url->member("query") : nullptr; list != nullptr && list->is_array()) {
      std::size_t bytes = 0;
      for (const auto& q : list->items) {
        if (q.truth_member("disabled") || q.string_member("key").empty())
          continue;
        pairs.push_back({std::string{q.string_member("key")}, resolved(q.string_member("value"), known_)});
        bytes += pairs.back().name.size() + pairs.back().value.size();
        if (bytes > longest_url || pairs.size() > limits::match_conditions)
          return std::nullopt;
      }
    } else {
      pairs = parse_query(raw.substr(0, raw.find('#')));
    }
    for (auto& [name, value] : pairs) {
      if (is_secret_name(name))
        continue;
      if (out.items.size() == limits::match_conditions)
        return std::nullopt;
      if (value.find("{{") == std::string::npos) {
        out.set(name, json_value::of(std::move(value)));
        continue;
      }
      auto there = json_value::object();
      there.set("absent", json_value::of_bool(false));
      out.set(name, std::move(there));
    }
    return out;
  }

  json_value response(const json_value& saved, const std::string& at) {
    auto out = json_value::object();
    if (const auto* code = saved.member("code"); code != nullptr && code->is_number())
      out.set("status", *code);
    fields headers;
    if (const auto* list = saved.member("header"))
      for (const auto& h : list->items)
        if (!h.truth_member("disabled"))
          headers.push_back({std::string{h.string_member("key")}, std::string{h.string_member("value")}});
    set_headers(out, headers, at + "/header", out_);
    const auto* body = saved.member("body");
    if (body != nullptr && body->is_string() && body->text.find("{{") != std::string::npos)
      out_.warn("variables in `{{ }}` have no translation in an answer: they are sent as they are", at + "/body");
    if (body != nullptr && body->is_string() && !body->text.empty())
      set_recorded_body(out, body->text, at + "/body", out_);
    return out;
  }

  const json_value& v_;
  translation& out_;
  variables known_;
  std::set<std::string> taken_;
};

} // namespace

outcome<put_endpoints> read_postman(std::string_view text, bool strict) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  const auto* whole = &*v;
  if (const auto* inner = v->member("collection"); inner != nullptr && v->member("item") == nullptr)
    whole = inner; // as Postman's API gives it
  const auto* items = whole->member("item");
  if (items == nullptr || !items->is_array())
    return failure(errc::invalid, "is no Postman collection: it has no `item`", "/item");
  const auto* info = whole->member("info");
  const auto schema = info != nullptr ? info->string_member("schema") : std::string_view{};
  if (!schema.empty() && schema.find("/v2.") == std::string_view::npos)
    return failure(errc::invalid, "is a collection of another format than v2.0 and v2.1", "/info/schema");
  translation out;
  collection_reader{*whole, out}.run();
  return std::move(out).finish(strict);
}

} // namespace hourglass::mock
