#include "http/request_reader.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace hourglass::http;

struct outcome {
  request_reader::progress how = request_reader::progress::more;
  request read;
};

outcome read(std::string_view bytes, std::size_t step) {
  static const request_limits limits{4'096, 16'384};
  credit_pool pool{8'192};
  outcome o;
  {
    request_reader reader{o.read, limits, pool};
    std::string waiting;
    while (o.how == request_reader::progress::more && !bytes.empty()) {
      auto take = std::min(step, bytes.size());
      waiting.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      std::size_t used = 0;
      o.how = reader.feed(waiting.data(), waiting.size(), used);
      if (used > waiting.size())
        std::abort();
      waiting.erase(0, used);
    }
    if (o.how == request_reader::progress::refused && reader.why().status < 400)
      std::abort();
  }
  if (pool.used() != 0)
    std::abort();
  return o;
}

} // namespace

// The first byte says how the rest is cut. A request that is read whole in pieces is the one that is read in one go.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 100'000)
    return 0;
  std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  auto whole = read(text, text.size());
  auto pieces = read(text, data[0] % 61 + 1u);
  if (whole.how == request_reader::progress::done && pieces.how == request_reader::progress::done &&
      (whole.read.method != pieces.read.method || whole.read.target != pieces.read.target || whole.read.headers != pieces.read.headers ||
       whole.read.body != pieces.read.body))
    std::abort();
  if (whole.how == request_reader::progress::done && whole.read.target != "*" && !whole.read.target.starts_with('/'))
    std::abort();
  return 0;
}
