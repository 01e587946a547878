#pragma once

#include "mock/decision.hpp"
#include "mock/fwd.hpp"
#include "mock/mapper.hpp"
#include "mock/scenario.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hourglass::mock {

/// What was made of an item in the namespace of mappers; null: this version does not take it. Follows from the items, so it tells no two states apart.
struct stored_mapper {
  std::shared_ptr<const compiled_mapper> compiled;
  bool operator==(const stored_mapper&) const { return true; }
};

/// The stored data of a sandbox: namespaces of JSON values by key, and env parameters.
/// Names of namespaces, keys, env parameters and templates are 1 to 128 characters of `A-Z a-z 0-9 _ - . : @`.
/// Limits: `limits::data_bytes_per_sandbox` over keys and values, `limits::data_value_bytes` a value, `limits::env_entries`.
struct data_state {
  using items = std::map<std::string, std::string, std::less<>>; ///< key -> JSON text

  std::map<std::string, items, std::less<>> namespaces; ///< never holds an empty one
  std::map<std::string, std::string, std::less<>> env;  ///< name -> text
  std::map<std::string, std::string, std::less<>> templates; ///< name -> source (`mock/template.hpp`), which compiles
  std::map<std::string, stored_mapper, std::less<>> mappers; ///< of the items in `mapper_space`
  std::size_t bytes = 0;                                ///< what counts against the limit
  scenario_state scenarios;                             ///< chaos profiles and packs (`mock/scenario.hpp`)

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
  std::string value; ///< JSON text; stored without insignificant space. In `mapper_space` a mapper, which must compile
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
/// Puts what a seed document describes (`mock/seed.hpp`), all of it or nothing. Reply: {"changed", "namespaces": {"<name>": {"items", "changed"}}, "env"}
struct seed_data {
  std::string text;
  std::string collections; ///< as `collections_for_seeding`; empty: there are none
  std::shared_ptr<const seeding> already; ///< what `read_ahead` made of it
};
/// What is to go wrong with the answers of one endpoint, or with those of all that have no profile of their own (`mock/chaos.hpp`).
/// `text`: {"chaos": "latency=200,5xx=2%"}
struct put_chaos {
  std::string endpoint; ///< its id or `METHOD /path`; `*`: all others
  std::string text;
};
struct remove_chaos {
  std::string endpoint;
};
/// A scenario pack (`mock/scenario.hpp`). Stored; nothing else changes before it is applied.
struct put_pack {
  std::string name;
  std::string text;
};
struct remove_pack {
  std::string name;
};
/// All that a pack brings, in one step. What the pack before had brought as chaos, magic values and scenarios is gone; data and env stay.
/// An empty name takes back what the last pack has of these. `text` is the pack as it was looked up: if it has changed meanwhile, that is a conflict.
struct apply_pack {
  std::string name;
  std::string text;
  std::string collections; ///< as in `seed_data`
  std::shared_ptr<const seeding> already;
};
using data_command = std::variant<put_item, remove_item, clear_namespace, put_env, remove_env, put_template, remove_template, seed_data, put_chaos, remove_chaos,
                                  put_pack, remove_pack, apply_pack>;

/// Does the part of a seeding that takes long and needs no state. Fails as `decide` would. Nothing for other commands.
events::outcome<void> read_ahead(data_command& command);
/// Whether that is worth a thread of its own.
bool takes_long(const data_command& command) noexcept;

/// Fails with `errc::invalid`, `errc::not_found` (nothing to remove), `errc::too_large`. Putting what is already there is no event.
events::outcome<decision> decide(const data_state& state, const data_command& command, const events::context& ctx);
/// One of several commands about different items, of which the caller knows that they fit together: there may be room for it only after another.
events::outcome<decision> decide_together(const data_state& state, const data_command& command);

/// Folds data_put, data_removed, data_cleared, data_seeded, env_put, env_removed, template_put, template_removed, chaos_put, chaos_removed, chaos_drawn,
/// scenario_put, scenario_removed, scenario_applied; other kinds change nothing. Fails with `errc::corrupt`.
events::outcome<void> apply(data_state& state, events::kind kind, std::string_view payload);

std::string snapshot(const data_state& state);
template <>
events::outcome<data_state> restore<data_state>(std::string_view text);

/// `{"data": {"<namespace>": {"<key>": value}}, "env": {"<name>": "…"}}`
std::string to_json(const data_state& state);

} // namespace hourglass::mock
