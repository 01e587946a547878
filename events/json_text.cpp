#include "events/json_text.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace hourglass::events {

namespace {

/// True for the bytes that JSON text may not hold as they are.
constexpr auto must_escape = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c)
    table[c] = true;
  table['"'] = true;
  table['\\'] = true;
  return table;
}();

constexpr std::uint64_t ones = 0x0101010101010101ULL;
constexpr std::uint64_t highs = 0x8080808080808080ULL;

/// Nonzero if one of eight bytes must be escaped or is not ASCII. May say so of plain bytes, never the other way round.
constexpr std::uint64_t is_special(std::uint64_t word) {
  const auto below_space = word - ones * 0x20;
  const auto quote = (word ^ (ones * '"')) - ones;
  const auto backslash = (word ^ (ones * '\\')) - ones;
  return (below_space | quote | backslash | word) & highs;
}

std::uint64_t load(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Length of the UTF-8 sequence at the front of `text`, 0 if it is none.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto follows = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0U) == 0x80U; };
  const auto lead = at(0);
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2 || lead > 0xF4 || !follows(1))
    return 0;
  if (lead < 0xE0)
    return 2;
  if (!follows(2))
    return 0;
  if (lead < 0xF0) // no overlong form, no surrogate
    return (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F) ? 0 : 3;
  if (!follows(3))
    return 0;
  return (lead == 0xF0 && at(1) < 0x90) || (lead == 0xF4 && at(1) > 0x8F) ? 0 : 4;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  default:
    const auto byte = static_cast<std::uint8_t>(c);
    out += "\\u00";
    out += hex[byte >> 4];
    out += hex[byte & 15U];
  }
}

/// Appends `text` as a JSON string. Plain runs are copied whole; what is not UTF-8 becomes U+FFFD, so that the log is JSON whatever comes.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t run = 0;
  std::size_t at = 0;
  const auto flush = [&] { out.append(text.data() + run, at - run); };
  while (at < text.size()) {
    if (text.size() - at >= 8 && is_special(load(text.data() + at)) == 0) {
      at += 8;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (must_escape[byte]) {
      flush();
      append_escaped(out, text[at]);
      run = ++at;
      continue;
    }
    const auto length = sequence_length(text.substr(at));
    if (length == 0) {
      flush();
      out += "\xEF\xBF\xBD";
      run = ++at;
    } else {
      at += length;
    }
  }
  flush();
  out += '"';
}

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto base64_values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(0xFF);
  for (std::size_t i = 0; i < base64_digits.size(); ++i)
    table[static_cast<std::uint8_t>(base64_digits[i])] = static_cast<std::uint8_t>(i);
  return table;
}();

template <class T>
void append_number(std::string& out, T number) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

std::optional<unsigned> hex4(std::string_view text) {
  if (text.size() < 4)
    return std::nullopt;
  unsigned value = 0;
  for (char c : text.substr(0, 4)) {
    const auto digit = std::string_view{"0123456789abcdefABCDEF"}.find(c);
    if (digit == std::string_view::npos)
      return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
  }
  return value;
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

} // namespace

void json_text::separate() {
  if (!first_)
    out_ += ',';
  first_ = false;
}

json_text& json_text::open_object() {
  separate();
  out_ += '{';
  first_ = true;
  return *this;
}

json_text& json_text::close_object() {
  out_ += '}';
  first_ = false;
  return *this;
}

json_text& json_text::open_array() {
  separate();
  out_ += '[';
  first_ = true;
  return *this;
}

json_text& json_text::close_array() {
  out_ += ']';
  first_ = false;
  return *this;
}

json_text& json_text::key(std::string_view name) {
  separate();
  append_string(out_, name);
  out_ += ':';
  first_ = true;
  return *this;
}

json_text& json_text::value(std::string_view text) {
  separate();
  append_string(out_, text);
  return *this;
}

json_text& json_text::value(bool truth) { return raw(truth ? "true" : "false"); }

json_text& json_text::null() { return raw("null"); }

json_text& json_text::raw(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

json_text& json_text::bytes(std::string_view data) {
  open_object();
  if (is_utf8(data))
    key("text").value(data);
  else
    key("base64").value(to_base64(data));
  return close_object();
}

json_text& json_text::integer(std::int64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

json_text& json_text::natural(std::uint64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

std::optional<std::string> json_unescape(std::string_view raw) {
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    if (++i == raw.size())
      return std::nullopt;
    if (const auto simple = letters.find(raw[i]); simple != std::string_view::npos) {
      out += meanings[simple];
      continue;
    }
    auto code = raw[i] == 'u' ? hex4(raw.substr(i + 1)) : std::nullopt;
    if (!code)
      return std::nullopt;
    i += 4;
    if (*code >= 0xD800 && *code < 0xDC00 && raw.substr(i + 1).starts_with("\\u")) {
      const auto low = hex4(raw.substr(i + 3));
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        i += 6;
      }
    }
    append_utf8(out, *code);
  }
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && (load(text.data() + at) & highs) == 0) {
      at += 8;
      continue;
    }
    const auto length = sequence_length(text.substr(at));
    if (length == 0)
      return false;
    at += length;
  }
  return true;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto byte = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i])) : 0U;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += base64_digits[group >> 18];
    out += base64_digits[(group >> 12) & 63U];
    out += i + 1 < bytes.size() ? base64_digits[(group >> 6) & 63U] : '=';
    out += i + 2 < bytes.size() ? base64_digits[group & 63U] : '=';
  }
  return out;
}

bool from_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.size() % 4 != 0)
    return false;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const auto value = k >= 4 - padding ? std::uint8_t{0} : base64_values[static_cast<std::uint8_t>(text[i + k])];
      if (value == 0xFF)
        return false;
      group = group << 6 | value;
    }
    if ((padding == 1 && (group & 0xFFU) != 0) || (padding == 2 && (group & 0xFFFFU) != 0))
      return false; // bits behind the end: two texts for the same bytes
    for (std::size_t k = 0; k < 3 - padding; ++k)
      bytes += static_cast<char>(static_cast<std::uint8_t>(group >> (16 - 8 * k)));
  }
  return true;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    out += hex[static_cast<std::uint8_t>(c) >> 4];
    out += hex[static_cast<std::uint8_t>(c) & 15U];
  }
  return out;
}

} // namespace hourglass::events
