// A plugin as the operator gives it: what reads is stored and reads again as the same, and shows none of its secrets.
#include "mock/plugin.hpp"

#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > 16 * 1024)
    return 0;
  auto p = read_plugin("p", {reinterpret_cast<const char*>(bytes), size});
  if (!p)
    return 0;
  auto as_it_is = [](const std::string& value, std::string_view) -> events::outcome<std::string> { return value; };
  auto text = to_text(*p, as_it_is);
  auto again = text ? from_text("p", *text, as_it_is) : events::outcome<plugin>{tl::unexpected<events::error>{text.error()}};
  if (!again || !(*again == *p))
    std::abort();
  if (!parse_json(to_json(*p)))
    std::abort();
  if (p->is_script())
    (void)library_of(*p);
  return 0;
}
