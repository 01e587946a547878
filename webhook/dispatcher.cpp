#include "webhook/dispatcher.hpp"

#include "webhook/form.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "http/media_type.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hourglass::webhook {

namespace {

constexpr std::string_view hidden = "[redacted]";
constexpr std::string_view authorization = "authorization";
constexpr std::int64_t us_per_second = 1'000'000;

/// The request's headers as they may be kept: what is marked sensitive, or looks it, by a token; and `seen` of what went.
http::fields kept_headers(const http::fields& sent, const std::vector<custom_header>& custom, const events::redactor* redact, events::redact_echo& seen) {
  auto out = sent;
  // The custom ones follow content-type, in their order (`build_exchange`).
  for (std::size_t i = 0; i < custom.size() && i + 1 < out.size(); ++i)
    if (custom[i].sensitive)
      out[i + 1].value = redact != nullptr ? redact->header(custom[i].name, custom[i].value, &seen) : std::string{hidden};
  for (auto i = custom.size() + 1; i < out.size(); ++i)
    if (out[i].name == authorization)
      out[i].value = redact != nullptr ? redact->header(authorization, out[i].value, &seen) : std::string{hidden};
  return out;
}

/// What a stranger answered is kept without the credentials in it; and without ours, where he says them back.
void redact_answer(http::exchange_result& answer, const events::redactor& redact, const events::redact_echo& ours) {
  for (auto& [name, value] : answer.headers) {
    if (events::redactor::is_sensitive_header(name))
      value = redact.header(name, value);
    else if (!ours.empty())
      value = ours.replace(value);
  }
  if (answer.body.empty())
    return;
  answer.body = redact.body(http::find(answer.headers, "content-type"), answer.body);
  if (ours.empty())
    return;
  answer.body = ours.replace(answer.body);
  if (answer.truncated || answer.error != http::transport_error::none)
    answer.body.resize(ours.before_cut(answer.body));
}

std::string hex_of(const events::hash& h, std::size_t bytes) { return events::to_hex(events::as_text(h).substr(0, bytes)); }

/// W3C Trace Context: one trace a message, one span an attempt, the same whenever it is made again.
std::string trace_parent(const start& what) {
  const auto& id = what.message->id;
  return "00-" + hex_of(events::sha256({"trace of ", id}), 16) + "-" +
         hex_of(events::sha256({"span of ", id, what.destination, std::to_string(what.number)}), 8) + "-01";
}

/// An attempt that needs an access token: get one, send, and once more if it was refused.
struct token_journey : std::enable_shared_from_this<token_journey> {
  http::client& client;
  std::shared_ptr<token_keeper> tokens;
  std::shared_ptr<const events::redactor> redact;
  dispatcher::handler done;
  start what;
  http::exchange request; ///< without the token
  attempt_result kept;
  std::string token;
  std::chrono::milliseconds used{0}; ///< of the deadline; waiting for a connection does not count
  bool again = false;

  token_journey(http::client& c, std::shared_ptr<token_keeper> t) : client(c), tokens(std::move(t)) {}

  std::chrono::milliseconds left() const { return what.deadline - used; }

  void begin() {
    tokens->get(request.owner, what.destination, what.way->tokens, token, left(), [self = shared_from_this()](token_keeper::answer a) { self->on_token(std::move(a)); });
  }

  void on_token(token_keeper::answer a) {
    if (a.token.empty()) {
      if (again)
        a.failure.detail = "the receiver answered 401, and there is " + a.failure.detail;
      return end(std::move(a.failure));
    }
    used += a.spent;
    token = std::move(a.token);
    if (left() <= std::chrono::milliseconds{0}) {
      http::exchange_result late;
      late.error = http::transport_error::oauth_token;
      late.detail = again ? "the receiver answered 401, and then no time was left to send it with a new token"
                          : "the token endpoint took all of the " + std::to_string(what.deadline.count()) + " ms; nothing was sent";
      if (!again)
        token.clear();
      return end(std::move(late));
    }
    auto with_token = request;
    with_token.headers.push_back({std::string{authorization}, "Bearer " + token});
    with_token.deadline = left();
    client.send(std::move(with_token), [self = shared_from_this()](http::exchange_result answer) { self->on_answer(std::move(answer)); });
  }

  void on_answer(http::exchange_result answer) {
    used += std::chrono::milliseconds{(answer.spent.total_us - answer.spent.queue_us) / 1'000};
    const bool refused = answer.error == http::transport_error::none && answer.status == 401;
    if (!refused || again || left() <= std::chrono::milliseconds{0})
      return end(std::move(answer));
    again = true;
    begin();
  }

  void end(http::exchange_result answer) {
    auto sent = std::move(request.headers);
    if (!token.empty())
      sent.push_back({std::string{authorization}, "Bearer " + token});
    events::redact_echo ours;
    kept.request_headers = kept_headers(sent, what.headers, redact.get(), ours);
    if (redact)
      redact_answer(answer, *redact, ours);
    kept.answer = std::move(answer);
    done(what.token, std::move(kept));
  }
};

} // namespace

namespace {

constexpr std::int64_t fault_seconds = 600; // twice what receivers tolerate

/// Nobody's, of the same kinds.
std::vector<signing_key> other_keys(const start& what) {
  std::vector<signing_key> out;
  for (const auto& key : what.keys) {
    const auto hash = events::sha256({"nobody's key for ", what.message->id, what.destination});
    events::entropy chance{};
    std::copy_n(hash.begin(), chance.size(), chance.begin());
    out.push_back(signing_key::generate(chance, key.kind()));
  }
  return out;
}

http::fields signature_of(const start& what, std::int64_t timestamp, std::string_view body) {
  const auto others = what.fault == delivery_fault::bad_signature ? other_keys(what) : std::vector<signing_key>{};
  const auto& keys = others.empty() ? what.keys : others;
  const auto& m = *what.message;
  auto out = what.profile == signature_profile::custom ? what.signing.headers(keys, m.id, m.event_type, timestamp, body)
                                                       : signature_headers(what.profile, keys, m.id, m.event_type, timestamp, body);
  if (what.fault == delivery_fault::missing_signature)
    std::erase_if(out, [](const http::field& one) { return one.name != "webhook-id"; });
  return out;
}

std::int64_t signed_at(const start& what, std::int64_t wall_us) {
  const auto now = wall_us / us_per_second;
  return what.fault == delivery_fault::stale_timestamp ? now - fault_seconds : what.fault == delivery_fault::future_timestamp ? now + fault_seconds : now;
}

bool goes_as_form(const start& what, std::string_view body) {
  return what.form && (what.content_type.empty() || http::is_json_type(what.content_type)) && body.starts_with('{');
}

} // namespace

http::exchange build_exchange(const start& what, http::shared_bytes body, std::int64_t timestamp) {
  http::exchange out;
  out.method = what.method;
  out.url = what.url;
  out.deadline = what.deadline;
  out.body_kept = limits::response_body_kept;
  out.body_read = limits::response_body_read;
  auto signature = signature_of(what, timestamp, body.view());
  out.headers.reserve(what.headers.size() + 3 + signature.size());
  out.headers.push_back({"content-type", what.content_type.empty() ? std::string{"application/json"} : what.content_type});
  for (const auto& h : what.headers)
    out.headers.push_back({h.name, h.value});
  std::move(signature.begin(), signature.end(), std::back_inserter(out.headers));
  if (!http::contains(out.headers, "traceparent"))
    out.headers.push_back({"traceparent", trace_parent(what)});
  if (what.way) {
    out.way = what.way->receiver;
    if (!what.way->authorization.empty())
      out.headers.push_back({std::string{authorization}, what.way->authorization});
  }
  out.body = what.fault == delivery_fault::changed_body ? http::shared_bytes{std::string{body.view()} + ' '} : std::move(body);
  return out;
}

dispatcher::dispatcher(http::client& client, std::shared_ptr<const events::redactor> redact, token_keeper::clock now)
    : client_(client), redact_(std::move(redact)), tokens_(std::make_shared<token_keeper>(client, std::move(now))) {}

void dispatcher::send(start what, http::shared_bytes body, std::int64_t wall_us, handler done, std::string owner) const {
  attempt_result kept;
  kept.timestamp = signed_at(what, wall_us);
  kept.started_us = wall_us;
  kept.fault = what.fault;
  if (goes_as_form(what, body.view())) {
    auto form = form_of(body.view());
    if (!form) {
      kept.answer.error = http::transport_error::transformation;
      kept.answer.detail = form.error().detail;
      return done(what.token, std::move(kept));
    }
    what.content_type = "application/x-www-form-urlencoded";
    body = http::shared_bytes{*std::move(form)};
  }
  auto request = build_exchange(what, std::move(body), kept.timestamp);
  kept.body_bytes = request.body.size();
  kept.body_sha256 = events::sha256({request.body.view()});
  request.owner = std::move(owner);
  if (what.way && what.way->tokens) {
    auto journey = std::make_shared<token_journey>(client_, tokens_);
    journey->redact = redact_;
    journey->done = std::move(done);
    journey->what = std::move(what);
    journey->request = std::move(request);
    journey->kept = std::move(kept);
    return journey->begin();
  }
  events::redact_echo ours;
  kept.request_headers = kept_headers(request.headers, what.headers, redact_.get(), ours);
  client_.send(std::move(request), [kept = std::move(kept), token = what.token, redact = redact_, ours = std::move(ours),
                                    done = std::move(done)](http::exchange_result answer) mutable {
    if (redact)
      redact_answer(answer, *redact, ours);
    kept.answer = std::move(answer);
    done(token, std::move(kept));
  });
}

} // namespace hourglass::webhook
