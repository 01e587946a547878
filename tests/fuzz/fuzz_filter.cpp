#include "webhook/content_filter.hpp"
#include "webhook/event_type.hpp"
#include "webhook/limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

// A line of a filter, a line of a payload, or any bytes: what compiles is within its limits and compiles to itself; judging any message ends and says the same twice.
// Of the same bytes as pattern and type: a match is the same as by trying every split.

using namespace hourglass;
using namespace hourglass::webhook;

namespace {

void must(bool truth) {
  if (!truth)
    std::abort();
}

bool matches_slowly(std::string_view pattern, std::string_view type) {
  auto head = pattern.substr(0, pattern.find('.')), first = type.substr(0, type.find('.'));
  bool last_of_pattern = head.size() == pattern.size(), last_of_type = first.size() == type.size();
  auto after = [](std::string_view text, std::string_view part) { return text.substr(part.size() + 1); };
  if (head == "**" && !last_of_type && matches_slowly(pattern, after(type, first)))
    return true;
  if (head != "*" && head != "**" && head != first)
    return false;
  if (last_of_pattern || last_of_type)
    return last_of_pattern && last_of_type;
  return matches_slowly(after(pattern, head), after(type, first));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  auto line = text.substr(0, text.find('\n'));
  auto rest = text.substr(std::min(line.size() + 1, text.size()));
  if (auto parsed = nlohmann::json::parse(line, nullptr, false); !parsed.is_discarded()) {
    auto filter = content_filter::compile(parsed);
    if (filter) {
      must(filter->text().size() <= limits::filter_bytes);
      auto again = content_filter::compile(nlohmann::json::parse(filter->empty() ? "{}" : filter->text()));
      must(again && *again == *filter);
      static const std::vector<std::string> channels{"eu"}, tags{"t"};
      filtered_message m{"order.paid", "e", channels, tags, rest};
      auto v = filter->judge(m);
      must(v.takes == again->takes(m) && v.takes == v.because.empty());
    } else {
      must(filter.error().where.starts_with("/filter"));
    }
  }
  if (line.size() < 40 && rest.size() < 40 && is_type_pattern(line) && is_name(rest) && line != "*") {
    must(type_matches(line, rest) == matches_slowly(line, rest));
    if (type_matches(line, rest) && !literal_parts(line).empty())
      must(rest.starts_with(literal_parts(line)) && rest[literal_parts(line).size()] == '.');
  }
  return 0;
}
