#include "webhook/body_reader.hpp"

#include "events/json_check.hpp"
#include "events/json_pointer.hpp"

#include <cmath>

namespace hourglass::webhook {

using events::errc;
using nlohmann::json;

namespace {

constexpr std::size_t body_depth = 64; // as of every body that the API takes

std::string pointer(const char* name) { return std::string{"/"} + name; }

} // namespace

body_reader::body_reader(std::string_view text, std::string_view unread) {
  auto first = text.find_first_not_of(" \t\r\n");
  auto members = first == std::string_view::npos ? events::failure(errc::invalid, "a JSON body is needed and there is none")
                                                 : events::check_json(text, body_depth);
  if (!members)
    fail(std::move(members).error().detail, "body");
  else if (text[first] != '{')
    fail("must be a JSON object", "");
  if (problem_)
    return;
  object_ = json::object();
  for (auto& m : *members) {
    if (!unread.empty() && m.name == unread)
      unread_ = m.value;
    else
      object_[std::move(m.name)] = json::parse(m.value, nullptr, false);
  }
}

const json* body_reader::find(const char* name) const {
  if (problem_)
    return nullptr;
  auto at = object_.find(name);
  return at == object_.end() ? nullptr : &*at;
}

bool body_reader::is_null(const char* name) const {
  const auto* v = find(name);
  return v != nullptr && v->is_null();
}

const json* body_reader::given(const char* name) const {
  const auto* v = find(name);
  return v == nullptr || v->is_null() ? nullptr : v;
}

void body_reader::fail(std::string detail, std::string where) {
  if (!problem_)
    problem_ = events::error{errc::invalid, std::move(detail), std::move(where)};
}

void body_reader::fail(events::error why) {
  if (!problem_)
    problem_ = std::move(why);
}

std::optional<std::string> body_reader::text(const char* name) {
  const auto* v = given(name);
  if (v == nullptr)
    return std::nullopt;
  if (!v->is_string())
    return fail("must be a string", pointer(name)), std::nullopt;
  return v->get<std::string>();
}

std::string body_reader::needed_text(const char* name) {
  if (given(name) == nullptr)
    fail("is required", pointer(name));
  return text(name).value_or("");
}

std::optional<bool> body_reader::truth(const char* name) {
  const auto* v = given(name);
  if (v == nullptr)
    return std::nullopt;
  if (!v->is_boolean())
    return fail("must be true or false", pointer(name)), std::nullopt;
  return v->get<bool>();
}

std::optional<std::uint64_t> body_reader::natural(const char* name, std::uint64_t most) {
  const auto* v = given(name);
  if (v == nullptr)
    return std::nullopt;
  if (!v->is_number_unsigned() || v->get<std::uint64_t>() > most)
    return fail("must be an integer of 0 to " + std::to_string(most), pointer(name)), std::nullopt;
  return v->get<std::uint64_t>();
}

std::optional<std::uint32_t> body_reader::small(const char* name) {
  auto v = natural(name);
  return v ? std::optional{static_cast<std::uint32_t>(*v)} : std::nullopt;
}

std::optional<std::vector<std::string>> body_reader::texts(const char* name) {
  const auto* v = given(name);
  if (v == nullptr)
    return std::nullopt;
  std::vector<std::string> out;
  if (!v->is_array())
    return fail("must be an array of strings", pointer(name)), std::nullopt;
  for (const auto& one : *v) {
    if (!one.is_string())
      return fail("must be a string", pointer(name) + "/" + std::to_string(out.size())), std::nullopt;
    out.push_back(one.get<std::string>());
  }
  return out;
}

std::optional<string_map> body_reader::map(const char* name) {
  const auto* v = given(name);
  if (v == nullptr)
    return std::nullopt;
  string_map out;
  if (!v->is_object())
    return fail("must be an object of strings", pointer(name)), std::nullopt;
  for (const auto& [key, value] : v->items()) {
    if (!value.is_string())
      return fail("must be a string", pointer(name) + events::pointer_step(key)), std::nullopt;
    out.emplace_back(key, value.get<std::string>());
  }
  return out;
}

std::optional<events::virtual_time> body_reader::time(const char* name) {
  auto said = text(name);
  if (!said)
    return std::nullopt;
  auto us = events::parse_rfc3339(*said);
  if (!us)
    return fail("must be an RFC 3339 date and time", pointer(name)), std::nullopt;
  return events::virtual_time{*us};
}

std::optional<std::vector<duration>> body_reader::delays(const char* name) {
  const auto* v = given(name);
  if (v == nullptr)
    return std::nullopt;
  std::vector<duration> out;
  if (!v->is_array())
    return fail("must be an array of seconds", pointer(name)), std::nullopt;
  for (const auto& one : *v) {
    auto seconds = one.is_number() ? one.get<double>() : -1.0;
    if (!(seconds >= 0 && seconds <= 1e9))
      return fail("must be a number of seconds, at least 0", pointer(name) + "/" + std::to_string(out.size())), std::nullopt;
    out.emplace_back(std::llround(seconds * 1e6));
  }
  return out;
}

std::optional<signature_profile> body_reader::profile(const char* name) {
  auto said = text(name);
  if (!said)
    return std::nullopt;
  auto read = profile_from(*said);
  if (!read)
    fail("must be standard, stripe, github, shopify or slack", pointer(name));
  return read;
}

std::optional<key_kind> body_reader::type_of_key(const char* name) {
  auto said = text(name);
  if (!said)
    return std::nullopt;
  for (auto kind : {key_kind::hmac, key_kind::ed25519})
    if (to_string(kind) == *said)
      return kind;
  return fail("must be hmac256 or ed25519", pointer(name)), std::nullopt;
}

std::optional<signing_key> body_reader::key(const char* name, signature_profile how) {
  auto said = text(name);
  if (!said)
    return std::nullopt;
  auto read = how == signature_profile::standard ? signing_key::parse(*said) : signing_key::parse_text(*said);
  if (!read)
    return fail(read.error().detail, pointer(name)), std::nullopt;
  return *read;
}

} // namespace hourglass::webhook
