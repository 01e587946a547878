#include "http/host_pattern.hpp"

#include "http/client.hpp"
#include "http/letters.hpp"

#include <algorithm>
#include <charconv>

namespace hourglass::http {

namespace {

bool is_host(std::string_view text) {
  const auto url = parse_url("http://" + std::string{text} + "/");
  return url && url->host == text && url->port == 80;
}

/// `10.0.0.256` is a mistake and no name.
bool ends_in_a_number(std::string_view name) {
  const auto last = name.substr(name.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

std::uint16_t take_port(std::string_view& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || text.find(']', colon) != std::string_view::npos)
    return 0;
  if (text.find(':') != colon && text[colon - 1] != ']')
    return 0;
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc{} || end != digits.data() + digits.size() || port == 0)
    return 0;
  text = text.substr(0, colon);
  return port;
}

tl::expected<host_pattern, std::string> host_pattern::parse(std::string_view text) {
  host_pattern out;
  out.text = text;
  const auto plain = lower(text);
  if (auto whole = cidr::parse(plain)) {
    out.network = *whole;
    return out;
  }
  auto name = std::string_view{plain};
  out.port = take_port(name);
  if (name.starts_with('[') && name.ends_with(']'))
    name = name.substr(1, name.size() - 2);
  if (auto inner = cidr::parse(name)) {
    out.network = *inner;
    return out;
  }
  if (name == "*") {
    out.name = name;
    return out;
  }
  if (name.starts_with("*."))
    name.remove_prefix(1);
  if (name.starts_with('.'))
    name.remove_prefix(1);
  if (!is_host(name) || ends_in_a_number(name))
    return tl::unexpected<std::string>{"must be a host, an address, a network such as 10.0.0.0/8, or *"};
  out.name = name;
  return out;
}

bool host_pattern::covers(std::string_view host, std::uint16_t at) const noexcept {
  if (name.empty() || (port != 0 && port != at))
    return false;
  if (host.ends_with('.'))
    host.remove_suffix(1);
  return name == "*" || host == name || (host.size() > name.size() && host.ends_with(name) && host[host.size() - name.size() - 1] == '.');
}

bool host_pattern::covers(const std::array<std::uint8_t, 16>& address, std::uint16_t at) const noexcept {
  return network && (port == 0 || port == at) && network->contains(address);
}

bool host_pattern::is_closer_than(const host_pattern& other) const noexcept {
  const auto width = [](const host_pattern& p) { return p.network ? p.network->bits : p.name == "*" ? 0 : static_cast<unsigned>(p.name.size()); };
  return width(*this) != width(other) ? width(*this) > width(other) : port != 0 && other.port == 0;
}

} // namespace hourglass::http
