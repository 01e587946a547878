#include "actors/registry.hpp"

#include "mock/json_value.hpp"

#include <algorithm>
#include <cstring>

namespace hourglass::actors::registry {

namespace {

std::string_view raw(const events::sandbox_id& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

std::string keyed(std::string_view kind, std::string_view rest) {
  std::string key{kind};
  key += rest;
  return key;
}

} // namespace

std::string sandbox_key(const events::sandbox_id& id) { return keyed(sandbox_prefix, raw(id)); }
std::string uid_key(std::string_view uid) { return keyed("ui", uid); }
std::string api_key_key(std::string_view hash_hex) { return keyed("ak", hash_hex); }
std::string portal_ends_key(const events::sandbox_id& id, std::string_view session) {
  return keyed("pe", std::string{raw(id)} + std::string{session});
}
std::string portal_closed_key(const events::sandbox_id& id, std::string_view name) {
  return keyed("pc", std::string{raw(id)} + std::string{name});
}
std::string claim_key(const events::sandbox_id& id, std::string_view claim) {
  return keyed(claim_prefix, std::string{raw(id)} + std::string{claim});
}

namespace {

void portal_rows(const mock::portal_state& before, const mock::portal_state& after, const events::sandbox_id& id, std::vector<storage::row>& rows) {
  for (const auto& [session, ends] : before.ends)
    if (!after.ends.contains(session))
      rows.push_back({portal_ends_key(id, session), {}, true});
  for (const auto& [session, ends] : after.ends)
    if (auto was = before.ends.find(session); was == before.ends.end() || was->second != ends)
      rows.push_back({portal_ends_key(id, session), mock::to_text(ends)});
  for (const auto& [name, until] : before.closed)
    if (!after.closed.contains(name))
      rows.push_back({portal_closed_key(id, name), {}, true});
  for (const auto& [name, until] : after.closed)
    if (!before.closed.contains(name))
      rows.push_back({portal_closed_key(id, name), {}});
}

} // namespace

std::vector<storage::row> rows_for(const mock::settings_state& before, const mock::settings_state& after,
                                   const events::sandbox_id& id) {
  using life = mock::settings_state::life;
  const bool was = before.phase == life::live;
  const bool is = after.phase == life::live;
  std::vector<storage::row> rows;
  if (is)
    rows.push_back({sandbox_key(id), mock::to_json(after, id.to_string())});
  else
    rows.push_back({sandbox_key(id), {}, true});
  if (was && !before.uid.empty() && (!is || before.uid != after.uid))
    rows.push_back({uid_key(before.uid), {}, true});
  if (is && !after.uid.empty() && (!was || before.uid != after.uid))
    rows.push_back({uid_key(after.uid), std::string{raw(id)}});
  auto has = [](const std::vector<mock::api_key>& keys, const mock::api_key& k) {
    return std::find(keys.begin(), keys.end(), k) != keys.end();
  };
  for (const auto& k : before.keys)
    if (was && (!is || !has(after.keys, k)))
      rows.push_back({api_key_key(k.hash), {}, true});
  for (const auto& k : after.keys)
    if (is && (!was || !has(before.keys, k)))
      rows.push_back({api_key_key(k.hash), std::string{raw(id)}});
  static const mock::portal_state nothing;
  portal_rows(was ? before.portal : nothing, is ? after.portal : nothing, id, rows);
  return rows;
}

events::outcome<events::sandbox_id> id_of(std::string_view value) {
  events::sandbox_id id;
  if (value.size() != id.bytes.size())
    return events::failure(events::errc::corrupt, "a registry row does not hold a sandbox id");
  std::memcpy(id.bytes.data(), value.data(), value.size());
  return id;
}

std::optional<events::wall_time> expiry_of(std::string_view row) {
  // Parsed, not searched: the owner's metadata stands in the row too, and may hold a member of that name.
  auto sandbox = mock::parse_json(row);
  if (!sandbox)
    return std::nullopt;
  auto us = events::parse_rfc3339(sandbox->string_member("expires_at"));
  return us ? std::optional{events::wall_time{*us}} : std::nullopt;
}

events::outcome<void> uid_claims::claim(const storage::store& store, std::string_view uid, const events::sandbox_id& by) {
  auto taken = [] { return events::failure(events::errc::conflict, "another sandbox has this uid", "/uid"); };
  std::lock_guard guard{mutex_};
  if (taking_.find(uid) != taking_.end())
    return taken();
  auto row = store.get(uid_key(uid));
  if (!row)
    return tl::unexpected<events::error>{std::move(row).error()};
  if (*row && **row != raw(by))
    return taken();
  taking_.emplace(uid);
  return {};
}

void uid_claims::release(std::string_view uid) {
  std::lock_guard guard{mutex_};
  if (auto i = taking_.find(uid); i != taking_.end())
    taking_.erase(i);
}

} // namespace hourglass::actors::registry
