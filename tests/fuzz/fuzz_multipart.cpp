// The first line is a Content-Type, or an XPath, the rest a body: what is read lies in what was given; XPaths and GraphQL documents end. The body is
// held against an imported operation, too: it is answered, or refused with a problem document of bounded length that says what is wrong.
#include "mock/endpoints.hpp"
#include "mock/graphql.hpp"
#include "mock/multipart.hpp"
#include "mock/serve.hpp"
#include "mock/xml_path.hpp"

#include <algorithm>
#include <cstdlib>

using namespace hourglass::mock;

namespace {

constexpr auto document = R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/":{"post":{"requestBody":{"required":true,"content":{"multipart/*":{
  "schema":{"type":"object","required":["a"],"additionalProperties":{"type":"string","maxLength":9},"properties":{"a":{"type":"integer"},"b":{"type":"boolean"},
    "list":{"type":"array","items":{"type":"number"}},"meta":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"x":{"type":"array","items":{"type":"string"}}}},
    "file":{"type":"string","format":"binary","maxLength":20}}},
  "encoding":{"meta":{"contentType":"application/json, application/xml"},"file":{"contentType":"image/*","headers":{"X-N":{"required":true,"schema":{"type":"integer"}}}}}}}},
  "responses":{"200":{"description":"ok"}}}}}})";

endpoint_state imported() {
  endpoint_state state;
  import_openapi command{document, {}};
  command.validation = validation_mode::enforce;
  auto d = decide(state, endpoint_command{command}, {});
  if (!d)
    std::abort();
  for (const auto& e : d->events)
    if (!apply(state, e.kind, e.payload))
      std::abort();
  return state;
}

void hold_against_operation(std::string_view type, std::string_view body) {
  static const endpoint_state state = imported();
  request r;
  r.method = "POST";
  r.target = "/";
  r.headers.push_back({"Content-Type", std::string{type}});
  r.body = std::string{body};
  const auto p = route(state, r, nullptr);
  if (!p.refusal)
    return;
  const auto problem = parse_json(p.refusal->body);
  if (!problem || p.refusal->body.size() > 512 * 1024)
    std::abort();
  const auto* faults = problem->member("validation");
  if (p.refusal->status == 422 && (faults == nullptr || faults->items.empty()))
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = text.substr(0, text.find('\n'));
  const auto body = text.substr(std::min(line.size() + 1, text.size()));
  if (auto parts = read_multipart(line, body))
    for (const auto& p : *parts)
      if (p.body.data() < body.data() || p.body.data() + p.body.size() > body.data() + body.size())
        std::abort();
  hold_against_operation(line, body);
  if (auto path = xml_path::compile(line))
    if (auto document = xml_document::read(body)) {
      hourglass::mock::schema_purse purse{10'000};
      path->find(*document, purse);
    }
  if (auto tokens = graphql_tokens(text)) {
    auto operations = graphql_operations(*tokens);
    if (operations && operations->empty())
      std::abort();
  }
  return 0;
}
