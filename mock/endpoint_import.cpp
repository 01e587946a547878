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
      known.emplace(std::pair{e->spec.method + e->spec.match, e->spec.full_path()}, id);
  std::uint32_t ordinal = 0;
  for (auto& e : fresh) {
    auto at = known.find({e.method + e.match, e.full_path()});
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

void write_webhooks(events::json_text& j, const std::vector<document_webhook>& webhooks) {
  j.key("webhooks").open_array();
  for (const auto& w : webhooks) {
    j.open_object().key("name").value(w.name).key("description").value(w.description);
    j.key("media_type").value(w.media_type).key("example").raw(w.example).close_object();
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
  auto doc = command.already;
  if (!doc) {
    auto read = read_openapi(command.document, ctx.chance, command.generated);
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
  const auto security = command.security.value_or(security_that_follows(command.validation));
  const bool checked = (command.validation != validation_mode::off || security != security_mode::ignore) && doc->requests.is_object();
  for (auto& e : fresh)
    leave_out(e.demands, checked ? command.validation : validation_mode::off, checked ? security : security_mode::ignore);
  const auto kept = keep_state(command.state.value_or(doc->state.value_or(state_mode::on)), *doc, fresh);
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
  if (checked || (!kept.empty() && doc->requests.is_object())) { // of a collection, its items are held against them
    auto requests = doc->requests;
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
  out.events.push_back({events::kind::openapi_imported, std::move(payload), {}, 0, {}});
  events::json_text j{out.reply};
  j.open_object().key("title").value(doc->title).key("version").value(doc->version);
  j.key("endpoints").value(doc->endpoints.size());
  write_collections(j, kept);
  write_webhooks(j, doc->webhooks);
  j.key("warnings").open_array();
  for (const auto& w : doc->warnings)
    j.open_object().key("detail").value(w.detail).key("pointer").value(w.where).close_object();
  if (!room_for_answers)
    j.open_object().key("detail").value("the schemas of its answers do not fit into the limit record_bytes with the rest; nothing is made anew by Prefer: dynamic").key("pointer").value("").close_object();
  j.close_array().close_object();
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
