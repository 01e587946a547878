#pragma once

#include "api/svix/log_lists.hpp"
#include "webhook/facts.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// How messages stand with endpoints, as the log tells it. All blocking: on a reader thread.
namespace hourglass::api::svix {

/// What ends a delivery, or fails it.
inline const std::vector<events::kind> ends{events::kind::attempt_finished, events::kind::delivery_expired};

/// By destination: the last attempt that counts of a message (a manual one that failed changes nothing), and how many were made.
struct last_attempt {
  webhook::outcome_kind follows = webhook::outcome_kind::failed; ///< `failed`: only manual ones, and none succeeded
  std::uint32_t made = 0;
  events::seq seq = 0; ///< of the event that counts: the attempt, or that it was too old for one
  /// What of the two it was last, and the event that says so; neither: a dead letter that a person has removed since. An attempt of a recovery that
  /// was cancelled may have followed, and changes nothing.
  enum class end : std::uint8_t { none, delivered, dead } stands = end::none;
  events::seq stands_since = 0;
  bool dead() const noexcept { return stands == end::dead; }
  bool delivered() const noexcept { return stands == end::delivered; }
};
events::outcome<std::map<std::string, last_attempt>> last_attempts(const storage::store& in, const events::sandbox_id& sandbox,
                                                                   const std::string& message);

/// What finds the messages that were fanned out to `endpoint`, for `scan_log_merged`: some of those found were not (`went_to`).
std::vector<storage::history_query> messages_for(const events::sandbox_id& sandbox, const std::string& endpoint);
bool went_to(const webhook::message_created& m, const std::string& endpoint);

/// The messages that were fanned out to `endpoint` at or after `since` and at or before `until`, each with the last of its attempts there
/// that counts. Fails with `errc::too_large` when more than `stats_most` events would have to be looked at.
inline constexpr std::size_t stats_most = 100'000;
using sent_message = std::pair<events::seq, std::optional<webhook::outcome_kind>>;
events::outcome<std::vector<sent_message>> sent_between(const storage::store& in, const events::sandbox_id& sandbox,
                                                        const std::string& endpoint, std::optional<std::int64_t> since,
                                                        std::optional<std::int64_t> until);

/// One message of an endpoint's list.
struct message_row {
  events::seq seq = 0;
  std::string message; ///< MessageOut
  std::optional<webhook::outcome_kind> last;
};

/// A page of the messages that were fanned out to `endpoint`; what only a resend or a recovery brought there is in its attempts. `rows` in the order of the list. Returns where
/// to go on, or nothing at the end.
events::outcome<std::optional<events::seq>> list_message_rows(const storage::store& in, const events::sandbox_id& sandbox,
                                                              const std::string& endpoint, const log_filters& f, std::vector<message_row>& rows);

} // namespace hourglass::api::svix
