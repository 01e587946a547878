#include "webhook/event_type.hpp"
#include "webhook/limits.hpp"
#include "webhook/outbox_decider.hpp"
#include "webhook/views.hpp"

namespace hourglass::webhook {

using events::errc, events::failure;
using result = events::outcome<decision>;

namespace {

tl::unexpected<events::error> no_poller(std::string_view id) {
  return failure(errc::not_found, "there is no polling endpoint `" + std::string{id.substr(0, 64)} + "`");
}

} // namespace

events::outcome<void> decider::check(poller& p, const poller* self) const {
  if (auto ok = validate(p); !ok)
    return ok;
  const auto* other = p.uid.empty() ? nullptr : s.find_poller(p.uid);
  if (other != nullptr && other != self)
    return failure(errc::conflict, "another polling endpoint has this uid", "/uid");
  return {};
}

result decider::operator()(const create_poller& c) const {
  if (s.pollers.size() >= limits::pollers_per_sandbox)
    return failure(errc::conflict, "a sandbox has at most " + std::to_string(limits::pollers_per_sandbox) + " polling endpoints (pollers_per_sandbox)");
  auto p = c.value;
  p.id = new_id("poll_");
  p.created = p.updated = ctx.now;
  if (auto ok = check(p, nullptr); !ok)
    return tl::unexpected{ok.error()};
  decision out;
  out.reply = views::poller_out(p);
  add(out, poller_created{std::move(p)});
  return out;
}

result decider::operator()(const patch_poller& c) const {
  const auto* known = s.find_poller(c.id);
  if (known == nullptr)
    return no_poller(c.id);
  auto p = *known;
  p.consumers.clear();
  auto put = [](auto& into, const auto& given) {
    if (given)
      into = *given;
  };
  put(p.uid, c.uid), put(p.description, c.description), put(p.filter_types, c.filter_types), put(p.channels, c.channels);
  put(p.filter, c.filter), put(p.metadata, c.metadata);
  p.updated = ctx.now;
  if (auto ok = check(p, known); !ok)
    return tl::unexpected{ok.error()};
  decision out;
  out.reply = views::poller_out(p);
  add(out, poller_updated{std::move(p)});
  return out;
}

result decider::operator()(const remove_poller& c) const {
  const auto* known = s.find_poller(c.id);
  if (known == nullptr)
    return no_poller(c.id);
  decision out;
  add(out, poller_removed{known->id});
  return out;
}

// There is no lease: a page may be read by anybody, but only who saw where the consumer stands moves it on.
result decider::operator()(const move_consumer& c) const {
  const auto* p = s.find_poller(c.poller);
  if (p == nullptr)
    return no_poller(c.poller);
  if (!is_name(c.consumer))
    return failure(errc::invalid, "must match ^[a-zA-Z0-9\\-_.]+$ and have at most 256 characters", "consumer_id");
  decision out;
  out.reply = "{}";
  const auto now = cursor_of(*p, c.consumer);
  if (c.from && now == c.to)
    return out; // acknowledged before, and the answer was lost on its way
  if (c.from && now != *c.from)
    return failure(errc::conflict, "the consumer stands elsewhere: another client of this name has read on, or it was sought; go on without an iterator",
                   "iterator");
  if (!p->consumers.contains(c.consumer) && p->consumers.size() >= limits::consumers_per_poller)
    return failure(errc::conflict, "a polling endpoint remembers at most " + std::to_string(limits::consumers_per_poller) +
                                       " consumers (consumers_per_poller); delete some");
  add(out, consumer_moved{p->id, c.consumer, c.to});
  return out;
}

result decider::operator()(const remove_consumer& c) const {
  const auto* p = s.find_poller(c.poller);
  if (p == nullptr)
    return no_poller(c.poller);
  if (!p->consumers.contains(c.consumer))
    return failure(errc::not_found, "this polling endpoint remembers no such consumer");
  decision out;
  add(out, consumer_removed{p->id, c.consumer});
  return out;
}

} // namespace hourglass::webhook
