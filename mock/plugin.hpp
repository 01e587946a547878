#pragma once

#include "events/outcome.hpp"
#include "mock/json_value.hpp"
#include "mock/message.hpp"
#include "mock/script.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// What the node's operator adds to `$func.plugin`: a function in JavaScript, or a service that is called. Sandboxes know it by its name only; what a call of it
// comes to is an input of the request (`mock/outbound.hpp`) (docs/decisions/052-mappers-and-plugins.md).
//
// plugin := {"script": source | "http": {"url", "headers"?: {name: text}, "secret"?: text}, "sandboxes": "*" | [id or uid…], "timeout_ms"?, "description"?}
//            script: a function ($func, args) => any JSON, of which `$func` can ask nothing
//            http:   gets POST with the arguments as JSON, and answers 2xx with JSON; `secret`, of webhooks, signs it (Standard Webhooks). It calls this URL only
namespace hourglass::mock {

namespace limits_of_plugins {
inline constexpr std::size_t of_the_node = 200;
inline constexpr std::size_t sandboxes = 1'000;
inline constexpr std::size_t headers = 20;
} // namespace limits_of_plugins

struct plugin {
  std::string name;
  std::string description;
  std::string source; ///< of a script; empty: it is a service
  std::string url;
  fields headers; ///< every value is a secret
  std::string secret;
  std::chrono::milliseconds timeout{0};
  bool for_all = false;
  std::vector<std::string> sandboxes; ///< ids
  std::string unusable; ///< not empty: what is stored of it cannot be used, and why; the rest is what could be read of it

  bool is_script() const noexcept { return !source.empty(); }
  bool is_for(std::string_view id) const noexcept; ///< by id: a uid is whoever takes it
  bool operator==(const plugin&) const = default;
};

/// Fails with `errc::invalid`, `errc::too_large` (`where` = JSON Pointer).
events::outcome<plugin> read_plugin(std::string_view name, std::string_view text);

using turn_secret = std::function<events::outcome<std::string>(const std::string& value, std::string_view place)>;
/// As `read_plugin` takes it, each secret as `turn` has it; sealed, it is what is stored.
events::outcome<std::string> to_text(const plugin& p, const turn_secret& turn);
/// What is stored, its secrets as `turn` has them: these, and not what they are stored as, are held against the rules.
events::outcome<plugin> from_text(std::string_view name, std::string_view text, const turn_secret& turn);
/// What is left of a stored one that `from_text` does not take: known by name, without secrets, and of no use.
plugin unusable_plugin(std::string_view name, std::string_view text, const events::error& why);
/// For people: without secrets, but with which there are.
std::string to_json(const plugin& p);

/// The functions of a script task that runs it, as `script_task::library`, and the script.
std::shared_ptr<const script_source> library_of(const plugin& p);
std::shared_ptr<const script_source> script_of_plugins();

} // namespace hourglass::mock
