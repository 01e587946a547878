#pragma once

#include "events/time.hpp"
#include "mock/decision.hpp"
#include "mock/fwd.hpp"
#include "mock/portal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hourglass::mock {

/// A key of this sandbox's API; the key itself is never stored.
struct api_key {
  std::string id;   ///< at most 64 characters
  std::string hash; ///< 64 hex digits: SHA-256 of the key
  bool operator==(const api_key&) const = default;
};

/// After how many days of the node's clock content is erased; none: it stays.
struct retention_settings {
  std::optional<std::int64_t> payload_days;  ///< of a message that says nothing itself, from when it was created
  std::optional<std::int64_t> response_days; ///< bodies of receivers' answers, from when they came
  bool operator==(const retention_settings&) const = default;
};

/// The sandbox itself.
struct settings_state {
  enum class life : std::uint8_t { none, live, deleted };
  life phase = life::none;
  std::string uid; ///< the caller's own name for it (Svix: application uid); may be empty
  std::string name;
  std::string owner;
  std::string metadata = "{}"; ///< JSON object text, member values are strings
  std::optional<std::int64_t> ttl_s; ///< from creation, on the node's clock; none: stays
  retention_settings retention;
  std::string schema_check; ///< of webhook payloads: `off`, `warn` or `enforce`; empty: as their event types say
  std::string seed;         ///< what the chance of requests and imports comes from; empty: none, each has its own
  std::uint64_t drawn = 0;  ///< requests served since the seed was given
  std::vector<api_key> keys;
  portal_state portal; ///< has events of its own
  events::wall_time created;
  events::wall_time updated;

  /// When the directory may delete it.
  std::optional<events::wall_time> expires() const noexcept;
  /// With a seed: the chance of the request that is the `ordinal`th under it, from 1. Who sends the same requests in the same order has the same answers, on whatever node.
  events::entropy chance_of_request(std::uint64_t ordinal) const;
  bool operator==(const settings_state&) const = default;
};

/// `text`: {"name"?, "uid"?, "owner"?, "metadata"?: {"…": "…"}, "ttl_seconds"?, "seed"?, "retention"?: {"payload_days"?, "response_days"?}, "schema_check"?}.
struct create_sandbox {
  std::string text;
  std::vector<api_key> keys;
};
/// `text`: a merge patch of the same members (null: back to the default). `keys`, if given, replaces all keys.
struct update_sandbox {
  std::string text;
  std::optional<std::vector<api_key>> keys;
};
struct delete_sandbox {};
/// What the values of an imported document are made from; none without a seed.
std::optional<events::entropy> chance_of_import(std::string_view seed);

using settings_command = std::variant<create_sandbox, update_sandbox, delete_sandbox, open_portal, enter_portal, leave_portal, expire_portals>;

/// Fails with `errc::invalid` (`where` = JSON Pointer), `errc::conflict` (created already), `errc::not_found` (not there, or deleted).
events::outcome<decision> decide(const settings_state& state, const settings_command& command, const events::context& ctx);

/// Folds sandbox_created, sandbox_updated, sandbox_deleted, what is of the portal, with a seed request_served; other kinds change nothing. `header.wall` becomes `created`, `updated`.
events::outcome<void> apply(settings_state& state, events::kind kind, std::string_view payload, const events::header& header);

std::string snapshot(const settings_state& state);
template <>
events::outcome<settings_state> restore<settings_state>(std::string_view text);

/// {"id", "uid", "name", "owner", "metadata", "ttl_seconds", "seed", "retention", "schema_check", "expires_at", "keys": [ids], "created_at", "updated_at"}
std::string to_json(const settings_state& state, std::string_view id);

} // namespace hourglass::mock
