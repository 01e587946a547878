#include "mock/graphql_match.hpp"

#include "mock/object_reader.hpp"
#include "mock/refusal.hpp"
#include "mock/secret_names.hpp"

#include <algorithm>

namespace hourglass::mock {

events::outcome<graphql_match> graphql_match::compile(const json_value& v, const std::string& at, match_budget& budget) {
  object_reader in{v, at};
  in.only({"type", "name", "field", "query", "variables"});
  graphql_match out{v};
  out.where_ = at;
  out.type_ = in.text("type", 32);
  if (!out.type_.empty() && out.type_ != "query" && out.type_ != "mutation" && out.type_ != "subscription")
    in.fail("must be query, mutation or subscription", "type");
  const auto query = in.text("query", limits::match_bytes);
  if (in.has("query")) {
    auto tokens = graphql_tokens(query);
    if (!tokens || !graphql_operations(*tokens))
      in.fail("is no GraphQL document with an operation", "query");
    else
      out.tokens_.assign(tokens->begin(), tokens->end());
  }
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  for (const auto* name : {"name", "field"})
    if (const auto* member = v.member(name)) {
      auto condition = text_condition::compile(*member, in.where(name), budget);
      if (!condition)
        return tl::unexpected<events::error>{std::move(condition).error()};
      (name == std::string_view{"name"} ? out.name_ : out.field_) = std::move(*condition);
    }
  if (const auto* variables = v.member("variables")) {
    auto json = json_match::compile(*variables, in.where("variables"), budget);
    if (!json)
      return tl::unexpected<events::error>{std::move(json).error()};
    out.variables_ = std::move(*json);
  }
  return out;
}

const char* graphql_match::fault(match_subject& of) const {
  const auto* operation = of.graphql();
  if (operation == nullptr)
    return "";
  if (!type_.empty() && operation->type != type_)
    return "type";
  const std::string_view name = operation->name;
  if (name_ && !name_->holds({&name, name.empty() ? std::size_t{0} : std::size_t{1}}, of.purse))
    return "name";
  const std::vector<std::string_view> asked(operation->fields.begin(), operation->fields.end());
  if (field_ && !field_->holds(asked, of.purse))
    return "field";
  const auto& came = of.graphql_text();
  if (!tokens_.empty() && !std::equal(tokens_.begin(), tokens_.end(), came.begin(), came.end()))
    return "query";
  static const json_value none = json_value::object();
  const auto& variables = of.graphql_whole()->variables;
  if (variables_ && !variables_->holds(variables.is_null() ? none : variables, of.purse))
    return "variables";
  return nullptr;
}

bool graphql_match::holds(match_subject& of) const {
  return fault(of) == nullptr && !of.purse.empty();
}

match_difference graphql_match::difference(match_subject& of) const {
  const auto* what = fault(of);
  match_difference out{where_, {}, std::nullopt, false, {}};
  const auto* operation = of.graphql();
  if (what == nullptr || operation == nullptr) {
    out.detail = "the request has no GraphQL operation, or does not say which of several it means";
    return out;
  }
  const std::string_view member = what;
  out.where = pointer_to(where_, member);
  if (const auto* wanted = wanted_.member(member); wanted != nullptr && member != "query" && !tells_secret(*wanted)) // a document has literals
    out.wanted = quoted(to_text(*wanted));
  if (member == "type") {
    out.came = operation->type;
  } else if (member == "name") {
    if (!operation->name.empty())
      out.came = quoted(operation->name);
  } else if (member == "field") {
    std::string all;
    for (std::size_t i = 0; i < std::min<std::size_t>(operation->fields.size(), 5); ++i)
      all += (i == 0 ? "" : ", ") + quoted(operation->fields[i]);
    out.came = all;
  } else if (member == "query") {
    out.came = quoted(operation->type + ' ' + operation->name);
    out.detail = "the document is another";
  } else {
    out.hidden = true; // variables are what users type
    out.came = std::string{};
    const auto& variables = of.graphql_whole()->variables;
    out.detail = "differs at " + quoted(variables_->first_difference(variables.is_null() ? json_value::object() : variables, of.purse));
  }
  return out;
}

} // namespace hourglass::mock
