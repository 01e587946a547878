#include "actors/pruning.hpp"
#include "api/core.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "storage/index.hpp"

#include <algorithm>

namespace hourglass::api {

using actors::prune_report;
using events::errc;
using nlohmann::json;

namespace {

constexpr events::seq most_counted = 1'000'000; // of a longer stream the rest is taken to be alike

std::string hex(const events::hash& h) {
  return events::to_hex(events::as_text(h));
}

json moment(const std::optional<events::wall_time>& t) {
  return t ? json(events::to_rfc3339(*t)) : json{};
}

std::string_view name_of(prune_report::state s) {
  switch (s) {
  case prune_report::state::live:
    return "live";
  case prune_report::state::deleted:
    return "deleted";
  case prune_report::state::waiting:
    return "waiting";
  case prune_report::state::going:
    return "pruning";
  case prune_report::state::gone:
    return "pruned";
  }
  return "unknown";
}

json to_json(const events::sandbox_id& id, const prune_report& r) {
  json out{{"sandbox_id", id.to_string()},
           {"status", name_of(r.is)},
           {"events", r.events},
           {"last_link", hex(r.last_link)},
           {"last_at", events::to_rfc3339(r.last_at)},
           {"deleted_at", events::to_rfc3339(r.deleted_at)},
           {"goes_at", moment(r.goes_at)},
           {"held_by", r.held_by.empty() ? json{} : json(r.held_by)},
           {"pruned_at", moment(r.pruned_at)},
           {"pruned_by", r.pruned_by.empty() ? json{} : json(r.pruned_by)}};
  return out;
}

/// A uid that was a deleted sandbox's may be another's by now: it is named by its id. False when it
/// answered already.
bool take_id(const call_ptr& c) {
  if (c->sandbox != events::sandbox_id{})
    return true;
  const auto id = events::sandbox_id::parse(c->param("sandbox"));
  if (!id || *id == events::sandbox_id{} || *id == storage::node_stream) {
    c->fail({errc::not_found, "no such sandbox; one that was deleted is named by its id", {}});
    return false;
  }
  c->sandbox = *id;
  return true;
}

/// What its events have when they are read; that many records fewer are stored whole.
events::outcome<json> bytes_of(const storage::store& in, const events::sandbox_id& id,
                               events::seq events) {
  std::uint64_t bytes = 0;
  events::seq looked = 0;
  while (looked < std::min(events, most_counted)) {
    const auto some = in.read(id, looked + 1);
    if (!some)
      return tl::unexpected<events::error>{some.error()};
    if (some->empty())
      break; // it went meanwhile
    for (const auto& r : *some)
      bytes += r.payload.size();
    looked = some->back().header.seq;
  }
  if (looked < events && looked >= most_counted)
    bytes = static_cast<std::uint64_t>(static_cast<double>(bytes) / static_cast<double>(looked) *
                                       static_cast<double>(events));
  return json(bytes);
}

void preview(core& in, const call_ptr& c) {
  if (!take_id(c))
    return;
  in.on_reader(c, [&in](const call_ptr& done) {
    in.catch_up();
    const auto r = in.node.report_of(done->sandbox);
    if (!r)
      return done->fail(r.error());
    if (r->is == prune_report::state::live)
      return done->fail({errc::conflict,
                         "only the stream of a deleted sandbox can be pruned; delete it first",
                         {}});
    auto out = to_json(done->sandbox, *r);
    if (!r->pruned_at) {
      auto bytes = bytes_of(in.node.store(), done->sandbox, r->events);
      if (!bytes)
        return done->fail(bytes.error());
      out["bytes"] = *bytes;
    }
    done->answer(200, out);
  });
}

void prune(core& in, const call_ptr& c) {
  if (!take_id(c))
    return;
  in.on_reader(c, [&in](const call_ptr& done) {
    in.catch_up();
    in.node.prune(done->sandbox, done->caller(), [&in, done](events::outcome<void> wanted) {
      if (!wanted)
        return done->fail(wanted.error());
      in.on_reader(done, [&in](const call_ptr& told) {
        in.catch_up(); // it may be said to be gone already
        const auto r = in.node.report_of(told->sandbox);
        if (!r)
          return told->fail(r.error());
        told->answer(r->is == prune_report::state::gone ? 200 : 202, to_json(told->sandbox, *r));
      });
    });
  });
}

/// How many empty places of the log each event that says so answers for; those that none does show
/// that somebody took events away behind our back.
events::outcome<std::uint64_t> unexplained(const storage::store& in,
                                           const std::map<events::seq, std::uint64_t>& places) {
  std::uint64_t out = 0;
  for (const auto& [seq, count] : places) {
    const auto said = in.read(storage::node_stream, seq, {1, 1});
    if (!said)
      return tl::unexpected<events::error>{said.error()};
    const auto what =
        said->empty() ? std::nullopt : std::optional{actors::pruning::tombstone_of(said->front())};
    const auto had = what && *what ? (*what)->events : 0;
    out += count > had ? count - had : 0;
  }
  return out;
}

struct list_filters {
  storage::history_query what;
  bool verify = false;
};

events::outcome<list_filters> read_filters(const call& c) {
  list_filters out;
  out.what.sandbox = storage::node_stream;
  out.what.kinds = {events::kind::sandbox_pruned};
  query_reader q{c.query};
  out.what.limit = q.limit();
  out.verify = q.truth("verify", false);
  const auto cursor = q.text("cursor", 1024);
  if (auto fine = q.done(); !fine)
    return tl::unexpected<events::error>{fine.error()};
  if (!cursor)
    return out;
  const auto text = from_cursor(*cursor);
  const auto seq = text ? to_number(*text) : std::nullopt;
  if (!seq)
    return events::failure(errc::invalid, "is not a cursor that this server gave", "cursor");
  out.what.before = *seq;
  return out;
}

void list(core& in, const call_ptr& c) {
  auto filters = read_filters(*c);
  if (!filters)
    return c->fail(filters.error());
  in.on_reader(c, [&in, f = std::move(*filters)](const call_ptr& done) {
    in.catch_up();
    const auto& store = in.node.store();
    const auto page = storage::find(store, f.what);
    if (!page)
      return done->fail(page.error());
    std::map<events::seq, std::uint64_t> places;
    json out{{"data", json::array()}};
    if (f.verify) {
      auto counted = store.pruned_places();
      if (!counted)
        return done->fail(counted.error());
      places = std::move(*counted);
      const auto without_a_word = unexplained(store, places);
      const auto head = store.verify(storage::node_stream);
      if (!without_a_word || !head)
        return done->fail(!without_a_word ? without_a_word.error() : head.error());
      out["unexplained_places"] = *without_a_word;
    }
    for (const auto& r : page->events) {
      const auto what = actors::pruning::tombstone_of(r);
      if (!what)
        return done->fail(what.error());
      json one{{"seq", r.header.seq},
               {"sandbox_id", what->sandbox.to_string()},
               {"events", what->events},
               {"last_link", hex(what->last_link)},
               {"last_at", events::to_rfc3339(what->last_wall)},
               {"deleted_at", events::to_rfc3339(what->deleted_at)},
               {"pruned_at", events::to_rfc3339(r.header.wall)},
               {"pruned_by", r.header.principal},
               {"link", hex(r.link)}};
      if (f.verify)
        one["places"] = places[r.header.seq];
      out["data"].push_back(std::move(one));
    }
    out["next_cursor"] = page->next ? json(to_cursor(std::to_string(*page->next))) : json{};
    done->answer(200, out);
  });
}

} // namespace

void add_pruning(router& to) {
  constexpr std::string_view tag = "sandboxes";
  to.add({.method = "GET",
          .path = "/sandboxes/{sandbox}/prune",
          .id = "previewPrune",
          .tag = tag,
          .says = "What pruning a deleted sandbox would take away, or has: changes nothing. By id, "
                  "since its uid may be another's by now",
          .who = access::admin,
          .answers = {{200, "Prune"}},
          .may_create = true,
          .run = preview});
  to.add({.method = "POST",
          .path = "/sandboxes/{sandbox}/prune",
          .id = "pruneSandbox",
          .tag = tag,
          .says = "Takes all that is kept of a deleted sandbox out of the store, for good, without "
                  "waiting for --deleted-sandbox-retention; with the export on, as "
                  "soon as the topic has it. 409 while it is not deleted. Again, it says how far "
                  "it has come",
          .who = access::admin,
          .answers = {{202, "Prune"}, {200, "Prune", "It was pruned before"}},
          .may_create = true,
          .run = prune});
  to.add({.method = "GET",
          .path = "/pruned-sandboxes",
          .id = "listPruned",
          .tag = tag,
          .says = "What the log says of sandboxes whose events are gone, newest first",
          .who = access::admin,
          .query = {{"limit", "integer", "Page size, 1 to 250; 50 if absent"},
                    {"cursor", "string", "next_cursor of the page before"},
                    {"verify", "boolean",
                     "Checks the chain of these records, and counts the empty places of the whole "
                     "log against them"}},
          .answers = {{200, "PrunedList"}},
          .run = list});
}

} // namespace hourglass::api
