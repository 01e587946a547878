#include "script/pool.hpp"

#include "script/process.hpp"
#include "script/protocol.hpp"
#include "script/queue.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

namespace hourglass::script {

namespace {

using mock::script_error;
using mock::script_fault;
using mock::script_outcome;

script_outcome failed(script_fault fault, std::string message) {
  script_outcome out;
  out.error = script_error{fault, std::move(message), 0, 0, {}};
  return out;
}

constexpr std::size_t most_sources = 2; ///< that one run is made of: its script and its functions

/// A run, or a check when there is no `task.script`.
struct job {
  mock::script_task task;
  std::string source;
  mock::script_form form = mock::script_form::handler;
  mock::script_engine::on_outcome done;

  bool is_check() const noexcept { return task.script == nullptr; }
};

class pool final : public mock::script_engine {
public:
  explicit pool(pool_options options) : options_(std::move(options)), slots_(options_.workers + std::max(options_.workers / 2, 1U)) {
    for (auto i = options_.workers; i < slots_.size(); ++i)
      slots_[i].serves = pace::slow;
    try {
      for (auto& s : slots_)
        s.thread = std::thread{[this, &s] { work(s); }};
    } catch (...) { // the system gives no more of them
      stop();
      throw;
    }
  }
  ~pool() override { stop(); }

  void run(mock::script_task task, on_outcome done) override {
    auto sandbox = task.sandbox;
    take(sandbox, {std::move(task), {}, {}, std::move(done)});
  }

  void check(std::string sandbox, std::string source, mock::script_form form, on_checked done) override {
    take(sandbox, {{}, std::move(source), form, [done = std::move(done)](script_outcome o) { done(std::move(o.error)); }});
  }

  void stop() override {
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
      for (auto& s : slots_)
        if (s.process)
          s.process->kill();
    }
    quick_wake_.notify_all();
    slow_wake_.notify_all();
    for (auto& s : slots_)
      if (s.thread.joinable())
        s.thread.join();
    for (auto& j : queue_.take_all())
      tell(j, stopped());
  }

private:
  using pace = fair_queue<job>::pace;
  using end = fair_queue<job>::end;

  struct slot {
    std::thread thread;
    pace serves = pace::quick;
    std::unique_ptr<script::process> process; ///< made and ended by the thread, under the mutex, so that `stop` can kill it
  };

  static script_outcome stopped() { return failed(script_fault::unavailable, "the server is shutting down"); }

  void take(const std::string& sandbox, job j) {
    bool stopping = false;
    {
      std::lock_guard guard{mutex_};
      stopping = stopping_;
      if (!stopping && queue_.push(sandbox, j, process::clock::now())) {
        if (!queue_.is_out(sandbox))
          wake(queue_.pace_of(sandbox)).notify_one();
        return;
      }
    }
    tell(j, stopping ? stopped() : failed(script_fault::overloaded, "too many scripts wait for a worker"));
  }

  static void tell(job& j, script_outcome o) noexcept {
    try {
      if (auto done = std::exchange(j.done, nullptr))
        done(std::move(o));
    } catch (...) { // whoever asked has seen to himself; the thread is everybody's
    }
  }

  std::condition_variable& wake(pace which) noexcept { return which == pace::quick ? quick_wake_ : slow_wake_; }

  // -- a worker's thread ----------------------------------------------------------

  void work(slot& s) {
    if (s.serves == pace::slow)
      ::setpriority(PRIO_PROCESS, 0, slow_nice); // of this thread: what is done for slow scripts gives way, and so do workers from their very start
    std::unique_lock lock{mutex_};
    for (;;) {
      auto turn = next_turn(lock, s.serves);
      if (!turn)
        return;
      lock.unlock();
      const auto began = process::clock::now();
      const auto how = carry_out_or_say_why(s, turn->job);
      const auto ended = process::clock::now();
      lock.lock();
      if (queue_.finished(turn->sandbox, std::chrono::duration_cast<std::chrono::microseconds>(ended - began), ended, how))
        wake(queue_.pace_of(turn->sandbox)).notify_one();
      if (queue_.waiting() > 1) // one is ours
        wake(s.serves).notify_one();
    }
  }

  /// Nothing: the pool stops.
  std::optional<fair_queue<job>::turn> next_turn(std::unique_lock<std::mutex>& lock, pace serves) {
    auto& wake = this->wake(serves);
    while (!stopping_) {
      const auto now = process::clock::now();
      try {
        if (auto turn = queue_.next(serves, now)) {
          if (queue_.end_of_rest(serves, now)) // which we have waited for
            wake.notify_one();
          return turn;
        }
      } catch (...) { // no memory for a name: what waits is still there
        wake.wait_for(lock, std::chrono::milliseconds{10});
        continue;
      }
      if (auto rested = queue_.end_of_rest(serves, now))
        wake.wait_until(lock, *rested);
      else
        wake.wait(lock);
    }
    return std::nullopt;
  }

  /// What is thrown here, as when the server's memory is spent, is this job's misfortune: the thread is everybody's. A worker that was spoken to half
  /// is of no use any more.
  end carry_out_or_say_why(slot& s, job& j) noexcept {
    try {
      return carry_out(s, j);
    } catch (...) {
      replace(s, nullptr);
      if (j.done)
        tell_that_it_failed(j);
      return end::quick;
    }
  }

  /// The text of the outcome is short enough to need no memory.
  static void tell_that_it_failed(job& j) noexcept { tell(j, failed(script_fault::died, "no memory")); }

  end carry_out(slot& s, job& j) {
    for (bool again = true;; again = false) {
      if (s.process && s.process->has_gone())
        replace(s, nullptr);
      if (!s.process)
        if (auto why = start(s)) {
          tell(j, failed(script_fault::unavailable, std::move(*why)));
          return end::quick;
        }
      bool asked = false;
      auto said = try_talk(*s.process, j, asked);
      if (said) {
        const auto& error = said->outcome.error;
        const bool was_stopped = error && (error->fault == script_fault::time || error->fault == script_fault::memory);
        const bool was_slow = s.process->is_slow();
        tell(j, std::move(said->outcome));
        if (said->tired)
          replace_at_once(s);
        return was_stopped ? end::stopped : was_slow ? end::slow : end::quick;
      }
      const auto late = said.error().code == events::errc::timeout;
      auto how = s.process->obituary();
      replace(s, nullptr);
      if (!late && !asked && again && !is_stopping())
        continue;
      tell(j, is_stopping() ? stopped()
              : late ? failed(script_fault::time, said.error().detail) : failed(script_fault::died, "the script's worker " + how));
      replace_at_once(s);
      return end::stopped;
    }
  }

  /// No memory, for one: it is this run's misfortune, while an exception that leaves the thread is the server's end.
  events::outcome<ending> try_talk(script::process& with, const job& j, bool& asked) {
    try {
      return talk(with, j, asked);
    } catch (...) {
      asked = true; // not again
      return events::failure(events::errc::abandoned, "");
    }
  }

  /// That of this thread: a machine that stands still does not add to it.
  static std::chrono::nanoseconds processor_time() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
  }

  /// What the worker made of it. Fails with `errc::timeout` or `errc::abandoned`; then the worker is of no use any more.
  events::outcome<ending> talk(script::process& with, const job& j, bool& asked) {
    using got = process::got;
    with.begin(options_.most_time);
    auto over = [&](got how) {
      if (how != got::late)
        return events::failure(events::errc::abandoned, "");
      if (with.is_late())
        return events::failure(events::errc::timeout, "took more than " + std::to_string(options_.most_time.count()) + " ms");
      return events::failure(events::errc::timeout, "took more than " + std::to_string(limits::script_cpu_time.count()) + " s of processor time");
    };
    auto sent = (j.is_check() ? with.send(frame_kind::check, {j.source, j.form == mock::script_form::function ? "function" : "handler"}) : send_run(with, j.task));
    std::size_t calls = 0, wants = 0;
    for (;;) {
      if (with.is_late()) // it may say one thing after the other without ever making us wait
        return over(got::late);
      frame f;
      if (sent == got::frame)
        sent = with.receive(f);
      if (sent != got::frame)
        return over(sent);
      if (f.kind == frame_kind::done) {
        auto told = read_ending(f.payload);
        return told ? std::move(told) : over(got::gone);
      }
      if (j.is_check())
        return over(got::gone);
      if (f.kind == frame_kind::want) {
        sent = ++wants <= most_sources ? give_source(with, j.task, f) : got::gone;
      } else {
        const auto before = processor_time();
        sent = f.kind == frame_kind::call && ++calls <= limits::script_calls ? answer(with, j.task, f) : got::gone;
        with.charge_in_full(processor_time() - before);
        asked = true;
      }
    }
  }

  static process::got send_run(script::process& with, const mock::script_task& t) {
    const std::string_view seed{reinterpret_cast<const char*>(t.chance.data()), t.chance.size()};
    return with.send(frame_kind::run, {t.sandbox, t.script->digest, t.library ? std::string_view{t.library->digest} : std::string_view{},
                                       std::to_string(t.now.us), seed, t.request, t.start});
  }

  static process::got give_source(script::process& with, const mock::script_task& t, const frame& f) {
    const auto texts = read_texts(f.payload, 1);
    for (const auto* s : {t.script.get(), t.library.get()})
      if (s != nullptr && texts && texts->front() == s->digest)
        return with.send(frame_kind::source, {s->text});
    return process::got::gone;
  }

  static process::got answer(script::process& with, const mock::script_task& t, const frame& f) {
    const auto what = read_call(f.payload);
    if (!what)
      return process::got::gone;
    auto said = t.host ? t.host->call(what->name, what->arguments)
                       : events::outcome<std::string>{events::failure(events::errc::unavailable, "nothing can be asked here")};
    if (said && said->size() > limits::script_call_bytes)
      said = events::failure(events::errc::too_large, "the answer is larger than the limit script_call_bytes");
    return said ? with.send(frame_kind::answer, {*said}) : with.send(frame_kind::refusal, {said.error().detail});
  }

  // -- workers ---------------------------------------------------------------------

  /// Why it does not start, if it does not.
  std::optional<std::string> start(slot& s) {
    auto made = process::start(options_.program, s.serves == pace::slow);
    if (!made)
      return made.error().detail;
    replace(s, std::move(*made));
    if (is_stopping())
      s.process->kill(); // `stop` may have come before it stood there
    return std::nullopt;
  }

  void replace(slot& s, std::unique_ptr<script::process> by) noexcept {
    {
      std::lock_guard guard{mutex_};
      std::swap(s.process, by);
    }
  }

  /// At the cost of the one who made it necessary: the next one finds a worker.
  void replace_at_once(slot& s) {
    replace(s, nullptr);
    if (!is_stopping())
      start(s);
  }

  bool is_stopping() {
    std::lock_guard guard{mutex_};
    return stopping_;
  }

  pool_options options_;
  std::mutex mutex_;
  std::condition_variable quick_wake_, slow_wake_; ///< of those that serve the one and the other
  bool stopping_ = false;
  fair_queue<job> queue_;
  std::vector<slot> slots_;
};

} // namespace

events::outcome<std::unique_ptr<mock::script_engine>> open_pool(pool_options options) {
  if (options.program.empty())
    options.program = worker_beside_us();
  if (::access(options.program.c_str(), X_OK) != 0)
    return events::failure(events::errc::unavailable, "there is no program " + options.program.string());
  options.workers = std::max(options.workers, 1U);
  try {
    return std::make_unique<pool>(std::move(options));
  } catch (const std::system_error& e) {
    return events::failure(events::errc::unavailable, std::string{"no thread for a script worker: "} + e.what());
  }
}

} // namespace hourglass::script
