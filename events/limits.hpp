#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every limit of Hourglass, with its reason. Going over one is a problem document that names it.
namespace hourglass::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t kibi = 1024;
inline constexpr std::size_t mebi = 1024 * kibi;

// -- events: one record must fit in a journal batch and be readable in one go -----
inline constexpr std::size_t record_bytes = 16 * mebi;
inline constexpr std::size_t correlation_bytes = 64;
inline constexpr std::size_t principal_bytes = 128;
inline constexpr std::size_t entities_per_event = 64;
inline constexpr std::size_t recorded_body_bytes = 6 * mebi; ///< of a request or an answer, as JSON in the log: two of them and the headers fit in a record

// -- http: what a stranger may make us hold ----------------------------------------
inline constexpr std::size_t request_header_bytes = 32 * kibi;
inline constexpr std::size_t request_body_bytes = 8 * mebi; ///< an OpenAPI document of 4 MB must fit
inline constexpr auto request_header_time = 10s;            ///< slowloris
inline constexpr auto request_body_time = 60s;
inline constexpr auto keep_alive_idle = 75s;
inline constexpr std::size_t connections = 10'000;         ///< fewer where the system gives fewer descriptors
inline constexpr std::size_t outgoing_connections = 4'096; ///< of all webhooks together; likewise
inline constexpr std::size_t in_flight_bytes = 256 * mebi; ///< admission credit at the door

// -- storage ------------------------------------------------------------------------
inline constexpr std::size_t journal_queue_bytes = 64 * mebi;
inline constexpr std::size_t journal_batch_bytes = 4 * mebi; ///< one sync's worth
inline constexpr std::uint64_t events_per_snapshot = 50'000;    ///< of a busy sandbox: a restart folds at most this many
inline constexpr std::uint64_t events_per_sleep_snapshot = 200; ///< before it sleeps: waking must take milliseconds
inline constexpr std::size_t disk_reserve_bytes = 64 * mebi; ///< below it nothing is written: what is flushed, and what an operator does, needs room
inline constexpr std::size_t page_size = 250; ///< largest page of any list

// -- a sandbox ----------------------------------------------------------------------
inline constexpr std::size_t endpoints_per_sandbox = 100'000;
inline constexpr std::size_t data_bytes_per_sandbox = 64 * mebi;
inline constexpr std::size_t data_value_bytes = 1 * mebi;
inline constexpr std::size_t env_entries = 1'000;
inline constexpr std::size_t queued_requests_per_sandbox = 10'000;

// -- mock: definitions and documents from outside, and what an answer may cost --------
inline constexpr std::size_t endpoint_path_bytes = 4 * kibi;
inline constexpr std::size_t endpoint_path_segments = 64;  ///< the router recurses once a segment
inline constexpr std::size_t endpoint_body_bytes = 1 * mebi;
inline constexpr std::size_t json_depth = 128;             ///< every reader and writer of JSON recurses
inline constexpr std::size_t document_nodes = 1'000'000;   ///< after YAML aliases are expanded (billion laughs)
inline constexpr std::size_t document_warnings = 100;
inline constexpr std::size_t document_webhooks = 1'000;
inline constexpr std::size_t template_expressions = 1'000;
inline constexpr std::size_t template_depth = 16;
inline constexpr std::size_t template_output_bytes = 4 * mebi;
inline constexpr std::size_t template_work_bytes = 64 * mebi; ///< stored data read for one answer
inline constexpr std::size_t sample_nodes = 2'000;         ///< of one generated example
inline constexpr std::size_t sample_steps = 20'000;        ///< schemas visited for one generated example
inline constexpr std::size_t document_sample_steps = 20'000'000; ///< ... and for all of one document; a few seconds
inline constexpr auto clock_advance = 24h * 3'660;         ///< one advance; about ten years

// -- webhooks -------------------------------------------------------------------------
inline constexpr std::size_t destinations_per_sandbox = 10'000;
inline constexpr std::size_t secrets_per_destination = 11; ///< one current, ten that still overlap, as Svix
inline constexpr std::size_t public_keys = 1'000; ///< in one key set, which anybody may ask for
inline constexpr std::size_t message_bytes = 1 * mebi;
inline constexpr std::size_t pending_per_sandbox = 2'000'000; ///< deliveries not yet ended; each is some 250 bytes of memory
inline constexpr std::size_t attempts_per_message = 100;
inline constexpr auto delivery_delay = 24h * 30; ///< the farthest `deliverAt`
inline constexpr std::size_t response_body_kept = 16 * kibi; ///< of a receiver's answer, per attempt
inline constexpr std::size_t response_body_read = 64 * kibi; ///< then the connection is closed
inline constexpr std::size_t in_flight_per_destination = 64;
inline constexpr std::size_t bytes_under_way_per_sandbox = 64 * mebi; ///< of bodies handed out, each counted once however many destinations it goes to
inline constexpr auto attempt_deadline = 20s; ///< Standard Webhooks: 15 to 30 s

// -- api ------------------------------------------------------------------------------
inline constexpr std::size_t idempotency_key_bytes = 255;
inline constexpr auto idempotency_time = 12h; ///< how long an answer is given again, as Svix

} // namespace hourglass::limits
