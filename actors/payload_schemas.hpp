#pragma once

#include "events/digest.hpp"
#include "events/ids.hpp"
#include "webhook/schema_check.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace hourglass::webhook {
class outbox_state;
} // namespace hourglass::webhook

namespace hourglass::actors {

/// Holds payloads against the schemas of event types: those that a sandbox has itself, else the node's, of which this keeps what the catalogue's outbox says. A
/// schema is compiled once, when the first payload needs it.
///
/// Threads: any.
class payload_schemas final : public webhook::payload_judge {
public:
  // -- the node's catalogue ----------------------------------------------------------

  void catalogue_is(const events::sandbox_id& sandbox);
  bool is_catalogue(const events::sandbox_id& sandbox) const;
  /// All of them, as the log has them.
  void replace_all(const webhook::outbox_state& catalogue);
  void put(const webhook::event_type& type);
  void remove(const std::string& name);

  // -- payloads --------------------------------------------------------------------

  judgement judge(const webhook::event_type* own, std::string_view type, std::optional<webhook::schema_check> sandbox,
                  std::optional<std::string_view> json) const override;
  events::outcome<void> compiles(const std::string& schemas) const override;

private:
  struct compiled;
  struct entry;
  using entry_ptr = std::shared_ptr<const entry>;

  static entry_ptr entry_of(const webhook::event_type& type);
  entry_ptr of_sandbox(const webhook::event_type& own) const;
  entry_ptr of_node(std::string_view type) const;

  mutable std::shared_mutex mutex_;
  events::sandbox_id catalogue_{};
  std::map<std::string, entry_ptr, std::less<>> types_; ///< with a schema

  mutable std::mutex own_mutex_;
  mutable std::map<events::hash, entry_ptr> own_; ///< of sandboxes, by their text: few have any
};

/// The sandbox's word for it, as its settings have it.
std::optional<webhook::schema_check> schema_check_of(std::string_view setting) noexcept;

} // namespace hourglass::actors
