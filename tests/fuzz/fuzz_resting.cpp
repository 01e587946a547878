#include "webhook/resting.hpp"

#include <cstdint>
#include <cstdlib>

// Whatever a snapshot has for a page of deliveries that rest: refused, or a page that is written
// and read back alike, and that can be put beside others.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  using namespace hourglass::webhook;
  const auto page = unpack_resting({reinterpret_cast<const char*>(data), size});
  if (!page)
    return 0;
  const auto again = unpack_resting(pack_resting(*page));
  if (!again || *again != *page || page->size() > resting_deliveries::page_most)
    std::abort();
  resting_deliveries pages;
  pages.rule([](std::string_view type) {
    return ageing{type.empty() ? std::nullopt : std::optional{std::chrono::hours{1}}, true};
  });
  pages.put(*page);
  if (pages.size() != page->size())
    std::abort();
  for (const auto& d : *page)
    if (pages.take(d.message.seq) != d)
      std::abort();
  if (!pages.empty() || pages.first_due_us() != INT64_MAX)
    std::abort();
  return 0;
}
