#include "http/message.hpp"

#include "http/letters.hpp"

#include <algorithm>
#include <array>

namespace hourglass::http {

namespace {

constexpr std::size_t most_pairs = 1'000;

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

constexpr bool is_unreserved(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
}

} // namespace

std::string_view find(const fields& list, std::string_view name) noexcept {
  for (const auto& f : list)
    if (same(f.name, name))
      return f.value;
  return {};
}

bool contains(const fields& list, std::string_view name) noexcept {
  return std::any_of(list.begin(), list.end(), [&](const field& f) { return same(f.name, name); });
}

target_parts split_target(std::string_view target) noexcept {
  auto mark = target.find('?');
  if (mark == std::string_view::npos)
    return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

bool percent_decode(std::string_view text, bool plus_is_space, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size())
        return false;
      int high = hex_digit(text[i + 1]);
      int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0)
        return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0')
      return false;
    out.push_back(c);
  }
  return true;
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
  return out;
}

bool parse_query(std::string_view query, fields& out) {
  out.clear();
  while (!query.empty()) {
    auto end = query.find('&');
    auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) // "a=1&&b=2": browsers write it and everybody reads it
      continue;
    if (out.size() == most_pairs)
      return false;
    auto equals = pair.find('=');
    auto& f = out.emplace_back();
    if (!percent_decode(pair.substr(0, equals), true, f.name))
      return false;
    if (equals != std::string_view::npos && !percent_decode(pair.substr(equals + 1), true, f.value))
      return false;
  }
  return true;
}

} // namespace hourglass::http
