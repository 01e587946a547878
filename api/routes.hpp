#pragma once

#include "api/fwd.hpp"

/// Each adds the routes of one resource. One file a resource.
namespace hourglass::api {

void add_operations(router& to);      // operations.cpp: health, metrics, the OpenAPI document
void add_sandboxes(router& to);       // sandboxes.cpp
void add_pruning(router& to);         // pruning.cpp: deleted sandboxes, out of the store
void add_mock_endpoints(router& to);  // mock_endpoints.cpp: endpoints and OpenAPI import
void add_openapi_versions(router& to); // openapi_versions.cpp: what was imported before
void add_imports(router& to);         // imports.cpp: WireMock, Postman, HAR
void add_forwarding(router& to);      // forwarding.cpp: how upstreams are asked
void add_recordings(router& to);      // recordings.cpp: endpoints of recorded traffic, mocks beside upstreams
void add_data(router& to);            // data.cpp
void add_env(router& to);             // env.cpp
void add_mappers(router& to);         // mappers.cpp
void add_plugins(router& to);         // plugins.cpp
void add_scenarios(router& to);       // scenarios.cpp: seeding, scenario packs, chaos profiles
void add_scripts(router& to);         // scripts.cpp: versions of endpoints, functions, templates, trials
void add_clock(router& to);           // clock.cpp
void add_requests(router& to);        // requests.cpp: timeline and replay
void add_history(router& to);         // history.cpp: history, state at a moment, live tail
void add_emit(router& to);            // emit.cpp: events/{type}
void add_broadcast(router& to);       // broadcast.cpp: one message to many sandboxes
void add_attempt_search(router& to);  // attempt_search.cpp: attempts by what they were and by text
void add_signatures(router& to);      // signatures.cpp: public keys, verification, the page for it

void add_portal_page(router& to);     // portal_page.cpp: the page on which a sandbox's users look after their webhooks
void add_portal_access(router& to);   // svix/portal_access.cpp: tokens for it

void add_applications(router& to);    // svix/applications.cpp
void add_webhook_endpoints(router& to); // svix/endpoints.cpp
void add_transformations(router& to); // svix/transformations.cpp: scripts that change what is sent
void add_filters(router& to);         // svix/filters.cpp: filters tried on messages of before
void add_examples(router& to);        // svix/examples.cpp: send-example
void add_pollers(router& to);         // svix/pollers.cpp: polling endpoints and their consumers
void add_polling(router& to);         // svix/polling.cpp: reading them
void add_event_types(router& to);     // svix/event_types.cpp
void add_messages(router& to);        // svix/messages.cpp
void add_attempts(router& to);        // svix/attempts.cpp
void add_redelivery(router& to);      // svix/redelivery.cpp: resend, recoveries
void add_dead_letters(router& to);    // svix/dead_letters.cpp: listed, thrown away, edited
void add_expunge(router& to);         // svix/expunge.cpp: payloads and answers erased

} // namespace hourglass::api
