#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/destination.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::webhook {

/// How far one reader of a polling endpoint has come, whom it knows by a name that he chose.
struct poller_consumer {
  events::seq cursor = 0; ///< every message up to this event has been acknowledged
  events::virtual_time moved;
  bool operator==(const poller_consumer&) const = default;
};

/// A destination to which nothing is sent: who wants its messages comes and reads them from the log (`docs/decisions/038-polling.md`).
struct poller {
  std::string id;  ///< `poll_…`
  std::string uid; ///< the caller's own name for it, unique among the sandbox's pollers; may be empty
  std::string description;
  std::vector<std::string> filter_types; ///< as a destination's, sorted; empty: all
  std::vector<std::string> channels;
  content_filter filter;
  string_map metadata;
  events::virtual_time created;
  events::virtual_time updated;

  // What the fold adds.
  events::seq start = 0; ///< the event that created it: who begins without a place begins behind it
  std::map<std::string, poller_consumer, std::less<>> consumers;

  bool operator==(const poller&) const = default;
};

/// A destination that wants what `p` gives, for `matches`; nothing else of it is filled in.
destination selection_of(const poller& p);

/// Where a consumer stands that may never have come before.
events::seq cursor_of(const poller& p, std::string_view consumer);

/// Every rule of its fields but that its uid is free. Sorts the lists. Fails as `validate(destination&)`.
events::outcome<void> validate(poller& p);

} // namespace hourglass::webhook
