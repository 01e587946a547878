#include "mock/match_subject.hpp"

#include "mock/negotiation.hpp"
#include "mock/parameter.hpp"
#include "mock/target.hpp"

namespace hourglass::mock {

const json_value* body_view::json(schema_purse& purse) {
  if (!json_read_) {
    json_read_ = true;
    if (purse.spend(1 + bytes_.size() / 16))
      if (auto v = parse_json(bytes_))
        json_ = std::move(*v);
  }
  return json_ ? &*json_ : nullptr;
}

const xml_document* body_view::xml(schema_purse& purse) {
  if (!xml_read_) {
    xml_read_ = true;
    if (purse.spend(1 + bytes_.size() / 16))
      xml_ = xml_document::read(bytes_);
  }
  return xml_.get();
}

match_subject::match_subject(const request& req) : body(req.body), req_(req) {}

const fields& match_subject::query() {
  if (!query_) {
    query_ = parse_query(split_target(req_.target).query);
    purse.spend(1 + req_.target.size() / 16);
  }
  return *query_;
}

const fields& match_subject::cookies() {
  if (!cookies_) {
    reading how{purse};
    cookies_ = cookie_pairs(req_.headers, how);
  }
  return *cookies_;
}

const fields& match_subject::form() {
  if (!form_) {
    form_.emplace();
    const auto* type = find(req_.headers, "content-type");
    if (type != nullptr && media_essence(*type) == "application/x-www-form-urlencoded" && purse.spend(1 + req_.body.size() / 16))
      form_ = parse_query(req_.body);
  }
  return *form_;
}

std::vector<match_subject::part>& match_subject::parts() {
  if (!parts_) {
    parts_.emplace();
    const auto* type = find(req_.headers, "content-type");
    if (type != nullptr && purse.spend(1 + req_.body.size() / 16))
      if (auto read = read_multipart(*type, req_.body))
        for (auto& one : *read) {
          const auto bytes = one.body;
          parts_->push_back({std::move(one), body_view{bytes}});
        }
  }
  return *parts_;
}

match_subject::graphql_read& match_subject::read_operation() {
  if (graphql_)
    return *graphql_;
  graphql_ = std::make_unique<graphql_read>();
  auto& in = *graphql_;
  in.whole = read_graphql(req_, body.json(purse));
  if (!in.whole || !purse.spend(1 + in.whole->query.size() / 4))
    return in;
  auto tokens = graphql_tokens(in.whole->query);
  auto operations = tokens ? graphql_operations(*tokens) : std::nullopt;
  if (!operations)
    return in;
  in.tokens = std::move(*tokens);
  const auto& name = in.whole->operation_name;
  for (auto& o : *operations)
    if (name.empty() ? operations->size() == 1 : o.name == name)
      in.operation = std::move(o);
  return in;
}

const graphql_request* match_subject::graphql_whole() {
  auto& in = read_operation();
  return in.whole ? &*in.whole : nullptr;
}
const graphql_operation* match_subject::graphql() {
  auto& in = read_operation();
  return in.operation ? &*in.operation : nullptr;
}
const std::vector<std::string_view>& match_subject::graphql_text() {
  return read_operation().tokens;
}

} // namespace hourglass::mock
