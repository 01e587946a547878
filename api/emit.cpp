#include "api/core.hpp"
#include "api/input.hpp"
#include "api/routes.hpp"

namespace hourglass::api {

namespace {

void emit(core& in, const call_ptr& c) {
  auto& text = c->request->body; // these very bytes are signed and sent
  if (auto good = check_json(text); !good)
    return c->fail(good.error());
  auto first = text.find_first_not_of(" \t\r\n");
  if (text[first] != '{')
    return c->fail({events::errc::invalid, "the payload must be a JSON object", "/"});
  webhook::create_message what;
  what.event_type = c->param("type");
  what.payload = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  in.change(c, webhook::command{std::move(what)}, 202);
}

} // namespace

void add_emit(router& to) {
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/events/{type}", .id = "emitEvent", .tag = "events",
          .says = "Emits a webhook message of this type with the body as its payload; durable when answered", .who = access::sandbox,
          .takes = body::unread_json, .body_schema = "AnyObject", .answers = {{202, "MessageOut"}}, .run = emit});
}

} // namespace hourglass::api
