#include "mock/request_match.hpp"

#include "events/json_text.hpp"
#include "events/redact.hpp"
#include "events/redact_json.hpp"
#include "mock/match_judge.hpp"
#include "mock/object_reader.hpp"
#include "mock/refusal.hpp"
#include "mock/secret_names.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

outcome<std::shared_ptr<const request_match>> request_match::compile(const json_value& v, const std::vector<std::string>& parameters) {
  static constexpr std::array<std::pair<std::string_view, place>, 5> places{
      {{"params", place::params}, {"query", place::query}, {"headers", place::headers}, {"cookies", place::cookies}, {"form", place::form}}};
  object_reader in{v, "/match"};
  in.only({"target", "params", "query", "headers", "cookies", "form", "multipart", "graphql", "body"});
  auto out = std::make_shared<request_match>();
  match_budget budget;
  if (const auto* target = v.member("target")) {
    auto condition = text_condition::compile(*target, in.where("target"), budget);
    if (!condition)
      return tl::unexpected<events::error>{std::move(condition).error()};
    out->named_.push_back({place::target, {}, in.where("target"), std::move(*condition), 0, tells_secret(*target)});
  }
  for (const auto& [name, where] : places) {
    const auto* list = in.object(name);
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
      const auto at = pointer_to(in.where(name), list->names[i]);
      if (list->member(list->names[i]) != &list->items[i])
        return failure(errc::invalid, "stands twice", at);
      auto condition = text_condition::compile(list->items[i], at, budget);
      if (!condition)
        return tl::unexpected<events::error>{std::move(condition).error()};
      const auto parameter = std::find(parameters.begin(), parameters.end(), list->names[i]);
      if (where == place::params && parameter == parameters.end())
        return failure(errc::invalid, "is no parameter of the path", at);
      if (where == place::headers && !is_token(list->names[i]))
        return failure(errc::invalid, "is no header name", at);
      const bool secret = where == place::cookies || events::is_sensitive_name(list->names[i], {}) ||
                          (where == place::headers && events::redactor::is_sensitive_header(list->names[i]));
      out->named_.push_back({where, list->names[i], at, std::move(*condition), static_cast<std::size_t>(parameter - parameters.begin()), secret});
    }
  }
  if (const auto* parts = v.member("multipart")) {
    if (!parts->is_array())
      return failure(errc::invalid, "must be an array of parts", in.where("multipart"));
    for (std::size_t i = 0; i < parts->items.size(); ++i) {
      auto one = part_match::compile(parts->items[i], in.where("multipart") + '/' + std::to_string(i), budget);
      if (!one)
        return tl::unexpected<events::error>{std::move(one).error()};
      out->parts_.push_back(std::move(*one));
    }
  }
  if (const auto* operation = v.member("graphql")) {
    auto one = graphql_match::compile(*operation, in.where("graphql"), budget);
    if (!one)
      return tl::unexpected<events::error>{std::move(one).error()};
    out->graphql_ = std::move(*one);
  }
  if (const auto* body = v.member("body")) {
    const bool several = body->is_array();
    for (std::size_t i = 0; i < (several ? body->items.size() : 1); ++i) {
      auto one =
          body_condition::compile(several ? body->items[i] : *body, several ? in.where("body") + '/' + std::to_string(i) : in.where("body"), budget);
      if (!one)
        return tl::unexpected<events::error>{std::move(one).error()};
      out->bodies_.push_back(std::move(*one));
    }
  }
  out->regex_steps_ = limits::match_regex_steps - budget.regex_steps;
  return std::shared_ptr<const request_match>{std::move(out)};
}

std::vector<std::string_view> request_match::values(const named& n, match_subject& of, const std::vector<std::string>& captures) const {
  std::vector<std::string_view> out;
  if (n.in == place::target)
    return {of.whole().target};
  if (n.in == place::params) {
    if (n.parameter < captures.size())
      out.emplace_back(captures[n.parameter]);
    return out;
  }
  const auto& pairs = n.in == place::query     ? of.query()
                      : n.in == place::headers ? of.whole().headers
                      : n.in == place::cookies ? of.cookies()
                                               : of.form();
  if (!of.purse.spend(1 + pairs.size()))
    return out;
  for (const auto& p : pairs)
    if (n.in == place::headers ? same_name(p.name, n.name) : p.name == n.name)
      out.emplace_back(n.in == place::headers ? trimmed(p.value) : std::string_view{p.value});
  return out;
}

bool request_match::holds(match_subject& of, const std::vector<std::string>& captures) const {
  return std::all_of(named_.begin(), named_.end(), [&](const named& n) { return n.condition.holds(values(n, of, captures), of.purse); }) &&
         std::all_of(parts_.begin(), parts_.end(), [&](const part_match& p) { return p.holds(of); }) && (!graphql_ || graphql_->holds(of)) &&
         std::all_of(bodies_.begin(), bodies_.end(), [&](const body_condition& b) { return b.holds(of.body, of.purse); }) && !of.purse.empty();
}

bool request_match::is_secret(const named& n, match_subject& of) {
  return n.secret || (n.in == place::target &&
                      std::any_of(of.query().begin(), of.query().end(), [](const auto& p) { return events::is_sensitive_name(p.name, {}); }));
}

request_match::comparison request_match::compare(match_subject& of, const std::vector<std::string>& captures, std::size_t most) const {
  comparison out;
  for (const auto& n : named_) {
    const auto there = values(n, of, captures);
    if (n.condition.holds(there, of.purse)) {
      ++out.held;
      continue;
    }
    out.off_target = out.off_target || n.where == "/match/target";
    if (out.differences.size() >= most)
      continue;
    auto& d = out.differences.emplace_back();
    d.where = n.where;
    d.hidden = is_secret(n, of);
    if (!d.hidden)
      d.wanted = quoted(n.condition.text());
    if (!there.empty()) {
      std::string all;
      for (std::size_t i = 0; !d.hidden && i < std::min<std::size_t>(there.size(), 3); ++i)
        all += (i == 0 ? "" : ", ") + quoted(there[i]);
      d.came = std::move(all);
    }
  }
  auto note = [&](bool holds, auto difference) {
    if (holds)
      ++out.held;
    else if (out.differences.size() < most)
      out.differences.push_back(difference());
  };
  for (const auto& p : parts_)
    note(p.holds(of), [&] { return p.difference(of); });
  if (graphql_)
    note(graphql_->holds(of), [&] { return graphql_->difference(of); });
  for (const auto& b : bodies_)
    note(b.holds(of.body, of.purse), [&] { return b.difference(of.body, of.purse); });
  return out;
}

bool match_judge::has_path(const compiled_endpoint& e) {
  auto path = split_target(req_.target).path;
  for (const auto* root : {&e.spec.project_root, &e.spec.group_root}) {
    if (!path.starts_with(*root))
      return false;
    path.remove_prefix(root->size());
  }
  return path.size() <= limits::endpoint_path_bytes && subject().purse.spend(e.pattern->cost_of(path.size())) && e.pattern->matches(path);
}

} // namespace hourglass::mock
