#pragma once

// Internal to http/. Names to addresses, off the I/O threads: the system's resolver blocks.

#include "http/client.hpp"

#include <memory>
#include <string>

namespace hourglass::http {

using address_bytes = std::array<std::uint8_t, 16>;
using resolved = tl::expected<std::vector<address_bytes>, std::string>;

/// An address written as one; nothing when `host` is a name.
std::vector<address_bytes> literal_address(const std::string& host);

/// The system's resolver.
resolved resolve_by_system(const std::string& host);

/// A few threads that resolve. They are started when needed; one that hangs in the system's resolver past `stop` is left to end by itself.
///
/// Threads: any. `done` runs on a thread of this pool.
class resolver_pool {
public:
  using handler = std::function<void(resolved)>;

  explicit resolver_pool(client::resolver how);
  ~resolver_pool();

  void resolve(std::string host, handler done);
  /// What waits is answered with an error.
  void stop();

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace hourglass::http
