#include "mock/portal.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

// What a portal token says, rows of what ended, and events about it: read within bounds, and written and read again the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  using namespace hourglass::mock;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (auto claims = read_claims(text)) {
    auto again = read_claims(to_text(*claims));
    if (!again || *again != *claims || claims->flags.size() > portal_flags_most || claims->capabilities > all_capabilities)
      std::abort();
  }
  if (auto ends = read_ends(text)) {
    auto again = read_ends(to_text(*ends));
    if (!again || *again != *ends)
      std::abort();
  }
  if (auto state = restore_portal(text)) {
    auto again = restore_portal(snapshot_text(*state));
    if (!again || *again != *state)
      std::abort();
  }
  for (auto kind : {events::kind::portal_entered, events::kind::portal_left, events::kind::portal_expired}) {
    portal_state state;
    if (apply(state, kind, text, {}) && restore_portal(snapshot_text(state)) != state)
      std::abort();
  }
  return 0;
}
