// JSON Patch: whatever the operations, what comes of it reads back, no deeper than JSON may be, or it says where it went wrong.
#include "mock/json_patch.hpp"

#include <cstdlib>

using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto patch = parse_json({reinterpret_cast<const char*>(data), size});
  if (!patch)
    return 0;
  static const auto root = parse_json(R"({"a":{"b":[[1,2,3],[{"c":4}],{"c":[5,null]}]},"c":{"d":"e"},"":0})");
  if (!root)
    std::abort();
  auto done = patched(*root, *patch, {100, 50'000});
  if (!done) {
    if (done.error().detail.empty())
      std::abort();
    return 0;
  }
  if (!parse_json(to_text(*done)))
    std::abort();
  return 0;
}
