#include "api/core.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

using state = mock::endpoint_state;

void create(core& in, const call_ptr& c) {
  in.change(c, mock::endpoint_command{mock::put_endpoint{c->request->body, {}}}, 201);
}

void replace(core& in, const call_ptr& c) {
  in.change(c, mock::endpoint_command{mock::put_endpoint{c->request->body, c->param("endpoint")}});
}

void remove(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::endpoint_command{mock::remove_endpoint{c->param("endpoint")}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

void list(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto limit = q.limit();
  auto cursor = q.text("cursor", 1024).value_or("");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto after = from_cursor_of("endpoint", cursor);
  if (!after)
    return c->fail(after.error());
  in.look<state>(c, [after = std::move(*after), limit](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto found = s.list(after, limit);
    std::string out = R"({"data":[)";
    for (std::size_t i = 0; i < found.size(); ++i)
      out.append(i == 0 ? "" : ",").append(to_json(*found[i]));
    out += R"(],"next_cursor":)";
    out += found.size() == limit ? json(to_cursor_of("endpoint", found.back()->id)).dump() : "null";
    out += R"(,"total":)" + std::to_string(s.size()) + '}';
    return out;
  });
}

void get(core& in, const call_ptr& c) {
  in.look<state>(c, [id = c->param("endpoint")](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto* e = s.find(id);
    if (!e)
      return failure(errc::not_found, "there is no such endpoint in this sandbox");
    return to_json(*e);
  });
}

void import(core& in, const call_ptr& c) {
  if (c->request->body.find_first_not_of(" \t\r\n") == std::string::npos)
    return c->fail({errc::invalid, "the body must be an OpenAPI document, JSON or YAML", "body"});
  query_reader q{c->query};
  auto validation = mock::validation_mode_from(q.choice("validation", {"off", "report", "enforce"}).value_or("report"));
  auto security = q.choice("security", {"ignore", "report", "check"});
  auto kept = q.choice("state", {"off", "on", "empty"});
  auto examples = q.choice("examples", {"document", "generated"}).value_or("document");
  auto seed = q.text("seed", 256);
  auto pin = q.choice("pin", {"true", "false"});
  const auto dry_run = q.truth("dry_run", false);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  mock::import_openapi import{c->request->body, {}};
  import.generated = examples == "generated";
  import.dry_run = dry_run;
  if (pin)
    import.pin = *pin == "true";
  if (kept)
    import.state = mock::state_mode_from(*kept);
  import.validation = validation.value_or(mock::validation_mode::report);
  if (security)
    import.security = mock::security_mode_from(*security);
  if (seed) {
    import.chance = mock::chance_of_import(*seed);
    return in.change(c, mock::endpoint_command{std::move(import)});
  }
  in.look<mock::settings_state>(
      c, c->sandbox, [](const mock::settings_state& s, events::virtual_time) -> events::outcome<std::string> { return s.seed; },
      [&in, import = std::move(import)](const call_ptr& done, const actors::receipt& r) mutable {
        import.chance = mock::chance_of_import(r.reply);
        in.change(done, mock::endpoint_command{std::move(import)});
      });
}

void put_state(core& in, const call_ptr& c) {
  const auto wanted = c->body.is_object() && c->body.size() == 1 ? c->body.value("state", nlohmann::json{}) : nlohmann::json{};
  if (wanted != "on" && wanted != "off")
    return c->fail({errc::invalid, R"(must be {"state": "on"} or {"state": "off"})", "/state"});
  in.change(c, mock::endpoint_command{mock::switch_state{c->param("endpoint"), wanted == "on"}});
}

void put_credentials(core& in, const call_ptr& c) { in.change(c, mock::endpoint_command{mock::put_credentials{c->request->body}}); }

void get_credentials(core& in, const call_ptr& c) {
  in.look<state>(c, [](const state& s, events::virtual_time) -> events::outcome<std::string> { return credentials_json(s); });
}

} // namespace

void add_mock_endpoints(router& to) {
  constexpr std::string_view tag = "endpoints";
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/endpoints", .id = "createEndpoint", .tag = tag,
          .says = "Adds a mock endpoint; it answers at once", .who = access::sandbox, .takes = body::json,
          .body_schema = "MockEndpointPut", .answers = {{201, "MockEndpoint"}}, .run = create});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/endpoints", .id = "listEndpoints", .tag = tag,
          .says = "Mock endpoints, by id", .who = access::sandbox,
          .query = {{"limit", "integer", "Page size, 1 to 250; 50 if absent"}, {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "MockEndpointList"}}, .run = list});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}", .id = "getEndpoint", .tag = tag,
          .says = "One mock endpoint", .who = access::sandbox, .answers = {{200, "MockEndpoint"}}, .run = get});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}", .id = "putEndpoint", .tag = tag,
          .says = "Replaces a mock endpoint, or creates it under this id", .who = access::sandbox, .takes = body::json,
          .body_schema = "MockEndpointPut", .answers = {{200, "MockEndpoint"}}, .run = replace});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}", .id = "deleteEndpoint", .tag = tag,
          .says = "Removes a mock endpoint", .who = access::sandbox, .answers = {{204}}, .run = remove});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}/state", .id = "putEndpointState", .tag = tag,
          .says = "Has an imported endpoint of a collection keep state, or answer from its examples", .who = access::sandbox, .takes = body::json,
          .body_schema = "EndpointStatePut", .answers = {{200, "MockEndpoint"}}, .run = put_state});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/credentials", .id = "putCredentials", .tag = tag,
          .says = "Says which credentials are good for the security schemes of the imported document, and replaces what was said before. Of a scheme that is not named every credential is good that could be one; only digests are kept", .who = access::sandbox, .takes = body::json,
          .body_schema = "CredentialsPut", .answers = {{200, "Credentials"}}, .run = put_credentials});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/credentials", .id = "getCredentials", .tag = tag,
          .says = "How many credentials are good for each security scheme of which that was said", .who = access::sandbox, .answers = {{200, "Credentials"}},
          .run = get_credentials});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/openapi", .id = "importOpenapi", .tag = tag,
          .says = "Replaces all imported endpoints by those of the document in the body: OpenAPI 3.0 or 3.1 or Swagger 2.0, JSON or YAML; or {\"document\", \"documents\": {name: document}} with those that it refers to. Where it does not parse, pointer is line:column", .who = access::sandbox,
          .query = {{"validation", "string", "Requests that break the document's rules: off (not checked), report (answered, with X-Request-Validation), enforce (refused with 422 and a list of faults); report if absent"},
                    {"security", "string", "Requests without the credentials that the document demands: ignore, report (answered, with X-Request-Validation), check (refused with 401). Any credential is good that could be one, unless PUT /sandboxes/{sandbox}/credentials says which are. Default: as strict as validation"},
                    {"state", "string", "Collections (paths such as /pets beside /pets/{petId}): on (they keep what is created, changed and deleted, beginning with the document's examples), empty (beginning with nothing), off (every operation answers from its examples). Default: what the document says with x-hourglass-state, else on"},
                    {"seed", "string", "What the values that are made come from: the same seed and document make the same values. Default: the sandbox's seed, if it has one"},
                    {"examples", "string", "document (its examples, and values made from its schemas where it has none) or generated (only those); document if absent"},
                    {"dry_run", "boolean", "Changes nothing, and says what would change; false if absent"},
                    {"pin", "boolean", "Whether this one is pinned: an import or restore that does not say pin itself is then refused with 409. Absent: it is not, and it replaces none that is"}},
          .takes = body::document, .answers = {{200, "OpenapiImport"}}, .run = import});
}

} // namespace hourglass::api
