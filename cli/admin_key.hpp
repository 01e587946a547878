#pragma once

#include "events/outcome.hpp"

#include <filesystem>
#include <string>

namespace hourglass::cli {

/// The key in `DATA/admin.key`; made on first start, readable by the owner only, synced before it is used.
/// Fails with `errc::io`, or `errc::invalid` when the file is there and not one that can be sent.
struct stored_key {
  std::string key;
  std::filesystem::path file;
  bool made = false;
};
events::outcome<stored_key> stored_admin_key(const std::filesystem::path& data);

} // namespace hourglass::cli
