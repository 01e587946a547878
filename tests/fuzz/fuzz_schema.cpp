// A schema on the first line and a value on the rest: both ways to check must agree, and every fault must point at something.
#include "mock/schema.hpp"

#include <cstdlib>

using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16 * 1024)
    return 0;
  std::string_view all{reinterpret_cast<const char*>(data), size};
  auto line = std::min(all.find('\n'), all.size());
  auto document = parse_json(all.substr(0, line));
  auto value = parse_json(all.substr(std::min(line + 1, all.size())));
  if (!document || !value)
    return 0;
  for (auto dialect : {schema_dialect::draft4, schema_dialect::openapi_3_0, schema_dialect::draft7, schema_dialect::draft2019_09, schema_dialect::draft2020_12}) {
    for (bool lenient : {false, true}) {
      auto schema = compile_schema(*document, {dialect, true, lenient});
      if (!schema)
        continue;
      auto faults = schema->check(*value);
      if (schema->accepts(*value) != faults.empty())
        std::abort();
      for (const auto& f : faults)
        if (at_pointer(*value, f.instance) == nullptr)
          std::abort();
    }
  }
  return 0;
}
