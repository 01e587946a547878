#include "script/worker/engine_parts.hpp"

#include <algorithm>

#include <jsfriendapi.h>
#include <js/Array.h>
#include <js/CharacterEncoding.h>
#include <js/CompilationAndEvaluation.h>
#include <js/ErrorReport.h>
#include <js/GlobalObject.h>
#include <js/PropertyAndElement.h>
#include <js/RealmOptions.h>
#include <js/SourceText.h>

// From a source to a function.
namespace hourglass::worker {

namespace {

bool compile(JSContext* cx, std::string_view source, const char* file, unsigned line, JS::MutableHandleScript out) {
  JS::CompileOptions options(cx);
  options.setFileAndLine(file, line);
  options.setForceStrictMode(); // a misspelt variable is an error
  JS::SourceText<mozilla::Utf8Unit> text;
  if (!text.init(cx, source.data(), source.size(), JS::SourceOwnership::Borrowed))
    return false;
  out.set(JS::Compile(cx, options, text));
  return out.get() != nullptr;
}

/// `source` without the comments and spaces in front.
std::string_view past_comments(std::string_view source) {
  for (;;) {
    source.remove_prefix(std::min(source.find_first_not_of(" \t\r\n\f\v"), source.size()));
    std::size_t end = 0;
    if (source.starts_with("//"))
      end = source.find('\n');
    else if (source.starts_with("/*"))
      end = source.find("*/", 2);
    else
      return source;
    source.remove_prefix(end == std::string_view::npos ? source.size() : std::min(end + 2 - (source[1] == '/' ? 1 : 0), source.size()));
  }
}

} // namespace

JSObject* make_global(JSContext* cx, JSObject* zone_of) {
  static const JSClass shape = {"global", JSCLASS_GLOBAL_FLAGS, &JS::DefaultGlobalClassOps};
  JS::RealmOptions options;
  options.creationOptions().setSharedMemoryAndAtomicsEnabled(false).setDefineSharedArrayBufferConstructor(false);
  if (zone_of != nullptr)
    options.creationOptions().setNewCompartmentInExistingZone(zone_of);
  else
    options.creationOptions().setNewCompartmentAndZone();
  options.behaviors().setClampAndJitterTime(true); // asks our callback for the time
  return JS_NewGlobalObject(cx, &shape, nullptr, JS::FireOnNewGlobalHook, options);
}

bool evaluate(JSContext* cx, std::string_view source, const char* file, unsigned line, JS::MutableHandleValue out) {
  JS::RootedScript script(cx);
  return compile(cx, source, file, line, &script) && JS_ExecuteScript(cx, script, out);
}

bool compile_handler(JSContext* cx, std::string_view body, JS::MutableHandleObject out) {
  // A body may leave its function (`}); …; (function () {`) only if it closes as many braces as we opened: no body does that for one and for two.
  const std::string head = body.find("await") != std::string_view::npos ? "(async function ($req, $resp, $func) {" : "(function ($req, $resp, $func) {";
  std::string twice = head + "{\n";
  twice.append(body).append("\n}})");
  std::string once = head + "\n";
  once.append(body).append("\n})");
  JS::RootedScript first(cx), second(cx);
  JS::RootedValue made(cx);
  if (!compile(cx, once, handler_file, 0, &first) || !compile(cx, twice, handler_file, 0, &second) || !JS_ExecuteScript(cx, first, &made))
    return false;
  out.set(&made.toObject());
  return true;
}

bool compile_function(JSContext* cx, std::string_view source, const char* file, JS::MutableHandleObject out) {
  source = source.substr(0, source.find_last_not_of(" \t\r\n\f\v;") + 1);
  std::string text = "(\n";
  text.append(source).append("\n)");
  JS::RootedValue made(cx);
  if (!evaluate(cx, text, file, 0, &made))
    return false;
  JS::RootedFunction function(cx, made.isObject() ? JS_GetObjectFunction(&made.toObject()) : nullptr);
  std::string written;
  if (function) {
    JS::RootedString whole(cx, JS_DecompileFunction(cx, function));
    JS::RootedValue v(cx);
    if (!whole)
      return false;
    v.setString(whole);
    if (!to_utf8(cx, v, written))
      return false;
  }
  // Nothing but the function: what another expression keeps beside it would live from one request to the next.
  auto rest = past_comments(source);
  if (written.empty() || !rest.starts_with(written) || !past_comments(rest.substr(written.size())).empty()) {
    JS_ReportErrorUTF8(cx, "must be one function, such as ($func, a, b) => a + b");
    return false;
  }
  out.set(&made.toObject());
  return true;
}

bool compile_library(JSContext* cx, std::string_view library, JS::HandleObject into) {
  JS::RootedValue all(cx);
  if (!parse_json(cx, library, &all) || !all.isObject())
    return false;
  JS::RootedObject list(cx, &all.toObject());
  std::uint32_t count = 0;
  if (!JS::GetArrayLength(cx, list, &count))
    return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    JS::RootedValue item(cx), name(cx), source(cx), function(cx);
    if (!JS_GetElement(cx, list, i, &item) || !item.isObject())
      return false;
    JS::RootedObject pair(cx, &item.toObject()), compiled(cx);
    std::string file, text;
    if (!JS_GetElement(cx, pair, 0, &name) || !JS_GetElement(cx, pair, 1, &source) || !to_utf8(cx, name, file) || !to_utf8(cx, source, text) ||
        !compile_function(cx, text, ("function " + file).c_str(), &compiled))
      return false;
    function.setObject(*compiled);
    if (!JS_SetElement(cx, pair, 1, function) || !JS_SetElement(cx, into, i, pair))
      return false;
  }
  return true;
}

} // namespace hourglass::worker
