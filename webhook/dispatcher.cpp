#include "webhook/dispatcher.hpp"

#include "events/digest.hpp"
#include "events/limits.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hourglass::webhook {

namespace {

constexpr std::string_view hidden = "[redacted]";
constexpr std::int64_t us_per_second = 1'000'000;

/// The request's headers as they may be kept: what is marked sensitive, or looks it, by a token.
http::fields kept_headers(const http::fields& sent, const std::vector<custom_header>& custom, const events::redactor* redact) {
  auto out = sent;
  // The custom ones follow content-type, in their order (`build_exchange`).
  for (std::size_t i = 0; i < custom.size() && i + 1 < out.size(); ++i)
    if (custom[i].sensitive)
      out[i + 1].value = redact != nullptr ? redact->header(custom[i].name, custom[i].value) : std::string{hidden};
  return out;
}

/// What a stranger answered is kept without the credentials in it.
void redact_answer(http::exchange_result& answer, const events::redactor& redact) {
  for (auto& [name, value] : answer.headers)
    if (events::redactor::is_sensitive_header(name))
      value = redact.header(name, value);
  if (!answer.body.empty())
    answer.body = redact.body(http::find(answer.headers, "content-type"), answer.body);
}

} // namespace

http::exchange build_exchange(const start& what, std::string body, std::int64_t timestamp) {
  http::exchange out;
  out.url = what.url;
  out.deadline = what.deadline;
  out.body_kept = limits::response_body_kept;
  out.body_read = limits::response_body_read;
  auto signature = signature_headers(what.profile, what.keys, what.message->id, what.message->event_type, timestamp, body);
  out.headers.reserve(what.headers.size() + 1 + signature.size());
  out.headers.push_back({"content-type", "application/json"});
  for (const auto& h : what.headers)
    out.headers.push_back({h.name, h.value});
  std::move(signature.begin(), signature.end(), std::back_inserter(out.headers));
  out.body = std::move(body);
  return out;
}

dispatcher::dispatcher(http::client& client, std::shared_ptr<const events::redactor> redact) : client_(client), redact_(std::move(redact)) {}

void dispatcher::send(start what, std::string body, std::int64_t wall_us, handler done, std::string owner) const {
  attempt_result kept;
  kept.timestamp = wall_us / us_per_second;
  kept.started_us = wall_us;
  kept.body_bytes = body.size();
  kept.body_sha256 = events::sha256({body});
  auto request = build_exchange(what, std::move(body), kept.timestamp);
  request.owner = std::move(owner);
  kept.request_headers = kept_headers(request.headers, what.headers, redact_.get());
  client_.send(std::move(request), [kept = std::move(kept), token = what.token, redact = redact_,
                                    done = std::move(done)](http::exchange_result answer) mutable {
    if (redact)
      redact_answer(answer, *redact);
    kept.answer = std::move(answer);
    done(token, std::move(kept));
  });
}

} // namespace hourglass::webhook
