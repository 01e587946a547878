// A seed document, a scenario pack, and chaos: what is taken is applied, folds back from a snapshot, and changes nothing the second time.
#include "mock/seed.hpp"

#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

namespace {

bool change(data_state& state, const data_command& command) {
  auto d = decide(state, command, {});
  if (!d)
    return false;
  for (const auto& e : d->events)
    if (!apply(state, e.kind, e.payload))
      std::abort(); // what decide writes, apply must read
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > 16 * 1024)
    return 0;
  std::string text{reinterpret_cast<const char*>(bytes), size};
  data_state state;
  if (change(state, seed_data{text, {}, nullptr})) {
    auto again = decide(state, seed_data{text, {}, nullptr}, {});
    if (!again || !again->events.empty())
      std::abort();
  }
  if (change(state, put_pack{"p", text}))
    change(state, apply_pack{"p", {}, {}, nullptr});
  auto kept = snapshot(state);
  auto back = restore<data_state>(kept);
  if (!back || !(*back == state) || snapshot(*back) != kept)
    std::abort();
  if (auto c = chaos::read(text))
    (void)fate_of(*c, chance_of(c->seed, 1));
  return 0;
}
