// WireMock's stub mappings as endpoints.
#include "mock/translation.hpp"

#include "events/json_text.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/match_limits.hpp"
#include "mock/target.hpp"
#include "mock/wiremock_patterns.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class stub {
public:
  stub(const json_value& v, std::string at, translation& out) : v_(v), at_(std::move(at)), out_(out) {}

  void run() {
    static const json_value nothing = json_value::object();
    const auto* request = v_.member("request");
    const auto* response = v_.member("response");
    if (!v_.is_object() || (request == nullptr && response == nullptr))
      return out_.warn("left out, since it is no stub mapping", at_);
    read_scenario();
    read_request(request != nullptr ? *request : nothing);
    read_response(response != nullptr ? *response : nothing);
    read_rest();
    if (left_out_)
      return;
    if (!match_.items.empty())
      endpoint_.set("match", std::move(match_));
    endpoint_.set("response", std::move(response_));
    auto id = std::string{v_.string_member("id")};
    out_.add(std::move(endpoint_), id.empty() ? std::string{v_.string_member("uuid")} : id, at_);
  }

private:
  /// The whole stub would answer what it should not.
  void lose(const std::string& why, std::string where) {
    if (!left_out_)
      out_.warn("left out, since " + why, std::move(where));
    left_out_ = true;
  }
  std::string in_request(std::string_view name) const { return pointer_to(at_ + "/request", name); }
  std::string in_response(std::string_view name) const { return pointer_to(at_ + "/response", name); }

  json_value taken(translated_pattern p) {
    if (!p.condition)
      lose("a pattern of it cannot be translated: " + p.lost, p.at);
    else if (!p.note.empty())
      out_.warn(p.note, at_);
    return p.condition ? std::move(*p.condition) : json_value{};
  }
  /// A cookie that is not there fits nothing but `absent`; elsewhere negations hold for what is not there.
  static json_value of_place(std::string_view place, json_value condition) {
    if (place == "cookies" && condition.is_object() && condition.member("absent") == nullptr)
      condition.set("absent", json_value::of_bool(false));
    return condition;
  }
  void put_condition(std::string_view place, std::string_view name, json_value condition) {
    if (match_.member(place) == nullptr)
      match_.add(std::string{place}, json_value::object());
    const auto at = std::find(match_.names.begin(), match_.names.end(), place) - match_.names.begin();
    auto& all = match_.items[static_cast<std::size_t>(at)];
    if (all.items.size() == limits::match_conditions)
      return lose("it asks for more than the limit match_conditions (" + std::to_string(limits::match_conditions) + ")", at_ + "/request");
    all.set(name, std::move(condition));
  }

  void read_scenario() {
    const auto state = v_.string_member("requiredScenarioState");
    if (!state.empty() && state != "Started")
      lose("it is only reached in a scenario, whose states are not kept", pointer_to(at_, "requiredScenarioState"));
    else if (v_.member("newScenarioState") != nullptr)
      out_.warn("the states of its scenario are not kept: it answers always", pointer_to(at_, "newScenarioState"));
  }

  void read_request(const json_value& r) {
    if (!r.is_object())
      return lose("its request is no object", at_ + "/request");
    const auto* method = r.member("method");
    if (method != nullptr && !method->is_string())
      return lose("its method is no text", in_request("method"));
    endpoint_.set("method", json_value::of(method != nullptr ? method->text : std::string{any_method}));
    read_url(r);
    for (std::size_t i = 0; i < r.items.size() && !left_out_; ++i)
      read_member(r.names[i], r.items[i]);
  }

  void read_url(const json_value& r) {
    auto text = [&](const char* name) -> const std::string* {
      const auto* v = r.member(name);
      return v != nullptr && v->is_string() ? &v->text : nullptr;
    };
    if (const auto* url = text("url")) { // the whole target, as it is written
      endpoint_.set("path", json_value::of(literal_path(split_target(*url).path)));
      match_.set("target", json_value::of(*url));
    } else if (const auto* path = text("urlPath")) {
      endpoint_.set("path", json_value::of(literal_path(*path)));
    } else if (const auto* pattern = text("urlPathPattern")) {
      endpoint_.set("path_regex", json_value::of(translate_regex(*pattern)));
    } else if (const auto* whole = text("urlPattern")) {
      auto matches = json_value::object();
      matches.add("matches", json_value::of(translate_regex(*whole)));
      match_.set("target", std::move(matches));
      endpoint_.set("path_regex", json_value::of(".*"));
    } else if (const auto* route = text("urlPathTemplate")) {
      endpoint_.set("path", json_value::of(*route));
    } else {
      endpoint_.set("path_regex", json_value::of(".*"));
    }
  }

  void read_member(const std::string& name, const json_value& v) {
    static constexpr std::array<std::string_view, 6> read{"method", "url", "urlPath", "urlPattern", "urlPathPattern", "urlPathTemplate"};
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> places{
        {{"pathParameters", "params"}, {"queryParameters", "query"}, {"headers", "headers"}, {"cookies", "cookies"}, {"formParameters", "form"}}};
    if (is_one_of(name, read)) {
      if (!v.is_string())
        lose("`" + name + "` is no text", in_request(name));
      return;
    }
    for (const auto& [theirs, ours] : places)
      if (name == theirs) {
        if (!v.is_object())
          return lose("`" + name + "` is no object", in_request(name));
        for (std::size_t i = 0; i < v.items.size() && !left_out_; ++i)
          put_condition(ours, v.names[i], of_place(name, taken(translate_text_pattern(v.items[i], pointer_to(in_request(name), v.names[i])))));
        return;
      }
    if (name == "bodyPatterns") {
      auto all = bodies(v, in_request(name));
      if (!all.items.empty())
        match_.set("body", std::move(all));
    } else if (name == "multipartPatterns") {
      read_parts(v, in_request(name));
    } else if (name == "host") {
      put_condition("headers", "Host", taken(translate_text_pattern(v, in_request(name))));
    } else if (name == "basicAuthCredentials" || name == "basicAuth") {
      const auto pair = std::string{v.string_member("username")} + ':' + std::string{v.string_member("password")};
      put_condition("headers", "Authorization", json_value::of("Basic " + events::to_base64(pair)));
    } else {
      lose("what it asks of a request has no translation: `" + name.substr(0, 64) + "`", in_request(name));
    }
  }

  json_value bodies(const json_value& list, const std::string& at) {
    auto out = json_value::array();
    if (!list.is_array())
      lose("body patterns are no array", at);
    for (std::size_t i = 0; i < list.items.size() && !left_out_; ++i)
      out.items.push_back(taken(translate_body_pattern(list.items[i], pointer_to(at, std::to_string(i)))));
    return out;
  }

  void read_parts(const json_value& list, const std::string& at) {
    auto out = json_value::array();
    if (!list.is_array())
      return lose("multipart patterns are no array", at);
    for (std::size_t i = 0; i < list.items.size() && !left_out_; ++i) {
      const auto& p = list.items[i];
      const auto here = pointer_to(at, std::to_string(i));
      auto part = json_value::object();
      for (std::size_t k = 0; k < p.items.size(); ++k) {
        const auto& name = p.is_object() ? p.names[k] : std::string{};
        if (name == "name" || name == "fileName") {
          part.set(name == "name" ? "name" : "filename", p.items[k]);
        } else if (name == "matchingType") {
          part.set("every", json_value::of_bool(p.items[k].text == "ALL"));
        } else if (name == "headers") {
          auto headers = json_value::object();
          for (std::size_t h = 0; h < p.items[k].items.size() && p.items[k].is_object(); ++h)
            headers.add(p.items[k].names[h],
                        taken(translate_text_pattern(p.items[k].items[h], pointer_to(pointer_to(here, name), p.items[k].names[h]))));
          part.set("headers", std::move(headers));
        } else if (name == "bodyPatterns") {
          part.set("body", bodies(p.items[k], pointer_to(here, name)));
        } else {
          return lose("what it asks of a part has no translation: `" + name.substr(0, 64) + "`", here);
        }
      }
      out.items.push_back(std::move(part));
    }
    match_.set("multipart", std::move(out));
  }

  void read_response(const json_value& r) {
    static constexpr std::array<std::string_view, 3> fatal{"fault", "proxyBaseUrl", "serveEventListeners"};
    static constexpr std::array<std::string_view, 7> bodies{"body",    "jsonBody",     "base64Body",        "status",
                                                            "headers", "transformers", "fromConfiguredStub"};
    if (!r.is_object())
      return lose("its response is no object", at_ + "/response");
    for (std::size_t i = 0; i < r.items.size(); ++i) {
      const auto& name = r.names[i];
      if (is_one_of(name, fatal) && !r.items[i].is_null())
        return lose("its response has no translation: `" + name + "`", in_response(name));
      if (!is_one_of(name, bodies) && !is_one_of(name, fatal))
        out_.warn("the response does not do this: `" + name.substr(0, 64) + "`", in_response(name));
    }
    if (const auto* status = r.member("status"))
      response_.set("status", *status);
    read_headers(r);
    read_body(r);
  }

  void read_headers(const json_value& r) {
    const auto* headers = r.member("headers");
    if (headers == nullptr || !headers->is_object())
      return;
    if (headers->items.size() > most_headers)
      return lose("its response has more than " + std::to_string(most_headers) + " headers", in_response("headers"));
    auto out = json_value::object();
    for (std::size_t i = 0; i < headers->items.size(); ++i) {
      const auto& name = headers->names[i];
      const auto& value = headers->items[i];
      const auto here = pointer_to(in_response("headers"), name);
      if (is_framing_header(name)) {
        out_.warn("the server sets this header", here);
        continue;
      }
      if (value.is_array() && !value.items.empty()) {
        if (value.items.size() > 1)
          out_.warn("only the first of several values is sent", here);
        out.set(name, value.items.front());
      } else {
        out.set(name, value);
      }
    }
    response_.set("headers", std::move(out));
  }
  void read_body(const json_value& r) {
    const auto* transformers = r.member("transformers");
    bool templated = false;
    for (std::size_t i = 0; transformers != nullptr && i < transformers->items.size(); ++i) {
      const bool known = transformers->items[i].text == "response-template";
      templated = templated || known;
      if (!known)
        out_.warn("this transformer is not known", pointer_to(in_response("transformers"), std::to_string(i)));
    }
    std::string body;
    std::string where = "body";
    if (const auto* json = r.member("jsonBody")) {
      where = "jsonBody";
      if (!templated) // a text stands in its quotes
        return response_.set("body", json->is_string() ? json_value::of(to_text(*json)) : *json);
      body = to_text(*json);
    } else if (const auto* base64 = r.member("base64Body")) {
      where = "base64Body";
      if (!events::from_base64(base64->text, body) || !events::is_utf8(body) || body.find('\0') != std::string::npos)
        return out_.warn("a body that is no text has no translation: it is empty", in_response(where));
    } else if (const auto* text = r.member("body"); text != nullptr && text->is_string()) {
      body = text->text;
    }
    if (templated) {
      auto ours = translate_handlebars(body);
      if (ours) {
        response_.set("template", json_value::of_bool(true));
        response_.set("body", json_value::of(std::move(*ours)));
        return;
      }
      out_.warn("the template has expressions without a translation: it is sent as it is", in_response(where));
    }
    if (!body.empty())
      set_body(response_, std::move(body));
  }

  void read_rest() {
    static constexpr std::array<std::string_view, 2> events{"postServeActions", "serveEventListeners"};
    if (const auto* name = v_.member("name"); name != nullptr && name->is_string())
      endpoint_.set("name", json_value::of(name->text.substr(0, 256)));
    if (const auto* priority = v_.member("priority")) {
      std::int64_t n = 0;
      if (!priority->as_integer(n))
        return lose("its priority is no number", pointer_to(at_, "priority"));
      const auto ours = std::clamp<std::int64_t>(n, 1, limits::endpoint_priority_most);
      if (ours != n)
        out_.warn("the priority becomes " + std::to_string(ours) + ", since there is none beyond", pointer_to(at_, "priority"));
      endpoint_.set("priority", json_value::of_number(ours));
    }
    for (const auto& name : events)
      if (const auto* v = v_.member(name); v != nullptr && !v->items.empty())
        out_.warn("what it does after an answer has no translation", pointer_to(at_, name));
  }

  const json_value& v_;
  std::string at_;
  translation& out_;
  json_value endpoint_ = json_value::object();
  json_value match_ = json_value::object();
  json_value response_ = json_value::object();
  bool left_out_ = false;
};

} // namespace

outcome<put_endpoints> read_wiremock(std::string_view text, bool strict) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  translation out;
  const auto* list = v->is_array() ? &*v : v->member("mappings");
  if (list == nullptr && !v->is_object())
    return failure(errc::invalid, "must be a stub mapping, an array of them, or an object with `mappings`");
  if (list == nullptr && v->member("request") == nullptr)
    return failure(errc::invalid, "is no stub mapping: it has neither `request` nor `mappings`");
  if (list == nullptr) {
    stub{*v, "", out}.run();
    return std::move(out).finish(strict);
  }
  if (!list->is_array())
    return failure(errc::invalid, "must be an array of stub mappings", "/mappings");
  for (std::size_t i = 0; i < list->items.size(); ++i)
    stub{list->items[i], (v->is_array() ? "/" : "/mappings/") + std::to_string(i), out}.run();
  return std::move(out).finish(strict);
}

} // namespace hourglass::mock
