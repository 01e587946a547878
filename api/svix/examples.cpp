#include "api/core.hpp"
#include "api/input.hpp"
#include "api/reserved.hpp"
#include "api/routes.hpp"

#include "events/digest.hpp"
#include "mock/json_value.hpp"
#include "mock/sample.hpp"
#include "webhook/inputs.hpp"

#include <algorithm>
#include <memory>

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace svix {

namespace {

using state = webhook::outbox_state;

/// What Svix sends for a type that needs no catalogue: to see whether an endpoint is there at all.
constexpr std::string_view ping_type = "svix.ping";
constexpr std::string_view ping_payload = R"({"success":true})";

/// The schema of the highest version; versions are numbers written as text.
const json* newest(const json& schemas) {
  const json* out = nullptr;
  std::string best;
  for (auto& [version, schema] : schemas.items())
    if (schema.is_object() && (!out || webhook::is_newer_version(version, best))) {
      best = version;
      out = &schema;
    }
  return out;
}

/// A value that fits the schema, the same each time.
events::outcome<std::string> made_up(const json& schema, std::string_view type) {
  auto root = mock::parse_json(schema.dump());
  if (!root)
    return failure(errc::invalid, "no example can be made of this event type's schema: " + root.error().detail, "/eventType");
  auto hash = events::sha256({type});
  events::entropy seed{};
  std::copy_n(hash.begin(), seed.size(), seed.begin());
  auto value = mock::sampler{*root, seed, {}}.sample(*root, type);
  if (!value.is_object())
    return failure(errc::invalid, "the schema of this event type has no example, and none that is an object can be made of it", "/eventType");
  return mock::to_text(value);
}

/// The payload to show for a type: an example of its schema's, as written there, else one that fits it.
events::outcome<std::string> example_of(const webhook::event_type& type, std::size_t index) {
  auto schemas = type.schemas.empty() ? json{} : json::parse(type.schemas, nullptr, false);
  const auto* schema = schemas.is_object() ? newest(schemas) : nullptr;
  if (!schema)
    return failure(errc::invalid, "this event type has no schema to take an example from", "/eventType");
  auto examples = schema->find("examples");
  if (examples != schema->end() && examples->is_array() && !examples->empty()) {
    if (index >= examples->size())
      return failure(errc::invalid, "this event type has " + std::to_string(examples->size()) + " examples", "/exampleIndex");
    if (!(*examples)[index].is_object())
      return failure(errc::invalid, "this example is not a JSON object", "/exampleIndex");
    return (*examples)[index].dump();
  }
  if (index != 0)
    return failure(errc::invalid, "this event type has no such example", "/exampleIndex");
  if (auto one = schema->find("example"); one != schema->end() && one->is_object())
    return one->dump();
  return made_up(*schema, type.name);
}

/// What is wrong with it on purpose.
struct wanted_fault {
  webhook::delivery_fault what = webhook::delivery_fault::none;
  std::size_t copies = 2; ///< of a duplicate; or so many messages in the wrong order
};

constexpr std::int64_t copies_most = 10;
constexpr events::duration between_reordered{std::chrono::seconds{1}};

/// Sent again, so many times more, under the same id: each a wish that is durable before the next.
void send_again(core& in, const call_ptr& c, webhook::resend what, std::size_t more, std::string reply) {
  if (more == 0)
    return c->answer(202, std::move(reply));
  in.change(c, c->sandbox, webhook::command{what}, [&in, what, more, reply = std::move(reply)](const call_ptr& done, actors::receipt) mutable {
    send_again(in, done, std::move(what), more - 1, std::move(reply));
  });
}

/// The first of them last: each falls due before the one that was made before it.
void send_reordered(core& in, const call_ptr& c, webhook::create_message what, events::virtual_time from, std::size_t left, nlohmann::json sent) {
  if (left == 0)
    return c->answer(202, nlohmann::json{{"data", std::move(sent)}});
  what.deliver_at = from + events::duration{between_reordered * static_cast<std::int64_t>(left)};
  in.change(c, c->sandbox, webhook::command{what}, [&in, what, from, left, sent = std::move(sent)](const call_ptr& done, actors::receipt r) mutable {
    sent.push_back(nlohmann::json::parse(r.reply, nullptr, false));
    send_reordered(in, done, std::move(what), from, left - 1, std::move(sent));
  });
}

void send(core& in, const call_ptr& c, std::string type, events::outcome<std::string> payload, wanted_fault fault) {
  if (!payload)
    return c->fail(payload.error());
  webhook::create_message what;
  what.event_type = std::move(type);
  what.payload = std::move(*payload);
  what.only_to = c->param("endpoint_id");
  what.fault = fault.what;
  if (fault.what == webhook::delivery_fault::reordered) {
    auto now = std::make_shared<events::virtual_time>();
    return in.look<state>(
        c, c->sandbox,
        [now](const state&, events::virtual_time at) -> events::outcome<std::string> {
          *now = at;
          return "{}";
        },
        [&in, what = std::move(what), now, count = fault.copies](const call_ptr& looked, actors::receipt) {
          send_reordered(in, looked, what, *now + events::duration{std::chrono::seconds{1}}, count, nlohmann::json::array());
        });
  }
  if (fault.what != webhook::delivery_fault::duplicate)
    return in.change(c, webhook::command{std::move(what)}, 202);
  const auto about = webhook::message_ref{{}, 0, what.event_type, what.payload.size()};
  in.change(c, c->sandbox, webhook::command{what}, [&in, about, to = what.only_to, more = fault.copies - 1](const call_ptr& made, actors::receipt r) mutable {
    const auto told = json::parse(r.reply, nullptr, false);
    webhook::resend again{about, to};
    again.message.id = told.value("id", "");
    again.message.seq = r.first;
    send_again(in, made, std::move(again), more, std::move(r.reply));
  });
}

/// Looks for the type in the sandbox's own catalogue, which an imported document fills, then in the node's.
void find_and_send(core& in, const call_ptr& c, const std::string& type, std::size_t index, wanted_fault fault, std::vector<events::sandbox_id> where) {
  if (where.empty())
    return c->fail({errc::not_found, "there is no such event type", "/eventType"});
  auto here = where.front();
  where.erase(where.begin());
  auto found = std::make_shared<std::optional<events::outcome<std::string>>>();
  in.look<state>(
      c, here,
      [type, index, found, who = c->who](const state& s, events::virtual_time) -> events::outcome<std::string> {
        if (auto it = s.event_types().find(type); it != s.event_types().end() && who.sees(it->second.feature_flags))
          *found = example_of(it->second, index);
        return "{}";
      },
      [&in, type, index, fault, found, where = std::move(where)](const call_ptr& looked, actors::receipt) {
        *found ? send(in, looked, type, std::move(**found), fault) : find_and_send(in, looked, type, index, fault, where);
      });
}

void send_example(core& in, const call_ptr& c) {
  input body{c->body};
  auto type = body.text("eventType", 1, 256);
  auto index = body.optional_integer("exampleIndex", 0, 1'000).value_or(0);
  wanted_fault fault;
  if (auto name = body.optional_text("fault", 1, 32)) {
    if (auto known = webhook::delivery_fault_from(*name))
      fault.what = *known;
    else
      body.reject("fault", "must be bad_signature, missing_signature, stale_timestamp, future_timestamp, changed_body, duplicate or reordered");
  }
  if (auto copies = body.optional_integer("copies", 2, copies_most))
    fault.copies = static_cast<std::size_t>(*copies);
  if (auto fine = body.done(unknown::ignore); !fine)
    return c->fail(fine.error());
  if (type == ping_type)
    return send(in, c, std::move(type), std::string{ping_payload}, fault);
  std::vector<events::sandbox_id> where{c->sandbox};
  if (auto catalogue = in.node.resolve(catalogue_uid))
    where.push_back(*catalogue);
  find_and_send(in, c, type, static_cast<std::size_t>(index), fault, std::move(where));
}

} // namespace

} // namespace svix

void add_examples(router& to) {
  to.add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/send-example", .id = "v1.endpoint.send-example",
          .tag = "endpoint", .says = "Sends an example of an event type to this endpoint alone, whatever its filters: one of its schema's, else one made up to fit. Or one that goes wrong on purpose, and says so in its attempts",
          .who = access::sandbox, .speaks = dialect::svix, .takes = body::json, .body_schema = "EventExampleIn",
          .answers = {{202, "MessageOut"}}, .portal = capability::attempts, .run = svix::send_example});
}

} // namespace hourglass::api
