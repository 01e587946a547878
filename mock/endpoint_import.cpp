// Importing a document: the event that holds all that was derived from it, and reading that back, from an event or a snapshot.
#include "mock/endpoint_tables.hpp"

#include "events/limits.hpp"
#include "mock/generated.hpp"
#include "mock/openapi.hpp"
#include "mock/request_check.hpp"

#include <algorithm>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

/// An imported endpoint keeps its id over re-imports as long as method, path and match stay.
void give_ids(const endpoint_state& state, std::vector<endpoint>& fresh, const events::context& ctx) {
  std::map<std::pair<std::string, std::string>, std::string> known;
  for (const auto& [id, e] : state.self->by_id)
    if (e->spec.source == endpoint_source::openapi)
      known.emplace(import_key(e->spec), id);
  std::uint32_t ordinal = 0;
  for (auto& e : fresh) {
    auto at = known.find(import_key(e));
    e.id = at != known.end() ? at->second : events::make_id("ep_", ctx.wall.us / 1000, ctx.chance, ordinal);
    ++ordinal;
  }
}

/// Of what an operation demands, that which nobody wants to look at.
void leave_out(request_spec& demands, validation_mode validation, security_mode security) {
  if (validation == validation_mode::off) {
    demands.parameters.clear();
    demands.bodies.clear();
    demands.body_required = false;
  }
  if (security == security_mode::ignore)
    demands.security.clear();
}

void write_webhooks(events::json_text& j, const std::vector<document_webhook>& webhooks, bool recorded) {
  j.key("webhooks").open_array();
  for (const auto& w : webhooks) {
    j.open_object().key("name").value(w.name).key("description").value(w.description);
    j.key("media_type").value(w.media_type).key("example").raw(w.example);
    if (recorded)
      j.key("shape").value(w.shape);
    j.close_object();
  }
  j.close_array();
}

/// Changes what keeps state to what the command or the document asks for; what is left are the collections that the event will hold.
std::vector<collection_spec> keep_state(state_mode mode, const openapi_document& doc, std::vector<endpoint>& fresh) {
  auto out = doc.collections;
  if (mode == state_mode::off) {
    out.clear();
    for (auto& e : fresh)
      e.state = {};
  }
  if (mode == state_mode::empty)
    for (auto& c : out)
      c.seeds.clear();
  return out;
}

void write_collections(events::json_text& j, const std::vector<collection_spec>& all) {
  j.key("collections").open_array();
  for (const auto& c : all)
    j.open_object().key("namespace").value(c.space).key("path").value(c.path).key("id").value(c.id).key("seeds").value(c.seeds.size()).close_object();
  j.close_array();
}

/// A document that is pinned gives way only to who says what becomes of the pin.
outcome<void> may_replace(const endpoint_state& state, const std::optional<bool>& pin, bool dry_run) {
  if (!state.self->imported_pinned || pin || dry_run)
    return {};
  return failure(errc::conflict, "the imported document (" + state.self->imported_title + ' ' + state.self->imported_version +
                                   ") is pinned: with pin=false this one replaces it, with pin=true this one is pinned instead");
}

std::size_t hand_made(const endpoint_state& state) {
  return static_cast<std::size_t>(std::count_if(state.self->by_id.begin(), state.self->by_id.end(),
                                                [](const auto& e) { return e.second->spec.source == endpoint_source::hand; }));
}

outcome<collections> decode_collections(const json_value& v, request_schemas* schemas) {
  collections out;
  const auto* list = v.member("collections");
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    auto spec = decode_collection(list->items[i]);
    if (!spec)
      return tl::unexpected<events::error>{spec.error()};
    auto one = std::make_shared<collection>();
    if (schemas != nullptr)
      one->schema = schemas->compile(spec->schema);
    for (const auto& s : spec->seeds)
      one->seed_keys.push_back(s.member(spec->id) != nullptr ? collection_key(id_text(*s.member(spec->id))) : std::string{});
    one->spec = std::move(*spec);
    out.insert_or_assign(one->spec.space, std::move(one));
  }
  for (auto& [space, c] : out)
    if (auto above = out.find(c->spec.parent); above != out.end() && above->second->spec.captures < c->spec.captures)
      c->parent = above->second;
  return out;
}

} // namespace

events::outcome<json_value> parse_own(std::string_view text) {
  auto v = parse_json(text, {std::size_t{1} << 40, limits::json_depth * 2});
  if (!v)
    return failure(errc::corrupt, v.error().detail, v.error().where);
  return v;
}

outcome<decision> decide_import(const endpoint_state& state, const import_openapi& command, const events::context& ctx) {
  if (auto may = may_replace(state, command.pin, command.dry_run); !may)
    return tl::unexpected<events::error>{may.error()};
  auto doc = command.already;
  if (!doc) {
    auto read = read_openapi(command.document, ctx.chance, command.generated);
    if (!read)
      return tl::unexpected<events::error>{std::move(read).error()};
    doc = std::make_shared<const openapi_document>(std::move(*read));
  }
  auto fresh = doc->endpoints;
  if (hand_made(state) + doc->endpoints.size() > limits::endpoints_per_sandbox)
    return failure(errc::too_large, "more endpoints than the limit endpoints_per_sandbox (" + std::to_string(limits::endpoints_per_sandbox) + ")");
  give_ids(state, fresh, ctx);
  const auto security = command.security.value_or(security_that_follows(command.validation));
  const bool checked = (command.validation != validation_mode::off || security != security_mode::ignore) && doc->requests.is_object();
  for (auto& e : fresh)
    leave_out(e.demands, checked ? command.validation : validation_mode::off, checked ? security : security_mode::ignore);
  const auto kept = keep_state(command.state.value_or(doc->state.value_or(state_mode::on)), *doc, fresh);
  decision out;
  std::string payload;
  events::json_text p{payload};
  p.open_object().key("title").value(doc->title).key("version").value(doc->version).key("sha256").value(doc->sha256);
  if (command.pin == true)
    p.key("pinned").value(true);
  p.key("endpoints").open_array();
  for (const auto& e : fresh) {
    std::string one;
    write_endpoint(e, one);
    p.raw(one);
  }
  p.close_array();
  write_webhooks(p, doc->webhooks, true);
  json_value requests;
  if (checked || (!kept.empty() && doc->requests.is_object())) { // of a collection, its items are held against them
    requests = doc->requests;
    requests.set("validation", json_value::of(std::string{to_string(command.validation)}));
    requests.set("security", json_value::of(std::string{to_string(security)}));
    p.key("requests").raw(to_text(requests));
  }
  if (!kept.empty()) {
    p.key("collections").open_array();
    for (const auto& c : kept) {
      std::string one;
      events::json_text j{one};
      write_collection(c, j);
      p.raw(one);
    }
    p.close_array();
  }
  const auto answers = answers_text(*doc, fresh, command.generated);
  const bool room_for_answers = payload.size() + answers.size() < limits::record_bytes - 80 * limits::kibi;
  if (!answers.empty() && room_for_answers)
    p.key("answers").raw(answers);
  p.close_object();
  if (payload.size() > limits::record_bytes - 64 * limits::kibi)
    return failure(errc::too_large, "what this document describes is larger than the limit record_bytes (" + std::to_string(limits::record_bytes) + ")");
  if (!command.dry_run)
    out.events.push_back({events::kind::openapi_imported, std::move(payload), {}, 0, {}});
  fresh_import after;
  for (const auto& e : fresh)
    after.endpoints.push_back(&e);
  for (const auto& c : kept)
    after.collections.push_back(c.space);
  for (const auto& w : doc->webhooks)
    after.webhooks.emplace(w.name, w.shape);
  after.requests = requests.is_null() ? nullptr : &requests;
  after.answers = room_for_answers && !doc->answers.is_null() ? &doc->answers : nullptr;
  after.source = [&](std::size_t e, std::size_t r, std::size_t c) -> const answer_source* {
    const bool known = after.answers != nullptr && e < doc->sources.size() && r < doc->sources[e].size() && c < doc->sources[e][r].size();
    return known ? &doc->sources[e][r][c] : nullptr;
  };
  after.ids_are_known = !command.dry_run;
  events::json_text j{out.reply};
  j.open_object().key("title").value(doc->title).key("version").value(doc->version).key("sha256").value(doc->sha256);
  j.key("endpoints").value(doc->endpoints.size());
  write_collections(j, kept);
  write_webhooks(j, doc->webhooks, false);
  j.key("pinned").value(command.pin == true).key("dry_run").value(command.dry_run).key("changes").raw(changes_of(*state.self, after));
  j.key("warnings").open_array();
  for (const auto& w : doc->warnings)
    j.open_object().key("detail").value(w.detail).key("pointer").value(w.where).close_object();
  if (!room_for_answers)
    j.open_object().key("detail").value("the schemas of its answers do not fit into the limit record_bytes with the rest; nothing is made anew by Prefer: dynamic").key("pointer").value("").close_object();
  j.close_array().close_object();
  return out;
}

/// The event holds all that was derived from the document: that is what serves again, with the same ids.
outcome<decision> decide_restore(const endpoint_state& state, const restore_openapi& command) {
  if (auto may = may_replace(state, command.pin, command.dry_run); !may)
    return tl::unexpected<events::error>{may.error()};
  auto v = parse_own(command.payload);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  const auto all = decode_all(*v);
  if (!all)
    return tl::unexpected<events::error>{all.error()};
  if (hand_made(state) + all->endpoints.size() > limits::endpoints_per_sandbox)
    return failure(errc::too_large, "more endpoints than the limit endpoints_per_sandbox (" + std::to_string(limits::endpoints_per_sandbox) + ")");
  fresh_import after;
  for (const auto& e : all->endpoints) {
    if (const auto* there = state.find(e->spec.id); there != nullptr && there->source == endpoint_source::hand)
      return failure(errc::conflict, "the endpoint " + e->spec.id + " of this version has been replaced by a hand-made one; remove that first");
    after.endpoints.push_back(&e->spec);
  }
  v->set("pinned", json_value::of_bool(command.pin == true));
  v->set("restored", json_value::of_number(static_cast<std::int64_t>(command.version)));
  std::vector<collection_spec> kept;
  for (const auto& [space, c] : all->kept) {
    after.collections.push_back(space);
    kept.push_back(c->spec);
  }
  after.webhooks = webhooks_of(*v);
  after.requests = v->member("requests");
  after.answers = v->member("answers");
  after.source = [&](std::size_t e, std::size_t r, std::size_t c) {
    return all->answers ? all->answers->find(all->endpoints[e]->spec.id, r, c) : nullptr;
  };
  decision out;
  events::json_text j{out.reply};
  j.open_object().key("title").value(v->string_member("title")).key("version").value(v->string_member("version"));
  j.key("sha256").value(v->string_member("sha256")).key("endpoints").value(all->endpoints.size());
  write_collections(j, kept);
  const auto* webhooks = v->member("webhooks");
  j.key("webhooks").open_array();
  for (std::size_t i = 0; webhooks != nullptr && i < webhooks->items.size(); ++i) {
    j.open_object();
    for (std::size_t m = 0; m < webhooks->items[i].names.size(); ++m)
      if (webhooks->items[i].names[m] != "shape")
        j.key(webhooks->items[i].names[m]).raw(to_text(webhooks->items[i].items[m]));
    j.close_object();
  }
  j.close_array().key("pinned").value(command.pin == true).key("dry_run").value(command.dry_run);
  j.key("restored").value(command.version).key("changes").raw(changes_of(*state.self, after)).key("warnings").open_array().close_array().close_object();
  if (command.dry_run)
    return out;
  auto payload = to_text(*v);
  if (payload.size() > limits::record_bytes - 32 * limits::kibi) // it was within a smaller limit, and has grown by two members
    return failure(errc::too_large, "what this version holds is larger than the limit record_bytes (" + std::to_string(limits::record_bytes) + ")");
  out.events.push_back({events::kind::openapi_imported, std::move(payload), {}, 0, {}});
  return out;
}

outcome<decoded_endpoints> decode_all(const json_value& v) {
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
  auto kept = decode_collections(v, schemas.get());
  if (!kept)
    return tl::unexpected<events::error>{kept.error()};
  decoded_endpoints out;
  out.kept = std::move(*kept);
  if (const auto* answers = v.member("answers"))
    out.answers = std::make_shared<const answer_schemas>(to_text(*answers));
  for (const auto& item : list->items) {
    auto e = decode_endpoint(item);
    if (!e)
      return tl::unexpected<events::error>{e.error()};
    auto check = schemas ? schemas->compile(*e) : nullptr;
    auto compiled = compiled_endpoint::compile(std::move(*e), std::move(check), &out.kept, out.answers);
    if (!compiled)
      return failure(errc::corrupt, compiled.error().detail, compiled.error().where);
    out.endpoints.push_back(std::move(*compiled));
  }
  return out;
}

outcome<std::shared_ptr<const request_check>> endpoint_state::tables::check_of(const endpoint& e) const {
  if (e.source != endpoint_source::openapi || e.demands.empty() || imported_requests.empty())
    return std::shared_ptr<const request_check>{};
  auto v = parse_own(imported_requests);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  auto schemas = request_schemas::read(*v);
  if (!schemas)
    return tl::unexpected<events::error>{schemas.error()};
  return (*schemas)->compile(e);
}

outcome<void> read_ahead(import_openapi& import, const events::entropy& seed) {
  if (import.already)
    return {};
  auto doc = read_openapi(import.document, seed, import.generated);
  if (!doc)
    return tl::unexpected<events::error>{std::move(doc).error()};
  import.already = std::make_shared<const openapi_document>(std::move(*doc));
  import.document.clear();
  return {};
}

} // namespace hourglass::mock
