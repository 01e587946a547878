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
/// `retrySchedule` (array of seconds), `inFlight`, `signatureProfile` (standard, stripe, github, shopify, slack), `signatureType` (hmac256,
/// ed25519: what is generated when no secret is given).
namespace hourglass::webhook {

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
/// `{"since": …, "until": …}` and ours: `"scope": "failed|missing|all"`, `"eventTypes": […]`.
events::outcome<start_recovery> read_recover_in(std::string_view json);

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
