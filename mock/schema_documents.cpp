// Ids, anchors and dialects: which schema a reference means.
#include "mock/schema_documents.hpp"

#include "mock/target.hpp"
#include "mock/uri.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using dialect = schema_dialect;

struct keyword_children {
  std::string_view keyword;
  schema_children children;
  dialect first;
  dialect last;
};

constexpr std::array<keyword_children, 23> with_children{{
  {"additionalItems", schema_children::one, dialect::draft4, dialect::draft2019_09},
  {"additionalProperties", schema_children::one, dialect::draft4, dialect::draft2020_12},
  {"allOf", schema_children::list, dialect::draft4, dialect::draft2020_12},
  {"anyOf", schema_children::list, dialect::draft4, dialect::draft2020_12},
  {"oneOf", schema_children::list, dialect::draft4, dialect::draft2020_12},
  {"not", schema_children::one, dialect::draft4, dialect::draft2020_12},
  {"items", schema_children::one_or_list, dialect::draft4, dialect::draft2019_09},
  {"items", schema_children::one, dialect::draft2020_12, dialect::draft2020_12},
  {"prefixItems", schema_children::list, dialect::draft2020_12, dialect::draft2020_12},
  {"contains", schema_children::one, dialect::draft6, dialect::draft2020_12},
  {"properties", schema_children::map, dialect::draft4, dialect::draft2020_12},
  {"patternProperties", schema_children::map, dialect::draft4, dialect::draft2020_12},
  {"propertyNames", schema_children::one, dialect::draft6, dialect::draft2020_12},
  {"dependencies", schema_children::map_or_names, dialect::draft4, dialect::draft2020_12},
  {"dependentSchemas", schema_children::map, dialect::draft2019_09, dialect::draft2020_12},
  {"definitions", schema_children::map, dialect::draft4, dialect::draft2020_12},
  {"$defs", schema_children::map, dialect::draft2019_09, dialect::draft2020_12},
  {"if", schema_children::one, dialect::draft7, dialect::draft2020_12},
  {"then", schema_children::one, dialect::draft7, dialect::draft2020_12},
  {"else", schema_children::one, dialect::draft7, dialect::draft2020_12},
  {"unevaluatedItems", schema_children::one, dialect::draft2019_09, dialect::draft2020_12},
  {"unevaluatedProperties", schema_children::one, dialect::draft2019_09, dialect::draft2020_12},
  {"contentSchema", schema_children::one, dialect::draft2019_09, dialect::draft2020_12},
}};

std::string_view without_empty_fragment(std::string_view uri) { return uri.ends_with('#') ? uri.substr(0, uri.size() - 1) : uri; }

std::optional<dialect> dialect_of(std::string_view metaschema) {
  static constexpr std::array<std::pair<std::string_view, dialect>, 5> known{{
    {"http://json-schema.org/draft-04/schema", dialect::draft4},
    {"http://json-schema.org/draft-06/schema", dialect::draft6},
    {"http://json-schema.org/draft-07/schema", dialect::draft7},
    {"https://json-schema.org/draft/2019-09/schema", dialect::draft2019_09},
    {"https://json-schema.org/draft/2020-12/schema", dialect::draft2020_12},
  }};
  metaschema = without_empty_fragment(metaschema);
  if (metaschema == "https://spec.openapis.org/oas/3.1/dialect/base")
    return dialect::draft2020_12;
  const auto* at = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == metaschema; });
  return at != known.end() ? std::optional{at->second} : std::nullopt;
}

/// Sets what a vocabulary stands for; false if it is not known.
bool add_vocabulary(std::string_view uri, schema_rules& rules) {
  auto slash = uri.rfind('/');
  auto name = uri.substr(slash + 1);
  auto base = uri.substr(0, slash + 1);
  if (base != "https://json-schema.org/draft/2020-12/vocab/" && base != "https://json-schema.org/draft/2019-09/vocab/")
    return uri == "https://spec.openapis.org/oas/3.1/vocab/base";
  if (name == "applicator") {
    rules.applicators = true;
    rules.unevaluated = rules.unevaluated || rules.dialect == dialect::draft2019_09;
  } else if (name == "validation") {
    rules.validation = true;
  } else if (name == "unevaluated") {
    rules.unevaluated = true;
  } else if (name == "format-assertion") {
    rules.formats = true;
  }
  static constexpr std::array<std::string_view, 8> all{"core",        "applicator",        "validation",       "unevaluated",
                                                       "meta-data",   "format-annotation", "format-assertion", "content"};
  return std::find(all.begin(), all.end(), name) != all.end() || name == "format";
}

} // namespace

schema_children children_of(std::string_view keyword, const schema_rules& rules) noexcept {
  for (const auto& k : with_children)
    if (k.keyword == keyword && k.first <= rules.dialect && rules.dialect <= k.last)
      return k.children;
  return schema_children::none;
}

outcome<schema_rules> schema_documents::rules_of(std::string_view metaschema, const std::string& at) {
  schema_rules rules;
  rules.formats = options_.assert_formats;
  if (auto known = dialect_of(metaschema)) {
    rules.dialect = *known;
    return rules;
  }
  auto source = sources_.find(without_empty_fragment(metaschema));
  if (source == sources_.end() || !source->second->is_object())
    return failure(errc::invalid, "names a dialect that is not known and not among the documents: " + std::string{metaschema.substr(0, 200)}, at + "/$schema");
  const auto& meta = *source->second;
  auto base = meta.string_member("$schema");
  if (auto known = dialect_of(base); known)
    rules.dialect = *known;
  const auto* vocabulary = meta.member("$vocabulary");
  if (vocabulary == nullptr || !vocabulary->is_object())
    return rules;
  rules.applicators = rules.validation = rules.unevaluated = false;
  for (std::size_t i = 0; i < vocabulary->items.size(); ++i)
    if (!add_vocabulary(vocabulary->names[i], rules) && vocabulary->items[i].is_true())
      return failure(errc::invalid, "demands a vocabulary that is not known: " + vocabulary->names[i].substr(0, 200), at + "/$schema");
  return rules;
}

outcome<std::uint32_t> schema_documents::load(const std::string& uri, const json_value& document) {
  if (resources_.size() >= limits::schema_documents)
    return failure(errc::too_large, "there are more schema resources than the limit schema_documents (" + std::to_string(limits::schema_documents) + ")", uri);
  if (!spell_out(uri))
    return failure(errc::too_large, "the ids of its resources are longer together than a few times the limit schema_pointer_bytes", std::string{uri.substr(0, 200)});
  auto index = static_cast<std::uint32_t>(resources_.size());
  resource fresh;
  fresh.uri = uri;
  fresh.rules.dialect = options_.dialect;
  fresh.rules.formats = options_.assert_formats;
  fresh.root = {&document, index, uri + "#"};
  resources_.push_back(std::move(fresh));
  by_uri_.emplace(uri, index);
  starts_.emplace(&document, index);
  used_.insert(uri);
  return index;
}

outcome<std::uint32_t> schema_documents::resource_of(std::string_view uri) {
  uri = without_empty_fragment(uri);
  if (auto known = by_uri_.find(uri); known != by_uri_.end())
    return known->second;
  const json_value* document = nullptr;
  if (auto source = sources_.find(uri); source != sources_.end()) {
    document = source->second;
  } else {
    static const auto metaschemas = [] { // parsed once for all: immutable from then on
      std::map<std::string, json_value, std::less<>> all;
      for (const auto& [name, text] : metaschema_texts())
        if (auto v = parse_json(text))
          all.emplace(name, std::move(*v));
      return all;
    }();
    if (auto at = metaschemas.find(uri); at != metaschemas.end())
      document = &at->second;
  }
  if (document == nullptr)
    return failure(errc::invalid, "refers to `" + std::string{uri.substr(0, 200)} + "`, which is not among the documents");
  auto index = load(std::string{uri}, *document);
  if (!index)
    return index;
  if (auto problem = scan(*document, *index, resources_[*index].root.at, true))
    return tl::unexpected<events::error>{*problem};
  return index;
}

/// False if all places together are too long to be spelt out. More places are looked at than are compiled.
bool schema_documents::spell_out(std::string_view at) noexcept {
  spelt_bytes_ += at.size();
  return spelt_bytes_ <= 4 * limits::schema_pointer_bytes;
}

auto schema_documents::start(const json_value& v, const std::string& id, std::uint32_t& in, std::string& at) -> failed {
  auto [uri, fragment] = split_fragment(id);
  auto absolute = uri.empty() ? resources_[in].uri : resolve_uri(resources_[in].uri, uri);
  if (absolute != resources_[in].uri && !uri.empty()) {
    if (starts_.contains(&v)) { // the root of a document, which now has two names
      in = starts_[&v];
      resources_[in].uri = absolute;
      by_uri_.emplace(absolute, in);
    } else {
      auto rules = resources_[in].rules;
      if (by_uri_.contains(absolute))
        return events::error{errc::invalid, "has an id that another schema has: " + absolute.substr(0, 200), at};
      auto index = load(absolute, v);
      if (!index)
        return index.error();
      used_.erase(absolute);
      in = *index;
      resources_[in].rules = rules;
    }
    at = resources_[in].uri + "#";
    resources_[in].root.at = at;
  }
  if (!fragment.empty())
    resources_[in].anchors.emplace(fragment, place{&v, in, at});
  return std::nullopt;
}

auto schema_documents::scan(const json_value& v, std::uint32_t in, const std::string& where, bool is_root) -> failed {
  if (!v.is_object() || !scanned_.insert(&v).second)
    return std::nullopt;
  if (!spell_out(where))
    return events::error{errc::too_large, "its subschemas stand at places whose pointers are longer together than a few times the limit schema_pointer_bytes",
                         told_pointer(where)};
  auto at = where;
  auto id_name = [&](const schema_rules& r) { return r.dialect == dialect::draft4 ? "id" : "$id"; };
  auto rules = resources_[in].rules;
  const auto* schema = v.member("$schema");
  bool own_dialect = schema != nullptr && schema->is_string() && (is_root || v.member("$id") != nullptr || v.member("id") != nullptr);
  if (own_dialect) {
    auto read = rules_of(schema->text, at);
    if (!read)
      return read.error();
    rules = *read;
  }
  bool alone = rules.reference_stands_alone() && v.member("$ref") != nullptr && v.member("$ref")->is_string();
  if (const auto* id = v.member(id_name(rules)); id != nullptr && id->is_string() && rules.has_ids() && !alone)
    if (auto problem = start(v, id->text, in, at))
      return problem;
  if (own_dialect)
    resources_[in].rules = rules;
  if (rules.from(dialect::draft2019_09)) {
    auto& here = resources_[in];
    if (auto name = v.string_member("$anchor"); !name.empty())
      here.anchors.emplace(name, place{&v, in, at});
    if (auto name = v.string_member("$dynamicAnchor"); !name.empty() && rules.from(dialect::draft2020_12)) {
      here.anchors.emplace(name, place{&v, in, at});
      here.dynamic.emplace(name, place{&v, in, at});
    }
    if (const auto* recursive = v.member("$recursiveAnchor"); recursive != nullptr && recursive->is_true())
      here.dynamic.emplace("", place{&v, in, at});
  }
  return scan_children(v, in, at);
}

auto schema_documents::scan_children(const json_value& v, std::uint32_t in, const std::string& at) -> failed {
  if (!resources_[in].rules.has_ids())
    return std::nullopt;
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    const auto& child = v.items[i];
    auto how = children_of(v.names[i], resources_[in].rules);
    if (how == schema_children::none)
      continue;
    auto below_it = pointer_to(at, v.names[i]);
    if (child.is_object() && (how == schema_children::one || how == schema_children::one_or_list)) {
      if (auto problem = scan(child, in, below_it, false))
        return problem;
      continue;
    }
    for (std::size_t k = 0; k < child.items.size(); ++k)
      if (auto problem = scan(child.items[k], in, pointer_to(below_it, child.is_object() ? child.names[k] : std::to_string(k)), false))
        return problem;
  }
  return std::nullopt;
}

auto schema_documents::below(std::uint32_t parent, const json_value& child, std::string at) const -> place {
  if (auto own = starts_.find(&child); own != starts_.end())
    return resources_[own->second].root;
  return {&child, parent, std::move(at)};
}

auto schema_documents::walk(std::uint32_t from, std::string_view pointer, std::string_view reference) -> outcome<place> {
  auto here = resources_[from].root;
  while (!pointer.empty()) {
    auto end = std::min(pointer.find('/', 1), pointer.size());
    auto token = pointer.substr(0, end);
    const auto* next = at_pointer(*here.value, token);
    if (next == nullptr)
      return failure(errc::invalid, "refers to `" + std::string{reference.substr(0, 200)} + "`, where nothing is");
    here = below(here.resource, *next, here.at + std::string{token});
    pointer.remove_prefix(end);
  }
  // It may stand where no keyword that is known has schemas.
  if (auto problem = scan(*here.value, here.resource, here.at, false))
    return tl::unexpected<events::error>{*problem};
  return below(here.resource, *here.value, std::move(here.at));
}

outcome<schema_documents::place> schema_documents::at_pointer_of(std::string_view uri, std::string_view pointer) {
  auto index = resource_of(uri);
  if (!index)
    return tl::unexpected<events::error>{index.error()};
  return walk(*index, pointer, pointer);
}

outcome<schema_documents::place> schema_documents::at_value(std::string_view uri, const json_value& value, std::string at) {
  auto index = resource_of(uri);
  if (!index)
    return tl::unexpected<events::error>{index.error()};
  if (auto problem = scan(value, *index, at, false))
    return tl::unexpected<events::error>{*problem};
  return below(*index, value, std::move(at));
}

outcome<schema_documents::place> schema_documents::resolve(std::uint32_t from, std::string_view reference) {
  auto [uri, raw_fragment] = split_fragment(reference);
  auto base = resources_[from].uri;
  auto index = uri.empty() ? outcome<std::uint32_t>{from} : resource_of(resolve_uri(base, uri));
  if (!index)
    return tl::unexpected<events::error>{index.error()};
  std::string fragment;
  if (!percent_decode(raw_fragment, false, fragment))
    return failure(errc::invalid, "refers to a fragment that does not read");
  if (fragment.empty() || fragment.front() == '/')
    return walk(*index, fragment, reference);
  const auto& anchors = resources_[*index].anchors;
  auto anchor = anchors.find(fragment);
  if (anchor == anchors.end())
    return failure(errc::invalid, "refers to `" + std::string{reference.substr(0, 200)} + "`, but there is no such anchor");
  return anchor->second;
}

} // namespace hourglass::mock
