#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "api/svix/log_lists.hpp"
#include "webhook/inputs.hpp"

#include <memory>

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

constexpr std::size_t bytes_looked_at = 32 * limits::mebi; ///< of payloads, by one trial; then it stops and says where to go on

/// What a trial has found so far.
struct findings {
  std::string items;
  std::size_t looked = 0, matched = 0, bytes = 0;
};

events::outcome<bool> look_at(const events::record& r, const webhook::filter_trial& trial, const webhook::destination& as, findings& into) {
  const auto at = r.header.virtual_;
  if ((trial.since && at < *trial.since) || (trial.until && *trial.until < at))
    return true;
  auto fact = webhook::decode(r);
  if (!fact)
    return tl::unexpected<events::error>{fact.error()};
  if (r.erased) // nobody can say any more what a filter would have made of it
    return true;
  auto& m = std::get<webhook::message_created>(*fact);
  auto report = webhook::explain(as, {m.event_type, m.event_id, m.channels, m.tags, m.json()});
  into.items.append(into.looked == 0 ? "" : ",").append(views::trial_item(m, at, report, as.id));
  ++into.looked;
  into.matched += report.against == webhook::match_report::reason::none ? 1 : 0;
  into.bytes += m.body.size();
  return into.looked < trial.limit && into.bytes < bytes_looked_at;
}

void try_out(core& in, const call_ptr& c, const webhook::filter_trial& trial, const webhook::destination& as) {
  in.on_reader(c, [&in, trial, as](const call_ptr& done) {
    in.catch_up();
    storage::history_query what;
    what.sandbox = done->sandbox;
    what.kinds = {events::kind::message_created};
    if (trial.before)
      what.before = *trial.before;
    findings found;
    auto next = scan_log(in.node.store(), what, [&](const events::record& r) { return look_at(r, trial, as, found); });
    if (!next)
      return done->fail(next.error());
    std::string out = R"({"data":[)" + found.items + "]";
    out += R"(,"looked":)" + std::to_string(found.looked) + R"(,"matched":)" + std::to_string(found.matched);
    out += R"(,"iterator":)" + (*next ? '"' + std::to_string(**next) + '"' : std::string{"null"});
    out += *next ? R"(,"done":false})" : R"(,"done":true})";
    done->answer(200, std::move(out));
  });
}

/// As an endpoint would be that is given, or made anew, with what the body says in place of its own.
events::outcome<webhook::destination> put_in(webhook::destination as, const webhook::filter_trial& trial) {
  as.filter_types = trial.filter_types.value_or(std::move(as.filter_types));
  as.channels = trial.channels.value_or(std::move(as.channels));
  as.filter = trial.filter.value_or(std::move(as.filter));
  if (auto fine = webhook::validate_selection(as); !fine)
    return tl::unexpected<events::error>{fine.error()};
  return as;
}

void run(core& in, const call_ptr& c) {
  auto read = webhook::read_filter_trial(c->request->body);
  if (!read)
    return c->fail(read.error());
  if (read->destination.empty()) {
    auto as = put_in({}, *read);
    return as ? try_out(in, c, *read, *as) : c->fail(as.error());
  }
  auto trial = std::make_shared<const webhook::filter_trial>(std::move(*read));
  auto as = std::make_shared<webhook::destination>();
  in.look<webhook::outbox_state>(
      c, c->sandbox,
      [trial, as](const webhook::outbox_state& s, events::virtual_time) -> events::outcome<std::string> {
        const auto* d = s.find(trial->destination);
        if (d == nullptr)
          return failure(errc::not_found, "there is no such endpoint", "/endpointId");
        auto with = put_in(*d, *trial);
        if (!with)
          return tl::unexpected<events::error>{with.error()};
        *as = std::move(*with);
        return "{}";
      },
      [&in, trial, as](const call_ptr& found, actors::receipt) { try_out(in, found, *trial, *as); });
}

} // namespace

} // namespace svix

void add_filters(router& to) {
  to.add({.method = "POST", .path = "/api/v1/app/{app_id}/filter/try", .id = "hourglass.filter.try", .tag = "endpoint",
          .says = "Which of the last messages an endpoint would get with these filters, newest first, and what keeps it from the others. Changes nothing",
          .who = access::sandbox, .speaks = dialect::svix, .takes = body::unread_json, .body_schema = "FilterTrialIn",
          .answers = {{200, "FilterTrialOut"}}, .portal = capability::view, .run = svix::run});
}

} // namespace hourglass::api
