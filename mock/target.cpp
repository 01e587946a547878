#include "mock/target.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"

#include <algorithm>
#include <cstring>

namespace hourglass::mock {

namespace {

char low(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

int hex(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = low(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

} // namespace

const std::string* find(const fields& list, std::string_view name) noexcept {
  for (const auto& f : list)
    if (same_name(f.name, name))
      return &f.value;
  return nullptr;
}

target_parts split_target(std::string_view target) noexcept {
  auto end = target.find('?');
  if (end == std::string_view::npos)
    return {target, {}};
  return {target.substr(0, end), target.substr(end + 1)};
}

bool percent_decode(std::string_view text, bool plus_is_space, std::string& out) {
  out.clear();
  out.reserve(text.size());
  bool plain = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
        return false;
      c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0')
      return false;
    plain = plain && static_cast<unsigned char>(c) < 0x80;
    out += c;
  }
  return plain || events::is_utf8(out);
}

const char* split_path(std::string_view path, std::vector<std::string>& segments) {
  if (path.empty() || path.front() != '/')
    return "must start with a slash";
  if (path.size() > limits::endpoint_path_bytes)
    return "is longer than the limit endpoint_path_bytes";
  path.remove_prefix(1);
  segments.clear();
  while (true) {
    auto end = std::min(path.find('/'), path.size());
    if (segments.size() == limits::endpoint_path_segments)
      return "has more segments than the limit endpoint_path_segments";
    auto& segment = segments.emplace_back();
    if (!percent_decode(path.substr(0, end), false, segment))
      return "has a malformed escape, a NUL or bytes that are not UTF-8";
    if (segment == "." || segment == "..")
      return "has a dot segment";
    if (end == path.size())
      return nullptr;
    path.remove_prefix(end + 1);
  }
}

fields parse_query(std::string_view query) {
  fields out;
  std::string name;
  std::string value;
  while (!query.empty() && out.size() < 1000) {
    auto end = std::min(query.find('&'), query.size());
    auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    auto equals = std::min(pair.find('='), pair.size());
    auto rest = equals < pair.size() ? pair.substr(equals + 1) : std::string_view{};
    if (!pair.empty() && percent_decode(pair.substr(0, equals), true, name) && percent_decode(rest, true, value))
      out.push_back({name, value});
  }
  return out;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return low(x) == low(y); });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (low(c) >= 'a' && low(c) <= 'z') || (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
}

bool is_field_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto u = static_cast<unsigned char>(c);
    return c == '\t' || (u >= 0x20 && u != 0x7f);
  });
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = low(c);
  return out;
}

std::string_view trimmed(std::string_view text) noexcept {
  auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace hourglass::mock
