// What a script worker sends, which a script may have taken over: the first half of the input is a stream of frames, read in pieces.
#include "mock/script_limits.hpp"
#include "script/frame.hpp"
#include "script/protocol.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <cstdlib>

using namespace hourglass;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const std::size_t piece = bytes.empty() ? 1 : static_cast<unsigned char>(bytes.front()) % 16U + 1U;
  script::frame_reader reader{1'000'000};
  while (!bytes.empty()) {
    auto room = reader.room();
    const auto n = std::min({room.size(), bytes.size(), piece});
    std::copy_n(bytes.data(), n, room.data());
    reader.filled(n);
    bytes.remove_prefix(n);
    while (auto f = reader.next()) {
      if (f->kind == script::frame_kind::call)
        (void)script::read_call(f->payload);
      auto end = script::read_ending(f->payload);
      if (!end)
        continue;
      const auto& o = end->outcome;
      if (!events::is_utf8(o.answer.body) || o.console.size() > limits::console_lines || o.answer.headers.size() > limits::script_headers ||
          (!o.error && (o.answer.status < 200 || o.answer.status > 599)) || (o.error && o.error->message.size() > limits::script_message_bytes))
        std::abort();
    }
  }
  return 0;
}
