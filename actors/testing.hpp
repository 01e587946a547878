#pragma once

#include "actors/node.hpp"

#include <memory>
#include <string_view>

namespace hourglass::actors::testing {

/// A node on a store of the test's instead of the one in its folder.
events::outcome<std::unique_ptr<node>> open_on(node_options options, std::unique_ptr<storage::store> store);

/// Makes a child of `sandbox` (`endpoint`, `data`, `clock`, `outbox`) throw, as a bug would. For tests of supervision. `false` when the sandbox sleeps.
bool crash_child_of(node& of, const events::sandbox_id& sandbox, std::string_view child);

/// Asks a sandbox to leave memory now, as the caretaker does with idle ones; it stays while it has something in hand.
bool ask_to_sleep(node& of, const events::sandbox_id& sandbox);

} // namespace hourglass::actors::testing
