#include "mock/json_value.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <numeric>

namespace hourglass::mock {

namespace {

constexpr std::size_t indexed_from = 16;

void write(const json_value& v, events::json_text& j) {
  switch (v.kind) {
  case json_value::type::null:
    j.null();
    return;
  case json_value::type::boolean:
    j.value(v.truth);
    return;
  case json_value::type::number:
    j.raw(v.text);
    return;
  case json_value::type::string:
    j.value(std::string_view{v.text});
    return;
  case json_value::type::array:
    j.open_array();
    for (const auto& item : v.items)
      write(item, j);
    j.close_array();
    return;
  case json_value::type::object:
    j.open_object();
    for (std::size_t i = 0; i < v.items.size(); ++i) {
      j.key(v.names[i]);
      write(v.items[i], j);
    }
    j.close_object();
    return;
  }
}

} // namespace

json_value json_value::of(std::string text) {
  json_value v;
  v.kind = type::string;
  v.text = std::move(text);
  return v;
}

json_value json_value::of_number(std::string text) {
  json_value v;
  v.kind = type::number;
  v.text = std::move(text);
  return v;
}

json_value json_value::of_number(std::int64_t number) { return of_number(std::to_string(number)); }

json_value json_value::of_bool(bool truth) {
  json_value v;
  v.kind = type::boolean;
  v.truth = truth;
  return v;
}

json_value json_value::array() {
  json_value v;
  v.kind = type::array;
  return v;
}

json_value json_value::object() {
  json_value v;
  v.kind = type::object;
  return v;
}

const json_value* json_value::member(std::string_view name) const noexcept {
  if (kind != type::object)
    return nullptr;
  if (!index_) {
    for (auto i = names.size(); i-- > 0;)
      if (names[i] == name)
        return &items[i];
    return nullptr;
  }
  auto after = std::upper_bound(index_->begin(), index_->end(), name,
                                [this](std::string_view n, std::uint32_t i) { return n < names[i]; });
  if (after == index_->begin() || names[*std::prev(after)] != name)
    return nullptr;
  return &items[*std::prev(after)];
}

bool json_value::truth_member(std::string_view name) const noexcept {
  const auto* m = member(name);
  return m != nullptr && m->is_true();
}

std::int64_t json_value::integer_member(std::string_view name, std::int64_t otherwise) const noexcept {
  std::int64_t out = otherwise;
  const auto* m = member(name);
  return m != nullptr && m->as_integer(out) ? out : otherwise;
}

const json_value* json_value::reached(const std::vector<std::string>& steps) const noexcept {
  const auto* out = this;
  for (const auto& name : steps)
    if (out != nullptr)
      out = out->member(name);
  return out;
}

const json_value& json_value::item_at(std::size_t i) const noexcept {
  static const json_value nothing;
  return i < items.size() ? items[i] : nothing;
}

std::string_view json_value::string_member(std::string_view name) const noexcept {
  const auto* m = member(name);
  return m != nullptr && m->is_string() ? std::string_view{m->text} : std::string_view{};
}

bool json_value::as_integer(std::int64_t& out) const noexcept {
  if (kind != type::number)
    return false;
  const auto* end = text.data() + text.size();
  auto [rest, bad] = std::from_chars(text.data(), end, out);
  if (bad == std::errc{} && rest == end)
    return true;
  double d = as_double();
  if (!(d >= -9e15 && d <= 9e15))
    return false;
  out = static_cast<std::int64_t>(d);
  return static_cast<double>(out) == d;
}

double json_value::as_double() const noexcept { return kind == type::number ? std::strtod(text.c_str(), nullptr) : 0.0; }

void json_value::add(std::string name, json_value value) {
  index_.reset();
  names.push_back(std::move(name));
  items.push_back(std::move(value));
}

void json_value::set(std::string_view name, json_value value) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) {
      items[i] = std::move(value);
      return;
    }
  }
  add(std::string{name}, std::move(value));
}

void json_value::seal() {
  if (kind != type::object || names.size() < indexed_from)
    return;
  auto order = std::make_shared<std::vector<std::uint32_t>>(names.size());
  std::iota(order->begin(), order->end(), 0U);
  std::stable_sort(order->begin(), order->end(), [this](auto a, auto b) { return names[a] < names[b]; });
  index_ = std::move(order);
}

void write_json(const json_value& v, std::string& out) {
  events::json_text j{out};
  write(v, j);
}

std::string to_text(const json_value& v) {
  std::string out;
  write_json(v, out);
  return out;
}

std::string place_of(std::string_view text, std::size_t offset) {
  auto before = text.substr(0, std::min(offset, text.size()));
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  auto start = before.rfind('\n');
  auto column = start == std::string_view::npos ? before.size() + 1 : before.size() - start;
  return std::to_string(line) + ':' + std::to_string(column);
}

std::string pointer_to(std::string_view base, std::string_view name) {
  std::string out{base};
  out += '/';
  for (char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

const json_value* at_pointer(const json_value& root, std::string_view pointer) {
  const auto* at = &root;
  while (!pointer.empty()) {
    if (pointer.front() != '/')
      return nullptr;
    pointer.remove_prefix(1);
    auto end = std::min(pointer.find('/'), pointer.size());
    std::string token;
    for (std::size_t i = 0; i < end; ++i) {
      if (pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1'))
        token += pointer[++i] == '0' ? '~' : '/';
      else
        token += pointer[i];
    }
    pointer.remove_prefix(end);
    if (at->is_object()) {
      at = at->member(token);
    } else if (at->is_array()) {
      std::size_t i = 0;
      auto [rest, bad] = std::from_chars(token.data(), token.data() + token.size(), i);
      bool number = bad == std::errc{} && rest == token.data() + token.size();
      at = number && i < at->items.size() ? &at->items[i] : nullptr;
    } else {
      at = nullptr;
    }
    if (at == nullptr)
      return nullptr;
  }
  return at;
}

} // namespace hourglass::mock
