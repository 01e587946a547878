#include "api/core.hpp"
#include "api/routes.hpp"
#include "webhook/inputs.hpp"
#include "webhook/views.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

namespace views = webhook::views;
using state = webhook::outbox_state;

template <class Command>
void run(core& in, const call_ptr& c, events::outcome<Command> read, unsigned status) {
  if (!read)
    return c->fail(read.error());
  in.change(c, webhook::command{std::move(*read)}, status);
}

/// All of them: there are few.
template <class Map, class Show>
std::string list_of(const Map& all, Show show) {
  std::string out = R"({"data":[)";
  for (bool first = true; const auto& [name, one] : all)
    out.append(std::exchange(first, false) ? "" : ",").append(show(name, one));
  return out + R"(],"iterator":null,"prevIterator":null,"done":true})";
}

void list(core& in, const call_ptr& c) {
  in.look<state>(c, [](const state& s, events::virtual_time) -> events::outcome<std::string> {
    return list_of(s.pollers(), [](const std::string&, const webhook::poller& p) { return views::poller_out(p); });
  });
}

void show(core& in, const call_ptr& c, std::function<std::string(const webhook::poller&)> view) {
  in.look<state>(c, [id = c->param("sink_id"), view = std::move(view)](const state& s, events::virtual_time) -> events::outcome<std::string> {
    const auto* p = s.find_poller(id);
    if (p == nullptr)
      return failure(errc::not_found, "there is no such polling endpoint");
    return view(*p);
  });
}

void consumers(core& in, const call_ptr& c) {
  show(in, c, [](const webhook::poller& p) { return list_of(p.consumers, views::poller_consumer_out); });
}

void patch(core& in, const call_ptr& c) {
  auto read = webhook::read_poller_patch(c->request->body);
  if (read)
    read->id = c->param("sink_id");
  run(in, c, std::move(read), 200);
}

} // namespace

} // namespace svix

void add_pollers(router& to) {
  constexpr std::string_view base = "/api/v1/app/{app_id}/polling-endpoint";
  constexpr std::string_view one = "/api/v1/app/{app_id}/polling-endpoint/{sink_id}";
  auto add = [&](route r) {
    r.tag = "polling endpoint";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "POST", .path = base, .id = "hourglass.polling-endpoint.create",
       .says = "Adds a polling endpoint: its messages are read from /poller/{id} by whoever wants them, beside what is pushed",
       .takes = body::unread_json,
       .body_schema = "PollingEndpointIn", .answers = {{201, "PollingEndpointConfigOut"}},
       .run = [](core& in, const call_ptr& c) { svix::run(in, c, webhook::read_poller_in(c->request->body), 201); }});
  add({.method = "GET", .path = base, .id = "hourglass.polling-endpoint.list", .says = "All polling endpoints, by id",
       .answers = {{200, "ListResponsePollingEndpointConfigOut"}}, .run = svix::list});
  add({.method = "GET", .path = one, .id = "hourglass.polling-endpoint.get", .says = "One polling endpoint, by id or uid",
       .answers = {{200, "PollingEndpointConfigOut"}}, .run = [](core& in, const call_ptr& c) { svix::show(in, c, svix::views::poller_out); }});
  add({.method = "PATCH", .path = one, .id = "hourglass.polling-endpoint.patch",
       .says = "Changes a polling endpoint; what it gives next is as the new filters say",
       .takes = body::unread_json, .body_schema = "PollingEndpointIn", .answers = {{200, "PollingEndpointConfigOut"}}, .run = svix::patch});
  add({.method = "DELETE", .path = one, .id = "hourglass.polling-endpoint.delete", .says = "Removes a polling endpoint and forgets its consumers",
       .answers = {{204}},
       .run = [](core& in, const call_ptr& c) { in.change(c, webhook::command{webhook::remove_poller{c->param("sink_id")}}); }});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/polling-endpoint/{sink_id}/consumer", .id = "hourglass.polling-endpoint.consumers",
       .says = "The consumers that are remembered, and the event that each has acknowledged last",
       .answers = {{200, "ListResponsePollingConsumerOut"}},
       .run = svix::consumers});
  add({.method = "DELETE", .path = "/api/v1/app/{app_id}/polling-endpoint/{sink_id}/consumer/{consumer_id}",
       .id = "hourglass.polling-endpoint.forget-consumer",
       .says = "Forgets a consumer: it would begin anew", .answers = {{204}},
       .run = [](core& in, const call_ptr& c) {
         in.change(c, webhook::command{webhook::remove_consumer{c->param("sink_id"), c->param("consumer_id")}});
       }});
}

} // namespace hourglass::api
