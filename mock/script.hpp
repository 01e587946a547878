#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "mock/message.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What a script is to us, and what runs it. The engine behind it stands in script/; here nobody knows which one it is.
namespace hourglass::mock {

/// How a script came to a bad end.
enum class script_fault : std::uint8_t {
  syntax,      ///< it does not compile
  thrown,      ///< an exception that nobody caught
  time,        ///< it took longer than it may
  memory,      ///< it took more than it may
  died,        ///< its worker ended under it
  overloaded,  ///< nobody had time for it: it did not run
  unavailable, ///< there is no engine, or it stops: it did not run
  refused,     ///< it ran to its end, and the sandbox does not take what it emits
};
std::string_view to_string(script_fault f) noexcept;
std::optional<script_fault> script_fault_from(std::string_view name) noexcept;

struct script_error {
  script_fault fault = script_fault::thrown;
  std::string message;
  unsigned line = 0;   ///< from 1; 0: nowhere
  unsigned column = 0; ///< the same
  std::string stack;   ///< a line a call, innermost first: `name@handler:2:13`; may be empty
  bool operator==(const script_error&) const = default;
};

/// One call of `console`.
struct console_line {
  std::string level;
  std::string text;
  bool operator==(const console_line&) const = default;
};

/// What a run came to. What the script wanted to change is the host's to know.
struct script_outcome {
  std::optional<script_error> error; ///< set: the rest is only `console`
  bool interrupted = false;          ///< by `$func.error`
  bool waits = false;                ///< for calls whose outcomes its host does not know yet: it came to nothing, and is to be run again
  response answer;                   ///< headers as the script gave them, checked
  bool json = false;                 ///< the body was a value, not a text
  bool has_body = false;
  std::vector<console_line> console;
};

/// A text that workers remember by its digest.
struct script_source {
  std::string text;
  std::string digest; ///< 64 hex digits

  static std::shared_ptr<const script_source> of(std::string text);
};

/// Whom a running script asks. Called on the engine's thread, one call at a time, never after the outcome.
class script_host {
public:
  virtual ~script_host() = default;

  /// `arguments` is a JSON array from the script, not checked. The answer is JSON; a failure becomes an exception in the script.
  virtual events::outcome<std::string> call(std::string_view name, std::string_view arguments) = 0;
};

/// Everything that a run depends on: the same task and the same answers of its host give the same outcome.
struct script_task {
  std::string sandbox;
  std::shared_ptr<const script_source> script;
  std::shared_ptr<const script_source> library; ///< the sandbox's functions, JSON [[name, source]…]; null: none
  std::string request; ///< JSON: `$req`
  std::string start;   ///< JSON: {"status", "headers"} of `$resp`
  events::virtual_time now;
  events::entropy chance{};
  std::shared_ptr<script_host> host; ///< null: every call fails
};

enum class script_form : std::uint8_t { handler, function };

/// Runs scripts that nobody trusts.
///
/// Operation
///   `run` and `check` queue; what waits is taken sandbox by sandbox, so that one with many or slow scripts delays others little.
/// Outcome
///   `done` is called exactly once for each, on a thread of the engine (or the caller's, when the task is refused at once); it must not block.
/// Threads
///   Any.
class script_engine {
public:
  using on_outcome = std::function<void(script_outcome)>;
  using on_checked = std::function<void(std::optional<script_error>)>;

  virtual ~script_engine() = default;

  virtual void run(script_task task, on_outcome done) = 0;

  /// Compiles without running. No error: it compiles.
  virtual void check(std::string sandbox, std::string source, script_form form, on_checked done) = 0;

  /// Everything that waits or runs ends as `unavailable`, now. Idempotent; returns when nothing will call back any more.
  virtual void stop() = 0;
};

/// Runs on the engine and waits for the outcome. Not on a thread that others need.
script_outcome run_and_wait(script_engine& engine, script_task task);

} // namespace hourglass::mock
