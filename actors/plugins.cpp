#include "actors/plugins.hpp"

#include "actors/outbound_calls.hpp"
#include "actors/registry.hpp"
#include "events/digest.hpp"
#include "events/json_check.hpp"
#include "events/json_text.hpp"
#include "mock/outbound_limits.hpp"
#include "replay/state.hpp"
#include "webhook/signing.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hourglass::actors {

namespace {

std::string context_of(std::string_view plugin, std::string_view place) { return "plugin " + std::string{plugin} + " " + std::string{place}; }

std::shared_ptr<const plugin_registry::entry> entry_of(mock::plugin p) {
  auto out = std::make_shared<plugin_registry::entry>();
  if (p.is_script() && p.unusable.empty())
    out->library = mock::library_of(p);
  out->what = std::move(p);
  return out;
}

/// As one of a call: JSON, or a failure.
mock::outbound_outcome made(std::string json, std::int64_t took_us) {
  mock::outbound_outcome out;
  out.status = 200;
  out.headers = {{"content-type", "application/json"}};
  out.body = std::move(json);
  out.took_us = took_us;
  return out;
}

mock::outbound_outcome failed(std::string kind, std::string why, std::int64_t took_us = 0) {
  auto out = mock::outbound_outcome::failed(std::move(kind), std::move(why));
  out.took_us = took_us;
  return out;
}

/// Neither the handler's, nor another plugin's, nor that of another call of this one.
events::entropy chance_of(const events::entropy& of, std::string_view plugin, std::string_view place) {
  const auto made = events::sha256({"plugin\n", {reinterpret_cast<const char*>(of.data()), of.size()}, plugin, "\n", place});
  events::entropy out{};
  std::copy_n(made.begin(), out.size(), out.begin());
  return out;
}

/// What went wrong, without where the service is: that is the operator's.
std::string for_sandboxes(std::string_view kind) {
  if (kind == "timeout")
    return "its service did not answer in time";
  if (kind == "too_large")
    return "its service answered with more than the limit outbound_answer_bytes (" + std::to_string(limits::outbound_answer_bytes) + ")";
  if (kind == "malformed" || kind == "reset")
    return "its service did not answer as it should";
  return "its service could not be asked";
}

} // namespace

events::outcome<void> plugin_registry::load(const storage::store& store) {
  auto row = store.get(registry::uid_key(catalogue_uid));
  if (!row)
    return tl::unexpected<events::error>{std::move(row).error()};
  if (!*row)
    return {};
  auto id = registry::id_of(**row);
  if (!id)
    return tl::unexpected<events::error>{std::move(id).error()};
  auto state = replay::load(store, *id);
  if (!state)
    return tl::unexpected<events::error>{std::move(state).error()};
  const auto found = state->data.namespaces.find(plugin_space);
  if (found == state->data.namespaces.end())
    return {};
  for (const auto& [name, text] : found->second) {
    auto p = opened(name, text);
    put(p ? std::move(*p) : mock::unusable_plugin(name, text, p.error()));
  }
  return {};
}

events::outcome<mock::plugin> plugin_registry::opened(std::string_view name, std::string_view text) const {
  return mock::from_text(name, text, [&](const std::string& value, std::string_view place) { return vault_->open(value, context_of(name, place)); });
}

events::outcome<std::string> plugin_registry::sealed(const mock::plugin& p, const events::entropy& chance) const {
  std::uint32_t ordinal = 0;
  auto text = mock::to_text(p, [&](const std::string& value, std::string_view place) -> events::outcome<std::string> {
    return vault_->seal(value, context_of(p.name, place), chance, ordinal++);
  });
  if (!text)
    return text;
  if (auto again = opened(p.name, *text); !again)
    return tl::unexpected<events::error>{std::move(again).error()};
  else if (!(*again == p))
    return events::failure(events::errc::internal, "the plugin would not come back from the log as it is");
  return text;
}

void plugin_registry::put(mock::plugin p) {
  auto name = p.name;
  auto made = entry_of(std::move(p));
  std::lock_guard guard{mutex_};
  plugins_.insert_or_assign(std::move(name), std::move(made));
}

void plugin_registry::remove(std::string_view name) {
  std::lock_guard guard{mutex_};
  if (const auto at = plugins_.find(name); at != plugins_.end())
    plugins_.erase(at);
}

std::shared_ptr<const plugin_registry::entry> plugin_registry::find(std::string_view name) const {
  std::lock_guard guard{mutex_};
  const auto at = plugins_.find(name);
  return at != plugins_.end() ? at->second : nullptr;
}

std::vector<std::shared_ptr<const plugin_registry::entry>> plugin_registry::all() const {
  std::lock_guard guard{mutex_};
  std::vector<std::shared_ptr<const entry>> out;
  for (const auto& [name, p] : plugins_)
    out.push_back(p);
  return out;
}

// -- a service ------------------------------------------------------------------------

http::exchange exchange_of(const mock::plugin& p, const mock::outbound_call& call, std::string owner, const std::string& id, std::int64_t unix_seconds) {
  mock::outbound_call to;
  to.method = "POST";
  to.url = p.url;
  to.headers = {{"content-type", "application/json"}, {"hourglass-plugin", p.name}, {"hourglass-sandbox", owner}};
  for (const auto& h : p.headers)
    to.headers.push_back(h);
  if (!p.secret.empty())
    if (auto key = webhook::signing_key::parse(p.secret)) {
      to.headers.push_back({"webhook-id", id});
      to.headers.push_back({"webhook-timestamp", std::to_string(unix_seconds)});
      to.headers.push_back({"webhook-signature", webhook::sign(std::array{*key}, id, unix_seconds, call.body)});
    }
  to.body = call.body;
  to.timeout = p.timeout;
  return exchange_of(to, std::move(owner));
}

mock::outbound_outcome outcome_of_service(mock::outbound_outcome said) {
  if (said.error == "cancelled")
    return said;
  if (!said.error.empty()) {
    auto why = for_sandboxes(said.error);
    return failed(std::move(said.error), std::move(why), said.took_us);
  }
  if (said.status < 200 || said.status > 299)
    return failed("refused", "it answered " + std::to_string(said.status), said.took_us);
  if (said.body.empty())
    return made("null", said.took_us);
  if (!events::check_json(said.body, limits::json_depth))
    return failed("malformed", "its answer is not JSON", said.took_us);
  return made(std::move(said.body), said.took_us);
}

// -- a script ---------------------------------------------------------------------------

mock::script_task task_of(const plugin_registry::entry& p, const mock::outbound_call& call, std::string sandbox, const events::context& ctx,
                          std::string_view place) {
  mock::script_task out;
  out.sandbox = std::move(sandbox);
  out.script = mock::script_of_plugins();
  out.library = p.library;
  out.request = call.body;
  out.start = R"({"status":200,"headers":{}})";
  out.now = ctx.now;
  out.chance = chance_of(ctx.chance, p.what.name, place);
  return out;
}

mock::outbound_outcome outcome_of_script(mock::script_outcome said) {
  using fault = mock::script_fault;
  if (said.error) {
    const auto& e = *said.error;
    if (e.fault == fault::unavailable)
      return failed("cancelled", e.message);
    return failed(std::string{to_string(e.fault)}, e.message + (e.line != 0 ? " (line " + std::to_string(e.line) + ")" : ""));
  }
  if (said.interrupted || said.waits)
    return failed("thrown", "a plugin has no answer to give and calls nobody");
  if (!said.has_body)
    return made("null", 0);
  if (said.answer.body.size() > limits::outbound_answer_bytes)
    return failed("too_large", "the result is longer than the limit outbound_answer_bytes (" + std::to_string(limits::outbound_answer_bytes) + ")");
  if (said.json)
    return made(std::move(said.answer.body), 0);
  std::string text;
  events::json_text{text}.value(said.answer.body);
  return made(std::move(text), 0);
}

} // namespace hourglass::actors
