#include "api/core.hpp"
#include "api/input.hpp"
#include "api/routes.hpp"
#include "http/media_type.hpp"
#include "webhook/inputs.hpp"

namespace hourglass::api {

namespace {

void emit(core& in, const call_ptr& c) {
  auto& text = c->request->body; // these very bytes are signed and sent
  webhook::create_message what;
  what.event_type = c->param("type");
  auto type = http::find(c->request->headers, "Content-Type");
  if (!type.empty() && !http::is_json_type(type)) {
    if (type.starts_with("application/x-www-form-urlencoded") && text.starts_with('{') && check_json(text)) // what curl says of itself
      return c->fail({events::errc::invalid, "the payload is JSON, and its Content-Type says that it is a form: send Content-Type: application/json", "body"});
    what.raw = true;
    what.payload_at = "body";
    what.content_type = type;
    what.payload = text;
    return in.change(c, webhook::command{std::move(what)}, 202);
  }
  if (auto good = check_json(text); !good)
    return c->fail(good.error());
  auto first = text.find_first_not_of(" \t\r\n");
  if (text[first] != '{')
    return c->fail({events::errc::invalid, "the payload must be a JSON object", "/"});
  what.payload_at = {};
  what.payload = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  in.change(c, webhook::command{std::move(what)}, 202);
}

void emit_message(core& in, const call_ptr& c) {
  auto what = webhook::read_message_in(c->request->body);
  if (!what)
    return c->fail(what.error());
  in.change(c, webhook::command{*std::move(what)}, 202);
}

} // namespace

void add_emit(router& to) {
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/events/{type}", .id = "emitEvent", .tag = "events",
          .says = "Emits a webhook message of this type with the body as its payload, and the body's Content-Type if that is no JSON; durable when answered",
          .who = access::sandbox, .takes = body::payload, .body_schema = "AnyObject", .answers = {{202, "MessageOut"}}, .run = emit});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/messages", .id = "emitMessage", .tag = "events",
          .says = "Emits a webhook message with channels, tags, a time, headers, or a payload that is text or bytes; durable when answered",
          .who = access::sandbox, .takes = body::unread_json, .body_schema = "MessageIn", .answers = {{202, "MessageOut"}}, .run = emit_message});
}

} // namespace hourglass::api
