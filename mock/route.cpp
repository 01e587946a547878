// The first half of serving: which endpoint answers, and with what.
#include "mock/endpoint_tables.hpp"

#include "events/json_text.hpp"
#include "mock/answer_choice.hpp"
#include "mock/forward.hpp"
#include "mock/match_judge.hpp"
#include "mock/near_miss.hpp"
#include "mock/generated.hpp"
#include "mock/negotiation.hpp"
#include "mock/refusal.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

plan refuse(plan p, response with) {
  p.status = with.status;
  p.refusal = std::move(with);
  return p;
}

std::string joined(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  std::string out;
  for (const auto& w : words)
    out += (out.empty() ? "" : ", ") + w;
  return out;
}

/// A path as it came may also fit a regular expression; one that was changed must not.
enum class path_form : std::uint8_t { as_it_came, changed };

struct search {
  const router& routes;
  const request& req;
  std::string_view media;
  match_judge& judge;

  router::match of_method(const std::vector<std::string>& segments, std::string_view method, path_form form) const {
    auto found = routes.find(segments, method, media, &judge);
    if (form == path_form::as_it_came && !routes.patterns().empty())
      routes.find_pattern(found, method, media, judge);
    return found;
  }
  router::match endpoint(const std::vector<std::string>& segments, path_form form) const {
    auto found = of_method(segments, req.method, form);
    if (!found.endpoint && req.method == "HEAD") {
      auto get = of_method(segments, "GET", form);
      if (get.endpoint || (found.allowed.empty() && !found.unmatched))
        return get;
    }
    return found;
  }
};

bool is_nothing(const router::match& m) { return !m.endpoint && m.allowed.empty() && !m.media_refused && !m.unmatched; }

/// A document's paths also work without the base path of its servers, as people who try it out expect.
router::match find_under_roots(const search& in, const std::map<std::string, std::size_t, std::less<>>& roots, const std::vector<std::string>& segments) {
  constexpr std::size_t most = 8; // a document with a server of its own for every operation must not make each 404 slow
  router::match found;
  std::size_t tried = 0;
  for (const auto& [root, endpoints] : roots) {
    if (++tried > most)
      break;
    std::vector<std::string> under;
    if (split_path(root, under) != nullptr)
      continue;
    if (!under.empty() && under.back().empty())
      under.pop_back();
    under.insert(under.end(), segments.begin(), segments.end());
    found = in.endpoint(under, path_form::changed);
    if (!is_nothing(found))
      break;
  }
  return found;
}

response not_found(const request& req, std::string_view path, const router::match& found, std::string_view media) {
  if (found.unmatched)
    return refusal(404, "no-match", "No endpoint matches",
                   "the endpoints for " + quoted(req.method + " " + std::string{path}) + " ask for something else of a request");
  if (found.media_refused)
    return refusal(415, "unsupported-media-type", "Unsupported media type",
                   "no endpoint for " + quoted(req.method + " " + std::string{path}) + " takes a body of type " + quoted(media), "Content-Type");
  if (!found.allowed.empty()) {
    auto allow = joined(found.allowed);
    auto out = refusal(405, "method-not-allowed", "Method not allowed", "this path has only " + allow);
    out.headers.push_back({"Allow", std::move(allow)});
    return out;
  }
  return refusal(404, "no-endpoint", "No such endpoint", "no endpoint of this sandbox matches " + quoted(req.method + " " + std::string{path}));
}

/// The named example: in the chosen content, else in any the endpoint has for this status.
bool choose_example(const response_spec& spec, std::string_view name, plan& p) {
  const auto& examples = spec.contents.at(p.content).examples;
  auto at = std::find_if(examples.begin(), examples.end(), [&](const example& e) { return e.name == name; });
  p.example = static_cast<std::size_t>(at - examples.begin());
  return at != examples.end();
}

/// Looks for the credentials that the operation demands; true if it may be answered.
bool check_credentials(plan& p, const request& req, const good_credentials& good) {
  const auto& e = *p.endpoint;
  const auto& demands = e.check->credentials();
  if (demands.empty())
    return true;
  p.authorised = is_authorised(demands, req, good);
  if (*p.authorised || !e.check->credentials_enforced())
    return true;
  auto answer = declared_error(e, 401, req);
  if (answer && find(answer->headers, "www-authenticate") == nullptr)
    answer->headers.push_back({"WWW-Authenticate", challenge_of(demands, req)});
  p = refuse(std::move(p), answer ? std::move(*answer) : unauthorised(demands, req));
  return false;
}

/// Holds the request against the rules of its operation; true if it may be answered.
bool check_request(plan& p, const request& req, const good_credentials& good) {
  const auto& e = *p.endpoint;
  if (!check_credentials(p, req, good))
    return false;
  auto faults = e.check->faults(req, e.route.parameters, p.captures);
  const bool refused = e.check->enforced() && !faults.empty();
  if (p.authorised == false) // and it is answered all the same
    faults.insert(faults.begin(), request_fault{{"security"}, {"", "", "security", lacking(e.check->credentials())}});
  if (faults.empty())
    return true;
  if (!refused) {
    p.report = request_check::report_of(faults);
    return true;
  }
  const auto status = e.check->refusal_status(faults);
  auto declared = e.kept ? declared_error(e, status, req) : std::nullopt;
  if (declared)
    p.report = request_check::report_of(faults); // the document's own body has no place for it
  p = refuse(std::move(p), declared ? std::move(*declared) : e.check->refusal_of(faults));
  return false;
}

plan choose_answer(plan p, const request& req, const good_credentials& good) {
  const auto& e = *p.endpoint;
  if (e.check && !check_request(p, req, good))
    return p;
  p.response = e.preferred;
  p.status = e.preferred_status;
  if (e.script)
    return p; // what it answers is the script's to choose
  auto wish = read_preference(req.headers);
  if (!wish.problem.empty())
    return refuse(std::move(p), refusal(400, "invalid-preference", "Invalid preference", wish.problem, "Prefer"));
  if (wish.code && !choose_code(e, *wish.code, p)) {
    std::vector<std::string> known;
    for (const auto& r : e.spec.responses)
      known.push_back(r.status);
    p.response = e.preferred;
    return refuse(std::move(p), refusal(404, "no-such-response", "No such response",
                                        "this endpoint has no answer for the code " + std::to_string(*wish.code) + ", only for " + joined(known), "Prefer"));
  }
  const auto& spec = e.spec.responses[p.response];
  if (!choose_content(e.answers[p.response], req.headers, p)) {
    std::vector<std::string> known;
    for (const auto& c : spec.contents)
      known.push_back(c.media_type);
    return refuse(std::move(p), refusal(406, "not-acceptable", "Not acceptable", "this answer exists only as " + joined(known), "Accept"));
  }
  if (wish.example && (spec.contents.empty() || !choose_example(spec, *wish.example, p))) {
    std::vector<std::string> known;
    if (!spec.contents.empty())
      for (const auto& x : spec.contents[p.content].examples)
        if (!x.name.empty())
          known.push_back(x.name);
    p.example = 0;
    return refuse(std::move(p), refusal(404, "no-such-example", "No such example",
                                        "this answer has no example `" + quoted(*wish.example) + "`" +
                                          (known.empty() ? std::string{", and none with a name"} : ", only " + joined(known)), "Prefer"));
  }
  auto anew = generation_of(p, wish);
  p.stateful = e.kept && !wish.example && !(anew && wish.dynamic == true) && p.response == e.preferred && p.status >= 200 && p.status < 300;
  if (!p.stateful)
    p.generate = std::move(anew);
  return p;
}

} // namespace

std::string_view plan::endpoint_id() const noexcept { return endpoint ? endpoint->id : std::string_view{}; }

bool plan::runs_script() const noexcept { return endpoint && endpoint->script && !refusal && !forwarding; }

namespace {

plan ask_upstream_first(plan p, const endpoint_state& state, const request& req, const recorded_choice* recorded);

plan find_plan(const endpoint_state& state, const request& req, const recorded_choice* recorded, bool for_mock) {
  plan p;
  auto path = split_target(req.target).path;
  std::vector<std::string> segments;
  segments.reserve(8);
  if (const auto* problem = split_path(path, segments))
    return refuse(std::move(p), refusal(400, "invalid-path", "Invalid path", std::string{"the path "} + problem));
  const auto* type = find(req.headers, "content-type");
  std::string media;
  if (type != nullptr && !req.body.empty()) {
    media = media_essence(*type);
    if (media.empty())
      return refuse(std::move(p), refusal(415, "unsupported-media-type", "Unsupported media type", "Content-Type is no media type", "Content-Type"));
  }
  match_judge judge{req, recorded};
  judge.looks_for_mock = for_mock;
  const search in{state.self->routes, req, media, judge};
  auto found = in.endpoint(segments, path_form::as_it_came);
  if (is_nothing(found)) {
    auto toggled = segments;
    if (toggled.size() > 1 && toggled.back().empty())
      toggled.pop_back();
    else if (!toggled.back().empty())
      toggled.emplace_back();
    found = in.endpoint(toggled, path_form::changed);
  }
  if (is_nothing(found))
    found = find_under_roots(in, state.self->imported_roots, segments);
  if (!found.endpoint) {
    auto problem = not_found(req, path, found, media);
    if (recorded != nullptr && recorded->refused != nullptr)
      repeat_near_misses(*recorded->refused, problem);
    else if (problem.status == 404)
      tell_near_misses(*state.self, segments, req, media, problem);
    return refuse(std::move(p), std::move(problem));
  }
  p.endpoint = std::move(found.endpoint);
  p.captures = std::move(found.captures);
  if (p.endpoint->script)
    p.library = state.self->library;
  if (p.endpoint->forward && !for_mock)
    return ask_upstream_first(std::move(p), state, req, recorded);
  return choose_answer(std::move(p), req, state.self->credentials);
}

/// What the request asks of an answer (`Prefer`, `Accept`) is for the upstream to read, or for the mock.
plan ask_upstream_first(plan p, const endpoint_state& state, const request& req, const recorded_choice* recorded) {
  const auto& e = *p.endpoint;
  if (e.forward->wants_mock())
    p.mock = std::make_shared<const plan>(e.spec.forward_only ? find_plan(state, req, recorded, true) : choose_answer(p, req, state.self->credentials));
  const auto& clients = state.self->forwarding;
  auto client = clients.find(e.spec.project_root);
  if (client == clients.end())
    client = clients.find(std::string_view{});
  if (client != clients.end())
    p.client = client->second;
  p.forwarding = true;
  p.response = e.preferred;
  p.status = e.preferred_status;
  return p;
}

} // namespace

plan route(const endpoint_state& state, const request& req, const recorded_choice* recorded) { return find_plan(state, req, recorded, false); }
plan route_to_mock(const endpoint_state& state, const request& req, const recorded_choice* recorded) { return find_plan(state, req, recorded, true); }

} // namespace hourglass::mock
