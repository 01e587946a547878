#include "webhook/filter_node.hpp"

#include "events/json_pointer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace hourglass::webhook {

using events::errc, events::failure;
using nlohmann::json;

namespace {

using node = content_filter::node;
using events::pointer_step;

constexpr std::array<std::string_view, 5> roots{"eventType", "eventId", "channels", "tags", "payload"};
constexpr std::size_t path_steps = 32;
constexpr std::size_t path_bytes = 1024;

constexpr std::array<std::pair<std::string_view, node::op>, 12> operators{{{"$eq", node::op::eq},
                                                                           {"$ne", node::op::ne},
                                                                           {"$in", node::op::in},
                                                                           {"$nin", node::op::nin},
                                                                           {"$gt", node::op::gt},
                                                                           {"$gte", node::op::gte},
                                                                           {"$lt", node::op::lt},
                                                                           {"$lte", node::op::lte},
                                                                           {"$exists", node::op::exists},
                                                                           {"$startsWith", node::op::starts_with},
                                                                           {"$endsWith", node::op::ends_with},
                                                                           {"$contains", node::op::contains}}};

std::size_t depth_of(const json& v, std::size_t at) {
  if (!v.is_structured() || at > limits::filter_depth)
    return at;
  std::size_t deepest = at;
  for (const auto& child : v)
    deepest = std::max(deepest, depth_of(child, at + 1));
  return deepest;
}

/// Compiles top down; the first problem ends it.
class compiler {
public:
  events::outcome<node> filter(const json& from, const std::string& at) {
    if (!from.is_object())
      return failure(errc::invalid, "must be an object of conditions", at);
    node out = make(node::op::all, at);
    for (const auto& [name, value] : from.items()) {
      auto where = at + pointer_step(name);
      auto part = name == "$and"  ? list(node::op::all, value, where)
                  : name == "$or" ? list(node::op::any, value, where)
                  : name == "$not" ? negated(value, where)
                                   : condition(name, value, where);
      if (!part)
        return part;
      out.parts.push_back(std::move(*part));
    }
    return out;
  }

private:
  static node make(node::op is, const std::string& where) {
    node out;
    out.is = is;
    out.where = where;
    return out;
  }

  events::outcome<void> count(const std::string& where) {
    if (++conditions_ > limits::filter_conditions)
      return failure(errc::too_large, "the filter has more than " + std::to_string(limits::filter_conditions) + " conditions (filter_conditions)", where);
    return {};
  }

  events::outcome<node> list(node::op is, const json& from, const std::string& at) {
    if (!from.is_array() || from.empty())
      return failure(errc::invalid, "must be an array of at least one filter", at);
    if (auto room = count(at); !room)
      return tl::unexpected{room.error()};
    node out = make(is, at);
    for (std::size_t i = 0; i < from.size(); ++i) {
      auto part = filter(from[i], at + "/" + std::to_string(i));
      if (!part)
        return part;
      out.parts.push_back(std::move(*part));
    }
    return out;
  }

  events::outcome<node> negated(const json& from, const std::string& at) {
    if (auto room = count(at); !room)
      return tl::unexpected{room.error()};
    auto part = filter(from, at);
    if (!part)
      return part;
    node out = make(node::op::none, at);
    out.parts.push_back(std::move(*part));
    return out;
  }

  events::outcome<node> condition(const std::string& name, const json& value, const std::string& at) {
    node out = make(node::op::at_path, at);
    if (auto ok = read_path(name, at, out.path); !ok)
      return tl::unexpected{ok.error()};
    if (!value.is_object()) {
      auto part = test(node::op::eq, value, at);
      if (!part)
        return part;
      out.parts.push_back(std::move(*part));
      return out;
    }
    auto parts = tests(value, at);
    if (!parts)
      return parts;
    out.parts = std::move(parts->parts);
    return out;
  }

  /// `{operator: argument…}`.
  events::outcome<node> tests(const json& from, const std::string& at) {
    if (!from.is_object() || from.empty())
      return failure(errc::invalid, "must be an object of at least one operator; to compare with an object, use $eq", at);
    node out = make(node::op::all, at);
    for (const auto& [name, argument] : from.items()) {
      auto where = at + pointer_step(name);
      auto known = std::find_if(operators.begin(), operators.end(), [&name = name](const auto& o) { return o.first == name; });
      if (known == operators.end() && name != "$not")
        return failure(errc::invalid, "is no operator; there are $eq $ne $in $nin $gt $gte $lt $lte $exists $startsWith $endsWith $contains $not", where);
      auto part = known == operators.end() ? without(argument, where) : test(known->second, argument, where);
      if (!part)
        return part;
      out.parts.push_back(std::move(*part));
    }
    return out;
  }

  events::outcome<node> without(const json& from, const std::string& at) {
    if (auto room = count(at); !room)
      return tl::unexpected{room.error()};
    auto part = tests(from, at);
    if (!part)
      return part;
    node out = make(node::op::none, at);
    out.parts.push_back(std::move(*part));
    return out;
  }

  events::outcome<node> test(node::op is, const json& argument, const std::string& at) {
    if (auto room = count(at); !room)
      return tl::unexpected{room.error()};
    switch (is) {
      case node::op::in:
      case node::op::nin:
        if (!argument.is_array())
          return failure(errc::invalid, "must be an array", at);
        break;
      case node::op::gt:
      case node::op::gte:
      case node::op::lt:
      case node::op::lte:
        if (!argument.is_number() && !argument.is_string())
          return failure(errc::invalid, "must be a number or a string", at);
        break;
      case node::op::exists:
        if (!argument.is_boolean())
          return failure(errc::invalid, "must be true or false", at);
        break;
      case node::op::starts_with:
      case node::op::ends_with:
        if (!argument.is_string())
          return failure(errc::invalid, "must be a string", at);
        break;
      default:
        break;
    }
    node out = make(is, at);
    out.argument = argument;
    return out;
  }

  static events::outcome<void> read_path(const std::string& name, const std::string& at, std::vector<filter_step>& into) {
    if (name.starts_with('$'))
      return failure(errc::invalid, "is no operator here; there are $and, $or and $not, and paths", at);
    if (name.size() > path_bytes)
      return failure(errc::too_large, "is a path longer than 1024 bytes", at);
    const bool pointer = name.starts_with('/');
    const char between = pointer ? '/' : '.';
    for (std::size_t from = pointer ? 1 : 0; from <= name.size();) {
      auto end = std::min(name.find(between, from), name.size());
      auto step = pointer ? events::unescaped_step(name.substr(from, end - from)) : std::optional{name.substr(from, end - from)};
      if (!step || (step->empty() && !pointer))
        return failure(errc::invalid, pointer ? "is no JSON Pointer" : "is a path with an empty step", at);
      if (into.size() == path_steps)
        return failure(errc::too_large, "is a path of more than 32 steps", at);
      into.push_back({std::move(*step), std::nullopt});
      into.back().index = events::array_index(into.back().name);
      from = end + 1;
    }
    if (into.empty() || std::find(roots.begin(), roots.end(), into.front().name) == roots.end())
      return failure(errc::invalid, "is no path: the first step must be payload, eventType, eventId, channels or tags", at);
    return {};
  }

  std::size_t conditions_ = 0;
};

} // namespace

events::outcome<content_filter> content_filter::compile(const json& from, const std::string& at) {
  if (depth_of(from, 0) > limits::filter_depth)
    return failure(errc::too_large, "is nested deeper than " + std::to_string(limits::filter_depth) + " (filter_depth)", at);
  auto text = from.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > limits::filter_bytes)
    return failure(errc::too_large, "is longer than " + std::to_string(limits::filter_bytes) + " bytes (filter_bytes)", at);
  compiler c;
  auto root = c.filter(from, at);
  if (!root)
    return tl::unexpected{root.error()};
  content_filter out;
  if (!root->parts.empty()) // an empty filter is none
    out.root_ = std::make_shared<const compiled>(compiled{std::move(text), std::move(*root)});
  return out;
}

} // namespace hourglass::webhook
