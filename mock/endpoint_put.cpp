// Endpoints that are put by hand, one or several at once: whether there is a place for them.
#include "mock/endpoint_tables.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/match_limits.hpp"
#include "mock/request_match.hpp"

#include <algorithm>
#include <set>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

using entry = std::shared_ptr<const compiled_endpoint>;

bool overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty())
    return a.empty() && b.empty(); // an endpoint for one media type may stand beside one for all others
  for (const auto& x : a)
    for (const auto& y : b)
      if (x == y)
        return true;
  return false;
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

tl::unexpected<events::error> too_many(std::string_view what, std::string_view limit, std::size_t most) {
  return failure(errc::too_large, "more " + std::string{what} + " than the limit " + std::string{limit} + " (" + std::to_string(most) + ")");
}

tl::unexpected<events::error> taken(const compiled_endpoint& e, std::string_view by) {
  return failure(errc::conflict, "the endpoint " + std::string{by} + (e.match ? " has this route and match already" : " has this route already"),
                 e.pattern ? "/path_regex" : "/path");
}

std::size_t patterns_beside(const endpoint_state& state, const std::set<std::string, std::less<>>& replaced) {
  const auto& all = state.self->routes.patterns();
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& p) { return !replaced.contains(p->spec.id); }));
}

events::draft draft_of(const endpoint& e) {
  std::string payload;
  write_endpoint(e, payload);
  return {events::kind::endpoint_put, std::move(payload), {e.id}, 0, {}};
}

} // namespace

std::string place_key(const compiled_endpoint& e) {
  std::string out = e.spec.method;
  if (e.pattern)
    return out + '\n' + e.spec.full_path();
  for (const auto& s : e.route.segments) {
    out += '/';
    out += s.text;
    for (const auto& part : s.around)
      out.append(1, '\0').append(part);
    if (s.what == route_segment::kind::parameter)
      out.append(1, '\0');
  }
  return out;
}

std::size_t regex_steps_of(const compiled_endpoint& e) {
  return (e.match ? e.match->regex_steps() : 0) + (e.pattern ? e.pattern->steps() : 0);
}

const compiled_endpoint* rival(const compiled_endpoint& e, const std::vector<entry>& there) {
  for (const auto& other : there)
    if (other->spec.id != e.spec.id && other->spec.source == endpoint_source::hand && overlap(other->spec.consumes, e.spec.consumes) &&
        other->spec.priority == e.spec.priority && other->spec.match == e.spec.match)
      return other.get();
  return nullptr;
}

outcome<entry> read_put(const put_endpoint& command, const events::context& ctx, std::uint32_t ordinal) {
  auto e = read_endpoint(command.text);
  if (!e)
    return tl::unexpected<events::error>{e.error()};
  if (!command.id.empty() && !is_id(command.id))
    return failure(errc::invalid, "an endpoint id has 1 to 64 characters of A-Z a-z 0-9 _ -", "/id");
  e->id = command.id.empty() ? events::make_id("ep_", ctx.wall.us / 1000, ctx.chance, ordinal) : command.id;
  return compiled_endpoint::compile(std::move(*e));
}

outcome<decision> decide_put(const endpoint_state& state, const put_endpoint& command, const events::context& ctx) {
  auto compiled = read_put(command, ctx);
  if (!compiled)
    return tl::unexpected<events::error>{compiled.error()};
  const auto& e = **compiled;
  const auto* before = state.find(e.spec.id);
  if (before == nullptr && state.size() >= limits::endpoints_per_sandbox)
    return too_many("endpoints", "endpoints_per_sandbox", limits::endpoints_per_sandbox);
  const auto steps = state.self->regex_steps - (before != nullptr ? regex_steps_of(*state.self->by_id.find(e.spec.id)->second) : 0);
  if (const auto own = regex_steps_of(e); own > 0 && steps + own > limits::regex_steps_per_sandbox)
    return too_many("instructions of regular expressions", "regex_steps_per_sandbox", limits::regex_steps_per_sandbox);
  const auto there = state.self->routes.same_place(e);
  if (const auto* other = rival(e, there))
    return taken(e, other->spec.id);
  const auto others =
      static_cast<std::size_t>(std::count_if(there.begin(), there.end(), [&](const auto& other) { return other->spec.id != e.spec.id; }));
  if (others >= limits::endpoints_per_route)
    return too_many("endpoints of one path and method", "endpoints_per_route", limits::endpoints_per_route);
  if (e.pattern && patterns_beside(state, {e.spec.id}) >= limits::pattern_endpoints)
    return too_many("endpoints with path_regex", "pattern_endpoints", limits::pattern_endpoints);
  decision out;
  out.reply = to_json(e.spec);
  if (before == nullptr || *before != e.spec)
    out.events.push_back(draft_of(e.spec));
  return out;
}

outcome<decision> decide_put_several(const endpoint_state& state, const put_endpoints& command, const events::context& ctx) {
  if (command.all.size() > limits::endpoints_at_once)
    return too_many("endpoints", "endpoints_at_once", limits::endpoints_at_once);
  std::vector<entry> fresh;
  auto steps = state.self->regex_steps;
  std::set<std::string, std::less<>> ids;
  auto at = [&](std::size_t i, events::error e) {
    if (!e.where.empty())
      e.detail += " (at " + e.where + " of the endpoint that it becomes)";
    e.where = command.all[i].from;
    return tl::unexpected<events::error>{std::move(e)};
  };
  for (std::size_t i = 0; i < command.all.size(); ++i) {
    auto one = read_put(command.all[i].put, ctx, static_cast<std::uint32_t>(i));
    if (!one)
      return at(i, one.error());
    if ((*one)->script)
      return at(i, {errc::invalid, "one of several endpoints has no handler", "/handler"});
    if (!ids.insert((*one)->spec.id).second)
      return at(i, {errc::conflict, "the id " + (*one)->spec.id + " stands twice", {}});
    if (const auto before = state.self->by_id.find((*one)->spec.id); before != state.self->by_id.end())
      steps -= regex_steps_of(*before->second);
    const auto own = regex_steps_of(**one);
    steps += own;
    if (own > 0 && steps > limits::regex_steps_per_sandbox)
      return at(i, too_many("instructions of regular expressions", "regex_steps_per_sandbox", limits::regex_steps_per_sandbox).value());
    fresh.push_back(std::move(*one));
  }
  std::size_t created = 0;
  std::size_t unchanged = 0;
  std::size_t patterns = 0;
  std::size_t bytes = 0;
  std::map<std::string, std::vector<entry>> places; // with what stays there and what comes
  decision out;
  events::json_text j{out.reply};
  j.open_object().key("endpoints").open_array();
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const auto& e = *fresh[i];
    auto [there, first] = places.try_emplace(place_key(e));
    if (first)
      for (const auto& other : state.self->routes.same_place(e))
        if (!ids.contains(other->spec.id))
          there->second.push_back(other);
    if (const auto* other = rival(e, there->second))
      return at(i, taken(e, other->spec.id).value());
    there->second.push_back(fresh[i]);
    if (there->second.size() > limits::endpoints_per_route)
      return at(i, too_many("endpoints of one path and method", "endpoints_per_route", limits::endpoints_per_route).value());
    patterns += e.pattern ? 1 : 0;
    const auto* before = state.find(e.spec.id);
    created += before == nullptr ? 1 : 0;
    j.open_object().key("id").value(e.spec.id).key("method").value(e.spec.method);
    j.key(e.spec.path_regex ? "path_regex" : "path")
        .value(e.spec.path_regex ? e.spec.path : e.spec.full_path())
        .key("name")
        .value(e.spec.name)
        .close_object();
    if (before != nullptr && *before == e.spec) {
      ++unchanged;
      continue;
    }
    out.events.push_back(draft_of(e.spec));
    bytes += out.events.back().payload.size();
    if (bytes > limits::endpoints_at_once_bytes)
      return failure(errc::too_large, "the endpoints are larger together than the limit endpoints_at_once_bytes (" +
                                          std::to_string(limits::endpoints_at_once_bytes) + ")");
  }
  if (state.size() + created > limits::endpoints_per_sandbox)
    return too_many("endpoints", "endpoints_per_sandbox", limits::endpoints_per_sandbox);
  if (patterns_beside(state, ids) + patterns > limits::pattern_endpoints)
    return too_many("endpoints with path_regex", "pattern_endpoints", limits::pattern_endpoints);
  j.close_array().key("created").value(created).key("replaced").value(fresh.size() - created - unchanged).key("unchanged").value(unchanged);
  j.key("warnings").raw(command.warnings).close_object();
  return out;
}

} // namespace hourglass::mock
