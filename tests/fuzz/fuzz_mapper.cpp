// A mapper and, behind the first line, what it is applied to: what compiles is stored and folds back; what it makes is JSON, the same each time.
#include "mock/data.hpp"
#include "mock/data_names.hpp"
#include "mock/mapper.hpp"

#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > 16 * 1024)
    return 0;
  const std::string text{reinterpret_cast<const char*>(bytes), size};
  const auto line = text.find('\n');
  const auto mapper = text.substr(0, line);
  data_state state;
  auto d = decide(state, data_command{put_item{std::string{mapper_space}, "m", mapper}}, {});
  if (!d)
    return 0;
  for (const auto& e : d->events)
    if (!apply(state, e.kind, e.payload))
      std::abort();
  auto back = restore<data_state>(snapshot(state));
  if (!back || !(*back == state))
    std::abort();
  const auto& compiled = state.mappers.at("m").compiled;
  if (!compiled || !back->mappers.at("m").compiled)
    std::abort();
  auto input = parse_json(line == std::string::npos ? "{}" : text.substr(line + 1));
  if (!input)
    return 0;
  auto made = compiled->apply(*input);
  auto again = back->mappers.at("m").compiled->apply(*input);
  if (made.has_value() != again.has_value() || (made && to_text(*made) != to_text(*again)))
    std::abort();
  if (made && !parse_json(to_text(*made), {std::size_t{1} << 40, limits::json_depth}))
    std::abort();
  return 0;
}
