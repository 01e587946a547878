#include "mock/endpoint_tables.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/openapi.hpp"
#include "mock/request_check.hpp"

#include <algorithm>

namespace hourglass::mock {

// -- state ---------------------------------------------------------------------

void endpoint_state::tables::put(std::shared_ptr<const compiled_endpoint> e) {
  remove(e->spec.id);
  routes.add(e);
  if (e->spec.source == endpoint_source::openapi && !e->spec.project_root.empty())
    ++imported_roots[e->spec.project_root];
  auto id = e->spec.id;
  by_id.insert_or_assign(std::move(id), std::move(e));
}

void endpoint_state::tables::remove(std::string_view id) {
  auto at = by_id.find(id);
  if (at == by_id.end())
    return;
  const auto& spec = at->second->spec;
  routes.remove(*at->second);
  if (auto root = imported_roots.find(spec.project_root); spec.source == endpoint_source::openapi && root != imported_roots.end() && --root->second == 0)
    imported_roots.erase(root);
  by_id.erase(at);
}

void endpoint_state::tables::note_import(const json_value& v) {
  imported_title = v.string_member("title");
  imported_version = v.string_member("version");
  const auto* requests = v.member("requests");
  imported_requests = requests != nullptr ? to_text(*requests) : std::string{};
}

endpoint_state::endpoint_state() : self(std::make_unique<tables>()) {}
endpoint_state::endpoint_state(const endpoint_state& other) : self(std::make_unique<tables>()) {
  self->by_id = other.self->by_id;
  self->routes = other.self->routes.clone();
  self->imported_title = other.self->imported_title;
  self->imported_version = other.self->imported_version;
  self->imported_requests = other.self->imported_requests;
  self->imported_roots = other.self->imported_roots;
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

using events::errc;
using events::failure;
using events::outcome;

bool overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty())
    return a.empty() && b.empty(); // an endpoint for one media type may stand beside one for all others
  for (const auto& x : a)
    for (const auto& y : b)
      if (x == y)
        return true;
  return false;
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

outcome<decision> decide_put(const endpoint_state& state, const put_endpoint& command, const events::context& ctx) {
  auto e = read_endpoint(command.text);
  if (!e)
    return tl::unexpected<events::error>{e.error()};
  if (!command.id.empty() && !is_id(command.id))
    return failure(errc::invalid, "an endpoint id has 1 to 64 characters of A-Z a-z 0-9 _ -", "/id");
  e->id = command.id.empty() ? events::make_id("ep_", ctx.wall.us / 1000, ctx.chance) : command.id;
  if (state.find(e->id) == nullptr && state.size() >= limits::endpoints_per_sandbox)
    return failure(errc::too_large, "more endpoints than the limit endpoints_per_sandbox (" + std::to_string(limits::endpoints_per_sandbox) + ")");
  auto compiled = compiled_endpoint::compile(std::move(*e));
  if (!compiled)
    return tl::unexpected<events::error>{compiled.error()};
  const auto& spec = (*compiled)->spec;
  for (const auto& other : state.self->routes.same_route((*compiled)->route, spec.method))
    if (other->spec.id != spec.id && other->spec.source == endpoint_source::hand && overlap(other->spec.consumes, spec.consumes))
      return failure(errc::conflict, "the endpoint " + other->spec.id + " has this route already", "/path");
  decision out;
  out.reply = to_json(spec);
  if (const auto* before = state.find(spec.id); before != nullptr && *before == spec)
    return out;
  std::string payload;
  write_endpoint(spec, payload);
  out.events.push_back({events::kind::endpoint_put, std::move(payload), {spec.id}, 0, {}});
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

/// An imported endpoint keeps its id over re-imports as long as method and path stay.
void give_ids(const endpoint_state& state, std::vector<endpoint>& fresh, const events::context& ctx) {
  std::map<std::pair<std::string, std::string>, std::string> known;
  for (const auto& [id, e] : state.self->by_id)
    if (e->spec.source == endpoint_source::openapi)
      known.emplace(std::pair{e->spec.method, e->spec.full_path()}, id);
  std::uint32_t ordinal = 0;
  for (auto& e : fresh) {
    auto at = known.find({e.method, e.full_path()});
    e.id = at != known.end() ? at->second : events::make_id("ep_", ctx.wall.us / 1000, ctx.chance, ordinal);
    ++ordinal;
  }
}

void write_webhooks(events::json_text& j, const std::vector<document_webhook>& webhooks) {
  j.key("webhooks").open_array();
  for (const auto& w : webhooks) {
    j.open_object().key("name").value(w.name).key("description").value(w.description);
    j.key("media_type").value(w.media_type).key("example").raw(w.example).close_object();
  }
  j.close_array();
}

outcome<decision> decide_import(const endpoint_state& state, const import_openapi& command, const events::context& ctx) {
  auto doc = command.already;
  if (!doc) {
    auto read = read_openapi(command.document, ctx.chance);
    if (!read)
      return tl::unexpected<events::error>{std::move(read).error()};
    doc = std::make_shared<const openapi_document>(std::move(*read));
  }
  auto fresh = doc->endpoints;
  auto hand = std::count_if(state.self->by_id.begin(), state.self->by_id.end(),
                            [](const auto& e) { return e.second->spec.source == endpoint_source::hand; });
  if (static_cast<std::size_t>(hand) + doc->endpoints.size() > limits::endpoints_per_sandbox)
    return failure(errc::too_large, "more endpoints than the limit endpoints_per_sandbox (" + std::to_string(limits::endpoints_per_sandbox) + ")");
  give_ids(state, fresh, ctx);
  const bool checked = command.validation != validation_mode::off && doc->requests.is_object();
  if (!checked)
    for (auto& e : fresh)
      e.demands = {};
  decision out;
  std::string payload;
  events::json_text p{payload};
  p.open_object().key("title").value(doc->title).key("version").value(doc->version).key("endpoints").open_array();
  for (const auto& e : fresh) {
    std::string one;
    write_endpoint(e, one);
    p.raw(one);
  }
  p.close_array();
  write_webhooks(p, doc->webhooks);
  if (checked) {
    auto requests = doc->requests;
    requests.set("validation", json_value::of(std::string{to_string(command.validation)}));
    p.key("requests").raw(to_text(requests));
  }
  p.close_object();
  if (payload.size() > limits::record_bytes - 64 * limits::kibi)
    return failure(errc::too_large, "what this document describes is larger than the limit record_bytes (" + std::to_string(limits::record_bytes) + ")");
  out.events.push_back({events::kind::openapi_imported, std::move(payload), {}, 0, {}});
  events::json_text j{out.reply};
  j.open_object().key("title").value(doc->title).key("version").value(doc->version);
  j.key("endpoints").value(doc->endpoints.size());
  write_webhooks(j, doc->webhooks);
  j.key("warnings").open_array();
  for (const auto& w : doc->warnings)
    j.open_object().key("detail").value(w.detail).key("pointer").value(w.where).close_object();
  j.close_array().close_object();
  return out;
}

outcome<std::vector<std::shared_ptr<const compiled_endpoint>>> decode_all(const json_value& v) {
  const auto* list = v.member("endpoints");
  if (list == nullptr || !list->is_array())
    return failure(errc::corrupt, "a list of endpoints does not read");
  std::unique_ptr<request_schemas> schemas;
  if (const auto* requests = v.member("requests")) {
    auto read = request_schemas::read(*requests);
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    schemas = std::move(*read);
  }
  std::vector<std::shared_ptr<const compiled_endpoint>> out;
  for (const auto& item : list->items) {
    auto e = decode_endpoint(item);
    if (!e)
      return tl::unexpected<events::error>{e.error()};
    auto check = schemas ? schemas->compile(*e) : nullptr;
    auto compiled = compiled_endpoint::compile(std::move(*e), std::move(check));
    if (!compiled)
      return failure(errc::corrupt, compiled.error().detail, compiled.error().where);
    out.push_back(std::move(*compiled));
  }
  return out;
}

/// What this core wrote itself may be larger than what it takes from outside.
outcome<json_value> parse_own(std::string_view text) {
  auto v = parse_json(text, {std::size_t{1} << 40, limits::json_depth * 2});
  if (!v)
    return failure(errc::corrupt, v.error().detail, v.error().where);
  return v;
}

} // namespace

outcome<void> read_ahead(import_openapi& import, const events::entropy& seed) {
  if (import.already)
    return {};
  auto doc = read_openapi(import.document, seed);
  if (!doc)
    return tl::unexpected<events::error>{std::move(doc).error()};
  import.already = std::make_shared<const openapi_document>(std::move(*doc));
  import.document.clear();
  return {};
}

outcome<decision> decide(const endpoint_state& state, const endpoint_command& command, const events::context& ctx) {
  if (const auto* put = std::get_if<put_endpoint>(&command))
    return decide_put(state, *put, ctx);
  if (const auto* remove = std::get_if<remove_endpoint>(&command))
    return decide_remove(state, *remove);
  if (const auto* put = std::get_if<put_function>(&command))
    return decide_put_function(state, *put);
  if (const auto* remove = std::get_if<remove_function>(&command))
    return decide_remove_function(state, *remove);
  return decide_import(state, std::get<import_openapi>(command), ctx);
}

// -- apply -------------------------------------------------------------------------

outcome<void> apply(endpoint_state& state, events::kind kind, std::string_view payload) {
  const bool of_functions = kind == events::kind::function_put || kind == events::kind::function_removed;
  if (kind != events::kind::endpoint_put && kind != events::kind::endpoint_removed && kind != events::kind::openapi_imported && !of_functions)
    return {};
  auto v = parse_own(payload);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  if (of_functions)
    return apply_function(*state.self, kind, *v);
  if (kind == events::kind::endpoint_removed) {
    state.self->remove(v->string_member("id"));
    return {};
  }
  if (kind == events::kind::endpoint_put) {
    auto e = decode_endpoint(*v);
    if (!e)
      return tl::unexpected<events::error>{e.error()};
    auto compiled = compiled_endpoint::compile(std::move(*e));
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
  for (auto& e : *fresh)
    state.self->put(std::move(e));
  state.self->note_import(*v);
  return {};
}

// -- snapshots and the API -----------------------------------------------------------

std::string snapshot(const endpoint_state& state) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("format").value(2);
  j.key("functions").open_object();
  for (const auto& [name, source] : state.self->functions)
    j.key(name).value(source);
  j.close_object();
  j.key("title").value(state.self->imported_title).key("version").value(state.self->imported_version);
  if (!state.self->imported_requests.empty())
    j.key("requests").raw(state.self->imported_requests);
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
  if (format > 2)
    return failure(errc::newer_format, "a snapshot of endpoints is of a newer format");
  auto all = decode_all(*v);
  if (!all)
    return tl::unexpected<events::error>{all.error()};
  endpoint_state out;
  for (auto& e : *all)
    out.self->put(std::move(e));
  out.self->note_import(*v);
  if (const auto* functions = v->member("functions"); functions != nullptr && functions->is_object()) // not before format 2
    for (std::size_t i = 0; i < functions->items.size(); ++i)
      out.self->functions.emplace(functions->names.at(i), functions->items[i].text);
  out.self->note_functions();
  return out;
}

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
