#include "api/svix/log_lists.hpp"

#include "api/log_reading.hpp"
#include "webhook/facts.hpp"

#include <algorithm>

namespace hourglass::api::svix {

using events::errc;
using events::failure;

events::outcome<log_filters> read_log_filters(const call& c) {
  log_filters out;
  query_reader q{c.query};
  out.page = read_page(q);
  if (!out.page.after.empty() && !to_number(out.page.after))
    q.reject("iterator", "is not an iterator that this server gave");
  out.before = q.instant("before");
  out.after = q.instant("after");
  for (auto& type : q.list("event_types"))
    out.event_types.insert(std::move(type));
  out.channel = q.text("channel", 256);
  out.tag = q.text("tag", 256);
  out.endpoint = q.text("endpoint_id", 256);
  if (auto status = q.integer("status", 0, 4))
    out.status = static_cast<views::status>(*status);
  if (auto code = q.integer("status_code_class", 0, 500)) {
    if (*code % 100 != 0)
      q.reject("status_code_class", "must be 0, 100, 200, 300, 400 or 500");
    out.code_class = static_cast<unsigned>(*code);
  }
  out.with_content = q.truth("with_content", true);
  out.with_message = q.truth("with_msg", false);
  if (auto fine = q.done(); !fine)
    return tl::unexpected<events::error>{fine.error()};
  return out;
}

bool in_time(const log_filters& f, const events::header& h) {
  return (!f.before || h.virtual_.us < *f.before) && (!f.after || h.virtual_.us > *f.after);
}

events::outcome<std::string> list_log(const storage::store& in, storage::history_query what, const log_filters& f, const to_item& show) {
  what.newest_first = !f.page.backwards;
  if (auto at = to_number(f.page.after)) {
    if (f.page.backwards)
      what.after = *at;
    else
      what.before = *at;
  }
  std::vector<std::string> items, keys;
  auto next = scan_log(in, what, [&](const events::record& r) -> events::outcome<bool> {
    if (!in_time(f, r.header))
      return true;
    auto item = show(r);
    if (!item)
      return tl::unexpected<events::error>{item.error()};
    if (*item) {
      items.push_back(std::move(**item));
      keys.push_back(std::to_string(r.header.seq));
    }
    return items.size() < f.page.limit;
  });
  if (!next)
    return tl::unexpected<events::error>{next.error()};
  if (f.page.backwards) {
    std::reverse(items.begin(), items.end());
    std::reverse(keys.begin(), keys.end());
  }
  // A page that ended for want of time goes on where it looked last, not at its last item.
  return list_response(f.page, items, keys, next->has_value(), *next ? std::to_string(**next) : std::string{});
}

namespace {

events::outcome<events::record> message_record(const storage::store& in, const events::sandbox_id& sandbox, events::seq seq) {
  auto found = in.read(sandbox, seq, {1, 1});
  if (!found)
    return tl::unexpected<events::error>{found.error()};
  if (found->empty() || found->front().header.kind != events::kind::message_created)
    return failure(errc::corrupt, "event " + std::to_string(seq) + " is no message");
  auto payload = events::upcast(found->front());
  if (!payload)
    return tl::unexpected<events::error>{payload.error()};
  found->front().payload = std::move(*payload);
  return std::move(found->front());
}

bool contains(const std::vector<std::string>& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

} // namespace

events::outcome<bool> message_fits(const storage::store& in, const events::sandbox_id& sandbox, events::seq seq, const log_filters& f) {
  if (!f.channel && !f.tag)
    return true;
  auto found = message_record(in, sandbox, seq);
  if (!found)
    return tl::unexpected<events::error>{found.error()};
  auto fact = webhook::decode(found->header.kind, found->payload);
  if (!fact)
    return tl::unexpected<events::error>{fact.error()};
  auto& m = std::get<webhook::message_created>(*fact);
  return (!f.channel || contains(m.channels, *f.channel)) && (!f.tag || contains(m.tags, *f.tag));
}

events::outcome<std::string> message_at(const storage::store& in, const events::sandbox_id& sandbox, events::seq seq, bool with_content) {
  auto found = message_record(in, sandbox, seq);
  if (!found)
    return tl::unexpected<events::error>{found.error()};
  return views::message_out(found->header, found->payload, with_content);
}

events::outcome<events::record> message_named(core& in, const events::sandbox_id& sandbox, const std::string& name) {
  storage::history_query what;
  what.sandbox = sandbox;
  what.kinds = {events::kind::message_created};
  what.entity = name;
  std::optional<events::record> out;
  // A message is about its endpoints too: only one that has the name itself will do.
  auto done = scan_log(in.node.store(), what, [&](const events::record& r) -> events::outcome<bool> {
    auto payload = events::upcast(r);
    auto fact = payload ? webhook::decode(r.header.kind, *payload) : tl::unexpected<events::error>{payload.error()};
    if (!fact)
      return tl::unexpected<events::error>{fact.error()};
    auto& m = std::get<webhook::message_created>(*fact);
    if (m.id != name && m.event_id != name)
      return true;
    out = r;
    out->payload = std::move(*payload);
    return false;
  });
  if (!done)
    return tl::unexpected<events::error>{done.error()};
  if (!out)
    return failure(errc::not_found, "there is no such message");
  return std::move(*out);
}

std::string message_id_of(const events::record& message) {
  auto ref = views::message_ref_of(message.header, message.payload);
  return ref ? std::move(ref->id) : std::string{};
}

void with_endpoint(core& in, const call_ptr& c, const std::string& id_or_uid,
                   std::function<void(const call_ptr&, const std::string&)> next) {
  in.look<webhook::outbox_state>(
      c, c->sandbox,
      [id_or_uid](const webhook::outbox_state& s, events::virtual_time) -> events::outcome<std::string> {
        if (auto* d = s.find(id_or_uid))
          return d->id;
        if (id_or_uid.starts_with("ep_"))
          return id_or_uid;
        return failure(errc::not_found, "there is no such endpoint");
      },
      [&in, next = std::move(next)](const call_ptr& found, actors::receipt r) {
        in.on_reader(found, [&in, next, id = std::move(r.reply)](const call_ptr& done) {
          in.catch_up();
          next(done, id);
        });
      });
}

} // namespace hourglass::api::svix
