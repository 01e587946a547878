#include "webhook/retry_policy.hpp"
#include "webhook/signing.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// What a receiver says in Retry-After is a wait of 0 to 24 hours or nothing. And what is no signature never verifies.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::webhook;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  for (std::int64_t now : {std::int64_t{0}, std::int64_t{784'111'777}, std::int64_t{253'402'300'799}})
    if (auto wait = parse_retry_after(text, now); wait && (*wait < duration{0} || *wait > std::chrono::hours{24}))
      std::abort();
  static const auto key = signing_key::generate({1});
  auto half = text.substr(0, size / 2);
  if (verify(key, "msg_1", half, text.substr(size / 2), "{}", 1'700'000'000) == verdict::ok)
    std::abort();
  if (auto read = signing_key::parse(text); read && !signing_key::parse(read->to_string()))
    std::abort();
  return 0;
}
