// Files of WireMock, Postman and HTTP archives: what they become is taken, all or none, and found again by a second import.
#include "mock/translation.hpp"

#include <cstdlib>

using namespace hourglass::mock;

namespace {

void put_twice(hourglass::events::outcome<put_endpoints> read) {
  if (!read)
    return;
  if (!parse_json(read->warnings))
    std::abort();
  endpoint_state state;
  auto done = decide(state, endpoint_command{*read}, {});
  if (!done)
    return;
  for (const auto& e : done->events)
    if (!apply(state, e.kind, e.payload))
      std::abort();
  auto again = decide(state, endpoint_command{*read}, {});
  if (!again || !again->events.empty() || state.size() != read->all.size())
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  put_twice(read_wiremock(text, false));
  put_twice(read_postman(text, false));
  put_twice(read_har(text, false, ""));
  return 0;
}
