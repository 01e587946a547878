#pragma once

#include "mock/chaos.hpp"
#include "mock/collection.hpp"
#include "mock/decision.hpp"
#include "mock/fwd.hpp"
#include "mock/message.hpp"
#include "mock/request_spec.hpp"
#include "mock/script.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hourglass::mock {


// -- what an endpoint is -------------------------------------------------------

/// One body that an endpoint can answer with.
struct example {
  std::string name; ///< of an OpenAPI example; empty otherwise
  std::string body; ///< bytes as sent, or the template's source
  bool operator==(const example&) const = default;
};

/// The bodies of one media type; the first is sent unless `Prefer: example=` names another.
struct content {
  std::string media_type; ///< as sent in Content-Type
  std::vector<example> examples;
  bool operator==(const content&) const = default;
};

/// One answer: what is sent for a status. Without contents the answer has no body.
struct response_spec {
  std::string status; ///< `200`, or from OpenAPI also `2XX` and `default`
  fields headers;     ///< beside Content-Type; values are templates if the endpoint is
  std::vector<content> contents;
  bool operator==(const response_spec&) const = default;
};

enum class endpoint_source : std::uint8_t { hand, openapi };

/// Of an endpoint that is given no priority, as in WireMock.
inline constexpr unsigned usual_priority = 5;

/// The method of an endpoint that answers whatever method a request has.
inline constexpr std::string_view any_method = "ANY";

/// A mock route and its answers. The route is `project_root` + `group_root` + `path`, each empty or starting with `/`; a segment is literal,
/// `{name}`, or a mix of both (`{id}.json`). With `path_regex`, `path` is an expression that all of what comes after the roots must match, as it
/// came.
struct endpoint {
  std::string id;     ///< `ep_…`
  std::string method; ///< upper case, or `any_method`
  std::string project_root;
  std::string group_root;
  std::string path;
  std::vector<std::string> consumes; ///< request media types, `type/*` allowed; empty: any
  std::string name;                  ///< the operationId, if imported
  endpoint_source source = endpoint_source::hand;
  bool templated = false; ///< bodies and header values are templates (`mock/template.hpp`)
  bool json_body = false; ///< the hand-made body was given as a JSON value, not as a string
  bool path_regex = false;
  unsigned priority = usual_priority; ///< among those that fit a request, lower wins
  std::vector<response_spec> responses; ///< at least one
  request_spec demands; ///< of an imported one; its schemas are the import's
  state_spec state;     ///< of an imported one: the collection that it reads or changes
  std::string match;    ///< what else is asked of a request, as JSON (`mock/request_match.hpp`). Empty: nothing
  std::string script;   ///< the handler that answers; `responses` then only say how its answer starts. Empty: none
  std::string forward;  ///< how it is asked upstream, as JSON (`mock/forward_rules.hpp`). Empty: it answers by itself
  bool forward_only = false; ///< and it has no answer of its own: its mock is what answers without it

  std::string full_path() const { return project_root + group_root + path; }
  bool operator==(const endpoint&) const = default;
};

struct compiled_endpoint; // mock/compiled.hpp
struct forward_client;    // mock/forward_rules.hpp
struct forward_note;      // mock/forward.hpp
struct generation;        // mock/generated.hpp

// -- state ---------------------------------------------------------------------

/// All endpoints of a sandbox and the router over them.
/// Copying copies the routing tree; the endpoints themselves are immutable and shared. Not thread-safe, but what `route`
/// returns may be handed to another thread.
struct endpoint_state {
  endpoint_state();
  endpoint_state(const endpoint_state&);
  endpoint_state(endpoint_state&&) noexcept;
  endpoint_state& operator=(const endpoint_state&);
  endpoint_state& operator=(endpoint_state&&) noexcept;
  ~endpoint_state();

  const endpoint* find(std::string_view id) const;
  std::size_t size() const noexcept;
  const std::map<std::string, std::string, std::less<>>& functions() const noexcept; ///< name -> source
  /// At most `limit` endpoints with an id after `after`, in order of id.
  std::vector<const endpoint*> list(std::string_view after, std::size_t limit) const;

  struct tables;
  std::unique_ptr<tables> self; ///< `mock/endpoints.cpp`'s own; never null but after a move
};

// -- commands ------------------------------------------------------------------

/// `text` is the API's JSON:
///   {"method", "path" or "path_regex", "project_root"?, "group_root"?, "consumes"?: [], "name"?,
///    "priority"?: 5, "match"?: what else is asked of a request (`mock/request_match.hpp`),
///    "response": {"status"?: 200, "headers"?: {}, "body"?: any JSON or a string, "template"?: false},
///    "handler"?: {"script": "…"}, "forward"?: how it is asked upstream (`mock/forward_rules.hpp`)}
/// With a handler or `forward`, `response` may be left out. That the script compiles is for the engine to say (`script_in`), before it comes here.
/// With `id` the endpoint of that id is replaced or, if there is none, created under it.
struct put_endpoint {
  std::string text;
  std::string id;
};
/// Several at once, all or none: what an import of another tool's definitions comes to. None has a handler. Reply:
///   {"endpoints": [{"id", "method", "path" or "path_regex", "name"}], "created", "replaced", "unchanged", "warnings"}
/// Limit: `limits::endpoints_at_once`.
struct put_endpoints {
  struct one {
    put_endpoint put;
    std::string from; ///< JSON Pointer to where it stands in what was imported: the `where` of errors
  };
  std::vector<one> all;
  std::string warnings = "[]"; ///< for the reply, as JSON
};
struct remove_endpoint {
  std::string id;
};
/// Replaces all imported endpoints by those of an OpenAPI 3.0 or 3.1 document, JSON or YAML; hand-made ones stay, and win
/// over an imported one with the same route. Reply:
///   {"title", "version", "sha256", "endpoints", "collections": [{"namespace", "path", "id", "seeds"}],
///    "webhooks": [{"name", "description", "media_type", "example"}], "pinned", "dry_run", "changes": `write_changes`, "warnings": []}
/// The event's payload holds the same `webhooks`, so that event types can be made of them.
/// Fails with `errc::conflict` where the document that is there is pinned and `pin` does not say what becomes of that.
struct import_openapi {
  std::string document;
  std::shared_ptr<const openapi_document> already; ///< what `read_ahead` made of it
  validation_mode validation = validation_mode::report; ///< what becomes of requests that break the document's rules
  bool generated = false; ///< all values are made from the schemas, and the document's examples left alone
  std::optional<state_mode> state; ///< of its collections; none: what the document says with `x-hourglass-state`, else `on`
  std::optional<events::entropy> chance = {}; ///< what values are made from; none: of its own
  std::optional<security_mode> security; ///< what becomes of requests without credentials; none: `security_that_follows(validation)`
  std::optional<bool> pin = {}; ///< whether the next import must say so itself before it replaces this one; none: it need not
  bool dry_run = false; ///< nothing changes; the reply is the same, but for the ids of endpoints that there are not yet
};
/// Has an earlier import serve again, as a new one. `payload`: of its event. Reply and failures as those of an import; `errc::conflict` also where one
/// of its ids is a hand-made endpoint's by now.
struct restore_openapi {
  std::string payload;
  std::uint64_t version = 0; ///< the seq of its event
  std::optional<bool> pin = {};
  bool dry_run = false;
};
/// Which credentials of a security scheme are good. `text`: {"schemes": {"<name in the document>": ["…"]}}, of `basic` as `user:password`. It replaces all
/// that was said before; of a scheme that is not named every credential is good that could be one. Only digests of them are kept. Reply: as `credentials_json`.
struct put_credentials {
  std::string text;
};
/// Has one imported endpoint of a collection keep state, or answer from its examples.
struct switch_state {
  std::string id;
  bool on = true;
};
/// A script that all handlers may call as `$func.<name>`. The name is an identifier that `$func` does not have already.
/// Limits: `limits::script_functions`, `limits::script_functions_bytes`.
struct put_function {
  std::string name;
  std::string source; ///< a function expression whose first parameter is `$func`
};
struct remove_function {
  std::string name;
};
/// How the endpoints of each project ask their upstreams. `text`: {"clients": {"<project root>": `forward_client`}}; replaces all that was said before.
/// Reply: as `forwarding_json`.
struct put_forwarding {
  std::string text;
};
/// Gives all endpoints that forward, or those below a project root, another target. `text`:
///   {"to": "https://…", "from"?: what a target begins with; none: scheme and host, whatever they are, "project_root"?, "dry_run"?: false}
/// All or none. Reply: {"endpoints": [{"id", "before", "after"}], "unchanged": [ids], "dry_run"}
struct retarget_endpoints {
  std::string text;
};
/// Does the part of an import that takes long and needs no state. Fails as `decide` would.
events::outcome<void> read_ahead(import_openapi& import, const events::entropy& seed);

using endpoint_command = std::variant<put_endpoint, remove_endpoint, import_openapi, put_function, remove_function, switch_state, put_endpoints, put_credentials, put_forwarding, retarget_endpoints,
                                      restore_openapi>;

/// The script in a command that must compile before anybody decides on it.
struct script_to_check {
  std::string source;
  script_form form = script_form::handler;
  std::string where; ///< JSON Pointer
};
/// Nothing when there is none, or when the command does not read: then `decide` says why.
std::optional<script_to_check> script_in(const endpoint_command& command);
/// As the API tells it: `invalid`, with line and column in `where` (`/handler/script:3:9`); `overloaded`, `unavailable`.
events::error told(const script_error& e, const script_to_check& what);

/// Fails with `errc::invalid` (`where` = JSON Pointer, or `line:column` in a template or document), `errc::conflict` (the route is taken: same
/// method, priority and match, same template apart from parameter names, a media type of `consumes` in common or both without), `errc::not_found`,
/// `errc::too_large`.
events::outcome<decision> decide(const endpoint_state& state, const endpoint_command& command, const events::context& ctx);

/// Folds endpoint_put, endpoint_removed, openapi_imported, credentials_put, function_put, function_removed and forwarding_put; other kinds change nothing.
/// Fails with `errc::corrupt` on a payload that this core cannot have written; then nothing changed.
events::outcome<void> apply(endpoint_state& state, events::kind kind, std::string_view payload);

std::string snapshot(const endpoint_state& state);
template <>
events::outcome<endpoint_state> restore<endpoint_state>(std::string_view text);

/// The API's representation: `response` as it was put, or all `responses` of an imported one; with `id` and `source`.
std::string to_json(const endpoint& e);
/// `{"endpoints": [...]}`, in order of id.
std::string to_json(const endpoint_state& state);
/// `{"schemes": {"<name>": <how many credentials are good>}}`
std::string credentials_json(const endpoint_state& state);
/// `{"clients": {…}}`
std::string forwarding_json(const endpoint_state& state);

// -- routing -------------------------------------------------------------------

/// What will answer one request. Self-contained: it stays valid when the state changes or goes away.
struct plan {
  std::shared_ptr<const compiled_endpoint> endpoint; ///< null: nothing matched, `refusal` is set
  std::size_t response = 0;                          ///< index into the endpoint's responses
  std::size_t content = 0;                           ///< index into that response's contents
  std::size_t example = 0;                           ///< index into that content's examples
  unsigned status = 200;
  std::vector<std::string> captures;         ///< decoded path parameters, in order of the template
  std::optional<mock::response> refusal;     ///< 400, 401, 404, 405 (with Allow), 406, 415 or 422 as a problem document
  std::string report;                        ///< what is wrong with a request that is answered all the same
  std::optional<bool> authorised;            ///< whether it has the credentials that its operation demands; none: nobody looked
  std::shared_ptr<const script_source> library; ///< what its script may call; null: nothing

  std::string scenario;            ///< that the request asks for or means; empty: none
  std::optional<chaos_fate> fate;  ///< what goes wrong with it on purpose
  std::optional<std::string> drawn; ///< the key of the profile with a seed that `fate` is of

  bool forwarding = false; ///< an upstream is asked first (`mock/forward.hpp`)
  std::shared_ptr<const forward_client> client; ///< then: how; null: nothing is said
  std::shared_ptr<const plan> mock; ///< then: what answers if the upstream does not, or is compared with it; null: nobody wants it
  std::shared_ptr<const forward_note> forwarded; ///< what came of it

  std::shared_ptr<const generation> generate; ///< how `Prefer` wants the body made; null: it is the example's

  /// Nobody else answers before the upstream is asked.
  bool forwards() const noexcept { return forwarding && !refusal; }
  /// `handler_run` answers, not `render`.
  bool runs_script() const noexcept;
  /// The answer is made of a collection (`mock/stateful.hpp`).
  bool stateful = false;
  /// Empty when nothing matched.
  std::string_view endpoint_id() const noexcept;
};

/// What the log says about the choice that was made of a request which is routed again.
struct recorded_choice {
  std::string_view endpoint; ///< its id; empty: none
  const response* refused = nullptr; ///< the answer, where there was no endpoint
  std::string_view forwarded = {}; ///< the endpoint that was to ask an upstream, where another answered; empty: none
};

/// Chooses endpoint and answer. Never fails: what cannot be answered is a plan with a `refusal`.
///
/// Of the endpoints whose path, method and media type fit and whose match holds, the one of the lowest priority answers; then the one of the more
/// concrete path (concrete segments win over mixed ones, those over parameters, those over a regular expression of the whole path); of the same path
/// the hand-made one, the one of the request's own method, the one with more conditions, the one that takes the body more exactly; of those the
/// newest (the one with the greater id; of imported ones the elder). A path that has no such method, or whose matches do not hold, gives way to a
/// less concrete one; but among the imported the most concrete path decides (OpenAPI). A trailing slash counts, but if nothing matches, the path is tried with it toggled, then below the base path of the imported
/// document's servers. HEAD falls back on GET.
/// The answer is the lowest 2xx, else `default` (as 200), else the first; `Prefer: code=…, example=…` (RFC 7240) chooses another, `Accept`
/// the media type. A request that breaks the rules of an imported operation is refused with 422 (or 400, if the document has only that), or reported.
/// `recorded` is for requests of which the log has kept only a part, or tokens: matches are then not looked at, but as was chosen. Cost: one hash
/// look-up a segment (plus those of less concrete branches that lead nowhere), whatever the number of endpoints; those that only their matches tell
/// apart are tried one after the other, within `limits::match_work`.
plan route(const endpoint_state& state, const request& req, const recorded_choice* recorded = nullptr);

} // namespace hourglass::mock
