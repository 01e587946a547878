#pragma once

/// What Boost.Beast does on this machine when nothing else is to be done: the yardstick. Each is a program of its own (`bench_driver bare-…`),
/// as our server is, so that both share the processor with the load in the same way.
namespace hourglass::bench {

/// `bare-server PORT THREADS BODY`: answers every request with 200 and BODY, from coroutines, one io_context a thread. Until it is killed.
int bare_server(int argc, char** argv);

/// `bare-client ADDRESS PORT THREADS CONNECTIONS SECONDS [tls]`: signed POSTs of 512 bytes over kept connections, closed loop; with `tls`, whoever the receiver is.
/// Prints `deliveries seconds p50_us p99_us failed`.
int bare_client(int argc, char** argv);

/// Body of a delivery, and the secret that both sides use.
inline constexpr unsigned delivery_bytes = 512;
inline constexpr const char* delivery_key = "hourglass-benchmark-signing-key!"; ///< 32 bytes

} // namespace hourglass::bench
