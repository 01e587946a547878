#include "script/worker/engine.hpp"

#include "script/worker/engine_parts.hpp"
#include "script/worker/limits.hpp"
#include "script/worker/prelude.hpp"

#include <algorithm>
#include <cstring>

#include <jsfriendapi.h>
#include <js/Array.h>
#include <js/CallAndConstruct.h>
#include <js/ContextOptions.h>
#include <js/Conversions.h>
#include <js/Date.h>
#include <js/ErrorReport.h>
#include <js/Exception.h>
#include <js/GCAPI.h>
#include <js/Initialization.h>
#include <js/Interrupt.h>
#include <js/Principals.h>
#include <js/PropertyAndElement.h>
#include <js/Realm.h>
#include <js/Stack.h>

namespace hourglass::worker {

namespace {

double now_us = 0; ///< the engine asks a plain function for the time

double virtual_now(double, JSContext*) { return now_us; }

bool no_eval(JSContext*, JS::RuntimeCode, JS::HandleString) { return false; }

/// Called by the engine between steps after the watchdog has asked for it.
bool may_go_on(JSContext* cx) {
  auto& self = parts_of(cx);
  if (self.dog.fired() == watchdog::reason::none)
    return true;
  self.now.stopped = true;
  JS::AutoFilename file;
  unsigned line = 0, column = 0;
  if (self.now.line == 0 && JS::DescribeScriptedCaller(cx, &file, &line, &column) && file.get() != nullptr && std::strcmp(file.get(), prelude_file) != 0) {
    self.now.line = line;
    self.now.column = column + 1;
  }
  return false;
}

/// The promise that a handler returned must have come to an end: nothing will ever settle it now.
bool settled(JSContext* cx, JS::HandleValue returned) {
  if (!returned.isObject())
    return true;
  JS::RootedObject promise(cx, &returned.toObject());
  if (!JS::IsPromiseObject(promise))
    return true;
  switch (JS::GetPromiseState(promise)) {
  case JS::PromiseState::Fulfilled: return true;
  case JS::PromiseState::Rejected: {
    JS::RootedValue why(cx, JS::GetPromiseResult(promise));
    JS_SetPendingException(cx, why);
    return false;
  }
  case JS::PromiseState::Pending: break;
  }
  JS_ReportErrorUTF8(cx, "the handler waits for something that never comes");
  return false;
}

} // namespace

// -- promise reactions ---------------------------------------------------------------

job_queue::job_queue(JSContext* cx, engine::running& now) : now_(now), jobs_(cx, JS::GCVector<JSObject*, 0, js::SystemAllocPolicy>()) {}

JSObject* job_queue::getIncumbentGlobal(JSContext* cx) { return JS::CurrentGlobalOrNull(cx); }

bool job_queue::enqueuePromiseJob(JSContext* cx, JS::HandleObject, JS::HandleObject job, JS::HandleObject, JS::HandleObject) {
  if (jobs_.append(job))
    return true;
  JS_ReportOutOfMemory(cx);
  return false;
}

void job_queue::runJobs(JSContext* cx) {
  std::size_t done = 0;
  while (done < jobs_.length() && !now_.stopped) {
    JS::RootedObject job(cx, jobs_[done]);
    jobs_[done++].set(nullptr);
    if (JS::GetNonCCWObjectGlobal(job) !=
        JS::CurrentGlobalOrNull(cx)) // would speak with this run's host
      continue;
    JS::RootedValue function(cx, JS::ObjectValue(*job)), ignored(cx);
    if (!JS_CallFunctionValue(cx, nullptr, function, JS::HandleValueArray::empty(), &ignored)) {
      if (!JS_IsExceptionPending(cx) && !now_.waits)
        break; // stopped
      JS_ClearPendingException(cx);
    }
    if (parts_of(cx).dog.fired() != watchdog::reason::none) // jobs too short to be interrupted
      now_.stopped = true;
    if (done == limits::jobs_at_once) {
      jobs_.erase(jobs_.begin(), jobs_.begin() + done);
      done = 0;
    }
  }
  jobs_.clear();
}

// -- the engine ------------------------------------------------------------------------

engine::engine(asking& server) : server_(server) {}
engine::~engine() = default; // the process ends by _exit; the engine is never taken down

bool engine::open() {
  JS::DisableJitBackend(); // no memory is ever executable
  if (!JS_Init())
    return false;
  auto* cx = JS_NewContext(limits::heap_bytes);
  if (cx == nullptr)
    return false;
  self_ = std::make_unique<parts>(server_, [cx] { JS_RequestInterruptCallback(cx); });
  self_->cx = cx;
  JS_SetContextPrivate(cx, self_.get());
  self_->jobs = std::make_unique<job_queue>(cx, self_->now);
  JS::SetJobQueue(cx, self_->jobs.get());
  JS::ContextOptionsRef(cx).setWasm(false).setAsmJS(false).setSourcePragmas(false);
  JS_SetNativeStackQuota(cx, limits::stack_bytes);
  if (!JS::InitSelfHostedCode(cx))
    return false;
  static const JSSecurityCallbacks security{no_eval, nullptr};
  JS_SetSecurityCallbacks(cx, &security);
  JS_AddInterruptCallback(cx, may_go_on);
  JS::SetReduceMicrosecondTimePrecisionCallback(virtual_now);
  self_->base = std::make_unique<realm>(cx);
  self_->base->global = make_global(cx, nullptr);
  if (!self_->base->global)
    return false;
  {
    JSAutoRealm in(cx, self_->base->global);
    JS::RootedValue v(cx);
    // What is read from files on first use: time zones, locales.
    if (!JS::InitRealmStandardClasses(cx) ||
        !evaluate(cx, "new Date(0).toLocaleString('de-DE') + new Intl.NumberFormat('de-DE').format(1234.5) + 'a'.localeCompare('b') + 'A'.normalize('NFD')",
                  prelude_file, 1, &v))
      return false;
  }
  order warm;
  result ignored;
  if (realm_of(warm, ignored) == nullptr)
    return false;
  self_->realms.clear();
  JS_GC(cx);
  return self_->dog.settle();
}

engine::realm* engine::realm_of(const order& what, result& out) {
  auto& realms = self_->realms;
  auto* cx = self_->cx;
  auto key = what.sandbox + '\n' + what.library;
  auto known = std::find_if(realms.begin(), realms.end(), [&](const auto& r) { return r->key == key; });
  if (known != realms.end()) {
    realms.splice(realms.begin(), realms, known);
    return realms.front().get();
  }
  if (realms.size() >= limits::realms)
    realms.pop_back();
  auto made = std::make_unique<realm>(cx);
  made->key = std::move(key);
  made->global = make_global(cx, self_->base->global);
  if (!made->global) { // the collector has not caught up with the realms that were given up
    JS_ClearPendingException(cx);
    out.ended = "memory";
    out.tired = true;
    return nullptr;
  }
  JSAutoRealm in(cx, made->global);
  if (!furnish(*made, what.library, out)) {
    if (!self_->now.stopped && JS_IsExceptionPending(cx))
      describe_exception(cx, out);
    return nullptr;
  }
  realms.push_front(std::move(made));
  return realms.front().get();
}

/// Has the prelude close the realm, then compiles the project's functions into it.
bool engine::furnish(realm& fresh, const std::string& library, result& out) {
  auto* cx = self_->cx;
  JS::RootedObject natives(cx), functions(cx);
  JS::RootedValue prelude_function(cx), made(cx), ignored(cx);
  if (!JS::InitRealmStandardClasses(cx) || !(natives = make_natives(cx)) ||
      !evaluate(cx, prelude, prelude_file, 1, &prelude_function))
    return false;
  JS::RootedValue given(cx, JS::ObjectValue(*natives));
  if (!JS_CallFunctionValue(cx, nullptr, prelude_function, JS::HandleValueArray(given), &made))
    return false;
  JS::RootedObject three(cx, &made.toObject());
  if (!JS_GetElement(cx, three, 0, &fresh.adopt) || !JS_GetElement(cx, three, 1, &fresh.run) ||
      !JS_GetElement(cx, three, 2, &fresh.finish))
    return false;
  const auto sources = library.empty() ? std::string{"[]"} : self_->server.source_of(library);
  auto compiled = [&] {
    return (functions = JS::NewArrayObject(cx, 0)) && compile_library(cx, sources, functions);
  };
  if ((!library.empty() && !apart(cx, out, compiled)) || !compiled())
    return false;
  given.setObject(*functions);
  return JS_CallFunctionValue(cx, nullptr, fresh.adopt, JS::HandleValueArray(given), &ignored);
}

bool engine::run_in(realm& of, const order& what, result& out) {
  auto* cx = self_->cx;
  auto known = of.handlers.find(what.script);
  if (known == of.handlers.end()) {
    if (of.handlers.size() >= limits::handlers_per_realm)
      of.handlers.clear();
    JS::RootedObject made(cx);
    const auto source = self_->server.source_of(what.script);
    auto compiled = [&] { return compile_handler(cx, source, &made); };
    if (!apart(cx, out, compiled) || !compiled())
      return false;
    known = of.handlers.emplace(what.script, JS::PersistentRootedObject(cx, made)).first;
  }
  JS::RootedValue request(cx), start(cx), pair(cx), resp(cx), returned(cx), shape(cx);
  JS::RootedValueArray<3> args(cx);
  if (!parse_json(cx, what.request, &request) || !parse_json(cx, what.start, &start))
    return false;
  args[0].setObject(*known->second);
  args[1].set(request);
  args[2].set(start);
  if (!JS_CallFunctionValue(cx, nullptr, of.run, args, &pair)) {
    if (self_->now.waits && !self_->now.stopped && !JS_IsExceptionPending(cx))
      self_->jobs->runJobs(cx); // asynchronous branches may want calls as well: all of them are made at once
    return false;
  }
  JS::RootedObject both(cx, &pair.toObject());
  if (!JS_GetElement(cx, both, 0, &resp) || !JS_GetElement(cx, both, 1, &returned))
    return false;
  self_->jobs->runJobs(cx);
  if (self_->now.stopped || !settled(cx, returned))
    return false;
  return JS_CallFunctionValue(cx, nullptr, of.finish, JS::HandleValueArray(resp), &shape) && read_answer(cx, shape, out);
}

void engine::begin() {
  self_->now = {};
  self_->jobs->forget();
  JS_ClearPendingException(self_->cx);
  self_->dog.arm();
}

/// What became of it, and nothing of it left for the next one.
void engine::end(bool good, result& out) {
  auto* cx = self_->cx;
  auto& dog = self_->dog;
  const auto why = dog.disarm();
  const auto& now = self_->now;
  if (now.interrupted && !now.waits) { // a branch that waits has begun what the answer would commit
    out.ended = "interrupted";
  } else if (why == watchdog::reason::time) {
    out.ended = "time";
  } else if (why == watchdog::reason::memory || (!good && out.ended == "ok" && !now.waits)) {
    out.ended = "memory";
  } else if (now.waits) { // whatever else became of it, it was without what it waits for
    const auto tired = out.tired;
    out = {};
    out.ended = "waits";
    out.tired = tired;
  }
  if (out.ended == "time" || out.ended == "memory") {
    out.message = out.ended == "time" ? "took more than " + std::to_string(limits::cpu_ms) + " ms of processor time"
                                      : "took more than " + std::to_string(limits::memory_bytes / limits::mebi) + " MiB of memory";
    if (now.line != 0) {
      out.line = now.line;
      out.column = now.column;
    }
  }
  JS_ClearPendingException(cx);
  self_->jobs->forget();
  const auto tired = [&] {
    return dog.resident_bytes() > dog.settled_bytes() + limits::tired_bytes;
  };
  if (tired() || out.ended == "time") {
    JS_GC(cx);
    out.tired = out.tired || tired();
  }
  out.tired = out.tired || out.ended == "memory";
}

result engine::run(const order& what) {
  auto* cx = self_->cx;
  begin();
  auto& now = self_->now;
  now_us = static_cast<double>(what.now_us);
  if (what.seed.size() == sizeof now.chance)
    std::memcpy(now.chance, what.seed.data(), sizeof now.chance);
  if (now.chance[0] == 0 && now.chance[1] == 0)
    now.chance[0] = 1;
  bool good = false;
  if (auto* of = realm_of(what, now.answer)) {
    JSAutoRealm in(cx, of->global);
    good = run_in(*of, what, now.answer);
    if (!good && !now.stopped && JS_IsExceptionPending(cx))
      describe_exception(cx, now.answer);
  }
  auto out = std::move(now.answer);
  end(good, out);
  return out;
}

result engine::check(std::string_view source, std::string_view form) {
  auto* cx = self_->cx;
  result out;
  begin();
  out.status = "200"; // of an outcome that is read as any other
  JS::RootedObject made(cx);
  const bool good = apart(cx, out, [&] {
    return form == "function" ? compile_function(cx, source, "function", &made)
                              : compile_handler(cx, source, &made);
  });
  made = nullptr;
  end(good, out);
  // A file that ends too early is wrong behind its last line, which is ours.
  const auto lines = static_cast<unsigned>(std::count(source.begin(), source.end(), '\n')) + 1;
  if (out.line > lines) {
    out.line = lines;
    out.column = static_cast<unsigned>(source.size() - (source.rfind('\n') == std::string_view::npos ? 0 : source.rfind('\n') + 1)) + 1;
  }
  return out;
}

} // namespace hourglass::worker
