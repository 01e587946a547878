#include "api/alarm.hpp"
#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/query.hpp"
#include "api/routes.hpp"
#include "api/svix/poll_iterator.hpp"
#include "api/tail.hpp"
#include "webhook/event_type.hpp"
#include "webhook/inputs.hpp"
#include "webhook/limits.hpp"
#include "webhook/views.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

// Reading a polling endpoint (docs/decisions/038-polling.md). An iterator says which list it is of, and where to go on.

namespace hourglass::api {

using events::errc;
using events::failure;

namespace svix {

namespace {

namespace views = webhook::views;
using state = webhook::outbox_state;

/// Between a commit and the look of those who wait for it: others follow at once, and the index must have them.
constexpr std::chrono::milliseconds gather{20};

/// One poll under way.
struct polling {
  std::string name, consumer; ///< as asked for
  std::string list;           ///< whose iterators are taken
  webhook::destination wanted;
  events::seq cursor = 0; ///< where to begin without an iterator
  std::size_t limit = 50;
  std::string iterator;
  std::optional<events::virtual_time> after;
  std::optional<std::string> event_type, channel;
  std::chrono::steady_clock::time_point until{}; ///< waits for a message so long
  poll_place from;
};
using polling_ptr = std::shared_ptr<polling>;

std::string iterator_of(const polling& p, const poll_place& at) { return to_cursor_of(p.list, to_text(at, !p.consumer.empty())); }

events::outcome<poll_place> read_iterator(core& in, const events::sandbox_id& sandbox, const std::string& list, const std::string& iterator,
                                          bool of_consumer) {
  auto text = from_cursor_of(list, iterator, "iterator");
  auto read = text ? poll_place_from(*text, of_consumer) : std::nullopt;
  if (!read)
    return failure(errc::invalid, "is not one that this polling endpoint gave here", "iterator");
  auto head = in.node.store().head(sandbox);
  if (!head)
    return tl::unexpected<events::error>{head.error()};
  if (read->at > (*head ? (*head)->seq : 0))
    return failure(errc::invalid, "is ahead of all that has happened here", "iterator");
  return *read;
}

std::string list_of(const events::sandbox_id& sandbox, const std::string& poller, const std::string& consumer) {
  auto out = "poller/" + sandbox.to_string() + '/' + poller;
  return consumer.empty() ? out : out + "/consumer/" + consumer;
}

/// Fills in what the sandbox knows of the polling endpoint, and goes on, on a reader thread.
void with_poller(core& in, const call_ptr& c, polling_ptr p, std::function<void(const call_ptr&)> next) {
  p->name = c->param("sink_id");
  in.look<state>(
      c, c->sandbox,
      [p, sandbox = c->sandbox](const state& s, events::virtual_time) -> events::outcome<std::string> {
        const auto* found = s.find_poller(p->name);
        if (found == nullptr)
          return failure(errc::not_found, "there is no such polling endpoint");
        p->wanted = webhook::selection_of(*found);
        p->cursor = webhook::cursor_of(*found, p->consumer);
        p->list = list_of(sandbox, found->id, p->consumer);
        return "{}";
      },
      [&in, next = std::move(next)](const call_ptr& found, actors::receipt) { in.on_reader(found, next); });
}

// -- a page ------------------------------------------------------------------------------

struct page {
  std::string items;
  std::size_t count = 0, bytes = 0, looked = 0;
  events::seq at = 0;
  bool done = false;
};

bool contains(const std::vector<std::string>& list, const std::string& what) { return std::find(list.begin(), list.end(), what) != list.end(); }

/// Of an erased message the filter of its content can say nothing: it is given, as erased.
bool wants(const polling& p, const webhook::message_created& m, bool erased) {
  if (m.operational || m.addressed) // about the webhooks themselves, or for one endpoint alone
    return false;
  if ((p.event_type && *p.event_type != m.event_type) || (p.channel && !contains(m.channels, *p.channel)))
    return false;
  if (auto all = p.wanted; erased) {
    all.filter = {};
    return webhook::matches(all, webhook::filtered_message{m.event_type, m.event_id, m.channels, m.tags, m.json()});
  }
  return webhook::matches(p.wanted, webhook::filtered_message{m.event_type, m.event_id, m.channels, m.tags, m.json()});
}

events::outcome<page> read_page(const storage::store& in, const events::sandbox_id& sandbox, const polling& p) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {events::kind::message_created};
  what.newest_first = false;
  what.after = p.from.at;
  page out;
  out.at = p.from.at;
  auto next = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> {
    auto fact = webhook::decode(r);
    if (!fact)
      return tl::unexpected<events::error>{fact.error()};
    const auto& m = std::get<webhook::message_created>(*fact);
    out.at = r.header.seq;
    out.looked += m.body.size();
    if (wants(p, m, r.erased)) {
      out.items.append(out.count++ == 0 ? "" : ",").append(views::message_out(m, r.header.virtual_));
      out.bytes += m.body.size();
    }
    return out.count < p.limit && out.bytes < limits::poll_page_bytes && out.looked < limits::poll_looked_bytes;
  });
  if (!next)
    return tl::unexpected<events::error>{next.error()};
  out.done = !next->has_value();
  out.at = next->value_or(out.at);
  return out;
}

void answer(const call_ptr& c, const polling& p, const page& read) {
  poll_place next{p.from.base, read.at, false};
  // What fits no filter is not worth an event each time; but not all of it is to be looked at again after a restart.
  next.acknowledges = !p.consumer.empty() && (read.count > 0 || read.at - p.from.base > limits::poll_uncommitted_events);
  c->answer(200, R"({"data":[)" + read.items + R"(],"iterator":")" + iterator_of(p, next) + (read.done ? R"(","done":true})" : R"(","done":false})"));
}

void read(core& in, const call_ptr& c, const polling_ptr& p);

/// The moment at which one that waits is answered anyway: forgotten when it is woken before.
class end_of_wait {
public:
  explicit end_of_wait(alarm& of) : of_(of) {}

  void set(const alarm::ticket& when) {
    const std::lock_guard held{mutex_};
    when_ = when;
    if (woken_)
      of_.cancel(*when_);
  }
  void woken() {
    const std::lock_guard held{mutex_};
    woken_ = true;
    if (when_)
      of_.cancel(*when_);
  }

private:
  alarm& of_;
  std::mutex mutex_;
  std::optional<alarm::ticket> when_;
  bool woken_ = false;
};

/// False when there is no room to wait.
bool wait_for_more(core& in, const call_ptr& c, const polling_ptr& p, events::seq seen) {
  using namespace std::chrono;
  const auto left = ceil<milliseconds>(p->until - steady_clock::now());
  if (left <= 0ms || !in.options.tails || in.draining)
    return false;
  auto over = std::make_shared<end_of_wait>(in.later);
  // Held by those who wait alone: once it is woken, nothing keeps the request until its time would have been over.
  auto again = [&in, c, p, over] {
    over->woken();
    in.later.after(gather, [&in, c, p] { in.on_reader(c, [&in, p](const call_ptr& woken) { read(in, woken, p); }); });
  };
  auto& waiters = in.options.tails->waiters();
  const auto ticket = waiters.enter(c->sandbox, std::move(again));
  if (ticket == 0)
    return false;
  auto wake = [tails = in.options.tails, sandbox = c->sandbox, ticket] {
    if (auto waiting = tails->waiters().leave(sandbox, ticket))
      waiting();
  };
  over->set(in.later.after(left, wake));
  if (auto head = in.node.store().head(c->sandbox); !head || (*head && (*head)->seq > seen))
    wake();
  return true;
}

void read(core& in, const call_ptr& c, const polling_ptr& p) {
  auto head = in.node.store().head(c->sandbox);
  if (!head)
    return c->fail(head.error());
  in.catch_up();
  auto found = read_page(in.node.store(), c->sandbox, *p);
  if (!found)
    return c->fail(found.error());
  if (found->count == 0 && found->done) {
    p->from.at = found->at;
    if (wait_for_more(in, c, p, *head ? (*head)->seq : 0))
      return;
  }
  answer(c, *p, *found);
}

// -- the routes -----------------------------------------------------------------------------

void poll(core& in, const call_ptr& c, bool of_consumer) {
  auto p = std::make_shared<polling>();
  query_reader q{c->query};
  p->limit = q.limit();
  p->iterator = q.text("iterator", 1024).value_or("");
  p->event_type = q.text("event_type", 256);
  p->channel = q.text("channel", 256);
  if (auto after = q.instant("after"))
    p->after = events::virtual_time{*after};
  if (auto wait = q.integer("wait", 0, std::chrono::seconds{limits::poll_wait}.count()))
    p->until = std::chrono::steady_clock::now() + std::chrono::seconds{*wait};
  if (of_consumer) {
    for (const char* name : {"event_type", "channel", "after"})
      if (q.text(name))
        q.reject(name, "is not taken here: a consumer has every message of its polling endpoint, and is moved by seek");
    p->consumer = c->param("consumer_id");
    if (!webhook::is_name(p->consumer))
      q.reject("consumer_id", "must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters");
  }
  if (auto fine = q.done(); !fine)
    return c->fail(fine.error());
  with_poller(in, c, p, [&in, p](const call_ptr& found) {
    p->from = {p->cursor, p->cursor, false};
    if (!p->iterator.empty()) {
      auto from = read_iterator(in, found->sandbox, p->list, p->iterator, !p->consumer.empty());
      if (!from)
        return found->fail(from.error());
      p->from = *from;
    } else if (p->after) {
      in.catch_up(); // or a clock that went back just now is not known
      auto from = place_of(in.node.store(), found->sandbox, *p->after);
      if (!from)
        return found->fail(from.error());
      p->from = {*from, *from, false};
    }
    if (!p->consumer.empty() && !p->from.acknowledges && p->from.base != p->cursor)
      return found->fail({errc::conflict,
                          "the consumer stands elsewhere: another client of this name has read on, or it was sought; go on without an iterator",
                          "iterator"});
    if (!p->from.acknowledges)
      return read(in, found, p);
    in.change(found, found->sandbox, webhook::command{webhook::move_consumer{p->name, p->consumer, p->from.base, p->from.at}},
              [&in, p](const call_ptr& moved, actors::receipt) {
                p->from = {p->from.at, p->from.at, false};
                in.on_reader(moved, [&in, p](const call_ptr& done) { read(in, done, p); });
              });
  });
}

void seek(core& in, const call_ptr& c) {
  auto asked = webhook::read_consumer_seek(c->request->body);
  if (!asked)
    return c->fail(asked.error());
  auto p = std::make_shared<polling>();
  p->consumer = c->param("consumer_id");
  with_poller(in, c, p, [&in, p, asked = std::move(*asked)](const call_ptr& found) {
    if (asked.after) {
      in.catch_up();
      auto to = place_of(in.node.store(), found->sandbox, *asked.after);
      if (!to)
        return found->fail(to.error());
      p->from.at = *to;
    } else {
      // Of the consumer itself, or of the polling endpoint read without one.
      auto plain = p->list.substr(0, p->list.find("/consumer/"));
      auto to = read_iterator(in, found->sandbox, p->list, asked.iterator, true);
      if (!to)
        to = read_iterator(in, found->sandbox, plain, asked.iterator, false);
      if (!to)
        return found->fail({errc::invalid, to.error().detail, "/iterator"});
      p->from.at = to->at;
    }
    p->from.base = p->from.at;
    in.change(found, found->sandbox, webhook::command{webhook::move_consumer{p->name, p->consumer, std::nullopt, p->from.at}},
              [p](const call_ptr& done, actors::receipt) { done->answer(200, R"({"iterator":")" + iterator_of(*p, p->from) + "\"}"); });
  });
}

} // namespace

} // namespace svix

void add_polling(router& to) {
  constexpr std::string_view consumer = "/api/v1/app/{app_id}/poller/{sink_id}/consumer/{consumer_id}";
  const query_doc limit{"limit", "integer", "1 to 250; 50 if absent. A page ends earlier at 4 MiB"};
  const query_doc wait{"wait", "integer", "Ours: seconds to wait for a message when there is none, 0 to 30; 0 if absent"};
  auto add = [&](route r) {
    r.tag = "polling endpoint";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "GET", .path = "/api/v1/app/{app_id}/poller/{sink_id}", .id = "v1.message.poller.poll",
       .says = "The next messages that a polling endpoint takes, oldest first. Without an iterator: from `after`, or from when the endpoint was created",
       .query = {limit, {"iterator", "string", "Of the page before"}, {"event_type", "string", "Only of this type"},
                 {"channel", "string", "Only of this channel"},
                 {"after", "date-time", "Only later ones, on the sandbox's clock; an iterator goes before it"}, wait},
       .answers = {{200, "PollingEndpointOut"}}, .run = [](core& in, const call_ptr& c) { svix::poll(in, c, false); }});
  add({.method = "GET", .path = consumer, .id = "v1.message.poller.consumer-poll",
       .says = "The same for a reader whose place is kept here: the iterator acknowledges the page before, and without it that page is given again",
       .query = {limit, {"iterator", "string", "Of the page before"}, wait},
       .answers = {{200, "PollingEndpointOut"}, {409, "SvixError", "The consumer stands elsewhere"}},
       .run = [](core& in, const call_ptr& c) { svix::poll(in, c, true); }});
  add({.method = "POST", .path = "/api/v1/app/{app_id}/poller/{sink_id}/consumer/{consumer_id}/seek", .id = "v1.message.poller.consumer-seek",
       .says = "Says where a consumer goes on: behind a moment of the sandbox's clock, before the endpoint was created too, or at an iterator",
       .takes = body::unread_json,
       .body_schema = "PollingEndpointConsumerSeekIn", .answers = {{200, "PollingEndpointConsumerSeekOut"}}, .run = svix::seek});
}

} // namespace hourglass::api
