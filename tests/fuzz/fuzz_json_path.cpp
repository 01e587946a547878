// JSONPath: what compiles ends within its work, and finds no more than it paid for.
#include "mock/json_path.hpp"

#include <cstdlib>

using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto path = json_path::compile({reinterpret_cast<const char*>(data), size});
  if (!path)
    return 0;
  static const auto root = parse_json(R"({"a":{"b":[[1,2,3],[{"c":4}],{"c":[5,null]}]},"c":{"d":"e"},"":0})");
  if (!root)
    std::abort();
  std::uint64_t work = 5000;
  auto found = path->find(*root, work);
  if (found.values.size() > 5001 || (!found.complete && work != 0))
    std::abort();
  return 0;
}
