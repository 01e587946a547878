// Where the answers of a document have their items, what these look like, and which ones the examples show.
#include "mock/collection_id.hpp"
#include "mock/collection_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/openapi.hpp"
#include "mock/openapi_collections.hpp"
#include "mock/openapi_request.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

/// As `choose_preferred` of compiled.cpp.
unsigned rank_of(std::string_view status) {
  if (status == "default")
    return 301;
  if (status.size() != 3 || status[0] != '2')
    return 302;
  const bool digits = status[1] >= '0' && status[1] <= '9' && status[2] >= '0' && status[2] <= '9';
  return digits ? 200U + static_cast<unsigned>(status[1] - '0') * 10 + static_cast<unsigned>(status[2] - '0') : 300;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> list) { return std::find(list.begin(), list.end(), name) != list.end(); }

std::string_view last_segment(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_set(const json_value* id) { return id != nullptr && !id_text(*id).empty(); }

} // namespace

bool openapi_collections::has_example(const noted& op) {
  const auto* media = success_media(op).schema;
  return media != nullptr && (media->member("example") != nullptr || media->member("examples") != nullptr);
}

schema_place openapi_collections::success_schema(const noted& op) {
  const auto media = success_media(op);
  const auto* schema = media ? media.schema->member("schema") : nullptr;
  return schema != nullptr ? schema_place{schema, media.at + "/schema"} : schema_place{};
}

/// The JSON of an operation's success.
schema_place openapi_collections::success_media(const noted& op) {
  const auto* responses = op.operation->member("responses");
  if (responses == nullptr || !responses->is_object() || responses->items.empty())
    return {};
  std::size_t best = 0;
  for (std::size_t i = 1; i < responses->items.size(); ++i)
    if (rank_of(responses->names[i]) < rank_of(responses->names[best]))
      best = i;
  const auto* response = rank_of(responses->names[best]) < 302 ? follow_reference(root_, responses->items[best]) : nullptr;
  const auto* content = response != nullptr ? response->member("content") : nullptr;
  for (std::size_t i = 0; content != nullptr && content->is_object() && i < content->items.size(); ++i)
    if (is_json_media(media_essence(content->names[i])))
      return {&content->items[i], pointer_to(pointer_to(op.where + "/responses", responses->names[best]) + "/content", content->names[i])};
  return {};
}

/// Which answers show items as `there` says, if others do not: there the examples answer.
std::vector<std::string> openapi_collections::answers_like(const noted& op, const place_of_item& there, const finder& find) {
  std::vector<std::string> out;
  bool others = false;
  const auto* responses = op.operation->member("responses");
  for (std::size_t i = 0; responses != nullptr && responses->is_object() && i < responses->items.size(); ++i) {
    const auto* response = rank_of(responses->names[i]) < 302 ? follow_reference(root_, responses->items[i]) : nullptr;
    const auto* content = response != nullptr ? response->member("content") : nullptr;
    for (std::size_t k = 0; content != nullptr && content->is_object() && k < content->items.size() && shapes_.pay(1); ++k) {
      const auto media = media_essence(content->names[k]);
      if (!is_json_media(media))
        continue;
      const auto* schema = content->items[k].member("schema");
      const auto here = schema != nullptr ? find({schema, {}}) : std::nullopt;
      if (!here || here->schema.schema != there.schema.schema || here->at != there.at || out.size() == limits::collection_answers)
        others = true;
      else
        out.push_back(responses->names[i] + ' ' + std::string{media});
    }
  }
  return others ? out : std::vector<std::string>{};
}

/// The member that is what `parameter` of a path means; empty if there is none.
std::string openapi_collections::id_of(const item_shape& shape, std::string_view parameter) {
  if (!shapes_.pay(shape.properties.size()))
    return {};
  auto by = [&](auto fits) -> std::string {
    for (std::size_t i = 0; i < shape.properties.size(); ++i)
      if (fits(shape.properties[i].first, shape.plain[i]) && is_one_of(shapes_.type_of(shape.properties[i].second), {"string", "integer", "number", ""}))
        return shape.properties[i].first;
    return {};
  };
  const auto wanted = plain_name(parameter);
  auto found = by([&](const std::string& name, const std::string&) { return name == parameter; });
  if (found.empty())
    found = by([&](const std::string&, const std::string& plain) { return plain == wanted; });
  if (found.empty() && wanted.ends_with("id"))
    for (auto usual : {"id", "uuid", "guid", "uid"})
      if (found.empty())
        found = by([&](const std::string&, const std::string& plain) { return plain == usual; });
  for (auto usual : {"username", "name", "key", "slug", "code", "number", "login", "email", "handle", "symbol", "sku", "uuid"})
    if (found.empty() && wanted.ends_with(usual))
      found = by([&](const std::string&, const std::string& plain) { return plain == usual; });
  return found.empty() ? by([](const std::string& name, const std::string&) { return name == "id"; }) : found;
}

std::optional<openapi_collections::place_of_item> openapi_collections::item_in(schema_place answer, std::string_view parameter) {
  auto s = shapes_.core(std::move(answer));
  if (!s || shapes_.is_list(s))
    return std::nullopt;
  const auto& shape = shapes_.shape_of(s);
  if (!id_of(shape, parameter).empty())
    return place_of_item{std::move(s), {}};
  if (shape.properties.size() > 4) // an envelope has little in it
    return std::nullopt;
  for (const auto& [name, schema] : shape.properties)
    if (auto inner = shapes_.core(schema); inner && !shapes_.is_list(inner) && !id_of(shapes_.shape_of(inner), parameter).empty())
      return place_of_item{std::move(inner), {name}};
  return std::nullopt;
}

/// `item`: the schema of what it should list; null: not known yet.
std::optional<openapi_collections::place_of_item> openapi_collections::list_in(schema_place answer, const json_value* item, std::string_view path) {
  auto s = shapes_.core(std::move(answer));
  if (!s)
    return std::nullopt;
  if (shapes_.is_list(s)) {
    auto items = shapes_.items_of(s);
    return items && !shapes_.shape_of(items).properties.empty() ? std::optional{place_of_item{std::move(items), {}}} : std::nullopt;
  }
  std::vector<place_of_item> all;
  auto look = [&](const schema_place& in, const std::vector<std::string>& at) {
    if (!shapes_.pay(shapes_.shape_of(in).properties.size()))
      return;
    for (const auto& [name, schema] : shapes_.shape_of(in).properties) {
      auto inner = shapes_.core(schema);
      if (!inner || !shapes_.is_list(inner))
        continue;
      auto items = shapes_.items_of(inner);
      if (!items || shapes_.shape_of(items).properties.empty())
        continue;
      all.push_back({std::move(items), at});
      all.back().at.push_back(name);
    }
  };
  look(s, {});
  if (all.empty() && shapes_.shape_of(s).properties.size() <= 8) // {"data": {"items": []}}
    for (const auto& [name, schema] : shapes_.shape_of(s).properties)
      if (auto inner = shapes_.core(schema); inner && !shapes_.is_list(inner))
        look(inner, {name});
  for (auto& one : all)
    if (item != nullptr && one.schema.schema == item)
      return std::move(one);
  for (auto& one : all)
    if (is_one_of(one.at.back(), {"data", "items", "results", "entries", "records", "values", "content"}) ||
        plain_name(one.at.back()) == plain_name(last_segment(path)))
      return std::move(one);
  return all.size() == 1 ? std::optional{std::move(all.front())} : std::nullopt;
}

// -- what an item looks like ---------------------------------------------------------

void openapi_collections::describe_id(collection_spec& c, const schema_place& member) {
  const auto type = shapes_.type_of(member);
  const auto schema = shapes_.core(member);
  if (type == "integer" || type == "number")
    c.kind = id_kind::integer;
  else if (schema && schema.schema->string_member("format") == "uuid")
    c.kind = id_kind::uuid;
  if (!schema || type == "integer" || type == "number")
    return;
  c.id_like = schema.schema->string_member("example");
  const auto pattern = schema.schema->string_member("pattern");
  if (pattern.size() <= 256)
    c.id_pattern = pattern;
}

void openapi_collections::describe(collection_spec& c, const schema_place& item, const group& all) {
  const auto& shape = shapes_.shape_of(item);
  c.schema = requests_.keep_at(item);
  describe_id(c, *shape.find(c.id));
  c.base = json_value::object();
  c.fills = shape.required;
  for (const auto& [name, schema] : shape.properties) {
    const auto own = shapes_.core(schema);
    if (shapes_.says(schema, "readOnly"))
      c.read_only.push_back(name);
    if (shapes_.says(schema, "writeOnly"))
      c.write_only.push_back(name);
    const auto* given = own ? own.schema->member("default") : nullptr;
    if (given != nullptr && name != c.id)
      c.base.add(name, *given);
    const bool ours = !c.read_only.empty() && c.read_only.back() == name;
    if ((given != nullptr || ours) && std::find(c.fills.begin(), c.fills.end(), name) == c.fills.end())
      c.fills.push_back(name);
    const auto plain = plain_name(name);
    const auto format = own ? own.schema->string_member("format") : std::string_view{};
    const bool is_time = format == "date-time" || format == "unix-time" || (ours && shapes_.type_of(schema) == "integer");
    if (is_time && (plain.starts_with("created") || plain == "creationdate" || plain == "creationtime"))
      c.created.push_back(name);
    else if (is_time && (plain.starts_with("updated") || plain.starts_with("modified") || plain.starts_with("lastmodified") || plain.starts_with("lastupdated")))
      c.updated.push_back(name);
  }
  for (std::size_t i = 0; i < all.parameters.size(); ++i)
    if (auto at = std::find(shape.plain.begin(), shape.plain.end(), plain_name(all.parameters[i])); at != shape.plain.end()) {
      const auto& [name, schema] = shape.properties[static_cast<std::size_t>(at - shape.plain.begin())];
      const auto type = shapes_.type_of(schema);
      if (name != c.id)
        c.from_path.push_back({name, i, type == "integer" || type == "number"});
    }
}

// -- what the examples show ----------------------------------------------------------

void openapi_collections::take_seeds(collection_spec& c, const group& all, const group& items) {
  std::unordered_set<std::string> keys;
  auto from = [&](const noted* op, collection_role role) {
    if (op == nullptr || (*endpoints_)[op->index].state.collection != c.space || (*endpoints_)[op->index].state.role != role)
      return;
    const auto& state = (*endpoints_)[op->index].state;
    if (state.shown && state.members.empty())
      for (auto& item : items_shown(*op, state.at))
        add_seed(c, std::move(item), keys);
  };
  for (bool written : {true, false}) { // what somebody has written is more believable than what is made up
    for (auto [op, role] : {std::pair{items.find("GET"), collection_role::get}, std::pair{all.find("GET"), collection_role::list}})
      if (op != nullptr && has_example(*op) == written)
        from(op, role);
    if (!c.seeds.empty())
      break;
  }
  if (c.seeds.empty())
    from(items.find("PUT"), collection_role::replace);
  if (c.seeds.empty())
    from(all.find("POST"), collection_role::create);
  if (c.id_like.empty() && !c.seeds.empty())
    if (const auto* id = c.seeds.front().member(c.id); id != nullptr && id->is_string())
      c.id_like = id->text;
  for (const auto& seed : c.seeds)
    add_to_base(c, seed);
  for (auto [op, role] : {std::pair{items.find("GET"), collection_role::get}, std::pair{all.find("POST"), collection_role::create},
                          std::pair{all.find("GET"), collection_role::list}})
    if (op != nullptr && (*endpoints_)[op->index].state.collection == c.space && (*endpoints_)[op->index].state.role == role)
      for (const auto& item : items_shown(*op, (*endpoints_)[op->index].state.at))
        add_to_base(c, item);
  c.base.seal();
  for (const auto* op : {all.find("GET"), all.find("POST"), items.find("GET")})
    if (op != nullptr && state_said_by(*op->path_item) == state_mode::empty)
      c.seeds.clear();
}

/// What a new item may need, from the first of the examples that has it.
void openapi_collections::add_to_base(collection_spec& c, const json_value& item) {
  for (std::size_t i = 0; i < item.items.size() && i < item.names.size(); ++i)
    for (const auto* wanted : {&c.fills, &c.created, &c.updated})
      if (std::find(wanted->begin(), wanted->end(), item.names[i]) != wanted->end() && c.base.member(item.names[i]) == nullptr)
        c.base.add(item.names[i], item.items[i]);
}

/// Those of the examples of its success.
std::vector<json_value> openapi_collections::items_shown(const noted& op, const std::vector<std::string>& at) const {
  std::vector<json_value> out;
  const auto& responses = (*endpoints_)[op.index].responses;
  const response_spec* best = nullptr;
  for (const auto& r : responses)
    if (best == nullptr || rank_of(r.status) < rank_of(best->status))
      best = &r;
  for (std::size_t i = 0; best != nullptr && i < best->contents.size(); ++i) {
    if (!is_json_media(media_essence(best->contents[i].media_type)))
      continue;
    for (const auto& x : best->contents[i].examples) {
      auto body = parse_json(x.body);
      const auto* there = body ? body->reached(at) : nullptr;
      if (there == nullptr)
        continue;
      if (there->is_object())
        out.push_back(*there);
      for (std::size_t k = 0; there->is_array() && k < there->items.size() && out.size() < 100; ++k)
        if (there->items[k].is_object())
          out.push_back(there->items[k]);
    }
    break;
  }
  return out;
}

void openapi_collections::add_seed(collection_spec& c, json_value item, std::unordered_set<std::string>& keys) {
  if (c.seeds.size() >= limits::collection_seeds)
    return;
  if (!is_set(item.member(c.id))) {
    id_chance chance{seed_, c.space + '/' + std::to_string(c.seeds.size())};
    item.set(c.id, c.kind == id_kind::integer ? json_value::of_number(static_cast<std::int64_t>(c.seeds.size() + 1)) : json_value::of(made_id(c, chance, 0)));
  }
  auto key = collection_key(id_text(*item.member(c.id)));
  std::size_t before = 0;
  for (const auto& s : c.seeds)
    before += to_text(s).size();
  const auto bytes = to_text(item).size();
  if (key.size() > 60 || (!c.seeds.empty() && before + bytes > limits::collection_seed_bytes) || seed_bytes_ + bytes > limits::document_seed_bytes ||
      !keys.insert(std::move(key)).second)
    return;
  seed_bytes_ += bytes;
  c.seeds.push_back(std::move(item));
}

// -- parameters of the query ---------------------------------------------------------

namespace {

struct paging_names {
  std::string state_spec::* into;
  std::initializer_list<std::string_view> names;
};

const std::array<paging_names, 4>& paging() {
  static const std::array<paging_names, 4> all{{
    {&state_spec::limit, {"limit", "perpage", "pagesize", "maxresults", "maxitems", "pagelimit", "size", "count", "top", "take"}},
    {&state_spec::page, {"page", "pagenumber", "pageindex"}},
    {&state_spec::offset, {"offset", "skip", "start", "startindex"}},
    {&state_spec::after, {"after", "startingafter", "cursor", "marker", "pagetoken", "nexttoken"}},
  }};
  return all;
}

} // namespace

void openapi_collections::read_query(const noted& op, state_spec& state, const schema_place& item) {
  const auto& shape = shapes_.shape_of(item);
  for (const auto* list : {op.operation->member("parameters"), op.path_item->member("parameters")}) {
    for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->items.size() && state.filters.size() < 50; ++i) {
      const auto* v = follow_reference(root_, list->items[i]);
      if (v == nullptr || v->string_member("in") != "query")
        continue;
      const std::string name{v->string_member("name")};
      const auto plain = plain_name(name);
      const schema_place schema = shapes_.core({v->member("schema"), {}});
      const auto number = [&](std::string_view rule, std::int64_t otherwise) { return schema.schema != nullptr ? schema.schema->integer_member(rule, otherwise) : otherwise; };
      if (!shapes_.pay(shape.properties.size()))
        return;
      const auto member = static_cast<std::size_t>(std::find(shape.plain.begin(), shape.plain.end(), plain) - shape.plain.begin());
      const bool is_member = member < shape.properties.size();
      bool pages = false;
      for (const auto& one : paging()) {
        const bool sure = plain == *one.names.begin();
        if (state.role != collection_role::list || !is_one_of(plain, one.names) || (is_member && !sure) || !(state.*one.into).empty())
          continue;
        pages = true;
        state.*one.into = name;
        if (one.into == &state_spec::limit) {
          state.page_most = std::clamp<std::int64_t>(number("maximum", 0), 0, limits::collection_page);
          state.page_size = std::clamp<std::int64_t>(number("default", 0), 0, limits::collection_page);
        }
        if (one.into == &state_spec::page)
          state.first_page = number("default", number("minimum", 1)) == 0 ? 0 : 1;
        break;
      }
      if (pages)
        continue;
      if (is_member)
        state.filters.push_back({name, shape.properties[member].first});
      else if (state.role == collection_role::list && is_one_of(plain, {"q", "query", "search"}))
        state.filters.push_back({name, {}});
    }
  }
  if (!state.page.empty() && state.page_size == 0)
    state.page_size = 20;
}

} // namespace hourglass::mock
