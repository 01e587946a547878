#include "http/response_reader.hpp"

#include <cstdint>
#include <cstdlib>

// Whatever a receiver sends, in whatever pieces, stays within the caps.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::http;
  if (size < 2 || size > 100'000)
    return 0;
  std::size_t step = data[0] % 61 + 1u;
  std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  exchange asked;
  asked.body_kept = 64;
  asked.body_read = 4'096;
  exchange_result result;
  response_reader reader{result, asked, (data[0] & 0x80) != 0};
  auto how = response_reader::progress::more;
  std::string waiting;
  while (how == response_reader::progress::more && !bytes.empty()) {
    auto take = std::min(step, bytes.size());
    waiting.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    std::size_t used = 0;
    how = reader.feed(waiting.data(), waiting.size(), used);
    if (used > waiting.size())
      std::abort();
    waiting.erase(0, used);
  }
  if (how == response_reader::progress::more)
    (void)reader.feed_end();
  else if (how == response_reader::progress::done)
    (void)reader.stays_open();
  if (result.body.size() > asked.body_kept || result.headers.size() > 256)
    std::abort();
  return 0;
}
