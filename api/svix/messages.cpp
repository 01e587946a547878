#include "api/core.hpp"
#include "api/input.hpp"
#include "api/routes.hpp"
#include "api/svix/applications.hpp"
#include "api/svix/log_lists.hpp"
#include "events/wall_clock.hpp"
#include "http/client.hpp"
#include "webhook/facts.hpp"
#include "webhook/inputs.hpp"
#include "webhook/raw_member.hpp"

#include <algorithm>

namespace hourglass::api {

namespace svix {

namespace {

/// A MessageOut without its payload; the client has it.
std::string without_content(std::string text) {
  for (const char* name : {"payload", "payloadText", "payloadBase64"})
    if (auto payload = webhook::raw_member(text, name); !payload.empty())
      text.replace(static_cast<std::size_t>(payload.data() - text.data()), payload.size(), name == std::string_view{"payload"} ? "{}" : "null");
  return text;
}

void emit(core& in, const call_ptr& c, webhook::create_message what, bool with_content) {
  in.change(c, c->sandbox, webhook::command{std::move(what)}, [with_content](const call_ptr& done, actors::receipt r) {
    done->answer(202, with_content ? std::move(r.reply) : without_content(std::move(r.reply)));
  });
}

/// What the body brings along, if it is JSON and brings something.
nlohmann::json application_in_message(const std::string& text) {
  auto given = check_json(text) ? webhook::raw_member(text, "application") : std::string_view{};
  return given.empty() ? nlohmann::json{} : nlohmann::json::parse(given, nullptr, false);
}

/// The application of the path is not there. A message that would be refused creates nothing.
void create_with_application(core& in, const call_ptr& c, const nlohmann::json& application, webhook::create_message what, bool with_content) {
  auto text = application_of_path(application, c->param("app_id"), "/application");
  if (!text)
    return c->fail(text.error());
  events::context at_birth;
  at_birth.now.us = events::wall_now().us; // as its clock will have it
  webhook::outbox_state newborn;
  webhook::judge_by(newborn, in.node.schemas(), std::nullopt);
  if (auto fine = webhook::decide(newborn, what, at_birth); !fine)
    return c->fail(fine.error());
  // Its key stands for the message: created twice it is found the second time.
  in.node.create(std::move(*text), {c->who.name(), c->correlation}, [&in, c, what = std::move(what), with_content](events::outcome<actors::receipt> r) {
    guarded(c, [&] {
      auto there = in.node.resolve(c->param("app_id")); // a conflict: somebody else was first
      if (!there)
        return c->fail(r ? there.error() : r.error());
      c->sandbox = *there;
      emit(in, c, what, with_content);
    });
  });
}

void create(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto with_content = q.truth("with_content", true);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  const bool missing = c->sandbox == events::sandbox_id{};
  auto application = missing ? application_in_message(c->request->body) : nlohmann::json{};
  if (missing && application.is_null())
    return c->fail({events::errc::not_found, "there is no such application", {}});
  auto read = webhook::read_message_in(c->request->body);
  if (!read)
    return c->fail(read.error());
  if (missing)
    return create_with_application(in, c, application, std::move(*read), with_content);
  emit(in, c, std::move(*read), with_content);
}

/// A message that brings its endpoint along.
void create_dynamic(core& in, const call_ptr& c) {
  auto read = webhook::read_dynamic_message_in(c->request->body);
  if (!read)
    return c->fail(read.error());
  const auto parsed = http::parse_url(read->where.value.url);
  if (in.options.https_only && parsed && !parsed->secure)
    return c->fail({events::errc::invalid, "must be https: this server sends nowhere else (--https-only)", "/endpoint/url"});
  if (in.options.ed25519_by_default && !read->where.make && read->where.value.secrets.empty() && takes(read->where.value.profile, webhook::key_kind::ed25519))
    read->where.make = webhook::key_kind::ed25519;
  in.change(c, webhook::command{std::move(*read)}, 202);
}

bool has(const std::vector<std::string>& list, const std::optional<std::string>& wanted) {
  return !wanted || std::find(list.begin(), list.end(), *wanted) != list.end();
}

void list(core& in, const call_ptr& c) {
  auto filters = read_log_filters(*c);
  if (!filters)
    return c->fail(filters.error());
  in.on_reader(c, [&in, f = std::move(*filters)](const call_ptr& done) {
    in.catch_up();
    storage::history_query what;
    what.sandbox = done->sandbox;
    what.kinds = {events::kind::message_created};
    auto text = list_log(in.node.store(), what, f, [&](const events::record& r) -> events::outcome<std::optional<std::string>> {
      auto payload = events::upcast(r);
      auto fact = payload ? webhook::decode(r.header.kind, *payload) : tl::unexpected<events::error>{payload.error()};
      if (!fact)
        return tl::unexpected<events::error>{fact.error()};
      auto& m = std::get<webhook::message_created>(*fact);
      if (!has(m.channels, f.channel) || !has(m.tags, f.tag) || (!f.event_types.empty() && !f.event_types.contains(m.event_type)))
        return std::nullopt;
      auto out = views::message_out(r.header, *payload, f.with_content);
      if (!out)
        return tl::unexpected<events::error>{out.error()};
      return std::move(*out);
    });
    text ? done->answer(200, std::move(*text)) : done->fail(text.error());
  });
}

void get(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto with_content = q.truth("with_content", true);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  in.on_reader(c, [&in, with_content](const call_ptr& done) {
    in.catch_up();
    auto found = message_named(in, done->sandbox, done->param("msg_id"));
    if (!found)
      return done->fail(found.error());
    auto text = views::message_out(found->header, found->payload, with_content);
    text ? done->answer(200, std::move(*text)) : done->fail(text.error());
  });
}

} // namespace

} // namespace svix

void add_messages(router& to) {
  constexpr std::string_view base = "/api/v1/app/{app_id}/msg";
  auto add = [&](route r) {
    r.tag = "message";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "POST", .path = base, .id = "v1.message.create",
       .says = "Emits a message; durable when answered, delivered behind the answer. An eventId is taken once per application",
       .query = {{"with_content", "boolean", "Show the payload in the answer"}}, .takes = body::unread_json, .body_schema = "MessageIn",
       .answers = {{202, "MessageOut"}, {409, "SvixError", "The eventId is taken"}}, .may_create = true, .run = svix::create});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/msg/dynamic", .id = "hourglass.message.create-dynamic",
       .says = "Emits a message to the URL that it brings along, and to nobody else. The endpoint is made with the first message for its URL, which others may name too",
       .takes = body::unread_json, .body_schema = "DynamicMessageIn", .answers = {{202, "MessageOut"}, {409, "SvixError", "The endpoint has another secret, or is disabled"}},
       .run = svix::create_dynamic});
  add({.method = "GET", .path = base, .id = "v1.message.list", .says = "Messages, newest first",
       .query = {{"limit", "integer", "1 to 250; 50 if absent"}, {"iterator", "string", "Of the page before; with - backwards"},
                 {"channel", "string", "With this channel"}, {"tag", "string", "With this tag"},
                 {"before", "date-time", "Before, on the sandbox's clock"}, {"after", "date-time", "After, on the sandbox's clock"},
                 {"with_content", "boolean", "Show payloads; true if absent"}, {"event_types", "string", "Comma-separated, or repeated, also as event_types[]"}},
       .answers = {{200, "ListResponseMessageOut"}}, .portal = capability::view, .run = svix::list});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/msg/{msg_id}", .id = "v1.message.get", .says = "One message, by id",
       .query = {{"with_content", "boolean", "Show the payload; true if absent"}}, .answers = {{200, "MessageOut"}},
       .portal = capability::view, .run = svix::get});
}

} // namespace hourglass::api
