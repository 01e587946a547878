#include "webhook/batching_policy.hpp"

#include "webhook/object_of_policy.hpp"

namespace hourglass::webhook {

events::outcome<batching_policy> batching_policy::compile(const nlohmann::json& from, const std::string& at) {
  constexpr std::uint32_t wait_most_ms = 300'000;
  batching_policy out;
  object_of_policy o{from, at, {"maxMessages", "maxBytes", "maxWaitMs"}};
  auto& rules = out.rules_;
  rules.messages = o.natural("maxMessages", 1, limits::batch_messages).value_or(rules.messages);
  rules.bytes = o.natural("maxBytes", 1, limits::batch_bytes).value_or(static_cast<std::uint32_t>(rules.bytes));
  if (auto wait = o.natural("maxWaitMs", 0, wait_most_ms))
    rules.wait = std::chrono::milliseconds{*wait};
  if (o.problem())
    return tl::unexpected{*o.problem()};
  out.text_ = from.dump();
  return out;
}

} // namespace hourglass::webhook
