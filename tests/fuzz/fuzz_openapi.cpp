// OpenAPI documents, JSON or YAML: whatever is read must be applied, routed and answered.
#include "mock/serve.hpp"

#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

namespace {

/// `path` with `id` for each parameter.
std::string with_ids(std::string_view path, std::string_view id) {
  std::string out;
  for (bool inside = false; char c : path) {
    if (c == '{')
      out += id;
    inside = (inside || c == '{') && c != '}';
    if (!inside && c != '}')
      out += c;
  }
  return out;
}

/// A key of what is kept, or what a request gives as one.
std::string some_id(const data_state& kept) {
  for (const auto& [space, items] : kept.namespaces)
    if (!space.starts_with("sbx.") && !items.empty() && items.begin()->first.find(':') == std::string::npos)
      return items.begin()->first;
  return "1";
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 * 1024)
    return 0;
  endpoint_state state;
  events::context ctx;
  auto d = decide(state, import_openapi{std::string{reinterpret_cast<const char*>(data), size}}, ctx);
  if (!d)
    return 0;
  for (const auto& e : d->events)
    if (!apply(state, e.kind, e.payload))
      std::abort(); // what decide writes, apply must read
  if (!d->events.empty() && !decide(state, restore_openapi{d->events.front().payload, 1}, ctx))
    std::abort(); // a version can always be returned to
  auto text = snapshot(state);
  auto back = restore<endpoint_state>(text);
  if (!back || snapshot(*back) != text)
    std::abort();
  static const events::redactor redact{{}};
  data_state kept; // in its collections
  for (int round = 0; round < 3; ++round) {
    for (const auto* e : state.list("", 20)) {
      request r;
      r.method = e->method;
      r.target = with_ids(e->full_path(), some_id(kept));
      r.body = round == 0 ? "" : R"({"id":1,"name":"x","a":[null]})";
      ctx.chance[0] = static_cast<std::uint8_t>(ctx.chance[0] + 1);
      auto s = serve(state, kept, r, ctx, redact);
      if (!decode_served(s.events.front().payload))
        std::abort();
      for (const auto& change : s.events)
        if (!apply(kept, change.kind, change.payload))
          std::abort(); // what serving writes, the data must read
    }
  }
  return 0;
}
