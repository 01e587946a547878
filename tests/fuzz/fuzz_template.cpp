// Templates: what compiles as JSON must render as JSON, whatever the request says.
#include "mock/template.hpp"

#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 16 * 1024)
    return 0;
  // The first byte says where the template ends and the request's text begins.
  std::string_view all{reinterpret_cast<const char*>(data), size};
  auto cut = 1 + (all.size() - 1) * static_cast<unsigned char>(all[0]) / 255;
  auto source = all.substr(1, cut - 1);
  std::string rest{all.substr(cut)};
  data_state state;
  events::context ctx;
  if (auto d = decide(state, put_item{"n", "k", rest}, ctx))
    for (const auto& e : d->events)
      if (!apply(state, e.kind, e.payload))
        std::abort();
  request req;
  req.method = "POST";
  req.target = "/x?q=" + rest;
  req.headers.push_back({"h", "v"});
  req.body = rest;
  std::vector<std::string> names{"id"};
  std::vector<std::string> captures{"a\"\\\n"};
  for (auto flavour : {template_flavour::json, template_flavour::xml, template_flavour::text}) {
    auto t = compiled_template::compile(source, flavour);
    if (!t)
      continue;
    template_scope scope{req, names, captures, state, ctx};
    std::string out;
    // Data inside data may nest deeper than one value may, so the check has room.
    if (t->render(scope, out) && flavour == template_flavour::json && !parse_json(out, {std::size_t{1} << 30, 4096}))
      std::abort();
  }
  return 0;
}
