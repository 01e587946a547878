#include "mock/router.hpp"

#include "mock/negotiation.hpp"

#include <algorithm>
#include <numeric>

namespace hourglass::mock {

namespace {

std::size_t literal_length(const route_segment& s) {
  return std::accumulate(s.around.begin(), s.around.end(), std::size_t{0}, [](auto n, const auto& t) { return n + t.size(); });
}

/// Matches `text` with a mixed segment; every parameter takes at least one character, and as few as it can.
bool match_mixed(const route_segment& s, std::string_view text, std::vector<std::string>& captures) {
  const auto& around = s.around;
  if (!text.starts_with(around.front()))
    return false;
  auto before = captures.size();
  text.remove_prefix(around.front().size());
  for (std::size_t i = 1; i < around.size(); ++i) {
    bool last = i + 1 == around.size();
    std::size_t end = 0;
    if (last)
      end = text.size() > around[i].size() && text.ends_with(around[i]) ? text.size() - around[i].size() : std::string_view::npos;
    else
      end = text.size() > 1 ? text.find(around[i], 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      captures.resize(before);
      return false;
    }
    captures.emplace_back(text.substr(0, end));
    text.remove_prefix(end + around[i].size());
  }
  return true;
}

/// How well an endpoint takes a request body of this type; 0 if not at all.
int consumes_rank(const endpoint& e, std::string_view media) {
  if (e.consumes.empty())
    return media.empty() ? 2 : 1;
  if (media.empty())
    return 1;
  int best = 0;
  for (const auto& pattern : e.consumes)
    if (auto m = media_match(pattern, media); m > 0)
      best = std::max(best, m + 1);
  return best;
}

/// Of two endpoints that fit: the hand-made one, then the one that takes the body more exactly, then the elder. Never by order of
/// insertion, which a snapshot does not keep.
bool better(const endpoint& a, int fit_a, const endpoint& b, int fit_b) {
  if (a.source != b.source)
    return a.source == endpoint_source::hand;
  return fit_a != fit_b ? fit_a > fit_b : a.id < b.id;
}

bool goes_before(const route_segment& a, const route_segment& b) {
  auto x = literal_length(a);
  auto y = literal_length(b);
  return x != y ? x > y : a.around < b.around;
}

} // namespace

struct router::search {
  std::span<const std::string> segments;
  std::string_view method;
  std::string_view media;
  match found;

  bool finish(const node& n) {
    int best = 0;
    bool method_seen = false;
    for (const auto& e : n.ends) {
      if (e->spec.method != method) {
        if (std::find(found.allowed.begin(), found.allowed.end(), e->spec.method) == found.allowed.end())
          found.allowed.push_back(e->spec.method);
        continue;
      }
      method_seen = true;
      auto fit = consumes_rank(e->spec, media);
      if (fit > 0 && (best == 0 || better(e->spec, fit, found.endpoint->spec, best))) {
        best = fit;
        found.endpoint = e;
      }
    }
    found.media_refused = found.media_refused || (method_seen && best == 0);
    return best > 0;
  }

  bool walk(const node& n, std::size_t depth) {
    if (depth == segments.size())
      return !n.ends.empty() && finish(n);
    std::string_view segment = segments[depth];
    if (auto at = n.literals.find(segment); at != n.literals.end() && walk(*at->second, depth + 1))
      return true;
    for (const auto& [pattern, next] : n.mixed) {
      auto before = found.captures.size();
      if (match_mixed(pattern, segment, found.captures)) {
        if (walk(*next, depth + 1))
          return true;
        found.captures.resize(before);
      }
    }
    if (!n.parameter || segment.empty())
      return false;
    found.captures.emplace_back(segment);
    if (walk(*n.parameter, depth + 1))
      return true;
    found.captures.pop_back();
    return false;
  }
};

void router::add(entry e) {
  auto* at = &root_;
  for (const auto& s : e->route.segments) {
    std::unique_ptr<node>* next = nullptr;
    switch (s.what) {
    case route_segment::kind::literal:
      next = &at->literals[s.text];
      break;
    case route_segment::kind::parameter:
      next = &at->parameter;
      break;
    case route_segment::kind::mixed: {
      auto same = std::find_if(at->mixed.begin(), at->mixed.end(), [&](const auto& m) { return m.first == s; });
      if (same == at->mixed.end()) {
        auto place = std::find_if(at->mixed.begin(), at->mixed.end(), [&](const auto& m) { return goes_before(s, m.first); });
        same = at->mixed.emplace(place, s, nullptr);
      }
      next = &same->second;
      break;
    }
    }
    if (!*next)
      *next = std::make_unique<node>();
    at = next->get();
  }
  at->ends.push_back(std::move(e));
}

void router::remove(node& n, const compiled_endpoint& e, std::size_t depth) {
  if (depth == e.route.segments.size()) {
    std::erase_if(n.ends, [&](const entry& other) { return other->spec.id == e.spec.id; });
    return;
  }
  const auto& s = e.route.segments[depth];
  switch (s.what) {
  case route_segment::kind::literal:
    if (auto at = n.literals.find(s.text); at != n.literals.end()) {
      remove(*at->second, e, depth + 1);
      if (at->second->empty())
        n.literals.erase(at);
    }
    return;
  case route_segment::kind::parameter:
    if (n.parameter) {
      remove(*n.parameter, e, depth + 1);
      if (n.parameter->empty())
        n.parameter.reset();
    }
    return;
  case route_segment::kind::mixed:
    for (auto at = n.mixed.begin(); at != n.mixed.end(); ++at) {
      if (at->first == s) {
        remove(*at->second, e, depth + 1);
        if (at->second->empty())
          n.mixed.erase(at);
        return;
      }
    }
    return;
  }
}

void router::remove(const compiled_endpoint& e) { remove(root_, e, 0); }

const router::node* router::follow(const route_pattern& route) const {
  const auto* at = &root_;
  for (const auto& s : route.segments) {
    const node* next = nullptr;
    switch (s.what) {
    case route_segment::kind::literal:
      if (auto found = at->literals.find(s.text); found != at->literals.end())
        next = found->second.get();
      break;
    case route_segment::kind::parameter:
      next = at->parameter.get();
      break;
    case route_segment::kind::mixed:
      for (const auto& [pattern, child] : at->mixed)
        if (pattern == s)
          next = child.get();
      break;
    }
    if (next == nullptr)
      return nullptr;
    at = next;
  }
  return at;
}

std::vector<router::entry> router::same_route(const route_pattern& route, std::string_view method) const {
  std::vector<entry> out;
  if (const auto* at = follow(route))
    std::copy_if(at->ends.begin(), at->ends.end(), std::back_inserter(out),
                 [&](const entry& e) { return e->spec.method == method; });
  return out;
}

router::match router::find(std::span<const std::string> segments, std::string_view method, std::string_view media) const {
  search s{segments, method, media, {}};
  s.walk(root_, 0);
  return std::move(s.found);
}

std::unique_ptr<router::node> router::clone(const node& n) {
  auto out = std::make_unique<node>();
  for (const auto& [text, child] : n.literals)
    out->literals.emplace(text, clone(*child));
  for (const auto& [pattern, child] : n.mixed)
    out->mixed.emplace_back(pattern, clone(*child));
  if (n.parameter)
    out->parameter = clone(*n.parameter);
  out->ends = n.ends;
  return out;
}

router router::clone() const {
  router out;
  out.root_ = std::move(*clone(root_));
  return out;
}

} // namespace hourglass::mock
