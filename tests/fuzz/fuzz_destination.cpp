#include "webhook/inputs.hpp"
#include "webhook/outbox.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

// Bodies of the webhook API: whatever they say, they are read or refused; what the outbox accepts of them is JSON, and folds back to the same.

using namespace hourglass;
using namespace hourglass::webhook;

namespace {

void must(bool truth) {
  if (!truth)
    std::abort();
}

struct trial {
  outbox_state live;
  outbox_state folded;
  events::seq seq = 0;

  template <class Command>
  void run(const events::outcome<Command>& c) {
    if (!c)
      return;
    auto d = decide(live, *c, events::context{{5}, {5}, {static_cast<std::uint8_t>(seq)}, "admin", ""});
    if (!d)
      return;
    must(d->reply.empty() || nlohmann::json::accept(d->reply));
    for (std::size_t i = 0; i < d->drafts.size(); ++i) {
      events::header h;
      h.seq = ++seq;
      h.kind = d->drafts[i].kind;
      apply(live, moment_of(h), d->facts[i]);
      must(apply(folded, h, d->drafts[i].payload).has_value());
    }
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  trial t;
  t.run(read_endpoint_in(text));
  t.run(read_endpoints_in(text));
  t.run(read_dynamic_message_in(text));
  t.run(read_event_type_in(text));
  auto message = read_message_in(text);
  if (message && !message->raw)
    must(nlohmann::json::accept(message->payload));
  t.run(message);
  if (auto all = t.live.list("", 1); !all.empty()) {
    auto id = all[0]->id;
    auto named = [&id](auto read) {
      if (read)
        read->id = id;
      return read;
    };
    t.run(named(read_endpoint_update(text)));
    t.run(named(read_endpoint_patch(text)));
    t.run(named(read_endpoint_headers(text, false)));
    t.run(named(read_secret_rotate(text)));
    auto recover = read_recover_in(text);
    if (recover)
      recover->destination = id;
    t.run(recover);
  }
  t.run(read_poller_in(text));
  if (!t.live.pollers().empty()) {
    auto change = read_poller_patch(text);
    if (change)
      change->id = t.live.pollers().begin()->first;
    t.run(change);
  }
  (void)read_consumer_seek(text);
  must(nlohmann::json::accept(to_json(t.live)));
  auto text_of_live = snapshot(t.live);
  must(text_of_live == snapshot(t.folded));
  auto back = restore(text_of_live);
  must(back && snapshot(*back) == text_of_live);
  return 0;
}
