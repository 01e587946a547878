#include "api/svix/paging.hpp"

namespace hourglass::api::svix {

page_request read_page(query_reader& q) {
  page_request out;
  out.limit = q.limit();
  auto iterator = q.text("iterator", 512).value_or("");
  out.backwards = iterator.starts_with('-');
  out.after = iterator.substr(out.backwards ? 1 : 0);
  if (out.backwards && out.after.empty())
    q.reject("iterator", "is not an iterator that this server gave");
  return out;
}

std::string list_response(const page_request& asked, const std::vector<std::string>& items, const std::vector<std::string>& keys,
                          bool more, std::string_view go_on) {
  std::string out = R"({"data":[)";
  for (std::size_t i = 0; i < items.size(); ++i)
    out.append(i == 0 ? "" : ",").append(items[i]);
  // An empty page keeps the place that was asked for, so that a client that polls an iterator sees what comes later.
  nlohmann::json next = nullptr, previous = nullptr;
  if (!keys.empty()) {
    next = keys.back();
    previous = "-" + keys.front();
  } else if (!asked.after.empty()) {
    next = asked.after;
    previous = "-" + asked.after;
  }
  if (!go_on.empty() && asked.backwards)
    previous = "-" + std::string{go_on};
  else if (!go_on.empty())
    next = go_on;
  out += R"(],"iterator":)" + next.dump() + R"(,"prevIterator":)" + previous.dump();
  out += R"(,"done":)";
  out += more ? "false}" : "true}";
  return out;
}

} // namespace hourglass::api::svix
