#include "api/router.hpp"

#include "events/json_text.hpp"

#include <cassert>
#include <functional>

namespace hourglass::api {

struct router::node {
  std::map<std::string, std::unique_ptr<node>, std::less<>> literal;
  std::unique_ptr<node> any;
  std::map<std::string_view, const route*> by_method;
};

namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    path.remove_prefix(1); // the slash
    auto end = std::min(path.find('/'), path.size());
    out.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

} // namespace

router::router() : root_(std::make_unique<node>()) {}
router::~router() = default;
router::router(router&&) noexcept = default;
router& router::operator=(router&&) noexcept = default;

std::vector<std::string_view> parameters_of(std::string_view path) {
  std::vector<std::string_view> out;
  for (auto segment : split(path))
    if (is_parameter(segment))
      out.push_back(segment.substr(1, segment.size() - 2));
  return out;
}

void router::add(route r) {
  all_.push_back(std::make_unique<route>(std::move(r)));
  auto& kept = *all_.back();
  auto* at = root_.get();
  for (auto segment : split(kept.path)) {
    auto& next = is_parameter(segment) ? at->any : at->literal[std::string{segment}];
    if (!next)
      next = std::make_unique<node>();
    at = next.get();
  }
  [[maybe_unused]] auto fresh = at->by_method.emplace(kept.method, &kept).second;
  assert(fresh);
}

router::found router::find(std::string_view method, std::string_view path) const {
  found out;
  if (path.empty() || path.front() != '/')
    return out;
  std::vector<std::string> segments;
  for (auto raw : split(path)) {
    std::string plain;
    if (!http::percent_decode(raw, false, plain) || plain == "." || plain == ".." || !events::is_utf8(plain)) {
      out.malformed = true;
      return out;
    }
    segments.push_back(std::move(plain));
  }
  // Depth-first, literals before parameters; a parameter is never empty.
  const node* here = nullptr;
  std::function<bool(const node&, std::size_t)> walk = [&](const node& at, std::size_t i) {
    if (i == segments.size()) {
      if (at.by_method.empty())
        return false;
      here = &at;
      return at.by_method.contains(method);
    }
    if (auto it = at.literal.find(segments[i]); it != at.literal.end() && walk(*it->second, i + 1))
      return true;
    return at.any && !segments[i].empty() && walk(*at.any, i + 1);
  };
  if (!walk(*root_, 0)) {
    if (here)
      for (auto& [name, to] : here->by_method)
        out.allow.append(out.allow.empty() ? "" : ", ").append(name);
    return out;
  }
  out.to = here->by_method.at(method);
  auto shape = split(out.to->path);
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (is_parameter(shape[i]))
      out.path.emplace_back(shape[i].substr(1, shape[i].size() - 2), std::move(segments[i]));
  return out;
}

} // namespace hourglass::api
