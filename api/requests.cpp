#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "events/json_text.hpp"
#include "mock/forward.hpp"
#include "mock/serve.hpp"
#include "replay/comparison.hpp"
#include "replay/request.hpp"

namespace hourglass::api {

using events::errc;
using events::failure;
using nlohmann::json;

namespace {

struct filters {
  std::optional<std::int64_t> status_from, status_to;
  std::optional<std::string> method, path;
  std::size_t limit = 50;
  storage::history_query where;
};

/// `404`, or a class: `4xx`.
bool read_status(const std::string& text, filters& out) {
  auto last = text.size() == 3 && (text[2] == 'x' || text[2] == 'X');
  if (last && text.substr(1, 2) != "xx" && text.substr(1, 2) != "XX")
    return false;
  auto number = to_number(last ? text.substr(0, 1) : text);
  if (!number || (last ? *number < 1 || *number > 5 : *number < 100 || *number > 599))
    return false;
  out.status_from = static_cast<std::int64_t>(last ? *number * 100 : *number);
  out.status_to = *out.status_from + (last ? 99 : 0);
  return true;
}

events::outcome<filters> read_filters(const call& c) {
  filters out;
  query_reader q{c.query};
  out.limit = q.limit();
  if (auto status = q.text("status", 8); status && !read_status(*status, out))
    q.reject("status", "must be a status (404) or a class (4xx)");
  out.method = q.text("method", 32);
  out.path = q.text("path", 2'048);
  out.where.sandbox = c.sandbox;
  out.where.kinds = {events::kind::request_served};
  if (auto since = q.instant("since"))
    out.where.from = events::wall_time{*since};
  if (auto until = q.instant("until"))
    out.where.until = events::wall_time{*until};
  auto cursor = q.text("cursor", 1024);
  if (auto fine = q.done(); !fine)
    return tl::unexpected<events::error>{fine.error()};
  if (cursor) {
    auto text = from_cursor(*cursor);
    auto seq = text ? to_number(*text) : std::nullopt;
    if (!seq)
      return failure(errc::invalid, "is not a cursor that this server gave", "cursor");
    out.where.before = *seq;
  }
  return out;
}

bool fits(const filters& f, const mock::served_record& r) {
  if (f.status_from && (r.response.status < *f.status_from || r.response.status > *f.status_to))
    return false;
  if (f.method && r.request.method != *f.method)
    return false;
  return !f.path || r.request.target.starts_with(*f.path);
}

void add_summary(events::json_text& j, const events::record& r, const mock::served_record& s) {
  j.key("id").value(s.request_id).key("seq").value(r.header.seq);
  j.key("wall_time").value(events::to_rfc3339(r.header.wall)).key("virtual_time").value(events::to_rfc3339(r.header.virtual_));
  j.key("correlation_id").value(r.header.correlation);
  j.key("endpoint_id");
  s.endpoint_id.empty() ? j.null() : j.value(s.endpoint_id);
  j.key("method").value(s.request.method).key("target").value(s.request.target).key("status").value(s.response.status);
}

void add_message(events::json_text& j, const mock::fields& headers, std::string_view body, const std::optional<mock::cut_body>& cut) {
  j.key("headers").open_array();
  for (auto& [name, value] : headers)
    j.open_array().value(name).value(value).close_array();
  j.close_array().key("body").bytes(body);
  if (cut)
    j.key("body_truncated").value(true).key("body_bytes").value(cut->bytes).key("body_sha256").value(cut->sha256);
}

void add_script(events::json_text& j, const mock::script_note& note) {
  j.key("script").open_object().key("digest").value(note.digest).key("interrupted").value(note.interrupted);
  if (note.error) {
    j.key("error").open_object().key("kind").value(to_string(note.error->fault)).key("message").value(note.error->message);
    j.key("line").value(note.error->line).key("column").value(note.error->column).key("stack").value(note.error->stack).close_object();
  }
  j.key("console").open_array();
  for (const auto& line : note.console)
    j.open_array().value(line.level).value(line.text).close_array();
  j.close_array().key("changes").value(note.changes).key("emitted").open_array();
  for (const auto& type : note.emitted)
    j.value(type);
  j.close_array().close_object();
}

std::string whole(const events::record& r, const mock::served_record& s, const events::redactor& redact) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  add_summary(j, r, s);
  j.key("peer").value(s.request.peer);
  j.key("request").open_object();
  add_message(j, s.request.headers, s.request.body, s.request_cut);
  j.close_object();
  j.key("response").open_object();
  add_message(j, s.response.headers, s.response.body, s.response_cut);
  j.close_object();
  if (s.script)
    add_script(j, *s.script);
  events::redact_echo seen; // of what is recorded nothing is a secret
  if (s.request.calls)
    mock::write_calls(j.key("calls"), *s.request.calls, redact, seen, s.response.body);
  if (s.forward)
    write_forward(*s.forward, j.key("forward"));
  j.close_object();
  return out;
}

events::outcome<mock::served_record> served_of(const events::record& r) {
  auto payload = events::upcast(r);
  if (!payload)
    return tl::unexpected<events::error>{payload.error()};
  return mock::decode_served(*payload);
}

void list(core& in, const call_ptr& c) {
  auto read = read_filters(*c);
  if (!read)
    return c->fail(read.error());
  in.on_reader(c, [&in, f = std::move(*read)](const call_ptr& done) {
    in.catch_up();
    std::string out = R"({"data":[)";
    std::size_t count = 0;
    auto next = scan_log(in.node.store(), f.where, [&](const events::record& r) -> events::outcome<bool> {
      auto served = served_of(r);
      if (!served)
        return tl::unexpected<events::error>{served.error()};
      if (!fits(f, *served))
        return true;
      std::string one;
      events::json_text j{one};
      j.open_object();
      add_summary(j, r, *served);
      j.close_object();
      out.append(count == 0 ? "" : ",").append(one);
      return ++count < f.limit;
    });
    if (!next)
      return done->fail(next.error());
    out += R"(],"next_cursor":)";
    out += *next ? json(to_cursor(std::to_string(**next))).dump() : "null";
    done->answer(200, out + '}');
  });
}

/// By `req_…` or by seq. On a reader thread.
events::outcome<events::record> request_named(core& in, const events::sandbox_id& sandbox, const std::string& name) {
  auto none = [] { return failure(errc::not_found, "there is no such request in this sandbox"); };
  if (auto seq = to_number(name)) {
    auto found = in.node.store().read(sandbox, *seq, {1, 1});
    if (!found)
      return tl::unexpected<events::error>{found.error()};
    if (*seq == 0 || found->empty() || found->front().header.kind != events::kind::request_served)
      return none();
    return std::move(found->front());
  }
  if (!events::time_of_id(name) || !name.starts_with("req_")) // no id of ours: nothing to look for
    return none();
  in.catch_up();
  auto found = find_one(in.node.store(), sandbox, events::kind::request_served, name);
  if (!found)
    return tl::unexpected<events::error>{found.error()};
  if (!*found)
    return none();
  return std::move(**found);
}

void get(core& in, const call_ptr& c) {
  in.on_reader(c, [&in](const call_ptr& done) {
    auto found = request_named(in, done->sandbox, done->param("request"));
    if (!found)
      return done->fail(found.error());
    auto served = served_of(*found);
    if (!served)
      return done->fail(served.error());
    done->answer(200, whole(*found, *served, in.node.redactor()));
  });
}

void tell_replay(const call_ptr& c, replay::replay_job& job) {
  auto replayed = job.finish();
  if (!replayed)
    return c->fail(replayed.error());
  c->answer(200, replay::to_json(*replayed));
}

void again(core& in, const call_ptr& c) {
  in.on_reader(c, [&in](const call_ptr& done) {
    auto found = request_named(in, done->sandbox, done->param("request"));
    if (!found)
      return done->fail(found.error());
    auto job = replay::replay_job::load(in.node.store(), in.node.redactor(), done->sandbox, found->header.seq);
    if (!job)
      return done->fail(job.error());
    if (!(*job)->runs_script())
      return tell_replay(done, **job);
    in.run_apart(
      done, [job = *job](mock::script_engine& engine, std::function<void()> ran) { replay::replay_job::run(job, engine, std::move(ran)); },
      [job = *job](const call_ptr& asked) { tell_replay(asked, *job); });
  });
}

void tell_comparison(const call_ptr& c, replay::comparison_job& job) {
  auto text = job.finish();
  text ? c->answer(200, std::move(*text)) : c->fail(text.error());
}

void compare(core& in, const call_ptr& c) {
  query_reader q{c->query};
  const bool now = q.choice("mock", {"then", "now"}).value_or("now") == "now";
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  in.on_reader(c, [&in, now](const call_ptr& done) {
    auto found = request_named(in, done->sandbox, done->param("request"));
    if (!found)
      return done->fail(found.error());
    auto job = replay::comparison_job::load(in.node.store(), in.node.redactor(), done->sandbox, found->header.seq, now);
    if (!job)
      return done->fail(job.error());
    if (!(*job)->runs_script())
      return tell_comparison(done, **job);
    in.run_apart(
      done, [job = *job](mock::script_engine& engine, std::function<void()> ran) { replay::comparison_job::run(job, engine, std::move(ran)); },
      [job = *job](const call_ptr& asked) { tell_comparison(asked, *job); });
  });
}

} // namespace

void add_requests(router& to) {
  constexpr std::string_view tag = "requests";
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/requests", .id = "listRequests", .tag = tag,
          .says = "The timeline: requests to the sandbox, newest first", .who = access::sandbox,
          .query = {{"status", "string", "A status (404) or a class (4xx)"},
                    {"method", "string", "Exactly this method"},
                    {"path", "string", "The target starts with this"},
                    {"since", "date-time", "At or after, on the node's clock"},
                    {"until", "date-time", "At or before, on the node's clock"},
                    {"limit", "integer", "Page size, 1 to 250; 50 if absent"},
                    {"cursor", "string", "next_cursor of the page before"}},
          .answers = {{200, "RequestList", "A page may be short, even empty, and still have a next one"}}, .run = list});
  to.add({.method = "GET", .path = "/sandboxes/{sandbox}/requests/{request}", .id = "getRequest", .tag = tag,
          .says = "One request by id or seq, with headers and bodies as recorded (secrets redacted)", .who = access::sandbox,
          .answers = {{200, "Request"}}, .run = get});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/requests/{request}/replay", .id = "replayRequest", .tag = tag,
          .says = "Serves the request again on a fork at its moment and compares byte for byte; changes nothing",
          .who = access::sandbox, .answers = {{200, "Replay"}}, .run = again});
  to.add({.method = "POST", .path = "/sandboxes/{sandbox}/requests/{request}/compare", .id = "compareRequest", .tag = tag,
          .says = "What the mock says to a forwarded request beside what its upstream said; nobody is asked, and nothing changes", .who = access::sandbox,
          .query = {{"mock", "string", "The mock of today (now) or of the moment of the request (then); now if absent"}},
          .answers = {{200, "RequestComparison"}}, .run = compare});
}

} // namespace hourglass::api
