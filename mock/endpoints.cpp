#include "mock/endpoint_tables.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/generated.hpp"
#include "mock/negotiation.hpp"

#include <algorithm>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

// -- state ---------------------------------------------------------------------

void endpoint_state::tables::put(std::shared_ptr<const compiled_endpoint> e) {
  remove(e->spec.id);
  routes.add(e);
  if (e->spec.source == endpoint_source::openapi && !e->spec.project_root.empty())
    ++imported_roots[e->spec.project_root];
  regex_steps += regex_steps_of(*e);
  auto id = e->spec.id;
  by_id.insert_or_assign(std::move(id), std::move(e));
}

void endpoint_state::tables::remove(std::string_view id) {
  auto at = by_id.find(id);
  if (at == by_id.end())
    return;
  const auto& spec = at->second->spec;
  routes.remove(*at->second);
  regex_steps -= regex_steps_of(*at->second);
  if (auto root = imported_roots.find(spec.project_root); spec.source == endpoint_source::openapi && root != imported_roots.end() && --root->second == 0)
    imported_roots.erase(root);
  by_id.erase(at);
}

void endpoint_state::tables::note_import(const json_value& v) {
  imported_title = v.string_member("title");
  imported_version = v.string_member("version");
  imported_sha256 = v.string_member("sha256");
  imported_pinned = v.truth_member("pinned");
  imported_webhooks = webhooks_of(v);
  const auto* requests = v.member("requests");
  imported_requests = requests != nullptr ? to_text(*requests) : std::string{};
  const auto* kept_of = v.member("collections");
  imported_collections = kept_of != nullptr ? to_text(*kept_of) : std::string{};
}

endpoint_state::endpoint_state() : self(std::make_unique<tables>()) {}
endpoint_state::endpoint_state(const endpoint_state& other) : self(std::make_unique<tables>()) {
  self->by_id = other.self->by_id;
  self->routes = other.self->routes.clone();
  self->imported_title = other.self->imported_title;
  self->imported_version = other.self->imported_version;
  self->imported_sha256 = other.self->imported_sha256;
  self->imported = other.self->imported;
  self->imported_pinned = other.self->imported_pinned;
  self->imported_webhooks = other.self->imported_webhooks;
  self->imported_requests = other.self->imported_requests;
  self->imported_collections = other.self->imported_collections;
  self->kept = other.self->kept;
  self->imported_answers = other.self->imported_answers;
  self->credentials = other.self->credentials;
  self->forwarding = other.self->forwarding;
  self->recording = other.self->recording;
  self->imported_roots = other.self->imported_roots;
  self->regex_steps = other.self->regex_steps;
  self->functions = other.self->functions;
  self->library = other.self->library;
}
endpoint_state::endpoint_state(endpoint_state&&) noexcept = default;
endpoint_state& endpoint_state::operator=(const endpoint_state& other) {
  if (this != &other)
    *this = endpoint_state{other};
  return *this;
}
endpoint_state& endpoint_state::operator=(endpoint_state&&) noexcept = default;
endpoint_state::~endpoint_state() = default;

const endpoint* endpoint_state::find(std::string_view id) const {
  auto at = self->by_id.find(id);
  return at != self->by_id.end() ? &at->second->spec : nullptr;
}

std::size_t endpoint_state::size() const noexcept { return self->by_id.size(); }

std::vector<const endpoint*> endpoint_state::list(std::string_view after, std::size_t limit) const {
  std::vector<const endpoint*> out;
  for (auto at = self->by_id.upper_bound(after); at != self->by_id.end() && out.size() < limit; ++at)
    out.push_back(&at->second->spec);
  return out;
}

// -- decide ----------------------------------------------------------------------

namespace {

std::string told_credentials(const good_credentials& good) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("schemes").open_object();
  for (const auto& [scheme, digests] : good)
    j.key(scheme).value(digests.size());
  j.close_object().close_object();
  return out;
}

outcome<decision> decide_remove(const endpoint_state& state, const remove_endpoint& command) {
  if (state.find(command.id) == nullptr)
    return failure(errc::not_found, "there is no such endpoint");
  decision out;
  std::string payload;
  events::json_text{payload}.open_object().key("id").value(command.id).close_object();
  out.events.push_back({events::kind::endpoint_removed, std::move(payload), {command.id}, 0, {}});
  return out;
}

outcome<decision> decide_switch(const endpoint_state& state, const switch_state& command) {
  const auto* before = state.find(command.id);
  if (before == nullptr)
    return failure(errc::not_found, "there is no such endpoint");
  if (before->state.empty())
    return failure(errc::invalid, "this endpoint is of no collection that keeps state", "/state");
  auto spec = *before;
  spec.state.on = command.on;
  decision out;
  out.reply = to_json(spec);
  if (before->state.on == command.on)
    return out;
  std::string payload;
  write_endpoint(spec, payload);
  out.events.push_back({events::kind::endpoint_put, std::move(payload), {spec.id}, 0, {}});
  return out;
}

outcome<decision> decide_credentials(const endpoint_state& state, const put_credentials& command) {
  auto good = read_credentials(command.text);
  if (!good)
    return tl::unexpected<events::error>{good.error()};
  decision out;
  out.reply = told_credentials(*good);
  if (*good == state.self->credentials)
    return out;
  std::string payload;
  events::json_text j{payload};
  write_credentials(*good, j.open_object().key("schemes"));
  j.close_object();
  out.events.push_back({events::kind::credentials_put, std::move(payload), {}, 0, {}});
  return out;
}

} // namespace

outcome<decision> decide(const endpoint_state& state, const endpoint_command& command, const events::context& ctx) {
  if (const auto* put = std::get_if<put_endpoint>(&command))
    return decide_put(state, *put, ctx);
  if (const auto* several = std::get_if<put_endpoints>(&command))
    return decide_put_several(state, *several, ctx);
  if (const auto* remove = std::get_if<remove_endpoint>(&command))
    return decide_remove(state, *remove);
  if (const auto* put = std::get_if<put_function>(&command))
    return decide_put_function(state, *put);
  if (const auto* remove = std::get_if<remove_function>(&command))
    return decide_remove_function(state, *remove);
  if (const auto* one = std::get_if<switch_state>(&command))
    return decide_switch(state, *one);
  if (const auto* put = std::get_if<put_credentials>(&command))
    return decide_credentials(state, *put);
  if (const auto* put = std::get_if<put_forwarding>(&command))
    return decide_forwarding(state, *put, ctx);
  if (const auto* all = std::get_if<retarget_endpoints>(&command))
    return decide_retarget(state, *all);
  if (const auto* one = std::get_if<restore_openapi>(&command))
    return decide_restore(state, *one);
  return decide_import(state, std::get<import_openapi>(command), ctx);
}

// -- apply -------------------------------------------------------------------------

outcome<void> apply(endpoint_state& state, events::kind kind, std::string_view payload) {
  const bool of_functions = kind == events::kind::function_put || kind == events::kind::function_removed;
  if (kind != events::kind::endpoint_put && kind != events::kind::endpoint_removed && kind != events::kind::openapi_imported &&
      kind != events::kind::credentials_put && kind != events::kind::forwarding_put && !of_functions)
    return {};
  auto v = parse_own(payload);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  if (of_functions)
    return apply_function(*state.self, kind, *v);
  if (kind == events::kind::forwarding_put)
    return apply_forwarding(*state.self, *v);
  if (kind == events::kind::credentials_put) {
    const auto* schemes = v->member("schemes");
    if (schemes == nullptr || !schemes->is_object())
      return failure(errc::corrupt, "credentials do not read");
    state.self->credentials = decode_credentials(*schemes);
    return {};
  }
  if (kind == events::kind::endpoint_removed) {
    state.self->remove(v->string_member("id"));
    return {};
  }
  if (kind == events::kind::endpoint_put) {
    auto e = decode_endpoint(*v);
    if (!e)
      return tl::unexpected<events::error>{e.error()};
    auto check = state.self->check_of(*e);
    if (!check)
      return tl::unexpected<events::error>{check.error()};
    auto compiled = compiled_endpoint::compile(std::move(*e), std::move(*check), &state.self->kept, state.self->imported_answers);
    if (!compiled)
      return failure(errc::corrupt, compiled.error().detail, compiled.error().where);
    state.self->put(std::move(*compiled));
    return {};
  }
  auto fresh = decode_all(*v);
  if (!fresh)
    return tl::unexpected<events::error>{fresh.error()};
  std::vector<std::string> gone;
  for (const auto& [id, e] : state.self->by_id)
    if (e->spec.source == endpoint_source::openapi)
      gone.push_back(id);
  for (const auto& id : gone)
    state.self->remove(id);
  for (auto& e : fresh->endpoints)
    state.self->put(std::move(e));
  state.self->kept = std::move(fresh->kept);
  state.self->imported_answers = std::move(fresh->answers);
  state.self->note_import(*v);
  state.self->imported = true;
  return {};
}

// -- snapshots and the API -----------------------------------------------------------

std::string snapshot(const endpoint_state& state) {
  std::string out;
  events::json_text j{out};
  const bool choosy = std::any_of(state.self->by_id.begin(), state.self->by_id.end(), [](const auto& e) {
    const auto& spec = e.second->spec;
    return !spec.match.empty() || spec.path_regex || spec.priority != usual_priority;
  });
  const bool said = !state.self->forwarding.empty() || state.self->recording != recording_session{};
  const bool forwarding = said || std::any_of(state.self->by_id.begin(), state.self->by_id.end(), [](const auto& e) { return !e.second->spec.forward.empty(); });
  j.open_object().key("format").value(state.self->imported_pinned ? 7 : state.self->imported_answers ? 6 : forwarding ? 5 : choosy ? 4 : state.self->imported_collections.empty() ? 2 : 3);
  j.key("functions").open_object();
  for (const auto& [name, source] : state.self->functions)
    j.key(name).value(source);
  j.close_object();
  if (!state.self->credentials.empty())
    write_credentials(state.self->credentials, j.key("credentials"));
  if (said)
    write_forwarding(*state.self, j);
  j.key("title").value(state.self->imported_title).key("version").value(state.self->imported_version);
  if (state.self->imported)
    j.key("imported").value(true);
  if (!state.self->imported_sha256.empty())
    j.key("sha256").value(state.self->imported_sha256);
  if (state.self->imported_pinned)
    j.key("pinned").value(true);
  if (!state.self->imported_webhooks.empty()) {
    j.key("webhooks").open_object();
    for (const auto& [name, shape] : state.self->imported_webhooks)
      j.key(name).value(shape);
    j.close_object();
  }
  if (!state.self->imported_requests.empty())
    j.key("requests").raw(state.self->imported_requests);
  if (!state.self->imported_collections.empty())
    j.key("collections").raw(state.self->imported_collections);
  if (state.self->imported_answers)
    j.key("answers").raw(state.self->imported_answers->text());
  j.key("endpoints").open_array();
  for (const auto& [id, e] : state.self->by_id) {
    std::string one;
    write_endpoint(e->spec, one);
    j.raw(one);
  }
  j.close_array().close_object();
  return out;
}

template <>
outcome<endpoint_state> restore<endpoint_state>(std::string_view text) {
  auto v = parse_own(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  std::int64_t format = 0;
  if (const auto* f = v->member("format"); f == nullptr || !f->as_integer(format))
    return failure(errc::corrupt, "a snapshot of endpoints does not read");
  if (format > 7)
    return failure(errc::newer_format, "a snapshot of endpoints is of a newer format");
  auto all = decode_all(*v);
  if (!all)
    return tl::unexpected<events::error>{all.error()};
  endpoint_state out;
  for (auto& e : all->endpoints)
    out.self->put(std::move(e));
  out.self->kept = std::move(all->kept);
  out.self->imported_answers = std::move(all->answers);
  out.self->note_import(*v);
  out.self->imported = v->truth_member("imported") || std::any_of(out.self->by_id.begin(), out.self->by_id.end(), [](const auto& e) {
                         return e.second->spec.source == endpoint_source::openapi; // what a snapshot of before has to say
                       });
  if (const auto* credentials = v->member("credentials"))
    out.self->credentials = decode_credentials(*credentials);
  if (v->member("clients") != nullptr)
    if (auto ok = apply_forwarding(*out.self, *v); !ok)
      return tl::unexpected<events::error>{ok.error()};
  if (const auto* functions = v->member("functions"); functions != nullptr && functions->is_object()) // not before format 2
    for (std::size_t i = 0; i < functions->items.size(); ++i)
      out.self->functions.emplace(functions->names.at(i), functions->items[i].text);
  out.self->note_functions();
  return out;
}

std::string credentials_json(const endpoint_state& state) { return told_credentials(state.self->credentials); }

std::string to_json(const endpoint_state& state) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("endpoints").open_array();
  for (const auto& [id, e] : state.self->by_id)
    j.raw(to_json(e->spec));
  j.close_array();
  if (!state.self->functions.empty()) {
    j.key("functions").open_object();
    for (const auto& [name, source] : state.self->functions)
      j.key(name).value(source);
    j.close_object();
  }
  j.close_object();
  return out;
}

} // namespace hourglass::mock
