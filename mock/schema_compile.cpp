// Schemas into nodes: the walk, references, and what concerns every type. The rules of each type are schema_compile_rules.cpp's.
#include "mock/schema_compiler.hpp"

#include "mock/schema_format.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using dialect = schema_dialect;

std::uint8_t type_bit(std::string_view name) {
  namespace t = schema_types;
  static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> all{{
    {"null", t::null}, {"boolean", t::boolean}, {"number", t::number | t::integer}, {"string", t::string},
    {"array", t::array}, {"object", t::object}, {"integer", t::integer},
  }};
  const auto* at = std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.first == name; });
  return at != all.end() ? at->second : std::uint8_t{0};
}

/// The schemas that a value must also be held against at the same place.
template <class F>
void each_in_place(const schema_node& n, F&& visit) {
  auto one = [&](schema_ref r) {
    if (r != nullptr)
      visit(r);
  };
  if (n.objects)
    for (const auto& d : n.objects->dependents)
      one(d.schema);
  if (!n.logic)
    return;
  const auto& l = *n.logic;
  for (auto r : {l.reference, l.is_dynamic ? nullptr : l.dynamic, l.negated, l.condition, l.consequence, l.alternative})
    one(r);
  for (const auto* list : {&l.all_of, &l.any_of, &l.one_of})
    for (auto r : *list)
      one(r);
}

} // namespace

std::uint8_t schema_types::of(const json_value& v) noexcept {
  switch (v.kind) {
  case json_value::type::null:
    return null;
  case json_value::type::boolean:
    return boolean;
  case json_value::type::number:
    return number | integer;
  case json_value::type::string:
    return string;
  case json_value::type::array:
    return array;
  case json_value::type::object:
    return object;
  }
  return 0;
}

void schema_compiler::impl::note(events::error problem) {
  problem.where = told_pointer(problem.where);
  if (problem.where.empty() || !options_.lenient || problem.code == errc::too_large) {
    if (!failure_)
      failure_ = std::move(problem);
  } else if (problems_.size() < limits::document_warnings) {
    problems_.push_back(std::move(problem));
  }
}

void schema_compiler::impl::refuse(const subject& s, std::string_view below, std::string why, errc code) {
  note({code, std::move(why), s.node.at + std::string{below}});
}

logic_rules& schema_compiler::impl::logic(const subject& s) {
  if (!s.node.logic)
    s.node.logic = std::make_unique<logic_rules>();
  return *s.node.logic;
}

outcome<schema_ref> schema_compiler::impl::compile(const outcome<place>& at) {
  failure_.reset();
  if (!at)
    return tl::unexpected<events::error>{at.error()};
  auto root = node_for(*at);
  if (!drain() || !find_circles()) {
    queue_.clear();
    nodes_.clear(); // what was half compiled is not used again
    return tl::unexpected<events::error>{*failure_};
  }
  return root;
}

bool schema_compiler::impl::drain() {
  do {
    while (!queue_.empty() && !failure_) {
      auto work = std::move(queue_.back());
      queue_.pop_back();
      compile_one(work);
    }
  } while (!failure_ && compile_dynamic());
  return !failure_;
}

/// Has everything compiled that a dynamic reference can lead to; true if there was something new.
bool schema_compiler::impl::compile_dynamic() {
  program_->dynamic.resize(documents_.size());
  bool fresh = false;
  for (std::uint32_t i = 0; i < documents_.size(); ++i) {
    for (const auto& [name, at] : documents_.at(i).dynamic) {
      auto& into = program_->dynamic[i];
      if (!dynamic_names_.contains(name) || into.contains(name))
        continue;
      into.emplace(name, node_for(at));
      fresh = true;
    }
  }
  return fresh;
}

/// A schema that leads back to itself without going down into the value would never end.
bool schema_compiler::impl::find_circles() {
  auto& seen = walked_;
  struct step {
    schema_ref node;
    std::vector<schema_ref> next;
  };
  for (; walked_nodes_ < program_->nodes.size(); ++walked_nodes_) {
    const auto& start = program_->nodes[walked_nodes_];
    if (seen.contains(&start))
      continue;
    std::vector<step> path;
    auto enter = [&](schema_ref n) {
      seen[n] = false;
      auto& s = path.emplace_back(step{n, {}});
      each_in_place(*n, [&](schema_ref r) { s.next.push_back(r); });
    };
    enter(&start);
    while (!path.empty()) {
      auto& top = path.back();
      if (top.next.empty()) {
        seen[top.node] = true;
        path.pop_back();
        continue;
      }
      auto next = top.next.back();
      top.next.pop_back();
      auto known = seen.find(next);
      if (known == seen.end()) {
        enter(next);
      } else if (!known->second) {
        failure_ = events::error{errc::invalid, "refers back to itself without end", told_pointer(next->at)};
        // The next schema is not blamed for this one.
        for (auto& walked : seen)
          walked.second = true;
        walked_nodes_ = program_->nodes.size();
        return false;
      }
    }
  }
  return true;
}

schema_ref schema_compiler::impl::node_for(place at) {
  auto [known, fresh] = nodes_.try_emplace(at.value, nullptr);
  if (!fresh)
    return known->second;
  if (program_->nodes.size() >= limits::schema_nodes) {
    note({errc::too_large, "there are more subschemas than the limit schema_nodes (" + std::to_string(limits::schema_nodes) + ")", at.at});
    nodes_.erase(known);
    return nullptr;
  }
  pointer_bytes_ += at.at.size();
  if (pointer_bytes_ > limits::schema_pointer_bytes) {
    note({errc::too_large, "its subschemas stand at places whose pointers are longer together than the limit schema_pointer_bytes (" +
                             std::to_string(limits::schema_pointer_bytes) + ")", at.at});
    nodes_.erase(known);
    return nullptr;
  }
  auto& node = program_->nodes.emplace_back();
  node.at = at.at;
  node.resource = at.resource;
  known->second = &node;
  queue_.push_back({&node, std::move(at)});
  return &node;
}

schema_ref schema_compiler::impl::child(const subject& s, const json_value& schema, std::string below) {
  if (failure_)
    return nullptr; // spelling out the places of the others could take long
  if (!schema.is_object() && !schema.is_bool()) {
    refuse(s, below, "must be a schema: an object or a boolean");
    return nullptr;
  }
  return node_for(documents_.below(s.resource, schema, s.node.at + below));
}

schema_ref schema_compiler::impl::child(const subject& s, std::string_view keyword) {
  const auto* schema = s.schema.member(keyword);
  return schema != nullptr ? child(s, *schema, pointer_to("", keyword)) : nullptr;
}

std::vector<schema_ref> schema_compiler::impl::children(const subject& s, std::string_view keyword) {
  std::vector<schema_ref> out;
  const auto* list = s.schema.member(keyword);
  if (list == nullptr)
    return out;
  if (!list->is_array()) {
    refuse(s, pointer_to("", keyword), "must be an array of schemas");
    return out;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i)
    if (auto r = child(s, list->items[i], pointer_to("", keyword) + '/' + std::to_string(i)))
      out.push_back(r);
  return out;
}

schema_ref schema_compiler::impl::target(const subject& s, const char* keyword, place* where) {
  const auto* reference = s.schema.member(keyword);
  if (reference == nullptr)
    return nullptr;
  auto below = pointer_to("", keyword);
  if (!reference->is_string()) {
    refuse(s, below, "must be a string");
    return nullptr;
  }
  auto at = documents_.resolve(s.resource, reference->text);
  if (!at) {
    note({at.error().code, at.error().detail, at.error().where.empty() ? s.node.at + below : at.error().where});
    return nullptr;
  }
  if (!at->value->is_object() && !at->value->is_bool()) {
    refuse(s, below, "refers to what is no schema");
    return nullptr;
  }
  if (where != nullptr)
    *where = *at;
  return node_for(std::move(*at));
}

void schema_compiler::impl::compile_one(const pending& work) {
  const auto& schema = *work.at.value;
  auto& node = *work.node;
  if (schema.is_bool()) {
    node.never = !schema.truth;
    return;
  }
  // A copy: looking up a reference may add resources.
  const auto rules = documents_.at(work.at.resource).rules;
  subject s{node, schema, work.at.resource, rules};
  if (!schema.is_object())
    return refuse(s, "", "must be a schema: an object or a boolean");
  if (rules.reference_stands_alone() && has(s, "$ref")) {
    if (auto to = target(s, "$ref"))
      logic(s).reference = to;
    return;
  }
  if (rules.validation) {
    compile_types(s);
    compile_values(s);
    compile_numbers(s);
    compile_strings(s);
  }
  compile_references(s);
  compile_arrays(s);
  compile_objects(s);
  compile_logic(s);
  if (const auto* xml = schema.member("xml"); xml != nullptr && xml->is_object()) {
    node.xml = std::make_unique<xml_rules>();
    if (auto name = xml->string_member("name"); name.find('#') == std::string_view::npos) // `##default` is how Java says that it has none
      node.xml->name = name;
    node.xml->attribute = xml->truth_member("attribute");
    node.xml->wrapped = xml->truth_member("wrapped");
  }
  if (rules.formats)
    if (auto name = schema.string_member("format"); !name.empty())
      node.format = find_format(name);
  node.nullable = rules.dialect == dialect::openapi_3_0 && schema.member("nullable") != nullptr && schema.member("nullable")->is_true();
}

void schema_compiler::impl::compile_types(const subject& s) {
  const auto* type = s.schema.member("type");
  if (type == nullptr)
    return;
  auto add = [&](const json_value& name, const std::string& below) {
    auto bit = name.is_string() ? type_bit(name.text) : std::uint8_t{0};
    if (bit == 0 && s.rules.openapi() && name.is_string() && name.text == "file") // OpenAPI 2.0
      bit = schema_types::any;
    if (bit == 0)
      refuse(s, below, "must be one of null, boolean, integer, number, string, array, object");
    return bit;
  };
  std::uint8_t types = 0;
  if (type->is_array())
    for (std::size_t i = 0; i < type->items.size(); ++i)
      types = static_cast<std::uint8_t>(types | add(type->items[i], "/type/" + std::to_string(i)));
  else
    types = add(*type, "/type");
  s.node.types = types != 0 ? types : schema_types::any;
  s.node.strict_integers = s.rules.dialect == dialect::draft4;
}

void schema_compiler::impl::compile_values(const subject& s) {
  if (const auto* constant = s.schema.member("const"); constant != nullptr && s.rules.from(dialect::draft6)) {
    logic(s).has_constant = true;
    logic(s).constant = *constant;
  }
  const auto* choices = s.schema.member("enum");
  if (choices == nullptr)
    return;
  if (!choices->is_array())
    return refuse(s, "/enum", "must be an array");
  auto& l = logic(s);
  l.has_choices = true;
  for (const auto& c : choices->items) {
    if (c.is_string()) {
      l.choice_texts.push_back(c.text);
      continue;
    }
    l.choices.push_back(c);
    l.choice_types = static_cast<std::uint8_t>(l.choice_types | schema_types::of(c));
  }
  std::sort(l.choice_texts.begin(), l.choice_texts.end());
}

void schema_compiler::impl::compile_references(const subject& s) {
  if (auto to = target(s, "$ref"))
    logic(s).reference = to;
  bool recursive = s.rules.dialect == dialect::draft2019_09 && has(s, "$recursiveRef");
  if (!recursive && !(s.rules.from(dialect::draft2020_12) && has(s, "$dynamicRef")))
    return;
  const char* keyword = recursive ? "$recursiveRef" : "$dynamicRef";
  place at;
  auto to = target(s, keyword, &at);
  if (to == nullptr)
    return;
  auto& l = logic(s);
  l.dynamic = to;
  l.dynamic_keyword = keyword;
  // Only what first leads to a dynamic anchor is looked up dynamically.
  auto reference = s.schema.string_member(keyword);
  auto name = recursive ? std::string_view{} : reference.substr(std::min(reference.find('#'), reference.size() - 1) + 1);
  const auto& anchors = documents_.at(at.resource).dynamic;
  auto anchor = anchors.find(name);
  l.is_dynamic = anchor != anchors.end() && anchor->second.value == at.value;
  l.dynamic_name = name;
  if (l.is_dynamic)
    dynamic_names_.emplace(name);
}

void schema_compiler::impl::compile_logic(const subject& s) {
  if (s.rules.applicators) {
    for (auto [keyword, list] : {std::pair{"allOf", &logic_rules::all_of}, {"anyOf", &logic_rules::any_of}, {"oneOf", &logic_rules::one_of}})
      if (auto all = children(s, keyword); !all.empty())
        logic(s).*list = std::move(all);
    if (auto negated = child(s, "not"))
      logic(s).negated = negated;
    if (s.rules.from(dialect::draft7)) {
      if (auto condition = child(s, "if")) {
        logic(s).condition = condition;
        logic(s).consequence = child(s, "then");
        logic(s).alternative = child(s, "else");
      }
    }
  }
  if (s.rules.unevaluated && s.rules.from(dialect::draft2019_09)) {
    if (auto rest = child(s, "unevaluatedItems"))
      logic(s).unevaluated_items = rest;
    if (auto rest = child(s, "unevaluatedProperties"))
      logic(s).unevaluated_members = rest;
  }
  compile_discriminator(s);
}

// -- the public face ---------------------------------------------------------------

schema_compiler::schema_compiler(schema_options options) : self_(std::make_unique<impl>(options)) {}
schema_compiler::~schema_compiler() = default;

void schema_compiler::add(std::string uri, const json_value& document) { self_->documents().add(std::move(uri), document); }

outcome<json_schema> schema_compiler::compile(std::string_view uri, std::string_view pointer) {
  auto out = finished(self_->compile(self_->documents().at_pointer_of(uri, pointer)));
  if (!out && out.error().where.empty())
    out.error().where = std::string{uri} + "#" + std::string{pointer};
  return out;
}

outcome<json_schema> schema_compiler::compile(std::string_view uri, const json_value& schema, std::string at) {
  return finished(self_->compile(self_->documents().at_value(uri, schema, std::move(at))));
}

outcome<json_schema> schema_compiler::finished(const outcome<const schema_node*>& root) const {
  if (!root)
    return tl::unexpected<events::error>{root.error()};
  json_schema out;
  out.program_ = self_->program();
  out.root_ = *root;
  return out;
}

const std::vector<events::error>& schema_compiler::problems() const noexcept { return self_->problems(); }

std::vector<std::string> schema_compiler::used() const {
  const auto& used = self_->documents().used();
  return {used.begin(), used.end()};
}

outcome<json_schema> compile_schema(const json_value& document, schema_options options) {
  schema_compiler one{options};
  one.add("", document);
  return one.compile("");
}

} // namespace hourglass::mock
