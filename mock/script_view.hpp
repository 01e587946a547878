#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "mock/data.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::mock {

/// The stored data as one script sees it: the state that its request found, and over it what the script has written. Nothing is changed until
/// somebody takes the `changes`.
class script_view {
public:
  /// `base` must outlive the view, and stay as it is.
  explicit script_view(const data_state& base) : base_(base), bytes_(base.bytes) {}

  /// JSON text, or null. Good until the next change.
  const std::string* find(const std::string& space, const std::string& key) const;

  struct item {
    std::string key;
    std::string value;
  };
  /// Fails with `errc::too_large` beyond `limits::script_call_bytes`.
  events::outcome<std::vector<item>> list(const std::string& space, const std::string& after, const std::string& prefix, std::size_t most) const;

  /// In order of key those behind `after`, until `step` says false; true if it did. Nothing may be changed meanwhile.
  using step = std::function<bool(const std::string& key, const std::string& value)>;
  bool walk(const std::string& space, const std::string& after, const step& s) const { return walk_from(space, after, !after.empty(), s); }
  std::size_t size(const std::string& space) const;

  /// `value` is JSON text as `to_text` writes it. Fails as `decide` of put_item does, and beyond `limits::script_writes` and `limits::script_write_bytes`.
  events::outcome<void> put(const std::string& space, const std::string& key, std::string_view value);
  /// False if there was nothing.
  events::outcome<bool> remove(const std::string& space, const std::string& key);

  /// Removes on our own account, not the script's: it does not count as one of its writes. False when there was nothing, or when
  /// `limits::script_discards` have gone.
  bool discard(const std::string& space, const std::string& key);

  /// What differs from the base, as commands, in order of namespace and key: what came and went between is no event.
  std::vector<data_command> changes() const;

private:
  using place = std::pair<std::string, std::string>;
  bool walk_from(const std::string& space, const std::string& start, bool behind, const step& s) const;
  events::outcome<void> room_for(const place& at, const std::optional<std::string>& value);

  const data_state& base_;
  std::map<place, std::optional<std::string>> written_; ///< no value: removed
  std::size_t bytes_;             ///< that the sandbox would hold
  std::size_t written_bytes_ = 0; ///< of `written_`
  std::size_t discarded_ = 0;     ///< in `written_`, and none of the script's
};

} // namespace hourglass::mock
