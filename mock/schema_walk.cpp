#include "mock/schema_walk.hpp"

#include "mock/schema_node.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace t = schema_types;

schema_walk::schema_walk(const json_schema& schema) { enter(schema.root_); }

/// With all that is held against the same value, once each.
void schema_walk::enter(const schema_node* first) {
  constexpr std::size_t most = 200;
  auto add = [&](schema_ref n) {
    if (n != nullptr && nodes_.size() < most && std::find(nodes_.begin(), nodes_.end(), n) == nodes_.end())
      nodes_.push_back(n);
  };
  auto from = nodes_.size();
  add(first);
  for (auto i = from; i < nodes_.size(); ++i) {
    const auto& n = *nodes_[i];
    if (n.types != t::any)
      types_ |= n.types;
    if (n.nullable)
      types_ |= t::null;
    if (!n.logic)
      continue;
    const auto& l = *n.logic;
    for (auto r : {l.reference, l.dynamic, l.consequence, l.alternative})
      add(r);
    for (const auto* list : {&l.all_of, &l.any_of, &l.one_of})
      for (auto r : *list)
        add(r);
  }
}

bool schema_walk::allows_null() const noexcept { return (types_ & t::null) != 0; }
bool schema_walk::allows_boolean() const noexcept { return (types_ & t::boolean) != 0; }
bool schema_walk::allows_number() const noexcept { return (types_ & (t::number | t::integer)) != 0; }
bool schema_walk::allows_string() const noexcept { return types_ == 0 || (types_ & t::string) != 0; }
bool schema_walk::allows_array() const noexcept { return (types_ & t::array) != 0; }
bool schema_walk::allows_object() const noexcept { return (types_ & t::object) != 0; }

bool schema_walk::declares(std::string_view member) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](schema_ref n) {
    const auto* known = n->objects ? n->objects->names.find(member) : nullptr;
    return known != nullptr && known->schema != nullptr;
  });
}

std::vector<std::string> schema_walk::members() const {
  std::vector<std::string> out;
  for (auto n : nodes_)
    if (n->objects)
      for (const auto& e : n->objects->names.all())
        out.push_back(e.name);
  return out;
}

schema_walk schema_walk::member(std::string_view name) const {
  schema_walk out;
  for (auto n : nodes_) {
    if (!n->objects)
      continue;
    const auto* known = n->objects->names.find(name);
    if (known != nullptr && known->schema != nullptr)
      out.enter(known->schema);
    else
      out.enter(n->objects->additional);
  }
  return out;
}

schema_walk schema_walk::element(std::size_t i) const {
  schema_walk out;
  for (auto n : nodes_)
    if (n->arrays)
      out.enter(i < n->arrays->prefix.size() ? n->arrays->prefix[i] : n->arrays->rest);
  return out;
}

} // namespace hourglass::mock
