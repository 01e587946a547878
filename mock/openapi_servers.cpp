// Where a document's servers say that its paths begin.
#include "mock/openapi.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

std::string with_defaults(std::string url, const json_value* variables) {
  if (variables == nullptr || !variables->is_object())
    return url;
  for (std::size_t i = 0; i < std::min<std::size_t>(variables->items.size(), 32); ++i) {
    auto name = '{' + variables->names[i] + '}';
    const auto* value = variables->items[i].member("default");
    if (auto at = url.find(name); at != std::string::npos)
      url.replace(at, name.size(), value != nullptr && (value->is_string() || value->is_number()) ? value->text : std::string{});
  }
  return url;
}

} // namespace

std::string base_path_of(const json_value& root, const json_value& item, const json_value& operation) {
  for (const auto* level : {&operation, &item, &root}) {
    const auto* servers = level->member("servers");
    if (servers == nullptr || !servers->is_array() || servers->items.empty())
      continue;
    const auto& server = servers->items.front();
    auto url = with_defaults(std::string{server.string_member("url")}, server.member("variables"));
    if (auto scheme = url.find("://"); scheme != std::string::npos) {
      auto slash = url.find('/', scheme + 3);
      url = slash == std::string::npos ? std::string{} : url.substr(slash);
    } else if (url.starts_with("//")) {
      auto slash = url.find('/', 2);
      url = slash == std::string::npos ? std::string{} : url.substr(slash);
    }
    url = url.substr(0, url.find_first_of("?#"));
    while (url.ends_with('/'))
      url.pop_back();
    if (!url.empty() && url.front() != '/')
      url.insert(url.begin(), '/');
    return url == "/." ? std::string{} : url;
  }
  return {};
}

} // namespace hourglass::mock
