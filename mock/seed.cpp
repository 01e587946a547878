// What a seed document comes to: fixtures as they are, and items made from schemas.
#include "mock/seed.hpp"

#include "events/json_text.hpp"
#include "events/redact_json.hpp"
#include "mock/chaos.hpp"
#include "mock/collection_id.hpp"
#include "mock/collection_limits.hpp"
#include "mock/data_names.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/object_reader.hpp"
#include "mock/openapi.hpp"
#include "mock/sample.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t most_id_attempts = 16;

/// Makes values from the schemas of one document.
class value_maker {
public:
  value_maker(const json_value& root, schema_options options, const events::entropy& seed)
    : compiler_(options),
      sampler_(root, seed, {limits::sample_nodes / 10, 5},
               [this](const json_value& schema, const json_value& value, schema_purse& purse) { return fits(schema, value, purse); }) {
    compiler_.add("", root);
    sampler_.use_own_values(false); // a hundred items that are the document's one example are of no use
  }
  json_value make(const json_value& schema, const std::string& place) { return sampler_.sample(schema, place); }
  bool exhausted() const noexcept { return sampler_.exhausted(); }
  const json_schema& compiled(const json_value& schema) {
    auto [at, fresh] = known_.try_emplace(&schema);
    if (fresh)
      if (auto done = compiler_.compile("", schema, "#"))
        at->second = std::move(*done);
    return at->second;
  }

private:
  bool fits(const json_value& schema, const json_value& value, schema_purse& purse) { return compiled(schema).accepts(value, purse); }

  schema_compiler compiler_;
  std::map<const json_value*, json_schema> known_;
  sampler sampler_;
};

/// Of where the items of a namespace come from.
struct source {
  const json_value* root = nullptr;
  const json_value* schema = nullptr; ///< null: `of.base` is what an item looks like
  collection_spec of;
  bool is_collection = false;
};

class seed_reader {
public:
  seed_reader(const json_value& document, const std::vector<collection_spec>& collections, const json_value* requests, std::string at)
    : document_(document), collections_(collections), requests_(requests), at_(std::move(at)) {}

  outcome<std::shared_ptr<const seeding>> run() {
    object_reader in{document_, at_};
    in.only({"seed", "replace", "namespaces", "env", "definitions", "components", "$defs"});
    if (const auto* seed = document_.member("seed")) {
      if ((!seed->is_string() && !seed->is_number()) || seed->text.size() > 256)
        in.fail("must be a text or a number of at most 256 characters", "seed");
      seed_text_ = seed->text;
    }
    chance_ = chance_of("seed:" + seed_text_, 0);
    out_->replace = in.truth("replace", false);
    const auto* spaces = in.object("namespaces");
    const auto* env = in.object("env");
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    for (std::size_t i = 0; spaces != nullptr && i < spaces->items.size(); ++i)
      if (auto ok = read_space(spaces->names[i], spaces->items[i], pointer_to(at_ + "/namespaces", spaces->names[i])); !ok)
        return tl::unexpected<events::error>{ok.error()};
    for (std::size_t i = 0; env != nullptr && i < env->items.size(); ++i)
      if (auto ok = read_env(env->names[i], env->items[i]); !ok)
        return tl::unexpected<events::error>{ok.error()};
    return std::shared_ptr<const seeding>{std::move(out_)};
  }

private:
  static tl::unexpected<events::error> wrong(std::string why, std::string where, errc code = errc::invalid) {
    return failure(code, std::move(why), std::move(where));
  }

  outcome<void> read_env(const std::string& name, const json_value& value) {
    const auto at = pointer_to(at_ + "/env", name);
    if (!is_data_name(name))
      return wrong(std::string{data_name_rule}, at);
    if (!value.is_string() || value.text.find('\0') != std::string::npos)
      return wrong("must be a text without NUL", at);
    if (out_->env.size() >= limits::env_entries)
      return wrong("more env parameters than the limit env_entries (" + std::to_string(limits::env_entries) + ")", at_ + "/env", errc::too_large);
    out_->env.emplace_back(name, value.text);
    return charge(name.size() + value.text.size(), at);
  }

  outcome<void> charge(std::size_t bytes, const std::string& where) {
    out_->bytes += bytes;
    if (out_->bytes > limits::seed_bytes)
      return wrong("all items together are larger than the limit seed_bytes (" + std::to_string(limits::seed_bytes) + ")", where, errc::too_large);
    return {};
  }

  outcome<void> add(const std::string& space, std::string key, const json_value& value, const std::string& where) {
    if (!is_data_name(key))
      return wrong("its key " + std::string{data_name_rule}, where);
    if (out_->items.size() >= limits::seed_items)
      return wrong("more items than the limit seed_items (" + std::to_string(limits::seed_items) + ")", where, errc::too_large);
    if (!keys_.insert(key).second)
      return wrong("there is an item of the same key before it", where);
    auto text = to_text(value);
    if (text.size() > limits::data_value_bytes)
      return wrong("is larger than the limit data_value_bytes (" + std::to_string(limits::data_value_bytes) + ")", where, errc::too_large);
    if (auto ok = charge(key.size() + text.size(), where); !ok)
      return ok;
    if (std::int64_t number = 0; std::from_chars(key.data(), key.data() + key.size(), number).ptr == key.data() + key.size())
      last_ = std::max(last_, number);
    out_->items.push_back({space, std::move(key), std::move(text)});
    return {};
  }

  outcome<void> read_space(const std::string& space, const json_value& v, const std::string& at) {
    if (!is_data_name(space) || space.starts_with("sbx."))
      return wrong(std::string{data_name_rule} + ", and must not begin with `sbx.`", at);
    object_reader in{v, at};
    in.only({"items", "id", "generate"});
    const auto known = std::find_if(collections_.begin(), collections_.end(), [&](const collection_spec& c) { return c.space == space; });
    source from;
    from.root = &document_;
    if (known != collections_.end()) {
      from.of = *known;
      from.is_collection = true;
    } else {
      from.of.space = space;
      from.of.id = "id";
    }
    if (in.has("id")) {
      auto id = in.text("id", 256, true);
      if (from.is_collection && id != from.of.id)
        in.fail("is `" + from.of.id + "` in this collection", "id");
      from.of.id = std::move(id);
    }
    const auto* generate = in.object("generate");
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    keys_.clear();
    last_ = 0;
    out_->spaces.push_back(space);
    if (const auto* items = v.member("items"))
      if (auto ok = read_items(from, *items, at + "/items"); !ok)
        return ok;
    if (generate != nullptr)
      if (auto ok = read_generate(from, *generate, at + "/generate"); !ok)
        return ok;
    if (from.is_collection && from.of.captures == 1) { // so that it is this and nothing of the document's, also when it is empty
      auto mark = from.of.kind == id_kind::integer ? R"({"last":)" + std::to_string(last_) + '}' : std::string{"{}"};
      out_->items.push_back({std::string{collection_marks}, space, std::move(mark)});
    }
    return {};
  }

  /// An item of a collection is one that its operations could have made: its id is what its key says, and it fits the schema.
  outcome<void> check_item(const source& from, const std::string* key, const json_value& item, const std::string& where) {
    if (!from.is_collection)
      return {};
    const auto* id = item.member(from.of.id);
    const auto text = id != nullptr ? id_text(*id) : std::string{};
    if (text.empty())
      return wrong("must be an object with a text or a number as `" + from.of.id + "`: it is an item of a collection", where);
    if (key != nullptr) {
      const auto parents = key->rfind("::");
      const auto own = collection_key(text);
      if ((from.of.captures > 1 && parents != std::string::npos ? key->substr(parents + 2) : *key) != own)
        return wrong("must be what the key of the item says, whose last part is then `" + own + '`', pointer_to(where, from.of.id));
    }
    const auto* schemas = requests_ != nullptr ? requests_->member("schemas") : nullptr;
    const auto* schema = schemas != nullptr && !from.of.schema.empty() ? schemas->member(from.of.schema) : nullptr;
    if (schema == nullptr)
      return {};
    auto imported = from;
    imported.root = schemas;
    const auto& held_against = maker_of(imported).compiled(*schema);
    if (held_against.accepts(item, purse_))
      return {};
    const auto faults = held_against.check(item, purse_);
    const auto known = held_against.check(from.of.base, purse_); // the document's own item: where that does as badly, the document contradicts itself
    if (purse_.empty())
      return wrong("holding the items against their schemas takes longer than one seed document may", where, errc::too_large);
    for (const auto& f : faults)
      if (std::find(known.begin(), known.end(), f) == known.end() && !is_redacted(item, f.instance))
        return wrong(f.message, where + f.instance);
    return {};
  }

  /// A secret as the log and the data have it, when what was read there comes back as a seed.
  static bool is_redacted(const json_value& item, const std::string& at) {
    const auto* v = at_pointer(item, at);
    return v != nullptr && v->is_string() && v->text.starts_with("[redacted:") && events::is_sensitive_name(at.substr(at.rfind('/') + 1), {});
  }

  outcome<void> read_items(const source& from, const json_value& items, const std::string& at) {
    if (items.is_object()) {
      for (std::size_t i = 0; i < items.items.size(); ++i) {
        const auto where = pointer_to(at, items.names[i]);
        if (auto ok = check_item(from, &items.names[i], items.items[i], where); !ok)
          return ok;
        if (auto ok = add(from.of.space, items.names[i], items.items[i], where); !ok)
          return ok;
      }
      return {};
    }
    if (!items.is_array())
      return wrong("must be an object of values by key, or a list of objects", at);
    for (std::size_t i = 0; i < items.items.size(); ++i) {
      const auto where = at + '/' + std::to_string(i);
      const auto* id = items.items[i].member(from.of.id);
      const auto text = id != nullptr ? id_text(*id) : std::string{};
      if (text.empty())
        return wrong("must be an object with a text or a number as `" + from.of.id + '`', where);
      if (auto ok = check_item(from, nullptr, items.items[i], where); !ok)
        return ok;
      if (auto ok = add(from.of.space, collection_key(text), items.items[i], where); !ok)
        return ok;
    }
    return {};
  }

  // -- generating -------------------------------------------------------------------------

  outcome<void> read_generate(source& from, const json_value& v, const std::string& at) {
    object_reader in{v, at};
    in.only({"count", "from", "schema"});
    const auto count = in.integer("count", 1, static_cast<std::int64_t>(limits::seed_items), 0);
    const auto first = in.integer("from", 0, std::int64_t{1} << 52, 1);
    if (count == 0)
      in.fail("is required", "count");
    from.schema = in.object("schema");
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    if (from.schema != nullptr)
      look_at_id(from);
    else if (auto ok = take_schema_of_collection(from, at); !ok)
      return ok;
    auto& made_by = maker_of(from);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto place = "/namespaces/" + from.of.space + '/' + std::to_string(i);
      auto item = from.schema != nullptr ? made_by.make(*from.schema, place) : from.of.base;
      if (made_by.exhausted())
        return wrong("making so many values takes longer than one seed document may", at, errc::too_large);
      if (!item.is_object())
        return wrong("makes no objects: items have an id, and so are objects", at + "/schema");
      auto id = id_of(from, place, first + i);
      if (id.is_null())
        return wrong("has no room for so many different ids", at);
      auto key = collection_key(id_text(id));
      item.set(from.of.id, std::move(id));
      if (auto ok = add(from.of.space, std::move(key), item, at); !ok)
        return ok;
    }
    return {};
  }

  outcome<void> take_schema_of_collection(source& from, const std::string& at) {
    if (!from.is_collection)
      return wrong("is required: the namespace is no collection of an imported document", at + "/schema");
    if (from.of.captures > 1)
      return wrong("items below others are not generated: give them as `items`, with the keys of those above before theirs (`7::12`)", at);
    const auto* schemas = requests_ != nullptr ? requests_->member("schemas") : nullptr;
    from.schema = schemas != nullptr && !from.of.schema.empty() ? schemas->member(from.of.schema) : nullptr;
    if (from.schema != nullptr)
      from.root = schemas;
    else if (!from.of.base.is_object())
      return wrong("is required: the document does not say what items of this collection look like", at + "/schema");
    return {};
  }

  /// What the schema says of its id.
  void look_at_id(source& from) const {
    const auto* schema = follow_reference(document_, *from.schema);
    const auto* properties = schema != nullptr ? schema->member("properties") : nullptr;
    const auto* id = properties != nullptr ? properties->member(from.of.id) : nullptr;
    if (id != nullptr)
      id = follow_reference(document_, *id);
    if (id == nullptr)
      return;
    const auto type = id->string_member("type");
    from.of.kind = type == "integer" || type == "number" ? id_kind::integer : id->string_member("format") == "uuid" ? id_kind::uuid : id_kind::text;
    from.of.id_pattern = id->string_member("pattern");
    from.of.id_like = id->string_member("example");
  }

  /// Null if there is no further one.
  json_value id_of(const source& from, const std::string& place, std::int64_t number) {
    if (from.of.kind == id_kind::integer)
      return json_value::of_number(number);
    auto like = from.of;
    if (like.id_like.empty() && like.id_pattern.empty()) {
      for (char c : from.of.space.substr(from.of.space.find_last_of(":.") + 1))
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
          like.id_like += c;
      like.id_like += "_1a2b3c4d5e6f";
    }
    id_chance chance{chance_, place + "/id"};
    for (std::size_t attempt = 0; attempt < most_id_attempts; ++attempt)
      if (auto id = made_id(like, chance, attempt); !keys_.contains(collection_key(id)))
        return json_value::of(std::move(id));
    return {};
  }

  value_maker& maker_of(const source& from) {
    auto& maker = from.root == &document_ ? own_ : imported_;
    if (!maker) {
      schema_options options;
      options.lenient = true;
      const bool later = from.root == &document_ || requests_ == nullptr || requests_->string_member("dialect") != "openapi_3_0";
      options.dialect = later ? schema_dialect::draft2020_12 : schema_dialect::openapi_3_0;
      maker = std::make_unique<value_maker>(*from.root, options, chance_);
    }
    return *maker;
  }

  const json_value& document_;
  const std::vector<collection_spec>& collections_;
  const json_value* requests_;
  std::string at_;
  std::string seed_text_;
  events::entropy chance_{};
  std::shared_ptr<seeding> out_ = std::make_shared<seeding>();
  std::set<std::string, std::less<>> keys_; ///< of the namespace that is read
  std::int64_t last_ = 0;                   ///< the greatest of them that is a number
  schema_purse purse_{limits::schema_work * 4}; ///< what holding all items against their schemas may cost
  std::unique_ptr<value_maker> own_;
  std::unique_ptr<value_maker> imported_;
};

} // namespace

outcome<std::shared_ptr<const seeding>> read_seed(const json_value& document, std::string_view about_collections, const std::string& at) {
  json_value about;
  std::vector<collection_spec> specs;
  if (!about_collections.empty()) {
    auto v = parse_own(about_collections);
    if (!v)
      return tl::unexpected<events::error>{v.error()};
    about = std::move(*v);
    const auto* list = about.member("collections");
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
      auto spec = decode_collection(list->items[i]);
      if (!spec)
        return tl::unexpected<events::error>{spec.error()};
      specs.push_back(std::move(*spec));
    }
  }
  return seed_reader{document, specs, about.member("requests"), at}.run();
}

outcome<std::shared_ptr<const seeding>> read_seed(std::string_view text, std::string_view about_collections) {
  auto document = parse_json(text);
  if (!document)
    return tl::unexpected<events::error>{document.error()};
  return read_seed(*document, about_collections, "");
}

std::string collections_for_seeding(const endpoint_state& state) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  if (!state.self->imported_collections.empty())
    j.key("collections").raw(state.self->imported_collections);
  if (!state.self->imported_requests.empty())
    j.key("requests").raw(state.self->imported_requests);
  j.close_object();
  return out;
}

} // namespace hourglass::mock
