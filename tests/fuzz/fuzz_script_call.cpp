// What a script, or who has taken its worker over, asks of the server: lines of a name and arguments. Then the same bytes as a trial and as chaos.
#include "mock/chaos.hpp"
#include "mock/handler.hpp"
#include "mock/trial.hpp"

#include "events/json_text.hpp"

#include <cstdlib>

using namespace hourglass;

namespace {

std::shared_ptr<const mock::plan> some_plan() {
  static const auto plan = [] {
    mock::endpoint_state state;
    auto put = mock::decide(state, mock::put_endpoint{R"({"method":"GET","path":"/a/{id}","handler":{"script":"1"}})", "ep_1"}, {});
    for (const auto& e : put.value().events)
      if (!mock::apply(state, e.kind, e.payload))
        std::abort();
    mock::request r;
    r.method = "GET";
    r.target = "/a/1";
    return std::make_shared<const mock::plan>(mock::route(state, r));
  }();
  return plan;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  (void)mock::chaos::read(bytes);
  (void)mock::read_trial(bytes);
  auto state = std::make_shared<mock::data_state>();
  state->namespaces["a"]["b"] = "1";
  state->templates["t"] = "{{uuid}}";
  state->bytes = 4;
  auto request = std::make_shared<mock::request>();
  request->method = "GET";
  request->target = "/a/1";
  events::redactor redact{{}};
  mock::handler_run run{some_plan(), state, request, {}, "sbx", redact};
  while (!bytes.empty()) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const auto line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    const auto space = std::min(line.find(' '), line.size());
    auto said = run.call(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
    if (said && !events::is_utf8(*said))
      std::abort();
  }
  // Whatever was asked, the end can be written down and folded.
  auto served = run.finish({});
  if (!served || !mock::decode_served(served->events.front().payload))
    std::abort();
  for (const auto& e : served->events)
    if (!mock::apply(*state, e.kind, e.payload))
      std::abort();
  return 0;
}
