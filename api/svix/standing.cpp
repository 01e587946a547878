#include "api/svix/standing.hpp"

#include "api/log_reading.hpp"
#include "webhook/facts.hpp"

#include <algorithm>

namespace hourglass::api::svix {

events::outcome<std::map<std::string, last_attempt>> last_attempts(const storage::store& in, const events::sandbox_id& sandbox,
                                                                   const std::string& message) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {events::kind::attempt_finished};
  what.entity = message;
  std::map<std::string, last_attempt> out;
  std::set<std::string> settled; // newest first: the first that counts is the last one
  auto done = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> {
    auto payload = events::upcast(r);
    auto a = payload ? views::summarize(r.header, *payload) : tl::unexpected<events::error>{payload.error()};
    if (!a)
      return tl::unexpected<events::error>{a.error()};
    auto& last = out[a->destination];
    last.made = std::max(last.made, a->number);
    if (a->follows != webhook::outcome_kind::failed && settled.insert(a->destination).second) {
      last.follows = a->follows;
      last.seq = r.header.seq;
    }
    return true;
  });
  if (!done)
    return tl::unexpected<events::error>{done.error()};
  return out;
}

events::outcome<std::optional<events::seq>> list_message_rows(const storage::store& in, const events::sandbox_id& sandbox,
                                                              const std::string& endpoint, const log_filters& f,
                                                              std::vector<message_row>& rows) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {events::kind::message_created};
  what.entity = endpoint;
  what.newest_first = !f.page.backwards;
  if (auto at = to_number(f.page.after)) {
    if (f.page.backwards)
      what.after = *at;
    else
      what.before = *at;
  }
  auto next = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> {
    if (!in_time(f, r.header))
      return true;
    auto payload = events::upcast(r);
    auto fact = payload ? webhook::decode(r.header.kind, *payload) : tl::unexpected<events::error>{payload.error()};
    if (!fact)
      return tl::unexpected<events::error>{fact.error()};
    auto& m = std::get<webhook::message_created>(*fact);
    auto has = [](const auto& list, const auto& wanted) {
      return !wanted || std::find(list.begin(), list.end(), *wanted) != list.end();
    };
    if (!has(m.channels, f.channel) || !has(m.tags, f.tag) || (!f.event_types.empty() && !f.event_types.contains(m.event_type)))
      return true;
    auto last = last_attempts(in, sandbox, m.id);
    auto text = last ? views::message_out(r.header, *payload, f.with_content) : tl::unexpected<events::error>{last.error()};
    if (!text)
      return tl::unexpected<events::error>{text.error()};
    auto it = last->find(endpoint);
    rows.push_back({r.header.seq, std::move(*text), it == last->end() ? std::nullopt : std::optional{it->second.follows}});
    return rows.size() < f.page.limit;
  });
  if (next && f.page.backwards)
    std::reverse(rows.begin(), rows.end());
  return next;
}

} // namespace hourglass::api::svix
