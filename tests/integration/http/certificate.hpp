#pragma once

#include <string>

namespace hourglass::testing {
struct identity;
}

namespace hourglass::http::testing {

/// A self-signed certificate for `name` (a DNS name or an IPv4 address), valid for an hour or already expired, in two files that vanish with it.
class certificate {
public:
  explicit certificate(const std::string& name, bool expired = false);
  explicit certificate(const hourglass::testing::identity& of);
  certificate(const certificate&) = delete;
  certificate& operator=(const certificate&) = delete;
  ~certificate();

  std::string chain_file;
  std::string key_file;
};

} // namespace hourglass::http::testing
