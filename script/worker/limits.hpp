#pragma once

#include "mock/script_limits.hpp"

#include <cstddef>

/// What a script may cost inside a worker. What the server waits for, and keeps, stands in mock/script_limits.hpp.
namespace hourglass::worker::limits {

inline constexpr std::size_t mebi = 1024 * 1024;

inline constexpr long cpu_ms = 100;                      ///< of one run; a handler that answers takes a few
inline constexpr std::size_t heap_bytes = 64 * mebi;     ///< of the collector's cells; strings and arrays are not among them
inline constexpr std::size_t memory_bytes = 64 * mebi;   ///< above what an idle worker takes, by what the system says
inline constexpr std::size_t tired_bytes = 32 * mebi;    ///< above that, after a collection: time for a fresh worker
inline constexpr std::size_t address_bytes = 512 * mebi; ///< above what an idle worker has mapped; a single allocation beyond fails at once
inline constexpr std::size_t stack_bytes = 700 * 1024;   ///< of the script's calls; the thread has 8 MiB
inline constexpr std::size_t frame_bytes = 24 * mebi;    ///< from the server
inline constexpr std::size_t call_bytes = 4 * mebi;      ///< of a call's arguments
inline constexpr std::size_t calls = hourglass::limits::script_calls;               ///< what the server would kill us for is the script's error here
inline constexpr std::size_t headers = hourglass::limits::script_headers;           ///< the same
inline constexpr std::size_t header_bytes = hourglass::limits::script_header_bytes; ///< the same; of a name or a value
inline constexpr std::size_t headers_bytes = 1 * mebi;   ///< of an answer's headers
inline constexpr std::size_t answer_bytes = 6 * mebi;    ///< of an answer's body
inline constexpr std::size_t text_chars = 8 * mebi;      ///< that `repeat`, `padStart` and `padEnd` make
inline constexpr std::size_t realms = 32;                ///< sandboxes a worker remembers
inline constexpr std::size_t handlers_per_realm = 64;
inline constexpr std::size_t console_lines = 100;
inline constexpr std::size_t console_line_bytes = 4 * 1024;
inline constexpr std::size_t message_bytes = 1'000;
inline constexpr std::size_t stack_text_bytes = 2'000;
inline constexpr std::size_t jobs_at_once = 1'024; ///< promise reactions before the queue is compacted

} // namespace hourglass::worker::limits
