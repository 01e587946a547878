#include "tests/bench/cases.hpp"

#include <array>

namespace hourglass::bench {

std::span<const bench_case> all_cases() {
  static constexpr std::array<bench_case, 12> all{{
    {"serve", "a mock answer with its synced event, next to a bare Beast server", run_serve},
    {"scripted", "an answer that a handler's script gives, one after the other in its sandbox", run_scripted},
    {"counter", "64 clients count 10,000 times each in one script's data", run_counter},
    {"hostile", "answers of a sandbox while another runs hostile scripts", run_hostile},
    {"endpoints", "one endpoint and 100,000 endpoints", run_endpoints},
    {"document", "an operation of a whole document, and of one with no other", run_document},
    {"collection", "items of a document's collection: created, shown, listed, filtered", run_collection},
    {"delivery", "emit, sign, deliver, log, next to a bare Beast client that signs", run_delivery},
    {"head_of_line", "100 destinations, without and with 10 that hang", run_head_of_line},
    {"crowd", "1,000 destinations, without and with 300 that misbehave", run_crowd},
    {"outage", "1,000,000 messages for a receiver that is down: memory, kill -9, and all of them delivered", run_outage},
    {"many", "100,000 sandboxes and 1,000,000 events: start, memory, waking", run_many},
  }};
  return all;
}

} // namespace hourglass::bench
