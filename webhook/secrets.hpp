#pragma once

#include "events/outcome.hpp"
#include "events/vault.hpp"
#include "webhook/outbox.hpp"

#include <memory>
#include <string>
#include <vector>

/// Secrets at rest: in the log, in snapshots and in Kafka they are sealed by the node's vault; in memory they are open.
namespace hourglass::webhook {

/// Opens every sealed secret, header value and secret of a transport, and from now on `decide` seals what it writes. Once, before the first attempt.
/// Fails with `errc::corrupt`, naming the destination and the key: then nothing could be signed.
events::outcome<void> unlock(outbox_state& state, std::shared_ptr<const events::vault> vault);

/// Seals the secrets, the values of sensitive headers and the secrets of the transport of `d` that are not, or not under the vault's active key. Nothing without a vault.
void seal(const events::vault* vault, destination& d, const events::entropy& chance);
/// The values of sensitive headers, of a destination or of a message, likewise; and open again.
void seal(const events::vault* vault, const std::string& owner_id, std::vector<custom_header>& headers, const events::entropy& chance);
events::outcome<void> open(const events::vault& vault, const std::string& owner_id, std::vector<custom_header>& headers);
/// The secrets alone.
void seal(const events::vault* vault, const std::string& destination_id, std::vector<secret>& secrets, const events::entropy& chance);

/// The public keys that sign at `now`, as a JSON Web Key Set (RFC 7517, 8037), newest first; of one destination, or of all.
/// `kid` is the RFC 7638 thumbprint. Fails with `errc::not_found`, or `errc::too_large` above `limits::public_keys`.
events::outcome<std::string> public_keys(const outbox_state& state, events::virtual_time now, const std::string& destination_id = {});

} // namespace hourglass::webhook
