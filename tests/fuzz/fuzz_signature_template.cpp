#include "webhook/destination.hpp"
#include "webhook/signature_template.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

// A template from outside, and headers that a stranger says were made by it: what compiles gives headers that may be sent, reads back what it made, and compiles from its own text.
// input := template '\n' header value

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  using namespace hourglass::webhook;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = text.substr(0, text.find('\n'));
  const auto given = nlohmann::json::parse(line, nullptr, false);
  const auto t = signature_template::compile(given);
  if (!t)
    return 0;
  const auto again = signature_template::compile(nlohmann::json::parse(t->text()));
  if (!again || !(*again == *t))
    std::abort();
  const signing_key keys[] = {signing_key::generate({1}), signing_key::generate({2})};
  const auto made = t->headers(keys, "msg_1", "a.b", 1'700'000'000, "{}");
  for (const auto& [name, value] : made)
    if (name != "webhook-id" && !validate_header(name, value))
      std::abort();
  (void)t->read(made);
  (void)t->read({{t->header(), std::string{text.substr(std::min(line.size() + 1, text.size()))}}});
  return 0;
}
