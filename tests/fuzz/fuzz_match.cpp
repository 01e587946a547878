// Endpoints with matches: the first line is a match document, the second a target, the third a Content-Type, the rest a body. What is put is kept by
// a snapshot, and chooses the same twice; a request that nothing matches is told so in a problem document.
#include "mock/endpoints.hpp"

#include "mock/json_value.hpp"
#include "mock/serve.hpp"

#include <algorithm>
#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

namespace {

void must(bool truth) {
  if (!truth)
    std::abort();
}

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto match = take_line(text);
  request req;
  req.method = "POST";
  req.target = take_line(text);
  if (const auto type = take_line(text); !type.empty())
    req.headers = {{"Content-Type", std::string{type}}, {"X-A", std::string{type}}, {"Cookie", std::string{type}}};
  req.body = text;
  endpoint_state state;
  for (const auto* path : {R"("path":"/a/{id}")", R"("path_regex":"/a/.*b")"}) {
    auto put = decide(
        state,
        endpoint_command{put_endpoint{"{\"method\":\"ANY\"," + std::string{path} + ",\"response\":{},\"match\":" + std::string{match} + "}", {}}},
        {});
    if (!put) {
      must(!put.error().detail.empty());
      continue;
    }
    for (const auto& e : put->events)
      must(apply(state, e.kind, e.payload).has_value());
  }
  auto again = restore<endpoint_state>(snapshot(state));
  must(again.has_value());
  const auto plan = route(state, req);
  const auto same = route(*again, req);
  must(plan.endpoint_id() == same.endpoint_id() && plan.status == same.status && plan.refusal.has_value() == same.refusal.has_value());
  if (plan.refusal)
    must(parse_json(plan.refusal->body).has_value() && plan.refusal->body == same.refusal->body);
  return 0;
}
