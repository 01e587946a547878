#include "actors/transformation_task.hpp"
#include "api/core.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "webhook/inputs.hpp"
#include "webhook/views.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

namespace views = webhook::views;
using state = webhook::outbox_state;

void show(core& in, const call_ptr& c) {
  in.look<state>(c, [id = c->param("endpoint_id")](const state& s, events::virtual_time) -> events::outcome<std::string> {
    const auto* d = s.find(id);
    if (d == nullptr)
      return failure(errc::not_found, "there is no such endpoint");
    return views::transformation_out(*d);
  });
}

void change(core& in, const call_ptr& c) {
  auto read = webhook::read_transformation_patch(c->request->body);
  if (!read)
    return c->fail(read.error());
  read->id = c->param("endpoint_id");
  in.change(c, webhook::command{std::move(*read)});
}

// -- a trial ------------------------------------------------------------------------------

struct trial {
  webhook::transformation_trial asked;
  webhook::transformation what;
  std::string url;
  webhook::signature_profile profile = webhook::signature_profile::standard;
  events::virtual_time now;
  mock::script_outcome outcome;
};

std::string result_of(const trial& t) {
  auto made = actors::result_of(t.outcome, t.what.code, t.profile);
  std::string out;
  events::json_text j{out};
  j.open_object();
  if (made) {
    j.key("cancel").value(made->cancel);
    if (!made->cancel) {
      j.key("method").value(made->method).key("url").value(made->url).key("payload").raw(made->body).key("headers").open_object();
      for (const auto& h : made->headers)
        j.key(h.name).value(std::string_view{h.value});
      j.close_object();
    }
  } else {
    j.key("error").open_object().key("message").value(t.outcome.error ? t.outcome.error->message : made.error().detail);
    if (t.outcome.error) {
      const auto e = actors::within(*t.outcome.error, t.what.code);
      j.key("kind").value(mock::to_string(e.fault)).key("line").value(e.line).key("column").value(e.column).key("stack").value(e.stack);
    }
    j.close_object();
  }
  j.key("console").open_array();
  for (const auto& line : t.outcome.console)
    j.open_array().value(line.level).value(line.text).close_array();
  j.close_array().close_object();
  return out;
}

void run(core& in, const call_ptr& c, const std::shared_ptr<trial>& t) {
  if (t->what.code.empty())
    return c->fail({errc::invalid, "the endpoint has no code, and none is given", "/code"});
  if (auto fine = webhook::validate(t->what); !fine)
    return c->fail(fine.error());
  in.run_apart(
      c,
      [t, sandbox = c->sandbox.to_string()](mock::script_engine& engine, std::function<void()> ran) {
        auto input = webhook::script_input(t->what, t->url, t->asked.event_type, t->asked.payload);
        engine.run(actors::transformation_task(sandbox, t->what.code, std::move(input), t->now, events::draw_entropy()),
                   [t, ran = std::move(ran)](mock::script_outcome o) {
                     t->outcome = std::move(o);
                     ran();
                   });
      },
      [t](const call_ptr& done) {
        if (auto made = actors::result_of(t->outcome, t->what.code, t->profile); !made && made.error().code == errc::unavailable)
          return done->fail(made.error());
        done->answer(200, result_of(*t));
      });
}

void simulate(core& in, const call_ptr& c) {
  auto read = webhook::read_transformation_trial(c->request->body);
  if (!read)
    return c->fail(read.error());
  auto t = std::make_shared<trial>();
  t->asked = std::move(*read);
  in.look<state>(
      c, c->sandbox,
      [t, id = c->param("endpoint_id")](const state& s, events::virtual_time now) -> events::outcome<std::string> {
        const auto* d = s.find(id);
        if (d == nullptr)
          return failure(errc::not_found, "there is no such endpoint");
        t->what = d->transform.get();
        t->what.code = t->asked.code.value_or(std::move(t->what.code));
        t->what.variables = t->asked.variables.value_or(std::move(t->what.variables));
        t->url = d->url;
        t->profile = d->profile;
        t->now = now;
        return "{}";
      },
      [&in, t](const call_ptr& found, actors::receipt) { run(in, found, t); });
}

} // namespace

} // namespace svix

void add_transformations(router& to) {
  constexpr std::string_view one = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/transformation";
  auto add = [&](route r) {
    r.tag = "endpoint";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "GET", .path = one, .id = "v1.endpoint.transformation.get", .says = "The script that changes what is sent to an endpoint",
       .answers = {{200, "EndpointTransformationOut"}}, .portal = capability::view, .run = svix::show});
  add({.method = "PATCH", .path = one, .id = "v1.endpoint.transformation.patch",
       .says = "Sets or takes away the script that changes what is sent: it declares handler(webhook). Must compile: otherwise 422 with line and column",
       .takes = body::unread_json, .body_schema = "EndpointTransformationPatch", .answers = {{204}},
       .portal = capability::transformations, .run = svix::change});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/transformation/simulate", .id = "v1.endpoint.transformation.simulate",
       .says = "What a script makes of a message. Sends and changes nothing",
       .takes = body::unread_json, .body_schema = "EndpointTransformationSimulateIn",
       .answers = {{200, "EndpointTransformationSimulateOut"}}, .portal = capability::transformations, .run = svix::simulate});
}

} // namespace hourglass::api
