#pragma once

#include "events/limits.hpp"

namespace hourglass::limits {

// -- forwarding: what an upstream may cost ---------------------------------------------
inline constexpr std::size_t forward_url_bytes = 2 * kibi; ///< what the client takes
inline constexpr std::size_t forward_rules_bytes = 64 * kibi; ///< of one endpoint, as JSON
inline constexpr std::size_t forward_headers = 64;            ///< rules for headers, of each kind
inline constexpr std::size_t forward_projects = 100;          ///< with client settings of their own
inline constexpr std::size_t forward_body_bytes = 5 * mebi; ///< of an upstream's answer; one that is longer is a failure
inline constexpr std::size_t forward_recorded_bytes = 3 * mebi; ///< as JSON, of an upstream's answer that is kept beside the one that was given
inline constexpr auto forward_time = 20s;                   ///< for an upstream that nothing is said about
inline constexpr auto forward_time_most = 60s;
inline constexpr std::size_t recorded_requests = 20'000;   ///< that one look at the log makes endpoints of
inline constexpr std::size_t recorded_bytes = 64 * mebi;
inline constexpr unsigned forward_hops = 8; ///< through servers of this kind; a chain that comes back to itself ends there

} // namespace hourglass::limits
