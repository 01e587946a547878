#include "api/history.hpp"

#include "api/core.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "api/tail.hpp"
#include "events/json_text.hpp"
#include "replay/state.hpp"
#include "webhook/facts.hpp"
#include "webhook/views.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

std::string hex(const events::hash& h) {
  return events::to_hex(events::as_text(h));
}

std::string shown_payload(const events::record& r) {
  auto payload = events::upcast(r);
  auto text = payload ? std::move(*payload) : r.payload;
  return webhook::is_outbox_kind(r.header.kind) ? webhook::views::public_payload(r.header.kind, text) : text;
}

} // namespace

std::string history_json(const events::record& r) {
  std::string out;
  events::json_text j{out};
  auto& h = r.header;
  j.open_object();
  j.key("seq").value(h.seq).key("type").value(events::to_string(h.kind));
  j.key("wall_time").value(events::to_rfc3339(h.wall)).key("virtual_time").value(events::to_rfc3339(h.virtual_));
  j.key("principal").value(h.principal).key("correlation_id").value(h.correlation);
  j.key("causation");
  h.causation == 0 ? j.null() : j.value(h.causation);
  j.key("entities").open_array();
  for (auto& e : h.entities)
    j.value(e);
  j.close_array();
  j.key("payload_version").value(static_cast<unsigned>(h.kind_version)).key("payload_sha256").value(hex(h.payload_hash)).key("previous").value(hex(h.previous)).key("link").value(hex(r.link));
  if (r.erased)
    j.key("erased").value(true);
  j.key("payload").raw(shown_payload(r));
  j.close_object();
  return out;
}

namespace {

events::outcome<std::vector<events::kind>> kinds_of(const std::vector<std::string>& names) {
  std::vector<events::kind> out;
  for (auto& name : names) {
    auto k = events::kind_from(name);
    if (!k)
      return failure(errc::invalid, "there is no event type \"" + name.substr(0, 64) + "\"", "type");
    out.push_back(*k);
  }
  return out;
}

/// `limit` events per page, newest first unless `order=asc`; the cursor is the seq to go on from.
events::outcome<storage::history_query> read_filters(const call& c) {
  storage::history_query out;
  query_reader q{c.query};
  out.sandbox = c.sandbox;
  out.limit = q.limit();
  out.newest_first = q.choice("order", {"asc", "desc"}).value_or("desc") == "desc";
  out.correlation = q.text("correlation", 64);
  out.principal = q.text("principal", 128);
  out.entity = q.text("entity", 256);
  if (auto from = q.instant("from"))
    out.from = events::wall_time{*from};
  if (auto until = q.instant("until"))
    out.until = events::wall_time{*until};
  out.after = static_cast<events::seq>(q.integer("after_seq", 0, INT64_MAX).value_or(0));
  auto cursor = q.text("cursor", 1024);
  auto names = q.list("type");
  if (auto fine = q.done(); !fine)
    return tl::unexpected<events::error>{fine.error()};
  auto kinds = kinds_of(names);
  if (!kinds)
    return tl::unexpected<events::error>{kinds.error()};
  out.kinds = std::move(*kinds);
  if (!cursor)
    return out;
  auto text = from_cursor(*cursor);
  auto seq = text ? to_number(*text) : std::nullopt;
  if (!seq)
    return failure(errc::invalid, "is not a cursor that this server gave", "cursor");
  if (out.newest_first)
    out.before = *seq;
  else
    out.after = std::max(out.after, *seq);
  return out;
}

void list(core& in, const call_ptr& c) {
  auto filters = read_filters(*c);
  if (!filters)
    return c->fail(filters.error());
  in.on_reader(c, [&in, what = std::move(*filters)](const call_ptr& done) {
    in.catch_up();
    auto page = storage::find(in.node.store(), what);
    if (!page)
      return done->fail(page.error());
    std::string out = R"({"data":[)";
    for (std::size_t i = 0; i < page->events.size(); ++i)
      out.append(i == 0 ? "" : ",").append(history_json(page->events[i]));
    out += R"(],"next_cursor":)";
    out += page->next ? json(to_cursor(std::to_string(*page->next))).dump() : "null";
    done->answer(200, out + '}');
  });
}

void one(core& in, const call_ptr& c) {
  auto seq = to_number(c->param("seq"));
  if (!seq || *seq == 0)
    return c->fail({errc::invalid, "must be the number of an event, from 1", "seq"});
  in.on_reader(c, [&in, seq = *seq](const call_ptr& done) {
    auto found = in.node.store().read(done->sandbox, seq, {2, SIZE_MAX}); // with the next one, which says whether this is the one it follows
    if (!found)
      return done->fail(found.error());
    if (found->empty())
      return done->fail({errc::not_found, "there is no event with this number yet", {}});
    done->answer(200, history_json(found->front()));
  });
}

void state_at(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto seq = q.integer("at_seq", 1, INT64_MAX);
  auto at = q.instant("at");
  if (seq && at)
    q.reject("at_seq", "give either at_seq or at");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  replay::moment when = replay::now_seq;
  if (seq)
    when = static_cast<events::seq>(*seq);
  if (at)
    when = events::wall_time{*at};
  in.on_reader(c, [&in, when](const call_ptr& done) {
    auto state = replay::load(in.node.store(), done->sandbox, when);
    if (!state) {
      auto why = state.error();
      if (why.where == "seq")
        why.where = "at_seq"; // as the caller knows it
      return done->fail(why);
    }
    done->answer(200, replay::to_json(*state));
  });
}

void tail(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto after = q.integer("after_seq", 0, INT64_MAX);
  auto names = q.list("type");
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  auto kinds = kinds_of(names);
  if (!kinds)
    return c->fail(kinds.error());
  if (auto id = http::find(c->request->headers, "Last-Event-ID"); !id.empty()) {
    auto seq = to_number(id);
    if (!seq || *seq > static_cast<std::uint64_t>(INT64_MAX))
      return c->fail({errc::invalid, "must be the id of an event of this tail", "Last-Event-ID"});
    after = static_cast<std::int64_t>(*seq);
  }
  if (!in.options.tails || in.draining)
    return c->fail({errc::unavailable, "live tails are off", {}});
  in.on_reader(c, [&in, after, kinds = std::move(*kinds)](const call_ptr& done) {
    events::seq from = static_cast<events::seq>(after.value_or(0));
    if (!after) {
      auto head = in.node.store().head(done->sandbox);
      if (!head)
        return done->fail(head.error());
      from = *head ? (*head)->seq : 0;
    }
    if (auto stream = done->stream())
      in.options.tails->subscribe(done->sandbox, from, {kinds.begin(), kinds.end()}, std::move(stream));
  });
}

} // namespace

void add_history(router& to) {
  constexpr std::string_view tag = "history";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/history", .id = "listHistory", .tag = tag,
          .says = "Who did what when: the sandbox's events", .who = access::sandbox,
          .query = {{"type", "string", "Event types, comma-separated, such as message.created"},
                    {"correlation", "string", "Correlation id"},
                    {"principal", "string", "Who caused it: admin, sandbox:<id>, mock, system"},
                    {"entity", "string", "Id that the event is about"},
                    {"from", "date-time", "At or after, on the node's clock"},
                    {"until", "date-time", "At or before, on the node's clock"},
                    {"after_seq", "integer", "Only events after this one"},
                    {"order", "string", "desc (newest first, if absent) or asc"},
                    {"limit", "integer", "Page size, 1 to 250; 50 if absent"},
                    {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "EventList", "A page may be short, even empty, and still have a next one"}}, .run = list});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/history/{seq}", .id = "getEvent", .tag = tag, .says = "One event",
          .who = access::sandbox, .answers = {{200, "Event"}}, .run = one});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/state", .id = "getState", .tag = tag,
          .says = "Everything the sandbox was at a moment: now, as of an event, or as of an instant of the node's clock",
          .who = access::sandbox,
          .query = {{"at_seq", "integer", "As of this event"}, {"at", "date-time", "As of the last event at or before"}},
          .answers = {{200, "AnyObject"}}, .run = state_at});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/tail", .id = "tail", .tag = tag,
          .says = "New events as they come, as server-sent events: id = seq, event = type, data as in history. Last-Event-ID goes on after it",
          .who = access::sandbox,
          .query = {{"after_seq", "integer", "First what came after this one; only new ones if absent"},
                    {"type", "string", "Event types, comma-separated; all if absent"}},
          .answers = {{200, "Text", "A stream without end", "text/event-stream"}}, .run = tail});
}

} // namespace hourglass::api
