#include "webhook/facts_json.hpp"
#include "webhook/limits.hpp"
#include "webhook/outbox_impl.hpp"

#include "events/json_text.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

// snapshot := {"format": 10, "event_types": [type…], "pollers"?: [poller…], "recoveries": [recovery…], "messages": [message…], "destinations": [lane…]}
// poller   := {"start", "value", "consumers": [[name, cursor, moved us]…]}
// message  := [seq, id, event_type, body_bytes, alone?]
// lane     := {"ordinal", "value": destination, "delivered", "dead", "failed_in_a_row", "backlog_told"?, "guard"?: guard, "held"?: [[line, message seq]…],
//              "batches"?: [[batch seq, [[message seq, attempts, was_dead, was_delivered, recovery, since us]…]]…], "deliveries": [delivery…],
//              "resting"?: [page…]}
// guard    := {"in_a_row"?, "failing_since_us"?, "last_failed_us"?, "told"?, "failed_us"?, "held_us"?, "holds"?, "release"?, "probing_since"?, "probing_at_us"?, "retries_from_us"?}
// delivery := [message seq, attempts, step, manual, scheduled, was_dead, recovery, due, manual_due, was_delivered?, since?, line?, place us?, place seq?]; since is due when it is not there
// page     := base64 of `pack_resting`, each but the last of `page_most`: all that may rest, whether it does or not
//
// Format 1 had no guard and no since, format 2 no lines, format 3 no transport, format 4 no pages, format 5 no filter, rate and purge of a recovery, and no pollers, format 6 no transformation,
// format 7 no row of failures that expires, format 8 no batches, format 9 none that goes alone: who does not know that would send without it, send what is to be removed, or disable too early.
//
// Everything stands in the order of its key, so equal states give equal text.

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;
using events::json_text;
using nlohmann::json;

constexpr std::int64_t snapshot_format = 10;

template <class Map>
auto sorted_keys(const Map& map) {
  std::vector<typename Map::key_type> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map)
    keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::string_view name_of(recovery::phase p) noexcept {
  switch (p) {
    case recovery::phase::scanning:
      return "scanning";
    case recovery::phase::finished:
      return "finished";
    case recovery::phase::cancelled:
      return "cancelled";
  }
  return "unknown";
}

void write_recovery(json_text& j, const recovery& r) {
  j.open_object().key("started_seq").value(r.started_seq).key("state").value(name_of(r.state));
  j.key("what").raw(encode(r.what).payload);
  if (r.next)
    j.key("next_us").value(r.next->us);
  j.key("cursor").value(r.cursor).key("seen").value(r.seen).key("queued").value(r.queued).key("delivered").value(r.delivered);
  j.key("dead").value(r.dead).key("started_us").value(r.started.us).key("updated_us").value(r.updated.us).close_object();
}

void write_pollers(json_text& j, const outbox_state::impl& s) {
  if (s.pollers.empty())
    return;
  j.key("pollers").open_array();
  for (const auto& [id, p] : s.pollers) {
    j.open_object().key("start").value(p.start).key("value");
    detail::write(j, p);
    j.key("consumers").open_array();
    for (const auto& [name, c] : p.consumers)
      j.open_array().value(name).value(c.cursor).value(c.moved.us).close_array();
    j.close_array().close_object();
  }
  j.close_array();
}

void write_messages(json_text& j, const outbox_state::impl& s) {
  std::map<events::seq, const message_ref*> messages;
  for (const auto& [ordinal, l] : s.lanes)
    for (const auto& [seq, d] : l.deliveries)
      if (!d.may_rest()) {
        messages.emplace(seq, d.message.get());
        for (const auto& m : d.members)
          messages.emplace(m.message->seq, m.message.get());
      }
  j.key("messages").open_array();
  for (const auto& [seq, m] : messages) {
    j.open_array().value(seq).value(m->id).value(m->event_type).value(m->body_bytes);
    if (m->alone)
      j.value(true);
    j.close_array();
  }
  j.close_array();
}

void write_guard(json_text& j, const lane_guard& g) {
  if (g == lane_guard{})
    return;
  auto time = [&j](const char* name, const std::optional<events::virtual_time>& t) {
    if (t)
      j.key(name).value(t->us);
  };
  auto count = [&j](const char* name, auto value, decltype(value) otherwise) {
    if (value != otherwise)
      j.key(name).value(value);
  };
  j.key("guard").open_object();
  count("in_a_row", g.in_a_row, 0);
  time("failing_since_us", g.failing_since);
  time("last_failed_us", g.last_failed);
  count("told", g.told, 0);
  count("failed_us", g.failed_us, 0);
  time("held_us", g.held_until);
  count("holds", g.holds, 0);
  count("release", g.release, lane_guard::unbounded);
  if (g.probing)
    j.key("probing_since").value(g.probing->since).key("probing_at_us").value(g.probing->at.us);
  time("retries_from_us", g.retries_from);
  j.close_object();
}

void write_pages(json_text& j, const lane& l) {
  std::vector<resting_delivery> awake, page;
  for (const auto& [seq, d] : l.deliveries)
    if (d.may_rest())
      awake.push_back(resting(d));
  if (awake.empty() && l.resting.empty())
    return;
  const auto flush = [&] {
    j.value(events::to_base64(pack_resting(page)));
    page.clear();
  };
  const auto write = [&](const resting_delivery& r) {
    page.push_back(r);
    if (page.size() == resting_deliveries::page_most)
      flush();
  };
  j.key("resting").open_array();
  auto next = awake.begin();
  l.resting.each([&](const resting_delivery& r) {
    for (; next != awake.end() && next->message.seq < r.message.seq; ++next)
      write(*next);
    write(r);
  });
  std::for_each(next, awake.end(), write);
  if (!page.empty())
    flush();
  j.close_array();
}

void write_batches(json_text& j, const lane& l) {
  if (l.in_batch.empty())
    return;
  j.key("batches").open_array();
  for (const auto& [seq, d] : l.deliveries) {
    if (d.members.empty())
      continue;
    j.open_array().value(seq).open_array();
    for (const auto& m : d.members)
      j.open_array().value(m.message->seq).value(m.attempts).value(m.was_dead).value(m.was_delivered).value(m.recovery).value(m.since.us).close_array();
    j.close_array().close_array();
  }
  j.close_array();
}

void write_lane(json_text& j, const lane& l) {
  j.open_object().key("ordinal").value(l.ordinal).key("value");
  detail::write(j, l.config);
  j.key("delivered").value(l.delivered).key("dead").value(l.dead).key("failed_in_a_row").value(l.failed_in_a_row);
  if (l.backlog_told != 0)
    j.key("backlog_told").value(l.backlog_told);
  write_guard(j, l.guard);
  if (!l.held.empty()) {
    j.key("held").open_array();
    for (const auto& [line, letter] : l.held)
      j.open_array().value(line).value(letter).close_array();
    j.close_array();
  }
  write_batches(j, l);
  j.key("deliveries").open_array();
  for (const auto& [seq, d] : l.deliveries) {
    if (d.may_rest())
      continue;
    j.open_array().value(seq).value(d.attempts).value(d.step).value(d.manual).value(d.scheduled).value(d.was_dead);
    j.value(d.recovery).value(d.due.us).value(d.manual_due.us);
    const bool in_line = !d.line.empty();
    const bool aged = in_line || d.since != d.due;
    if (d.was_delivered || aged)
      j.value(d.was_delivered);
    if (aged)
      j.value(d.since.us);
    if (in_line)
      j.value(d.line).value(d.place.first).value(d.place.second);
    j.close_array();
  }
  j.close_array();
  write_pages(j, l);
  j.close_object();
}

// -- reading ----------------------------------------------------------------------------

// Takes the elements of an array one after the other; one that is missing or of another type makes the whole wrong.
class row_reader {
public:
  explicit row_reader(const json& row) : row_(row), ok_(row.is_array()) {}

  std::uint64_t natural() {
    const auto* v = next();
    ok_ = ok_ && v->is_number_unsigned();
    return ok_ ? v->get<std::uint64_t>() : 0;
  }
  std::uint32_t small() { return static_cast<std::uint32_t>(natural()); }
  std::int64_t integer() {
    const auto* v = next();
    ok_ = ok_ && v->is_number_integer();
    return ok_ ? v->get<std::int64_t>() : 0;
  }
  bool truth() {
    const auto* v = next();
    ok_ = ok_ && v->is_boolean();
    return ok_ && v->get<bool>();
  }
  std::string text() {
    const auto* v = next();
    ok_ = ok_ && v->is_string();
    return ok_ ? v->get<std::string>() : std::string{};
  }
  bool more() const noexcept { return ok_ && at_ < row_.size(); }
  bool ok() const noexcept { return ok_; }

private:
  const json* next() {
    ok_ = ok_ && at_ < row_.size();
    return ok_ ? &row_[at_++] : nullptr;
  }

  const json& row_;
  std::size_t at_ = 0;
  bool ok_;
};

using messages_by_seq = std::unordered_map<events::seq, std::shared_ptr<const message_ref>>;

std::string read_messages(const json& list, messages_by_seq& into) {
  for (const auto& one : list) {
    row_reader r{one};
    message_ref m;
    m.seq = r.natural();
    m.id = r.text();
    m.event_type = r.text();
    m.body_bytes = r.natural();
    m.alone = r.more() && r.truth();
    if (!r.ok() || m.seq == 0 || std::max(m.id.size(), m.event_type.size()) > resting_text_most)
      return "messages";
    into.emplace(m.seq, std::make_shared<const message_ref>(std::move(m)));
  }
  return {};
}

lane_guard read_guard(const json& object, std::string& problem) {
  detail::object_reader r{object};
  auto time = [&r](const char* name) { return r.find(name) == nullptr ? std::nullopt : std::optional{events::virtual_time{r.integer(name)}}; };
  lane_guard g;
  g.in_a_row = static_cast<std::uint32_t>(r.natural("in_a_row", 0));
  g.failing_since = time("failing_since_us");
  g.last_failed = time("last_failed_us");
  g.told = static_cast<std::uint32_t>(r.natural("told", 0));
  g.failed_us = r.integer("failed_us", 0);
  g.held_until = time("held_us");
  g.holds = static_cast<std::uint32_t>(r.natural("holds", 0));
  g.release = static_cast<std::uint32_t>(r.natural("release", lane_guard::unbounded));
  if (r.find("probing_since") != nullptr)
    g.probing = lane_guard::probation{r.natural("probing_since"), {r.integer("probing_at_us")}};
  g.retries_from = time("retries_from_us");
  problem = r.problem();
  return g;
}

std::string read_pages(const json& list, lane& l, outbox_state::impl& into) {
  if (!list.is_array())
    return "destinations/resting";
  events::seq last = 0;
  for (const auto& one : list) {
    std::string bytes;
    auto page = one.is_string() && events::from_base64(one.get_ref<const std::string&>(), bytes) ? unpack_resting(bytes)
                                                                                                 : failure(errc::corrupt, "not a page");
    if (!page || page->empty() || page->front().message.seq <= last)
      return "destinations/resting";
    last = page->back().message.seq;
    if (std::any_of(page->begin(), page->end(), [&l](const auto& r) { return l.has(r.message.seq); }))
      return "destinations/resting";
    into.add_resting(l, *page);
  }
  into.reindex(l);
  return {};
}

using members_by_batch = std::unordered_map<events::seq, std::vector<batch_member>>;

bool read_batches(const json& list, const messages_by_seq& messages, members_by_batch& into) {
  if (!list.is_array())
    return false;
  std::set<events::seq> seen;
  for (const auto& one : list) {
    if (!one.is_array() || one.size() != 2 || !one[0].is_number_unsigned() || !one[1].is_array() || one[1].empty() || one[1].size() > limits::batch_messages)
      return false;
    auto& members = into[one[0].get<events::seq>()];
    for (const auto& its : one[1]) {
      row_reader row{its};
      const auto message = messages.find(row.natural());
      batch_member m;
      m.attempts = row.small();
      m.was_dead = row.truth();
      m.was_delivered = row.truth();
      m.recovery = row.natural();
      m.since = {row.integer()};
      if (!row.ok() || message == messages.end() || !seen.insert(message->first).second)
        return false;
      m.message = message->second;
      members.push_back(std::move(m));
    }
  }
  return true;
}

std::string read_lane(const json& object, const messages_by_seq& messages, outbox_state::impl& into) {
  detail::object_reader r{object};
  const auto* value = r.find("value");
  const auto* deliveries = r.find("deliveries");
  auto ordinal = r.natural("ordinal");
  if (value == nullptr || deliveries == nullptr || !r.problem().empty() || into.lanes.contains(ordinal))
    return "destinations";
  std::string problem;
  into.add_lane(detail::read_destination(*value, problem), ordinal);
  auto& l = into.lanes.at(ordinal);
  l.delivered = r.natural("delivered");
  l.dead = r.natural("dead");
  l.failed_in_a_row = r.natural("failed_in_a_row");
  l.backlog_told = r.natural("backlog_told", 0);
  if (const auto* guard = r.find("guard"); guard != nullptr && problem.empty())
    l.guard = read_guard(*guard, problem);
  if (const auto* held = r.find("held"); held != nullptr)
    for (const auto& one : *held) {
      row_reader row{one};
      auto line = row.text();
      l.held[line] = row.natural();
      if (!row.ok())
        return "destinations/held";
    }
  members_by_batch batches;
  if (const auto* list = r.find("batches"); list != nullptr && !read_batches(*list, messages, batches))
    return "destinations/batches";
  for (const auto& one : *deliveries) {
    row_reader row{one};
    auto message = messages.find(row.natural());
    delivery d;
    d.attempts = row.small();
    d.step = row.small();
    d.manual = row.small();
    d.scheduled = row.truth();
    d.was_dead = row.truth();
    d.recovery = row.natural();
    d.due = {row.integer()};
    d.manual_due = {row.integer()};
    d.was_delivered = row.more() && row.truth();
    d.since = row.more() ? events::virtual_time{row.integer()} : d.due;
    if (row.more()) {
      d.line = row.text();
      d.place.first = row.integer();
      d.place.second = row.natural();
    }
    if (!row.ok() || message == messages.end() || l.deliveries.contains(message->first) || l.resting.find(message->first))
      return "destinations/deliveries";
    d.message = message->second;
    if (auto batch = batches.find(message->first); batch != batches.end())
      d.members = std::move(batch->second), batches.erase(batch);
    into.add_delivery(l, std::move(d));
  }
  if (!batches.empty())
    return "destinations/batches";
  if (const auto* pages = r.find("resting"); pages != nullptr)
    if (auto broken = read_pages(*pages, l, into); !broken.empty())
      return broken;
  return problem.empty() ? r.problem() : problem;
}

std::string read_recovery(const json& object, outbox_state::impl& into) {
  detail::object_reader r{object};
  const auto* what = r.find("what");
  auto started = what == nullptr ? events::outcome<fact>{failure(errc::corrupt, "")} : decode(events::kind::recovery_started, what->dump());
  auto phase = r.text("state");
  if (!started || (phase != "scanning" && phase != "finished" && phase != "cancelled"))
    return "recoveries";
  recovery out;
  out.what = std::get<recovery_started>(*std::move(started));
  out.state = phase == "scanning" ? recovery::phase::scanning : phase == "finished" ? recovery::phase::finished : recovery::phase::cancelled;
  out.started_seq = r.natural("started_seq");
  out.cursor = r.natural("cursor");
  if (r.find("next_us") != nullptr)
    out.next = events::virtual_time{r.integer("next_us")};
  out.seen = r.natural("seen");
  out.queued = r.natural("queued");
  out.delivered = r.natural("delivered");
  out.dead = r.natural("dead");
  out.started = {r.integer("started_us")};
  out.updated = {r.integer("updated_us")};
  into.recoveries[out.started_seq] = std::move(out);
  return r.problem();
}

std::string read_poller(const json& object, outbox_state::impl& into) {
  detail::object_reader r{object};
  const auto* value = r.find("value");
  const auto* consumers = r.find("consumers");
  std::string problem;
  if (value == nullptr || consumers == nullptr)
    return "pollers";
  auto p = detail::read_poller(*value, problem);
  p.start = r.natural("start");
  for (const auto& one : *consumers) {
    row_reader row{one};
    auto name = row.text();
    auto cursor = row.natural();
    p.consumers[std::move(name)] = {cursor, {row.integer()}};
    if (!row.ok())
      return "pollers/consumers";
  }
  if (!p.uid.empty())
    into.poller_of_uid[p.uid] = p.id;
  into.pollers[p.id] = std::move(p);
  return problem.empty() ? r.problem() : problem;
}

std::string read_all(const json& whole, outbox_state::impl& into) {
  detail::object_reader r{whole};
  messages_by_seq messages;
  for (const char* name : {"event_types", "recoveries", "messages", "destinations"})
    if (const auto* list = r.find(name); list == nullptr || !list->is_array())
      return name;
  std::string problem;
  for (const auto& one : *r.find("event_types")) {
    auto t = detail::read_event_type(one, problem);
    if (!problem.empty())
      return "event_types/" + problem;
    into.types[t.name] = std::move(t);
  }
  if (const auto* pollers = r.find("pollers"); pollers != nullptr)
    for (const auto& one : *pollers)
      if (problem = read_poller(one, into); !problem.empty())
        return problem;
  for (const auto& one : *r.find("recoveries"))
    if (problem = read_recovery(one, into); !problem.empty())
      return problem;
  if (problem = read_messages(*r.find("messages"), messages); !problem.empty())
    return problem;
  for (const auto& one : *r.find("destinations"))
    if (problem = read_lane(one, messages, into); !problem.empty())
      return problem;
  for (auto& [ordinal, l] : into.lanes)
    into.catch_up(l);
  return {};
}

} // namespace

std::string snapshot(const outbox_state& state) {
  constexpr std::size_t resting_bytes = 56; // base64, seldom more: or a text of tens of megabytes would be copied as it grows
  const auto& s = state.self();
  std::string out;
  std::size_t resting_in_all = 0;
  for (const auto& [ordinal, l] : s.lanes)
    resting_in_all += l.resting.size();
  out.reserve(resting_in_all * resting_bytes);
  json_text j{out};
  j.open_object().key("format").value(snapshot_format);
  j.key("event_types").open_array();
  for (const auto& [name, t] : s.types)
    detail::write(j, t);
  j.close_array();
  write_pollers(j, s);
  j.key("recoveries").open_array();
  for (const auto& [seq, r] : s.recoveries)
    write_recovery(j, r);
  j.close_array();
  write_messages(j, s);
  j.key("destinations").open_array();
  for (auto ordinal : sorted_keys(s.lanes))
    write_lane(j, s.lanes.at(ordinal));
  j.close_array().close_object();
  return out;
}

events::outcome<outbox_state> restore(std::string_view text) {
  auto whole = json::parse(text, nullptr, false);
  detail::object_reader r{whole};
  auto format = r.integer("format");
  if (!r.problem().empty())
    return failure(errc::corrupt, "the outbox's snapshot is not one", "/format");
  if (format > snapshot_format)
    return failure(errc::newer_format, "the outbox's snapshot has format " + std::to_string(format));
  outbox_state out;
  if (auto problem = read_all(whole, out.self()); !problem.empty())
    return failure(errc::corrupt, "the outbox's snapshot: `" + problem + "` is missing or wrong", "/" + problem);
  return out;
}

} // namespace hourglass::webhook
