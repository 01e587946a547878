#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"
#include "http/message.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace hourglass::api {

/// `90s`, `5m`, `2h`, `1d`, or ISO 8601 with weeks, days, hours, minutes and seconds (`PT5M`, `P1DT2H`); months and years have no fixed
/// length and are refused. Fails with `errc::invalid` at `/by`.
events::outcome<events::duration> parse_duration(std::string_view text);

/// N of `Prefer: wait=N` (RFC 7240), at most 60 seconds.
std::optional<std::chrono::seconds> preferred_wait(const http::fields& headers);

} // namespace hourglass::api
