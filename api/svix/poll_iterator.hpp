#pragma once

#include "events/envelope.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace hourglass::api::svix {

/// Where the reader of a polling endpoint goes on. Of a consumer also where it stood, so that one that comes too late is told so.
struct poll_place {
  events::seq base = 0; ///< of a consumer: where it stood when the page was given; never behind `at`
  events::seq at = 0;
  bool acknowledges = false; ///< of a consumer: going on from here moves it from `base` to `at`
  bool operator==(const poll_place&) const = default;
};

// plain    := at
// consumer := base ":" at ":" ("0" | "1")
std::string to_text(const poll_place& p, bool of_consumer);
std::optional<poll_place> poll_place_from(std::string_view text, bool of_consumer);

} // namespace hourglass::api::svix
