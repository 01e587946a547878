#include "http/pem.hpp"
#include "http/proxy.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

// Whatever is given as a certificate, a key, a pin, a proxy or an exception from it: what is taken reads the same again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::http;
  if (size > 100'000)
    return 0;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto all = read_certificates(text, 5)) {
    std::string again;
    for (const auto& one : *all)
      again += one.pem;
    const auto twice = read_certificates(again, 5);
    if (!twice || twice->size() != all->size() || twice->front().pem != all->front().pem || twice->front().pin != all->front().pin)
      std::abort();
    (void)is_key_of(text, again);
  }
  if (const auto key = read_private_key(text)) {
    const auto again = read_private_key(*key);
    if (!again || *again != *key)
      std::abort();
  }
  if (const auto pin = parse_pin(text); pin && to_pin_text(*pin) != text)
    std::abort();
  if (const auto p = parse_proxy(text, true); p && (p->host.empty() || p->port == 0 || p->username.size() > 255 || p->password.size() > 255))
    std::abort();
  if (const auto e = proxy_exceptions::parse({std::string{text}}))
    (void)e->covers("a.test", {}, 80);
  return 0;
}
