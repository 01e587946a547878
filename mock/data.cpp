#include "mock/data.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/data_names.hpp"
#include "mock/data_tables.hpp"
#include "mock/json_value.hpp"
#include "mock/template.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

constexpr json_budget own_budget{std::size_t{1} << 40, limits::json_depth + 8};

using events::errc;
using events::failure;
using events::outcome;

constexpr auto is_name = is_data_name;

outcome<void> check_name(std::string_view text, std::string_view where) {
  if (is_name(text))
    return {};
  return failure(errc::invalid, std::string{data_name_rule}, std::string{where});
}

outcome<void> check_names(std::string_view space, std::string_view key) {
  if (auto ok = check_name(space, "/namespace"); !ok)
    return ok;
  return check_name(key, "/key");
}

outcome<void> check_room(const data_state& state, std::size_t added, std::size_t freed) {
  if (state.bytes - freed + added > limits::data_bytes_per_sandbox)
    return failure(errc::too_large, "more stored data than the limit data_bytes_per_sandbox (" + std::to_string(limits::data_bytes_per_sandbox) + ")");
  return {};
}

decision one_event(events::kind kind, std::string payload, std::vector<std::string> entities) {
  decision out;
  out.events.push_back({kind, std::move(payload), std::move(entities), 0, {}});
  return out;
}

std::string entity(std::string_view space, std::string_view key) { return "data:" + std::string{space} + '/' + std::string{key}; }

outcome<void> check_mapper(const data_state& state, const put_item& c) {
  if (auto compiled = compiled_mapper::compile(c.value); !compiled)
    return tl::unexpected<events::error>{std::move(compiled).error()};
  if (!state.mappers.contains(c.key) && state.mappers.size() >= limits_of_mappers::of_a_sandbox)
    return failure(errc::too_large, "more mappers than " + std::to_string(limits_of_mappers::of_a_sandbox));
  return {};
}

outcome<decision> decide_put(const data_state& state, const put_item& c, bool fits) {
  if (auto ok = check_names(c.space, c.key); !ok)
    return tl::unexpected<events::error>{ok.error()};
  if (c.value.size() > limits::data_value_bytes)
    return failure(errc::too_large, "the value is larger than the limit data_value_bytes (" + std::to_string(limits::data_value_bytes) + ")");
  auto v = parse_json(c.value);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  if (c.space == mapper_space)
    if (auto ok = check_mapper(state, c); !ok)
      return tl::unexpected<events::error>{ok.error()};
  auto text = to_text(*v);
  const auto* before = state.find(c.space, c.key);
  if (before != nullptr && *before == text)
    return decision{};
  if (auto ok = check_room(state, c.key.size() + text.size(), before != nullptr ? c.key.size() + before->size() : 0); !ok && !fits)
    return tl::unexpected<events::error>{ok.error()};
  std::string payload;
  events::json_text j{payload};
  j.open_object().key("namespace").value(c.space).key("key").value(c.key).key("value").raw(text).close_object();
  return one_event(events::kind::data_put, std::move(payload), {entity(c.space, c.key)});
}

outcome<decision> decide_one(const data_state& state, const put_item& c) { return decide_put(state, c, false); }

outcome<decision> decide_one(const data_state& state, const remove_item& c) {
  if (state.find(c.space, c.key) == nullptr)
    return failure(errc::not_found, "there is no such item");
  std::string payload;
  events::json_text{payload}.open_object().key("namespace").value(c.space).key("key").value(c.key).close_object();
  return one_event(events::kind::data_removed, std::move(payload), {entity(c.space, c.key)});
}

outcome<decision> decide_one(const data_state& state, const clear_namespace& c) {
  if (!state.namespaces.contains(c.space))
    return failure(errc::not_found, "there is no such namespace");
  std::string payload;
  events::json_text{payload}.open_object().key("namespace").value(c.space).close_object();
  return one_event(events::kind::data_cleared, std::move(payload), {"data:" + c.space});
}

outcome<decision> decide_one(const data_state& state, const put_env& c) {
  if (auto ok = check_name(c.name, "/name"); !ok)
    return tl::unexpected<events::error>{ok.error()};
  if (!events::is_utf8(c.value) || c.value.find('\0') != std::string::npos)
    return failure(errc::invalid, "must be UTF-8 text without NUL", "/value");
  if (c.value.size() > limits::data_value_bytes)
    return failure(errc::too_large, "the value is larger than the limit data_value_bytes (" + std::to_string(limits::data_value_bytes) + ")", "/value");
  auto before = state.env.find(c.name);
  bool known = before != state.env.end();
  if (known && before->second == c.value)
    return decision{};
  if (!known && state.env.size() >= limits::env_entries)
    return failure(errc::too_large, "more env parameters than the limit env_entries (" + std::to_string(limits::env_entries) + ")");
  if (auto ok = check_room(state, c.name.size() + c.value.size(), known ? c.name.size() + before->second.size() : 0); !ok)
    return tl::unexpected<events::error>{ok.error()};
  std::string payload;
  events::json_text{payload}.open_object().key("name").value(c.name).key("value").value(c.value).close_object();
  return one_event(events::kind::env_put, std::move(payload), {"env:" + c.name});
}

outcome<decision> decide_one(const data_state& state, const remove_env& c) {
  if (!state.env.contains(c.name))
    return failure(errc::not_found, "there is no such env parameter");
  std::string payload;
  events::json_text{payload}.open_object().key("name").value(c.name).close_object();
  return one_event(events::kind::env_removed, std::move(payload), {"env:" + c.name});
}

outcome<decision> decide_one(const data_state& state, const put_template& c) {
  if (auto ok = check_name(c.name, "/name"); !ok)
    return tl::unexpected<events::error>{ok.error()};
  if (!events::is_utf8(c.source) || c.source.find('\0') != std::string::npos)
    return failure(errc::invalid, "must be UTF-8 text without NUL", "/source");
  if (c.source.size() > limits::data_value_bytes)
    return failure(errc::too_large, "the template is larger than the limit data_value_bytes (" + std::to_string(limits::data_value_bytes) + ")", "/source");
  if (auto compiled = compiled_template::compile(c.source, flavour_of_template(c.name, c.source)); !compiled) {
    auto e = std::move(compiled).error();
    e.where = "/source" + (e.where.empty() ? std::string{} : ':' + e.where);
    return tl::unexpected<events::error>{std::move(e)};
  }
  auto before = state.templates.find(c.name);
  const bool known = before != state.templates.end();
  decision out;
  if (!known || before->second != c.source) {
    if (auto ok = check_room(state, c.name.size() + c.source.size(), known ? c.name.size() + before->second.size() : 0); !ok)
      return tl::unexpected<events::error>{ok.error()};
    std::string payload;
    events::json_text{payload}.open_object().key("name").value(c.name).key("source").value(c.source).close_object();
    out = one_event(events::kind::template_put, std::move(payload), {"template:" + c.name});
  }
  events::json_text{out.reply}.open_object().key("name").value(c.name).key("source").value(c.source).close_object();
  return out;
}

outcome<decision> decide_one(const data_state& state, const remove_template& c) {
  if (!state.templates.contains(c.name))
    return failure(errc::not_found, "there is no such template");
  std::string payload;
  events::json_text{payload}.open_object().key("name").value(c.name).close_object();
  return one_event(events::kind::template_removed, std::move(payload), {"template:" + c.name});
}

void clear(data_state& state, std::string_view space) {
  auto items = state.namespaces.find(space);
  if (items == state.namespaces.end())
    return;
  for (const auto& [key, value] : items->second)
    state.bytes -= key.size() + value.size();
  if (space == mapper_space)
    state.mappers.clear();
  state.namespaces.erase(items);
}

void write_state(events::json_text& j, const data_state& state) {
  j.key("data").open_object();
  for (const auto& [space, items] : state.namespaces) {
    j.key(space).open_object();
    for (const auto& [key, value] : items)
      j.key(key).raw(value);
    j.close_object();
  }
  j.close_object().key("env").open_object();
  for (const auto& [name, value] : state.env)
    j.key(name).value(value);
  j.close_object();
  if (state.templates.empty())
    return;
  j.key("templates").open_object();
  for (const auto& [name, source] : state.templates)
    j.key(name).value(source);
  j.close_object();
}

} // namespace

bool is_data_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-.:@"}.find(c) != std::string_view::npos;
  });
}

/// Of env, templates or packs.
void put_named(data_state& state, named_texts& into, std::string name, std::string value) {
  if (auto at = into.find(name); at != into.end())
    state.bytes -= name.size() + at->second.size();
  state.bytes += name.size() + value.size();
  into.insert_or_assign(std::move(name), std::move(value));
}

void remove_named(data_state& state, named_texts& from, std::string_view name) {
  auto at = from.find(name);
  if (at == from.end())
    return;
  state.bytes -= at->first.size() + at->second.size();
  from.erase(at);
}

void put_item_in(data_state& state, std::string space, std::string key, std::string value) {
  if (space == mapper_space) { // one that a later version does not take stays what it is: whoever applies it is told
    auto compiled = compiled_mapper::compile(value);
    state.mappers[key].compiled = compiled ? std::move(*compiled) : nullptr;
  }
  auto& items = state.namespaces[std::move(space)];
  if (auto at = items.find(key); at != items.end())
    state.bytes -= key.size() + at->second.size();
  state.bytes += key.size() + value.size();
  items.insert_or_assign(std::move(key), std::move(value));
}

void remove_item_in(data_state& state, std::string_view space, std::string_view key) {
  auto items = state.namespaces.find(space);
  if (items == state.namespaces.end())
    return;
  auto at = items->second.find(key);
  if (at == items->second.end())
    return;
  if (space == mapper_space)
    state.mappers.erase(at->first);
  state.bytes -= at->first.size() + at->second.size();
  items->second.erase(at);
  if (items->second.empty())
    state.namespaces.erase(items);
}

const std::string* data_state::find(std::string_view space, std::string_view key) const {
  auto list = namespaces.find(space);
  if (list == namespaces.end())
    return nullptr;
  auto at = list->second.find(key);
  return at != list->second.end() ? &at->second : nullptr;
}

std::vector<std::pair<const std::string*, const std::string*>> data_state::list(std::string_view space, std::string_view after,
                                                                                std::size_t limit) const {
  std::vector<std::pair<const std::string*, const std::string*>> out;
  auto list = namespaces.find(space);
  if (list == namespaces.end())
    return out;
  for (auto at = list->second.upper_bound(after); at != list->second.end() && out.size() < limit; ++at)
    out.emplace_back(&at->first, &at->second);
  return out;
}

outcome<decision> decide(const data_state& state, const data_command& command, const events::context&) {
  return std::visit([&](const auto& c) { return decide_one(state, c); }, command);
}

outcome<decision> decide_together(const data_state& state, const data_command& command) {
  if (const auto* put = std::get_if<put_item>(&command))
    return decide_put(state, *put, true);
  return std::visit([&](const auto& c) { return decide_one(state, c); }, command);
}

outcome<void> apply(data_state& state, events::kind kind, std::string_view payload) {
  const bool of_scenarios = is_of_scenarios(kind);
  bool ours = of_scenarios || (kind >= events::kind::data_put && kind <= events::kind::template_removed);
  if (!ours)
    return {};
  auto v = parse_json(payload, own_budget);
  if (!v)
    return failure(errc::corrupt, v.error().detail, v.error().where);
  if (of_scenarios)
    return apply_scenarios(state, kind, *v);
  std::string space{v->string_member("namespace")};
  std::string key{v->string_member("key")};
  std::string name{v->string_member("name")};
  const auto* value = v->member("value");
  const auto* source = v->member("source");
  bool whole = kind == events::kind::data_put       ? is_name(space) && is_name(key) && value != nullptr
               : kind == events::kind::data_removed ? is_name(space) && is_name(key)
               : kind == events::kind::data_cleared ? is_name(space)
               : kind == events::kind::env_put      ? is_name(name) && value != nullptr && value->is_string()
               : kind == events::kind::template_put ? is_name(name) && source != nullptr && source->is_string()
                                                    : is_name(name);
  if (!whole)
    return failure(errc::corrupt, "an event of stored data does not read");
  if (kind == events::kind::data_put)
    put_item_in(state, std::move(space), std::move(key), to_text(*value));
  else if (kind == events::kind::data_removed)
    remove_item_in(state, space, key);
  else if (kind == events::kind::data_cleared)
    clear(state, space);
  else if (kind == events::kind::env_put)
    put_named(state, state.env, std::move(name), value->text);
  else if (kind == events::kind::env_removed)
    remove_named(state, state.env, name);
  else if (kind == events::kind::template_put)
    put_named(state, state.templates, std::move(name), source->text);
  else
    remove_named(state, state.templates, name);
  return {};
}

std::string snapshot(const data_state& state) {
  std::string out;
  events::json_text j{out};
  const bool plain = state.scenarios == scenario_state{};
  j.open_object().key("format").value(plain ? 2 : 3);
  write_state(j, state);
  write_scenarios(j, state.scenarios);
  j.close_object();
  return out;
}

template <>
outcome<data_state> restore<data_state>(std::string_view text) {
  auto v = parse_json(text, own_budget);
  if (!v)
    return failure(errc::corrupt, v.error().detail, v.error().where);
  const auto* format = v->member("format");
  const auto* data = v->member("data");
  const auto* env = v->member("env");
  std::int64_t number = 0;
  if (format == nullptr || !format->as_integer(number))
    return failure(errc::corrupt, "a snapshot of stored data does not read");
  if (number > 3)
    return failure(errc::newer_format, "a snapshot of stored data is of a newer format");
  if (data == nullptr || env == nullptr)
    return failure(errc::corrupt, "a snapshot of stored data does not read");
  data_state out;
  for (std::size_t i = 0; i < data->items.size(); ++i)
    for (std::size_t k = 0; k < data->items[i].items.size(); ++k)
      put_item_in(out, data->names[i], data->items[i].names.at(k), to_text(data->items[i].items[k]));
  for (std::size_t i = 0; i < env->items.size(); ++i)
    put_named(out, out.env, env->names.at(i), env->items[i].text);
  if (const auto* templates = v->member("templates"); templates != nullptr && templates->is_object()) // not before format 2
    for (std::size_t i = 0; i < templates->items.size(); ++i)
      put_named(out, out.templates, templates->names.at(i), templates->items[i].text);
  if (auto ok = read_scenarios(*v, out); !ok) // not before format 3
    return tl::unexpected<events::error>{ok.error()};
  return out;
}

std::string to_json(const data_state& state) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  write_state(j, state);
  write_scenarios(j, state.scenarios);
  j.close_object();
  return out;
}

} // namespace hourglass::mock
