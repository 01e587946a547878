// Which document serves, which did before, and having one of those serve again. The log is the only memory of them.
#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "events/wall_clock.hpp"
#include "mock/import_version.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

constexpr std::size_t page_bytes = 32 * limits::mebi; ///< of events read for one page: a document may be large

events::outcome<std::string> told(const events::record& r) {
  auto payload = events::upcast(r);
  auto of_document = payload ? mock::import_of_event(*payload) : tl::unexpected<events::error>{payload.error()};
  if (!of_document)
    return of_document;
  std::string out;
  events::json_text j{out};
  j.open_object().key("version").value(r.header.seq).key("wall_time").value(events::to_rfc3339(r.header.wall));
  j.key("virtual_time").value(events::to_rfc3339(r.header.virtual_));
  j.key("principal").value(r.header.principal).key("correlation_id").value(r.header.correlation);
  return out + ',' + *of_document + '}';
}

storage::history_query imports_of(const events::sandbox_id& sandbox) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {events::kind::openapi_imported};
  return what;
}

void current(core& in, const call_ptr& c) {
  in.on_reader(c, [&in](const call_ptr& done) {
    in.catch_up();
    std::string out;
    auto read = scan_log(in.node.store(), imports_of(done->sandbox), [&](const events::record& r) -> events::outcome<bool> {
      auto one = told(r);
      if (!one)
        return tl::unexpected<events::error>{one.error()};
      out = std::move(*one);
      return false;
    });
    if (!read)
      return done->fail(read.error());
    if (out.empty())
      return done->fail({errc::not_found, "no document was imported into this sandbox", {}});
    done->answer(200, std::move(out));
  });
}

void versions(core& in, const call_ptr& c) {
  query_reader q{c->query};
  const auto limit = q.limit();
  const auto cursor = q.text("cursor", 1024).value_or("");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto what = imports_of(c->sandbox);
  if (!cursor.empty()) {
    auto text = from_cursor_of("openapi_version", cursor);
    if (!text)
      return c->fail(text.error());
    what.before = to_number(*text);
    if (!what.before)
      return c->fail({errc::invalid, "is not a cursor that this server gave", "cursor"});
  }
  in.on_reader(c, [&in, what = std::move(what), limit](const call_ptr& done) {
    in.catch_up();
    std::string out = R"({"data":[)";
    std::size_t count = 0, bytes = 0;
    auto next = scan_log(in.node.store(), what, [&](const events::record& r) -> events::outcome<bool> {
      auto one = told(r);
      if (!one)
        return tl::unexpected<events::error>{one.error()};
      out.append(count == 0 ? "" : ",").append(*one);
      bytes += r.payload.size();
      return ++count < limit && bytes < page_bytes;
    });
    if (!next)
      return done->fail(next.error());
    out += R"(],"next_cursor":)";
    out += *next ? json(to_cursor_of("openapi_version", std::to_string(**next))).dump() : "null";
    done->answer(200, out + '}');
  });
}

void restore(core& in, const call_ptr& c) {
  query_reader q{c->query};
  const auto dry_run = q.truth("dry_run", false);
  const auto pin = q.choice("pin", {"true", "false"});
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  in.on_reader(c, [&in, dry_run, pin](const call_ptr& done) {
    const auto none = events::error{errc::not_found, "this sandbox has no such version of a document", {}};
    const auto seq = to_number(done->param("version"));
    if (!seq || *seq == 0)
      return done->fail(none);
    auto found = in.node.store().read(done->sandbox, *seq, {1, 1});
    if (!found)
      return done->fail(found.error());
    if (found->empty() || found->front().header.seq != *seq || found->front().header.kind != events::kind::openapi_imported)
      return done->fail(none);
    auto payload = events::upcast(found->front());
    if (!payload)
      return done->fail(payload.error());
    mock::restore_openapi what;
    what.payload = std::move(*payload);
    what.version = *seq;
    what.dry_run = dry_run;
    if (pin)
      what.pin = *pin == "true";
    in.change(done, mock::endpoint_command{std::move(what)});
  });
}

} // namespace

void add_openapi_versions(router& to) {
  constexpr std::string_view tag = "endpoints";
  to.add({.method = "GET",
          .path = "/sandboxes/{sandbox}/openapi",
          .id = "getOpenapi",
          .tag = tag,
          .says = "Which imported document serves: its title and version, when it came and from whom, the SHA-256 of its text, and whether it is pinned",
          .who = access::sandbox,
          .answers = {{200, "OpenapiVersion"}},
          .run = current});
  to.add({.method = "GET",
          .path = "/sandboxes/{sandbox}/openapi/versions",
          .id = "listOpenapiVersions",
          .tag = tag,
          .says = "The documents that were imported, newest first. A page may be short where they are large; next_cursor goes on",
          .who = access::sandbox,
          .query = {{"limit", "integer", "Page size, 1 to 250; 50 if absent"}, {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "OpenapiVersionList"}},
          .run = versions});
  to.add({.method = "POST",
          .path = "/sandboxes/{sandbox}/openapi/versions/{version}/restore",
          .id = "restoreOpenapiVersion",
          .tag = tag,
          .says = "Has an earlier import serve again, as a new version: its endpoints with their ids, rules, collections and examples",
          .who = access::sandbox,
          .query = {{"dry_run", "boolean", "Changes nothing, and says what would change; false if absent"},
                    {"pin", "boolean", "Whether it is pinned, as in an import"}},
          .answers = {{200, "OpenapiImport"}},
          .run = restore});
}

} // namespace hourglass::api
