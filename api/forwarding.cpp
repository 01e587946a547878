// How endpoints ask their upstreams. What each forwards to is said with the endpoint itself (mock_endpoints.cpp).
#include "api/core.hpp"
#include "api/routes.hpp"
#include "http/pem.hpp"

namespace hourglass::api {

using events::errc;

namespace {

constexpr std::size_t authorities_most = 16;

/// That they are certificates is for http to say; the core keeps them as text.
events::outcome<void> check_authorities(const nlohmann::json& body) {
  const auto clients = body.find("clients");
  if (clients == body.end() || !clients->is_object())
    return {};
  for (const auto& [root, client] : clients->items()) {
    const auto pem = client.is_object() ? client.find("authorities") : client.end();
    if (!client.is_object() || pem == client.end() || !pem->is_string())
      continue;
    if (auto read = http::read_certificates(pem->get_ref<const std::string&>(), authorities_most); !read)
      return events::failure(errc::invalid, read.error(), mock::pointer_to("/clients", root) + "/authorities");
  }
  return {};
}

void get(core& in, const call_ptr& c) {
  in.look<mock::endpoint_state>(c, [](const mock::endpoint_state& s, events::virtual_time) -> events::outcome<std::string> { return mock::forwarding_json(s); });
}

void put(core& in, const call_ptr& c) {
  if (auto fine = check_authorities(c->body); !fine)
    return c->fail(fine.error());
  in.change(c, mock::endpoint_command{mock::put_forwarding{c->request->body}});
}

void give_new_targets(core& in, const call_ptr& c) { in.change(c, mock::endpoint_command{mock::retarget_endpoints{c->request->body}}); }

} // namespace

void add_forwarding(router& to) {
  constexpr std::string_view tag = "forwarding";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/forwarding", .id = "getForwarding", .tag = tag,
          .says = "How the endpoints of each project ask their upstreams", .who = access::sandbox, .answers = {{200, "Forwarding"}}, .run = get});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/forwarding", .id = "putForwarding", .tag = tag,
          .says = "Says how the endpoints of each project ask their upstreams, and replaces what was said before", .who = access::sandbox, .takes = body::json,
          .body_schema = "Forwarding", .answers = {{200, "Forwarding"}}, .run = put});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/forwarding/retarget", .id = "retargetEndpoints", .tag = tag,
          .says = "Gives all endpoints that forward, or those of a project, another target; all or none", .who = access::sandbox, .takes = body::json,
          .body_schema = "RetargetIn", .answers = {{200, "Retargeted"}}, .run = give_new_targets});
}

} // namespace hourglass::api
