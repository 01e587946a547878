#include "http/tunnel.hpp"

#include <cstdint>
#include <cstdlib>

// Whatever a proxy says, in whatever pieces: the dialogue ends, takes no more than it was given, and says only what we have to say.
// First byte: which proxy, whether with credentials, and in what pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass::http;
  if (size < 2 || size > 100'000)
    return 0;
  proxy through;
  through.speaks = (data[0] & 1) != 0 ? proxy::kind::socks5 : proxy::kind::connect;
  if ((data[0] & 2) != 0) {
    through.username = "user";
    through.password = "s3cret-word";
  }
  const std::size_t step = (data[0] >> 2) % 31 + 1u;
  std::array<std::uint8_t, 16> address{};
  if ((data[0] & 0x80) != 0)
    address[10] = address[11] = 0xff;
  tunnel t{through, address, 443};
  if (t.to_say().empty())
    std::abort();
  std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  std::string waiting;
  unsigned said = 0;
  auto how = tunnel::progress::more;
  while (how == tunnel::progress::more || how == tunnel::progress::say) {
    if (how == tunnel::progress::say && (t.to_say().empty() || ++said > 2))
      std::abort(); // a login and a request, at most
    if (bytes.empty() && how == tunnel::progress::more)
      break;
    const auto take = std::min(step, bytes.size());
    waiting.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    std::size_t used = 0;
    how = t.feed(waiting.data(), waiting.size(), used);
    if (used > waiting.size())
      std::abort();
    waiting.erase(0, used);
  }
  if (how == tunnel::progress::refused && t.why().empty())
    std::abort();
  if (t.why().find("s3cret-word") != std::string::npos)
    std::abort();
  return 0;
}
