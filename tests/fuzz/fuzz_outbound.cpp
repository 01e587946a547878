// Recorded calls: what reads is written and reads again as the same, and a book knows each of them.
#include "events/redact.hpp"
#include "mock/outbound.hpp"

#include <chrono>
#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

namespace {

std::string written(const made_calls& calls, const events::redactor& redact) {
  std::string out;
  events::json_text j{out};
  events::redact_echo seen;
  write_calls(j, calls, redact, seen);
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const events::redactor redact{{1, 2, 3}};
  if (size > 16 * 1024)
    return 0;
  auto v = parse_json({reinterpret_cast<const char*>(bytes), size});
  if (!v)
    return 0;
  const auto calls = read_calls(*v);
  if (!calls)
    return 0;
  const auto once = written(*calls, redact);
  auto read = parse_json(once, {std::size_t{1} << 40, limits::json_depth});
  if (!read) // a name of a header may be any bytes only where nobody checked it, and here it came as JSON
    std::abort();
  const auto again = read_calls(*read);
  if (!again || written(*again, redact) != once)
    std::abort();
  outbound_book book{again, redact};
  for (const auto& made : *again) {
    auto asked = made.call;
    if (asked.kind != outbound_kind::delay)
      asked.timeout = std::chrono::seconds{1}; // which the record does not have
    if (fault_of(asked))
      continue; // nobody could have made it
    auto known = book.ask(asked);
    if (!known || *known == nullptr)
      std::abort();
  }
  for (const auto& made : *calls)
    (void)fault_of(made.call);
  (void)to_text(std::vector{calls->empty() ? outbound_call{} : calls->front().call}, redact);
  return 0;
}
