// Recorded traffic: endpoints made of it, and how far mocks are from their upstreams. The log is the recording.
#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "mock/forward.hpp"
#include "mock/forward_limits.hpp"
#include "mock/recording.hpp"

#include <map>

namespace hourglass::api {

using events::errc;
using events::failure;
using events::outcome;

namespace {

using state = mock::endpoint_state;

struct wanted {
  mock::recording_options how;
  std::optional<events::wall_time> since, until;
};

outcome<std::optional<events::wall_time>> read_moment(const nlohmann::json& body, const char* name) {
  const auto at = body.find(name);
  if (at == body.end())
    return std::nullopt;
  const auto when = at->is_string() ? events::parse_rfc3339(at->get_ref<const std::string&>()) : failure(errc::invalid, "is no text");
  if (!when)
    return failure(errc::invalid, "must be an RFC 3339 instant such as 2026-11-21T21:35:21Z", std::string{"/"} + name);
  return events::wall_time{*when};
}

outcome<wanted> read_wanted(const call& c) {
  if (!c.body.is_object())
    return failure(errc::invalid, "must be an object");
  for (const auto& [name, value] : c.body.items())
    if (name != "path" && name != "repeats" && name != "generalise" && name != "priority" && name != "since" && name != "until" && name != "dry_run")
      return failure(errc::invalid, "is not a known member", mock::pointer_to("", name));
  auto v = mock::parse_json(c.body.dump());
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  auto how = mock::recording_options::read(*v);
  if (!how)
    return tl::unexpected<events::error>{how.error()};
  auto since = read_moment(c.body, "since"), until = read_moment(c.body, "until");
  if (!since || !until)
    return tl::unexpected<events::error>{(since ? until : since).error()};
  return wanted{std::move(*how), *since, *until};
}

/// Every forwarded request between two moments, oldest first. On a reader thread.
outcome<void> each_forwarded(core& in, const events::sandbox_id& sandbox, std::optional<events::wall_time> since, std::optional<events::wall_time> until,
                             const std::function<outcome<void>(const events::record&, const mock::served_record&)>& see) {
  in.catch_up();
  storage::history_query where;
  where.sandbox = sandbox;
  where.kinds = {events::kind::request_served};
  where.from = since;
  where.until = until;
  where.newest_first = false;
  where.limit = 250;
  return storage::each_found(in.node.store(), std::move(where), [&](const events::record& r) -> outcome<void> {
    if (r.payload.find("\"forward\":{") == std::string::npos) // the usual one, unread
      return {};
    auto payload = events::upcast(r);
    if (!payload)
      return tl::unexpected<events::error>{payload.error()};
    auto served = mock::decode_served(*payload);
    if (!served)
      return tl::unexpected<events::error>{served.error()};
    return served->forward ? see(r, *served) : outcome<void>{};
  });
}

/// On a reader thread.
void make_endpoints(core& in, const call_ptr& c, const wanted& what) {
  mock::recording recorded{what.how};
  auto read = each_forwarded(in, c->sandbox, what.since, what.until, [&](const events::record&, const mock::served_record& r) { return recorded.take(r); });
  if (!read)
    return c->fail(read.error());
  auto endpoints = std::move(recorded).finish();
  if (!endpoints)
    return c->fail(endpoints.error());
  if (!what.how.dry_run)
    return in.change(c, mock::endpoint_command{std::move(*endpoints)});
  // What it would come to, and nothing of it is written.
  in.look<state>(c, [command = mock::endpoint_command{std::move(*endpoints)}](const state& s, events::virtual_time) -> outcome<std::string> {
    auto decided = mock::decide(s, command, {});
    if (!decided)
      return tl::unexpected<events::error>{decided.error()};
    return std::move(decided->reply);
  });
}

void snapshot(core& in, const call_ptr& c) {
  auto what = read_wanted(*c);
  if (!what)
    return c->fail(what.error());
  in.on_reader(c, [&in, what = std::move(*what)](const call_ptr& on) { make_endpoints(in, on, what); });
}

void get_session(core& in, const call_ptr& c) {
  in.look<state>(c, [](const state& s, events::virtual_time) -> outcome<std::string> { return mock::recording_json(s); });
}

void start(core& in, const call_ptr& c) {
  std::string text = R"({"recording":)";
  auto asked = c->body;
  if (!asked.is_object() || asked.contains("active"))
    return c->fail({errc::invalid, "must be {} or {\"path\": \"/…\"}", {}});
  asked["active"] = true;
  text += asked.dump() + '}';
  in.change(c, c->sandbox, mock::endpoint_command{mock::put_forwarding{std::move(text)}}, [&in](const call_ptr& done, actors::receipt) { get_session(in, done); });
}

/// Ends it, and makes endpoints of what came between.
void stop(core& in, const call_ptr& c) {
  auto what = read_wanted(*c);
  if (!what)
    return c->fail(what.error());
  if (what->since || what->until || what->how.dry_run)
    return c->fail({errc::invalid, "what was recorded has its own moments; to look before it ends, ask for recordings/snapshot", what->how.dry_run ? "/dry_run" : what->since ? "/since" : "/until"});
  in.change(c, c->sandbox, mock::endpoint_command{mock::put_forwarding{R"({"recording":{"active":false}})"}},
            [&in, what = std::move(*what)](const call_ptr& ended, const actors::receipt& r) mutable {
              const auto said = nlohmann::json::parse(r.reply, nullptr, false)["recording"];
              what.since = events::wall_time{said.value("since_us", std::int64_t{0})};
              what.until = events::wall_time{said.value("until_us", std::int64_t{0})};
              if (what.how.path.empty())
                what.how.path = said.value("path", std::string{});
              in.on_reader(ended, [&in, what = std::move(what)](const call_ptr& on) { make_endpoints(in, on, what); });
            });
}

// -- comparisons -----------------------------------------------------------------------

struct tally {
  std::size_t compared = 0, same_shape = 0, not_compared = 0;
  std::map<std::string, std::map<std::pair<std::string, std::string_view>, std::size_t>> by_endpoint; ///< mock -> where and what -> how often
  std::size_t places = 0;
};

constexpr std::size_t most_places = 1'000; ///< that are counted apart

void add(tally& to, const mock::answer_comparison& c) {
  ++to.compared;
  to.same_shape += c.same_shape() ? 1 : 0;
  to.not_compared += c.not_compared.empty() ? 0 : 1;
  auto& places = to.by_endpoint[c.mock];
  for (const auto& d : c.differences) {
    const auto key = std::pair{d.at, mock::to_string(d.what)};
    if (auto at = places.find(key); at != places.end())
      ++at->second;
    else if (++to.places <= most_places)
      places.emplace(key, 1);
  }
}

std::string told(const tally& all, std::string_view requests, std::optional<events::seq> next) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("compared").value(all.compared).key("same_shape").value(all.same_shape).key("not_compared").value(all.not_compared);
  j.key("mocks").open_array();
  for (const auto& [mock, places] : all.by_endpoint) {
    j.open_object().key("endpoint");
    mock.empty() ? j.null() : j.value(mock);
    j.key("differences").open_array();
    for (const auto& [where, times] : places)
      j.open_object().key("at").value(where.first).key("kind").value(where.second).key("times").value(times).close_object();
    j.close_array().close_object();
  }
  j.close_array().key("requests").raw(requests).key("next_cursor");
  next ? j.value(to_cursor(std::to_string(*next))) : j.null();
  j.close_object();
  return out;
}

void comparisons(core& in, const call_ptr& c) {
  query_reader q{c->query};
  storage::history_query where;
  where.sandbox = c->sandbox;
  where.kinds = {events::kind::request_served};
  const auto limit = q.limit();
  if (auto since = q.instant("since"))
    where.from = events::wall_time{*since};
  if (auto until = q.instant("until"))
    where.until = events::wall_time{*until};
  where.entity = q.text("endpoint", 64);
  const bool different = q.truth("different", false);
  auto cursor = q.text("cursor", 1'024);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  if (cursor) {
    auto text = from_cursor(*cursor);
    where.before = text ? to_number(*text) : std::nullopt;
    if (!where.before)
      return c->fail({errc::invalid, "is not a cursor that this server gave", "cursor"});
  }
  in.on_reader(c, [&in, where, limit, different](const call_ptr& on) {
    in.catch_up();
    tally all;
    std::string requests;
    events::json_text j{requests};
    j.open_array();
    std::size_t listed = 0;
    auto next = scan_log(in.node.store(), where, [&](const events::record& r) -> outcome<bool> {
      if (r.payload.find("\"compared\":{") == std::string::npos)
        return true;
      auto payload = events::upcast(r);
      if (!payload)
        return tl::unexpected<events::error>{payload.error()};
      auto served = mock::decode_served(*payload);
      if (!served)
        return tl::unexpected<events::error>{served.error()};
      if (!served->forward || !served->forward->compared)
        return true;
      add(all, *served->forward->compared);
      if (different && served->forward->compared->same_shape())
        return true;
      j.open_object().key("id").value(served->request_id).key("seq").value(r.header.seq).key("method").value(served->request.method);
      j.key("target").value(served->request.target).key("endpoint").value(served->forward->endpoint);
      write_comparison(*served->forward->compared, j.key("compared"));
      j.close_object();
      return ++listed < limit;
    });
    if (!next)
      return on->fail(next.error());
    j.close_array();
    on->answer(200, told(all, requests, *next));
  });
}

} // namespace

void add_recordings(router& to) {
  constexpr std::string_view tag = "forwarding";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/recordings", .id = "getRecording", .tag = tag,
          .says = "Whether what upstreams answer is being recorded, and since when", .who = access::sandbox, .answers = {{200, "Recording"}}, .run = get_session});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/recordings/start", .id = "startRecording", .tag = tag,
          .says = "Begins a recording of what upstreams answer, of all paths or those that begin so. A conflict while there is one", .who = access::sandbox,
          .takes = body::optional_json, .body_schema = "RecordingStart", .answers = {{200, "Recording"}}, .run = start});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/recordings/stop", .id = "stopRecording", .tag = tag,
          .says = "Ends the recording and makes endpoints of it, which answer from then on without the upstream", .who = access::sandbox,
          .takes = body::optional_json, .body_schema = "RecordingMake", .answers = {{200, "EndpointImport"}}, .run = stop});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/recordings/snapshot", .id = "snapshotRecording", .tag = tag,
          .says = "Makes endpoints of the forwarded requests that the log has, all or none; with dry_run only says what would come of it. Secrets are "
                  "tokens in the log and stay out; what cannot be made again is in warnings",
          .who = access::sandbox, .takes = body::optional_json, .body_schema = "RecordingMake", .answers = {{200, "EndpointImport"}}, .run = snapshot});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/forwarding/comparisons", .id = "listComparisons", .tag = tag,
          .says = "Where mocks differ from their upstreams, of forwarded requests whose endpoint says compare: counted over the page, and each, newest first",
          .who = access::sandbox,
          .query = {{"since", "date-time", "At or after, on the node's clock"},
                    {"until", "date-time", "At or before, on the node's clock"},
                    {"endpoint", "string", "Only requests that this endpoint forwarded or answered"},
                    {"different", "boolean", "List only those that differ in more than values; false if absent"},
                    {"limit", "integer", "Page size, 1 to 250; 50 if absent"},
                    {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "Comparisons"}}, .run = comparisons});
}

} // namespace hourglass::api
