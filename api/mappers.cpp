#include "api/core.hpp"
#include "api/input.hpp"
#include "api/routes.hpp"
#include "mock/data_names.hpp"
#include "mock/mapper.hpp"
#include "mock/object_reader.hpp"

// Data mappers: kept by name, and tried.
namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

using state = mock::data_state;

void all(core& in, const call_ptr& c) {
  in.look<state>(c, [](const state& s, events::virtual_time) -> events::outcome<std::string> {
    auto out = json{{"data", json::array()}};
    for (const auto& [name, mapper] : s.mappers)
      out["data"].push_back({{"name", name}, {"bytes", s.find(mock::mapper_space, name)->size()}, {"compiles", mapper.compiled != nullptr}});
    return out.dump();
  });
}

events::outcome<std::string> one_of(const state& s, const std::string& name, const std::string& where = {}) {
  const auto* found = s.find(mock::mapper_space, name);
  if (found == nullptr)
    return failure(errc::not_found, "there is no such mapper in this sandbox", where);
  return R"({"name":)" + json(name).dump() + R"(,"mapper":)" + *found + '}';
}

void one(core& in, const call_ptr& c) {
  in.look<state>(c, [name = c->param("name")](const state& s, events::virtual_time) { return one_of(s, name); });
}

void put(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::data_command{mock::put_item{std::string{mock::mapper_space}, c->param("name"), c->request->body}},
            [](const call_ptr& done, const actors::receipt&) {
              const auto mapper = mock::parse_json(done->request->body);
              done->answer(200, R"({"name":)" + json(done->param("name")).dump() + R"(,"mapper":)" + (mapper ? to_text(*mapper) : "null") + '}');
            });
}

void remove(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::data_command{mock::remove_item{std::string{mock::mapper_space}, c->param("name")}}, [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

// -- a trial ------------------------------------------------------------------------------

/// `mapper` stands at `where` of what came.
void apply(const call_ptr& c, const mock::json_value& mapper, const mock::json_value& input, const std::string& where) {
  auto compiled = mock::compiled_mapper::compile(mapper);
  if (!compiled) {
    auto e = std::move(compiled).error();
    e.where = where + e.where;
    return c->fail(e);
  }
  auto made = (*compiled)->apply(input);
  if (!made) {
    auto e = std::move(made).error();
    e.where = where + e.where;
    return c->fail(e);
  }
  c->answer(200, R"({"output":)" + to_text(*made) + '}');
}

void attempt(core& in, const call_ptr& c) {
  auto read = mock::parse_json(c->request->body);
  if (!read)
    return c->fail(read.error());
  auto given = std::make_shared<const mock::json_value>(std::move(*read));
  mock::object_reader body{*given, ""};
  body.only({"mapper", "name", "input"});
  const auto name = body.text("name", 128, body.has("name"));
  if (body.has("mapper") == body.has("name"))
    body.fail("either mapper or name", "mapper");
  if (!body.has("input"))
    body.fail("is required", "input");
  if (body.problem())
    return c->fail(*body.problem());
  if (body.has("mapper"))
    return in.on_reader(c, [given](const call_ptr& done) { apply(done, *given->member("mapper"), *given->member("input"), "/mapper"); });
  in.look<state>(
    c, c->sandbox, [name](const state& s, events::virtual_time) { return one_of(s, name, "/name"); },
    [&in, given](const call_ptr& found, const actors::receipt& r) {
      in.on_reader(found, [given, text = r.reply](const call_ptr& done) {
        const auto stored = mock::parse_json(text);
        if (!stored)
          return done->fail(stored.error());
        apply(done, *stored->member("mapper"), *given->member("input"), "");
      });
    });
}

} // namespace

void add_mappers(router& to) {
  constexpr std::string_view tag = "mappers";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/mappers", .id = "listMappers", .tag = tag, .says = "The data mappers that handlers use by name",
          .who = access::sandbox, .answers = {{200, "MapperList"}}, .run = all});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/mappers/{name}", .id = "getMapper", .tag = tag, .says = "One mapper", .who = access::sandbox,
          .answers = {{200, "NamedMapper"}}, .run = one});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/mappers/{name}", .id = "putMapper", .tag = tag,
          .says = "Adds or replaces a mapper, for all that use it at once. It must be one: otherwise 422 with the place of the rule, and the one of before stays",
          .who = access::sandbox, .takes = body::json, .body_schema = "Mapper", .answers = {{200, "NamedMapper"}}, .run = put});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/mappers/{name}", .id = "deleteMapper", .tag = tag, .says = "Removes a mapper",
          .who = access::sandbox, .answers = {{204}}, .run = remove});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/mappers/try", .id = "tryMapper", .tag = tag,
          .says = "What a mapper, given or stored, makes of an input; changes nothing", .who = access::sandbox, .takes = body::json,
          .body_schema = "MapperTrial", .answers = {{200, "MapperTrialResult"}}, .run = attempt});
}

} // namespace hourglass::api
