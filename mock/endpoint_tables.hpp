#pragma once

#include "events/json_text.hpp"
#include "mock/endpoints.hpp"
#include "mock/forward_rules.hpp"
#include "mock/json_value.hpp"
#include "mock/router.hpp"
#include "mock/security.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace hourglass::mock {

/// Since when, and until when, what upstreams answer is to be made endpoints of. The log has it anyway: this only says what is meant.
struct recording_session {
  bool active = false;
  std::string path; ///< targets begin with it
  events::wall_time since, until; ///< `until`: when it ended; 0: it has not
  bool operator==(const recording_session&) const = default;
};

class answer_schemas; // mock/generated.hpp
struct answer_source; // mock/openapi.hpp

/// What endpoint_state holds. Private to endpoint*.cpp and route.cpp.
struct endpoint_state::tables {
  std::map<std::string, std::shared_ptr<const compiled_endpoint>, std::less<>> by_id;
  router routes;
  std::string imported_title; ///< of the imported document; empty without one
  std::string imported_version;
  std::string imported_sha256; ///< of its text; empty if the log does not say
  bool imported = false;       ///< there was an import
  bool imported_pinned = false;
  std::map<std::string, std::string, std::less<>> imported_webhooks; ///< name -> `document_webhook::shape`
  std::string imported_requests; ///< what `request_schemas` reads, as JSON; empty: requests are not checked
  std::string imported_collections; ///< as JSON; empty: none
  collections kept;                 ///< of these, by namespace
  std::shared_ptr<const answer_schemas> imported_answers; ///< what answers may be made of anew; null: nothing
  forward_clients forwarding;       ///< how endpoints ask their upstreams
  recording_session recording;      ///< of what they answer
  good_credentials credentials;     ///< of security schemes, whatever document has them
  std::map<std::string, std::string, std::less<>> functions;
  std::shared_ptr<const script_source> library; ///< of `functions`, as the engine takes them; null: none
  std::size_t regex_steps = 0; ///< of all endpoints together
  std::map<std::string, std::size_t, std::less<>> imported_roots; ///< base path of the imported servers -> endpoints under it

  void put(std::shared_ptr<const compiled_endpoint> e); ///< replaces the one of the same id
  void remove(std::string_view id);
  void note_functions(); ///< they have changed
  /// The rules of an imported endpoint that is put alone.
  events::outcome<std::shared_ptr<const request_check>> check_of(const endpoint& e) const;
  void note_import(const json_value& v); ///< what an import's event or a snapshot says beside its endpoints
};

/// Reads the API's JSON of put_endpoint (all but the id), with errors that point at the member.
events::outcome<endpoint> read_endpoint(std::string_view text);

/// Of the regular expressions in its path and its match.
std::size_t regex_steps_of(const compiled_endpoint& e);

// endpoint_put.cpp
/// Reads one from outside and gives it its id, the `ordinal`-th of one moment.
events::outcome<std::shared_ptr<const compiled_endpoint>> read_put(const put_endpoint& command, const events::context& ctx, std::uint32_t ordinal = 0);
/// Text that is equal for endpoints of the same path (apart from the names of its parameters) and method.
std::string place_key(const compiled_endpoint& e);
/// The endpoint of `there`, all of one path and method, that answers what `e` would; null if there is none.
const compiled_endpoint* rival(const compiled_endpoint& e, const std::vector<std::shared_ptr<const compiled_endpoint>>& there);
events::outcome<decision> decide_put(const endpoint_state& state, const put_endpoint& command, const events::context& ctx);
events::outcome<decision> decide_put_several(const endpoint_state& state, const put_endpoints& command, const events::context& ctx);

// endpoint_import.cpp
struct decoded_endpoints {
  std::vector<std::shared_ptr<const compiled_endpoint>> endpoints;
  collections kept;
  std::shared_ptr<const answer_schemas> answers;
};
events::outcome<decision> decide_import(const endpoint_state& state, const import_openapi& command, const events::context& ctx);
events::outcome<decision> decide_restore(const endpoint_state& state, const restore_openapi& command);
/// Those of an event or a snapshot, with the collections and schemas beside them.
events::outcome<decoded_endpoints> decode_all(const json_value& v);
/// What this core wrote itself, which may be larger than what it takes from outside.
events::outcome<json_value> parse_own(std::string_view text);

// import_changes.cpp
/// What an import brings, beside what there is.
struct fresh_import {
  std::vector<const endpoint*> endpoints; ///< with ids
  std::vector<std::string> collections;   ///< their `space`s
  std::map<std::string, std::string, std::less<>> webhooks; ///< name -> shape
  const json_value* requests = nullptr;   ///< as in its event; null: none
  const json_value* answers = nullptr;    ///< of which `schemas` are looked at; null: none
  std::function<const answer_source*(std::size_t endpoint, std::size_t response, std::size_t content)> source;
  bool ids_are_known = true; ///< also those of endpoints that are new
};
/// The method, the match and the whole path: by these an endpoint is the same over re-imports.
std::pair<std::string, std::string> import_key(const endpoint& e);
/// What replacing the imported endpoints by `after` changes, as a JSON object:
///   {"before": {"title", "version", "sha256"} or null, "counts": {"added", "removed", "changed", "unchanged"},
///    "added": [{"id"?, "method", "path"}], "removed": […], "changed": [{…, "parts": […]}], "collections_added": [], "collections_removed": [],
///    "webhooks_added": [], "webhooks_removed": [], "webhooks_changed": [], "validation"?: {"before", "after"}, "security"?: {"before", "after"}}
/// Lists end at `limits::import_changes`; `counts` go on. Values that were generated for both are not compared, but the schemas that they are made of.
std::string changes_of(const endpoint_state::tables& before, const fresh_import& after);
/// Of an import's event or of a snapshot.
std::map<std::string, std::string, std::less<>> webhooks_of(const json_value& v);

// endpoint_functions.cpp
events::outcome<decision> decide_put_function(const endpoint_state& state, const put_function& command);
events::outcome<decision> decide_remove_function(const endpoint_state& state, const remove_function& command);
events::outcome<void> apply_function(endpoint_state::tables& to, events::kind kind, const json_value& v);

// endpoint_forwarding.cpp
events::outcome<decision> decide_forwarding(const endpoint_state& state, const put_forwarding& command, const events::context& ctx);
void write_forwarding(const endpoint_state::tables& from, events::json_text& j); ///< members of an object that is open
events::outcome<decision> decide_retarget(const endpoint_state& state, const retarget_endpoints& command);
events::outcome<void> apply_forwarding(endpoint_state::tables& to, const json_value& v);

/// Headers that are the server's: an answer that framed itself would desynchronise the connection.
bool is_framing_header(std::string_view name);

/// The form in events and snapshots.
void write_endpoint(const endpoint& e, std::string& out);
void write_demands(const request_spec& demands, events::json_text& j); // endpoint_codec_request.cpp
events::outcome<request_spec> decode_demands(const json_value& v);
events::outcome<endpoint> decode_endpoint(const json_value& v);

} // namespace hourglass::mock
