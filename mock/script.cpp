#include "mock/script.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <array>
#include <future>

namespace hourglass::mock {

namespace {

struct named {
  script_fault fault;
  std::string_view name;
};
constexpr std::array faults{named{script_fault::syntax, "syntax"},         named{script_fault::thrown, "thrown"},
                            named{script_fault::time, "time"},             named{script_fault::memory, "memory"},
                            named{script_fault::died, "died"},             named{script_fault::overloaded, "overloaded"},
                            named{script_fault::unavailable, "unavailable"}, named{script_fault::refused, "refused"}};

} // namespace

std::string_view to_string(script_fault f) noexcept {
  for (const auto& n : faults)
    if (n.fault == f)
      return n.name;
  return "unknown";
}

std::optional<script_fault> script_fault_from(std::string_view name) noexcept {
  for (const auto& n : faults)
    if (n.name == name)
      return n.fault;
  return std::nullopt;
}

std::shared_ptr<const script_source> script_source::of(std::string text) {
  auto out = std::make_shared<script_source>();
  out->digest = events::to_hex(events::as_text(events::sha256({text})));
  out->text = std::move(text);
  return out;
}

script_outcome run_and_wait(script_engine& engine, script_task task) {
  auto promise = std::make_shared<std::promise<script_outcome>>();
  auto future = promise->get_future();
  engine.run(std::move(task), [promise](script_outcome o) { promise->set_value(std::move(o)); });
  return future.get();
}

} // namespace hourglass::mock
