#include "mock/router.hpp"

#include "mock/negotiation.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hourglass::mock {

namespace {

std::size_t literal_length(const route_segment& s) {
  return std::accumulate(s.around.begin(), s.around.end(), std::size_t{0},
                         [](auto n, const auto& t) { return n + t.size(); });
}

/// Matches `text` with a mixed segment; every parameter takes at least one character, and as few as
/// it can.
bool match_mixed(const route_segment& s, std::string_view text,
                 std::vector<std::string>& captures) {
  const auto& around = s.around;
  if (!text.starts_with(around.front()))
    return false;
  auto before = captures.size();
  text.remove_prefix(around.front().size());
  for (std::size_t i = 1; i < around.size(); ++i) {
    bool last = i + 1 == around.size();
    std::size_t end = 0;
    if (last)
      end = text.size() > around[i].size() && text.ends_with(around[i])
                ? text.size() - around[i].size()
                : std::string_view::npos;
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

/// Of two endpoints that fit: the hand-made one, then the one that takes the body more exactly,
/// then the elder. Never by order of insertion, which a snapshot does not keep.
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

void fetch(const void* from, std::size_t size) {
  constexpr std::size_t line = 64, most = 4096;
  for (std::size_t at = 0; at < std::min(size, most); at += line)
    __builtin_prefetch(static_cast<const char*>(from) + at);
}

/// Asks for what will be sent and recorded while the route is still compared: of 100,000 endpoints hardly one is in a cache.
void fetch_answer(const compiled_endpoint& e) {
  if (e.preferred >= e.answers.size())
    return;
  fetch(e.spec.responses.data() + e.preferred, sizeof(response_spec));
  if (const auto& answer = e.answers[e.preferred]; !answer.bodies.empty()) {
    fetch(answer.bodies.front().sent.data(), answer.bodies.front().sent.size());
    fetch(answer.bodies.front().recorded.data(), answer.bodies.front().recorded.size());
  }
}

} // namespace

struct router::search {
  std::span<const std::string> segments;
  std::string_view method;
  std::string_view media;
  match found;

  /// Chooses among the endpoints of one route.
  bool finish(std::span<const entry> ends) {
    int best = 0;
    bool method_seen = false;
    for (const auto& e : ends) {
      if (e->spec.method != method) {
        if (std::find(found.allowed.begin(), found.allowed.end(), e->spec.method) ==
            found.allowed.end())
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

  /// Compares `segment` with one of a route, adding what it captures.
  bool fits(const route_segment& wanted, std::string_view segment) {
    switch (wanted.what) {
    case route_segment::kind::literal:
      return segment == wanted.text;
    case route_segment::kind::mixed:
      return match_mixed(wanted, segment, found.captures);
    case route_segment::kind::parameter:
      if (!segment.empty())
        found.captures.emplace_back(segment);
      return !segment.empty();
    }
    return false;
  }

  bool enter(const place& p, std::size_t depth) {
    return p.below ? walk(*p.below, depth) : !p.alone.empty() && walk_alone(p, depth);
  }

  bool walk_alone(const place& p, std::size_t depth) {
    const auto& e = *p.alone.front();
    fetch(&e, sizeof e);
    const auto& route = e.route.segments;
    if (route.size() != segments.size())
      return false;
    fetch_answer(e);
    const auto before = found.captures.size();
    auto fitting = depth;
    while (fitting < route.size() && fits(route[fitting], segments[fitting]))
      ++fitting;
    if (fitting == route.size() && finish({p.alone.data(), p.alone.size()}))
      return true;
    found.captures.resize(before);
    return false;
  }

  bool walk(const node& n, std::size_t depth) {
    if (depth == segments.size())
      return !n.ends.empty() && finish(n.ends);
    std::string_view segment = segments[depth];
    if (const auto* next = n.literals.find(segment); next != nullptr && enter(*next, depth + 1))
      return true;
    for (const auto& [pattern, next] : n.mixed) {
      auto before = found.captures.size();
      if (match_mixed(pattern, segment, found.captures)) {
        if (enter(next, depth + 1))
          return true;
        found.captures.resize(before);
      }
    }
    if (n.parameter.empty() || segment.empty())
      return false;
    found.captures.emplace_back(segment);
    if (enter(n.parameter, depth + 1))
      return true;
    found.captures.pop_back();
    return false;
  }
};

// -- changing the tree -------------------------------------------------------------

void router::add(entry e) {
  add(root_, std::move(e), 0);
}

void router::add(place& to, entry e, std::size_t depth) {
  if (!to.below && (to.alone.empty() || to.alone.front()->route.segments == e->route.segments)) {
    to.alone.push_back(std::move(e));
    return;
  }
  if (!to.below) { // two routes part here, or further down
    auto fork = std::make_unique<node>();
    for (const auto& first : to.alone)
      add(*fork, first, depth);
    to.below = std::move(fork);
    to.alone.clear();
  }
  add(*to.below, std::move(e), depth);
}

void router::add(node& to, entry e, std::size_t depth) {
  if (depth == e->route.segments.size()) {
    to.ends.push_back(std::move(e));
    return;
  }
  const auto& s = e->route.segments[depth];
  switch (s.what) {
  case route_segment::kind::literal:
    return add(to.literals.at(s.text), std::move(e), depth + 1);
  case route_segment::kind::parameter:
    return add(to.parameter, std::move(e), depth + 1);
  case route_segment::kind::mixed: {
    auto same =
        std::find_if(to.mixed.begin(), to.mixed.end(), [&](const auto& m) { return m.first == s; });
    if (same == to.mixed.end()) {
      auto behind = std::find_if(to.mixed.begin(), to.mixed.end(),
                                 [&](const auto& m) { return goes_before(s, m.first); });
      same = to.mixed.emplace(behind, s, place{});
    }
    return add(same->second, std::move(e), depth + 1);
  }
  }
}

void router::remove(const compiled_endpoint& e) {
  remove(root_, e, 0);
}

void router::remove(place& from, const compiled_endpoint& e, std::size_t depth) {
  if (!from.below) {
    auto gone = std::remove_if(from.alone.begin(), from.alone.end(),
                               [&](const entry& other) { return other->spec.id == e.spec.id; });
    from.alone.erase(gone, from.alone.end());
    return;
  }
  remove(*from.below, e, depth);
  if (from.below->empty())
    from.below.reset();
}

void router::remove(node& from, const compiled_endpoint& e, std::size_t depth) {
  if (depth == e.route.segments.size()) {
    std::erase_if(from.ends, [&](const entry& other) { return other->spec.id == e.spec.id; });
    return;
  }
  const auto& s = e.route.segments[depth];
  switch (s.what) {
  case route_segment::kind::literal:
    if (auto* next = from.literals.find(s.text)) {
      remove(*next, e, depth + 1);
      if (next->empty())
        from.literals.erase(s.text);
    }
    return;
  case route_segment::kind::parameter:
    return remove(from.parameter, e, depth + 1);
  case route_segment::kind::mixed: {
    auto at = std::find_if(from.mixed.begin(), from.mixed.end(),
                           [&](const auto& m) { return m.first == s; });
    if (at == from.mixed.end())
      return;
    remove(at->second, e, depth + 1);
    if (at->second.empty())
      from.mixed.erase(at);
    return;
  }
  }
}

// -- looking -----------------------------------------------------------------------

std::span<const router::entry> router::ends_of(const place& at, const route_pattern& route,
                                               std::size_t depth) {
  if (!at.below) {
    const bool same = !at.alone.empty() && at.alone.front()->route.segments == route.segments;
    return same ? std::span<const entry>{at.alone.data(), at.alone.size()}
                : std::span<const entry>{};
  }
  const auto& n = *at.below;
  if (depth == route.segments.size())
    return n.ends;
  const auto& s = route.segments[depth];
  switch (s.what) {
  case route_segment::kind::literal:
    if (const auto* next = n.literals.find(s.text))
      return ends_of(*next, route, depth + 1);
    return {};
  case route_segment::kind::parameter:
    return ends_of(n.parameter, route, depth + 1);
  case route_segment::kind::mixed:
    for (const auto& [pattern, next] : n.mixed)
      if (pattern == s)
        return ends_of(next, route, depth + 1);
    return {};
  }
  return {};
}

std::vector<router::entry> router::same_route(const route_pattern& route,
                                              std::string_view method) const {
  std::vector<entry> out;
  const auto ends = ends_of(root_, route, 0);
  std::copy_if(ends.begin(), ends.end(), std::back_inserter(out),
               [&](const entry& e) { return e->spec.method == method; });
  return out;
}

router::match router::find(std::span<const std::string> segments, std::string_view method,
                           std::string_view media) const {
  search s{segments, method, media, {}};
  s.enter(root_, 0);
  return std::move(s.found);
}

router::place router::clone(const place& p) {
  place out{p.alone, nullptr};
  if (!p.below)
    return out;
  out.below = std::make_unique<node>();
  p.below->literals.each([&](const std::string& text, const place& next) {
    out.below->literals.at(text) = clone(next);
  });
  for (const auto& [pattern, next] : p.below->mixed)
    out.below->mixed.emplace_back(pattern, clone(next));
  out.below->parameter = clone(p.below->parameter);
  out.below->ends = p.below->ends;
  return out;
}

router router::clone() const {
  router out;
  out.root_ = clone(root_);
  return out;
}

} // namespace hourglass::mock
