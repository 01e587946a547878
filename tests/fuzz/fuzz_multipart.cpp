// The first line is a Content-Type, or an XPath, the rest a body: what is read lies in what was given; XPaths and GraphQL documents end.
#include "mock/graphql.hpp"
#include "mock/multipart.hpp"
#include "mock/xml_path.hpp"

#include <algorithm>
#include <cstdlib>

using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = text.substr(0, text.find('\n'));
  const auto body = text.substr(std::min(line.size() + 1, text.size()));
  if (auto parts = read_multipart(line, body))
    for (const auto& p : *parts)
      if (p.body.data() < body.data() || p.body.data() + p.body.size() > body.data() + body.size())
        std::abort();
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
