#include "actors/pruning.hpp"

#include "events/codec.hpp"
#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "storage/keys.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::actors::pruning {

using events::errc;
using events::failure;
using nlohmann::json;
namespace keys = storage::keys;

namespace {

constexpr std::size_t id_bytes = sizeof(events::sandbox_id);

std::string keyed(std::string_view prefix, const events::sandbox_id& sandbox) {
  std::string key{prefix};
  keys::add_sandbox(key, sandbox);
  return key;
}

std::optional<events::sandbox_id> sandbox_in(std::string_view key, std::string_view prefix) {
  if (key.size() != prefix.size() + id_bytes || !key.starts_with(prefix))
    return std::nullopt;
  return keys::sandbox_at(key.substr(prefix.size()));
}

bool hash_from(std::string_view hex, events::hash& out) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (hex.size() != 2 * out.size())
    return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = digits.find(hex[2 * i]), low = digits.find(hex[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

} // namespace

std::string deleted_key(const events::sandbox_id& sandbox) {
  return keyed(deleted_prefix, sandbox);
}
std::string under_way_key(const events::sandbox_id& sandbox) {
  return keyed(under_way_prefix, sandbox);
}

storage::row row_of(const deleted& what) {
  std::string value;
  keys::add_number(value, static_cast<std::uint64_t>(what.at.us));
  if (what.wanted)
    value.append(what.wanted->principal).append(1, '\0').append(what.wanted->correlation);
  return {deleted_key(what.sandbox), std::move(value)};
}

std::optional<deleted> deleted_of(const storage::row& row) {
  const auto sandbox = sandbox_in(row.key, deleted_prefix);
  if (!sandbox || row.value.size() < sizeof(std::uint64_t))
    return std::nullopt;
  deleted out{*sandbox, {static_cast<std::int64_t>(keys::number_at<std::uint64_t>(row.value))}, {}};
  const auto rest = std::string_view{row.value}.substr(sizeof(std::uint64_t));
  if (const auto end = rest.find('\0'); end != std::string_view::npos)
    out.wanted = wish{std::string{rest.substr(0, end)}, std::string{rest.substr(end + 1)}};
  return out;
}

storage::row row_of(const storage::pruned_stream& what) {
  std::string value;
  keys::add_number(value, what.said_by);
  return {under_way_key(what.sandbox), std::move(value)};
}

std::optional<storage::pruned_stream> under_way_of(const storage::row& row) {
  const auto sandbox = sandbox_in(row.key, under_way_prefix);
  if (!sandbox || row.value.size() != sizeof(events::seq))
    return std::nullopt;
  return storage::pruned_stream{*sandbox, keys::number_at<events::seq>(row.value)};
}

fate decide(const deleted& what, storage::position until, const moment& m) {
  const auto age_us = m.now.us - what.at.us; // a clock that went back only makes it wait
  const bool over = m.retention && age_us >= std::chrono::microseconds{*m.retention}.count();
  if (!over && !what.wanted)
    return fate::stays;
  if (m.exported && *m.exported < until)
    return fate::waits_for_export;
  if (m.folded < until)
    return fate::waits_for_index;
  return fate::goes;
}

events::draft draft_of(const tombstone& what) {
  events::draft out;
  out.kind = events::kind::sandbox_pruned;
  events::json_text j{out.payload};
  j.open_object();
  j.key("sandbox").value(what.sandbox.to_string());
  j.key("events").value(what.events);
  j.key("last_link").value(events::to_hex(events::as_text(what.last_link)));
  j.key("last_at").value(events::to_rfc3339(what.last_wall));
  j.key("deleted_at").value(events::to_rfc3339(what.deleted_at));
  j.close_object();
  out.entities.push_back(what.sandbox.to_string());
  return out;
}

events::outcome<tombstone> tombstone_of(const events::record& r) {
  const auto where = std::to_string(r.header.seq);
  auto corrupt = [&where] {
    return failure(errc::corrupt, "an event of the node's stream cannot be read", where);
  };
  if (r.header.kind != events::kind::sandbox_pruned)
    return corrupt();
  const auto payload = events::upcast(r);
  if (!payload)
    return tl::unexpected<events::error>{payload.error()};
  const auto all = json::parse(*payload, nullptr, false);
  if (!all.is_object())
    return corrupt();
  try {
    tombstone out;
    auto sandbox = events::sandbox_id::parse(all.at("sandbox").get<std::string>());
    auto last = events::parse_rfc3339(all.at("last_at").get<std::string>());
    auto deleted = events::parse_rfc3339(all.at("deleted_at").get<std::string>());
    if (!sandbox || !last || !deleted ||
        !hash_from(all.at("last_link").get<std::string>(), out.last_link))
      return corrupt();
    out.sandbox = *sandbox;
    out.events = all.at("events").get<events::seq>();
    out.last_wall = {*last};
    out.deleted_at = {*deleted};
    return out;
  } catch (const json::exception&) {
    return corrupt();
  }
}

} // namespace hourglass::actors::pruning
