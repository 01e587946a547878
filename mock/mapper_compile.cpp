// Reading a mapper from outside.
#include "mock/mapper_rule.hpp"

#include "events/json_text.hpp"
#include "mock/object_reader.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using rule = compiled_mapper::rule;

tl::unexpected<events::error> wrong(std::string why, std::string where, errc code = errc::invalid) { return failure(code, std::move(why), std::move(where)); }

class reader {
public:
  outcome<std::vector<rule>> rules(const json_value& list, const std::string& at, std::size_t depth) {
    if (!list.is_array())
      return wrong("must be an array of rules", at);
    if (depth > limits_of_mappers::depth)
      return wrong("`each` in `each` deeper than " + std::to_string(limits_of_mappers::depth), at, errc::too_large);
    std::vector<rule> out;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (++count_ > limits_of_mappers::rules)
        return wrong("more rules than " + std::to_string(limits_of_mappers::rules), at, errc::too_large);
      auto one = read(list.items[i], pointer_to(at, std::to_string(i)), depth);
      if (!one)
        return tl::unexpected<events::error>{std::move(one).error()};
      out.push_back(std::move(*one));
    }
    return out;
  }

private:
  outcome<rule> read(const json_value& v, const std::string& at, std::size_t depth) {
    object_reader in{v, at};
    rule out;
    out.at = at;
    out.removes = in.has("remove");
    if (out.removes)
      in.only({"remove", "when"});
    else
      in.only({"to", "from", "all", "each", "value", "template", "when", "default", "required", "map", "otherwise", "type"});
    const auto place = in.text(out.removes ? "remove" : "to", most_place, true);
    out.all = in.truth("all", false);
    out.required = in.truth("required", false);
    const auto type = in.text("type", 16);
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    if (auto ok = read_place(place, in.where(out.removes ? "remove" : "to"), out); !ok)
      return tl::unexpected<events::error>{std::move(ok).error()};
    if (auto ok = read_condition(v, in, depth, out); !ok)
      return tl::unexpected<events::error>{std::move(ok).error()};
    if (out.removes)
      return out;
    if (auto ok = read_source(v, in, depth, out); !ok)
      return tl::unexpected<events::error>{std::move(ok).error()};
    if (auto ok = read_rest(v, in, type, out); !ok)
      return tl::unexpected<events::error>{std::move(ok).error()};
    return out;
  }

  static outcome<void> read_place(const std::string& text, const std::string& where, rule& out) {
    if (text == "$" && !out.removes)
      return {};
    std::string step;
    auto take = [&] { out.place.push_back(std::exchange(step, {})); };
    if (text.front() != '/') {
      for (char c : text)
        c == '.' ? take() : step.push_back(c);
      take();
      if (std::any_of(out.place.begin(), out.place.end(), [](const auto& s) { return s.empty(); }))
        return wrong("has an empty name; names with dots between them, or a JSON Pointer", where);
    } else {
      for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '/') {
          take();
        } else if (text[i] == '~') {
          const auto next = i + 1 < text.size() ? text[i + 1] : ' ';
          if (next != '0' && next != '1')
            return wrong("is no JSON Pointer: ~ stands before 0 or 1", where);
          step.push_back(next == '0' ? '~' : '/');
          ++i;
        } else {
          step.push_back(text[i]);
        }
      }
      take();
    }
    if (out.place.size() > most_steps)
      return wrong("is deeper than " + std::to_string(most_steps), where, errc::too_large);
    return {};
  }

  outcome<mapper_path> read_path(std::string text, const std::string& where, std::size_t depth) const {
    mapper_path out;
    if (text.starts_with("$$")) {
      if (depth == 0)
        return wrong("$$ stands for the whole input in `each` only", where);
      out.from_whole = true;
      text.erase(0, 1);
    }
    auto compiled = json_path::compile(text);
    if (!compiled) {
      const auto& e = compiled.error();
      return failure(e.code, "is no JSONPath: " + e.detail + (e.where.empty() ? "" : " (" + e.where + ")"), where);
    }
    out.path = std::move(*compiled);
    return out;
  }

  outcome<void> read_condition(const json_value& v, object_reader& in, std::size_t depth, rule& out) const {
    const auto* given = v.member("when");
    if (given == nullptr)
      return {};
    object_reader c{*given, in.where("when")};
    c.only({"path", "equals", "in", "exists", "not"});
    const auto text = c.text("path", json_path::most_bytes, true);
    const auto* values = c.array("in", limits_of_mappers::rules);
    const bool exists = c.truth("exists", true);
    auto negated = c.truth("not", false);
    if (c.has("equals") + c.has("in") + c.has("exists") > 1)
      c.fail("one of equals, in and exists", "path");
    if (c.problem())
      return tl::unexpected<events::error>{*c.problem()};
    auto path = read_path(text, c.where("path"), depth);
    if (!path)
      return tl::unexpected<events::error>{std::move(path).error()};
    auto& when = out.when.emplace(mapper_condition{std::move(*path), std::nullopt, negated != !exists});
    if (values != nullptr)
      when.one_of = values->items;
    else if (const auto* equals = given->member("equals"))
      when.one_of = std::vector{*equals};
    return {};
  }

  outcome<void> read_source(const json_value& v, object_reader& in, std::size_t depth, rule& out) {
    if (in.has("from") + in.has("value") + in.has("template") != 1)
      return wrong("one of from, value and template is required", out.at);
    if (!in.has("from") && (in.has("all") || in.has("each")))
      return wrong("goes with from only", in.where(in.has("all") ? "all" : "each"));
    if (const auto* constant = v.member("value")) {
      out.constant = *constant;
      return {};
    }
    if (in.has("template"))
      return read_template(in, depth, out);
    const auto text = in.text("from", json_path::most_bytes, true);
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    auto path = read_path(text, in.where("from"), depth);
    if (!path)
      return tl::unexpected<events::error>{std::move(path).error()};
    out.from = std::move(*path);
    if (const auto* each = v.member("each")) {
      auto rules_of_each = rules(*each, in.where("each"), depth + 1);
      if (!rules_of_each)
        return tl::unexpected<events::error>{std::move(rules_of_each).error()};
      out.has_each = true;
      out.each = std::move(*rules_of_each);
    }
    return {};
  }

  outcome<void> read_template(object_reader& in, std::size_t depth, rule& out) const {
    const auto text = in.text("template", limits_of_mappers::bytes);
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    const auto where = in.where("template");
    std::string_view left = text;
    for (;;) {
      const auto open = left.find("{{");
      rule::piece p;
      p.text = left.substr(0, open);
      if (open != std::string_view::npos) {
        const auto close = left.find("}}", open);
        if (close == std::string_view::npos)
          return wrong("has {{ without }}", where);
        auto inside = left.substr(open + 2, close - open - 2);
        while (!inside.empty() && inside.front() == ' ')
          inside.remove_prefix(1);
        while (!inside.empty() && inside.back() == ' ')
          inside.remove_suffix(1);
        auto path = read_path(std::string{inside}, where, depth);
        if (!path)
          return tl::unexpected<events::error>{std::move(path).error()};
        p.path = std::move(*path);
        left.remove_prefix(close + 2);
      }
      const bool last = !p.path;
      out.pieces.push_back(std::move(p));
      if (last)
        return {};
      if (out.pieces.size() > limits_of_mappers::rules)
        return wrong("has more than " + std::to_string(limits_of_mappers::rules) + " paths", where, errc::too_large);
    }
  }

  static outcome<void> read_rest(const json_value& v, object_reader& in, const std::string& type, rule& out) {
    static constexpr std::array<std::string_view, 5> types{"", "string", "number", "integer", "boolean"};
    const auto known = std::find(types.begin(), types.end(), type);
    if (known == types.end() || (in.has("type") && type.empty()))
      return wrong("must be string, number, integer or boolean", in.where("type"));
    out.as = static_cast<rule::type>(known - types.begin());
    if (const auto* missing = v.member("default"))
      out.otherwise_missing = *missing;
    if (const auto* map = in.object("map"); map != nullptr) {
      out.map = *map;
      out.map->seal();
    }
    if (const auto* otherwise = v.member("otherwise"); otherwise != nullptr) {
      if (!out.map)
        return wrong("goes with map only", in.where("otherwise"));
      out.otherwise = *otherwise;
    }
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    return {};
  }

  static constexpr std::size_t most_place = 1024, most_steps = 32;
  std::size_t count_ = 0;
};

std::size_t count_of(const json_value& v) {
  return std::accumulate(v.items.begin(), v.items.end(), std::size_t{1}, [](std::size_t sum, const auto& i) { return sum + count_of(i); });
}

} // namespace

compiled_mapper::compiled_mapper() = default;
compiled_mapper::~compiled_mapper() = default;

outcome<std::shared_ptr<const compiled_mapper>> compiled_mapper::compile(const json_value& v) {
  object_reader in{v, ""};
  in.only({"rules", "keep", "description"});
  (void)in.text("description", 1024);
  std::shared_ptr<compiled_mapper> out{new compiled_mapper};
  out->keep_ = in.truth("keep", false);
  const auto* rules = v.member("rules");
  if (rules == nullptr)
    in.fail("is required", "rules");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  auto read = reader{}.rules(*rules, "/rules", 0);
  if (!read)
    return tl::unexpected<events::error>{std::move(read).error()};
  out->rules_ = std::move(*read);
  if (count_of(v) > limits_of_mappers::values)
    return failure(errc::too_large, "has more than " + std::to_string(limits_of_mappers::values) + " values");
  if (to_text(v).size() > limits_of_mappers::bytes)
    return failure(errc::too_large, "is longer than " + std::to_string(limits_of_mappers::bytes) + " bytes");
  return std::shared_ptr<const compiled_mapper>{std::move(out)};
}

outcome<std::shared_ptr<const compiled_mapper>> compiled_mapper::compile(std::string_view text) {
  auto v = parse_json(text, {limits_of_mappers::bytes, limits::json_depth});
  if (!v)
    return tl::unexpected<events::error>{std::move(v).error()};
  return compile(*v);
}

} // namespace hourglass::mock
