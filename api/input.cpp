#include "api/input.hpp"

#include "events/json_check.hpp"
#include "events/json_pointer.hpp"
#include "events/time.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

events::outcome<void> check_json(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return failure(errc::invalid, "a JSON body is needed and there is none", "body");
  if (auto good = events::check_json(text, max_json_depth); !good)
    return failure(errc::invalid, std::move(good.error().detail), "body");
  return {};
}

events::outcome<json> parse_json(std::string_view text) {
  if (auto good = check_json(text); !good)
    return tl::unexpected<events::error>{std::move(good).error()};
  auto tree = json::parse(text, nullptr, false);
  if (tree.is_discarded())
    return failure(errc::invalid, "not valid JSON", "body");
  return tree;
}

// -- input ---------------------------------------------------------------------

input::input(const json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object())
    wrong_ = events::error{errc::invalid, "must be a JSON object", where_.empty() ? "/" : where_};
}

std::string input::pointer(std::string_view name) const {
  return where_ + events::pointer_step(name);
}

const json* input::find(std::string_view name) {
  asked_.emplace_back(name);
  if (!object_.is_object())
    return nullptr;
  auto it = object_.find(std::string{name});
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

bool input::has(std::string_view name) const {
  return object_.is_object() && object_.contains(std::string{name});
}

bool input::is_null(std::string_view name) const {
  return has(name) && object_.find(std::string{name})->is_null();
}

void input::reject(std::string_view name, std::string why) {
  if (!wrong_)
    wrong_ = events::error{errc::invalid, std::move(why), pointer(name)};
}

std::optional<std::string> input::optional_text(std::string_view name, std::size_t min, std::size_t max) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->is_string()) {
    reject(name, "must be a string");
    return std::nullopt;
  }
  auto text = value->get<std::string>();
  if (text.size() < min || text.size() > max) {
    reject(name, "must have " + std::to_string(min) + " to " + std::to_string(max) + " bytes");
    return std::nullopt;
  }
  return text;
}

std::string input::text(std::string_view name, std::size_t min, std::size_t max) {
  auto found = optional_text(name, min, max);
  if (!found)
    reject(name, "is needed and must be a string");
  return found.value_or(std::string{});
}

std::optional<bool> input::optional_truth(std::string_view name) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->is_boolean()) {
    reject(name, "must be true or false");
    return std::nullopt;
  }
  return value->get<bool>();
}

std::optional<std::int64_t> input::optional_integer(std::string_view name, std::int64_t min, std::int64_t max) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  auto fits = value->is_number_integer() &&
              (!value->is_number_unsigned() || value->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
  if (!fits || value->get<std::int64_t>() < min || value->get<std::int64_t>() > max) {
    reject(name, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::optional<std::vector<std::string>> input::optional_texts(std::string_view name, std::size_t most, std::size_t max_each) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->is_array() || value->size() > most) {
    reject(name, "must be a list of at most " + std::to_string(most) + " strings");
    return std::nullopt;
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < value->size(); ++i) {
    auto& item = (*value)[i];
    if (!item.is_string() || item.get_ref<const std::string&>().size() > max_each) {
      if (!wrong_)
        wrong_ = events::error{errc::invalid, "must be a string of at most " + std::to_string(max_each) + " bytes",
                               pointer(name) + "/" + std::to_string(i)};
      return std::nullopt;
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>>
input::optional_map(std::string_view name, std::size_t most, std::size_t max_value) {
  auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->is_object() || value->size() > most) {
    reject(name, "must be an object of at most " + std::to_string(most) + " strings");
    return std::nullopt;
  }
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& [key, item] : value->items()) {
    if (!item.is_string() || item.get_ref<const std::string&>().size() > max_value) {
      if (!wrong_)
        wrong_ = events::error{errc::invalid, "must be a string of at most " + std::to_string(max_value) + " bytes",
                               pointer(name) + events::pointer_step(key)};
      return std::nullopt;
    }
    out.emplace_back(key, item.get<std::string>());
  }
  return out;
}

std::optional<std::int64_t> input::optional_instant(std::string_view name) {
  auto text = optional_text(name, 1, 64);
  if (!text)
    return std::nullopt;
  auto us = events::parse_rfc3339(*text);
  if (!us) {
    reject(name, "must be an RFC 3339 instant such as 2026-11-21T21:35:21Z");
    return std::nullopt;
  }
  return *us;
}

std::int64_t input::instant(std::string_view name) {
  auto found = optional_instant(name);
  if (!found)
    reject(name, "is needed and must be an RFC 3339 instant");
  return found.value_or(0);
}

const json* input::any(std::string_view name) {
  asked_.emplace_back(name);
  if (!has(name))
    return nullptr;
  return &*object_.find(std::string{name});
}

const json* input::object(std::string_view name) {
  auto* value = find(name);
  if (value && !value->is_object()) {
    reject(name, "must be an object");
    return nullptr;
  }
  return value;
}

events::outcome<void> input::done(unknown members) {
  if (wrong_)
    return tl::unexpected<events::error>{*wrong_};
  if (members == unknown::refuse)
    for (auto& [name, value] : object_.items())
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end())
        return failure(errc::invalid, "this member is not known here", pointer(name.substr(0, 128)));
  return {};
}

} // namespace hourglass::api
