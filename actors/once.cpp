#include "actors/once.hpp"

#include "events/limits.hpp"
#include "storage/keys.hpp"

#include <chrono>

#include <nlohmann/json.hpp>

namespace hourglass::actors {

using events::errc;
using events::failure;
using nlohmann::json;

std::string once_key(std::string_view name) { return std::string{once_prefix} + std::string{name}; }

std::string once_age_key(events::wall_time at, std::string_view name) {
  std::string key{once_age_prefix};
  storage::keys::add_number(key, static_cast<std::uint64_t>(at.us));
  return key.append(name);
}

std::string_view name_in_age_key(std::string_view key) noexcept {
  constexpr auto head = once_age_prefix.size() + sizeof(std::uint64_t);
  return key.size() > head ? key.substr(head) : std::string_view{};
}

std::vector<storage::row> write_once(std::string_view name, const once_row& row) {
  json head = {{"at_us", row.at.us},
               {"fingerprint", row.fingerprint},
               {"first", row.done.first},
               {"last", row.done.last},
               {"reply_bytes", row.done.reply.size()},
               {"status", row.status},
               {"headers", json::array()},
               {"body_bytes", row.body.size()}};
  for (const auto& h : row.headers)
    head["headers"].push_back({h.name, h.value});
  auto value = head.dump(-1, ' ', false, json::error_handler_t::replace) + '\n' + row.done.reply + row.body;
  return {{once_key(name), std::move(value)}, {once_age_key(row.at, name), {}}};
}

events::outcome<once_row> read_once(std::string_view value) {
  auto corrupt = [] { return failure(errc::corrupt, "a row of Idempotency-Key does not read"); };
  auto end = value.find('\n');
  if (end == std::string_view::npos)
    return corrupt();
  auto head = json::parse(value.substr(0, end), nullptr, false);
  auto rest = value.substr(end + 1);
  try {
    once_row row;
    row.at.us = head.at("at_us").get<std::int64_t>();
    row.fingerprint = head.at("fingerprint").get<std::string>();
    row.done.first = head.at("first").get<events::seq>();
    row.done.last = head.at("last").get<events::seq>();
    row.status = head.at("status").get<unsigned>();
    auto reply = head.at("reply_bytes").get<std::size_t>();
    auto body = head.at("body_bytes").get<std::size_t>();
    if (reply > rest.size() || body != rest.size() - reply)
      return corrupt();
    row.done.reply = rest.substr(0, reply);
    row.body = rest.substr(reply);
    for (const auto& h : head.at("headers"))
      row.headers.push_back({h.at(0).get<std::string>(), h.at(1).get<std::string>()});
    return row;
  } catch (const json::exception&) {
    return corrupt();
  }
}

events::outcome<std::optional<once_row>> find_once(const storage::store& in, std::string_view name, events::wall_time now) {
  auto stored = in.get(once_key(name));
  if (!stored)
    return tl::unexpected<events::error>{std::move(stored).error()};
  if (!*stored)
    return std::nullopt;
  auto row = read_once(**stored);
  if (!row)
    return tl::unexpected<events::error>{std::move(row).error()};
  constexpr auto kept_us = std::chrono::duration_cast<std::chrono::microseconds>(limits::idempotency_time).count();
  if (now.us - row->at.us >= kept_us)
    return std::nullopt;
  return std::move(*row);
}

} // namespace hourglass::actors
