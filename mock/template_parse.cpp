#include "mock/template_node.hpp"

#include "events/limits.hpp"

#include <array>

namespace hourglass::mock {

namespace {

using op = template_node::op;

class parser {
public:
  parser(std::string_view source, std::size_t at, template_about about) : source_(source), at_(at), about_(about) {}

  events::outcome<template_node> all() {
    auto node = expression(0);
    if (!node)
      return node;
    space();
    if (source_.substr(at_, 2) != "}}")
      return fail("expected `}}`");
    at_ += 2;
    return node;
  }

  std::size_t at() const { return at_; }

private:
  using result = events::outcome<template_node>;

  result expression(std::size_t depth) {
    if (depth >= limits::template_depth)
      return events::failure(events::errc::too_large, "nests deeper than the limit template_depth", place_of(source_, at_));
    space();
    if (at_ >= source_.size())
      return fail("the expression is not closed");
    char c = source_[at_];
    if (c == '"' || c == '\'' || c == '\\')
      return quoted();
    if (c == '-' || (c >= '0' && c <= '9'))
      return number();
    auto start = at_;
    auto word = name();
    if (word.empty())
      return fail("expected an expression");
    if (word == "true" || word == "false")
      return literal(json_value::of_bool(word == "true"));
    if (word == "null")
      return literal({});
    if (word == "random" || word == "default")
      return call(word == "random" ? op::random : op::fallback, depth);
    if (word == "uuid")
      return template_node{op::uuid, {}, {}};
    if (word == "now")
      return moment();
    if (word == "request")
      return request_path(depth);
    if (word == "response" && about_ == template_about::answer)
      return answer_path(depth);
    if (word == "env" || word == "data")
      return path(word == "env" ? op::env : op::data, depth, 1, word == "env" ? 1 : limits::json_depth);
    at_ = start;
    return fail("unknown name `" + std::string{word} + "`; known are request, env, data, now, uuid, random, default");
  }

  result literal(json_value v) const { return template_node{op::literal, std::move(v), {}}; }

  result quoted() {
    bool escaped = source_[at_] == '\\';
    auto delimiter = escaped ? source_.substr(at_, 2) : source_.substr(at_, 1);
    if (escaped && delimiter != "\\\"")
      return fail("expected an expression");
    auto start = at_ + delimiter.size();
    auto end = source_.find(delimiter, start);
    if (end == std::string_view::npos || source_.substr(start, end - start).find('\n') != std::string_view::npos)
      return fail("the text is not closed");
    at_ = end + delimiter.size();
    return literal(json_value::of(std::string{source_.substr(start, end - start)}));
  }

  result number() {
    auto start = at_;
    while (at_ < source_.size() && std::string_view{"+-.eE0123456789"}.find(source_[at_]) != std::string_view::npos)
      ++at_;
    auto v = parse_json(source_.substr(start, at_ - start));
    if (!v) {
      at_ = start;
      return fail("malformed number");
    }
    return literal(std::move(*v));
  }

  result moment() {
    auto back = at_;
    if (!accept('.'))
      return template_node{op::now, {}, {}};
    auto unit = name();
    if (unit == "unix" || unit == "ms")
      return template_node{unit == "ms" ? op::now_ms : op::now_unix, {}, {}};
    at_ = back;
    return fail("`now` has no member but unix and ms");
  }

  result call(op what, std::size_t depth) {
    template_node node{what, {}, {}};
    if (!accept('('))
      return fail("expected `(`");
    for (int i = 0; i < 2; ++i) {
      if (i > 0 && !accept(','))
        return fail("expected `,` and a second argument");
      auto argument = expression(depth + 1);
      if (!argument)
        return argument;
      node.steps.push_back(std::move(*argument));
    }
    if (!accept(')'))
      return fail("expected `)`");
    return node;
  }

  result request_path(std::size_t depth) {
    static constexpr std::array<std::pair<std::string_view, op>, 6> parts{{{"path", op::path_parameter},
                                                                           {"query", op::query},
                                                                           {"header", op::header},
                                                                           {"body", op::body},
                                                                           {"method", op::method},
                                                                           {"target", op::target}}};
    auto back = at_;
    auto part = accept('.') ? name() : std::string_view{};
    for (auto [text, what] : parts) {
      if (part != text)
        continue;
      bool leaf = what == op::method || what == op::target;
      bool body = what == op::body;
      return path(what, depth, leaf || body ? 0 : 1, leaf ? 0 : body ? limits::json_depth : 1);
    }
    at_ = back;
    return fail("`request` needs one of path, query, header, body, method, target");
  }

  result answer_path(std::size_t depth) {
    auto back = at_;
    auto part = accept('.') ? name() : std::string_view{};
    if (part == "status")
      return path(op::answer_status, depth, 0, 0);
    if (part == "header")
      return path(op::answer_header, depth, 1, 1);
    if (part == "body")
      return path(op::answer_body, depth, 0, limits::json_depth);
    at_ = back;
    return fail("`response` needs one of status, header, body");
  }

  result path(op what, std::size_t depth, std::size_t least, std::size_t most) {
    template_node node{what, {}, {}};
    while (true) {
      auto start = at_;
      if (accept('.')) {
        auto step = name();
        if (step.empty())
          return fail("expected a name after `.`");
        node.steps.push_back({op::literal, json_value::of(std::string{step}), {}});
      } else if (accept('[')) {
        auto step = expression(depth + 1);
        if (!step)
          return step;
        if (!accept(']'))
          return fail("expected `]`");
        node.steps.push_back(std::move(*step));
      } else {
        break;
      }
      if (node.steps.size() > most) {
        at_ = start;
        return fail("there is nothing below this");
      }
    }
    if (node.steps.size() < least)
      return fail("expected `.` and a name");
    return node;
  }

  std::string_view name() {
    auto start = at_;
    while (at_ < source_.size()) {
      char c = source_[at_];
      bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      if (!word)
        break;
      ++at_;
    }
    return source_.substr(start, at_ - start);
  }

  bool accept(char c) {
    auto at = at_;
    // No space inside a path, so that `a .b` is not taken for one by surprise; before `(`, `,`, `)`, `]` it does no harm.
    if (c != '.' && c != '[')
      while (at < source_.size() && is_space(source_[at]))
        ++at;
    if (at >= source_.size() || source_[at] != c)
      return false;
    at_ = at + 1;
    return true;
  }

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  void space() {
    while (at_ < source_.size() && is_space(source_[at_]))
      ++at_;
  }

  tl::unexpected<events::error> fail(std::string why) const {
    return events::failure(events::errc::invalid, std::move(why), place_of(source_, at_));
  }

  std::string_view source_;
  std::size_t at_;
  template_about about_;
};

} // namespace

events::outcome<template_node> parse_expression(std::string_view source, std::size_t& at, template_about about) {
  parser p{source, at, about};
  auto node = p.all();
  at = p.at();
  return node;
}

} // namespace hourglass::mock
