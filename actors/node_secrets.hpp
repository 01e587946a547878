#pragma once

#include "events/outcome.hpp"
#include "events/vault.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hourglass::actors {

/// The key of this node's redaction tokens, from `folder/redaction.key` (mode 0600), made on first use. The same for the life of the data folder, so
/// that equal values keep equal tokens. Fails with `errc::io` or, if the file is not 32 bytes, `errc::corrupt`.
events::outcome<std::array<std::uint8_t, 32>> redaction_key(const std::filesystem::path& folder, bool may_be_made = true);

/// What this node seals secrets with. `given` (keys as `events::vault::parse` reads them) goes before `folder/secret.key` (mode 0600), which is made
/// on the very first start. `folder/secret.check` has a line sealed under every key that ever sealed here, so that a folder that comes without its
/// key is refused at the door and not at the first webhook.
/// Fails with `errc::invalid` (the keys do not open the folder, or are none; the detail names ids), `errc::io`.
events::outcome<events::vault> open_vault(const std::filesystem::path& folder, std::string_view given);

/// `hgs_` and 43 characters (256 bits).
std::string new_client_secret();

/// SHA-256, 64 hex digits.
std::string hash_of(std::string_view secret);

} // namespace hourglass::actors
