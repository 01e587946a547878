#include "replay/comparison.hpp"

#include "events/json_text.hpp"
#include "mock/forward.hpp"
#include "mock/handler.hpp"
#include "mock/scenario.hpp"
#include "replay/state.hpp"

#include <algorithm>
#include <utility>

namespace hourglass::replay {

using events::errc;
using events::failure;

struct comparison_job::inside {
  const events::redactor& redactor;
  mock::served_record past;
  mock::response upstream;
  events::context ctx;
  mock::plan plan;
  mock::data_state data;
  std::string mock;
  std::shared_ptr<mock::detached_run> script; ///< has taken plan and data
};

namespace {

const mock::made_call* forward_of(const mock::served_record& r) {
  if (!r.request.calls)
    return nullptr;
  const auto at = std::find_if(r.request.calls->begin(), r.request.calls->end(), [](const auto& c) { return c.call.kind == mock::outbound_kind::forward; });
  return at != r.request.calls->end() ? &*at : nullptr;
}

void write(events::json_text& j, const mock::response& r) {
  j.open_object().key("status").value(r.status).key("headers").open_array();
  for (const auto& h : r.headers) {
    j.open_object().key("name").value(h.name).key("value");
    events::is_utf8(h.value) ? j.value(h.value) : j.bytes(h.value);
    j.close_object();
  }
  j.close_array().key("body").bytes(r.body).close_object();
}

} // namespace

comparison_job::comparison_job() = default;
comparison_job::~comparison_job() = default;

events::outcome<std::shared_ptr<comparison_job>> comparison_job::load(const storage::store& store, const events::redactor& redactor,
                                                                      const events::sandbox_id& sandbox, events::seq seq, bool now) {
  storage::read_budget one;
  one.max_records = 1;
  auto found = store.read(sandbox, seq, one);
  if (!found)
    return tl::unexpected<events::error>{std::move(found).error()};
  if (found->empty() || found->front().header.seq != seq || found->front().header.kind != events::kind::request_served)
    return failure(errc::not_found, "there is no recorded request at this place", "seq");
  auto payload = events::upcast(found->front());
  if (!payload)
    return tl::unexpected<events::error>{std::move(payload).error()};
  auto past = mock::decode_served(*payload);
  if (!past)
    return tl::unexpected<events::error>{std::move(past).error()};
  const auto* made = forward_of(*past);
  if (made == nullptr || !made->outcome.error.empty())
    return failure(errc::invalid, made == nullptr ? "this request was not forwarded" : "the upstream did not answer this request");
  if (made->outcome.cut || past->request_cut)
    return failure(errc::invalid, "the log has only the front of a body of this request");
  auto until = seq - 1;
  if (now) {
    const auto head = store.head(sandbox);
    if (!head)
      return tl::unexpected<events::error>{head.error()};
    until = *head ? (*head)->seq : 0;
  }
  auto fork = replay::load(store, sandbox, until);
  if (!fork)
    return tl::unexpected<events::error>{std::move(fork).error()};
  events::context ctx;
  ctx.wall = events::time_of_id(past->request_id).value_or(found->front().header.wall);
  ctx.now = found->front().header.virtual_;
  ctx.chance = past->chance;
  ctx.principal = found->front().header.principal;
  ctx.correlation = found->front().header.correlation;
  mock::response upstream;
  upstream.status = made->outcome.status;
  upstream.headers = made->outcome.headers;
  upstream.body = made->outcome.body;
  auto plan = mock::route_to_mock(fork->endpoints, past->request);
  mock::meet_fate(plan, fork->data, past->request, ctx.chance);
  std::shared_ptr<comparison_job> out{new comparison_job};
  std::string mock{plan.endpoint_id()};
  out->self_ = std::make_unique<inside>(inside{redactor, std::move(*past), std::move(upstream), std::move(ctx), std::move(plan), std::move(fork->data), std::move(mock), nullptr});
  auto& in = *out->self_;
  in.past.request.calls = nullptr;
  if (in.plan.runs_script())
    in.script = std::make_shared<mock::detached_run>(std::move(in.plan), std::move(in.data), in.past.request, in.ctx, sandbox.to_string(), redactor);
  return out;
}

bool comparison_job::runs_script() const noexcept { return self_->script != nullptr; }

void comparison_job::run(const std::shared_ptr<comparison_job>& self, mock::script_engine& engine, std::function<void()> done) {
  mock::detached_run::run(self->self_->script, engine, nullptr, [self, done = std::move(done)] { done(); });
}

events::outcome<std::string> comparison_job::finish() {
  auto& in = *self_;
  auto served = in.script ? in.script->finish() : events::outcome<mock::served>{mock::render(in.plan, in.data, in.past.request, in.ctx, in.redactor)};
  if (!served)
    return tl::unexpected<events::error>{std::move(served).error()};
  if (!served->wanted.empty())
    return failure(errc::invalid, "the handler that is the mock makes calls of its own, and nobody is asked here");
  const auto mock = mock::as_recorded(served->response, in.redactor);
  auto compared = mock::compare_answers(in.upstream, mock);
  compared.mock = in.mock;
  std::string out;
  events::json_text j{out};
  j.open_object().key("request_id").value(in.past.request_id).key("upstream");
  write(j, in.upstream);
  j.key("mock");
  write(j, mock);
  mock::write_comparison(compared, j.key("compared"));
  j.close_object();
  return out;
}

} // namespace hourglass::replay
