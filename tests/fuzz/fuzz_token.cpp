#include "webhook/token.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

// Whatever a token endpoint answers: a token that fits into one header line, or a short sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  using namespace hourglass::webhook;
  http::exchange_result answer;
  answer.body.assign(reinterpret_cast<const char*>(data), size);
  for (unsigned status : {200u, 400u}) {
    answer.status = status;
    const auto read = read_token_answer(answer);
    if (!read) {
      if (read.error().empty() || read.error().size() > 300)
        std::abort();
      continue;
    }
    const auto& t = *read;
    if (status != 200 || t.value.empty() || t.value.size() > token_bytes || t.good_for.count() < 0 || t.good_for > token_time_most ||
        !std::all_of(t.value.begin(), t.value.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
      std::abort();
  }
  return 0;
}
