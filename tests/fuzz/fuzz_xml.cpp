// A schema on the first line, and XML on the rest: whatever is read is a value that can be told, and reading it is bounded.
#include "mock/xml.hpp"

#include <cstdlib>

using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 * 1024)
    return 0;
  std::string_view all{reinterpret_cast<const char*>(data), size};
  const auto line = std::min(all.find('\n'), all.size());
  auto document = parse_json(all.substr(0, line));
  if (!document)
    return 0;
  schema_options options;
  options.dialect = schema_dialect::openapi_3_0;
  options.lenient = true;
  auto schema = compile_schema(*document, options);
  if (!schema)
    return 0;
  schema_purse purse;
  reading how{purse};
  auto read = read_xml(all.substr(std::min(line + 1, all.size())), schema_walk{*schema}, how);
  if (read && !parse_json(to_text(read->value)))
    std::abort();
  return 0;
}
