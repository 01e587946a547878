#include "http/egress.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// A rule of the operator's: whatever it says, it is read or refused, and metadata stays closed.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::http;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  auto p = host_pattern::parse(text);
  if (!p)
    return 0;
  if (p->name.empty() != p->network.has_value())
    std::abort();
  const auto metadata = cidr::parse("169.254.169.254")->network;
  const auto guard = egress_guard::by_rules({{*p, true}}, {});
  if (guard->refusal(metadata, 80).empty())
    std::abort();
  (void)guard->refusal("a.test", 443);
  (void)egress_guard::by_rules({{*p, false}, {*p, true}}, {})->refusal(text, 443);
  return 0;
}
