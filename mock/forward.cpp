#include "mock/forward.hpp"

#include "events/json_text.hpp"
#include "mock/compiled.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/forward_limits.hpp"
#include "mock/forward_rules.hpp"
#include "mock/refusal.hpp"
#include "mock/serve.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

using answerer = forward_note::answerer;

constexpr std::string_view our_name = "hourglass"; ///< in Via

/// Names that a Connection header makes ones of this hop.
std::vector<std::string> named_by_connection(const fields& headers) {
  std::vector<std::string> out;
  for (const auto& h : headers) {
    if (!same_name(h.name, "connection"))
      continue;
    for (std::string_view rest = h.value; !rest.empty();) {
      const auto one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      out.emplace_back(trimmed(one));
    }
  }
  return out;
}

bool is_of_one_hop(std::string_view name) {
  static constexpr std::array<std::string_view, 9> names{"connection", "keep-alive", "proxy-connection",    "transfer-encoding",  "te",
                                                         "trailer",    "upgrade",    "proxy-authenticate", "proxy-authorization"};
  return std::any_of(names.begin(), names.end(), [&](auto n) { return same_name(n, name); });
}

bool is_ours_to_say(std::string_view name) {
  static constexpr std::array<std::string_view, 6> names{"host", "content-length", "expect", "accept-encoding", "x-sandbox-id", "x-chaos"};
  return std::any_of(names.begin(), names.end(), [&](auto n) { return same_name(n, name); });
}

bool is_one_of(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const auto& n) { return same_name(n, name); });
}

/// How often the request has come through a server like this one.
unsigned hops_of(const request& req) {
  unsigned out = 0;
  for (const auto& h : req.headers)
    if (same_name(h.name, "via"))
      for (auto at = h.value.find(our_name); at != std::string::npos; at = h.value.find(our_name, at + our_name.size()))
        ++out;
  return out;
}

struct problem {
  unsigned status = 502;
  std::string_view name = "upstream-failed";
  std::string_view title = "The upstream failed";
  std::string detail;
  std::string kind;
  std::string target;
};

response to_response(const problem& what, const plan& p, const events::context& ctx) {
  response out;
  out.status = what.status;
  out.headers.push_back({"Content-Type", "application/problem+json"});
  const auto& spec = p.endpoint->spec;
  events::json_text j{out.body};
  j.open_object().key("type").value("/problems/" + std::string{what.name}).key("title").value(what.title).key("status").value(what.status);
  j.key("detail").value(quoted(what.detail)).key("kind").value(what.kind);
  if (!what.target.empty())
    j.key("target").value(quoted(what.target));
  j.key("endpoint").value(spec.id).key("project").value(spec.project_root).key("group").value(spec.group_root);
  if (!ctx.correlation.empty())
    j.key("correlation_id").value(ctx.correlation);
  j.close_object();
  if (what.status == 503)
    out.headers.push_back({"Retry-After", "1"});
  return out;
}

problem problem_of(const outbound_outcome& o, const std::string& url) {
  problem out;
  out.kind = o.error;
  out.detail = o.message;
  out.target = without_query(url);
  if (o.error == "timeout") {
    out.status = 504;
    out.name = "upstream-timeout";
    out.title = "The upstream did not answer in time";
  } else if (o.error == "overloaded" || o.error == "cancelled") {
    out.status = 503;
    out.name = "upstream-not-asked";
    out.title = "The upstream was not asked";
  } else if (o.error == "refused_by_guard" || o.error == "bad_url" || o.error == "no_such_sandbox") {
    out.name = "forward-target";
    out.title = "The target may not be asked";
  }
  return out;
}

template_scope scope_of(const plan& p, const data_state& data, const request& req, const events::context& ctx) {
  return template_scope{req, p.endpoint->route.parameters, p.captures, data, ctx};
}

/// Becomes the mock's. What goes wrong on purpose stays what it was.
void take_mock(plan& p, const data_state& data, const request& req, const events::context& ctx) {
  auto mock = *p.mock;
  meet_fate(mock, data, req, ctx.chance);
  if (p.fate) {
    mock.fate = p.fate;
    mock.drawn = p.drawn;
  }
  p = std::move(mock);
}

/// What the mock would say; nothing when that takes a script.
std::optional<response> mocked(const plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact) {
  auto mock = *p.mock;
  meet_fate(mock, data, req, ctx.chance);
  if (mock.runs_script())
    return std::nullopt;
  mock.fate.reset();
  mock.drawn.reset();
  return render(mock, data, req, ctx, redact).response;
}

response as_response(const outbound_outcome& o) {
  response out;
  out.status = o.status;
  out.headers = o.headers;
  out.body = o.body;
  return out;
}

/// Puts the body of the rules in place of the upstream's.
events::outcome<void> map_body(const forward_rules& rules, const response& upstream, template_scope& scope, response& out) {
  if (!rules.body || (!rules.body_statuses.empty() && std::none_of(rules.body_statuses.begin(), rules.body_statuses.end(),
                                                                     [&](const auto& s) { return s.covers(upstream.status); })))
    return {};
  if (const auto* encoding = find(upstream.headers, "content-encoding"); encoding != nullptr && !same_name(trimmed(*encoding), "identity"))
    return events::failure(events::errc::invalid, "its body cannot be read: it comes with Content-Encoding: " + quoted(*encoding));
  out.body.clear();
  if (auto ok = rules.body->render(scope, out.body); !ok)
    return ok;
  std::erase_if(out.headers, [](const field& h) { return same_name(h.name, "content-type") || same_name(h.name, "etag") || same_name(h.name, "content-encoding"); });
  out.headers.insert(out.headers.begin(), {"Content-Type", rules.media_type});
  return {};
}

/// The upstream's answer as the endpoint gives it.
events::outcome<response> map_answer(const plan& p, const data_state& data, const request& req, const events::context& ctx, const outbound_outcome& o) {
  const auto& rules = *p.endpoint->forward;
  const auto upstream = as_response(o);
  auto out = upstream;
  for (const auto& [from, to] : rules.statuses)
    if (from.covers(upstream.status)) {
      out.status = to;
      break;
    }
  const auto of_hop = named_by_connection(upstream.headers);
  std::erase_if(out.headers, [&](const field& h) {
    return is_of_one_hop(h.name) || is_framing_header(h.name) || is_one_of(of_hop, h.name) || !is_token(h.name) || !is_field_value(h.value);
  });
  auto scope = scope_of(p, data, req, ctx);
  scope.tell_of(upstream);
  if (auto ok = map_body(rules, upstream, scope, out); !ok)
    return tl::unexpected<events::error>{ok.error()};
  if (auto ok = rules.answered.apply(out.headers, scope); !ok)
    return tl::unexpected<events::error>{ok.error()};
  if (out.status == 204 || out.status == 304)
    out.body.clear();
  return out;
}

void answer_with(plan& p, response with) {
  p.status = with.status;
  p.refusal = std::move(with);
  p.forwarding = p.stateful = false;
}

/// It was not asked: no mock takes its place, since what is wrong is the endpoint.
void refuse(plan& p, const problem& why, const events::context& ctx) {
  auto note = std::make_shared<forward_note>();
  note->endpoint = p.endpoint_id();
  note->by = answerer::error;
  note->says = "not asked: " + why.kind;
  answer_with(p, to_response(why, p, ctx));
  p.forwarded = std::move(note);
}

void settle(plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact, const made_call& made) {
  const auto& rules = *p.endpoint->forward;
  const auto& o = made.outcome;
  auto note = std::make_shared<forward_note>();
  note->endpoint = p.endpoint_id();
  auto outcome = o;
  if (o.error.empty() && (o.status < 200 || o.status > 599)) {
    outcome = outbound_outcome::failed("malformed", "the upstream answered with the status " + std::to_string(o.status));
    outcome.took_us = o.took_us;
  }
  const bool failed = !outcome.error.empty();
  if (rules.compare && !failed && p.mock) {
    if (auto mock = mocked(p, data, req, ctx, redact)) {
      note->compared = compare_answers(as_response(outcome), *mock);
    } else {
      note->compared.emplace().upstream_status = outcome.status;
      note->compared->not_compared = "a script answers as the mock";
    }
    note->compared->mock = p.mock->endpoint_id();
  }
  const bool to_mock = p.mock && (failed ? rules.mock_on_failure
                                          : std::any_of(rules.mock_on.begin(), rules.mock_on.end(), [&](const auto& s) { return s.covers(outcome.status); }));
  note->says = failed ? "failed: " + outcome.error : to_mock ? std::to_string(outcome.status) : "answered";
  if (to_mock) {
    note->by = answerer::mock;
    note->says += ", mock";
    take_mock(p, data, req, ctx);
  } else if (failed) {
    note->by = answerer::error;
    answer_with(p, to_response(problem_of(outcome, made.call.url), p, ctx));
  } else if (auto mapped = map_answer(p, data, req, ctx, outcome)) {
    answer_with(p, std::move(*mapped));
  } else {
    note->by = answerer::error;
    note->says = "answered, and not to be mapped";
    answer_with(p, to_response({502, "upstream-mapping", "The upstream's answer cannot be mapped", mapped.error().detail, "mapping", without_query(made.call.url)}, p, ctx));
  }
  p.forwarded = std::move(note);
}

events::outcome<outbound_call> call_of(const plan& p, const data_state& data, const request& req, const events::context& ctx) {
  const auto& e = *p.endpoint;
  const auto& rules = *e.forward;
  auto to = rules.target.fill({req, e.route.parameters, p.captures, e.spec.project_root + e.spec.group_root, data.env}, rules.query);
  if (!to)
    return tl::unexpected<events::error>{to.error()};
  outbound_call out;
  out.kind = outbound_kind::forward;
  out.method = req.method;
  out.url = std::move(to->url);
  out.body = req.body;
  out.timeout = rules.time ? *rules.time : p.client && p.client->time ? *p.client->time : std::chrono::milliseconds{limits::forward_time};
  const auto of_hop = named_by_connection(req.headers);
  std::copy_if(req.headers.begin(), req.headers.end(), std::back_inserter(out.headers),
               [&](const field& h) { return !is_of_one_hop(h.name) && !is_ours_to_say(h.name) && !is_one_of(of_hop, h.name); });
  out.headers.push_back({"Accept-Encoding", "identity"});
  if (find(out.headers, "x-correlation-id") == nullptr && !ctx.correlation.empty())
    out.headers.push_back({"X-Correlation-Id", ctx.correlation});
  auto scope = scope_of(p, data, req, ctx);
  if (p.client) {
    out.authorities = p.client->authorities;
    if (auto ok = p.client->asked.apply(out.headers, scope); !ok)
      return tl::unexpected<events::error>{ok.error()};
  }
  if (auto ok = rules.asked.apply(out.headers, scope); !ok)
    return tl::unexpected<events::error>{ok.error()};
  out.headers.push_back({"Via", "1.1 " + std::string{our_name}});
  return out;
}

} // namespace

std::vector<outbound_call> forward(plan& p, const data_state& data, const request& req, const events::context& ctx, const events::redactor& redact) {
  if (!p.forwards())
    return {};
  if (req.calls)
    for (const auto& made : *req.calls)
      if (made.call.kind == outbound_kind::forward) {
        settle(p, data, req, ctx, redact, made);
        return {};
      }
  if (hops_of(req) >= limits::forward_hops) {
    refuse(p, {508, "forward-loop", "The chain of forwards does not end", "this request has been forwarded " + std::to_string(hops_of(req)) +
                 " times, the limit forward_hops: the targets lead back to where it came from", "loop", p.endpoint->forward->target.text()}, ctx);
    return {};
  }
  auto call = call_of(p, data, req, ctx);
  if (!call) {
    const bool unknown = call.error().code == events::errc::not_found;
    refuse(p, {502, "forward-target", unknown ? "The target is not configured" : "The target cannot be asked", call.error().detail,
               unknown ? "unknown_variable" : "bad_url", p.endpoint->forward->target.text()}, ctx);
    return {};
  }
  std::vector<outbound_call> out;
  out.push_back(std::move(*call));
  return out;
}

// -- as the log has it ------------------------------------------------------------------

void write_forward(const forward_note& note, events::json_text& j) {
  j.open_object().key("endpoint").value(note.endpoint).key("by").value(note.by == answerer::upstream ? "upstream" : note.by == answerer::mock ? "mock" : "error");
  j.key("says").value(note.says);
  if (note.compared)
    write_comparison(*note.compared, j.key("compared"));
  j.close_object();
}

std::shared_ptr<const forward_note> read_forward(const json_value& v) {
  auto out = std::make_shared<forward_note>();
  const auto by = v.string_member("by");
  if (by != "upstream" && by != "mock" && by != "error")
    return nullptr;
  out->by = by == "upstream" ? answerer::upstream : by == "mock" ? answerer::mock : answerer::error;
  out->says = v.string_member("says");
  out->endpoint = v.string_member("endpoint");
  if (const auto* compared = v.member("compared"); compared != nullptr && !read_comparison(*compared, out->compared.emplace()))
    return nullptr;
  return out;
}

} // namespace hourglass::mock
