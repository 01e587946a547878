#pragma once

#include "events/outcome.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hourglass::actors {

/// The key of this node's redaction tokens, from `folder/redaction.key` (mode 0600), made on first use. The same for the life of the data folder, so
/// that equal values keep equal tokens. Fails with `errc::io` or, if the file is not 32 bytes, `errc::corrupt`.
events::outcome<std::array<std::uint8_t, 32>> redaction_key(const std::filesystem::path& folder);

/// `hgs_` and 43 characters (256 bits).
std::string new_client_secret();

/// SHA-256, 64 hex digits.
std::string hash_of(std::string_view secret);

} // namespace hourglass::actors
