#pragma once

#include "script/worker/engine.hpp"

#include <js/GCVector.h>
#include <js/Promise.h>
#include <js/RootingAPI.h>

// What the files of the engine share. Nobody else includes the engine's headers.
namespace hourglass::worker {

/// Promise reactions. The engine's own queue goes on after a script was stopped.
class job_queue final : public JS::JobQueue {
public:
  job_queue(JSContext* cx, engine::running& now);

  JSObject* getIncumbentGlobal(JSContext* cx) override;
  bool enqueuePromiseJob(JSContext* cx, JS::HandleObject promise, JS::HandleObject job,
                         JS::HandleObject site, JS::HandleObject global) override;
  void runJobs(JSContext* cx)
      override; ///< those of the current realm, until none is left or the script was stopped
  bool empty() const override { return jobs_.empty(); }
  void forget() { jobs_.clear(); }

private:
  js::UniquePtr<SavedJobQueue> saveJobQueue(JSContext*) override { return nullptr; }

  engine::running& now_;
  JS::PersistentRooted<JS::GCVector<JSObject*, 0, js::SystemAllocPolicy>> jobs_;
};

/// The run under way.
struct engine::running {
  bool stopped = false;     ///< by the watchdog or `$func.error`: whatever is left of the script must not run
  bool interrupted = false; ///< by `$func.error`, which has filled `answer`
  bool waits = false;       ///< for what the server does not know yet: branches of it may still go on, so that they say what they wait for
  result answer;
  std::size_t console_lines = 0;
  std::size_t calls = 0;
  unsigned line = 0, column = 0; ///< where the watchdog found it
  std::uint64_t chance[2] = {1, 2};
};

struct engine::realm {
  explicit realm(JSContext* cx) : global(cx), adopt(cx), run(cx), finish(cx) {}
  std::string key;
  JS::PersistentRootedObject global;
  JS::PersistentRootedValue adopt, run, finish;                            ///< of the prelude
  std::map<std::string, JS::PersistentRootedObject, std::less<>> handlers; ///< by digest
};

struct engine::parts {
  parts(asking& to, std::function<void()> stop) : server(to), dog(std::move(stop)) {}

  asking& server;
  watchdog dog;
  running now;
  JSContext* cx = nullptr;
  std::unique_ptr<job_queue> jobs;
  std::unique_ptr<realm> base;              ///< lends its zone; no script runs there
  std::list<std::unique_ptr<realm>> realms; ///< the last used first
};

// -- engine_natives.cpp -----------------------------------------------------------

/// What the prelude is called with.
JSObject* make_natives(JSContext* cx);
engine::parts& parts_of(JSContext* cx);
/// Takes what the prelude has made of an answer. False with an exception pending.
bool read_answer(JSContext* cx, JS::HandleValue shape, result& out);

// -- engine_text.cpp ----------------------------------------------------------------

JSString* to_string(JSContext* cx, std::string_view utf8);
/// False with an exception pending.
bool to_utf8(JSContext* cx, JS::HandleValue v, std::string& out);
bool to_json(JSContext* cx, JS::HandleValue v, std::string& out);
bool parse_json(JSContext* cx, std::string_view text, JS::MutableHandleValue out);
/// Cut at the end of a character.
std::string front_of(std::string text, std::size_t most);

/// Takes the pending exception and says what it was.
void describe_exception(JSContext* cx, result& out);

// -- engine_compile.cpp ----------------------------------------------------------

JSObject* make_global(JSContext* cx, JSObject* zone_of);
/// Calls `compiles` in a realm of its own that is given up afterwards. To compile is to evaluate an
/// expression, of which nobody knows yet that it is a function and nothing else: only what has
/// passed here is compiled where others see it. False with `out` filled, unless the script was
/// stopped.
bool apart(JSContext* cx, result& out, const std::function<bool()>& compiles);
/// A handler's body or a project's function becomes a function. False with an exception pending, a
/// SyntaxError as a rule.
bool compile_handler(JSContext* cx, std::string_view body, JS::MutableHandleObject out);
bool compile_function(JSContext* cx, std::string_view source, const char* file, JS::MutableHandleObject out);
/// JSON [[name, source]…] becomes [name, function] pairs in `into`.
bool compile_library(JSContext* cx, std::string_view library, JS::HandleObject into);
bool evaluate(JSContext* cx, std::string_view source, const char* file, unsigned line, JS::MutableHandleValue out);

inline constexpr const char* prelude_file = "prelude";
inline constexpr const char* handler_file = "handler";

} // namespace hourglass::worker
