#pragma once

#include "events/limits.hpp"

/// Limits that only webhook/ and those above it ask for, with their reason; all others are in events/limits.hpp. Going over one is a problem document that names it.
namespace hourglass::limits {

// -- filters: each runs in the sandbox's one outbox, for every message that may match ------------
inline constexpr std::size_t filter_bytes = 16 * kibi;
inline constexpr std::size_t filter_depth = 16;       ///< compiling and judging recurse
inline constexpr std::size_t filter_conditions = 200;
inline constexpr std::size_t filter_steps = 100'000;  ///< values looked at for one message; about a millisecond

// -- polling: who reads is remembered, in every snapshot of the sandbox ---------------------------
inline constexpr std::size_t pollers_per_sandbox = 100;
inline constexpr std::size_t consumers_per_poller = 100;
inline constexpr std::size_t poll_page_bytes = 4 * mebi;    ///< of payloads: the message that reaches it is the page's last
inline constexpr std::size_t poll_looked_bytes = 32 * mebi; ///< of payloads that one page looks at
inline constexpr std::size_t polls_that_wait = 1'000;       ///< for the next message; beyond it they are answered at once
inline constexpr std::size_t polls_that_wait_per_sandbox = 50;
inline constexpr auto poll_wait = 30s;                      ///< the longest
inline constexpr std::size_t poll_uncommitted_events = 1'000; ///< that fit no filter and are looked at again after a restart, rather than written down as read

// -- transformations: of all destinations they are memory of the sandbox, and run in the engine that its requests use ------
inline constexpr std::size_t transformation_bytes = 64 * kibi;              ///< of the code
inline constexpr std::size_t transformation_bytes_per_sandbox = 8 * mebi;
inline constexpr std::size_t transformation_variables = 50;
inline constexpr std::size_t transformation_variables_bytes = 16 * kibi;
inline constexpr std::size_t transformation_headers = 32;                   ///< that one run may set
inline constexpr std::size_t transformations_at_once = 4;                   ///< of a sandbox at the engine; its requests wait behind no more than these

// -- batches: one request, and one event for each message of it when it was tried ---------------------
inline constexpr std::uint32_t batch_messages = 100;
inline constexpr std::uint32_t batch_bytes = 4 * mebi; ///< of payloads
inline constexpr std::size_t batched_at_once = 512;    ///< messages, by one decision

// -- transport: a handshake reads all of it, on a thread that others share --------------------------
inline constexpr std::size_t tls_authorities = 50;
inline constexpr std::size_t tls_authorities_bytes = 64 * kibi;
inline constexpr std::size_t tls_chain = 10;
inline constexpr std::size_t tls_chain_bytes = 32 * kibi;
inline constexpr std::size_t tls_key_bytes = 16 * kibi;
inline constexpr std::size_t tls_pins = 10;
inline constexpr std::size_t credential_bytes = 1024;      ///< user, password, client id, client secret
inline constexpr std::size_t scope_bytes = 1024;           ///< and audience
inline constexpr std::size_t token_url_bytes = 2048;
inline constexpr std::size_t proxy_url_bytes = 512;
inline constexpr std::size_t proxy_credential_bytes = 255; ///< RFC 1929
inline constexpr std::size_t transport_bytes_per_sandbox = 8 * mebi; ///< of all its destinations together: they are memory while it is awake

// -- what a message brings of its own: read from the log for each attempt ----------------------------
inline constexpr std::size_t message_headers = 32;
inline constexpr std::size_t message_headers_bytes = 16 * kibi; ///< names and values
inline constexpr std::size_t message_params_bytes = 16 * kibi;  ///< of `transformationsParams`

inline constexpr auto attempt_deadline_most = 30s;        ///< that a destination may have; Standard Webhooks: 15 to 30 s
inline constexpr std::uint32_t recovery_rate = 10'000; ///< messages a second

} // namespace hourglass::limits
