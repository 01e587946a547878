// Which paths of a document are collections and items, and what their operations do.
#include "mock/openapi_collections.hpp"

#include "events/digest.hpp"
#include "mock/collection_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/openapi.hpp"

#include <algorithm>
#include <unordered_map>

namespace hourglass::mock {

std::optional<state_mode> state_said_by(const json_value& v) { return state_mode_from(v.string_member("x-hourglass-state")); }

namespace {

/// `/pets/{petId}` as `/pets/{}`.
std::string without_names(std::string_view path) {
  std::string out;
  bool inside = false;
  for (char c : path) {
    if (c == '}')
      inside = false;
    if (!inside)
      out += c;
    if (c == '{')
      inside = true;
  }
  while (out.ends_with('/'))
    out.pop_back();
  return out;
}

std::string_view without_last(std::string_view path) { return path.substr(0, std::min(path.rfind('/'), path.size())); }

} // namespace

openapi_collections::openapi_collections(const json_value& root, const events::entropy& seed, openapi_requests& requests, warner warn)
  : root_(root), seed_(seed), requests_(requests), warn_(std::move(warn)), shapes_(root) {}

const openapi_collections::noted* openapi_collections::group::find(std::string_view method) const {
  auto at = operations.find(method);
  return at != operations.end() ? &at->second : nullptr;
}

void openapi_collections::note(std::size_t index, const endpoint& e, const std::vector<std::string>& parameters, const json_value& path_item,
                               const json_value& operation, std::string where) {
  auto same = without_names(e.full_path());
  auto [at, fresh] = by_path_.try_emplace(same, groups_.size());
  if (fresh)
    groups_.push_back({e.path, std::move(same), parameters, {}, {}, {}});
  groups_[at->second].operations.try_emplace(e.method, noted{index, &path_item, &operation, std::move(where)});
}

std::vector<collection_spec> openapi_collections::take(std::vector<endpoint>& endpoints) {
  endpoints_ = &endpoints;
  for (auto& items : groups_) {
    if (!ends_with_parameter(items.path))
      continue;
    if (auto all = by_path_.find(std::string{without_last(items.same)}); all != by_path_.end())
      make(groups_[all->second], items);
  }
  find_searches();
  find_parents();
  if (shapes_.exhausted())
    warn_("from here on no collection is found: the limit document_item_steps is used up", "");
  return std::move(out_);
}

/// An item as an operation shows it, the ones that show one for sure first.
std::optional<openapi_collections::place_of_item> openapi_collections::any_item(const group& all, const group& items) {
  const auto& parameter = items.parameters.back();
  for (const auto* method : {"GET", "PUT", "PATCH"})
    if (const auto* op = items.find(method))
      if (auto there = item_in(success_schema(*op), parameter))
        return there;
  if (const auto* op = all.find("GET"))
    if (auto list = list_in(success_schema(*op), nullptr, all.path))
      if (auto there = item_in(list->schema, parameter); there && there->at.empty())
        return there;
  if (const auto* op = all.find("POST"))
    return item_in(success_schema(*op), parameter);
  return std::nullopt;
}

void openapi_collections::make(group& all, group& items) {
  if (items.parameters.empty() || items.of_items || all.of_all || shapes_.exhausted())
    return;
  auto item = any_item(all, items);
  if (!item) {
    const auto* get = items.find("GET");
    const auto answer = get != nullptr ? shapes_.core(success_schema(*get)) : schema_place{};
    if (answer && (all.find("GET") != nullptr || all.find("POST") != nullptr) && !shapes_.shape_of(answer).properties.empty())
      warn_("answers from its examples: no member of its items could be the id {" + items.parameters.back() + "}", get->where);
    return;
  }
  if (item->schema.one_of_several) { // held against one of them, what is another would lose members
    if (const auto* op = items.find("GET") != nullptr ? items.find("GET") : all.find("GET"))
      warn_("answers from its examples: its items are one of several kinds (oneOf, anyOf)", op->where);
    return;
  }
  const auto* get_all = all.find("GET");
  auto list = get_all != nullptr ? list_in(success_schema(*get_all), item->schema.schema, all.path) : std::nullopt;
  if (!list && all.find("POST") == nullptr)
    return;
  const auto c = out_.size();
  out_.emplace_back();
  items_.push_back(item->schema);
  items.of_items = c;
  all.of_all = c;
  out_[c].path = all.path;
  out_[c].space = space_for(all.path);
  out_[c].captures = items.parameters.size();
  out_[c].id = id_of(shapes_.shape_of(item->schema), items.parameters.back());
  describe(out_[c], item->schema, all);
  say_roles(all, items, c);
  take_seeds(out_[c], all, items);
}

/// The namespace for the items of a path: `/store/order` is `store.order`, `/owners/{owner}/pets` is `owners:pets`.
std::string openapi_collections::space_for(std::string_view path) {
  std::string out;
  char between = '.';
  for (std::size_t from = 0; from < path.size();) {
    auto end = std::min(path.find('/', from), path.size());
    auto segment = path.substr(from, end - from);
    from = end + 1;
    if (segment.empty())
      continue;
    if (segment.front() == '{') {
      between = ':';
      continue;
    }
    if (!out.empty())
      out += between;
    between = '.';
    for (char c : segment)
      out += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ? c : '_';
  }
  if (out.starts_with("sbx.")) // where the sandbox keeps what it knows itself
    out.insert(0, "items.");
  if (out.empty())
    out = "items";
  if (out.size() > 100)
    out = out.substr(0, 80) + '-' + events::to_hex(events::as_text(events::sha256({path}))).substr(0, 16);
  const auto times = spaces_[out]++;
  if (times == 0)
    return out;
  for (auto n = times + 1;; ++n) // another may have such a name by itself
    if (auto free = out + '-' + std::to_string(n); spaces_.try_emplace(free, 1).second)
      return free;
}

// -- what operations do --------------------------------------------------------------

state_spec* openapi_collections::say(const noted& op, collection_role role, std::size_t c) {
  auto& state = (*endpoints_)[op.index].state;
  if (!state.empty())
    return nullptr;
  state.collection = out_[c].space;
  state.role = role;
  auto said = state_said_by(*op.operation);
  if (!said)
    said = state_said_by(*op.path_item);
  state.on = said != state_mode::off;
  return &state;
}

void openapi_collections::show(const noted& op, state_spec& state, const std::optional<place_of_item>& there, std::size_t c, const finder& find) {
  if (!there)
    return;
  state.answers = answers_like(op, *there, find);
  state.shown = true;
  state.at = there->at;
  if (there->schema.schema == items_[c].schema)
    return;
  const auto& shape = shapes_.shape_of(there->schema);
  state.needs = shape.required;
  for (const auto& [name, schema] : shape.properties) {
    const auto own = shapes_.core(schema);
    const auto* names = own ? own.schema->member("enum") : nullptr;
    if ((names != nullptr && names->items.size() == 1) || (own && own.schema->member("const") != nullptr))
      state.needs.push_back(name); // what such an answer calls its items is not what others call them
    else
      state.members.push_back(name);
  }
}

/// True if the body that an operation takes says which item is meant.
bool openapi_collections::names_item(const noted& op, std::size_t c) {
  const auto body = request_body_of(root_, *op.operation);
  for (std::size_t i = 0; body.content != nullptr && i < body.content->items.size(); ++i) {
    const auto* schema = body.content->items[i].member("schema");
    if (schema == nullptr || !is_json_media(media_essence(body.content->names[i])))
      continue;
    const auto takes = shapes_.core({schema, op.where});
    return takes && shapes_.shape_of(takes).find(out_[c].id) != nullptr;
  }
  return false;
}

void openapi_collections::say_roles(const group& all, const group& items, std::size_t c) {
  const auto& parameter = items.parameters.back();
  auto one = [&](const noted* op, collection_role role) -> state_spec* {
    auto* state = op != nullptr ? say(*op, role, c) : nullptr;
    if (state != nullptr)
      show(*op, *state, item_in(success_schema(*op), parameter), c, [&](schema_place s) { return item_in(std::move(s), parameter); });
    return state;
  };
  if (const auto* op = all.find("GET"))
    if (auto list = list_in(success_schema(*op), items_[c].schema, all.path))
      if (auto* state = say(*op, collection_role::list, c)) {
        show(*op, *state, list, c, [&](schema_place s) { return list_in(std::move(s), items_[c].schema, all.path); });
        read_query(*op, *state, items_[c]);
      }
  one(all.find("POST"), collection_role::create);
  for (auto [method, role] : {std::pair{"PUT", collection_role::replace}, std::pair{"PATCH", collection_role::merge}}) {
    if (const auto* op = all.find(method); op != nullptr && names_item(*op, c))
      if (auto* state = one(op, role))
        state->id_in_body = true;
    if (auto* state = one(items.find(method), role))
      read_query(*items.find(method), *state, items_[c]);
  }
  one(items.find("GET"), collection_role::get);
  one(items.find("DELETE"), collection_role::remove);
  // Some update with POST; then it answers with what an item is.
  if (const auto* op = items.find("POST"))
    if (auto there = item_in(success_schema(*op), parameter); there && there->schema.schema == items_[c].schema)
      if (auto* state = one(op, collection_role::merge))
        read_query(*op, *state, items_[c]);
}

/// Paths such as `/pets/findByStatus`: lists of the same items.
void openapi_collections::find_searches() {
  for (auto& g : groups_) {
    const auto* op = g.find("GET");
    if (op == nullptr || g.of_all || g.of_items || g.path.ends_with('}'))
      continue;
    auto all = by_path_.find(std::string{without_last(g.same)});
    if (all == by_path_.end() || !groups_[all->second].of_all)
      continue;
    const auto c = *groups_[all->second].of_all;
    auto list = list_in(success_schema(*op), items_[c].schema, g.path);
    if (!list || list->schema.schema != items_[c].schema)
      continue;
    if (auto* state = say(*op, collection_role::list, c)) {
      show(*op, *state, list, c, [&](schema_place s) { return list_in(std::move(s), items_[c].schema, g.path); });
      read_query(*op, *state, items_[c]);
    }
  }
}

void openapi_collections::find_parents() {
  std::vector<bool> keeps(out_.size());
  std::unordered_map<std::string_view, std::size_t> by_space;
  for (std::size_t c = 0; c < out_.size(); ++c)
    by_space.emplace(out_[c].space, c);
  for (const auto& e : *endpoints_)
    if (auto at = by_space.find(e.state.collection); at != by_space.end() && e.state.on)
      keeps[at->second] = true; // else every operation was told to answer from its examples
  for (const auto& g : groups_) {
    if (!g.of_all)
      continue;
    for (auto at = g.same.rfind("/{}"); at != std::string::npos && at > 0; at = g.same.rfind("/{}", at - 1)) {
      if (at + 3 < g.same.size() && g.same[at + 3] != '/') // more in the segment
        continue;
      auto above = by_path_.find(g.same.substr(0, at + 3));
      if (above == by_path_.end() || !groups_[above->second].of_items || !keeps[*groups_[above->second].of_items])
        continue;
      out_[*g.of_all].parent = out_[*groups_[above->second].of_items].space;
      break;
    }
  }
}

} // namespace hourglass::mock
