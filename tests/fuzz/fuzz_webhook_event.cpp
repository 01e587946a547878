#include "webhook/erasing.hpp"
#include "webhook/message_content.hpp"
#include "webhook/outbox.hpp"
#include "webhook/views.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

// Payloads of the outbox's events and its snapshots, as a damaged or foreign log might hold them: read or refused, never a crash.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hourglass;
  using namespace hourglass::webhook;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  outbox_state s;
  events::header h;
  for (auto kind : events::all_kinds()) {
    h.kind = kind;
    ++h.seq;
    if (!apply(s, h, text) || !is_outbox_kind(kind))
      continue;
    auto shown = views::public_payload(kind, text);
    auto read = decode(kind, text);
    if (!read || !nlohmann::json::accept(shown) || !decode(kind, encode(*read).payload))
      std::abort();
  }
  (void)views::attempt_out(h, text);
  (void)views::message_out(h, text);
  (void)message_body(text);
  (void)content_of(text, nullptr);
  for (auto kind : {events::kind::message_created, events::kind::attempt_finished}) {
    events::record r{h, std::string{text}, {}};
    r.header.kind = kind;
    const auto left = without_content(r);
    if (!left || !decode(kind, text))
      continue;
    r.payload = *left;
    if (!decode(kind, *left) || (kind == events::kind::attempt_finished && without_content(r)))
      std::abort();
  }
  if (auto back = restore(text); back && !restore(snapshot(*back)))
    std::abort();
  return 0;
}
