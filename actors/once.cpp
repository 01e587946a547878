#include "actors/once.hpp"

#include "events/limits.hpp"
#include "events/wall_clock.hpp"
#include "storage/keys.hpp"
#include "webhook/raw_member.hpp"

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
  if (!row.sandbox.empty())
    head["sandbox"] = row.sandbox;
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
    row.sandbox = head.value("sandbox", std::string{});
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

std::optional<once_origin> origin_of_once(std::string_view value) {
  const auto head = json::parse(value.substr(0, value.find('\n')), nullptr, false);
  if (!head.is_object())
    return std::nullopt;
  const auto at = head.find("at_us");
  const auto sandbox = head.find("sandbox");
  if (at == head.end() || !at->is_number_integer())
    return std::nullopt;
  return once_origin{{at->get<std::int64_t>()}, sandbox != head.end() && sandbox->is_string() ? sandbox->get<std::string>() : std::string{}};
}

events::outcome<void> erase_payload_in_answers(storage::store& in, events::wall_time wall, events::seq seq, std::string_view id) {
  constexpr std::int64_t clocks_step_back_us = 60'000'000; // an event is never earlier than the one before it, its row may be
  constexpr std::size_t page = 250;
  if (const events::duration kept = limits::idempotency_time + std::chrono::hours{1}; wall.us + kept.count() < events::wall_now().us)
    return {}; // no answer of then is given any more, or will be looked for
  auto take_out = [](std::string& text) {
    const auto payload = webhook::raw_member(text, "payload");
    if (payload.empty())
      return false;
    const auto at = static_cast<std::size_t>(payload.data() - text.data());
    text.replace(at, payload.size(), R"({"expired":true})");
    return true;
  };
  const auto behind = once_age_key({wall.us + 1}, {});
  for (auto after = once_age_key({std::max<std::int64_t>(wall.us - clocks_step_back_us, 0)}, {});;) {
    auto aged = in.scan(once_age_prefix, after, page);
    if (!aged)
      return tl::unexpected<events::error>{std::move(aged).error()};
    for (const auto& one : *aged) {
      if (one.key >= behind)
        return {};
      const auto name = name_in_age_key(one.key);
      auto stored = in.get(once_key(name));
      if (!stored)
        return tl::unexpected<events::error>{std::move(stored).error()};
      auto row = *stored ? read_once(**stored) : events::outcome<once_row>{failure(errc::not_found, {})};
      if (!row || row->done.first > seq || row->done.last < seq || (*stored)->find(id) == std::string::npos)
        continue;
      const bool reply = take_out(row->done.reply), body = take_out(row->body);
      if (reply || body)
        if (auto put = in.put(write_once(name, *row)); !put)
          return put;
    }
    if (aged->size() < page)
      return {};
    after = aged->back().key;
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
