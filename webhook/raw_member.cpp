#include "webhook/raw_member.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

using nlohmann::json;

std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
    ++at;
  return at;
}

/// Past the closing quote of the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\')
      ++at;
  return std::min(at + 1, text.size());
}

/// Past the value that begins at `at`, of text that is known to parse.
std::size_t skip_value(std::string_view text, std::size_t at) noexcept {
  std::size_t depth = 0;
  while (at < text.size()) {
    char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (depth == 0)
        return at;
      continue;
    }
    if (c == '{' || c == '[')
      ++depth;
    else if (c == '}' || c == ']') {
      if (depth == 0)
        return at; // the end of a number or word, at the end of the object around it
      if (--depth == 0)
        return at + 1;
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'))
      return at;
    ++at;
  }
  return at;
}

/// The name that stands in quotes, unescaped.
bool is_name_of(std::string_view quoted, std::string_view name) {
  if (quoted.size() >= 2 && quoted.find('\\') == std::string_view::npos)
    return quoted.substr(1, quoted.size() - 2) == name;
  auto parsed = json::parse(quoted, nullptr, false);
  return parsed.is_string() && parsed.get_ref<const std::string&>() == name;
}

} // namespace

// A name that stands twice counts with its last value, as every JSON reader of ours has it.
std::string_view raw_member(std::string_view text, std::string_view name) noexcept {
  std::string_view found;
  auto at = skip_space(text, 0);
  if (at >= text.size() || text[at] != '{')
    return found;
  at = skip_space(text, at + 1);
  while (at < text.size() && text[at] == '"') {
    auto key_end = skip_string(text, at);
    bool wanted = is_name_of(text.substr(at, key_end - at), name);
    at = skip_space(text, key_end);
    if (at >= text.size() || text[at] != ':')
      return {};
    at = skip_space(text, at + 1);
    auto end = skip_value(text, at);
    if (wanted)
      found = text.substr(at, end - at);
    at = skip_space(text, end);
    if (at >= text.size() || text[at] != ',')
      break;
    at = skip_space(text, at + 1);
  }
  return found;
}

} // namespace hourglass::webhook
