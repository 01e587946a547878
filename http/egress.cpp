#include "http/egress.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

namespace hourglass::http {

namespace {

using bytes16 = std::array<std::uint8_t, 16>;

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const bytes16& a) noexcept { return std::equal(mapped_prefix.begin(), mapped_prefix.end(), a.begin()); }

bytes16 mapped(const std::uint8_t* v4) noexcept {
  bytes16 a{};
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), a.begin());
  std::copy(v4, v4 + 4, a.begin() + 12);
  return a;
}

std::string to_text(const bytes16& a) {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v4(a))
    inet_ntop(AF_INET, a.data() + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, a.data(), text, sizeof text);
  return text;
}

struct named_range {
  cidr range;
  std::string_view text;
  std::string_view what;
};

/// The union of what Svix, Smokescreen and Convoy refuse, and what the IANA special-purpose registries list besides.
const std::vector<named_range>& refused_ranges() {
  static const std::vector<named_range> ranges = [] {
    static constexpr std::pair<std::string_view, std::string_view> table[] = {
        {"0.0.0.0/8", "an unspecified address"},
        {"10.0.0.0/8", "a private address"},
        {"100.64.0.0/10", "a carrier-grade NAT address"},
        {"127.0.0.0/8", "a loopback address"},
        {"169.254.0.0/16", "a link-local address"},
        {"172.16.0.0/12", "a private address"},
        {"192.0.0.0/24", "an IETF protocol address"},
        {"192.0.2.0/24", "a documentation address"},
        {"192.88.99.0/24", "a 6to4 relay address"},
        {"192.168.0.0/16", "a private address"},
        {"198.18.0.0/15", "a benchmarking address"},
        {"198.51.100.0/24", "a documentation address"},
        {"203.0.113.0/24", "a documentation address"},
        {"224.0.0.0/4", "a multicast address"},
        {"255.255.255.255/32", "the broadcast address"},
        {"240.0.0.0/4", "a reserved address"},
        {"::/128", "the unspecified address"},
        {"::1/128", "the loopback address"},
        {"::/96", "an IPv4-compatible address"},
        {"64:ff9b::/96", "a NAT64 address"},
        {"64:ff9b:1::/48", "a NAT64 address"},
        {"100::/64", "a discard address"},
        {"2001::/32", "a Teredo address"},
        {"2001:2::/48", "a benchmarking address"},
        {"2001:10::/28", "an ORCHID address"},
        {"2001:20::/28", "an ORCHID address"},
        {"2001:db8::/32", "a documentation address"},
        {"2002::/16", "a 6to4 address"},
        {"3fff::/20", "a documentation address"},
        {"5f00::/16", "a segment-routing address"},
        {"fc00::/7", "a unique-local address"},
        {"fe80::/10", "a link-local address"},
        {"fec0::/10", "a site-local address"},
        {"ff00::/8", "a multicast address"},
    };
    std::vector<named_range> list;
    for (auto [text, what] : table)
      list.push_back({*cidr::parse(text), text, what});
    return list;
  }();
  return ranges;
}

/// Where clouds hand out credentials. Never opened by `allow`.
const std::vector<bytes16>& metadata_addresses() {
  static const std::vector<bytes16> addresses = [] {
    std::vector<bytes16> list;
    for (std::string_view text : {"169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16", "192.0.0.192",
                                  "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"})
      list.push_back(cidr::parse(text)->network);
    return list;
  }();
  return addresses;
}

bool is_unspecified(const bytes16& a) noexcept {
  static constexpr bytes16 v6{};
  static constexpr std::uint8_t zero[4]{};
  return a == v6 || a == mapped(zero);
}

bool is_loopback(const bytes16& a) noexcept {
  static constexpr bytes16 v6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return a == v6 || (is_v4(a) && a[12] == 127);
}

/// The IPv4 addresses that an IPv6 address leads to, by the known ways to carry one in the other.
std::vector<bytes16> carried_v4(const bytes16& a) {
  static const auto compatible = *cidr::parse("::/96");
  static const auto translated = *cidr::parse("::ffff:0:0:0/96");
  static const auto nat64 = *cidr::parse("64:ff9b::/96");
  static const auto nat64_local = *cidr::parse("64:ff9b:1::/48");
  static const auto six_to_four = *cidr::parse("2002::/16");
  static const auto teredo = *cidr::parse("2001::/32");
  std::vector<bytes16> inner;
  if (is_unspecified(a) || is_loopback(a)) // of ::/96 in form only
    return inner;
  if (compatible.contains(a) || translated.contains(a) || nat64.contains(a) || nat64_local.contains(a))
    inner.push_back(mapped(a.data() + 12));
  if (nat64_local.contains(a)) { // RFC 6052 §2.2: after a /48 the address stands around the reserved byte 8
    const std::uint8_t v4[4] = {a[6], a[7], a[9], a[10]};
    inner.push_back(mapped(v4));
  }
  if (six_to_four.contains(a))
    inner.push_back(mapped(a.data() + 2));
  if (teredo.contains(a)) { // the relay, and the client with its bits inverted
    inner.push_back(mapped(a.data() + 4));
    std::uint8_t client[4];
    std::transform(a.begin() + 12, a.end(), client, [](std::uint8_t b) { return static_cast<std::uint8_t>(~b); });
    inner.push_back(mapped(client));
  }
  return inner;
}

bool is_metadata(const bytes16& a) {
  const auto& list = metadata_addresses();
  return std::find(list.begin(), list.end(), a) != list.end();
}

std::vector<bytes16> interface_addresses() {
  std::vector<bytes16> list;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0)
    return list;
  for (auto* i = all; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr)
      continue;
    bytes16 a{};
    if (i->ifa_addr->sa_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, i->ifa_addr, sizeof in);
      std::uint8_t v4[4];
      std::memcpy(v4, &in.sin_addr, 4);
      list.push_back(mapped(v4));
    } else if (i->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 in{};
      std::memcpy(&in, i->ifa_addr, sizeof in);
      std::memcpy(a.data(), &in.sin6_addr, 16);
      list.push_back(a);
    }
  }
  freeifaddrs(all);
  return list;
}

bool is_global_unicast(const bytes16& a) noexcept { return is_v4(a) || (a[0] & 0xe0) == 0x20; }

} // namespace

tl::expected<cidr, std::string> cidr::parse(std::string_view text) {
  auto slash = text.find('/');
  std::string address{text.substr(0, slash)};
  cidr net;
  unsigned bits = 128;
  unsigned offset = 0;
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    std::uint8_t raw[4];
    std::memcpy(raw, &v4, 4);
    net.network = mapped(raw);
    bits = 32;
    offset = 96;
  } else if (inet_pton(AF_INET6, address.c_str(), net.network.data()) != 1) {
    return tl::unexpected<std::string>{"'" + std::string{text} + "' is not an address or a network such as 10.0.0.0/8"};
  }
  if (slash != std::string_view::npos) {
    auto digits = text.substr(slash + 1);
    auto most = bits;
    auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (code != std::errc{} || end != digits.data() + digits.size() || bits > most)
      return tl::unexpected<std::string>{"'" + std::string{text} + "' has no prefix length from 0 to " + std::to_string(most)};
  }
  net.bits = bits + offset;
  for (unsigned bit = net.bits; bit < 128; ++bit) // so that 10.1.2.3/8 means 10.0.0.0/8
    net.network[bit / 8] = static_cast<std::uint8_t>(net.network[bit / 8] & ~(0x80u >> (bit % 8)));
  return net;
}

bool cidr::contains(const std::array<std::uint8_t, 16>& address) const noexcept {
  auto whole = bits / 8;
  if (std::memcmp(network.data(), address.data(), whole) != 0)
    return false;
  auto rest = bits % 8;
  if (rest == 0)
    return true;
  auto mask = static_cast<std::uint8_t>(0xffu << (8 - rest));
  return (network[whole] & mask) == (address[whole] & mask);
}

namespace {

std::vector<egress_guard::rule> rules_of(const std::vector<cidr>& allow) {
  std::vector<egress_guard::rule> out;
  for (const auto& network : allow)
    out.push_back({{{}, network, 0, {}}, true});
  return out;
}

/// A host as it stands in a URL, if that is an address.
std::optional<bytes16> written_address(std::string_view host) {
  const auto one = host.find('/') == std::string_view::npos ? cidr::parse(host) : tl::unexpected<std::string>{""};
  return one ? std::optional{one->network} : std::nullopt;
}

} // namespace

std::shared_ptr<const egress_guard> egress_guard::by_rules(std::vector<rule> rules, std::vector<endpoint> own_listeners) {
  auto out = std::make_shared<egress_guard>(std::vector<cidr>{}, std::move(own_listeners));
  out->rules_ = std::move(rules);
  return out;
}

egress_guard::egress_guard(std::vector<cidr> allow, std::vector<endpoint> own_listeners) : rules_(rules_of(allow)) {
  for (const auto& listener : own_listeners) {
    own_.push_back(listener);
    if (!is_unspecified(listener.address))
      continue;
    for (const auto& address : interface_addresses()) // a listener on "any" listens on each of these
      own_.push_back({address, listener.port});
  }
}

const egress_guard::rule* egress_guard::closest(const bytes16& address, std::uint16_t port) const noexcept {
  const rule* best = nullptr;
  for (const auto& r : rules_)
    if (r.whom.covers(address, port) && (best == nullptr || r.whom.is_closer_than(best->whom) || (!r.allow && !best->whom.is_closer_than(r.whom))))
      best = &r;
  return best;
}

std::string egress_guard::refusal(std::string_view host, std::uint16_t port) const {
  const auto address = written_address(host);
  const rule* best = nullptr;
  for (const auto& r : rules_)
    if (r.whom.covers(host, port) && (best == nullptr || r.whom.is_closer_than(best->whom) || (!r.allow && !best->whom.is_closer_than(r.whom))))
      best = &r;
  if (best == nullptr || best->allow)
    return {};
  if (address)
    if (const auto* by_address = closest(*address, port); by_address != nullptr && by_address->allow)
      return {};
  return std::string{host} + " is denied by this server's configuration (" + best->whom.text + ")";
}

std::string egress_guard::refusal(const std::array<std::uint8_t, 16>& address, std::uint16_t port) const {
  auto carried = carried_v4(address);
  auto any = [&](auto&& test) { return test(address) || std::any_of(carried.begin(), carried.end(), test); };

  if (any(is_metadata))
    return to_text(address) + " is a cloud metadata address";
  auto ours = [&](const bytes16& a) {
    return std::any_of(own_.begin(), own_.end(), [&](const endpoint& o) {
      if (o.port != port)
        return false;
      if (is_unspecified(o.address))
        return is_loopback(a) || is_unspecified(a);
      return o.address == a || (is_unspecified(a) && is_loopback(o.address)); // to dial 0.0.0.0 is to dial loopback
    });
  };
  if (any(ours))
    return to_text(address) + ":" + std::to_string(port) + " is this server itself";

  auto why_not = [&](const bytes16& a) -> std::string {
    if (const auto* r = closest(a, port))
      return r->allow ? std::string{} : to_text(a) + " is denied by this server's configuration (" + r->whom.text + ")";
    for (const auto& r : refused_ranges())
      if (r.range.contains(a))
        return to_text(a) + " is " + std::string{r.what} + " (" + std::string{r.text} + ")";
    if (!is_global_unicast(a))
      return to_text(a) + " is a reserved address (outside 2000::/3)";
    return {};
  };
  if (auto why = why_not(address); !why.empty())
    return why;
  for (const auto& inner : carried) // the outer range was opened by `allow`; what it leads to must be allowed as well
    if (auto why = why_not(inner); !why.empty())
      return to_text(address) + " leads to " + why;
  return {};
}

} // namespace hourglass::http
