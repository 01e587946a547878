#include "api/svix/standing.hpp"

#include "api/log_reading.hpp"

#include <algorithm>

namespace hourglass::api::svix {

using events::errc;
using events::failure;

events::outcome<std::map<std::string, last_attempt>> last_attempts(const storage::store& in, const events::sandbox_id& sandbox,
                                                                   const std::string& message) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = ends;
  what.kinds.push_back(events::kind::dead_letters_removed);
  what.entity = message;
  std::map<std::string, last_attempt> out;
  std::set<std::string> settled, ended; // newest first: the first that counts is the last one
  auto done = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> {
    auto payload = events::upcast(r);
    if (payload && r.header.kind == events::kind::dead_letters_removed) {
      auto gone = webhook::decode(r.header.kind, *payload);
      if (!gone)
        return tl::unexpected<events::error>{gone.error()};
      ended.insert(std::get<webhook::dead_letters_removed>(*gone).destination);
      return true;
    }
    auto a = payload ? views::summarize(r.header, *payload) : tl::unexpected<events::error>{payload.error()};
    if (!a)
      return tl::unexpected<events::error>{a.error()};
    auto& last = out[a->destination];
    last.made = std::max(last.made, a->number);
    if (a->follows != webhook::outcome_kind::failed && settled.insert(a->destination).second) {
      last.follows = a->follows;
      last.seq = r.header.seq;
    }
    using webhook::outcome_kind;
    if ((a->follows == outcome_kind::delivered || a->follows == outcome_kind::dead) && ended.insert(a->destination).second) {
      last.stands = a->follows == outcome_kind::dead ? last_attempt::end::dead : last_attempt::end::delivered;
      last.stands_since = r.header.seq;
    }
    return true;
  });
  if (!done)
    return tl::unexpected<events::error>{done.error()};
  return out;
}

namespace {

bool has(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

} // namespace

std::vector<storage::history_query> messages_for(const events::sandbox_id& sandbox, const std::string& endpoint) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {events::kind::message_created};
  what.entity = endpoint;
  auto wide = what;
  wide.entity = webhook::wide_fan_out;
  return {std::move(what), std::move(wide)};
}

bool went_to(const webhook::message_created& m, const std::string& endpoint) {
  return has(m.destinations, endpoint);
}

namespace {

/// Tells `see` all events that fit, however many pages, up to `stats_most` of them.
events::outcome<void> look_at_all(const storage::store& in, std::vector<storage::history_query> what, std::size_t& looked,
                                  const std::function<events::outcome<void>(const events::record&)>& see) {
  while (true) {
    auto next = scan_log_merged(in, what, [&](const events::record& r) -> events::outcome<bool> {
      if (++looked > stats_most)
        return failure(errc::too_large, "more than " + std::to_string(stats_most) + " events would have to be looked at; leave the range out "
                                            "for the figures since the endpoint was created");
      if (auto seen = see(r); !seen)
        return tl::unexpected<events::error>{seen.error()};
      return true;
    });
    if (!next)
      return tl::unexpected<events::error>{next.error()};
    if (!*next)
      return {};
    for (auto& one : what)
      one.before = **next;
  }
}

} // namespace

events::outcome<std::vector<sent_message>> sent_between(const storage::store& in, const events::sandbox_id& sandbox,
                                                        const std::string& endpoint, std::optional<std::int64_t> since,
                                                        std::optional<std::int64_t> until) {
  std::map<events::seq, std::optional<webhook::outcome_kind>> sent;
  std::size_t looked = 0;
  auto read = look_at_all(in, messages_for(sandbox, endpoint), looked, [&](const events::record& r) -> events::outcome<void> {
    if ((since && r.header.virtual_.us < *since) || (until && r.header.virtual_.us > *until))
      return {};
    auto fact = webhook::decode(r);
    if (!fact)
      return tl::unexpected<events::error>{fact.error()};
    if (went_to(std::get<webhook::message_created>(*fact), endpoint))
      sent.emplace(r.header.seq, std::nullopt);
    return {};
  });
  if (read && !sent.empty()) {
    storage::history_query attempts;
    attempts.sandbox = sandbox;
    attempts.kinds = ends;
    attempts.entity = endpoint;
    attempts.after = sent.begin()->first; // an attempt stands behind its message
    read = look_at_all(in, {attempts}, looked, [&](const events::record& r) -> events::outcome<void> {
      auto payload = events::upcast(r);
      auto a = payload ? views::summarize(r.header, *payload) : tl::unexpected<events::error>{payload.error()};
      if (!a)
        return tl::unexpected<events::error>{a.error()};
      auto it = a->destination == endpoint ? sent.find(a->message_seq) : sent.end();
      // Newest first; a manual attempt that failed decides only where there is no other.
      if (it != sent.end() && (!it->second || *it->second == webhook::outcome_kind::failed))
        it->second = a->follows;
      return {};
    });
  }
  if (!read)
    return tl::unexpected<events::error>{read.error()};
  return std::vector<sent_message>{sent.begin(), sent.end()};
}

events::outcome<std::optional<events::seq>> list_message_rows(const storage::store& in, const events::sandbox_id& sandbox,
                                                              const std::string& endpoint, const log_filters& f,
                                                              std::vector<message_row>& rows) {
  auto what = messages_for(sandbox, endpoint);
  for (auto& one : what) {
    one.newest_first = !f.page.backwards;
    auto at = to_number(f.page.after);
    if (at && f.page.backwards)
      one.after = *at;
    else if (at)
      one.before = *at;
  }
  auto next = scan_log_merged(in, std::move(what), [&](const events::record& r) -> events::outcome<bool> {
    if (!in_time(f, r.header))
      return true;
    auto payload = events::upcast(r);
    auto fact = payload ? webhook::decode(r.header.kind, *payload) : tl::unexpected<events::error>{payload.error()};
    if (!fact)
      return tl::unexpected<events::error>{fact.error()};
    auto& m = std::get<webhook::message_created>(*fact);
    if (!went_to(m, endpoint) || (f.channel && !has(m.channels, *f.channel)) || (f.tag && !has(m.tags, *f.tag)) ||
        (!f.event_types.empty() && !f.event_types.contains(m.event_type)))
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
