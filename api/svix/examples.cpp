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
  std::pair<std::size_t, std::string> best;
  for (auto& [version, schema] : schemas.items())
    if (std::pair rank{version.size(), version}; schema.is_object() && (!out || rank > best)) {
      best = std::move(rank);
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

void send(core& in, const call_ptr& c, std::string type, events::outcome<std::string> payload) {
  if (!payload)
    return c->fail(payload.error());
  webhook::create_message what;
  what.event_type = std::move(type);
  what.payload = std::move(*payload);
  what.only_to = c->param("endpoint_id");
  in.change(c, webhook::command{std::move(what)}, 202);
}

/// Looks for the type in the sandbox's own catalogue, which an imported document fills, then in the node's.
void find_and_send(core& in, const call_ptr& c, const std::string& type, std::size_t index, std::vector<events::sandbox_id> where) {
  if (where.empty())
    return c->fail({errc::not_found, "there is no such event type", "/eventType"});
  auto here = where.front();
  where.erase(where.begin());
  auto found = std::make_shared<std::optional<events::outcome<std::string>>>();
  in.look<state>(
      c, here,
      [type, index, found](const state& s, events::virtual_time) -> events::outcome<std::string> {
        if (auto it = s.event_types().find(type); it != s.event_types().end())
          *found = example_of(it->second, index);
        return "{}";
      },
      [&in, type, index, found, where = std::move(where)](const call_ptr& looked, actors::receipt) {
        *found ? send(in, looked, type, std::move(**found)) : find_and_send(in, looked, type, index, where);
      });
}

void send_example(core& in, const call_ptr& c) {
  input body{c->body};
  auto type = body.text("eventType", 1, 256);
  auto index = body.optional_integer("exampleIndex", 0, 1'000).value_or(0);
  if (auto fine = body.done(unknown::ignore); !fine)
    return c->fail(fine.error());
  if (type == ping_type)
    return send(in, c, std::move(type), std::string{ping_payload});
  std::vector<events::sandbox_id> where{c->sandbox};
  if (auto catalogue = in.node.resolve(catalogue_uid))
    where.push_back(*catalogue);
  find_and_send(in, c, type, static_cast<std::size_t>(index), std::move(where));
}

} // namespace

} // namespace svix

void add_examples(router& to) {
  to.add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/send-example", .id = "v1.endpoint.send-example",
          .tag = "endpoint", .says = "Sends an example of an event type to this endpoint alone, whatever its filters: one of its schema's, else one made up to fit",
          .who = access::sandbox, .speaks = dialect::svix, .takes = body::json, .body_schema = "EventExampleIn",
          .answers = {{202, "MessageOut"}}, .run = svix::send_example});
}

} // namespace hourglass::api
