#include "actors/once.hpp"
#include "api/core.hpp"
#include "api/log_reading.hpp"
#include "api/routes.hpp"
#include "api/svix/log_lists.hpp"
#include "webhook/erasing.hpp"

namespace hourglass::api {

using events::errc;

namespace svix {

namespace {

/// Erases what the event at `seq` holds; what is erased already is answered alike. On a reader
/// thread.
void erase(core& in, const call_ptr& c, events::seq seq, const std::string& id) {
  auto found = in.node.store().read(c->sandbox, seq, {1, 1});
  if (!found)
    return c->fail(found.error());
  if (found->empty())
    return c->fail({errc::not_found, "there is no such event", {}});
  auto left = webhook::without_content(found->front());
  if (!left)
    return c->no_content();
  webhook::erase_content what;
  what.items.push_back({seq, id, std::move(*left)});
  in.change(c, c->sandbox, webhook::command{std::move(what)},
            [](const call_ptr& done, actors::receipt) { done->no_content(); });
}

void message_content(core& in, const call_ptr& c) {
  in.on_reader(c, [&in](const call_ptr& done) {
    in.catch_up();
    auto message = message_named(in, done->sandbox, done->param("msg_id"));
    if (!message)
      return done->fail(message.error());
    const auto id = message_id_of(*message);
    if (auto gone = actors::erase_payload_in_answers(in.node.store(), message->header.wall,
                                                     message->header.seq, id);
        !gone)
      return done->fail(gone.error());
    erase(in, done, message->header.seq, id);
  });
}

void attempt_content(core& in, const call_ptr& c) {
  in.on_reader(c, [&in](const call_ptr& done) {
    in.catch_up();
    auto message = message_named(in, done->sandbox, done->param("msg_id"));
    if (!message)
      return done->fail(message.error());
    auto attempt = find_one(in.node.store(), done->sandbox, events::kind::attempt_finished,
                            done->param("attempt_id"));
    if (!attempt)
      return done->fail(attempt.error());
    auto payload = *attempt ? events::upcast(**attempt)
                            : events::outcome<std::string>{
                                  events::failure(errc::not_found, "there is no such attempt")};
    auto a = payload ? views::summarize((*attempt)->header, *payload)
                     : tl::unexpected<events::error>{payload.error()};
    if (!a)
      return done->fail(a.error());
    if (a->message != message_id_of(*message) || a->id != done->param("attempt_id"))
      return done->fail({errc::not_found, "there is no such attempt", {}});
    erase(in, done, (*attempt)->header.seq, a->id);
  });
}

} // namespace

} // namespace svix

void add_expunge(router& to) {
  auto add = [&](route r) {
    r.tag = "expunge";
    r.who = access::sandbox;
    r.speaks = dialect::svix;
    to.add(std::move(r));
  };
  add({.method = "DELETE",
       .path = "/api/v1/app/{app_id}/msg/{msg_id}/content",
       .id = "v1.message.expunge-content",
       .says = "Erases a message's payload for good. It shows as {\"expired\": true} from then on "
               "and cannot be sent again; the event that it was stays in "
               "the log and its chain valid. From the files it goes within a day",
       .answers = {{204, {}, "Also when it was erased before"},
                   {409, "SvixError", "A delivery of it has not ended"}},
       .run = svix::message_content});
  add({.method = "DELETE",
       .path = "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content",
       .id = "v1.message-attempt.expunge-content",
       .says =
           "Erases the body of the answer that an attempt got; it shows as EXPUNGED from then on",
       .answers = {{204}},
       .run = svix::attempt_content});
}

} // namespace hourglass::api
