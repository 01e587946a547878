#include "webhook/destination.hpp"
#include "webhook/transformation.hpp"

#include <cstdint>
#include <cstdlib>

#include <nlohmann/json.hpp>

// Whatever a script returns: something that can be sent, within its limits, or a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  using namespace hourglass::webhook;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto made = read_transformed(text, signature_profile::standard);
  if (!made) {
    if (made.error().detail.empty())
      std::abort();
    return 0;
  }
  if (made->cancel)
    return 0;
  if ((made->method != "POST" && made->method != "PUT") || !http::parse_url(made->url) || !nlohmann::json::accept(made->body))
    std::abort();
  for (const auto& h : made->headers)
    if (!validate_header(h.name, h.value))
      std::abort();
  return 0;
}
