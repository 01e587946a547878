// Targets of forwards: what compiles gives a URL that says nothing but what its owner wrote about whom to ask, whatever the request says.
#include "mock/forward_target.hpp"
#include "mock/target.hpp"

#include <cstdlib>

using namespace hourglass;
using namespace hourglass::mock;

namespace {

/// Scheme and host of a URL.
std::string_view origin_of(std::string_view url) {
  const auto start = url.starts_with("http") ? url.find("://") + 3 : url.find(':') + 1;
  return url.substr(0, url.find_first_of("/?", start));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8 * 1024)
    return 0;
  const std::string_view all{reinterpret_cast<const char*>(data), size};
  const auto cut = 1 + (all.size() - 1) * static_cast<unsigned char>(all[0]) / 255;
  const auto text = all.substr(1, cut - 1);
  const std::string rest{all.substr(cut)};
  const std::vector<std::string> names{"id"};
  const auto target = forward_target::compile(text, names);
  if (!target)
    return 0;
  (void)retarget(text, {}, "https://other.example");
  (void)retarget(text, "https://a", rest);
  const std::map<std::string, std::string, std::less<>> env{{"BASE", "https://base.example/v1"}, {"KEY", "k"}, {"e", rest}};
  request plain, hostile;
  plain.target = "/plain";
  hostile.target = rest.starts_with('/') ? rest : '/' + rest;
  const std::vector<std::string> harmless{"1"}, captured{rest};
  for (auto rule : {query_rule::target_wins, query_rule::request_wins, query_rule::target_only}) {
    const auto a = target->fill({plain, names, harmless, "/r", env}, rule);
    const auto b = target->fill({hostile, names, captured, "/r", env}, rule);
    if (!a || !b)
      continue;
    if (text.find("{e}") == std::string_view::npos && text.find("{env.e}") == std::string_view::npos && origin_of(a->url) != origin_of(b->url))
      std::abort();
    for (auto c : b->url)
      if (static_cast<unsigned char>(c) <= 0x20 || c == '#')
        std::abort();
  }
  return 0;
}
