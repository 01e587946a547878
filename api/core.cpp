#include "api/core.hpp"

#include <exception>

namespace hourglass::api {

using events::errc;

core::core(actors::node& below, service_options given) : node(below), options(std::move(given)), answers(below) {}
core::~core() = default;

void guarded(const call_ptr& c, const std::function<void()>& work) noexcept {
  try {
    work();
  } catch (const std::exception& e) {
    c->fail({errc::internal, e.what(), {}});
  } catch (...) {
    c->fail({errc::internal, "unknown exception", {}});
  }
}

void core::change(const call_ptr& c, actors::command what, unsigned status) {
  change(c, c->sandbox, std::move(what), [status](const call_ptr& done, actors::receipt r) {
    if (r.reply.empty())
      done->no_content();
    else
      done->answer(status, std::move(r.reply));
  });
}

void core::change(const call_ptr& c, const events::sandbox_id& sandbox, actors::command what, then next) {
  node.submit(sandbox, std::move(what), c->caller(), [c, next = std::move(next)](events::outcome<actors::receipt> r) {
    if (!r)
      return c->fail(r.error());
    guarded(c, [&] { next(c, std::move(*r)); });
  });
}

void core::read(const call_ptr& c, const events::sandbox_id& sandbox, actors::reading what, then next) {
  node.read(sandbox, std::move(what), [c, next = std::move(next)](events::outcome<actors::receipt> r) {
    if (!r)
      return c->fail(r.error());
    guarded(c, [&] { next(c, std::move(*r)); });
  });
}

void core::on_reader(const call_ptr& c, std::function<void(const call_ptr&)> work) {
  auto guarded_work = [c, work = std::move(work)] { guarded(c, [&] { work(c); }); };
  c->sandbox == events::sandbox_id{} ? node.post(std::move(guarded_work)) : node.post_for(c->sandbox, std::move(guarded_work));
}

void core::run_apart(const call_ptr& c, const run_script& run, std::function<void(const call_ptr&)> tell) {
  auto place = place_apart(c);
  if (!place)
    return c->fail(place.error());
  run_apart(c, std::move(*place), run, std::move(tell));
}

void core::run_apart(const call_ptr& c, script_gate::ticket place, const run_script& run, std::function<void(const call_ptr&)> tell) {
  auto* engine = node.scripts();
  if (engine == nullptr)
    return c->fail({errc::unavailable, "this node has no engine for scripts", {}});
  run(*engine, [this, c, place = std::move(place), tell = std::move(tell)] {
    on_reader(c, [place, tell](const call_ptr& done) { tell(done); });
  });
}

void core::catch_up() {
  using namespace std::chrono_literals;
  if (node.index().trouble())
    return; // it stands still: waiting would only keep a reader thread from others
  node.index().wait_until(node.journal().end(), std::chrono::steady_clock::now() + 2s);
}

void core::log(const call& c, unsigned status, const events::error* why) {
  if (!options.log)
    return;
  log_line line;
  line.error = status >= 500;
  line.what = why ? events::to_string(why->code) : std::string_view{"answered"};
  if (why)
    line.detail = why->detail;
  line.method = c.request->method;
  line.route = c.at ? c.at->path : std::string_view{"-"};
  line.status = status;
  auto principal = c.who.name();
  line.principal = principal;
  line.correlation = c.correlation;
  if (c.sandbox != events::sandbox_id{})
    line.sandbox = c.sandbox.to_string();
  options.log(line);
}

} // namespace hourglass::api
