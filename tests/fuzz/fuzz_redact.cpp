#include "events/json_text.hpp"
#include "events/redact.hpp"

#include <cstdlib>

#include <nlohmann/json.hpp>

using namespace hourglass::events;

/// A redacted body still parses if it did before, and redacting it again changes nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const redactor node{{}};
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto json = node.body("application/json", bytes);
  if (node.body("application/json", json) != json)
    std::abort();
  if (nlohmann::json::accept(bytes) && !nlohmann::json::accept(json))
    std::abort();
  const auto form = node.body("application/x-www-form-urlencoded", bytes);
  if (node.body("application/x-www-form-urlencoded", form) != form)
    std::abort();
  // An answer that echoes the request: what is put in is never looked at again, and what was JSON stays it.
  redact_echo seen;
  (void)node.body("application/json", bytes, &seen);
  (void)node.body("application/x-www-form-urlencoded", bytes, &seen);
  const auto echoed = seen.replace(bytes);
  if (seen.empty() && echoed != bytes)
    std::abort();
  if (node.as_in(echoed, echoed) != echoed)
    std::abort();
  (void)node.as_in(echoed, bytes);
  std::string text;
  json_text{text}.value(bytes);
  if (!nlohmann::json::accept(text))
    std::abort();
  return 0;
}
