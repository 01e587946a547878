#pragma once

#include "events/limits.hpp"

/// The limits of calls to the outside that serving a request makes, beside events/limits.hpp, which everything includes.
namespace hourglass::limits {

inline constexpr std::size_t outbound_calls = 16;  ///< of one request, delays among them
inline constexpr unsigned outbound_rounds = 8;     ///< times that one request is served again with what its calls came to
inline constexpr auto outbound_time = 60s;         ///< all rounds of one request together
inline constexpr auto outbound_call_time = 10s;    ///< one call, if it does not say
inline constexpr auto outbound_call_longest = 30s; ///< and if it does; a delay too
inline constexpr std::size_t outbound_url_bytes = 2 * kibi;
inline constexpr std::size_t outbound_headers = 50; ///< of a call
inline constexpr std::size_t outbound_header_bytes = 8 * kibi;
inline constexpr std::size_t outbound_body_bytes = 256 * kibi; ///< of a call
inline constexpr std::size_t outbound_answer_bytes = 1 * mebi; ///< of its answer: one that is longer is a failure, since half of one is no answer
inline constexpr std::size_t outbound_bytes = 2 * mebi; ///< of all of them, as JSON: they stand in the event of their request
inline constexpr std::size_t outbound_in_flight_per_sandbox = 1'000; ///< calls: who hangs must not hold everything

} // namespace hourglass::limits
