#include "mock/negotiation.hpp"

#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

/// Takes what stands before the next of `ends` outside quotes off the front of `text`.
std::string_view take(std::string_view& text, std::string_view ends) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '"')
      quoted = !quoted;
    else if (quoted && text[i] == '\\')
      ++i;
    else if (!quoted && ends.find(text[i]) != std::string_view::npos)
      break;
  }
  i = std::min(i, text.size());
  auto part = text.substr(0, i);
  text.remove_prefix(std::min(i + 1, text.size()));
  return trimmed(part);
}

std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"')
    return std::string{value};
  std::string out;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '\\' && i + 2 < value.size())
      ++i;
    out += value[i];
  }
  return out;
}

/// `0.75` -> 750; anything odd counts as 1.
int quality(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1'))
    return 1000;
  if (text[0] == '1')
    return 1000;
  int q = 0;
  int unit = 100;
  for (std::size_t i = 2; i < text.size() && i < 5 && text[i] >= '0' && text[i] <= '9'; ++i, unit /= 10)
    q += (text[i] - '0') * unit;
  return q;
}

} // namespace

std::string media_essence(std::string_view value) {
  auto essence = trimmed(value.substr(0, value.find(';')));
  auto slash = essence.find('/');
  if (slash == std::string_view::npos || !is_token(essence.substr(0, slash)) || !is_token(essence.substr(slash + 1)))
    return {};
  return lower(essence);
}

int media_match(std::string_view pattern, std::string_view essence) noexcept {
  if (pattern == essence)
    return 3;
  if (pattern == "*/*")
    return 1;
  auto slash = pattern.find('/');
  bool any_subtype = slash != std::string_view::npos && pattern.substr(slash) == "/*";
  return any_subtype && essence.substr(0, slash + 1) == pattern.substr(0, slash + 1) ? 2 : 0;
}

bool is_json_media(std::string_view essence) noexcept {
  return essence == "application/json" || essence == "text/json" || essence.ends_with("+json");
}

bool is_xml_media(std::string_view essence) noexcept {
  return essence == "application/xml" || essence == "text/xml" || essence == "text/html" || essence.ends_with("+xml");
}

int accept_quality(std::string_view accept, std::string_view essence) {
  int best = 0;
  int found = 0;
  while (!accept.empty()) {
    auto range = take(accept, ",");
    auto name = lower(take(range, ";"));
    auto match = media_match(name, essence);
    if (match == 0 || match < best)
      continue;
    int q = 1000;
    while (!range.empty()) {
      auto parameter = take(range, ";");
      if (parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') && parameter[1] == '=')
        q = quality(parameter.substr(2));
    }
    found = match > best ? q : std::max(found, q);
    best = match;
  }
  return found;
}

preference read_preference(const fields& headers) {
  preference out;
  for (const auto& header : headers) {
    if (!same_name(header.name, "prefer"))
      continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      auto one = take(rest, ",;");
      auto equals = std::min(one.find('='), one.size());
      auto name = trimmed(one.substr(0, equals));
      auto value = unquoted(equals < one.size() ? trimmed(one.substr(equals + 1)) : std::string_view{});
      if (same_name(name, "code") && !out.code) {
        bool digits = value.size() == 3 && std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (!digits || value[0] < '2' || value[0] > '5') {
          out.problem = "`code` of Prefer must be a final status of three digits, 200 to 599";
          return out;
        }
        out.code = static_cast<unsigned>(std::stoul(value));
      } else if (same_name(name, "example") && !out.example) {
        out.example = std::move(value);
      } else if (same_name(name, "dynamic") && !out.dynamic) {
        if (value != "true" && value != "false") {
          out.problem = "`dynamic` of Prefer must be true or false";
          return out;
        }
        out.dynamic = value == "true";
      } else if (same_name(name, "seed") && !out.seed) {
        if (value.empty() || value.size() > 64 || !is_token(value)) {
          out.problem = "`seed` of Prefer must be 1 to 64 letters, digits and signs of a token, such as 7 or run-7";
          return out;
        }
        out.seed = std::move(value);
      }
    }
  }
  return out;
}

} // namespace hourglass::mock
