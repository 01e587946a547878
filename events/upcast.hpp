#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"

#include <span>
#include <string>
#include <string_view>

namespace hourglass::events {

/// Turns the payload of one kind from version `from` into version `from + 1`. Pure; payloads are never rewritten on disk.
struct conversion {
  events::kind kind;
  std::uint8_t from;
  outcome<std::string> (*convert)(std::string_view payload);
};

/// What `upcast` uses.
std::span<const conversion> conversions() noexcept;

/// Applies `steps` from version `from` to `to`, one after the other. Fails with `errc::newer_format` when `from` is newer than `to`, and with
/// `errc::internal` when a step is missing.
outcome<std::string> upcast_with(std::span<const conversion> steps, kind k, std::uint8_t from,
                                 std::uint8_t to, std::string payload);

} // namespace hourglass::events
