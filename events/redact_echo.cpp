#include "events/redact_echo.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <cstring>

namespace hourglass::events {

namespace {

/// As it stands between the quotes of a JSON string.
std::string escaped(std::string_view text) {
  std::string out;
  json_text{out}.value(text);
  return out.substr(1, out.size() - 2);
}

/// `std::string_view::find` tries every place anew: with texts from outside that is quadratic, and this is not.
std::size_t find(std::string_view in, std::string_view what) {
  const auto* at = static_cast<const char*>(::memmem(in.data(), in.size(), what.data(), what.size()));
  return at == nullptr ? std::string_view::npos : static_cast<std::size_t>(at - in.data());
}

/// Whether a token holds the place `at` and what is before it.
bool cuts_a_token(std::string_view in, std::size_t at) {
  constexpr std::string_view open = "[redacted:";
  constexpr std::size_t size = open.size() + 12 + 1;
  for (auto from = at < size ? 0 : at - size + 1; from < at; ++from)
    if (in.substr(from).starts_with(open) && from + size <= in.size() && in[from + size - 1] == ']' &&
        in.substr(from + open.size(), 12).find_first_not_of("0123456789abcdef") == std::string_view::npos)
      return true;
  return false;
}

bool of_number(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

} // namespace

void redact_echo::note(std::string_view from, std::string_view to, bool number) {
  put(from, to, number, values_);
}

void redact_echo::note_whole(std::string_view from, std::string_view to) {
  put(from, to, false, wholes_);
}

void redact_echo::put(std::string_view from, std::string_view to, bool number, std::size_t& count) {
  if (from.size() < shortest || from == to || count == most)
    return;
  if (std::any_of(noted_.begin(), noted_.end(), [&](const pair& p) { return p.from == from && p.to == to && (p.number || !number); }))
    return; // told again, it must not push others out
  ++count;
  numbers_ = numbers_ || number;
  if (is_utf8(from))
    if (auto text = escaped(from); text != from)
      add(std::move(text), escaped(to), false);
  add(std::string{from}, std::string{to}, number);
}

void redact_echo::add(std::string from, std::string to, bool number) {
  auto at = std::find_if(noted_.begin(), noted_.end(), [&](const pair& p) { return p.from.size() <= from.size(); });
  noted_.insert(at, {std::move(from), std::move(to), number});
}

bool redact_echo::occurs_in(std::string_view text) const {
  return std::any_of(noted_.begin(), noted_.end(), [text](const pair& p) { return find(text, p.from) != std::string_view::npos; });
}

std::string redact_echo::replace(std::string_view text) const {
  std::string out;
  const auto bare = numbers_ ? replace_numbers(text) : std::string{};
  replace_from(0, numbers_ ? bare : text, out);
  return out;
}

std::size_t redact_echo::before_cut(std::string_view text) const {
  std::size_t piece = 0;
  for (const auto& p : noted_)
    for (auto n = std::min(p.from.size(), text.size()); n >= shortest && n > piece; --n)
      if (text.ends_with(std::string_view{p.from}.substr(0, n)))
        piece = n;
  return text.size() - piece;
}

void redact_echo::replace_from(std::size_t which, std::string_view text, std::string& out) const {
  if (which == noted_.size()) {
    out += text;
    return;
  }
  const auto& [from, to, number] = noted_[which];
  for (std::size_t after = 0;;) {
    auto at = find(text.substr(after), from);
    if (at == std::string_view::npos)
      break;
    at += after;
    if (cuts_a_token(text, at) || cuts_a_token(text, at + from.size())) { // who has `redacted` for a secret must not spoil what stands for others
      after = at + 1;
      continue;
    }
    replace_from(which + 1, text.substr(0, at), out);
    out += to;
    text.remove_prefix(at + from.size());
    after = 0;
  }
  replace_from(which + 1, text, out);
}

/// Numbers outside of strings get their token with quotes, as the request has it now: the record stays JSON.
std::string redact_echo::replace_numbers(std::string_view json) const {
  const auto first = json.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (json[first] != '{' && json[first] != '['))
    return std::string{json};
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    auto end = at + 1;
    if (json[at] == '"') {
      while (end < json.size() && json[end] != '"')
        end += json[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, json.size());
    } else if (of_number(json[at])) {
      while (end < json.size() && of_number(json[end]))
        ++end;
    }
    const auto part = json.substr(at, end - at);
    const auto known = of_number(part[0]) ? std::find_if(noted_.begin(), noted_.end(), [part](const pair& p) { return p.number && p.from == part; })
                                          : noted_.end();
    if (known == noted_.end())
      out += part;
    else
      json_text{out}.value(known->to);
    at = end;
  }
  return out;
}

} // namespace hourglass::events
