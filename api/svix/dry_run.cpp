#include "api/svix/dry_run.hpp"

#include "actors/recovery_scan.hpp"
#include "events/json_text.hpp"

#include <algorithm>

namespace hourglass::api::svix {

namespace {

using state = webhook::outbox_state;

/// What a recovery would take at one destination.
struct trial {
  webhook::recovery what;
  webhook::destination to;
  std::vector<events::seq> found;
};
struct dry_run {
  std::vector<trial> at;
  std::uint64_t looked = 0;
  bool complete = true;
};

events::outcome<std::string> begin(dry_run& run, const state& s, const webhook::start_recovery& what, events::virtual_time now) {
  events::context ctx;
  ctx.now = now;
  auto decided = webhook::decide(s, what, ctx);
  if (!decided)
    return tl::unexpected<events::error>{decided.error()};
  for (auto& f : decided->facts) {
    trial t;
    t.what.what = std::get<webhook::recovery_started>(std::move(f));
    t.to = *s.find(t.what.what.destination);
    run.at.push_back(std::move(t));
  }
  return "{}";
}

events::outcome<void> look_at_all(const storage::store& in, const events::sandbox_id& sandbox, dry_run& run) {
  for (auto& t : run.at)
    for (bool done = false; !done;) {
      if (run.looked >= dry_run_most) {
        run.complete = false;
        return {};
      }
      auto page = actors::look_for_recovery(in, sandbox, t.what, t.to);
      if (!page)
        return tl::unexpected<events::error>{page.error()};
      for (const auto& item : page->what.items)
        t.found.push_back(item.message.seq);
      run.looked += page->what.seen;
      t.what.cursor = page->what.cursor;
      done = page->what.done;
    }
  return {};
}

/// What is on its way already would not be queued again.
std::string count_of(const dry_run& run, const state& s) {
  std::uint64_t count = 0;
  for (const auto& t : run.at)
    count += static_cast<std::uint64_t>(std::count_if(t.found.begin(), t.found.end(), [&](events::seq m) { return !s.pending(t.to.id, m); }));
  std::string out;
  events::json_text j{out};
  j.open_object().key("dryRun").value(true).key("count").value(count).key("looked").value(run.looked).key("complete").value(run.complete).close_object();
  return out;
}

} // namespace

void count_recovery(core& in, const call_ptr& c, webhook::start_recovery what) {
  auto run = std::make_shared<dry_run>();
  what.rate = 0; // it would be looked for in many small pages
  in.look<state>(
      c, c->sandbox, [run, what = std::move(what)](const state& s, events::virtual_time now) { return begin(*run, s, what, now); },
      [&in, run](const call_ptr& found, actors::receipt) {
        in.on_reader(found, [&in, run](const call_ptr& done) {
          const auto end = in.node.store().end();
          in.catch_up();
          run->complete = in.node.store().index_end() >= end; // else the newest may be missing
          if (auto looked = look_at_all(in.node.store(), done->sandbox, *run); !looked)
            return done->fail(looked.error());
          in.look<state>(
              done, done->sandbox, [run](const state& s, events::virtual_time) -> events::outcome<std::string> { return count_of(*run, s); },
              [](const call_ptr& told, actors::receipt r) { told->answer(200, std::move(r.reply)); });
        });
      });
}

} // namespace hourglass::api::svix
