#include "http/message.hpp"

#include <cstdint>
#include <cstdlib>

// Pairs that were read can be written and are read again the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::http;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  std::string decoded;
  if (percent_decode(text, false, decoded)) {
    std::string again;
    if (!percent_decode(percent_encode(decoded), false, again) || again != decoded)
      std::abort();
  }
  auto parts = split_target(text);
  fields pairs;
  if (!parse_query(parts.query, pairs))
    return 0;
  std::string query;
  for (const auto& f : pairs)
    query += percent_encode(f.name) + "=" + percent_encode(f.value) + "&";
  fields again;
  if (!parse_query(query, again) || again != pairs)
    std::abort();
  return 0;
}
