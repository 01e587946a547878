#include "api/catalogue.hpp"
#include "api/core.hpp"
#include "api/input.hpp"
#include "api/routes.hpp"
#include "actors/plugins.hpp"
#include "webhook/signing.hpp"

// What the node's operator adds to `$func.plugin`.
namespace hourglass::api {

using events::errc;
using nlohmann::json;

namespace {

events::error no_plugin() { return {errc::not_found, "there is no such plugin", {}}; }

void all(core& in, const call_ptr& c) {
  std::string out = R"({"data":[)";
  for (const auto& p : in.node.plugins().all())
    out.append(out.back() == '[' ? "" : ",").append(to_json(p->what));
  c->answer(200, out + "]}");
}

void one(core& in, const call_ptr& c) {
  const auto p = in.node.plugins().find(c->param("name"));
  p ? c->answer(200, to_json(p->what)) : c->fail(no_plugin());
}

actors::command item(const std::string& name, std::string text) {
  return mock::data_command{mock::put_item{std::string{actors::plugin_space}, name, std::move(text)}};
}

void store(core& in, const call_ptr& c, std::shared_ptr<const mock::plugin> what) {
  catalogue(in, c, [&in, what = std::move(what)](const call_ptr& ready, const events::sandbox_id& where) {
    auto text = in.node.plugins().sealed(*what, events::draw_entropy());
    if (!text)
      return ready->fail(text.error());
    in.change(ready, where, item(what->name, std::move(*text)), [&in, what](const call_ptr& done, const actors::receipt&) {
      in.node.plugins().put(*what);
      done->answer(200, to_json(*what));
    });
  });
}

void put(core& in, const call_ptr& c) {
  auto read = mock::read_plugin(c->param("name"), c->request->body);
  if (!read)
    return c->fail(read.error());
  if (!read->secret.empty())
    if (auto key = webhook::signing_key::parse(read->secret); !key)
      return c->fail({errc::invalid, key.error().detail, "/http/secret"});
  if (!in.node.plugins().find(read->name) && in.node.plugins().all().size() >= mock::limits_of_plugins::of_the_node)
    return c->fail({errc::too_large, "more plugins than " + std::to_string(mock::limits_of_plugins::of_the_node), {}});
  for (std::size_t i = 0; i < read->sandboxes.size(); ++i) { // by id from now on: a uid may be given away, and taken by another
    const auto id = in.node.resolve(read->sandboxes[i]);
    if (!id)
      return c->fail({id.error().code, id.error().detail, "/sandboxes/" + std::to_string(i)});
    read->sandboxes[i] = id->to_string();
  }
  auto what = std::make_shared<const mock::plugin>(std::move(*read));
  if (!what->is_script())
    return store(in, c, std::move(what));
  auto* engine = in.node.scripts();
  if (engine == nullptr)
    return c->fail({errc::unavailable, "this node has no engine for scripts", "/script"});
  // What does not compile never replaces what does.
  engine->check("plugins", what->source, mock::script_form::function, [&in, c, what](const std::optional<mock::script_error>& e) {
    guarded(c, [&] { e ? c->fail(told(*e, {what->source, mock::script_form::function, "/script"})) : store(in, c, what); });
  });
}

void remove(core& in, const call_ptr& c) {
  const auto name = c->param("name");
  if (!in.node.plugins().find(name))
    return c->fail(no_plugin());
  catalogue(in, c, [&in, name](const call_ptr& ready, const events::sandbox_id& where) {
    in.change(ready, where, mock::data_command{mock::remove_item{std::string{actors::plugin_space}, name}}, [&in, name](const call_ptr& done, const actors::receipt&) {
      in.node.plugins().remove(name);
      done->no_content();
    });
  });
}

} // namespace

void add_plugins(router& to) {
  constexpr std::string_view tag = "plugins";
  to.add({.method = "GET", .path = "/plugins", .id = "listPlugins", .tag = tag, .says = "What scripts may call as $func.plugin.exec, and in which sandboxes",
          .answers = {{200, "PluginList"}}, .run = all});
  to.add({.method = "GET", .path = "/plugins/{name}", .id = "getPlugin", .tag = tag, .says = "One plugin, without its secrets", .answers = {{200, "Plugin"}},
          .run = one});
  to.add({.method = "PUT", .path = "/plugins/{name}", .id = "putPlugin", .tag = tag,
          .says = "Adds or replaces a plugin, whole, for all that call it at once. A script must compile: otherwise 422 with line and column, and the one of before stays",
          .takes = body::json, .body_schema = "PluginPut", .answers = {{200, "Plugin"}}, .run = put});
  to.add({.method = "DELETE", .path = "/plugins/{name}", .id = "deletePlugin", .tag = tag, .says = "Removes a plugin; what it was called for stays recorded",
          .answers = {{204}}, .run = remove});
}

} // namespace hourglass::api
