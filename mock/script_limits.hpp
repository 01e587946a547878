#pragma once

#include "events/limits.hpp"

/// The limits of scripts, beside events/limits.hpp, which everything includes. What a script may cost inside its worker stands in
/// script/worker/limits.hpp.
namespace hourglass::limits {

inline constexpr std::size_t script_bytes = 256 * kibi;      ///< of one handler or function
inline constexpr std::size_t script_functions = 200;         ///< of a sandbox
inline constexpr std::size_t script_functions_bytes = 1 * mebi; ///< of all of them: every worker compiles them for every sandbox it knows
inline constexpr unsigned script_workers = 2;                ///< processes, some 20 MB each; and half as many, at least one, for slow scripts
inline constexpr auto script_cpu_time = 1s;                  ///< of its worker, which stops it far earlier if it can; then the worker is killed
inline constexpr auto script_time = 10s;                     ///< from start to outcome, on the wall; the same. A busy machine is not the script's fault
inline constexpr auto script_start_time = 10s;               ///< for a worker to be ready
inline constexpr std::size_t script_queue = 10'000;          ///< runs of all sandboxes that wait for a worker
inline constexpr std::size_t script_queue_per_sandbox = 64;  ///< of these, of one: its requests come one by one, the rest are checks, trials and replays
inline constexpr std::size_t scripts_apart = 32;             ///< trials and replays under way: each holds a copy of its sandbox's data
inline constexpr std::size_t scripts_apart_per_sandbox = 4;
inline constexpr auto script_slow = 25ms;                    ///< of the processor, of which 8 make a realm; whose script takes more has workers of the slow from then on
inline constexpr unsigned script_quick_again = 16;           ///< runs in a row that took less: the sandbox is as any other again
inline constexpr unsigned script_slow_for = 20;              ///< but not before so many times what the slow run took are over
inline constexpr auto script_slow_remembered = 60s;          ///< and then, of a sandbox that does nothing
inline constexpr auto script_rest = 1s;                      ///< the longest rest after a script that had to be stopped
inline constexpr std::size_t script_request_bytes = 16 * mebi; ///< `$req` as JSON
inline constexpr std::size_t script_answer_bytes = 6 * mebi; ///< of the body
inline constexpr std::size_t script_frame_bytes = 8 * mebi;  ///< from a worker, with everything around the body
inline constexpr std::size_t script_headers = 100;
inline constexpr std::size_t script_header_bytes = 8 * kibi; ///< of one value
inline constexpr std::size_t script_call_bytes = 4 * mebi;   ///< of one answer to a call: what `mock.list` may return
inline constexpr std::size_t script_calls = 10'000;          ///< of one run
inline constexpr std::size_t script_writes = 1'000;          ///< items that one run may change
inline constexpr std::size_t script_discards = 1'000;        ///< beside these, what is remembered and has had its time
inline constexpr std::size_t script_write_bytes = 4 * mebi;  ///< of these items, keys and values: they stand in one append, beside those of others
inline constexpr std::size_t script_messages = 20;           ///< webhooks that one run may emit: its answer waits for them
inline constexpr std::size_t script_messages_bytes = 8 * mebi; ///< of their payloads together: they stand in the append of their request
inline constexpr std::size_t script_remembered = 10'000;     ///< records of `idempotency.remember` in a sandbox
inline constexpr auto script_remembered_time = 24h;          ///< how long one lasts if the script does not say; Stripe's least, and what the IETF draft leaves open
inline constexpr auto script_remembered_longest = 24h * 30;
inline constexpr std::size_t in_flight_bytes_per_sandbox = 64 * mebi; ///< of `in_flight_bytes`: what may wait for one sandbox, whose scripts may be slow
inline constexpr auto chaos_latency = 60s;                   ///< that an answer may be held back
inline constexpr std::size_t console_lines = 100;            ///< kept of one run
inline constexpr std::size_t console_line_bytes = 4 * kibi;
inline constexpr std::size_t script_message_bytes = 1 * kibi; ///< of an error
inline constexpr std::size_t script_stack_bytes = 2 * kibi;

} // namespace hourglass::limits
