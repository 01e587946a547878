#include "mock/plugin.hpp"

#include "events/json_text.hpp"
#include "mock/data_names.hpp"
#include "mock/object_reader.hpp"
#include "mock/outbound.hpp"
#include "mock/outbound_limits.hpp"
#include "mock/script_limits.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t secret_bytes = 4 * limits::kibi;

/// Its values may be sealed, which makes them longer: `fault_of_http` looks at them when they are open.
void read_http(const json_value& v, plugin& out, std::optional<events::error>& problem) {
  object_reader in{v, "/http"};
  in.only({"url", "headers", "secret"});
  out.url = in.text("url", limits::outbound_url_bytes, true);
  out.secret = in.text("secret", limits::data_value_bytes);
  if (const auto* headers = in.object("headers"); headers != nullptr)
    for (std::size_t i = 0; i < headers->items.size(); ++i) {
      if (!headers->items[i].is_string() || headers->items[i].text.empty())
        in.fail("must be an object of header names and texts", "headers");
      out.headers.push_back({headers->names[i], headers->items[i].text});
    }
  if (out.headers.size() > limits_of_plugins::headers)
    in.fail("has more than " + std::to_string(limits_of_plugins::headers) + " headers", "headers", errc::too_large);
  if (!problem)
    problem = in.problem();
}

outcome<void> check_http(const plugin& p) {
  if (p.is_script())
    return {};
  if (p.secret.size() > secret_bytes)
    return failure(errc::invalid, "is longer than " + std::to_string(secret_bytes) + " bytes", "/http/secret");
  outbound_call call;
  call.url = p.url;
  call.timeout = limits::outbound_call_time;
  if (auto fault = fault_of(call))
    return failure(errc::invalid, std::move(*fault), "/http/url");
  call.headers = p.headers;
  if (auto fault = fault_of(call))
    return failure(errc::invalid, std::move(*fault), "/http/headers");
  return {};
}

void read_sandboxes(const json_value& v, object_reader& in, plugin& out) {
  const auto* given = v.member("sandboxes");
  if (given == nullptr)
    return in.fail("is required: \"*\" or a list of ids and uids", "sandboxes");
  out.for_all = given->is_string() && given->text == "*";
  if (out.for_all)
    return;
  if (!given->is_array() || given->items.size() > limits_of_plugins::sandboxes)
    return in.fail("must be \"*\" or a list of at most " + std::to_string(limits_of_plugins::sandboxes) + " ids and uids", "sandboxes");
  for (const auto& one : given->items) {
    if (!one.is_string() || one.text.empty() || one.text.size() > 256)
      return in.fail("must be \"*\" or a list of ids and uids", "sandboxes");
    out.sandboxes.push_back(one.text);
  }
}

outcome<plugin> read(std::string_view name, const json_value& v) {
  plugin out;
  out.name = name;
  if (!is_data_name(name))
    return failure(errc::invalid, std::string{data_name_rule}, "/name");
  object_reader in{v, ""};
  in.only({"description", "script", "http", "sandboxes", "timeout_ms"});
  out.description = in.text("description", 1024);
  if (in.has("script") == in.has("http"))
    in.fail("either script or http", "script");
  out.source = in.text("script", limits::script_bytes, in.has("script"));
  std::optional<events::error> problem = in.problem();
  if (const auto* http = in.object("http"); http != nullptr)
    read_http(*http, out, problem);
  constexpr std::chrono::milliseconds usual = limits::outbound_call_time, longest = limits::outbound_call_longest;
  out.timeout = std::chrono::milliseconds{in.integer("timeout_ms", 1, longest.count(), usual.count())};
  read_sandboxes(v, in, out);
  if (!problem)
    problem = in.problem();
  if (problem)
    return tl::unexpected<events::error>{std::move(*problem)};
  return out;
}

void write_rest(events::json_text& j, const plugin& p) {
  if (!p.description.empty())
    j.key("description").value(p.description);
  j.key("timeout_ms").value(p.timeout.count()).key("sandboxes");
  if (p.for_all) {
    j.value("*");
    return;
  }
  j.open_array();
  for (const auto& s : p.sandboxes)
    j.value(s);
  j.close_array();
}

} // namespace

bool plugin::is_for(std::string_view id) const noexcept {
  return for_all || std::find(sandboxes.begin(), sandboxes.end(), id) != sandboxes.end();
}

outcome<plugin> read_plugin(std::string_view name, std::string_view text) {
  return from_text(name, text, [](const std::string& plain, std::string_view) -> outcome<std::string> { return plain; });
}

outcome<std::string> to_text(const plugin& p, const turn_secret& turn) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  if (p.is_script()) {
    j.key("script").value(p.source);
  } else {
    j.key("http").open_object().key("url").value(p.url).key("headers").open_object();
    for (const auto& [name, value] : p.headers) {
      auto turned = turn(value, name);
      if (!turned)
        return turned;
      j.key(name).value(*turned);
    }
    j.close_object();
    if (!p.secret.empty()) {
      auto turned = turn(p.secret, "secret");
      if (!turned)
        return turned;
      j.key("secret").value(*turned);
    }
    j.close_object();
  }
  write_rest(j, p);
  j.close_object();
  return out;
}

outcome<plugin> from_text(std::string_view name, std::string_view text, const turn_secret& turn) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{std::move(v).error()};
  auto out = read(name, *v);
  if (!out)
    return out;
  for (auto& [header, value] : out->headers) {
    auto turned = turn(value, header);
    if (!turned)
      return tl::unexpected<events::error>{std::move(turned).error()};
    value = std::move(*turned);
  }
  if (!out->secret.empty()) {
    auto turned = turn(out->secret, "secret");
    if (!turned)
      return tl::unexpected<events::error>{std::move(turned).error()};
    out->secret = std::move(*turned);
  }
  if (auto fine = check_http(*out); !fine)
    return tl::unexpected<events::error>{std::move(fine).error()};
  return out;
}

plugin unusable_plugin(std::string_view name, std::string_view text, const events::error& why) {
  plugin out;
  out.for_all = true; // nothing says for whom it was, and nobody gets more than that it is no use
  if (const auto v = parse_json(text))
    if (auto read_again = read(name, *v))
      out = std::move(*read_again);
  out.name = name;
  for (auto& h : out.headers)
    h.value.clear();
  out.secret.clear();
  out.unusable = why.detail + (why.where.empty() ? "" : " (" + why.where + ")");
  return out;
}

std::string to_json(const plugin& p) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("name").value(p.name);
  if (!p.unusable.empty())
    j.key("unusable").value(p.unusable);
  if (p.is_script()) {
    j.key("script").value(p.source);
  } else if (!p.url.empty()) {
    j.key("http").open_object().key("url").value(p.url).key("headers").open_array();
    for (const auto& h : p.headers)
      j.value(h.name);
    j.close_array().key("signed").value(!p.secret.empty()).close_object();
  }
  write_rest(j, p);
  j.close_object();
  return out;
}

std::shared_ptr<const script_source> library_of(const plugin& p) {
  std::string text;
  events::json_text{text}.open_array().open_array().value("run_plugin").value(p.source).close_array().close_array();
  return script_source::of(std::move(text));
}

std::shared_ptr<const script_source> script_of_plugins() {
  static const auto source = script_source::of("$resp.body = await $func.run_plugin($req)");
  return source;
}

} // namespace hourglass::mock
