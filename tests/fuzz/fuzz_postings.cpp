#include "storage/postings.hpp"

#include <cstdlib>

using namespace hourglass::storage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto key = std::min<std::size_t>(size, 10);
  const index_entry entry{std::string{bytes.substr(0, key)}, std::string{bytes.substr(key)}};
  auto seqs = postings::seqs_of(entry);
  if (!seqs)
    return 0;
  // What was read can be written, and says the same.
  const postings::terms again{{entry.key.substr(0, key - 8), {seqs->rbegin(), seqs->rend()}}};
  const auto written = postings::entries_of(again);
  if (written.size() != 1 || written.front().key != entry.key || postings::seqs_of(written.front()).value() != *seqs)
    std::abort();
  return 0;
}
