#include "cli/descriptors.hpp"

#include "events/limits.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace hourglass::cli {

namespace {

constexpr std::size_t most_reserved = 1'024; // twice what RocksDB keeps open
constexpr std::size_t all_we_use = most_reserved + limits::connections + limits::outgoing_connections;

} // namespace

descriptor_budget share_out(std::size_t limit) {
  descriptor_budget out;
  out.reserved = std::min(limit / 3, most_reserved);
  const auto rest = limit - out.reserved;
  out.outgoing = std::clamp<std::size_t>(rest / 3, 1, limits::outgoing_connections);
  out.incoming = std::clamp<std::size_t>(rest - std::min(rest, out.outgoing), 1, limits::connections);
  return out;
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return most_reserved; // what POSIX systems give at least, as good as any guess
  const auto wanted = std::min<rlim_t>(limit.rlim_max, 2 * all_we_use); // a limit without end makes some libraries slow
  if (limit.rlim_cur < wanted) {
    auto more = limit;
    more.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0)
      limit = more;
  }
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 2 * all_we_use));
}

} // namespace hourglass::cli
