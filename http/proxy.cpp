#include "http/proxy.hpp"

#include "http/client.hpp"
#include "http/egress.hpp"
#include "http/letters.hpp"
#include "http/message.hpp"

#include <algorithm>

namespace hourglass::http {

namespace {

constexpr std::size_t longest_credential = 255; // RFC 1929
constexpr std::size_t most_exceptions = 256;

tl::unexpected<std::string> wrong(std::string why) { return tl::unexpected<std::string>{std::move(why)}; }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Empty when done, else what is wrong.
std::string take_credentials(std::string_view text, proxy& into) {
  const auto colon = text.find(':');
  const bool decoded = percent_decode(text.substr(0, colon), false, into.username) &&
                       (colon == std::string_view::npos || percent_decode(text.substr(colon + 1), false, into.password));
  if (!decoded || into.username.empty() || into.username.size() > longest_credential || into.password.size() > longest_credential ||
      into.username.find(':') != std::string::npos || has_control(into.username) || has_control(into.password))
    return "user and password must be percent-encoded, without control characters, and have at most 255 bytes each";
  return {};
}

} // namespace

tl::expected<proxy, std::string> parse_proxy(std::string_view url, bool credentials) {
  proxy out;
  const auto colon = url.find("://");
  const auto scheme = lower(url.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (scheme == "socks5h")
    return wrong("must be socks5: names are always resolved here, so that it is known where they lead");
  if (scheme != "http" && scheme != "https" && scheme != "socks5")
    return wrong("must begin with http://, https:// or socks5://");
  out.speaks = scheme == "socks5" ? proxy::kind::socks5 : proxy::kind::connect;
  out.secure = scheme == "https";
  auto rest = url.substr(colon + 3);
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    if (!credentials)
      return wrong("must have no user and password in it: give them as username and password");
    if (auto why = take_credentials(rest.substr(0, at), out); !why.empty())
      return wrong(std::move(why));
    rest = rest.substr(at + 1);
  }
  const auto parsed = parse_url((out.secure ? "https://" : "http://") + std::string{rest});
  if (!parsed)
    return wrong(parsed.error());
  if (parsed->target != "/")
    return wrong("must be a host and a port, with no path");
  out.host = parsed->host;
  out.port = parsed->port;
  auto authority = rest.substr(0, rest.find('/'));
  if (out.speaks == proxy::kind::socks5 && take_port(authority) == 0)
    out.port = 1'080;
  return out;
}

tl::expected<proxy_exceptions, std::string> proxy_exceptions::parse(const std::vector<std::string>& list) {
  proxy_exceptions out;
  if (list.size() > most_exceptions)
    return wrong("has more than 256 entries");
  for (const auto& text : list) {
    auto one = host_pattern::parse(text);
    if (!one)
      return wrong(std::move(one).error());
    out.entries_.push_back(*std::move(one));
  }
  return out;
}

bool proxy_exceptions::covers(std::string_view host, const std::array<std::uint8_t, 16>& address, std::uint16_t port) const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [&](const host_pattern& e) { return e.covers(host, port) || e.covers(address, port); });
}

} // namespace hourglass::http
