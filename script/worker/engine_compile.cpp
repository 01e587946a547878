#include "script/worker/engine_parts.hpp"

#include <algorithm>
#include <cctype>

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
    if (source.starts_with("//")) // which each of the four ends of a line ends
      end = std::min({source.find_first_of("\r\n"), source.find("\u2028"), source.find("\u2029")});
    else if (source.starts_with("/*"))
      end = source.find("*/", 2);
    else
      return source;
    if (end == std::string_view::npos)
      return {};
    source.remove_prefix(source[1] == '/' ? end : end + 2);
  }
}

/// The text that the engine has taken for the function `v`; empty when `v` is none.
bool text_of_function(JSContext* cx, JS::HandleValue v, std::string& out) {
  out.clear();
  JS::RootedFunction function(cx, v.isObject() ? JS_GetObjectFunction(&v.toObject()) : nullptr);
  if (!function)
    return true;
  JS::RootedString whole(cx, JS_DecompileFunction(cx, function));
  if (!whole)
    return false;
  JS::RootedValue text(cx, JS::StringValue(whole));
  return to_utf8(cx, text, out);
}

/// A class runs code where it stands: static blocks, fields, what it extends.
bool is_class(std::string_view function) {
  constexpr std::string_view word = "class";
  if (!function.starts_with(word))
    return false;
  const auto next =
      static_cast<unsigned char>(function.size() == word.size() ? ' ' : function[word.size()]);
  return !(std::isalnum(next) != 0 || next == '_' || next == '$' || next == '\\' || next >= 0x80);
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

bool apart(JSContext* cx, result& out, const std::function<bool()>& compiles) {
  JS::RootedObject global(cx, make_global(cx, parts_of(cx).base->global));
  if (!global) { // the collector has not caught up with the realms that were given up
    JS_ClearPendingException(cx);
    out.ended = "memory";
    out.tired = true;
    return false;
  }
  JSAutoRealm in(cx, global);
  const bool good = compiles();
  if (!good && !parts_of(cx).now.stopped && JS_IsExceptionPending(cx))
    describe_exception(cx, out);
  parts_of(cx).jobs->forget();
  return good && !parts_of(cx).now.stopped;
}

bool compile_handler(JSContext* cx, std::string_view body, JS::MutableHandleObject out) {
  std::string text = body.find("await") != std::string_view::npos
                         ? "(async function ($req, $resp, $func) {\n"
                         : "(function ($req, $resp, $func) {\n";
  text.append(body).append("\n})");
  JS::RootedValue made(cx);
  std::string written;
  if (!evaluate(cx, text, handler_file, 0, &made) || !text_of_function(cx, made, written))
    return false;
  // A body that leaves its function (`}); …; (function () {`) makes one whose text is not all of
  // ours.
  if (written != std::string_view{text}.substr(1, text.size() - 2)) {
    JS_ReportErrorUTF8(cx, "must be the body of one function");
    return false;
  }
  out.set(&made.toObject());
  return true;
}

bool compile_function(JSContext* cx, std::string_view source, const char* file, JS::MutableHandleObject out) {
  source = source.substr(0, source.find_last_not_of(" \t\r\n\f\v;") + 1);
  std::string text = "(\n";
  text.append(source).append("\n)");
  JS::RootedValue made(cx);
  std::string written;
  if (!evaluate(cx, text, file, 0, &made) || !text_of_function(cx, made, written))
    return false;
  // Nothing but the function: what another expression keeps beside it would live from one request
  // to the next.
  auto rest = past_comments(source);
  if (written.empty() || is_class(written) || !rest.starts_with(written) ||
      !past_comments(rest.substr(written.size())).empty()) {
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
