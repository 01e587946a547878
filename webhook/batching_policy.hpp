#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace hourglass::webhook {

struct batching_rules {
  std::uint32_t messages = limits::batch_messages;
  std::uint64_t bytes = limits::message_bytes;
  events::duration wait = std::chrono::seconds{1};
};

/// batching := {"maxMessages": 1 to 100 = 100, "maxBytes": 1 to 4194304 = 1048576, "maxWaitMs": 0 to 300000 = 1000}
///
/// Messages for the destination are gathered, and go as one request when there are `maxMessages` of them, when the next would make their payloads more than
/// `maxBytes` together, or when the first has waited for `maxWaitMs` of the sandbox's clock since it was due. A payload that is larger by itself goes in a
/// batch of one.
class batching_policy {
public:
  batching_policy() = default;

  /// Fails with `errc::invalid`, `where` a JSON Pointer that begins with `at`.
  static events::outcome<batching_policy> compile(const nlohmann::json& from, const std::string& at = "/batching");

  bool empty() const noexcept { return text_.empty(); }
  /// As it was given.
  const std::string& text() const noexcept { return text_; }
  const batching_rules& rules() const noexcept { return rules_; }
  bool operator==(const batching_policy& other) const noexcept { return text_ == other.text_; }

private:
  std::string text_;
  batching_rules rules_;
};

} // namespace hourglass::webhook
