#include "webhook/message_content.hpp"

#include "webhook/limits.hpp"
#include "webhook/profile.hpp"
#include "webhook/secrets.hpp"

#include "events/json_check.hpp"
#include "http/media_type.hpp"

#include <algorithm>
#include <charconv>

namespace hourglass::webhook {

using events::errc, events::failure;

namespace {

constexpr std::size_t content_type_bytes = 256;
constexpr std::string_view authorization = "authorization";
constexpr std::string_view body_bytes_prefix = R"({"body_bytes":)";

} // namespace

std::size_t weight(const message_content& c) noexcept {
  auto out = sizeof(c) + c.body.size() + c.content_type.size() + c.params.size();
  for (const auto& h : c.headers)
    out += sizeof(h) + h.name.size() + h.value.size() + h.sealed.size();
  return out;
}

events::outcome<void> validate_content_type(std::string_view content_type) {
  if (content_type.size() > content_type_bytes || !http::is_content_type(content_type))
    return failure(errc::invalid, "must be a media type such as text/plain; charset=utf-8, at most 256 bytes", "/contentType");
  return {};
}

events::outcome<void> validate_message_headers(std::vector<custom_header>& headers) {
  if (headers.size() > limits::message_headers)
    return failure(errc::too_large, "has more than " + std::to_string(limits::message_headers) + " headers (message_headers)", "/headers");
  std::size_t bytes = 0;
  for (const auto& h : headers)
    bytes += h.name.size() + h.value.size();
  if (bytes > limits::message_headers_bytes)
    return failure(errc::too_large, "is longer than " + std::to_string(limits::message_headers_bytes) + " bytes (message_headers_bytes)", "/headers");
  return validate_headers(headers);
}

events::outcome<bool> is_opaque(const create_message& c) {
  const auto first = c.payload.find_first_not_of(" \t\r\n");
  const bool object = first != std::string::npos && c.payload[first] == '{';
  const bool as_json = c.content_type.empty() || http::is_json_type(c.content_type);
  if (!c.raw) {
    if (!object || !events::check_json(c.payload, limits::json_depth))
      return failure(errc::invalid, "must be a JSON object", std::string{c.payload_at});
    if (!as_json)
      return failure(errc::invalid, "is no JSON: give what is sent as payloadText or payloadBase64", "/contentType");
    return false;
  }
  if (!as_json)
    return true;
  if (!events::check_json(c.payload, limits::json_depth))
    return failure(errc::invalid, "is not JSON, which is what the content type says (application/json, if none is given)", std::string{c.payload_at});
  return !object;
}

bool has_content(std::string_view payload) noexcept {
  if (!payload.starts_with(body_bytes_prefix))
    return false;
  payload.remove_prefix(body_bytes_prefix.size());
  payload.remove_prefix(std::min(payload.find_first_not_of("0123456789"), payload.size()));
  return payload.starts_with(R"(,"content":)");
}

std::string_view message_body(std::string_view payload) noexcept {
  if (!payload.starts_with(body_bytes_prefix))
    return {};
  std::size_t size = 0;
  auto from = payload.data() + body_bytes_prefix.size();
  auto [end, problem] = std::from_chars(from, payload.data() + payload.size(), size);
  auto head = static_cast<std::size_t>(end - payload.data());
  // The body is followed by the one brace that closes the payload.
  if (problem != std::errc{} || size == 0 || size >= payload.size() || head > payload.size() - 1 - size)
    return {};
  return payload.substr(payload.size() - 1 - size, size);
}

events::outcome<message_content> content_of(std::string_view payload, const events::vault* vault) {
  if (!has_content(payload))
    return message_content{std::string{message_body(payload)}, {}, {}, {}};
  auto f = decode(events::kind::message_created, payload);
  if (!f)
    return tl::unexpected{std::move(f).error()};
  auto& m = std::get<message_created>(*f);
  if (vault != nullptr)
    if (auto ok = open(*vault, m.id, m.headers); !ok)
      return tl::unexpected{std::move(ok).error()};
  return message_content{std::move(m.body), std::move(m.content_type), std::move(m.headers), std::move(m.params), {}, m.fault};
}

void put_into(start& s, const message_content& c) {
  s.content_type = c.content_type;
  s.fault = c.fault;
  const bool credentials = s.way && (!s.way->authorization.empty() || s.way->tokens);
  for (const auto& h : c.headers) {
    if (sets_header(s.profile, h.name) || s.signing.sets(h.name) || (credentials && same_header(h.name, authorization)))
      continue;
    // A credential that the destination gives is its own, whatever the header's name.
    const auto own = std::find_if(s.headers.begin(), s.headers.end(), [&h](const custom_header& one) { return same_header(one.name, h.name); });
    if (own != s.headers.end() && own->sensitive)
      continue;
    if (own != s.headers.end())
      s.headers.erase(own);
    s.headers.push_back(h);
  }
}

} // namespace hourglass::webhook
