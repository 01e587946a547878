#include "mock/generated.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/compiled.hpp"
#include "mock/sample.hpp"

#include <algorithm>
#include <cstring>

namespace hourglass::mock {

namespace {

events::entropy chance_of_seed(std::string_view seed) {
  const auto h = events::sha256({"prefer seed\n", seed});
  events::entropy out{};
  static_assert(sizeof(out) <= sizeof(h));
  std::memcpy(out.data(), h.data(), sizeof(out));
  return out;
}

answer_sources read_sources(const json_value& v) {
  answer_sources out;
  for (const auto& response : v.items) {
    auto& into = out.emplace_back();
    for (const auto& c : response.items)
      into.push_back({std::string{c.string_member("schema")}, c.truth_member("generated"), std::string{c.string_member("given")}});
  }
  return out;
}

} // namespace

struct answer_schemas::opened {
  json_value root;
  const json_value* schemas = nullptr; ///< of `root`; null: it has none
  std::map<std::string, answer_sources, std::less<>> of;
  std::unique_ptr<schema_compiler> compiler;
  std::map<std::string, json_schema, std::less<>> known;
};

answer_schemas::answer_schemas(std::string text) : text_(std::move(text)) {}
answer_schemas::~answer_schemas() = default;

auto answer_schemas::open() const -> const opened& {
  std::lock_guard guard{mutex_};
  if (opened_)
    return *opened_;
  auto out = std::make_unique<opened>();
  if (auto v = parse_json(text_, {std::size_t{1} << 40, limits::json_depth * 2}))
    out->root = std::move(*v);
  out->schemas = out->root.member("schemas");
  schema_options options;
  options.dialect = out->root.string_member("dialect") == "openapi_3_0" ? schema_dialect::openapi_3_0 : schema_dialect::draft2020_12;
  options.lenient = true;
  out->compiler = std::make_unique<schema_compiler>(options);
  if (out->schemas != nullptr)
    out->compiler->add("", *out->schemas);
  if (const auto* of = out->root.member("of"); of != nullptr && of->is_object())
    for (std::size_t i = 0; i < of->items.size(); ++i)
      out->of.emplace(of->names[i], read_sources(of->items[i]));
  opened_ = std::move(out);
  return *opened_;
}

bool answer_schemas::generated() const { return open().root.truth_member("generated"); }

const json_value& answer_schemas::value() const { return open().root; }

const answer_source* answer_schemas::find(std::string_view endpoint, std::size_t response, std::size_t content) const {
  const auto& all = open().of;
  const auto at = all.find(endpoint);
  return at != all.end() && response < at->second.size() && content < at->second[response].size() ? &at->second[response][content] : nullptr;
}

/// What cannot be compiled accepts everything, as when the document is imported.
json_schema answer_schemas::compiled(const std::string& key) const {
  open();
  std::lock_guard guard{mutex_};
  auto [at, fresh] = opened_->known.try_emplace(key);
  if (fresh)
    if (auto made = opened_->compiler->compile("", pointer_to("", key)))
      at->second = std::move(*made);
  return at->second;
}

std::optional<json_value> answer_schemas::make(const std::string& key, std::string_view place, bool own_values, const events::entropy& chance) const {
  const auto& in = open();
  const auto* schema = in.schemas != nullptr ? in.schemas->member(key) : nullptr;
  if (schema == nullptr)
    return std::nullopt;
  const auto fits = compiled(key);
  sampler one{*in.schemas, chance, {}, [&fits](const json_value&, const json_value& value, schema_purse& purse) { return fits.accepts(value, purse); }};
  one.use_own_values(own_values);
  one.leave(limits::generated_answer_steps);
  auto out = one.sample(*schema, place);
  if (schema_purse purse; (one.exhausted() && out.is_null()) || !fits.accepts(out, purse))
    return std::nullopt;
  return out;
}

std::optional<std::string> generation::body(const events::entropy& chance) const {
  if (stands)
    return std::nullopt;
  if (!from.given.empty())
    return from.given;
  auto value = of->make(from.schema, place, own_values, seed ? chance_of_seed(*seed) : chance);
  auto out = value ? body_of_value(essence, *value, nullptr) : std::nullopt;
  return out && out->size() <= limits::endpoint_body_bytes ? out : std::nullopt;
}

std::shared_ptr<const generation> generation_of(const plan& p, const preference& wish) {
  const auto& e = *p.endpoint;
  if (!e.made_of || wish.example || (!wish.dynamic && !wish.seed) || e.spec.responses[p.response].contents.empty())
    return nullptr;
  const auto* from = e.made_of->find(e.spec.id, p.response, p.content);
  if (from == nullptr)
    return nullptr;
  const bool of_schema = !from->schema.empty();
  auto out = std::make_shared<generation>();
  if (wish.dynamic == true) {
    if (!of_schema)
      return nullptr;
    out->seed = wish.seed;
    out->from.schema = from->schema;
  } else if (wish.dynamic == false && !from->given.empty()) {
    out->from.given = from->given;
  } else if (from->generated && of_schema && (wish.seed || (wish.dynamic == false && e.made_of->generated()))) {
    out->own_values = wish.dynamic == false || !e.made_of->generated();
    out->seed = wish.seed.value_or(std::string{}); // without one it is the same for all who ask
    out->from.schema = from->schema;
  } else if (wish.dynamic == false) {
    out->stands = true;
  } else {
    return nullptr;
  }
  if (wish.dynamic)
    out->applied = *wish.dynamic ? "dynamic=true" : "dynamic=false";
  if (wish.seed && !out->from.schema.empty())
    out->applied += (out->applied.empty() ? "seed=" : ", seed=") + *wish.seed;
  out->of = e.made_of;
  out->essence = e.answers[p.response].media[p.content];
  out->place = e.spec.method + ' ' + e.spec.full_path() + ' ' + e.spec.responses[p.response].status + ' ' + out->essence;
  return out;
}

std::string answers_text(const openapi_document& doc, const std::vector<endpoint>& endpoints, bool generated) {
  const auto* schemas = doc.answers.member("schemas");
  std::string out;
  if (schemas == nullptr || doc.sources.size() != endpoints.size())
    return out;
  events::json_text j{out};
  j.open_object().key("dialect").value(doc.answers.string_member("dialect"));
  if (generated)
    j.key("generated").value(true);
  j.key("schemas").raw(to_text(*schemas)).key("of").open_object();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    j.key(endpoints[i].id).open_array();
    for (const auto& response : doc.sources[i]) {
      j.open_array();
      for (const auto& c : response) {
        j.open_object();
        if (!c.schema.empty())
          j.key("schema").value(c.schema);
        if (c.generated)
          j.key("generated").value(true);
        if (!c.given.empty())
          j.key("given").value(c.given);
        j.close_object();
      }
      j.close_array();
    }
    j.close_array();
  }
  j.close_object().close_object();
  return out;
}

std::optional<std::string> body_of_value(const std::string& essence, const json_value& value, const json_value* schema) {
  if (is_json_media(essence)) {
    auto type = schema != nullptr ? schema->string_member("type") : std::string_view{};
    if (value.is_string() && (type == "object" || type == "array"))
      if (auto parsed = parse_json(value.text))
        return to_text(*parsed);
    return to_text(value);
  }
  if (value.is_string())
    return value.text;
  if (essence == "text/event-stream")
    return "data: " + to_text(value) + "\n\n";
  if (is_xml_media(essence)) // XML is served only as the document wrote it
    return std::nullopt;
  return to_text(value);
}

} // namespace hourglass::mock
