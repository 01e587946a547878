#include "api/query.hpp"

#include "events/json_text.hpp"
#include "events/time.hpp"

#include <algorithm>
#include <charconv>

namespace hourglass::api {

using events::errc;
using events::failure;

const std::string* query_reader::find(std::string_view name) {
  const std::string* found = nullptr;
  for (auto& [key, value] : query_) {
    if (key != name)
      continue;
    if (found)
      reject(name, "is given twice");
    found = &value;
  }
  return found;
}

void query_reader::reject(std::string_view name, std::string why) {
  if (!wrong_)
    wrong_ = events::error{errc::invalid, std::move(why), std::string{name}};
}

events::outcome<void> query_reader::done() const {
  if (wrong_)
    return tl::unexpected<events::error>{*wrong_};
  return {};
}

std::optional<std::string> query_reader::text(std::string_view name, std::size_t max) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (value->size() > max || !events::is_utf8(*value)) {
    reject(name, "must be at most " + std::to_string(max) + " bytes of UTF-8");
    return std::nullopt;
  }
  return *value;
}

std::optional<std::uint64_t> to_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<std::int64_t> query_reader::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  auto number = to_number(*value);
  if (!number || *number > static_cast<std::uint64_t>(INT64_MAX) || static_cast<std::int64_t>(*number) < min ||
      static_cast<std::int64_t>(*number) > max) {
    reject(name, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*number);
}

bool query_reader::truth(std::string_view name, bool otherwise) {
  auto* value = find(name);
  if (!value)
    return otherwise;
  if (*value != "true" && *value != "false")
    reject(name, "must be true or false");
  return *value == "true";
}

std::optional<std::int64_t> query_reader::instant(std::string_view name) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  auto us = events::parse_rfc3339(*value);
  if (!us) {
    reject(name, "must be an RFC 3339 instant such as 2026-11-21T21:35:21Z");
    return std::nullopt;
  }
  return *us;
}

std::optional<std::string> query_reader::choice(std::string_view name, std::initializer_list<std::string_view> words) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (std::find(words.begin(), words.end(), *value) == words.end()) {
    std::string why = "must be one of";
    for (auto word : words)
      why.append(" ").append(word);
    reject(name, std::move(why));
    return std::nullopt;
  }
  return *value;
}

std::vector<std::string> query_reader::list(std::string_view name, std::size_t most) {
  std::vector<std::string> out;
  for (auto& [key, value] : query_) {
    // Clients that write an array add brackets: `name[]`, or `name[0]`.
    const bool bracketed = key.starts_with(name) && key.size() > name.size() + 1 && key[name.size()] == '[' && key.back() == ']'
                           && std::all_of(key.begin() + static_cast<std::ptrdiff_t>(name.size()) + 1, key.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
    if (key != name && !bracketed)
      continue;
    for (std::size_t from = 0; from <= value.size();) {
      auto comma = std::min(value.find(',', from), value.size());
      if (comma > from)
        out.push_back(value.substr(from, comma - from));
      from = comma + 1;
    }
  }
  if (out.size() > most)
    reject(name, "must have at most " + std::to_string(most) + " entries");
  return out;
}

std::size_t query_reader::limit(std::size_t otherwise) {
  auto given = integer("limit", 1, static_cast<std::int64_t>(limits::page_size));
  return given ? static_cast<std::size_t>(*given) : otherwise;
}

std::string to_cursor(std::string_view text) {
  auto out = events::to_base64(text);
  for (auto& c : out) {
    if (c == '+')
      c = '-';
    else if (c == '/')
      c = '_';
  }
  out.erase(std::find(out.begin(), out.end(), '='), out.end());
  return out;
}

events::outcome<std::string> from_cursor(std::string_view cursor) {
  std::string padded{cursor.substr(0, 1024)};
  for (auto& c : padded) {
    if (c == '-')
      c = '+';
    else if (c == '_')
      c = '/';
  }
  padded.append((4 - padded.size() % 4) % 4, '=');
  std::string text;
  if (cursor.size() > 1024 || !events::from_base64(padded, text) || !events::is_utf8(text))
    return failure(errc::invalid, "is not a cursor that this server gave", "cursor");
  return text;
}

std::string to_cursor_of(std::string_view list, std::string_view text) {
  return to_cursor(std::string{list} + '\n' + std::string{text});
}

events::outcome<std::string> from_cursor_of(std::string_view list, std::string_view cursor, std::string_view parameter) {
  if (cursor.empty())
    return std::string{};
  auto text = from_cursor(cursor);
  if (!text || text->size() <= list.size() || !text->starts_with(list) || (*text)[list.size()] != '\n')
    return failure(errc::invalid, "is not one that this list gave", std::string{parameter});
  return text->substr(list.size() + 1);
}

} // namespace hourglass::api
