#include "webhook/ordering.hpp"

#include "events/digest.hpp"
#include "events/json_pointer.hpp"
#include "events/json_text.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

using events::errc, events::failure;
using nlohmann::json;

namespace {

constexpr std::string_view payload_prefix = "/payload";
constexpr std::size_t pointer_bytes_most = 1'024;

bool is_pointer(std::string_view text) {
  return (text.empty() || text.front() == '/') && events::unescaped_step(text).has_value();
}

/// What stands at a pointer, or null. Of what a sender sends nothing may throw: the library's own does, for some tokens at an array.
const json* at_pointer(const json& from, std::string_view pointer) {
  const json* here = &from;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    if (here->is_object()) {
      const auto name = events::unescaped_step(token);
      const auto member = name ? here->find(*name) : here->end();
      if (member == here->end())
        return nullptr;
      here = &*member;
    } else {
      const auto index = here->is_array() ? events::array_index(token) : std::nullopt;
      if (!index || *index >= here->size())
        return nullptr;
      here = &(*here)[*index];
    }
  }
  return here;
}

/// Long keys are memory for each message that waits.
std::string line_of_key(std::string_view key) {
  return key.size() <= ordering_key_bytes ? "=" + std::string{key} : "#" + events::to_hex(events::as_text(events::sha256({key})));
}

} // namespace

events::outcome<ordering_policy> ordering_policy::compile(const json& from, const std::string& at) {
  ordering_policy out;
  out.text_ = from.dump(-1, ' ', false, json::error_handler_t::replace);
  if (from == "fifo")
    return out;
  if (!from.is_object() || from.empty())
    return failure(errc::invalid, R"(must be "fifo", or an object with `key`, `onDead` or both)", at);
  for (const auto& [name, value] : from.items()) {
    auto here = at + events::pointer_step(name);
    if (name == "onDead") {
      if (value != "goOn" && value != "hold")
        return failure(errc::invalid, "must be `goOn` or `hold`", std::move(here));
      out.holds_ = value == "hold";
    } else if (name != "key") {
      return failure(errc::invalid, "is not known here", std::move(here));
    } else if (value == true) {
      out.keyed_ = true;
    } else {
      const auto text = value.is_string() ? value.get<std::string>() : std::string{};
      const auto rest = text.starts_with(payload_prefix) ? text.substr(payload_prefix.size()) : std::string{};
      if (text.size() > pointer_bytes_most)
        return failure(errc::invalid, "has more than " + std::to_string(pointer_bytes_most) + " bytes", std::move(here));
      if (rest.empty() || !is_pointer(rest))
        return failure(errc::invalid, "must be true, or a JSON Pointer such as /payload/customer/id", std::move(here));
      out.keyed_ = out.pointed_ = true;
      out.pointer_ = rest;
    }
  }
  return out;
}

std::string ordering_policy::line_of(std::string_view ordering_key, const filtered_message& m) const {
  if (empty())
    return {};
  if (!keyed_)
    return "/";
  if (!ordering_key.empty())
    return line_of_key(ordering_key);
  if (!pointed_)
    return {};
  const auto& document = m.document();
  auto payload = document.find("payload");
  const auto* value = payload == document.end() ? nullptr : at_pointer(*payload, pointer_);
  if (value == nullptr)
    return {};
  if (value->is_string())
    return line_of_key(value->get_ref<const std::string&>());
  return value->is_number() || value->is_boolean() ? line_of_key(value->dump()) : std::string{};
}

} // namespace hourglass::webhook
