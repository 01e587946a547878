// Endpoints out of what other tools wrote.
#include "api/core.hpp"
#include "api/input.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"

#include "mock/translation.hpp"

namespace hourglass::api {

namespace {

using translated = events::outcome<mock::put_endpoints>;

/// Reading a file may take a second: not on a thread of connections.
void import(core& in, const call_ptr& c, const std::function<translated(std::string_view)>& read) {
  in.on_reader(c, [&in, read](const call_ptr& on) {
    if (auto fine = check_json(on->request->body); !fine)
      return on->fail(fine.error());
    auto endpoints = read(on->request->body);
    if (!endpoints)
      return on->fail(endpoints.error());
    in.change(on, mock::endpoint_command{std::move(*endpoints)});
  });
}

using reader = translated (*)(std::string_view text, bool strict);

template <reader Read>
void import_file(core& in, const call_ptr& c) {
  query_reader q{c->query};
  const auto strict = q.truth("strict", false);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  import(in, c, [strict](std::string_view text) { return Read(text, strict);
});
} // namespace

void import_har(core& in, const call_ptr& c) {
  query_reader q{c->query};
  const auto strict = q.truth("strict", false);
  auto host = q.text("host", 255).value_or("");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  import(in, c, [strict, host = std::move(host)](std::string_view text) { return mock::read_har(text, strict, host);
});
} // namespace hourglass::api

constexpr query_doc strict_doc{
    "strict", "boolean",
    "Refuse the whole where something cannot be translated, with a pointer to the first; false if absent: it is told in warnings"};

} // namespace

void add_imports(router& to) {
  constexpr std::string_view tag = "endpoints";
  to.add({.method = "POST",
          .path = "/sandboxes/{sandbox}/imports/wiremock",
          .id = "importWiremock",
          .tag = tag,
          .says = "Adds endpoints made of WireMock stub mappings, all or none: one, {\"mappings\": []} or an array. One of the same id is replaced, "
                  "so importing a file again changes nothing. Stubs that ask for what has no translation, or belong to a later state of a scenario, "
                  "are left out and told",
          .who = access::sandbox,
          .query = {strict_doc},
          .takes = body::unread_json,
          .body_schema = "AnyValue",
          .answers = {{200, "EndpointImport"}},
          .run = import_file<mock::read_wiremock>});
  to.add({.method = "POST",
          .path = "/sandboxes/{sandbox}/imports/postman",
          .id = "importPostman",
          .tag = tag,
          .says = "Adds endpoints made of the saved example responses of a Postman collection (v2.0, v2.1), all or none. Of several examples for one "
                  "request the first answers, the others where x-mock-response-code or x-mock-response-name asks for them. Credentials are left out",
          .who = access::sandbox,
          .query = {strict_doc},
          .takes = body::unread_json,
          .body_schema = "AnyObject",
          .answers = {{200, "EndpointImport"}},
          .run = import_file<mock::read_postman>});
  to.add(
      {.method = "POST",
       .path = "/sandboxes/{sandbox}/imports/har",
       .id = "importHar",
       .tag = tag,
       .says = "Adds endpoints made of the entries of an HTTP Archive (HAR 1.2), all or none; of several with the same request the last answers. "
               "Requests are told apart by method, path and query, and by their bodies where that does not do. Credentials are left out or replaced",
       .who = access::sandbox,
       .query = {strict_doc, {"host", "string", "Only entries of this host (with its port, if the URLs have one)"}},
       .takes = body::unread_json,
       .body_schema = "AnyObject",
       .answers = {{200, "EndpointImport"}},
       .run = import_har});
}

} // namespace hourglass::api
