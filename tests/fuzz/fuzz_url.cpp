#include "http/client.hpp"

#include <cstdint>
#include <cstdlib>

// A URL that is accepted has parts that can be sent: nothing in them ends a line, and the target is a path.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto u = hourglass::http::parse_url({reinterpret_cast<const char*>(data), size});
  if (!u) {
    if (u.error().empty())
      std::abort();
    return 0;
  }
  if (u->port == 0 || u->host.empty() || u->target.empty() || u->target.front() != '/')
    std::abort();
  for (char c : u->host + u->target)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      std::abort();
  return 0;
}
