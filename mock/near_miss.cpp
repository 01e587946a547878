#include "mock/near_miss.hpp"

#include "mock/match_judge.hpp"
#include "mock/match_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/refusal.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace hourglass::mock {

namespace {

/// Of a distance. The path says most about what was meant, then the method; as in WireMock.
constexpr unsigned path_weight = 10;
constexpr unsigned method_weight = 3'000;
constexpr unsigned media_weight = 1'000;
constexpr unsigned match_weight = 1'000;
constexpr unsigned farthest_path = 500; ///< of a thousand

struct candidate {
  const compiled_endpoint* endpoint = nullptr;
  unsigned path = 0; ///< 0: it fits; 1000: nothing of it does
  unsigned distance = 0;
  std::size_t captured = 0; ///< place of what the path captures among all that was captured
};

/// How much two segments differ, of a thousand: edits for the length (Levenshtein).
unsigned text_distance(std::string_view a, std::string_view b) {
  constexpr std::size_t most = 32;
  if (a == b)
    return 0;
  if (a.empty() || b.empty() || a.size() > most || b.size() > most)
    return 1'000;
  std::array<unsigned, most + 1> row{};
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    unsigned diagonal = std::exchange(row[0], static_cast<unsigned>(i) + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto same = diagonal + (a[i] == b[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({same, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()] * 1'000 / static_cast<unsigned>(std::max(a.size(), b.size()));
}

unsigned segment_distance(const route_segment& wanted, std::string_view came) {
  switch (wanted.what) {
  case route_segment::kind::literal:
    return text_distance(wanted.text, came);
  case route_segment::kind::parameter:
    return came.empty() ? 1'000 : 0;
  case route_segment::kind::mixed:
    return came.starts_with(wanted.around.front()) && came.ends_with(wanted.around.back()) ? 0 : 1'000;
  }
  return 1'000;
}

unsigned path_distance(const route_pattern& route, const std::vector<std::string>& segments) {
  const auto longer = std::max(route.segments.size(), segments.size());
  const auto shorter = std::min(route.segments.size(), segments.size());
  const auto most = longer * farthest_path;
  auto sum = (longer - shorter) * 1'000;
  for (std::size_t i = 0; i < shorter && sum <= most; ++i)
    sum += segment_distance(route.segments[i], segments[i]);
  return sum > most ? 1'000 : static_cast<unsigned>(sum / longer);
}

bool takes_method(const endpoint& e, std::string_view method) {
  return e.method == method || e.method == any_method || (method == "HEAD" && e.method == "GET");
}

bool takes_media(const endpoint& e, std::string_view media) {
  return media.empty() || e.consumes.empty() ||
         std::any_of(e.consumes.begin(), e.consumes.end(), [&](const auto& c) { return media_match(c, media) > 0; });
}

bool goes_before(const candidate& a, const candidate& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.endpoint->spec.id < b.endpoint->spec.id;
}

/// The plain text that every path which it fits begins with.
std::string beginning(const compiled_endpoint& e) {
  auto text = e.spec.full_path();
  const auto roots = e.spec.project_root.size() + e.spec.group_root.size();
  const auto special = text.find_first_of("\\^$.|?*+()[]{}", roots);
  if (special == std::string::npos)
    return text;
  const bool repeats = special > roots && (text[special] == '?' || text[special] == '*' || text[special] == '{');
  const bool either = text.find('|', roots) != std::string::npos;
  text.resize(either ? roots : special - (repeats ? 1 : 0));
  return text;
}

struct told {
  candidate of;
  std::vector<match_difference> differences;
};

class comparison {
public:
  comparison(const request& req, std::string_view media) : req_(req), media_(media), judge_(req), captured_(1) {}

  void add(const compiled_endpoint& e, unsigned path, std::size_t captured = 0) {
    const auto far = path * path_weight + (takes_method(e.spec, req_.method) ? 0 : method_weight) + (takes_media(e.spec, media_) ? 0 : media_weight);
    all_.push_back({&e, path, far, captured});
  }
  void add_on_path(const compiled_endpoint& e, const std::vector<std::string>& captures) {
    if (captures != captured_.back()) // those of one route have the same
      captured_.push_back(captures);
    add(e, 0, captured_.size() - 1);
  }
  /// One whose path is an expression: how far it is from fitting nobody can say, but what it begins with the path may have.
  void add_pattern(const compiled_endpoint& e) {
    if (judge_.has_path(e))
      add(e, 0);
    else if (const auto begins = beginning(e); begins.size() > 1 && split_target(req_.target).path.starts_with(begins))
      add(e, farthest_path / 2);
  }
  /// The nearest, with what differs.
  std::vector<told> nearest() {
    if (all_.size() > limits::near_miss_compared) {
      std::nth_element(all_.begin(), all_.begin() + limits::near_miss_compared, all_.end(), goes_before);
      all_.resize(limits::near_miss_compared);
    }
    for (auto& c : all_)
      judge_match(c);
    std::sort(all_.begin(), all_.end(), goes_before);
    all_.resize(std::min(all_.size(), limits::near_misses));
    std::vector<told> out;
    for (const auto& c : all_)
      out.push_back({c, differences(c)});
    return out;
  }

private:
  bool asks(const candidate& c) const { return c.endpoint->match && c.path == 0; } // off the path its parameters mean nothing

  void judge_match(candidate& c) {
    if (!asks(c))
      return;
    const auto& match = *c.endpoint->match;
    const auto compared = match.compare(judge_.subject(), captured_[c.captured], 0);
    const auto failed = match.conditions() - compared.held;
    c.distance += compared.off_target ? farthest_path * path_weight : 0; // it is what the endpoint has for a path
    if (failed > 0)
      c.distance += match_weight + static_cast<unsigned>(match_weight * failed / match.conditions());
  }
  std::vector<match_difference> differences(const candidate& c) {
    const auto& e = c.endpoint->spec;
    std::vector<match_difference> out;
    if (c.path > 0)
      out.push_back({"/path", quoted(e.full_path()), quoted(split_target(req_.target).path), false, {}});
    if (!takes_method(e, req_.method))
      out.push_back({"/method", e.method, quoted(req_.method), false, {}});
    if (!takes_media(e, media_)) {
      std::string types;
      for (const auto& t : e.consumes)
        types += (types.empty() ? "" : ", ") + t;
      out.push_back({"/consumes", quoted(types), quoted(media_), false, {}});
    }
    if (asks(c) && out.size() < limits::near_miss_differences) {
      auto more = c.endpoint->match->compare(judge_.subject(), captured_[c.captured], limits::near_miss_differences - out.size());
      std::move(more.differences.begin(), more.differences.end(), std::back_inserter(out));
    }
    return out;
  }

  const request& req_;
  std::string_view media_;
  match_judge judge_;
  std::vector<std::vector<std::string>> captured_; ///< the first: nothing
  std::vector<candidate> all_;
};

void write(events::json_text& j, const told& t) {
  const auto& e = t.of.endpoint->spec;
  j.open_object().key("endpoint").value(e.id).key("method").value(e.method);
  j.key(e.path_regex ? "path_regex" : "path").value(quoted(e.full_path())).key("name").value(e.name);
  j.key("differences").open_array();
  for (const auto& d : t.differences) {
    j.open_object().key("condition").value(d.where).key("wanted");
    j.value(d.hidden || d.wanted.empty() ? "(not shown)" : std::string_view{d.wanted}).key("came");
    if (!d.came)
      j.null();
    else
      j.value(d.hidden ? "(not shown)" : std::string_view{*d.came});
    if (!d.detail.empty())
      j.key("detail").value(d.detail);
    j.close_object();
  }
  j.close_array().close_object();
}

void add_member(response& problem, std::string_view json) {
  problem.body.pop_back(); // the brace
  problem.body.append(",\"near_misses\":").append(json).append("}");
}

} // namespace

void tell_near_misses(const endpoint_state::tables& all, const std::vector<std::string>& segments, const request& req, std::string_view media,
                      response& problem) {
  comparison near{req, media};
  all.routes.each_on_path(segments, limits::near_miss_on_path,
                          [&](const router::entry& e, const std::vector<std::string>& captures) { near.add_on_path(*e, captures); });
  for (const auto& e : all.routes.patterns())
    near.add_pattern(*e);
  std::size_t looked = 0;
  for (auto at = all.by_id.begin(); at != all.by_id.end() && looked < limits::near_miss_sample; ++at, ++looked)
    if (!at->second->pattern)
      if (const auto far = path_distance(at->second->route, segments); far > 0 && far <= farthest_path)
        near.add(*at->second, far);
  const auto nearest = near.nearest();
  if (nearest.empty())
    return;
  std::string list;
  events::json_text j{list};
  j.open_array();
  for (const auto& one : nearest)
    write(j, one);
  j.close_array();
  add_member(problem, list);
}

void repeat_near_misses(const response& recorded, response& problem) {
  const auto v = parse_json(recorded.body);
  if (const auto* list = v ? v->member("near_misses") : nullptr)
    add_member(problem, to_text(*list));
}

} // namespace hourglass::mock
