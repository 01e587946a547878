#pragma once

#include "events/ids.hpp"
#include "mock/settings.hpp"
#include "storage/store.hpp"

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// The rows that find a sandbox without waking it. They are written with the events they are made of, in one piece.
///
///   "sb" sandbox(16)            -> the sandbox as JSON (`mock::to_json`)
///   "ui" uid                    -> sandbox(16)
///   "ak" sha256 of the key, hex -> sandbox(16)
///   "pe" sandbox(16) session    -> which of its portal tokens are over (`mock::to_text`); of all of them under the empty session
///   "pc" sandbox(16) name       -> nothing: a portal link that was used, a token that was logged out
///   "cl" sandbox(16) claim      -> nothing: a name that may be taken once per sandbox
///   "on", "ox"                  -> actors/once.hpp
///   "rt", "rc"                  -> actors/retention.hpp
///   "dl", "pw", "db"            -> actors/pruning.hpp
namespace hourglass::actors::registry {

std::string sandbox_key(const events::sandbox_id& id);
std::string uid_key(std::string_view uid);
std::string api_key_key(std::string_view hash_hex);
std::string portal_ends_key(const events::sandbox_id& id, std::string_view session);
std::string portal_closed_key(const events::sandbox_id& id, std::string_view name);
std::string claim_key(const events::sandbox_id& id, std::string_view claim);
inline constexpr std::string_view sandbox_prefix = "sb";
inline constexpr std::string_view claim_prefix = "cl"; ///< and a sandbox

/// What changes in the registry when `before` becomes `after`.
std::vector<storage::row> rows_for(const mock::settings_state& before, const mock::settings_state& after, const events::sandbox_id& id);

/// The id in a row's value.
events::outcome<events::sandbox_id> id_of(std::string_view value);

/// When the sandbox of a "sb" row may be deleted.
std::optional<events::wall_time> expiry_of(std::string_view row);

/// Uids that are being taken right now, so that two sandboxes cannot take one between look and write.
class uid_claims {
public:
  /// Fails with `errc::conflict` when another sandbox has or is taking it.
  events::outcome<void> claim(const storage::store& store, std::string_view uid, const events::sandbox_id& by);
  void release(std::string_view uid);

private:
  std::mutex mutex_;
  std::set<std::string, std::less<>> taking_;
};

} // namespace hourglass::actors::registry
