#pragma once

#include "events/outcome.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hourglass::api {

/// Checks JSON from outside as `parse_json` does, without reading it.
events::outcome<void> check_json(std::string_view text);

/// Reads JSON from outside: valid UTF-8, at most `max_json_depth` deep, no name twice in an object, nothing after the value.
/// Fails with `errc::invalid` and the byte offset.
events::outcome<nlohmann::json> parse_json(std::string_view text);
inline constexpr std::size_t max_json_depth = 64;

/// What to do with members that nobody asked for.
enum class unknown : std::uint8_t { refuse, ignore };

/// Reads the members of one JSON object and remembers the first thing that is wrong, with a JSON Pointer to it.
///
///   input in{body};
///   auto uid = in.optional_text("uid", 1, 256);
///   auto ttl = in.optional_integer("ttl_seconds", 1, 86'400);
///   if (auto ok = in.done(); !ok) return c->fail(ok.error());
///
/// A member that is null counts as absent for the `optional_` readers.
class input {
public:
  explicit input(const nlohmann::json& object, std::string where = {});

  std::string text(std::string_view name, std::size_t min, std::size_t max);
  std::optional<std::string> optional_text(std::string_view name, std::size_t min, std::size_t max);
  std::optional<bool> optional_truth(std::string_view name);
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::vector<std::string>> optional_texts(std::string_view name, std::size_t most, std::size_t max_each);
  /// An object whose values are all strings.
  std::optional<std::vector<std::pair<std::string, std::string>>> optional_map(std::string_view name, std::size_t most,
                                                                               std::size_t max_value);
  /// RFC 3339; microseconds since the epoch.
  std::optional<std::int64_t> optional_instant(std::string_view name);
  std::int64_t instant(std::string_view name);
  /// Any JSON value; null if it is not there.
  const nlohmann::json* any(std::string_view name);
  const nlohmann::json* object(std::string_view name);

  /// There, and null: a PATCH that takes something away.
  bool is_null(std::string_view name) const;
  bool has(std::string_view name) const;

  /// For rules that these readers do not know.
  void reject(std::string_view name, std::string why);

  /// Fails with what was wrong first, or with the first member nobody asked for.
  events::outcome<void> done(unknown members = unknown::refuse);

private:
  const nlohmann::json* find(std::string_view name);
  std::string pointer(std::string_view name) const;

  const nlohmann::json& object_;
  std::string where_;
  std::vector<std::string> asked_;
  std::optional<events::error> wrong_;
};

} // namespace hourglass::api
