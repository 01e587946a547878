#include "events/redact.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/redact_json.hpp"

#include <algorithm>
#include <functional>

namespace hourglass::events {

namespace {

constexpr std::string_view token_open = "[redacted:";
constexpr std::size_t token_digits = 12;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains_ignoring_case(std::string_view text, std::string_view lower_word) noexcept {
  return std::search(text.begin(), text.end(), lower_word.begin(), lower_word.end(),
                     [](char a, char b) { return lower(a) == b; }) != text.end();
}

bool equals_ignoring_case(std::string_view text, std::string_view lower_word) noexcept {
  return text.size() == lower_word.size() && contains_ignoring_case(text, lower_word);
}

/// Our own token comes back when a recorded request is sent again; it stays what it is, so a replay compares equal.
bool is_token(std::string_view value) noexcept {
  if (value.size() != token_open.size() + token_digits + 1 || !value.starts_with(token_open) || value.back() != ']')
    return false;
  const auto digits = value.substr(token_open.size(), token_digits);
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// A form component as its owner meant it.
std::string form_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(static_cast<unsigned char>(high * 16 + low));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// `a=1&card[number]=2` with sensitive values replaced; `card[number]` counts as the name `cardnumber`.
std::string redact_form(std::string_view form, const std::function<std::string(std::string_view plain, std::string_view written)>& token) {
  std::string out;
  out.reserve(form.size());
  while (!form.empty()) {
    const auto end = std::min(form.find('&'), form.size());
    const auto pair = form.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && equals + 1 < pair.size() &&
        is_sensitive_name(form_decode(pair.substr(0, equals)), {}))
      out.append(pair.substr(0, equals + 1)).append(token(form_decode(pair.substr(equals + 1)), pair.substr(equals + 1)));
    else
      out += pair;
    if (end < form.size())
      out += '&';
    form.remove_prefix(std::min(end + 1, form.size()));
  }
  return out;
}

/// `text/json; charset=utf-8` → `text/json`.
std::string_view media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && (content_type.back() == ' ' || content_type.back() == '\t'))
    content_type.remove_suffix(1);
  while (!content_type.empty() && (content_type.front() == ' ' || content_type.front() == '\t'))
    content_type.remove_prefix(1);
  return content_type;
}

bool looks_like_json(std::string_view bytes) {
  const auto first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (bytes[first] == '{' || bytes[first] == '[');
}

bool is_json(std::string_view type, std::string_view bytes) {
  if (type.empty()) // senders forget it; their secrets are secrets all the same
    return looks_like_json(bytes);
  return contains_ignoring_case(type, "/json") || contains_ignoring_case(type, "+json");
}

} // namespace

redactor::redactor(std::array<std::uint8_t, 32> key) : key_(key) {}

std::string redactor::token(std::string_view value) const {
  if (is_token(value))
    return std::string{value};
  const auto mac = hmac_sha256(key_, value);
  std::string out{token_open};
  out += to_hex(as_text(mac).substr(0, token_digits / 2));
  out += ']';
  return out;
}

bool redactor::is_sensitive_header(std::string_view name) noexcept {
  for (std::string_view whole : {"authorization", "cookie", "set-cookie", "proxy-authorization"})
    if (equals_ignoring_case(name, whole))
      return true;
  for (std::string_view part : {"api-key", "apikey", "api_key", "token", "secret", "password"})
    if (contains_ignoring_case(name, part))
      return true;
  return false;
}

std::string redactor::noted(std::string_view value, redact_echo* seen, bool number) const {
  auto out = token(value);
  if (seen != nullptr)
    seen->note(value, out, number);
  return out;
}

/// `Basic` says the password in other letters (RFC 7617): who reads it may say it in its own.
void redactor::note_password(std::string_view scheme, std::string_view credentials, redact_echo& seen) const {
  std::string both;
  if (!equals_ignoring_case(scheme, "basic") || !from_base64(credentials, both))
    return;
  if (const auto colon = both.find(':'); colon != std::string::npos)
    noted(std::string_view{both}.substr(colon + 1), &seen);
}

std::string redactor::header(std::string_view name, std::string_view value, redact_echo* seen) const {
  if (value.empty() || !is_sensitive_header(name))
    return std::string{value};
  const auto blank = value.find(' ');
  if (contains_ignoring_case(name, "authorization") && blank != std::string_view::npos && !is_token(value)) {
    const auto credentials = value.find_first_not_of(' ', blank);
    if (credentials != std::string_view::npos) {
      auto out = std::string{value.substr(0, credentials)} + noted(value.substr(credentials), seen);
      if (seen != nullptr) {
        note_password(value.substr(0, blank), value.substr(credentials), *seen);
        seen->note_whole(value, out);
      }
      return out;
    }
  }
  return noted(value, seen);
}

std::string redactor::body(std::string_view content_type, std::string_view bytes, redact_echo* seen) const {
  const auto type = media_type(content_type);
  std::optional<std::string> out;
  if (equals_ignoring_case(type, "application/x-www-form-urlencoded")) {
    out = form(bytes, seen);
  } else if (is_json(type, bytes)) {
    const auto token = [&](std::string_view value, bool number) { return noted(value, seen, number); };
    out = equals_ignoring_case(type, "application/json-patch+json") ? redact_json_patch(bytes, token) : redact_json(bytes, token);
  }
  if (!out)
    return std::string{bytes};
  if (seen != nullptr)
    seen->note_whole(bytes, *out);
  return std::move(*out);
}

std::string redactor::form(std::string_view text, redact_echo* seen) const {
  return redact_form(text, [&](std::string_view plain, std::string_view written) {
    auto out = noted(plain, seen);
    if (seen != nullptr)
      seen->note(written, out);
    return out;
  });
}

std::string redactor::target(std::string_view target, redact_echo* seen) const {
  const auto query = target.find('?');
  if (query == std::string_view::npos)
    return std::string{target};
  auto out = std::string{target.substr(0, query + 1)} + form(target.substr(query + 1), seen);
  if (seen != nullptr)
    seen->note_whole(target, out);
  return out;
}

std::string redactor::as_in(std::string_view recorded, std::string_view again) const {
  constexpr std::size_t token_size = token_open.size() + token_digits + 1;
  constexpr std::size_t longest = 4096; // every length is tried
  std::string out;
  for (int tokens = 0; tokens < 1000; ++tokens) {
    const auto at = recorded.find(token_open);
    if (at == std::string_view::npos || at > again.size() || recorded.substr(0, at) != again.substr(0, at))
      break;
    const auto there = recorded.substr(at, token_size);
    if (!is_token(there))
      break;
    auto size = again.substr(at).starts_with(there) ? token_size : 0;
    const auto after = recorded.substr(at + token_size, 1);
    const auto most = std::min(longest, again.size() - at);
    for (auto n = redact_echo::shortest; size == 0 && n <= most; ++n) {
      if (again.substr(at + n, 1) != after)
        continue;
      const auto text = again.substr(at, n);
      if (token(text) == there) {
        size = n;
      } else if (text.find('\\') != std::string_view::npos) {
        const auto plain = json_unescape(text);
        size = plain && token(*plain) == there ? n : 0;
      }
    }
    if (size == 0)
      break;
    out.append(again.substr(0, at)).append(there);
    recorded.remove_prefix(at + token_size);
    again.remove_prefix(at + size);
  }
  return out.append(again);
}

} // namespace hourglass::events
