#include "api/core.hpp"
#include "api/input.hpp"
#include "api/routes.hpp"

#include "events/limits.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

using state = mock::data_state;

void all(core& in, const call_ptr& c) {
  in.look<state>(c, [](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto out = json{{"env", json::object()}};
    for (auto& [name, value] : s.env)
      out["env"][name] = value;
    return out.dump();
  });
}

void one(core& in, const call_ptr& c) {
  in.look<state>(c, [name = c->param("name")](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto it = s.env.find(name);
    if (it == s.env.end())
      return failure(errc::not_found, "there is no such env parameter");
    return json{{"name", name}, {"value", it->second}}.dump();
  });
}

void put(core& in, const call_ptr& c) {
  input body{c->body};
  auto value = body.text("value", 0, limits::data_value_bytes);
  if (auto fine = body.done(); !fine)
    return c->fail(fine.error());
  in.change(c, c->sandbox, mock::data_command{mock::put_env{c->param("name"), std::move(value)}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

void remove(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::data_command{mock::remove_env{c->param("name")}},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

} // namespace

void add_env(router& to) {
  constexpr std::string_view tag = "env";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/env", .id = "listEnv", .tag = tag, .says = "All env parameters",
          .who = access::sandbox, .answers = {{200, "Env"}}, .run = all});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/env/{name}", .id = "getEnv", .tag = tag, .says = "One env parameter",
          .who = access::sandbox, .answers = {{200, "EnvEntry"}}, .run = one});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/env/{name}", .id = "putEnv", .tag = tag,
          .says = "Sets an env parameter, which templates read as env.NAME", .who = access::sandbox, .takes = body::json,
          .body_schema = "EnvPut", .answers = {{204}}, .run = put});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/env/{name}", .id = "deleteEnv", .tag = tag,
          .says = "Removes an env parameter", .who = access::sandbox, .answers = {{204}}, .run = remove});
}

} // namespace hourglass::api
