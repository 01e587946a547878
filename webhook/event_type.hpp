#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/schema_check.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::webhook {

/// One entry of the sandbox's catalogue of event types. Messages may use a type that is not listed.
struct event_type {
  std::string name; ///< `^[a-zA-Z0-9\-_.]+$`, at most 256 characters
  std::string description;
  std::string schemas; ///< JSON object text `{"1": {…}}`; empty: none
  std::string group_name;
  std::vector<std::string> feature_flags;
  bool archived = false;
  bool deprecated = false;
  std::optional<schema_check> check = {}; ///< of messages of this type, where their sandbox says nothing
  events::virtual_time created;
  events::virtual_time updated;
  bool operator==(const event_type&) const = default;
};

/// `^[a-zA-Z0-9\-_.]+$` and at most 256 characters: event types, channels, uids and event ids are all such names.
bool is_name(std::string_view text) noexcept;

/// What a destination asks for instead of a name. Of the parts between dots, `*` stands for exactly one and `**` for one or more:
/// `order.*` takes order.paid, `order.**` order.paid and order.paid.late, neither takes order. `*` alone takes every type, as at other senders.
/// Valid as a name is, with no `*` in a part that is more than `*` or `**`.
bool is_type_pattern(std::string_view text) noexcept;

/// O(pattern parts x type parts).
bool type_matches(std::string_view pattern, std::string_view type) noexcept;

/// The parts before the first wildcard, as they stand at the beginning of every type that matches: `order` of `order.*.late`; empty when there is none.
std::string_view literal_parts(std::string_view pattern) noexcept;

/// Fails with `errc::invalid`, `where` a JSON Pointer into the API's body.
events::outcome<void> validate(const event_type& t);

} // namespace hourglass::webhook
