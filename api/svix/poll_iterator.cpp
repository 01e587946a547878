#include "api/svix/poll_iterator.hpp"

#include "api/query.hpp"

namespace hourglass::api::svix {

std::string to_text(const poll_place& p, bool of_consumer) {
  auto at = std::to_string(p.at);
  return of_consumer ? std::to_string(p.base) + ':' + at + (p.acknowledges ? ":1" : ":0") : at;
}

std::optional<poll_place> poll_place_from(std::string_view text, bool of_consumer) {
  poll_place out;
  if (of_consumer) {
    auto first = text.find(':'), last = text.rfind(':');
    if (first == last)
      return std::nullopt;
    auto base = to_number(text.substr(0, first));
    auto flag = text.substr(last + 1);
    if (!base || (flag != "0" && flag != "1"))
      return std::nullopt;
    out.base = *base;
    out.acknowledges = flag == "1";
    text = text.substr(first + 1, last - first - 1);
  }
  auto at = to_number(text);
  if (!at || *at < out.base)
    return std::nullopt;
  out.at = *at;
  return out;
}

} // namespace hourglass::api::svix
