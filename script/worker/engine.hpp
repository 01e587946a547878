#pragma once

#include "script/frame.hpp"
#include "script/worker/watchdog.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <jsapi.h>

namespace hourglass::worker {

using script::frame_kind;

/// What the engine asks of the server while a script runs. Blocks; ends the process when the server is gone or speaks nonsense.
class asking {
public:
  virtual ~asking() = default;
  /// The answer as JSON, or false and why not.
  virtual bool call(std::string_view name, std::string_view arguments, std::string& answer) = 0;
  virtual std::string source_of(std::string_view digest) = 0;
};

/// What one run came to: the texts of `frame_kind::done`.
struct result {
  std::string ended = "ok";
  bool tired = false;
  std::string status, headers = "[]", form = "none", body;
  std::string console; ///< texts
  std::string message, stack;
  unsigned line = 0, column = 0;
};

struct order {
  std::string sandbox, script, library;
  std::int64_t now_us = 0;
  std::string seed;
  std::string request, start; ///< JSON
};

/// SpiderMonkey with one context, no compiler to machine code, and a realm for each sandbox.
class engine {
public:
  explicit engine(asking& server);
  ~engine();

  /// Starts it and touches what it loads late. Before the confinement.
  bool open();

  result run(const order& what);
  /// Compiles only.
  result check(std::string_view source, std::string_view form);

  /// Private to engine*.cpp.
  struct realm;
  struct running;
  struct parts;

private:
  void begin();
  void end(bool good, result& out);
  realm* realm_of(const order& what, result& out);
  bool furnish(realm& fresh, const std::string& library, result& out);
  bool run_in(realm& of, const order& what, result& out);

  asking& server_;
  std::unique_ptr<parts> self_;
};

} // namespace hourglass::worker
