#include "api/core.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "mock/scenario.hpp"
#include "mock/seed.hpp"

// Seeding, scenario packs and chaos profiles.
namespace hourglass::api {

using events::errc;
using events::failure;

namespace {

using data = mock::data_state;

std::string collections_of(const mock::endpoint_state& s, events::virtual_time) { return collections_for_seeding(s); }

/// Submits what needs to know the collections of the sandbox's document.
void with_collections(core& in, const call_ptr& c, std::function<mock::data_command(std::string collections)> make) {
  in.look<mock::endpoint_state>(c, c->sandbox, collections_of, [&in, make = std::move(make)](const call_ptr& done, actors::receipt r) {
    in.change(done, make(std::move(r.reply)));
  });
}

void seed(core& in, const call_ptr& c) {
  with_collections(in, c, [c](std::string collections) { return mock::data_command{mock::seed_data{c->request->body, std::move(collections), nullptr}}; });
}

// -- chaos ------------------------------------------------------------------------------

void list_chaos(core& in, const call_ptr& c) {
  in.look<data>(c, [](const data& s, events::virtual_time) -> events::outcome<std::string> {
    std::string out;
    events::json_text j{out};
    j.open_object().key("data").open_array();
    for (const auto& [endpoint, profile] : s.scenarios.profiles) {
      j.open_object().key("endpoint").value(endpoint).key("chaos").value(profile.what.text);
      if (!profile.what.seed.empty())
        j.key("drawn").value(profile.drawn);
      j.close_object();
    }
    j.close_array().close_object();
    return out;
  });
}

std::string endpoint_of(const call_ptr& c) {
  const bool one = std::any_of(c->path.begin(), c->path.end(), [](const auto& p) { return p.first == "endpoint"; });
  return one ? c->param("endpoint") : std::string{mock::all_endpoints};
}

void put_chaos(core& in, const call_ptr& c) { in.change(c, mock::data_command{mock::put_chaos{endpoint_of(c), c->request->body}}); }

void remove_chaos(core& in, const call_ptr& c) { in.change(c, mock::data_command{mock::remove_chaos{endpoint_of(c)}}); }

// -- packs ------------------------------------------------------------------------------

void list_packs(core& in, const call_ptr& c) {
  in.look<data>(c, [](const data& s, events::virtual_time) -> events::outcome<std::string> {
    std::string out;
    events::json_text j{out};
    j.open_object().key("data").open_array();
    for (const auto& [name, text] : s.scenarios.packs)
      j.value(name);
    j.close_array().key("applied");
    if (s.scenarios.pack)
      j.value(s.scenarios.pack->name);
    else
      j.null();
    j.close_object();
    return out;
  });
}

events::outcome<std::string> text_of_pack(const data& s, const std::string& name) {
  const auto at = s.scenarios.packs.find(name);
  if (at == s.scenarios.packs.end())
    return failure(errc::not_found, "there is no such scenario pack");
  return at->second;
}

void get_pack(core& in, const call_ptr& c) {
  in.look<data>(c, [name = c->param("pack")](const data& s, events::virtual_time) { return text_of_pack(s, name); });
}

void put_pack(core& in, const call_ptr& c) {
  in.change(c, c->sandbox, mock::data_command{mock::put_pack{c->param("pack"), c->request->body}}, [](const call_ptr& done, actors::receipt r) { done->answer(200, std::move(r.reply)); });
}

void remove_pack(core& in, const call_ptr& c) { in.change(c, mock::data_command{mock::remove_pack{c->param("pack")}}); }

void apply_pack(core& in, const call_ptr& c) {
  in.look<data>(c, c->sandbox, [name = c->param("pack")](const data& s, events::virtual_time) { return text_of_pack(s, name); },
                [&in](const call_ptr& done, actors::receipt pack) {
                  with_collections(in, done, [done, text = std::move(pack.reply)](std::string collections) {
                    return mock::data_command{mock::apply_pack{done->param("pack"), text, std::move(collections), nullptr}};
                  });
                });
}

void reset(core& in, const call_ptr& c) { in.change(c, mock::data_command{mock::apply_pack{}}); }

} // namespace

void add_scenarios(router& to) {
  constexpr std::string_view tag = "scenarios";
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/seed", .id = "seedSandbox", .tag = tag,
          .says = "Puts fixtures and generated items into the data, collections of the imported document too, and env: all of it in one step, or nothing. The same document comes to the same bytes, so that a second call changes nothing",
          .who = access::sandbox, .takes = body::json, .body_schema = "SeedDocument", .answers = {{200, "Seeded"}}, .run = seed});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/chaos", .id = "listChaos", .tag = tag,
          .says = "Chaos profiles of the sandbox and its endpoints", .who = access::sandbox, .answers = {{200, "ChaosList"}}, .run = list_chaos});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/chaos", .id = "putChaos", .tag = tag,
          .says = "What is to go wrong with answers of endpoints that have no profile of their own, until it is removed. X-Chaos of a request goes before. With seed=, the first request under the profile always meets the same fate, and so the second, …: putting it again begins anew",
          .who = access::sandbox, .takes = body::json, .body_schema = "ChaosPut", .answers = {{200, "Chaos"}}, .run = put_chaos});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/chaos", .id = "deleteChaos", .tag = tag,
          .says = "Removes that profile", .who = access::sandbox, .answers = {{204}}, .run = remove_chaos});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}/chaos", .id = "putEndpointChaos", .tag = tag,
          .says = "The same for one endpoint, by its id, or its method and path with a blank between; or for all below a path: /stubs/bank/*", .who = access::sandbox, .takes = body::json,
          .body_schema = "ChaosPut", .answers = {{200, "Chaos"}}, .run = put_chaos});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/endpoints/{endpoint}/chaos", .id = "deleteEndpointChaos", .tag = tag,
          .says = "Removes that profile", .who = access::sandbox, .answers = {{204}}, .run = remove_chaos});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/scenarios", .id = "listScenarioPacks", .tag = tag,
          .says = "Names of the scenario packs, and which one was applied last", .who = access::sandbox, .answers = {{200, "ScenarioPackList"}}, .run = list_packs});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/scenarios/reset", .id = "resetScenarios", .tag = tag,
          .says = "Takes back chaos profiles, magic values and scenarios of the pack that was applied last; data and env stay", .who = access::sandbox,
          .answers = {{200, "ScenarioPackApplied"}}, .run = reset});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/scenarios/{pack}", .id = "getScenarioPack", .tag = tag,
          .says = "One scenario pack", .who = access::sandbox, .answers = {{200, "ScenarioPack"}}, .run = get_pack});
  to.add({.method = "PUT", .path = "/sandboxes/{sandbox}/scenarios/{pack}", .id = "putScenarioPack", .tag = tag,
          .says = "Stores a scenario pack: seed document, chaos profiles, magic values, and what each scenario answers. Nothing else changes before it is applied",
          .who = access::sandbox, .takes = body::json, .body_schema = "ScenarioPack", .answers = {{200, "NamedScenarioPack"}}, .run = put_pack});
  to.add({.method = "DELETE", .path = "/sandboxes/{sandbox}/scenarios/{pack}", .id = "deleteScenarioPack", .tag = tag,
          .says = "Removes a scenario pack; what it brought stays", .who = access::sandbox, .answers = {{204}}, .run = remove_pack});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/scenarios/{pack}/apply", .id = "applyScenarioPack", .tag = tag,
          .says = "Everything that the pack brings, in one step. All chaos profiles, magic values and scenarios of before are replaced", .who = access::sandbox,
          .answers = {{200, "ScenarioPackApplied"}}, .run = apply_pack});
}

} // namespace hourglass::api
