#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/routes.hpp"
#include "api/svix/log_lists.hpp"
#include "api/svix/standing.hpp"
#include "webhook/curl.hpp"
#include "webhook/facts.hpp"

#include <algorithm>
#include <functional>
#include <map>

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

/// MessageAttemptOut of one event, if it passes the filters.
events::outcome<std::optional<std::string>> attempt_item(const storage::store& in, const events::record& r, const log_filters& f) {
  auto payload = events::upcast(r);
  if (!payload)
    return tl::unexpected<events::error>{payload.error()};
  auto a = views::summarize(r.header, *payload);
  if (!a)
    return tl::unexpected<events::error>{a.error()};
  if ((f.status && a->result != *f.status) || (f.code_class && a->code / 100 * 100 != *f.code_class) ||
      (f.endpoint && a->destination != *f.endpoint) || (!f.event_types.empty() && !f.event_types.contains(a->event_type)))
    return std::nullopt;
  auto fits = message_fits(in, r.header.sandbox, a->message_seq, f);
  if (!fits)
    return tl::unexpected<events::error>{fits.error()};
  if (!*fits)
    return std::nullopt;
  std::string message;
  if (f.with_message) {
    auto read = message_at(in, r.header.sandbox, a->message_seq, f.with_content);
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    message = std::move(*read);
  }
  auto out = views::attempt_out(r.header, *payload, f.with_content, message);
  if (!out)
    return tl::unexpected<events::error>{out.error()};
  return std::move(*out);
}

void list_about(core& in, const call_ptr& done, const std::string& entity, const log_filters& f) {
  storage::history_query what;
  what.sandbox = done->sandbox;
  what.kinds = {events::kind::attempt_finished};
  what.entity = entity;
  auto& store = in.node.store();
  auto text = list_log(store, what, f, [&](const events::record& r) { return attempt_item(store, r, f); });
  text ? done->answer(200, std::move(*text)) : done->fail(text.error());
}

void by_endpoint(core& in, const call_ptr& c) {
  auto filters = read_log_filters(*c);
  if (!filters)
    return c->fail(filters.error());
  with_endpoint(in, c, c->param("endpoint_id"), [&in, f = std::move(*filters)](const call_ptr& done, const std::string& id) {
    list_about(in, done, id, f);
  });
}

void by_message(core& in, const call_ptr& c) {
  auto filters = read_log_filters(*c);
  if (!filters)
    return c->fail(filters.error());
  auto list = [&in](const call_ptr& done, log_filters f) {
    auto message = message_named(in, done->sandbox, done->param("msg_id"));
    if (!message)
      return done->fail(message.error());
    list_about(in, done, message_id_of(*message), f);
  };
  if (auto endpoint = filters->endpoint)
    return with_endpoint(in, c, *endpoint, [f = std::move(*filters), list](const call_ptr& done, const std::string& id) {
      auto resolved = f;
      resolved.endpoint = id;
      list(done, std::move(resolved));
    });
  in.on_reader(c, [&in, f = std::move(*filters), list](const call_ptr& done) {
    in.catch_up();
    list(done, f);
  });
}

/// The attempt of the path and its message, on a reader thread.
void with_attempt(core& in, const call_ptr& c, std::function<void(const call_ptr&, const events::record& message, const events::record& attempt, std::string_view payload)> next) {
  in.on_reader(c, [&in, next = std::move(next)](const call_ptr& done) {
    in.catch_up();
    auto message = message_named(in, done->sandbox, done->param("msg_id"));
    if (!message)
      return done->fail(message.error());
    auto found = find_one(in.node.store(), done->sandbox, events::kind::attempt_finished, done->param("attempt_id"));
    if (!found)
      return done->fail(found.error());
    auto none = [&] { done->fail({errc::not_found, "there is no such attempt", {}}); };
    if (!*found)
      return none();
    auto payload = events::upcast(**found);
    auto a = payload ? views::summarize((*found)->header, *payload) : tl::unexpected<events::error>{payload.error()};
    if (!a)
      return done->fail(a.error());
    if (a->message != message_id_of(*message) || a->id != done->param("attempt_id"))
      return none();
    next(done, *message, **found, *payload);
  });
}

void get(core& in, const call_ptr& c) {
  with_attempt(in, c, [](const call_ptr& done, const events::record&, const events::record& attempt, std::string_view payload) {
    auto text = views::attempt_out(attempt.header, payload);
    text ? done->answer(200, std::move(*text)) : done->fail(text.error());
  });
}

void curl(core& in, const call_ptr& c) {
  with_attempt(in, c, [](const call_ptr& done, const events::record& message, const events::record& attempt, std::string_view) {
    auto m = webhook::decode(message), a = webhook::decode(attempt);
    if (!m || !a)
      return done->fail(m ? a.error() : m.error());
    http::response out;
    out.headers.push_back({"Content-Type", "text/plain; charset=utf-8"});
    out.body = webhook::curl_command(std::get<webhook::attempt_finished>(*a), std::get<webhook::message_created>(*m));
    done->send(std::move(out));
  });
}

/// Of what is in order, the page that is asked for, in that order.
std::vector<std::string> page_of(const std::vector<std::string>& all, const page_request& page, bool& more) {
  auto from = page.after.empty() ? all.begin() : std::upper_bound(all.begin(), all.end(), page.after);
  auto to = all.end();
  const auto limit = static_cast<std::ptrdiff_t>(page.limit);
  if (page.backwards) {
    to = std::lower_bound(all.begin(), all.end(), page.after);
    from = to - std::min(limit, to - all.begin());
    more = from != all.begin();
  } else if (to - from > limit) {
    to = from + limit;
    more = true;
  }
  return {from, to};
}

/// Endpoints as they were last, for those that have been removed meanwhile.
events::outcome<std::map<std::string, webhook::destination>> as_they_were(const storage::store& in, const events::sandbox_id& sandbox, const std::vector<std::string>& ids) {
  std::map<std::string, webhook::destination> out;
  for (const auto& id : ids) {
    storage::history_query what;
    what.sandbox = sandbox;
    what.kinds = {events::kind::destination_created, events::kind::destination_updated, events::kind::destination_removed};
    what.entity = id;
    bool removed = false;
    auto done = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> { // newest first
      auto fact = webhook::decode(r);
      if (!fact)
        return tl::unexpected<events::error>{fact.error()};
      if (std::holds_alternative<webhook::destination_removed>(*fact))
        return removed = true;
      if (!removed)
        return false; // it is there still
      const auto* made = std::get_if<webhook::destination_created>(&*fact);
      auto was = made ? made->value : std::get<webhook::destination_updated>(*fact).value;
      was.disabled = true; // nothing goes there any more
      was.disabled_reason = "removed";
      out.emplace(id, std::move(was));
      return false;
    });
    if (!done)
      return tl::unexpected<events::error>{done.error()};
  }
  return out;
}

/// Where a message went, and how it stands with each: pending in the outbox, else its last attempt in the log.
void destinations(core& in, const call_ptr& c) {
  query_reader q{c->query};
  auto page = read_page(q);
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  in.on_reader(c, [&in, page](const call_ptr& found) {
    in.catch_up();
    auto message = message_named(in, found->sandbox, found->param("msg_id"));
    if (!message)
      return found->fail(message.error());
    auto fact = webhook::decode(message->header.kind, message->payload);
    if (!fact)
      return found->fail(fact.error());
    auto last = last_attempts(in.node.store(), found->sandbox, message_id_of(*message));
    if (!last)
      return found->fail(last.error());
    auto wanted = std::get<webhook::message_created>(*fact).destinations;
    for (auto& [id, attempt] : *last) // a recovery may have added some
      if (std::find(wanted.begin(), wanted.end(), id) == wanted.end())
        wanted.push_back(id);
    std::sort(wanted.begin(), wanted.end());
    bool more = false;
    auto ids = page_of(wanted, page, more);
    auto gone = as_they_were(in.node.store(), found->sandbox, ids);
    if (!gone)
      return found->fail(gone.error());
    auto seq = message->header.seq;
    in.look<webhook::outbox_state>(
        found, found->sandbox,
        [page, keys = ids, more, gone = std::move(*gone), last = std::move(*last), seq](const webhook::outbox_state& s, events::virtual_time) -> events::outcome<std::string> {
          std::vector<std::string> items;
          for (auto& id : keys) {
            auto* d = s.find(id);
            if (auto was = gone.find(id); !d && was != gone.end())
              d = &was->second;
            if (!d)
              return failure(errc::conflict, "an endpoint was removed just now; ask again");
            auto pending = s.pending(id, seq);
            auto it = last.find(id);
            auto status = views::status_of(pending, it == last.end() ? std::nullopt : std::optional{it->second.follows});
            std::optional<events::virtual_time> next;
            if (pending && !pending->in_flight && !pending->parked && !pending->behind)
              next = pending->due;
            items.push_back(views::message_endpoint_out(*d, status, next));
          }
          return list_response(page, items, keys, more);
        },
        [](const call_ptr& done, actors::receipt r) { done->answer(200, std::move(r.reply)); });
  });
}

/// Messages that went to an endpoint, newest first, each once.
void messages_of(core& in, const call_ptr& c) {
  auto filters = read_log_filters(*c);
  if (!filters)
    return c->fail(filters.error());
  with_endpoint(in, c, c->param("endpoint_id"), [&in, f = std::move(*filters)](const call_ptr& found, const std::string& id) {
    auto rows = std::make_shared<std::vector<message_row>>();
    auto text = list_message_rows(in.node.store(), found->sandbox, id, f, *rows);
    if (!text)
      return found->fail(text.error());
    // What is pending is only known to the outbox; which rows there are, the log has said already.
    in.look<webhook::outbox_state>(
        found, found->sandbox,
        [rows, f, id, more = *text](const webhook::outbox_state& s, events::virtual_time) -> events::outcome<std::string> {
          std::vector<std::string> items, keys;
          for (auto& row : *rows) {
            auto pending = s.pending(id, row.seq);
            auto status = views::status_of(pending, row.last);
            keys.push_back(std::to_string(row.seq));
            if (f.status && status != *f.status)
              continue;
            std::optional<events::virtual_time> next;
            if (pending && !pending->in_flight && !pending->parked && !pending->behind)
              next = pending->due;
            items.push_back(views::endpoint_message_out(row.message, status, next));
          }
          return list_response(f.page, items, keys, more.has_value(), more ? std::to_string(*more) : std::string{});
        },
        [](const call_ptr& done, actors::receipt r) { done->answer(200, std::move(r.reply)); });
  });
}

} // namespace

} // namespace svix

void add_attempts(router& to) {
  auto add = [&](route r) {
    r.tag = "message-attempt";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  std::vector<query_doc> filters = {{"limit", "integer", "1 to 250; 50 if absent"},
                                    {"iterator", "string", "Of the page before; with - backwards"},
                                    {"status", "integer", "0 success, 1 pending, 2 fail, 3 sending, 4 canceled"},
                                    {"status_code_class", "integer", "0 (no answer), 100, 200, 300, 400, 500"},
                                    {"channel", "string", "Of messages with this channel"},
                                    {"tag", "string", "Of messages with this tag"},
                                    {"before", "date-time", "Before, on the sandbox's clock"},
                                    {"after", "date-time", "After, on the sandbox's clock"},
                                    {"with_content", "boolean", "Show bodies; true if absent"},
                                    {"with_msg", "boolean", "Show the message in each"},
                                    {"expanded_statuses", "boolean", "Taken; statuses are always expanded"},
                                    {"event_types", "string", "Comma-separated, or repeated, also as event_types[]"}};
  auto with_endpoint = filters;
  with_endpoint.push_back({"endpoint_id", "string", "At this endpoint"});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/attempt/endpoint/{endpoint_id}", .id = "v1.message-attempt.list-by-endpoint",
       .says = "Attempts at an endpoint, newest first", .query = filters, .answers = {{200, "ListResponseMessageAttemptOut"}},
       .portal = capability::view, .run = svix::by_endpoint});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/attempt/msg/{msg_id}", .id = "v1.message-attempt.list-by-msg",
       .says = "Attempts of a message, newest first", .query = with_endpoint, .answers = {{200, "ListResponseMessageAttemptOut"}},
       .portal = capability::view, .run = svix::by_message});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}", .id = "v1.message-attempt.get",
       .says = "One attempt, with request, response and timing", .query = {{"expanded_statuses", "boolean", "Taken"}},
       .answers = {{200, "MessageAttemptOut"}}, .portal = capability::view, .run = svix::get});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/curl", .id = "hourglass.attempt.curl",
       .says = "A curl command that sends what the attempt sent; credentials are left out", .answers = {{200, "Text", "The command", "text/plain"}},
       .portal = capability::view, .run = svix::curl});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/msg/{msg_id}/endpoint", .id = "v1.message-attempt.list-attempted-destinations",
       .says = "Endpoints a message went to, those removed since among them (disabledReason removed), and how it stands with each",
       .query = {{"limit", "integer", "1 to 250; 50 if absent"}, {"iterator", "string", "Of the page before; with - backwards"}},
       .answers = {{200, "ListResponseMessageEndpointOut"}}, .portal = capability::view, .run = svix::destinations});
  add({.method = "GET", .path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/msg", .id = "v1.message-attempt.list-attempted-messages",
       .says = "Messages that went to an endpoint, newest first", .query = filters, .answers = {{200, "ListResponseEndpointMessageOut"}},
       .portal = capability::view, .run = svix::messages_of});
}

} // namespace hourglass::api
