#include "http/media_type.hpp"

#include "http/letters.hpp"

#include <algorithm>

namespace hourglass::http {

namespace {

std::string_view essence_of(std::string_view content_type) noexcept {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && (content_type.back() == ' ' || content_type.back() == '\t'))
    content_type.remove_suffix(1);
  return content_type;
}

bool same(std::string_view text, std::string_view wanted) noexcept {
  return std::equal(text.begin(), text.end(), wanted.begin(), wanted.end(), [](char a, char b) { return lower(a) == b; });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

} // namespace

bool is_json_type(std::string_view content_type) noexcept {
  constexpr std::string_view application = "application/", suffix = "+json";
  const auto essence = essence_of(content_type);
  if (same(essence, "application/json"))
    return true;
  return essence.size() > application.size() + suffix.size() && same(essence.substr(0, application.size()), application) &&
         same(essence.substr(essence.size() - suffix.size()), suffix);
}

bool is_content_type(std::string_view text) noexcept {
  const auto essence = essence_of(text);
  const auto slash = essence.find('/');
  return slash != std::string_view::npos && is_token(essence.substr(0, slash)) && is_token(essence.substr(slash + 1)) &&
         text.back() != ' ' && text.back() != '\t' && std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (c >= 0x20 && c < 0x7f); });
}

} // namespace hourglass::http
