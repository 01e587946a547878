#include "api/core.hpp"
#include "api/routes.hpp"
#include "api/svix/paging.hpp"
#include "api/svix/standing.hpp"
#include "events/wall_clock.hpp"
#include "http/client.hpp"
#include "webhook/inputs.hpp"
#include "webhook/raw_member.hpp"
#include "webhook/views.hpp"

#include <algorithm>
#include <array>

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

using state = webhook::outbox_state;
auto no_endpoint() {
  return failure(errc::not_found, "there is no such endpoint");
}

/// Answers with one view of the endpoint in the path.
void show(core& in, const call_ptr& c, std::function<std::string(const state&, const webhook::destination&)> view) {
  in.look<state>(c, [id = c->param("endpoint_id"), view = std::move(view)](const state& s, events::virtual_time)
                     -> events::outcome<std::string> {
    auto* d = s.find(id);
    if (!d)
      return no_endpoint();
    return view(s, *d);
  });
}

template <class Command>
void run(core& in, const call_ptr& c, events::outcome<Command> read, unsigned status) {
  if (!read)
    return c->fail(read.error());
  in.change(c, webhook::command{std::move(*read)}, status);
}

template <class Command>
void run_quietly(core& in, const call_ptr& c, events::outcome<Command> read) {
  if (!read)
    return c->fail(read.error());
  in.change(c, c->sandbox, webhook::command{std::move(*read)}, [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

/// Svix's clients of different ages have two names for these; the core has one. Of a body that has been read.
void note_names(call& c) {
  auto text_of = [&c](const char* name) { return webhook::raw_member(c.request->body, name); };
  if (!text_of("eventTypes").empty())
    c.sent_as.emplace_back("/filterTypes", "/eventTypes");
  if (auto given = text_of("throttleRate"); !given.empty() && given != "null")
    c.sent_as.emplace_back("/rateLimit", "/throttleRate");
}

/// What this node was told about all endpoints (`serve --https-only`).
events::outcome<void> allowed(const core& in, std::string_view url) {
  auto parsed = http::parse_url(std::string{url});
  if (in.options.https_only && parsed && !parsed->secure) // what is no URL is refused for that
    return failure(errc::invalid, "must be https: this server sends nowhere else (--https-only)", "/url");
  return {};
}

/// `--signature-default`.
void choose_key(const core& in, const webhook::destination& d, std::optional<webhook::key_kind>& make) {
  if (in.options.ed25519_by_default && !make && d.secrets.empty() && takes(d.profile, webhook::key_kind::ed25519))
    make = webhook::key_kind::ed25519;
}

void create(core& in, const call_ptr& c) {
  auto read = webhook::read_endpoint_in(c->request->body);
  if (read) {
    note_names(*c);
    if (auto ok = allowed(in, read->value.url); !ok)
      return c->fail(ok.error());
    choose_key(in, read->value, read->make);
  }
  run(in, c, std::move(read), 201);
}

/// All or none; what is wrong is told of each.
void create_many(core& in, const call_ptr& c) {
  auto read = webhook::read_endpoints_in(c->request->body);
  if (!read)
    return c->fail(read.error());
  for (auto& one : read->all) {
    if (!one)
      continue;
    if (auto ok = allowed(in, one->value.url); !ok)
      one = tl::unexpected<events::error>{ok.error()};
    else
      choose_key(in, one->value, one->make);
  }
  in.change(c, c->sandbox, webhook::command{std::move(*read)}, [](const call_ptr& done, actors::receipt r) {
    if (!r.reply.starts_with(R"({"errors":)"))
      return done->answer(201, std::move(r.reply));
    auto detail = nlohmann::json::array();
    const auto told = nlohmann::json::parse(r.reply, nullptr, false);
    for (const auto& e : told["errors"]) {
      auto loc = nlohmann::json{"body", "data", std::to_string(e["index"].get<std::size_t>())};
      const auto pointer = e["pointer"].get<std::string>();
      for (auto rest = std::string_view{pointer}; rest.starts_with('/');) {
        rest.remove_prefix(1);
        const auto step = rest.substr(0, rest.find('/'));
        loc.push_back(std::string{step});
        rest.remove_prefix(step.size());
      }
      detail.push_back({{"loc", std::move(loc)}, {"msg", e["detail"]}, {"type", "value_error"}});
    }
    done->answer(422, nlohmann::json{{"detail", std::move(detail)}});
  });
}

void list(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto page = read_page(q);
  auto descending = q.choice("order", {"ascending", "descending"}) == "descending";
  if (!page.after.empty() && !page.after.starts_with("ep_"))
    q.reject("iterator", "is not one that this list gave");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  in.look<state>(c, [page, descending](const state& s, events::virtual_time) -> events::outcome<std::string> {
    // Backwards through a descending list is forwards through the ids.
    auto down = page.backwards != descending;
    auto found = down ? s.list_backwards(page.after, page.limit + 1) : s.list(page.after, page.limit + 1);
    auto more = found.size() > page.limit;
    found.resize(std::min(found.size(), page.limit));
    if (page.backwards)
      std::reverse(found.begin(), found.end());
    std::vector<std::string> items, keys;
    for (auto* d : found) {
      items.push_back(views::endpoint_out(*d));
      keys.push_back(d->id);
    }
    return list_response(page, items, keys, more);
  });
}

void get(core& in, const call_ptr& c) {
  show(in, c, [](const state&, const webhook::destination& d) { return views::endpoint_out(d, events::wall_now()); });
}

/// Svix's PUT creates what is not there.
void update(core& in, const call_ptr& c) {
  auto read = webhook::read_endpoint_update(c->request->body);
  if (!read)
    return c->fail(read.error());
  note_names(*c);
  if (auto ok = allowed(in, read->value.url); !ok)
    return c->fail(ok.error());
  choose_key(in, read->value, read->make);
  read->id = c->param("endpoint_id");
  read->create_if_missing = !read->id.starts_with("ep_");
  if (read->create_if_missing && read->value.uid.empty()) // by its uid: taken away, the same request would make a second one
    read->value.uid = read->id;
  auto id = read->id; // before `what` takes it
  in.look<state>(
      c, c->sandbox,
      [id = std::move(id)](const state& s, events::virtual_time) -> events::outcome<std::string> { return s.find(id) ? "1" : "0"; },
      [&in, what = std::move(*read)](const call_ptr& done, actors::receipt there) {
        in.change(done, webhook::command{what}, there.reply == "1" ? 200 : 201);
      });
}

void patch(core& in, const call_ptr& c) {
  auto read = webhook::read_endpoint_patch(c->request->body);
  if (read) {
    note_names(*c);
    if (auto ok = read->url ? allowed(in, *read->url) : events::outcome<void>{}; !ok)
      return c->fail(ok.error());
    read->id = c->param("endpoint_id");
  }
  run(in, c, std::move(read), 200);
}

void remove(core& in, const call_ptr& c) {
  run_quietly(in, c, events::outcome<webhook::remove_destination>{webhook::remove_destination{c->param("endpoint_id")}});
}

void secret(core& in, const call_ptr& c) {
  in.look<state>(c, [id = c->param("endpoint_id")](const state& s, events::virtual_time now) -> events::outcome<std::string> {
    const auto* d = s.find(id);
    if (!d)
      return no_endpoint();
    return views::endpoint_secret_out(*d, now);
  });
}

/// Too many live secrets are 400 `limit_reached` in Svix, and nothing else that this can meet is too large.
void rotate(core& in, const call_ptr& c, events::outcome<webhook::rotate_secret> read) {
  if (!read)
    return c->fail(read.error());
  read->id = c->param("endpoint_id");
  const bool shows = !read->replace_all; // clients from 2.7 on read the secret, those before do not look
  c->answer_is_secret = shows;
  in.node.submit(c->sandbox, webhook::command{std::move(*read)}, c->caller(), [&in, c, shows](events::outcome<actors::receipt> r) {
    if (r && shows)
      return guarded(c, [&] { secret(in, c); });
    if (r)
      return c->no_content();
    if (r.error().code != errc::too_large)
      return c->fail(r.error());
    c->send(problem_response(400, "limit_reached", r.error().detail, c->correlation, dialect::svix));
  });
}

void headers(core& in, const call_ptr& c) {
  show(in, c, [](const state&, const webhook::destination& d) { return views::endpoint_headers_out(d); });
}

void change_headers(core& in, const call_ptr& c, bool all) {
  auto read = webhook::read_endpoint_headers(c->request->body, all);
  if (read)
    read->id = c->param("endpoint_id");
  run_quietly(in, c, std::move(read));
}

/// With a time range: of the messages that were fanned out in it, how each stands now, as Svix counts.
void stats_between(core& in, const call_ptr& c, std::optional<std::int64_t> since, std::optional<std::int64_t> until) {
  with_endpoint(in, c, c->param("endpoint_id"), [&in, since, until](const call_ptr& found, const std::string& id) {
    auto sent = sent_between(in.node.store(), found->sandbox, id, since, until);
    if (!sent)
      return found->fail(sent.error());
    in.look<state>(
        found, found->sandbox,
        [id, sent = std::move(*sent)](const state& s, events::virtual_time) -> events::outcome<std::string> {
          std::array<std::uint64_t, 5> count{};
          for (auto& [seq, last] : sent)
            ++count.at(static_cast<std::size_t>(views::status_of(s.pending(id, seq), last)));
          auto of = [&count](views::status one) { return count.at(static_cast<std::size_t>(one)); };
          return nlohmann::json{{"success", of(views::status::success)}, {"pending", of(views::status::pending)},
                                {"sending", of(views::status::sending)}, {"fail", of(views::status::fail)},
                                {"canceled", of(views::status::canceled)}}
              .dump();
        },
        [](const call_ptr& done, actors::receipt r) { done->answer(200, std::move(r.reply)); });
  });
}

void health(core& in, const call_ptr& c) {
  in.look<state>(c, [id = c->param("endpoint_id")](const state& s, events::virtual_time now) -> events::outcome<std::string> {
    const auto* d = s.find(id);
    if (!d)
      return no_endpoint();
    return views::endpoint_health_out(*d, *s.guard(d->id), now, s.counts(d->id).held_lines);
  });
}

void stats(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto since = q.instant("since"), until = q.instant("until");
  if (since && until && *until < *since)
    q.reject("until", "must not be before since");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  if (since || until)
    return stats_between(in, c, since, until);
  show(in, c, [](const state& s, const webhook::destination& d) { return views::endpoint_stats(s.counts(d.id)); });
}

} // namespace

} // namespace svix

void add_webhook_endpoints(router& to) {
  constexpr std::string_view tag = "endpoint";
  constexpr std::string_view base = "/api/v1/app/{app_id}/endpoint";
  constexpr std::string_view one = "/api/v1/app/{app_id}/endpoint/{endpoint_id}";
  auto add = [&](route r) {
    r.tag = tag;
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "POST", .path = base, .id = "v1.endpoint.create", .says = "Adds an endpoint: where webhooks go", .takes = body::unread_json,
       .body_schema = "EndpointIn", .answers = {{201, "EndpointOut"}}, .portal = capability::manage_endpoint, .run = svix::create});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/bulk", .id = "hourglass.endpoint.create-many",
       .says = "Adds up to 1,000 endpoints, all or none; says of each what is wrong with it", .takes = body::unread_json, .body_schema = "EndpointsIn",
       .answers = {{201, "EndpointsOut"}}, .run = svix::create_many});
  add({.method = "GET", .path = base, .id = "v1.endpoint.list", .says = "Endpoints, by id",
       .query = {{"limit", "integer", "1 to 250; 50 if absent"}, {"iterator", "string", "Of the page before; with - backwards"},
                 {"order", "string", "ascending or descending"}},
       .answers = {{200, "ListResponseEndpointOut"}}, .portal = capability::view, .run = svix::list});
  add({.method = "GET", .path = one, .id = "v1.endpoint.get", .says = "One endpoint, by id or uid", .answers = {{200, "EndpointOut"}},
       .portal = capability::view, .run = svix::get});
  add({.method = "PUT", .path = one, .id = "v1.endpoint.update", .says = "Replaces an endpoint, or creates it under this uid; keeps retryPolicy, protection, ordering, batching, deliveryControl, tls, authentication, proxy and signatureProfile where it does not name them",
       .takes = body::unread_json, .body_schema = "EndpointUpdate", .answers = {{200, "EndpointOut"}, {201, "EndpointOut", "Created"}},
       .portal = capability::manage_endpoint, .run = svix::update});
  add({.method = "PATCH", .path = one, .id = "v1.endpoint.patch", .says = "Changes an endpoint", .takes = body::unread_json,
       .body_schema = "EndpointPatch", .answers = {{200, "EndpointOut"}}, .portal = capability::manage_endpoint, .run = svix::patch});
  add({.method = "DELETE", .path = one, .id = "v1.endpoint.delete", .says = "Removes an endpoint", .answers = {{204}},
       .portal = capability::manage_endpoint, .run = svix::remove});
  constexpr std::string_view secret = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret";
  add({.method = "GET", .path = secret, .id = "v1.endpoint.get-secret", .says = "The newest signing secret; of an Ed25519 key the public half (whpk_)",
       .answers = {{200, "EndpointSecretOut"}}, .portal = capability::view_secret, .run = svix::secret});
  add({.method = "PUT", .path = secret, .id = "v1.endpoint.replace-secret", .says = "The one signing secret from now on; all before it stop at once",
       .takes = body::unread_json, .body_schema = "EndpointSecretReplaceIn", .answers = {{204}},
       .portal = capability::manage_secret,
       .run = [](core& in, const call_ptr& c) { svix::rotate(in, c, webhook::read_secret_replace(c->request->body)); }});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret/rotate", .id = "v1.endpoint.rotate-secret",
       .says = "A new secret; the old one signs too for a while", .takes = body::optional_json, .body_schema = "EndpointSecretRotateIn",
       .answers = {{200, "EndpointSecretOut"}, {400, "SvixError", "limit_reached: too many secrets are live"}},
       .portal = capability::manage_secret,
       .run = [](core& in, const call_ptr& c) { svix::rotate(in, c, webhook::read_secret_rotate(c->request->body)); }});
  constexpr std::string_view headers = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/headers";
  add({.method = "GET", .path = headers, .id = "v1.endpoint.get-headers", .says = "Headers that go with every attempt",
       .answers = {{200, "EndpointHeadersOut"}}, .portal = capability::view, .run = svix::headers});
  add({.method = "PUT", .path = headers, .id = "v1.endpoint.update-headers", .says = "Replaces all of them", .takes = body::unread_json,
       .body_schema = "EndpointHeadersIn", .answers = {{204}},
       .portal = capability::manage_endpoint, .run = [](core& in, const call_ptr& c) { svix::change_headers(in, c, true); }});
  add({.method = "PATCH", .path = headers, .id = "v1.endpoint.patch-headers", .says = "Changes some of them", .takes = body::unread_json,
       .body_schema = "EndpointHeadersPatchIn", .answers = {{204}},
       .portal = capability::manage_endpoint, .run = [](core& in, const call_ptr& c) { svix::change_headers(in, c, false); }});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/stats", .id = "v1.endpoint.get-stats",
       .says = "Deliveries since the endpoint was created; with a time range, of the messages of that time",
       .query = {{"since", "date-time", "Of messages from then on, on the sandbox's clock"}, {"until", "date-time", "Of messages until then"}},
       .answers = {{200, "EndpointStats"}}, .portal = capability::view, .run = svix::stats});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/health", .id = "hourglass.endpoint.health",
       .says = "How an endpoint is faring: whether it is held back, by what, and until when", .answers = {{200, "EndpointHealth"}},
       .portal = capability::view, .run = svix::health});
}

} // namespace hourglass::api
