#pragma once

#include "events/vault.hpp"
#include "http/client.hpp"
#include "mock/outbound.hpp"
#include "mock/plugin.hpp"
#include "storage/store.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::actors {

/// Uid of the one internal sandbox: its event types and plugins are the node's (docs/decisions/020, 052).
inline constexpr std::string_view catalogue_uid = "hourglass.catalogue";
/// The namespace of its data in which plugins stand.
inline constexpr std::string_view plugin_space = "hourglass.plugins";

/// The node's plugins, as the catalogue's data has them, their secrets open.
///
/// Threads: any.
class plugin_registry {
public:
  explicit plugin_registry(std::shared_ptr<const events::vault> vault) : vault_(std::move(vault)) {}

  struct entry {
    mock::plugin what;
    std::shared_ptr<const mock::script_source> library; ///< of one that is a script
  };

  /// Blocking. What does not read or open is there all the same, unusable: it is shown with why, and whoever calls it is told.
  events::outcome<void> load(const storage::store& store);

  /// As an item of the catalogue's data. Secrets are sealed. Fails with what `load` would find wrong with it.
  events::outcome<std::string> sealed(const mock::plugin& p, const events::entropy& chance) const;
  /// It has become durable.
  void put(mock::plugin p);
  void remove(std::string_view name);

  /// Null: there is none. One may be unusable.
  std::shared_ptr<const entry> find(std::string_view name) const;
  std::vector<std::shared_ptr<const entry>> all() const;

private:
  events::outcome<mock::plugin> opened(std::string_view name, std::string_view text) const;

  std::shared_ptr<const events::vault> vault_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const entry>, std::less<>> plugins_;
};

/// A call of a plugin that is a service. `id` and the time are signed with it.
http::exchange exchange_of(const mock::plugin& p, const mock::outbound_call& call, std::string owner, const std::string& id, std::int64_t unix_seconds);
/// What the service said, as the outcome of the plugin.
mock::outbound_outcome outcome_of_service(mock::outbound_outcome said);

/// A call of one that is a script; its `$func` can ask nothing. `place`: which call of its request it is, so that each draws numbers of its own.
mock::script_task task_of(const plugin_registry::entry& p, const mock::outbound_call& call, std::string sandbox, const events::context& ctx,
                          std::string_view place);
mock::outbound_outcome outcome_of_script(mock::script_outcome said);

} // namespace hourglass::actors
