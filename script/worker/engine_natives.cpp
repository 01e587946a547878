#include "script/worker/engine_parts.hpp"

#include "script/worker/limits.hpp"

#include <js/Array.h>
#include <js/CallAndConstruct.h>
#include <js/CallArgs.h>
#include <js/ErrorReport.h>
#include <js/Object.h>
#include <js/PropertyAndElement.h>

// What the prelude can ask of us. No exception of C++ may pass the engine's frames.
namespace hourglass::worker {

namespace {

/// host(name, [argument…]): what the server says.
bool host(JSContext* cx, unsigned argc, JS::Value* vp) {
  auto args = JS::CallArgsFromVp(argc, vp);
  std::string name, arguments, answer;
  if (!to_utf8(cx, args.get(0), name) || !to_json(cx, args.get(1), arguments))
    return false;
  if (name.size() > 64 || arguments.size() > limits::call_bytes) {
    JS_ReportErrorUTF8(cx, "the arguments are larger than %zu bytes", limits::call_bytes);
    return false;
  }
  if (++parts_of(cx).now.calls > limits::calls) {
    JS_ReportErrorUTF8(cx, "more calls than the limit script_calls (%zu)", limits::calls);
    return false;
  }
  if (!parts_of(cx).server.call(name, arguments, answer)) {
    JS_ReportErrorUTF8(cx, "%s", answer.c_str());
    return false;
  }
  return parse_json(cx, answer, args.rval());
}

/// The four parts of an answer, as the prelude's `shape` has made them.
bool read_shape(JSContext* cx, JS::HandleValue v, result& out) {
  if (!v.isObject()) {
    JS_ReportErrorUTF8(cx, "no answer was made");
    return false;
  }
  JS::RootedObject shape(cx, &v.toObject());
  std::string* texts[] = {&out.status, &out.headers, &out.form, &out.body};
  for (std::uint32_t i = 0; i < 4; ++i) {
    JS::RootedValue one(cx);
    if (!JS_GetElement(cx, shape, i, &one) || !to_utf8(cx, one, *texts[i]))
      return false;
  }
  const bool large_body = out.body.size() > limits::answer_bytes;
  if (large_body || out.headers.size() > limits::headers_bytes) {
    JS_ReportErrorUTF8(cx, "the %s larger than %zu bytes", large_body ? "body is" : "headers are", large_body ? limits::answer_bytes : limits::headers_bytes);
    out.body.clear();
    out.headers = "[]";
    return false;
  }
  return true;
}

/// interrupt(shape): ends the script at once. To fail without an exception is what no `catch` or `finally` gets to see.
bool interrupt(JSContext* cx, unsigned argc, JS::Value* vp) {
  auto args = JS::CallArgsFromVp(argc, vp);
  auto& now = parts_of(cx).now;
  if (!read_shape(cx, args.get(0), now.answer))
    return false;
  now.interrupted = now.stopped = true;
  return false;
}

/// wait(): ends what runs, as `interrupt` does, but only as far as the next `branch`.
bool wait(JSContext* cx, unsigned, JS::Value*) {
  parts_of(cx).now.waits = true;
  return false;
}

/// branch(function): [what it gave], or undefined if it waits.
bool branch(JSContext* cx, unsigned argc, JS::Value* vp) {
  auto args = JS::CallArgsFromVp(argc, vp);
  const auto& now = parts_of(cx).now;
  JS::RootedValue function(cx, args.get(0)), value(cx);
  if (JS_CallFunctionValue(cx, nullptr, function, JS::HandleValueArray::empty(), &value)) {
    auto* gave = JS::NewArrayObject(cx, JS::HandleValueArray(value));
    if (gave == nullptr)
      return false;
    args.rval().setObject(*gave);
    return true;
  }
  if (now.stopped || !now.waits || JS_IsExceptionPending(cx))
    return false;
  args.rval().setUndefined();
  return true;
}

bool log(JSContext* cx, unsigned argc, JS::Value* vp) {
  auto args = JS::CallArgsFromVp(argc, vp);
  auto& now = parts_of(cx).now;
  args.rval().setUndefined();
  if (now.console_lines++ >= limits::console_lines)
    return true;
  std::string level, text;
  if (!to_utf8(cx, args.get(0), level) || !to_utf8(cx, args.get(1), text))
    return false;
  script::write_text(now.answer.console, level);
  script::write_text(now.answer.console, front_of(std::move(text), limits::console_line_bytes));
  return true;
}

/// bytes(text): as UTF-8.
bool bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  auto args = JS::CallArgsFromVp(argc, vp);
  std::string text;
  if (!to_utf8(cx, args.get(0), text))
    return false;
  args.rval().setNumber(static_cast<double>(text.size()));
  return true;
}

/// xorshift128+, from the request's chance: the same again in a replay.
bool random(JSContext* cx, unsigned argc, JS::Value* vp) {
  auto args = JS::CallArgsFromVp(argc, vp);
  auto* s = parts_of(cx).now.chance;
  auto x = s[0];
  const auto y = s[1];
  s[0] = y;
  x ^= x << 23U;
  s[1] = x ^ y ^ (x >> 17U) ^ (y >> 26U);
  args.rval().setDouble(static_cast<double>((s[1] + y) >> 11U) * 0x1p-53);
  return true;
}

} // namespace

engine::parts& parts_of(JSContext* cx) { return *static_cast<engine::parts*>(JS_GetContextPrivate(cx)); }

bool read_answer(JSContext* cx, JS::HandleValue shape, result& out) { return read_shape(cx, shape, out); }

JSObject* make_natives(JSContext* cx) {
  JS::RootedObject out(cx, JS_NewPlainObject(cx));
  if (!out || !JS_DefineFunction(cx, out, "host", host, 2, 0) || !JS_DefineFunction(cx, out, "interrupt", interrupt, 1, 0) ||
      !JS_DefineFunction(cx, out, "wait", wait, 0, 0) || !JS_DefineFunction(cx, out, "branch", branch, 1, 0) ||
      !JS_DefineFunction(cx, out, "log", log, 2, 0) || !JS_DefineFunction(cx, out, "random", random, 0, 0) || !JS_DefineFunction(cx, out, "bytes", bytes, 1, 0) ||
      !JS_DefineProperty(cx, out, "most_headers", static_cast<double>(limits::headers), 0) ||
      !JS_DefineProperty(cx, out, "header_bytes", static_cast<double>(limits::header_bytes), 0) ||
      !JS_DefineProperty(cx, out, "text_chars", static_cast<double>(limits::text_chars), 0))
    return nullptr;
  return out;
}

} // namespace hourglass::worker
