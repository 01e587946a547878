#pragma once

#include "api/alarm.hpp"
#include "api/call.hpp"
#include "api/idempotency.hpp"
#include "api/router.hpp"
#include "api/script_gate.hpp"
#include "api/service.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace hourglass::api {

/// What the routes share. Threads: any.
class core {
public:
  core(actors::node& below, service_options given);
  ~core();

  actors::node& node;
  service_options options;
  router routes;
  alarm later;
  answer_book answers;
  std::string openapi; ///< `/openapi.json`, made once
  std::atomic<bool> draining{false};

  /// Answers per route and class of status; `mock` for the sandboxes' own traffic.
  struct counts {
    std::array<std::atomic<std::uint64_t>, 6> by_class{};
  };
  std::unordered_map<const route*, counts> answered;
  counts mock_answered;
  std::atomic<std::uint64_t> unrouted{0};

  // -- what handlers do ------------------------------------------------------------

  /// Submits `what` and answers with what the core replied, or 204 when it said nothing.
  void change(const call_ptr& c, actors::command what, unsigned status = 200);

  using then = std::function<void(const call_ptr&, actors::receipt)>;
  /// Submits `what` to `sandbox`; `next` runs when it is durable. A failure is answered here.
  void change(const call_ptr& c, const events::sandbox_id& sandbox, actors::command what, then next);

  template <class State>
  void look(const call_ptr& c, actors::look<State> how, unsigned status = 200) {
    look<State>(c, c->sandbox, std::move(how), [status](const call_ptr& done, actors::receipt r) {
      done->answer(status, std::move(r.reply));
    });
  }
  template <class State>
  void look(const call_ptr& c, const events::sandbox_id& sandbox, actors::look<State> how, then next) {
    read(c, sandbox, actors::reading{std::move(how)}, std::move(next));
  }

  /// Runs `work` on a reader thread; what it throws is answered as 500.
  void on_reader(const call_ptr& c, std::function<void(const call_ptr&)> work);

  /// A script apart from its sandbox: `run` gives it to the engine, whose thread says when it has ended; `tell` then answers on a reader thread, which
  /// nobody holds meanwhile. Beyond `limits::scripts_apart` it is refused with `errc::overloaded`.
  using run_script = std::function<void(mock::script_engine&, std::function<void()> ran)>;
  void run_apart(const call_ptr& c, const run_script& run, std::function<void(const call_ptr&)> tell);
  /// The same with a place taken before, by who has to work for it first.
  void run_apart(const call_ptr& c, script_gate::ticket place, const run_script& run, std::function<void(const call_ptr&)> tell);
  events::outcome<script_gate::ticket> place_apart(const call_ptr& c) { return apart_.enter(c->sandbox); }

  /// On a reader thread: waits until the index has everything that was in the log when this was called, at most two seconds. A list is
  /// then as the caller wrote it; when time runs out, it may lack the newest.
  void catch_up();

  void log(const call& c, unsigned status, const events::error* why);

private:
  void read(const call_ptr& c, const events::sandbox_id& sandbox, actors::reading what, then next);

  script_gate apart_;
};

/// Runs `work`, turning an exception into a 500: nothing may cross a callback.
void guarded(const call_ptr& c, const std::function<void()>& work) noexcept;

} // namespace hourglass::api
