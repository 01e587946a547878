#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::events {

/// Sixteen bytes that nobody can guess, drawn by the shell and recorded through the ids made of it.
using entropy = std::array<std::uint8_t, 16>;

/// From the operating system's generator. Any thread.
entropy draw_entropy();

/// Names a sandbox and its stream. Text form: `sbx_` and 26 lower-case Crockford base32 digits; sorts by creation time.
struct sandbox_id {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const sandbox_id&) const = default;

  std::string to_string() const;

  /// Fails with `errc::invalid` unless `text` is exactly what `to_string` gives.
  static outcome<sandbox_id> parse(std::string_view text);
};

/// A new sandbox id: 48 bits of `unix_ms`, 80 bits of `chance` (as a ULID).
sandbox_id make_sandbox_id(std::int64_t unix_ms, const entropy& chance);

/// Text id `prefix` + 26 lower-case Crockford base32 digits, sortable by time: 48 bits `unix_ms`, then 80 bits
/// of SHA-256(chance ‖ ordinal). The same arguments give the same id, so a pure core may call it.
/// Prefixes in use: `ep_` endpoint and destination, `msg_`, `atmpt_`, `evt_`, `req_`, `rcv_` recovery, `tpl_`.
std::string make_id(std::string_view prefix, std::int64_t unix_ms, const entropy& chance,
                    std::uint32_t ordinal = 0);

/// The `unix_ms` of such an id, as a time; nothing if `id` does not end with 26 of those digits.
std::optional<wall_time> time_of_id(std::string_view id);

} // namespace hourglass::events

template <>
struct std::hash<hourglass::events::sandbox_id> {
  std::size_t operator()(const hourglass::events::sandbox_id& id) const noexcept;
};
