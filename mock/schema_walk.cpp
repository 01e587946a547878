#include "mock/schema_walk.hpp"

#include "mock/schema_node.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace t = schema_types;

namespace {

/// What a schema without `type` is about all the same.
unsigned hints_of(const schema_node& n) noexcept {
  unsigned out = n.numbers ? t::number | t::integer : 0U;
  if (n.strings)
    out |= t::string;
  if (!n.logic)
    return out;
  if (n.logic->has_constant)
    out |= schema_types::of(n.logic->constant);
  if (!n.logic->choice_texts.empty())
    out |= t::string;
  return out | n.logic->choice_types;
}

} // namespace

schema_walk::schema_walk(const json_schema& schema) {
  schema_purse own;
  enter(schema.root_, own);
}

/// With all that is held against the same value, once each.
void schema_walk::enter(const schema_node* first, schema_purse& purse) {
  constexpr std::size_t most = 200;
  auto add = [&](schema_ref n) {
    if (n != nullptr && nodes_.size() < most && purse.spend(1 + nodes_.size() / 16) && std::find(nodes_.begin(), nodes_.end(), n) == nodes_.end())
      nodes_.push_back(n);
    return nodes_.size() < most && !purse.empty();
  };
  auto from = nodes_.size();
  add(first);
  for (auto i = from; i < nodes_.size(); ++i) {
    const auto& n = *nodes_[i];
    if (n.types != t::any)
      types_ |= n.types;
    else
      hints_ |= hints_of(n);
    if (n.nullable)
      types_ |= t::null;
    if (!n.logic)
      continue;
    const auto& l = *n.logic;
    for (auto r : {l.reference, l.dynamic, l.consequence, l.alternative})
      add(r);
    for (const auto* list : {&l.all_of, &l.any_of, &l.one_of})
      for (auto r : *list)
        if (!add(r))
          break;
  }
}

bool schema_walk::allows_null() const noexcept { return (types() & t::null) != 0; }
bool schema_walk::allows_boolean() const noexcept { return (types() & t::boolean) != 0; }
bool schema_walk::allows_number() const noexcept { return (types() & (t::number | t::integer)) != 0; }
bool schema_walk::allows_string() const noexcept { return types() == 0 || (types() & t::string) != 0; }
bool schema_walk::allows_array() const noexcept { return (types() & t::array) != 0; }
bool schema_walk::allows_object() const noexcept { return (types() & t::object) != 0; }

bool schema_walk::names_text(const std::string& text, schema_purse& purse) const {
  return purse.spend(nodes_.size() * (1 + text.size() / 64)) && std::any_of(nodes_.begin(), nodes_.end(), [&](schema_ref n) {
    if (!n->logic)
      return false;
    const auto& l = *n->logic;
    return (l.has_constant && l.constant.is_string() && l.constant.text == text) || std::binary_search(l.choice_texts.begin(), l.choice_texts.end(), text);
  });
}

bool schema_walk::declares(std::string_view member, schema_purse& purse) const {
  return purse.spend(nodes_.size() + member.size() / 64) && std::any_of(nodes_.begin(), nodes_.end(), [&](schema_ref n) {
    const auto* known = n->objects ? n->objects->names.find(member) : nullptr;
    return known != nullptr && known->schema != nullptr;
  });
}

bool schema_walk::mentions(std::string_view member, schema_purse& purse) const {
  return purse.spend(nodes_.size() + member.size() / 64) &&
         std::any_of(nodes_.begin(), nodes_.end(), [&](schema_ref n) { return n->objects && n->objects->names.find(member) != nullptr; });
}

bool schema_walk::demands(std::string_view member, schema_purse& purse) const {
  return purse.spend(nodes_.size() + member.size() / 64) && std::any_of(nodes_.begin(), nodes_.end(), [&](schema_ref n) {
    const auto* known = n->objects ? n->objects->names.find(member) : nullptr;
    return known != nullptr && known->required >= 0;
  });
}

schema_walk schema_walk::member(std::string_view name, schema_purse& purse) const {
  schema_walk out;
  for (auto n : nodes_) {
    if (!n->objects || !purse.spend(1 + name.size() / 64))
      continue;
    const auto* known = n->objects->names.find(name);
    if (known != nullptr && known->schema != nullptr)
      out.enter(known->schema, purse);
    else
      out.enter(n->objects->additional, purse);
  }
  return out;
}

std::vector<std::string_view> schema_walk::members(schema_purse& purse) const {
  std::vector<std::string_view> out;
  for (auto n : nodes_)
    if (n->objects && purse.spend(1 + n->objects->names.all().size() / 4))
      for (const auto& known : n->objects->names.all())
        if (known.schema != nullptr)
          out.push_back(known.name);
  return out;
}

schema_walk::xml_hint schema_walk::xml() const {
  xml_hint out;
  for (auto n : nodes_) {
    if (!n->xml)
      continue;
    if (out.name.empty())
      out.name = n->xml->name;
    out.attribute = out.attribute || n->xml->attribute;
    out.wrapped = out.wrapped || n->xml->wrapped;
  }
  return out;
}

schema_walk schema_walk::element(std::size_t i, schema_purse& purse) const {
  schema_walk out;
  for (auto n : nodes_)
    if (n->arrays && purse.spend(1))
      out.enter(i < n->arrays->prefix.size() ? n->arrays->prefix[i] : n->arrays->rest, purse);
  return out;
}

} // namespace hourglass::mock
