#include "mock/answer_choice.hpp"

#include "mock/negotiation.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

bool choose_code(const compiled_endpoint& e, unsigned code, plan& p) {
  auto by = [&](auto fits) {
    auto at = std::find_if(e.answers.begin(), e.answers.end(), fits);
    p.response = static_cast<std::size_t>(at - e.answers.begin());
    return at != e.answers.end();
  };
  p.status = code;
  return by([&](const compiled_endpoint::answer& a) { return a.code == code; }) || by([&](const compiled_endpoint::answer& a) { return a.range == code / 100; }) ||
         by([](const compiled_endpoint::answer& a) { return a.code == 0 && a.range == 0; });
}

bool choose_content(const compiled_endpoint::answer& a, const fields& headers, plan& p) {
  p.content = a.default_content;
  std::string accept;
  for (const auto& h : headers)
    if (same_name(h.name, "accept"))
      accept += (accept.empty() ? "" : ",") + h.value;
  if (trimmed(accept).empty() || accept == "*/*" || a.media.empty())
    return true;
  int best = accept_quality(accept, a.media[p.content]);
  for (std::size_t i = 0; i < a.media.size(); ++i) {
    if (auto q = accept_quality(accept, a.media[i]); q > best) {
      best = q;
      p.content = i;
    }
  }
  return best > 0;
}

std::optional<response> declared_error(const compiled_endpoint& e, unsigned status, const request& req) {
  plan p;
  if (!choose_code(e, status, p) || p.response == e.preferred || e.spec.templated)
    return std::nullopt;
  const auto& a = e.answers[p.response];
  if (a.bodies.empty() || !choose_content(a, req.headers, p))
    return std::nullopt;
  const auto& body = a.bodies[a.first[p.content]];
  const auto& headers = e.spec.responses[p.response].headers;
  response out;
  out.status = status;
  out.headers.push_back({"Content-Type", std::string{body.media_type}});
  out.headers.insert(out.headers.end(), headers.begin(), headers.end());
  out.body = body.sent;
  return out;
}

} // namespace hourglass::mock
