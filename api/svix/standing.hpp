#pragma once

#include "api/svix/log_lists.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// How messages stand with endpoints, as the log tells it. All blocking: on a reader thread.
namespace hourglass::api::svix {

/// By destination: the last attempt that counts of a message (a manual one that failed changes nothing), and how many were made.
struct last_attempt {
  webhook::outcome_kind follows = webhook::outcome_kind::failed; ///< `failed`: only manual ones, and none succeeded
  std::uint32_t made = 0;
  events::seq seq = 0; ///< of the event of the attempt that counts
};
events::outcome<std::map<std::string, last_attempt>> last_attempts(const storage::store& in, const events::sandbox_id& sandbox,
                                                                   const std::string& message);

/// One message of an endpoint's list.
struct message_row {
  events::seq seq = 0;
  std::string message; ///< MessageOut
  std::optional<webhook::outcome_kind> last;
};

/// A page of the messages that were fanned out to `endpoint`, or that it got attempts of. `rows` in the order of the list. Returns where
/// to go on, or nothing at the end.
events::outcome<std::optional<events::seq>> list_message_rows(const storage::store& in, const events::sandbox_id& sandbox,
                                                              const std::string& endpoint, const log_filters& f, std::vector<message_row>& rows);

} // namespace hourglass::api::svix
