#include "api/core.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

using state = mock::data_state;

constexpr std::size_t page_bytes = 4 << 20; // it is put together on a thread that others need

void namespaces(core& in, const call_ptr& c) {
  in.look<state>(c, [](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto out = json{{"data", json::array()}, {"bytes", s.bytes}};
    for (auto& [name, items] : s.namespaces)
      out["data"].push_back({{"namespace", name}, {"items", items.size()}});
    return out.dump();
  });
}

/// The stored values are JSON texts already: they go out as they are.
void items(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto limit = q.limit();
  auto cursor = q.text("cursor", 1024).value_or("");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto after = from_cursor_of("item/" + c->param("namespace"), cursor);
  if (!after)
    return c->fail(after.error());
  in.look<state>(c, [space = c->param("namespace"), after = std::move(*after),
                     limit](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto found = s.list(space, after, limit);
    std::string out = R"({"data":[)";
    std::size_t taken = 0;
    for (; taken < found.size() && (taken == 0 || out.size() + found[taken].second->size() <= page_bytes); ++taken)
      out.append(taken == 0 ? "" : ",").append(R"({"key":)").append(json(*found[taken].first).dump()).append(R"(,"value":)")
          .append(*found[taken].second).append("}");
    const bool more = found.size() == limit || taken < found.size();
    found.resize(taken);
    out += R"(],"next_cursor":)";
    out += more ? json(to_cursor_of("item/" + space, *found.back().first)).dump() : "null";
    return out + '}';
  });
}

void item(core& in, const call_ptr& c) {
  in.look<state>(c, [space = c->param("namespace"),
                     key = c->param("key")](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto* value = s.find(space, key);
    if (!value)
      return failure(errc::not_found, "there is no such item");
    return *value;
  });
}

void put(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::data_command{mock::put_item{c->param("namespace"), c->param("key"), c->request->body}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

void remove(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::data_command{mock::remove_item{c->param("namespace"), c->param("key")}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

void clear(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::data_command{mock::clear_namespace{c->param("namespace")}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

} // namespace

void add_data(router& to) {
  constexpr std::string_view tag = "data";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/data", .id = "listNamespaces", .tag = tag,
          .says = "Namespaces of the sandbox's data, and its size", .who = access::sandbox, .answers = {{200, "NamespaceList"}},
          .run = namespaces});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/data/{namespace}", .id = "listItems", .tag = tag,
          .says = "Items of a namespace, by key; empty when there is none", .who = access::sandbox,
          .query = {{"limit", "integer", "Page size, 1 to 250; 50 if absent"}, {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "ItemList"}}, .run = items});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/data/{namespace}", .id = "clearNamespace", .tag = tag,
          .says = "Removes every item of a namespace", .who = access::sandbox, .answers = {{204}}, .run = clear});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/data/{namespace}/{key}", .id = "getItem", .tag = tag,
          .says = "The JSON value of one item", .who = access::sandbox, .answers = {{200, "AnyValue"}}, .run = item});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/data/{namespace}/{key}", .id = "putItem", .tag = tag,
          .says = "Stores any JSON value under a key", .who = access::sandbox, .takes = body::json, .body_schema = "AnyValue",
          .answers = {{204}}, .run = put});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/data/{namespace}/{key}", .id = "deleteItem", .tag = tag,
          .says = "Removes one item", .who = access::sandbox, .answers = {{204}}, .run = remove});
}

} // namespace hourglass::api
