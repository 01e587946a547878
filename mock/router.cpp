#include "mock/router.hpp"

#include "mock/match_judge.hpp"
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

/// Compares `segment` with one of a route, adding what it captures.
bool fits(const route_segment& wanted, std::string_view segment,
          std::vector<std::string>& captures) {
  switch (wanted.what) {
  case route_segment::kind::literal:
    return segment == wanted.text;
  case route_segment::kind::mixed:
    return match_mixed(wanted, segment, captures);
  case route_segment::kind::parameter:
    if (!segment.empty())
      captures.emplace_back(segment);
    return !segment.empty();
  }
  return false;
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

/// Of two endpoints of one path that fit. Never by order of insertion, which a snapshot does not keep.
bool better(const compiled_endpoint& a, int fit_a, const compiled_endpoint& b, int fit_b,
            std::string_view method) {
  if (a.spec.priority != b.spec.priority)
    return a.spec.priority < b.spec.priority;
  if (a.spec.source != b.spec.source)
    return a.spec.source == endpoint_source::hand;
  if (a.spec.method != b.spec.method)
    return a.spec.method == method;
  const auto asks_a = a.match ? a.match->conditions() : 0;
  const auto asks_b = b.match ? b.match->conditions() : 0;
  if (asks_a != asks_b)
    return asks_a > asks_b;
  if (fit_a != fit_b)
    return fit_a > fit_b;
  return a.match ? a.spec.id > b.spec.id : a.spec.id < b.spec.id; // generated ids are in order of time
}

/// So that matches are looked at in an order that a snapshot keeps: what they cost together is bounded.
template <class List>
void insert_by_id(List& list, router::entry e) {
  auto behind = std::find_if(list.rbegin(), list.rend(),
                             [&](const auto& other) { return other->spec.id < e->spec.id; });
  list.insert(behind.base(), std::move(e));
}

bool has_method(const endpoint& e, std::string_view method) {
  return e.method == method || e.method == any_method;
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
void fetch_answer(const compiled_endpoint& e) { fetch(e.told.data(), e.told.size()); }

} // namespace

struct router::search {
  std::span<const std::string> segments;
  std::string_view method;
  std::string_view media;
  match_judge* judge = nullptr;
  unsigned lowest = usual_priority; ///< priority that any endpoint has
  match found;
  std::vector<std::string> kept; ///< captures of `found.endpoint`, if the search went on after it
  bool imported_hidden = false; ///< a more concrete path of the document has matched: its templates are not meant (OpenAPI)

  /// Chooses among the endpoints of one route. True if nothing better can come.
  bool finish(std::span<const entry> ends) {
    const entry* best = nullptr;
    int best_fit = 0;
    bool method_seen = false;
    bool media_fits = false;
    const bool hidden = imported_hidden;
    for (const auto& e : ends) {
      if (judge != nullptr && judge->looks_for_mock && e->spec.forward_only)
        continue;
      if (e->spec.source == endpoint_source::openapi) {
        if (hidden)
          continue;
        imported_hidden = true;
      }
      if (!has_method(e->spec, method)) {
        if (std::find(found.allowed.begin(), found.allowed.end(), e->spec.method) ==
            found.allowed.end())
          found.allowed.push_back(e->spec.method);
        continue;
      }
      method_seen = true;
      const auto fit = consumes_rank(e->spec, media);
      media_fits = media_fits || fit > 0;
      if (fit == 0 || (best != nullptr && !better(*e, fit, **best, best_fit, method)))
        continue;
      if (e->match && (judge == nullptr || !judge->holds(*e, found.captures))) {
        found.unmatched = true;
        continue;
      }
      best = &e;
      best_fit = fit;
    }
    found.media_refused = found.media_refused || (method_seen && !media_fits);
    if (best == nullptr ||
        (found.endpoint && found.endpoint->spec.priority <= (*best)->spec.priority))
      return false;
    found.endpoint = *best;
    if (found.endpoint->spec.priority <= lowest)
      return true;
    kept = found.captures; // the search goes on, and takes these back
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
    while (fitting < route.size() && fits(route[fitting], segments[fitting], found.captures))
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

void router::count(const compiled_endpoint& e, bool more) {
  auto& n = priorities_[e.spec.priority];
  n = more ? n + 1 : n - 1;
  if (n == 0)
    priorities_.erase(e.spec.priority);
}

void router::add(entry e) {
  count(*e, true);
  if (!e->pattern)
    return add(root_, std::move(e), 0);
  auto goes_after = [&](const entry& other) {
    const auto& a = e->spec;
    const auto& b = other->spec;
    return a.priority != b.priority ? a.priority < b.priority : a.id < b.id;
  };
  patterns_.insert(std::find_if(patterns_.begin(), patterns_.end(), goes_after), std::move(e));
}

void router::add(place& to, entry e, std::size_t depth) {
  if (!to.below && (to.alone.empty() || to.alone.front()->route.segments == e->route.segments)) {
    insert_by_id(to.alone, std::move(e));
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
    insert_by_id(to.ends, std::move(e));
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
  count(e, false);
  if (e.pattern)
    std::erase_if(patterns_, [&](const entry& other) { return other->spec.id == e.spec.id; });
  else
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

std::vector<router::entry> router::same_place(const compiled_endpoint& e) const {
  if (!e.pattern)
    return same_route(e.route, e.spec.method);
  std::vector<entry> out;
  std::copy_if(patterns_.begin(), patterns_.end(), std::back_inserter(out), [&](const entry& other) {
    return other->spec.method == e.spec.method && other->spec.path == e.spec.path &&
           other->spec.project_root == e.spec.project_root &&
           other->spec.group_root == e.spec.group_root;
  });
  return out;
}

router::match router::find(std::span<const std::string> segments, std::string_view method,
                           std::string_view media, match_judge* judge) const {
  search s{segments, method, media, judge};
  if (!priorities_.empty())
    s.lowest = priorities_.begin()->first;
  if (!s.enter(root_, 0) && s.found.endpoint)
    s.found.captures = std::move(s.kept);
  return std::move(s.found);
}

void router::find_pattern(match& found, std::string_view method, std::string_view media,
                          match_judge& judge) const {
  const entry* best = nullptr;
  int best_fit = 0;
  for (const auto& e : patterns_) {
    if (found.endpoint && found.endpoint->spec.priority <= e->spec.priority)
      break; // a route of the tree is the more concrete one
    if (best != nullptr && (*best)->spec.priority < e->spec.priority)
      break;
    if (judge.looks_for_mock && e->spec.forward_only)
      continue;
    const auto fit = has_method(e->spec, method) ? consumes_rank(e->spec, media) : 0;
    if (fit == 0 || (best != nullptr && !better(*e, fit, **best, best_fit, method)) ||
        !judge.has_path(*e))
      continue;
    if (!judge.holds(*e, {})) {
      found.unmatched = true;
      continue;
    }
    best = &e;
    best_fit = fit;
  }
  if (best == nullptr)
    return;
  found.endpoint = *best;
  found.captures.clear();
}

struct router::census {
  std::span<const std::string> segments;
  std::size_t left;
  const std::function<void(const entry&, const std::vector<std::string>&)>& visit;
  std::vector<std::string> captures;

  void tell(std::span<const entry> ends) {
    for (const auto& e : ends)
      if (left > 0) {
        --left;
        visit(e, captures);
      }
  }
  void enter(const place& p, std::size_t depth) {
    if (p.below)
      return walk(*p.below, depth);
    if (p.alone.empty() || p.alone.front()->route.segments.size() != segments.size())
      return;
    const auto before = captures.size();
    const auto& route = p.alone.front()->route.segments;
    auto fitting = depth;
    while (fitting < route.size() && fits(route[fitting], segments[fitting], captures))
      ++fitting;
    if (fitting == route.size())
      tell({p.alone.data(), p.alone.size()});
    captures.resize(before);
  }
  void walk(const node& n, std::size_t depth) {
    if (depth == segments.size())
      return tell(n.ends);
    if (const auto* next = n.literals.find(segments[depth]))
      enter(*next, depth + 1);
    const auto before = captures.size();
    for (const auto& [pattern, next] : n.mixed)
      if (match_mixed(pattern, segments[depth], captures)) {
        enter(next, depth + 1);
        captures.resize(before);
      }
    if (n.parameter.empty() || segments[depth].empty())
      return;
    captures.push_back(segments[depth]);
    enter(n.parameter, depth + 1);
    captures.pop_back();
  }
};

void router::each_on_path(
    std::span<const std::string> segments, std::size_t most,
    const std::function<void(const entry&, const std::vector<std::string>&)>& visit) const {
  census{segments, most, visit, {}}.enter(root_, 0);
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
  out.patterns_ = patterns_;
  out.priorities_ = priorities_;
  return out;
}

} // namespace hourglass::mock
