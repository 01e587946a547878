#pragma once

#include "storage/index.hpp"
#include "storage/store.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::api {

/// How many events one request looks at before it answers with a short page.
inline constexpr std::size_t scan_most = 5'000;

/// Tells `see` every event that fits `what`, page by page, until it returns false, fails, or `scan_most` were looked at. Returns where to
/// go on (`before` when newest first, else `after`), or nothing at the end. Blocking: on a reader thread.
events::outcome<std::optional<events::seq>> scan_log(const storage::store& in, storage::history_query what,
                                                     const std::function<events::outcome<bool>(const events::record&)>& see);

/// The same for the events that fit any of `what`, each told once. All of them go the same way, from the same place, in one sandbox.
events::outcome<std::optional<events::seq>> scan_log_merged(const storage::store& in, std::vector<storage::history_query> what,
                                                            const std::function<events::outcome<bool>(const events::record&)>& see);

/// The last event before the first one that is later than `t` on the sandbox's clock; 0 if there is none before it. A clock that was set back has
/// been at a moment more than once: then the first time counts.
events::outcome<events::seq> place_of(const storage::store& in, const events::sandbox_id& sandbox, events::virtual_time t);

/// The newest event of this kind about `entity`, if any.
events::outcome<std::optional<events::record>> find_one(const storage::store& in, const events::sandbox_id& sandbox, events::kind kind,
                                                        std::string_view entity);

} // namespace hourglass::api
