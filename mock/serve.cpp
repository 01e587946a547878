// The second half of serving, and the record of it. This is the hot path of every mock request.
#include "mock/serve.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/compiled.hpp"
#include "mock/forward.hpp"
#include "mock/generated.hpp"
#include "mock/json_value.hpp"
#include "mock/outbound.hpp"
#include "mock/record_bytes.hpp"
#include "mock/refusal.hpp"
#include "mock/scenario.hpp"
#include "mock/script_record.hpp"
#include "mock/stateful.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <charconv>

namespace hourglass::mock {

namespace {

struct filled {
  response answer;
  const std::string_view* recorded = nullptr; ///< the body as JSON for the event, if it is a fixed one that needs no redaction
  std::string report = {};                    ///< more for `X-Request-Validation` than the plan knows
};

response too_much(const events::error& why) {
  return refusal(500, "template-failed", "The template failed", why.detail);
}

/// A header value that data may have had a hand in: control characters would split the message.
std::string safe_value(std::string value) {
  std::replace_if(
    value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return value;
}

filled fill_template(const plan& p, const data_state& data, const request& req, const events::context& ctx) {
  const auto& e = *p.endpoint;
  const auto& spec = e.spec.responses[p.response];
  const auto& answer = e.answers[p.response];
  template_scope scope{req, e.route.parameters, p.captures, data, ctx};
  filled out;
  out.answer.status = p.status;
  if (!answer.bodies.empty()) {
    const auto& body = answer.bodies[answer.first[p.content] + p.example];
    out.answer.headers.push_back({"Content-Type", std::string{body.media_type}});
    if (auto ok = body.templated->render(scope, out.answer.body); !ok)
      return {too_much(ok.error()), nullptr};
  }
  for (std::size_t i = 0; i < spec.headers.size(); ++i) {
    std::string value;
    if (auto ok = answer.headers[i].render(scope, value); !ok)
      return {too_much(ok.error()), nullptr};
    out.answer.headers.push_back({spec.headers[i].name, safe_value(std::move(value))});
  }
  return out;
}

filled fill(const plan& p, const data_state& data, const request& req, const events::context& ctx) {
  if (p.refusal)
    return {*p.refusal, nullptr};
  if (p.forwards())
    return {refusal(503, "upstream-not-asked", "The upstream was not asked", "nobody here asks upstreams, and the log has no answer of one"), nullptr};
  if (p.runs_script())
    return {refusal(503, "scripts-unavailable", "Scripts do not run here", "this node has no engine for scripts"), nullptr};
  if (p.endpoint->spec.templated)
    return fill_template(p, data, req, ctx);
  const auto& answer = p.endpoint->answers[p.response];
  filled out;
  bool honoured = false;
  out.answer.status = p.status;
  out.answer.headers.reserve((answer.fixed != nullptr ? answer.fixed->size() : 0) + 3);
  if (!answer.bodies.empty() && p.status != 204 && p.status != 304) {
    const auto& body = answer.bodies[answer.first[p.content] + p.example];
    out.answer.headers.push_back({"Content-Type", std::string{body.media_type}});
    out.answer.body = body.sent;
    if (!body.recorded.empty() && body.recorded.size() <= limits::recorded_body_bytes)
      out.recorded = &body.recorded;
    honoured = p.generate && p.generate->stands;
    if (p.generate)
      if (auto made = p.generate->body(ctx.chance)) {
        out.answer.body = std::move(*made);
        out.recorded = nullptr;
        honoured = true;
      }
  }
  if (answer.fixed != nullptr)
    out.answer.headers.insert(out.answer.headers.end(), answer.fixed->begin(), answer.fixed->end());
  if (honoured)
    out.answer.headers.push_back({"Preference-Applied", p.generate->applied});
  return out;
}

/// Whether the document of the endpoint says itself that this is a credential, whatever its name.
bool is_declared_secret(const plan& p, std::string_view in, std::string_view name) {
  if (!p.endpoint || !p.endpoint->check)
    return false;
  for (const auto& together : p.endpoint->check->credentials())
    for (const auto& c : together)
      if (c.type == "apiKey" && c.in == in && (in == "header" ? same_name(c.name, name) : c.name == name))
        return true;
  return false;
}

std::string secret(std::string_view value, const events::redactor& redact, events::redact_echo* seen) { return redact.header("x-api-key", value, seen); }

/// The target, with the values of declared secrets in its query replaced.
std::string without_declared_secrets(const plan& p, std::string_view target, const events::redactor& redact, events::redact_echo& seen) {
  const auto question = target.find('?');
  std::string out{target.substr(0, question)};
  for (auto rest = question == std::string_view::npos ? std::string_view{} : target.substr(question); !rest.empty();) {
    const auto pair = rest.substr(0, rest.find('&', 1)); // with what stands in front of it
    rest.remove_prefix(pair.size());
    const auto equals = pair.find('=');
    std::string name, value;
    if (equals == std::string_view::npos || !percent_decode(pair.substr(1, equals - 1), true, name) || !is_declared_secret(p, "query", name)) {
      out += pair;
      continue;
    }
    out += pair.substr(0, equals + 1);
    out += secret(pair.substr(equals + 1), redact, &seen);
    if (percent_decode(pair.substr(equals + 1), true, value))
      (void)secret(value, redact, &seen); // an answer may say it in plain
  }
  return out;
}

/// `seen` takes what is redacted from a request, `of` says what is a secret of it; `echoed` has what was, for its answer.
void write_headers(events::json_text& j, const fields& headers, const events::redactor& redact, const plan* of, events::redact_echo* seen,
                   const events::redact_echo* echoed) {
  j.key("headers").open_array();
  for (const auto& [name, given] : headers) {
    // Of a request, a credential is redacted as a whole: its token is the same in every request.
    const bool whole = of != nullptr && (events::redactor::is_sensitive_header(name) || is_declared_secret(*of, "header", name));
    const bool echoes = echoed != nullptr && !whole && echoed->occurs_in(given);
    const auto without = echoes ? echoed->replace(given) : std::string{};
    const auto& value = echoes ? without : given;
    j.open_array().value(name);
    if (of != nullptr && is_declared_secret(*of, "header", name) && !events::redactor::is_sensitive_header(name))
      j.value(secret(value, redact, seen));
    else if (events::redactor::is_sensitive_header(name))
      j.value(redact.header(name, value, seen));
    else if (events::is_utf8(value))
      j.value(value);
    else
      j.bytes(value);
    j.close_array();
  }
  j.close_array();
}

/// A record that is too long is refused whole, so of a very long body only the front is kept, with what the whole was. Otherwise a stranger could
/// send what cannot be recorded, and so not be answered either.
void write_body(events::json_text& j, std::string_view bytes) {
  constexpr std::size_t longest_escape = 6;
  constexpr auto most = limits::recorded_body_bytes;
  if (bytes.size() <= most / longest_escape) {
    j.bytes(bytes);
    return;
  }
  const bool text = events::is_utf8(bytes);
  if (length_as_json(bytes, text) <= most) {
    j.bytes(bytes);
    return;
  }
  auto front = bytes.substr(0, most / longest_escape);
  while (text && (static_cast<unsigned char>(bytes[front.size()]) & 0xC0) == 0x80) // not in the middle of a character
    front.remove_suffix(1);
  j.open_object();
  if (text)
    j.key("text").value(front);
  else
    j.key("base64").value(events::to_base64(front));
  j.key("truncated").value(true).key("bytes").value(bytes.size());
  j.key("sha256").value(events::to_hex(events::as_text(events::sha256({bytes})))).close_object();
}

void write_fate(events::json_text& j, const chaos_fate& f) {
  j.open_object().key("delay_ms").value(f.delay.count());
  if (f.dribble.count() > 0)
    j.key("dribble_ms").value(f.dribble.count());
  if (f.status)
    j.key("status").value(*f.status);
  if (f.fault != wire_fault::none)
    j.key("fault").value(to_string(f.fault));
  j.close_object();
}

std::string record(const plan& p, const filled& done, const request& req, const events::context& ctx, const events::redactor& redact,
                   std::string_view id, const script_note* note) {
  std::string out;
  out.reserve(512 + std::min(req.body.size(), limits::recorded_body_bytes) * 2 + std::min(done.answer.body.size(), limits::recorded_body_bytes) * 2);
  events::json_text j{out};
  j.open_object().key("id").value(id).key("endpoint");
  if (p.endpoint)
    j.value(p.endpoint_id());
  else
    j.null();
  j.key("request").open_object();
  j.key("method");
  write_text(j, req.method);
  j.key("target");
  events::redact_echo seen;
  if (req.calls) { // a secret that a call tells may stand in the request under a name that tells nothing
    std::string unheard;
    events::json_text first{unheard};
    write_calls(first, *req.calls, redact, seen);
  }
  // After the rest, and not in the path, by which a replay is routed.
  const auto hidden = [&](std::string text, std::size_t from = 0) {
    return req.calls && from < text.size() && seen.occurs_in(text) ? text.substr(0, from) + seen.replace(std::string_view{text}.substr(from)) : text;
  };
  auto target = redact.target(without_declared_secrets(p, req.target, redact, seen), &seen);
  const auto query = std::min(target.find('?'), target.size());
  write_text(j, hidden(std::move(target), query));
  write_headers(j, req.headers, redact, &p, &seen, req.calls ? &seen : nullptr);
  j.key("body");
  write_body(j, req.body.empty() ? std::string{} : hidden(redact.body(content_type(req.headers), req.body, &seen)));
  j.key("peer").value(req.peer).key("received_us").value(req.received.us).close_object();
  if (req.calls)
    write_calls(j.key("calls"), *req.calls, redact, seen, done.answer.body);
  j.key("response").open_object().key("status").value(done.answer.status);
  write_headers(j, done.answer.headers, redact, nullptr, nullptr, seen.empty() ? nullptr : &seen);
  j.key("body");
  // What was a secret in the question stays one in the answer.
  const bool echoes = !seen.empty() && seen.occurs_in(done.answer.body);
  if (done.recorded != nullptr && !echoes)
    j.raw(*done.recorded);
  else
    write_body(j, done.answer.body.empty()
                      ? std::string{}
                      : redact.body(content_type(done.answer.headers), echoes ? seen.replace(done.answer.body) : done.answer.body));
  j.close_object();
  if (p.authorised)
    j.key("authorised").value(*p.authorised);
  if (!p.scenario.empty())
    j.key("scenario").value(p.scenario);
  if (p.forwarded)
    write_forward(*p.forwarded, j.key("forward"));
  if (p.fate)
    write_fate(j.key("chaos"), *p.fate);
  j.key("seed").value(events::to_hex({reinterpret_cast<const char*>(ctx.chance.data()), ctx.chance.size()}));
  if (note != nullptr)
    write_note(j.key("script"), *note, redact, seen);
  j.close_object();
  return out;
}

// -- reading it back ---------------------------------------------------------------

/// What the whole was, if `v` is only its front. False if that does not read.
bool read_cut(const json_value* v, std::optional<cut_body>& into) {
  const auto* truncated = v->member("truncated");
  if (truncated == nullptr || !truncated->is_true())
    return true;
  std::int64_t bytes = 0;
  const auto* length = v->member("bytes");
  if (length == nullptr || !length->as_integer(bytes) || bytes < 0)
    return false;
  into = cut_body{static_cast<std::uint64_t>(bytes), std::string{v->string_member("sha256")}};
  return into->sha256.size() == 64;
}

bool read_seed(std::string_view hex, events::entropy& into) {
  if (hex.size() != into.size() * 2)
    return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    auto [rest, bad] = std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, into[i], 16);
    if (bad != std::errc{} || rest != hex.data() + 2 * i + 2)
      return false;
  }
  return true;
}

served conclude_filled(const plan& p, filled done, const request& req, const events::context& ctx, const events::redactor& redact,
                       const script_note* note) {
  served out;
  // By wall time: a frozen clock must not give a million requests the same beginning, by which the index finds them.
  out.request_id = events::make_id("req_", ctx.wall.us / 1000, ctx.chance);
  if (!p.report.empty() || !done.report.empty())
    done.answer.headers.push_back({"X-Request-Validation", p.report + (p.report.empty() || done.report.empty() ? "" : "; ") + done.report});
  if (p.forwarded)
    done.answer.headers.push_back({"X-Upstream", p.forwarded->says});
  done.answer.headers.push_back({"X-Request-Id", out.request_id});
  if (req.method == "HEAD") {
    done.answer.body.clear();
    done.recorded = nullptr;
  }
  auto& draft = out.events.emplace_back();
  draft.kind = events::kind::request_served;
  draft.payload = record(p, done, req, ctx, redact, out.request_id, note);
  draft.entities.push_back(out.request_id);
  if (p.endpoint)
    draft.entities.emplace_back(p.endpoint_id());
  if (p.forwarded && p.forwarded->endpoint != p.endpoint_id())
    draft.entities.push_back(p.forwarded->endpoint);
  out.response = std::move(done.answer);
  if (p.fate) {
    out.delay = p.fate->delay;
    out.response.dribble = p.fate->dribble;
    out.response.fault = p.fate->fault;
  }
  if (p.drawn) {
    auto& drawn = out.events.emplace_back();
    drawn.kind = events::kind::chaos_drawn;
    events::json_text{drawn.payload}.open_object().key("endpoint").value(*p.drawn).close_object();
  }
  return out;
}

} // namespace

served render(const plan& p, const data_state& data, const request& req, const events::context& ctx,
              const events::redactor& redact) {
  if (p.stateful) {
    auto done = answer_from_collection(p, data, req, ctx, redact);
    auto out = conclude_filled(p, {std::move(done.answer), nullptr, std::move(done.report)}, req, ctx, redact, nullptr);
    std::move(done.changes.begin(), done.changes.end(), std::back_inserter(out.events));
    return out;
  }
  return conclude_filled(p, fill(p, data, req, ctx), req, ctx, redact, nullptr);
}

served conclude(const plan& p, response answer, const request& req, const events::context& ctx, const events::redactor& redact, const script_note* note) {
  return conclude_filled(p, {std::move(answer), nullptr}, req, ctx, redact, note);
}

served serve(const endpoint_state& endpoints, const data_state& data, const request& req, const events::context& ctx,
             const events::redactor& redact) {
  auto p = route(endpoints, req);
  meet_fate(p, data, req, ctx.chance);
  return render(p, data, req, ctx, redact);
}

events::outcome<served_record> decode_served(std::string_view payload) {
  auto corrupt = [] { return events::failure(events::errc::corrupt, "a served request does not read"); };
  auto v = parse_json(payload, {std::size_t{1} << 40, limits::json_depth});
  if (!v)
    return events::failure(events::errc::corrupt, v.error().detail, v.error().where);
  const auto* req = v->member("request");
  const auto* res = v->member("response");
  if (req == nullptr || res == nullptr)
    return corrupt();
  served_record out;
  out.request_id = v->string_member("id");
  out.endpoint_id = v->string_member("endpoint");
  out.request.peer = req->string_member("peer");
  std::int64_t status = 0;
  const auto* code = res->member("status");
  const auto* received = req->member("received_us");
  bool ok = !out.request_id.empty() && read_bytes(req->member("method"), out.request.method) &&
            read_bytes(req->member("target"), out.request.target) && read_headers(req->member("headers"), out.request.headers) &&
            read_bytes(req->member("body"), out.request.body) && received != nullptr && received->as_integer(out.request.received.us) &&
            code != nullptr && code->as_integer(status) && status >= 100 && status <= 599 &&
            read_headers(res->member("headers"), out.response.headers) && read_bytes(res->member("body"), out.response.body) &&
            read_cut(req->member("body"), out.request_cut) && read_cut(res->member("body"), out.response_cut) &&
            read_seed(v->string_member("seed"), out.chance);
  if (!ok)
    return corrupt();
  out.response.status = static_cast<unsigned>(status);
  if (const auto* said = v->member("authorised"))
    out.request.authorised = said->is_true();
  out.request.scenario = v->string_member("scenario");
  if (const auto* calls = v->member("calls"); calls != nullptr && !(out.request.calls = read_calls(*calls)))
    return corrupt();
  if (out.request.calls)
    out.request.calls = with_answer(*out.request.calls, out.response.body, out.response_cut.has_value());
  if (const auto* note = v->member("forward"); note != nullptr && !(out.forward = read_forward(*note)))
    return corrupt();
  if (const auto* note = v->member("script")) {
    out.script = read_note(*note);
    if (!out.script)
      return corrupt();
  }
  return out;
}

response as_recorded(const response& answer, const events::redactor& redact) {
  response out;
  out.status = answer.status;
  for (const auto& [name, value] : answer.headers)
    out.headers.push_back({name, events::redactor::is_sensitive_header(name) ? redact.header(name, value) : value});
  out.body = redact.body(content_type(answer.headers), answer.body);
  return out;
}

} // namespace hourglass::mock
