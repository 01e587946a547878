#include "replay/request.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/forward.hpp"
#include "mock/handler.hpp"
#include "mock/scenario.hpp"
#include "replay/state.hpp"

#include <algorithm>

namespace hourglass::replay {

namespace {

void compare(replayed& r) {
  if (r.request_cut)
    r.differences.push_back("request body: of its " + std::to_string(r.request_cut->bytes) + " bytes only the first " +
                            std::to_string(r.request.body.size()) + " are recorded, so the request cannot be repeated as it was");
  if (r.recorded.status != r.again.status)
    r.differences.push_back("status");
  const auto& a = r.recorded.headers;
  const auto& b = r.again.headers;
  for (const auto& f : a)
    if (std::find(b.begin(), b.end(), f) == b.end())
      r.differences.push_back("header " + f.name);
  for (const auto& f : b)
    if (mock::find(a, f.name) == nullptr)
      r.differences.push_back("header " + f.name);
  if (r.response_cut) {
    if (r.response_cut->bytes != r.again.body.size() || r.response_cut->sha256 != events::to_hex(events::as_text(events::sha256({r.again.body}))))
      r.differences.push_back("body, by its length or digest");
  } else if (r.recorded.body != r.again.body) {
    auto [x, y] = std::mismatch(r.recorded.body.begin(), r.recorded.body.end(), r.again.body.begin(), r.again.body.end());
    r.differences.push_back("body at byte " + std::to_string(x - r.recorded.body.begin()));
  }
  r.identical = r.differences.empty() && a == b;
  if (!r.identical && r.differences.empty())
    r.differences.push_back("order of headers");
}

/// The record has a token wherever the answer held what was secret in the request, and this request holds tokens only.
void take_tokens(replayed& r, const events::redactor& redactor) {
  for (std::size_t i = 0; i < std::min(r.recorded.headers.size(), r.again.headers.size()); ++i)
    if (r.recorded.headers[i].name == r.again.headers[i].name)
      r.again.headers[i].value = redactor.as_in(r.recorded.headers[i].value, r.again.headers[i].value);
  r.again.body = redactor.as_in(r.recorded.body, r.again.body);
}

/// Whether the log has something else in place of a part of the request: then what endpoints ask of it cannot be looked at again.
bool is_known_in_part(const mock::served_record& past) {
  constexpr std::string_view token = "[redacted:";
  const auto& r = past.request;
  return past.request_cut || r.target.find(token) != std::string::npos || r.body.find(token) != std::string::npos ||
         std::any_of(r.headers.begin(), r.headers.end(), [&](const auto& h) { return h.value.find(token) != std::string::npos; });
}

/// Whether nobody answered and no near misses were told: because nothing was near, or before anybody told them.
bool told_nothing(const mock::served_record& past) {
  return past.endpoint_id.empty() && past.response.body.find("\"near_misses\"") == std::string::npos;
}

void write(events::json_text& j, const mock::fields& headers) {
  j.open_array();
  for (const auto& h : headers)
    j.open_object().key("name").value(h.name).key("value").value(h.value).close_object();
  j.close_array();
}

void write_body(events::json_text& j, std::string_view body, const std::optional<mock::cut_body>& cut) {
  j.key("body").bytes(body);
  if (cut)
    j.key("body_truncated").value(true).key("body_bytes").value(cut->bytes).key("body_sha256").value(cut->sha256);
}

void write(events::json_text& j, const mock::response& r, const std::optional<mock::cut_body>& cut) {
  j.open_object().key("status").value(r.status).key("headers");
  write(j, r.headers);
  write_body(j, r.body, cut);
  j.close_object();
}

} // namespace

struct replay_job::inside {
  const events::redactor& redactor;
  events::seq seq = 0;
  mock::served_record past;
  events::context ctx;
  mock::plan plan;
  mock::data_state data;
  std::shared_ptr<mock::detached_run> script; ///< has taken plan and data
};

replay_job::replay_job() = default;
replay_job::~replay_job() = default;

events::outcome<std::shared_ptr<replay_job>> replay_job::load(const storage::store& store, const events::redactor& redactor,
                                                              const events::sandbox_id& sandbox, events::seq seq) {
  storage::read_budget one;
  one.max_records = 1;
  auto found = store.read(sandbox, seq, one);
  if (!found)
    return tl::unexpected<events::error>{std::move(found).error()};
  if (found->empty() || found->front().header.seq != seq || found->front().header.kind != events::kind::request_served)
    return events::failure(events::errc::not_found, "there is no recorded request at this place", "seq");
  const auto& record = found->front();
  auto payload = events::upcast(record);
  if (!payload)
    return tl::unexpected<events::error>{std::move(payload).error()};
  auto past = mock::decode_served(*payload);
  if (!past)
    return tl::unexpected<events::error>{std::move(past).error()};
  // Every request was decided on exactly the state before it: that is what the fork is.
  auto fork = replay::load(store, sandbox, seq - 1);
  if (!fork)
    return tl::unexpected<events::error>{std::move(fork).error()};

  events::context ctx;
  // The header's wall time may be that of an event before it (`events::seal`); the id says when the request itself was stamped.
  ctx.wall = events::time_of_id(past->request_id).value_or(record.header.wall);
  ctx.now = record.header.virtual_;
  ctx.chance = past->chance;
  ctx.principal = record.header.principal;
  ctx.correlation = record.header.correlation;
  mock::recorded_choice choice{past->endpoint_id, past->endpoint_id.empty() ? &past->response : nullptr};
  if (past->forward)
    choice.forwarded = past->forward->endpoint;
  auto plan = mock::route(fork->endpoints, past->request, is_known_in_part(*past) || told_nothing(*past) ? &choice : nullptr);
  mock::meet_fate(plan, fork->data, past->request, ctx.chance);
  (void)mock::forward(plan, fork->data, past->request, ctx, redactor); // with the recorded answer: what has none is answered so
  std::shared_ptr<replay_job> out{new replay_job};
  out->self_ = std::make_unique<inside>(inside{redactor, seq, std::move(*past), std::move(ctx), std::move(plan), std::move(fork->data), nullptr});
  auto& in = *out->self_;
  if (in.plan.runs_script())
    in.script = std::make_shared<mock::detached_run>(std::move(in.plan), std::move(in.data), in.past.request, in.ctx, sandbox.to_string(), redactor);
  return out;
}

bool replay_job::runs_script() const noexcept { return self_->script != nullptr; }

void replay_job::run(const std::shared_ptr<replay_job>& self, mock::script_engine& engine, std::function<void()> done) {
  const auto& past = self->self_->past;
  mock::detached_run::run(self->self_->script, engine, past.script ? &*past.script : nullptr, [self, done = std::move(done)] { done(); });
}

events::outcome<replayed> replay_job::finish() {
  auto& in = *self_;
  auto served = in.script ? in.script->finish() : events::outcome<mock::served>{mock::render(in.plan, in.data, in.past.request, in.ctx, in.redactor)};
  if (!served)
    return tl::unexpected<events::error>{std::move(served).error()};
  replayed r;
  r.seq = in.seq;
  r.request_id = in.past.request_id;
  if (in.past.request.calls)
    for (const auto& made : *in.past.request.calls)
      r.fed.push_back(mock::to_text({made.call}, in.redactor));
  r.request = std::move(in.past.request);
  r.recorded = std::move(in.past.response);
  r.request_cut = std::move(in.past.request_cut);
  r.response_cut = std::move(in.past.response_cut);
  r.again = mock::as_recorded(served->response, in.redactor);
  if (!served->wanted.empty())
    r.differences.push_back("calls: a replay calls nobody, and this is not recorded: " + mock::to_text(served->wanted, in.redactor));
  take_tokens(r, in.redactor);
  compare(r);
  return r;
}

events::outcome<replayed> replay_request(const storage::store& store, const events::redactor& redactor, const events::sandbox_id& sandbox, events::seq seq) {
  auto job = replay_job::load(store, redactor, sandbox, seq);
  if (!job)
    return tl::unexpected<events::error>{std::move(job).error()};
  if ((*job)->runs_script())
    return events::failure(events::errc::unavailable, "it runs a script, and nobody is here who could");
  return (*job)->finish();
}

std::string to_json(const replayed& r) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  j.key("seq").value(r.seq).key("request_id").value(r.request_id).key("identical").value(r.identical);
  j.key("differences").open_array();
  for (const auto& d : r.differences)
    j.value(d);
  j.close_array();
  if (!r.fed.empty()) {
    j.key("fed").open_array();
    for (const auto& f : r.fed)
      j.value(f);
    j.close_array();
  }
  j.key("request").open_object().key("method").value(r.request.method).key("target").value(r.request.target).key("headers");
  write(j, r.request.headers);
  write_body(j, r.request.body, r.request_cut);
  j.close_object();
  j.key("recorded");
  write(j, r.recorded, r.response_cut);
  j.key("again");
  write(j, r.again, std::nullopt);
  j.close_object();
  return out;
}

} // namespace hourglass::replay
