#pragma once

#include "mock/decision.hpp"
#include "mock/fwd.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hourglass::mock {

/// The stored data of a sandbox: namespaces of JSON values by key, and env parameters.
/// Names of namespaces, keys, env parameters and templates are 1 to 128 characters of `A-Z a-z 0-9 _ - . : @`.
/// Limits: `limits::data_bytes_per_sandbox` over keys and values, `limits::data_value_bytes` a value, `limits::env_entries`.
struct data_state {
  using items = std::map<std::string, std::string, std::less<>>; ///< key -> JSON text

  std::map<std::string, items, std::less<>> namespaces; ///< never holds an empty one
  std::map<std::string, std::string, std::less<>> env;  ///< name -> text
  std::map<std::string, std::string, std::less<>> templates; ///< name -> source (`mock/template.hpp`), which compiles
  std::size_t bytes = 0;                                ///< what counts against the limit

  /// JSON text, or null.
  const std::string* find(std::string_view space, std::string_view key) const;
  /// At most `limit` items with a key after `after`, in order of key. The pointers last until the next change.
  std::vector<std::pair<const std::string*, const std::string*>> list(std::string_view space, std::string_view after,
                                                                      std::size_t limit) const;
  bool operator==(const data_state&) const = default;
};

struct put_item {
  std::string space;
  std::string key;
  std::string value; ///< JSON text; stored without insignificant space
};
struct remove_item {
  std::string space;
  std::string key;
};
struct clear_namespace {
  std::string space;
};
struct put_env {
  std::string name;
  std::string value;
};
struct remove_env {
  std::string name;
};
/// A template that scripts use by its name; it must compile (`flavour_of_template`).
struct put_template {
  std::string name;
  std::string source;
};
struct remove_template {
  std::string name;
};
using data_command = std::variant<put_item, remove_item, clear_namespace, put_env, remove_env, put_template, remove_template>;

/// Fails with `errc::invalid`, `errc::not_found` (nothing to remove), `errc::too_large`. Putting what is already there is no event.
events::outcome<decision> decide(const data_state& state, const data_command& command, const events::context& ctx);
/// One of several commands about different items, of which the caller knows that they fit together: there may be room for it only after another.
events::outcome<decision> decide_together(const data_state& state, const data_command& command);

/// Folds data_put, data_removed, data_cleared, env_put, env_removed, template_put, template_removed; other kinds change nothing. Fails with `errc::corrupt`.
events::outcome<void> apply(data_state& state, events::kind kind, std::string_view payload);

std::string snapshot(const data_state& state);
template <>
events::outcome<data_state> restore<data_state>(std::string_view text);

/// `{"data": {"<namespace>": {"<key>": value}}, "env": {"<name>": "…"}}`
std::string to_json(const data_state& state);

} // namespace hourglass::mock
