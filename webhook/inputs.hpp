#pragma once

#include "events/outcome.hpp"
#include "webhook/commands.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The bodies of the Svix-shaped API, read into commands. Fail with `errc::invalid`, `where` a JSON Pointer. Members that are not known are
/// ignored, as Svix does; `filter` (`webhook/content_filter.hpp`), `retryPolicy`, `protection`
/// (`webhook/delivery_policy.hpp`), `ordering` (`webhook/ordering.hpp`), `tls`, `authentication` and
/// `proxy` (`webhook/transport.hpp`) are ours and strict. `eventTypes` is `filterTypes` by its name in Svix's clients 2.x. Ours beside Svix's:
/// `retrySchedule` (array of seconds), `inFlight`, `timeout` (seconds), `signatureProfile` (standard, stripe, github, shopify, slack), `signatureType` (hmac256,
/// ed25519: what is generated when no secret is given).
namespace hourglass::webhook {

/// `{"data": [EndpointIn…]}`, 1 to `destinations_at_once`. What does not read of one is told with the rest (`create_destinations`).
events::outcome<create_destinations> read_endpoints_in(std::string_view text);
/// MessageIn, and `endpoint`: an EndpointIn.
events::outcome<create_dynamic_message> read_dynamic_message_in(std::string_view text);
events::outcome<create_destination> read_endpoint_in(std::string_view json);
/// `id` comes from the path.
events::outcome<update_destination> read_endpoint_update(std::string_view json);
events::outcome<patch_destination> read_endpoint_patch(std::string_view json);
/// `{"headers": {…}}`: PUT replaces all; PATCH also knows `"deleteHeaders": […]`.
events::outcome<patch_destination> read_endpoint_headers(std::string_view json, bool replace_all);
/// `{"key": …, "gracePeriodSeconds": …, "signatureType": …}`, all optional; an empty body too.
events::outcome<rotate_secret> read_secret_rotate(std::string_view json);
/// `{"key": …}`: the one secret from now on.
events::outcome<rotate_secret> read_secret_replace(std::string_view json);
events::outcome<put_event_type> read_event_type_in(std::string_view json);
/// PUT /event-type/{name}: the name comes from the path. Members that are missing keep what `before` has (PATCH) when it is given.
events::outcome<put_event_type> read_event_type_update(std::string_view json, std::string_view name, const event_type* before);
/// The payload keeps its bytes: it is cut out of `json`, not written anew. Or, without one or with `{}`: `payloadText`, `payloadBase64`, or as Svix's cloud has it
/// `transformationsParams.rawPayload`, each sent as it is. Ours besides: `contentType`, `headers`; `transformationsParams.headers` has both.
events::outcome<create_message> read_message_in(std::string_view json);
/// `{"since": …, "until": …}` and ours: `"scope": "failed|missing|all"`, `"eventTypes": […]`, `"filter"`, `"statusCodeClass"`, `"rate"`.
events::outcome<start_recovery> read_recover_in(std::string_view json);
/// The same of what is to be removed: `since` may be left out, and there is neither scope nor rate.
events::outcome<start_recovery> read_purge_in(std::string_view json);
/// What goes instead of a message that is dead: a payload as `read_message_in` knows it, and what differs from `old` of type, channels, tags, ordering key, content type
/// and headers. `keep_headers` is set when it says none.
events::outcome<create_message> read_edit_in(std::string_view json, const message_created& old, bool& keep_headers);
/// Its `dryRun`.
events::outcome<bool> read_dry_run(std::string_view json);

/// `{"code", "enabled", "variables"}`, all optional; what is null is none.
events::outcome<change_transformation> read_transformation_patch(std::string_view json);
/// A trial: `{"code", "variables", "eventType", "payload"}`; without `code` or `variables` those of the endpoint.
struct transformation_trial {
  std::optional<std::string> code;
  std::optional<string_map> variables;
  std::string event_type;
  std::string payload; ///< JSON text
};
events::outcome<transformation_trial> read_transformation_trial(std::string_view json);

/// A polling endpoint: `uid`, `description`, `filterTypes` or `eventTypes`, `channels`, `filter`, `metadata`, all optional.
events::outcome<create_poller> read_poller_in(std::string_view json);
events::outcome<patch_poller> read_poller_patch(std::string_view json);

/// Where a consumer is to go on: `{"after": …}`, or ours `{"iterator": …}`, an iterator that its polling endpoint gave.
struct consumer_seek {
  std::optional<events::virtual_time> after;
  std::string iterator;
};
events::outcome<consumer_seek> read_consumer_seek(std::string_view json);

/// Which messages of before a destination would have got.
struct filter_trial {
  std::string destination; ///< id or uid; empty: none, only what is given here
  std::optional<content_filter> filter;
  std::optional<std::vector<std::string>> filter_types, channels;
  std::optional<events::virtual_time> since, until;
  std::optional<events::seq> before; ///< messages before this one
  std::size_t limit = 100;
};
/// `{"endpointId", "filter", "filterTypes" or "eventTypes", "channels", "since", "until", "limit": 1 to 1000, "iterator"}`, all optional. What is
/// null stands for none.
events::outcome<filter_trial> read_filter_trial(std::string_view json);

} // namespace hourglass::webhook
