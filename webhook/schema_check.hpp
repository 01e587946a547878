#pragma once

#include "events/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Payloads held against the schema of their event type, when they are emitted and never again: what was found stands in the message's event, and a fold
/// believes it.
namespace hourglass::webhook {

struct event_type;

/// What becomes of a message whose payload does not fit.
enum class schema_check : std::uint8_t {
  off,     ///< nobody looks
  warn,    ///< it is taken, and says itself where it does not fit
  enforce, ///< it is refused
};
std::string_view to_string(schema_check c) noexcept;
std::optional<schema_check> schema_check_from(std::string_view name) noexcept;

/// What holds for one message: what its sandbox says, else what the event type says, else `warn`, which refuses nothing that was taken before.
schema_check check_of(std::optional<schema_check> sandbox, std::optional<schema_check> type) noexcept;

/// One place where a payload does not fit.
struct schema_fault {
  std::string pointer; ///< JSON Pointer into the payload
  std::string rule;    ///< JSON Pointer into the schema: the keyword that says so
  std::string message; ///< half a sentence whose subject is what stands at `pointer`
  bool operator==(const schema_fault&) const = default;
};
inline constexpr std::size_t schema_faults_kept = 10; ///< of one message

/// Whether version `a` of an event type's schemas comes after `b`: versions are numbers, written as text.
bool is_newer_version(std::string_view a, std::string_view b) noexcept;

/// Who knows schemas. This folder does not: whoever runs an outbox gives it one (`judge_by`).
///
/// Threads: any.
class payload_judge {
public:
  struct judgement {
    schema_check check = schema_check::off;
    std::string version; ///< of the schemas, the newest; empty: there is none
    std::vector<schema_fault> faults;
  };

  virtual ~payload_judge() = default;

  /// @param own     the type in the sandbox's own catalogue, which goes before the node's; null: there is none
  /// @param sandbox what the sandbox says of its messages
  /// @param json    the payload; nothing where it is not JSON
  virtual judgement judge(const event_type* own, std::string_view type, std::optional<schema_check> sandbox, std::optional<std::string_view> json) const = 0;

  /// Whether every version of `schemas` (a JSON object) is one that payloads can be held against. Fails with `errc::invalid` or `errc::too_large`, `where` a
  /// JSON Pointer below /schemas.
  virtual events::outcome<void> compiles(const std::string& schemas) const = 0;
};

} // namespace hourglass::webhook
