// Route templates and request paths: lines of the input are routes, the last one is a target.
#include "mock/compiled.hpp"
#include "mock/router.hpp"
#include "mock/target.hpp"

#include <cstdlib>

using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8 * 1024)
    return 0;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  router routes;
  std::vector<router::entry> all;
  while (true) {
    auto end = text.find('\n');
    if (end == std::string_view::npos || all.size() == 200)
      break;
    endpoint e;
    e.id = std::to_string(all.size());
    e.method = "GET";
    e.path = text.substr(0, end);
    e.responses.push_back({"200", {}, {}});
    text.remove_prefix(end + 1);
    auto c = compiled_endpoint::compile(std::move(e));
    if (!c)
      continue;
    routes.add(*c);
    all.push_back(*c);
  }
  std::vector<std::string> segments;
  if (split_path(split_target(text).path, segments) == nullptr) {
    auto m = routes.find(segments, "GET", {});
    if (m.endpoint && m.captures.size() != m.endpoint->route.parameters.size())
      std::abort();
  }
  for (const auto& e : all) {
    if (routes.same_route(e->route, "GET").empty())
      std::abort();
    routes.remove(*e);
  }
  if (routes.find(segments, "GET", {}).endpoint)
    std::abort();
  return 0;
}
