#include "http/client.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace hourglass::http {

namespace {

constexpr std::size_t longest_url = 2'048;
constexpr std::size_t longest_host = 253; // RFC 1035, in its text form

tl::unexpected<std::string> wrong(std::string why) { return tl::unexpected<std::string>{std::move(why)}; }

bool starts_with_nocase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
         });
}

/// A name or an IPv4 address: dot-separated labels of letters, digits, `-` and `_`; one trailing dot is allowed.
bool is_host_name(std::string_view host) {
  if (host.ends_with('.'))
    host.remove_suffix(1);
  if (host.empty() || host.size() > longest_host)
    return false;
  std::size_t label = 0;
  for (char c : host) {
    if (c == '.') {
      if (label == 0)
        return false;
      label = 0;
      continue;
    }
    bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!letter || ++label > 63)
      return false;
  }
  return label != 0;
}

bool is_ipv6(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

/// Takes the port off the end of `authority`; what is left is the host.
tl::expected<std::uint16_t, std::string> take_port(std::string_view& authority, std::uint16_t usual) {
  auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos)
    return usual;
  auto digits = authority.substr(colon + 1);
  authority = authority.substr(0, colon);
  unsigned port = 0;
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65'535)
    return wrong("the port is not a number from 1 to 65535");
  return static_cast<std::uint16_t>(port);
}

tl::expected<void, std::string> take_host(std::string_view authority, std::string& host) {
  bool bracketed = authority.starts_with('[');
  if (bracketed) {
    if (!authority.ends_with(']'))
      return wrong("the IPv6 address is not closed by ]");
    authority = authority.substr(1, authority.size() - 2);
  }
  host.assign(authority);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (host.empty())
    return wrong("the host is missing");
  if (bracketed ? !is_ipv6(host) : !is_host_name(host))
    return wrong("the host is neither a name nor an address (international names go in their xn-- form)");
  return {};
}

/// Path and query as they go on the wire; bytes beyond ASCII are percent-encoded, as browsers do.
tl::expected<std::string, std::string> wire_target(std::string_view rest) {
  std::string target;
  target.reserve(rest.size() + 1);
  if (rest.empty() || rest.front() == '?')
    target.push_back('/');
  for (char c : rest) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      target += percent_encode({&c, 1});
      continue;
    }
    if (c == '\\' || c == '"' || c == '<' || c == '>')
      return wrong("a character in the path or query must be percent-encoded");
    target.push_back(c);
  }
  return target;
}

} // namespace

tl::expected<url_parts, std::string> parse_url(std::string_view url) {
  if (url.size() > longest_url)
    return wrong("the URL is longer than 2048 bytes");
  if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
    return wrong("the URL has a space or a control character in it");
  url_parts parts;
  if (starts_with_nocase(url, "https://")) {
    parts.secure = true;
    url.remove_prefix(8);
  } else if (starts_with_nocase(url, "http://")) {
    url.remove_prefix(7);
  } else {
    return wrong("the URL does not start with http:// or https://");
  }
  if (url.find('#') != std::string_view::npos)
    return wrong("the URL has a fragment (#)");
  auto authority = url.substr(0, url.find_first_of("/?\\"));
  auto rest = url.substr(authority.size());
  if (authority.find('@') != std::string_view::npos)
    return wrong("the URL has user information (@)");
  auto port = take_port(authority, parts.secure ? 443 : 80);
  if (!port)
    return wrong(port.error());
  parts.port = *port;
  if (auto host = take_host(authority, parts.host); !host)
    return wrong(host.error());
  auto target = wire_target(rest);
  if (!target)
    return wrong(target.error());
  parts.target = std::move(*target);
  return parts;
}

std::string_view to_string(transport_error e) noexcept {
  switch (e) {
  case transport_error::none: return "none";
  case transport_error::bad_url: return "bad_url";
  case transport_error::refused_by_guard: return "refused_by_guard";
  case transport_error::dns: return "dns";
  case transport_error::connect: return "connect";
  case transport_error::tls: return "tls";
  case transport_error::reset: return "reset";
  case transport_error::malformed: return "malformed";
  case transport_error::timeout: return "timeout";
  case transport_error::cancelled: return "cancelled";
  case transport_error::proxy: return "proxy";
  case transport_error::oauth_token: return "oauth_token";
  case transport_error::transformation: return "transformation";
  }
  return "unknown";
}

} // namespace hourglass::http
