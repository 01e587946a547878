#pragma once

#include <cstddef>

namespace hourglass::cli {

/// Who may have how many of the process's file descriptors. Whoever is at his limit waits or is refused; nobody takes the others'.
struct descriptor_budget {
  std::size_t incoming = 0; ///< connections of clients
  std::size_t outgoing = 0; ///< connections to webhooks' receivers
  std::size_t reserved = 0; ///< the store's tables and logs, the export, event loops, name resolution
};

/// Shares out `limit` descriptors: a third, but at most 1,024, is reserved; of the rest a third is for webhooks and two are for clients, each at
/// most what `limits` allow.
descriptor_budget share_out(std::size_t limit);

/// Raises the soft limit as far as the hard one allows (and we can use), and gives what the limit then is.
std::size_t raise_descriptor_limit();

} // namespace hourglass::cli
