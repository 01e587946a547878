// Changes of the data that bring much at once (seeding, packs), and the chaos profiles.
#include "events/json_text.hpp"
#include "mock/data_names.hpp"
#include "mock/data_tables.hpp"
#include "mock/object_reader.hpp"
#include "mock/seed.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t most_packs = 100;
constexpr std::size_t most_profiles = 1'000;

decision one_event(events::kind kind, std::string payload, std::vector<std::string> entities, std::string reply) {
  decision out;
  out.events.push_back({kind, std::move(payload), std::move(entities), 0, {}});
  out.reply = std::move(reply);
  return out;
}

// -- seeding -------------------------------------------------------------------------------

/// The greatest number that a collection's mark has given; -1: it has none.
std::int64_t last_in(std::string_view mark) {
  constexpr std::string_view front = R"({"last":)";
  std::int64_t out = -1;
  if (mark.starts_with(front))
    std::from_chars(mark.data() + front.size(), mark.data() + mark.size(), out);
  return out;
}

/// What of a seeding is not so already.
struct seed_changes {
  std::vector<std::pair<std::string, std::string>> removed; ///< namespace, key
  std::vector<const seeding::put*> put;
  std::vector<const std::pair<std::string, std::string>*> env;
  std::map<std::string, std::pair<std::size_t, std::size_t>, std::less<>> told; ///< namespace -> its items in the document, changed

  bool empty() const noexcept { return removed.empty() && put.empty() && env.empty(); }
};

outcome<seed_changes> changes_of(const data_state& state, const seeding& s) {
  seed_changes out;
  std::size_t added = 0, freed = 0, new_env = 0;
  std::set<std::pair<std::string_view, std::string_view>> wanted;
  for (const auto& space : s.spaces)
    out.told[space];
  for (const auto& item : s.items) {
    wanted.emplace(item.space, item.key);
    const auto* before = state.find(item.space, item.key);
    const bool mark = item.space == collection_marks;
    if (!mark)
      ++out.told[item.space].first;
    // A mark that is there and further on knows more, but of what is replaced.
    if (before != nullptr && (*before == item.value || (mark && !s.replace && last_in(item.value) <= last_in(*before))))
      continue;
    freed += before != nullptr ? item.key.size() + before->size() : 0;
    added += item.key.size() + item.value.size();
    out.put.push_back(&item);
    if (!mark)
      ++out.told[item.space].second;
  }
  for (const auto& space : s.spaces) {
    const auto items = state.namespaces.find(space);
    if (!s.replace || items == state.namespaces.end())
      continue;
    for (const auto& [key, value] : items->second)
      if (!wanted.contains({space, key})) {
        freed += key.size() + value.size();
        out.removed.emplace_back(space, key);
        ++out.told[space].second;
      }
  }
  for (const auto& e : s.env) {
    const auto before = state.env.find(e.first);
    if (before != state.env.end() && before->second == e.second)
      continue;
    new_env += before == state.env.end() ? 1 : 0;
    freed += before != state.env.end() ? e.first.size() + before->second.size() : 0;
    added += e.first.size() + e.second.size();
    out.env.push_back(&e);
  }
  if (state.bytes - freed + added > limits::data_bytes_per_sandbox)
    return failure(errc::too_large, "more stored data than the limit data_bytes_per_sandbox (" + std::to_string(limits::data_bytes_per_sandbox) + ")");
  if (state.env.size() + new_env > limits::env_entries)
    return failure(errc::too_large, "more env parameters than the limit env_entries (" + std::to_string(limits::env_entries) + ")");
  return out;
}

void write_changes(events::json_text& j, const seed_changes& c) {
  j.key("removed").open_array();
  for (const auto& [space, key] : c.removed)
    j.open_array().value(space).value(key).close_array();
  j.close_array().key("items").open_array();
  for (const auto* item : c.put)
    j.open_array().value(item->space).value(item->key).raw(item->value).close_array();
  j.close_array().key("env").open_array();
  for (const auto* e : c.env)
    j.open_array().value(e->first).value(e->second).close_array();
  j.close_array();
}

void write_told(events::json_text& j, const seed_changes& c, const seeding& s) {
  j.key("changed").value(!c.empty()).key("namespaces").open_object();
  for (const auto& [space, counts] : c.told)
    j.key(space).open_object().key("items").value(counts.first).key("changed").value(counts.second).close_object();
  j.close_object().key("env").value(s.env.size());
}

outcome<void> apply_changes(data_state& state, const json_value& v) {
  auto fine = [](const json_value* list, std::size_t size) {
    return list != nullptr && list->is_array() && std::all_of(list->items.begin(), list->items.end(), [size](const json_value& one) {
             return one.items.size() == size && is_data_name(one.items[0].text) && (size == 2 || is_data_name(one.items[1].text));
           });
  };
  const auto *removed = v.member("removed"), *items = v.member("items"), *env = v.member("env");
  if (!fine(removed, 2) || !fine(items, 3) || !fine(env, 2))
    return failure(errc::corrupt, "a seeding does not read");
  for (const auto& one : removed->items)
    remove_item_in(state, one.items[0].text, one.items[1].text);
  for (const auto& one : items->items)
    put_item_in(state, one.items[0].text, one.items[1].text, to_text(one.items[2]));
  for (const auto& one : env->items)
    put_named(state, state.env, one.items[0].text, one.items[1].text);
  return {};
}

std::vector<std::string> entities_of(const seed_changes& c) {
  std::vector<std::string> out;
  for (const auto& [space, counts] : c.told)
    if (counts.second != 0 && out.size() < 100)
      out.push_back("data:" + space);
  return out;
}

// -- chaos -----------------------------------------------------------------------------------

outcome<void> check_key(std::string_view endpoint) {
  if (!endpoint.empty() && endpoint.size() <= limits::endpoint_path_bytes + 64 && events::is_utf8(endpoint))
    return {};
  return failure(errc::invalid, "must be the id of an endpoint, a method and a path, a path that ends with /*, or *", "/endpoint");
}

/// A profile with its text; the requests that it has seen begin anew.
scenario_state::profile profile_of(const std::string& text) {
  auto read = chaos::read(text);
  return {read ? std::move(*read) : chaos{}, 0};
}

// -- packs -----------------------------------------------------------------------------------

/// A pack with its name, as `applied` holds it.
std::string applied_text(std::string_view name, std::string_view text) {
  std::string out;
  events::json_text{out}.open_object().key("name").value(name).key("pack").raw(text).close_object();
  return out;
}

outcome<void> take_applied(scenario_state& into, const json_value& v) {
  into.applied.clear();
  into.pack.reset();
  const auto name = v.string_member("name");
  if (name.empty())
    return {};
  const auto* text = v.member("pack");
  auto pack = text != nullptr ? read_pack(name, *text) : failure(errc::corrupt, "has none");
  if (!pack)
    return failure(errc::corrupt, "a scenario pack does not read: " + pack.error().detail);
  into.applied = applied_text(name, to_text(*text));
  into.pack = std::move(*pack);
  return {};
}

} // namespace

outcome<decision> decide_one(const data_state& state, const seed_data& c) {
  auto what = c.already;
  if (!what) {
    auto read = read_seed(c.text, c.collections);
    if (!read)
      return tl::unexpected<events::error>{std::move(read).error()};
    what = std::move(*read);
  }
  auto changes = changes_of(state, *what);
  if (!changes)
    return tl::unexpected<events::error>{std::move(changes).error()};
  std::string reply;
  events::json_text r{reply};
  write_told(r.open_object(), *changes, *what);
  r.close_object();
  if (changes->empty()) {
    decision out;
    out.reply = std::move(reply);
    return out;
  }
  std::string payload;
  events::json_text j{payload};
  write_changes(j.open_object(), *changes);
  j.close_object();
  return one_event(events::kind::data_seeded, std::move(payload), entities_of(*changes), std::move(reply));
}

outcome<decision> decide_one(const data_state& state, const put_chaos& c) {
  if (auto ok = check_key(c.endpoint); !ok)
    return tl::unexpected<events::error>{ok.error()};
  auto v = parse_json(c.text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  object_reader in{*v, ""};
  in.only({"chaos"});
  const auto text = in.text("chaos", 2'048, true);
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  if (auto read = chaos::read(text); !read)
    return failure(errc::invalid, read.error().detail, "/chaos");
  if (!state.scenarios.profiles.contains(c.endpoint) && state.scenarios.profiles.size() >= most_profiles)
    return failure(errc::too_large, "more than 1000 chaos profiles");
  std::string payload;
  events::json_text{payload}.open_object().key("endpoint").value(c.endpoint).key("chaos").value(text).close_object();
  auto reply = payload;
  return one_event(events::kind::chaos_put, std::move(payload), {"chaos:" + c.endpoint}, std::move(reply)); // also the same again: a seed begins anew
}

outcome<decision> decide_one(const data_state& state, const remove_chaos& c) {
  if (!state.scenarios.profiles.contains(c.endpoint))
    return failure(errc::not_found, "there is no chaos profile for this");
  std::string payload;
  events::json_text{payload}.open_object().key("endpoint").value(c.endpoint).close_object();
  return one_event(events::kind::chaos_removed, std::move(payload), {"chaos:" + c.endpoint}, {});
}

outcome<decision> decide_one(const data_state& state, const put_pack& c) {
  if (!is_data_name(c.name))
    return failure(errc::invalid, std::string{data_name_rule}, "/name");
  if (c.text.size() > limits::data_value_bytes)
    return failure(errc::too_large, "is larger than the limit data_value_bytes (" + std::to_string(limits::data_value_bytes) + ")");
  auto v = parse_json(c.text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  if (auto pack = read_pack(c.name, *v); !pack)
    return tl::unexpected<events::error>{pack.error()};
  auto text = to_text(*v);
  decision out;
  out.reply = applied_text(c.name, text);
  const auto before = state.scenarios.packs.find(c.name);
  const bool known = before != state.scenarios.packs.end();
  if (known && before->second == text)
    return out;
  if (!known && state.scenarios.packs.size() >= most_packs)
    return failure(errc::too_large, "more than 100 scenario packs");
  if (state.bytes - (known ? c.name.size() + before->second.size() : 0) + c.name.size() + text.size() > limits::data_bytes_per_sandbox)
    return failure(errc::too_large, "more stored data than the limit data_bytes_per_sandbox (" + std::to_string(limits::data_bytes_per_sandbox) + ")");
  return one_event(events::kind::scenario_put, out.reply, {"scenario:" + c.name}, out.reply);
}

outcome<decision> decide_one(const data_state& state, const remove_pack& c) {
  if (!state.scenarios.packs.contains(c.name))
    return failure(errc::not_found, "there is no such scenario pack");
  std::string payload;
  events::json_text{payload}.open_object().key("name").value(c.name).close_object();
  return one_event(events::kind::scenario_removed, std::move(payload), {"scenario:" + c.name}, {});
}

outcome<decision> decide_one(const data_state& state, const apply_pack& c) {
  static const seeding nothing;
  std::string payload;
  std::string reply;
  events::json_text j{payload};
  events::json_text r{reply};
  j.open_object().key("name").value(c.name);
  r.open_object().key("applied").value(c.name);
  if (c.name.empty()) {
    write_changes(j, {});
    j.key("chaos").open_object().close_object().close_object();
    r.close_object();
    return one_event(events::kind::scenario_applied, std::move(payload), {}, std::move(reply));
  }
  const auto pack = state.scenarios.packs.find(c.name);
  if (pack == state.scenarios.packs.end())
    return failure(errc::not_found, "there is no such scenario pack");
  if (!c.text.empty() && c.text != pack->second)
    return failure(errc::conflict, "the scenario pack was changed while it was being applied");
  auto v = parse_json(pack->second);
  if (!v)
    return failure(errc::internal, "a scenario pack does not read");
  auto what = c.already;
  if (const auto* seed = v->member("seed"); !what && seed != nullptr) {
    auto read = read_seed(*seed, c.collections, "/seed");
    if (!read)
      return tl::unexpected<events::error>{std::move(read).error()};
    what = std::move(*read);
  }
  const auto& brought = what ? *what : nothing;
  auto changes = changes_of(state, brought);
  if (!changes)
    return tl::unexpected<events::error>{std::move(changes).error()};
  j.key("pack").raw(pack->second);
  write_changes(j, *changes);
  const auto* profiles = v->member("chaos");
  j.key("chaos").raw(profiles != nullptr ? to_text(*profiles) : "{}").close_object();
  write_told(r, *changes, brought);
  r.close_object();
  auto entities = entities_of(*changes);
  entities.push_back("scenario:" + c.name);
  return one_event(events::kind::scenario_applied, std::move(payload), std::move(entities), std::move(reply));
}

// -- ahead -----------------------------------------------------------------------------------

bool takes_long(const data_command& command) noexcept { return std::holds_alternative<seed_data>(command) || std::holds_alternative<apply_pack>(command); }

outcome<void> read_ahead(data_command& command) {
  auto keep = [](auto read, std::shared_ptr<const seeding>& into) -> outcome<void> {
    if (!read)
      return tl::unexpected<events::error>{std::move(read).error()};
    into = std::move(*read);
    return {};
  };
  if (auto* seed = std::get_if<seed_data>(&command); seed != nullptr && !seed->already)
    return keep(read_seed(seed->text, seed->collections), seed->already);
  auto* pack = std::get_if<apply_pack>(&command);
  if (pack == nullptr || pack->already || pack->text.empty())
    return {};
  auto v = parse_json(pack->text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  const auto* seed = v->member("seed");
  return seed != nullptr ? keep(read_seed(*seed, pack->collections, "/seed"), pack->already) : outcome<void>{};
}

// -- apply and snapshots ------------------------------------------------------------------------

bool is_of_scenarios(events::kind k) noexcept {
  using events::kind;
  return k == kind::data_seeded || k == kind::chaos_drawn || (k >= kind::scenario_put && k <= kind::chaos_removed);
}

outcome<void> apply_scenarios(data_state& state, events::kind kind, const json_value& v) {
  auto& s = state.scenarios;
  std::string name{v.string_member("name")};
  std::string endpoint{v.string_member("endpoint")};
  switch (kind) {
  case events::kind::data_seeded:
    return apply_changes(state, v);
  case events::kind::chaos_drawn:
    if (auto at = s.profiles.find(endpoint); at != s.profiles.end())
      ++at->second.drawn;
    return {};
  case events::kind::chaos_put:
    s.profiles.insert_or_assign(std::move(endpoint), profile_of(std::string{v.string_member("chaos")}));
    return {};
  case events::kind::chaos_removed:
    s.profiles.erase(endpoint);
    return {};
  case events::kind::scenario_put:
    if (const auto* pack = v.member("pack")) {
      put_named(state, s.packs, std::move(name), to_text(*pack));
      return {};
    }
    return failure(errc::corrupt, "a scenario pack does not read");
  case events::kind::scenario_removed:
    remove_named(state, s.packs, name);
    return {};
  case events::kind::scenario_applied: {
    auto next = s;
    if (auto ok = take_applied(next, v); !ok)
      return ok;
    if (auto ok = apply_changes(state, v); !ok)
      return ok;
    next.profiles.clear();
    const auto* profiles = v.member("chaos");
    for (std::size_t i = 0; profiles != nullptr && i < profiles->items.size(); ++i)
      next.profiles.emplace(profiles->names[i], profile_of(profiles->items[i].text));
    s = std::move(next);
    return {};
  }
  default:
    return {};
  }
}

void write_scenarios(events::json_text& j, const scenario_state& s) {
  if (s == scenario_state{})
    return;
  j.key("scenarios").open_object().key("chaos").open_object();
  for (const auto& [endpoint, profile] : s.profiles)
    j.key(endpoint).open_object().key("chaos").value(profile.what.text).key("drawn").value(profile.drawn).close_object();
  j.close_object().key("packs").open_object();
  for (const auto& [name, text] : s.packs)
    j.key(name).raw(text);
  j.close_object();
  if (!s.applied.empty())
    j.key("applied").raw(s.applied);
  j.close_object();
}

outcome<void> read_scenarios(const json_value& v, data_state& into) {
  const auto* all = v.member("scenarios");
  if (all == nullptr)
    return {};
  const auto *profiles = all->member("chaos"), *packs = all->member("packs");
  for (std::size_t i = 0; profiles != nullptr && i < profiles->items.size(); ++i) {
    auto profile = profile_of(std::string{profiles->items[i].string_member("chaos")});
    profile.drawn = static_cast<std::uint64_t>(std::max<std::int64_t>(profiles->items[i].integer_member("drawn", 0), 0));
    into.scenarios.profiles.emplace(profiles->names[i], std::move(profile));
  }
  for (std::size_t i = 0; packs != nullptr && i < packs->items.size(); ++i)
    put_named(into, into.scenarios.packs, packs->names[i], to_text(packs->items[i]));
  const auto* applied = all->member("applied");
  return applied != nullptr ? take_applied(into.scenarios, *applied) : outcome<void>{};
}

} // namespace hourglass::mock
