#include "script/worker/engine_parts.hpp"

#include "script/worker/limits.hpp"

#include <charconv>

#include <js/CharacterEncoding.h>
#include <js/Conversions.h>
#include <js/ErrorReport.h>
#include <js/Exception.h>
#include <js/JSON.h>
#include <js/Stack.h>
#include <js/String.h>

// Texts and errors between the engine and us.
namespace hourglass::worker {

namespace {

/// What `JSON.stringify` writes is well-formed: it escapes lone surrogates.
void append_utf8(std::string& out, const char16_t* text, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    std::uint32_t c = text[i];
    if (c >= 0xd800 && c < 0xdc00 && i + 1 < length && text[i + 1] >= 0xdc00 && text[i + 1] < 0xe000)
      c = 0x10000 + ((c - 0xd800) << 10U) + (text[++i] - 0xdc00U);
    else if (c >= 0xd800 && c < 0xe000)
      c = 0xfffd;
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      out.push_back(static_cast<char>(0xc0 | (c >> 6U)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
      out.push_back(static_cast<char>(0xe0 | (c >> 12U)));
      out.push_back(static_cast<char>(0x80 | ((c >> 6U) & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    } else {
      out.push_back(static_cast<char>(0xf0 | (c >> 18U)));
      out.push_back(static_cast<char>(0x80 | ((c >> 12U) & 0x3f)));
      out.push_back(static_cast<char>(0x80 | ((c >> 6U) & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    }
  }
}

bool append_json(const char16_t* text, std::uint32_t length, void* out) {
  append_utf8(*static_cast<std::string*>(out), text, length);
  return true;
}

/// The frames of scripts, without ours.
std::string frames_of(JSContext* cx, JS::HandleObject stack) {
  JS::RootedString text(cx);
  std::string all;
  JS::RootedValue v(cx);
  if (!stack || !JS::BuildStackString(cx, nullptr, stack, &text))
    return all;
  v.setString(text);
  if (!to_utf8(cx, v, all)) {
    JS_ClearPendingException(cx);
    return {};
  }
  std::string out;
  for (std::size_t at = 0; at < all.size();) {
    auto end = std::min(all.find('\n', at), all.size());
    auto line = std::string_view{all}.substr(at, end - at);
    if (!line.empty() && line.find(std::string{"@"} + prelude_file + ':') == std::string_view::npos)
      out.append(line).push_back('\n');
    at = end + 1;
  }
  if (!out.empty())
    out.pop_back();
  return out;
}

/// `name@file:line:column`
void read_place(std::string_view frame, unsigned& line, unsigned& column) {
  auto second = frame.rfind(':');
  auto first = second == std::string_view::npos || second == 0 ? std::string_view::npos : frame.rfind(':', second - 1);
  if (first == std::string_view::npos)
    return;
  std::from_chars(frame.data() + first + 1, frame.data() + second, line);
  std::from_chars(frame.data() + second + 1, frame.data() + frame.size(), column);
}

/// What was thrown, as a person would want to read it.
std::string text_of(JSContext* cx, JS::HandleValue thrown, const JS::ErrorReportBuilder& report) {
  std::string out;
  if (thrown.isObject()) {
    JS::RootedObject object(cx, &thrown.toObject());
    if (JS_ErrorFromException(cx, object) == nullptr && to_json(cx, thrown, out) && !out.empty())
      return "threw " + out;
    JS_ClearPendingException(cx);
  }
  return report.toStringResult().c_str();
}

} // namespace

JSString* to_string(JSContext* cx, std::string_view utf8) { return JS_NewStringCopyUTF8N(cx, JS::UTF8Chars(utf8.data(), utf8.size())); }

bool to_utf8(JSContext* cx, JS::HandleValue v, std::string& out) {
  JS::RootedString text(cx, JS::ToString(cx, v));
  if (!text)
    return false;
  auto* linear = JS_EnsureLinearString(cx, text);
  if (linear == nullptr)
    return false;
  out.resize(JS::GetDeflatedUTF8StringLength(linear)); // U+0000 is a character
  JS::DeflateStringToUTF8Buffer(linear, mozilla::Span<char>(out.data(), out.size()));
  return true;
}

bool to_json(JSContext* cx, JS::HandleValue v, std::string& out) {
  JS::RootedValue copy(cx, v);
  return JS_Stringify(cx, &copy, nullptr, JS::NullHandleValue, append_json, &out);
}

bool parse_json(JSContext* cx, std::string_view text, JS::MutableHandleValue out) {
  JS::RootedString s(cx, to_string(cx, text));
  return s && JS_ParseJSON(cx, s, out);
}

std::string front_of(std::string text, std::size_t most) {
  if (text.size() <= most)
    return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80)
    --most;
  text.resize(most);
  return text + "…";
}

void describe_exception(JSContext* cx, result& out) {
  out.ended = "thrown";
  if (JS_IsThrowingOutOfMemory(cx)) {
    JS_ClearPendingException(cx);
    out.ended = "memory";
    return;
  }
  JS::ExceptionStack caught(cx);
  JS::ErrorReportBuilder report(cx);
  if (!JS::StealPendingExceptionStack(cx, &caught) || !report.init(cx, caught, JS::ErrorReportBuilder::WithSideEffects)) {
    JS_ClearPendingException(cx);
    out.message = "an exception that cannot be described";
    return;
  }
  JS::RootedValue thrown(cx, caught.exception());
  const auto& at = *report.report();
  if (at.exnType == JSEXN_SYNTAXERR && !caught.stack())
    out.ended = "syntax";
  out.message = front_of(text_of(cx, thrown, report), limits::message_bytes);
  if (out.ended == "syntax") {
    out.line = at.lineno;
    out.column = at.column + 1; // this one counts from 0, those in stacks from 1
  }
  JS::RootedObject stack(cx, caught.stack());
  if (thrown.isObject()) { // where it was made says more than where it was thrown last
    JS::RootedObject object(cx, &thrown.toObject());
    if (auto* made = JS::ExceptionStackOrNull(object))
      stack = made;
  }
  out.stack = frames_of(cx, stack);
  if (out.ended != "syntax")
    read_place(std::string_view{out.stack}.substr(0, out.stack.find('\n')), out.line, out.column);
  out.stack = front_of(std::move(out.stack), limits::stack_text_bytes);
  JS_ClearPendingException(cx);
}

} // namespace hourglass::worker
