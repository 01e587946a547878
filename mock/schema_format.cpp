// Formats, each a small grammar over the text of a value.
#include "mock/schema_format.hpp"

#include "events/json_text.hpp"
#include "mock/decimal.hpp"
#include "mock/ecma_regex.hpp"
#include "mock/uri.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_ascii(std::string_view t) { return std::all_of(t.begin(), t.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }); }
bool all_digits(std::string_view t) { return !t.empty() && std::all_of(t.begin(), t.end(), is_digit); }

int number(std::string_view t) {
  int n = 0;
  for (char c : t)
    n = n * 10 + (c - '0');
  return n;
}

// -- time (RFC 3339) -----------------------------------------------------------------

bool date(std::string_view t) {
  if (t.size() != 10 || t[4] != '-' || t[7] != '-' || !all_digits(t.substr(0, 4)) || !all_digits(t.substr(5, 2)) || !all_digits(t.substr(8, 2)))
    return false;
  int year = number(t.substr(0, 4));
  int month = number(t.substr(5, 2));
  int day = number(t.substr(8, 2));
  static constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12)
    return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day >= 1 && day <= days[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

bool time(std::string_view t) {
  if (t.size() < 9 || t[2] != ':' || t[5] != ':' || !all_digits(t.substr(0, 2)) || !all_digits(t.substr(3, 2)) || !all_digits(t.substr(6, 2)))
    return false;
  int hour = number(t.substr(0, 2));
  int minute = number(t.substr(3, 2));
  int second = number(t.substr(6, 2));
  t.remove_prefix(8);
  if (t.front() == '.') {
    auto end = std::find_if_not(t.begin() + 1, t.end(), is_digit);
    if (end == t.begin() + 1)
      return false;
    t.remove_prefix(static_cast<std::size_t>(end - t.begin()));
  }
  int offset = 0;
  if (t != "Z" && t != "z") {
    if (t.size() != 6 || (t[0] != '+' && t[0] != '-') || t[3] != ':' || !all_digits(t.substr(1, 2)) || !all_digits(t.substr(4, 2)))
      return false;
    int hours = number(t.substr(1, 2));
    int minutes = number(t.substr(4, 2));
    if (hours > 23 || minutes > 59)
      return false;
    offset = (hours * 60 + minutes) * (t[0] == '-' ? -1 : 1);
  }
  if (hour > 23 || minute > 59 || second > 60)
    return false;
  return second < 60 || ((hour * 60 + minute - offset) % 1440 + 1440) % 1440 == 1439; // a leap second is the last of a day, in UTC
}

bool date_time(std::string_view t) { return t.size() > 11 && (t[10] == 'T' || t[10] == 't') && date(t.substr(0, 10)) && time(t.substr(11)); }

bool duration(std::string_view t) {
  if (t.size() < 3 || t[0] != 'P')
    return false;
  t.remove_prefix(1);
  // The units left must follow each other without a gap: PnYnMnD, PnW, TnHnMnS.
  auto units = [&t](std::string_view order, bool& any) {
    std::size_t next = 0;
    while (!t.empty() && is_digit(t.front())) {
      auto end = static_cast<std::size_t>(std::find_if_not(t.begin(), t.end(), is_digit) - t.begin());
      auto at = end < t.size() ? order.find(t[end], any ? next : 0) : std::string_view::npos;
      if (at == std::string_view::npos || (any && at != next))
        return false;
      next = at + 1;
      any = true;
      t.remove_prefix(end + 1);
    }
    return true;
  };
  bool any = false;
  if (t.ends_with('W'))
    return units("W", any) && any && t.empty();
  if (!units("YMD", any))
    return false;
  if (t.empty())
    return any;
  if (t.front() != 'T')
    return false;
  t.remove_prefix(1);
  bool timed = false;
  return units("HMS", timed) && timed && t.empty();
}

// -- names and addresses --------------------------------------------------------------

bool hostname(std::string_view t) {
  if (t.empty() || t.size() > 253)
    return false;
  while (true) {
    auto end = std::min(t.find('.'), t.size());
    auto label = t.substr(0, end);
    bool good = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
    if (!good || (label.size() > 3 && label.substr(2, 2) == "--" && label.substr(0, 2) != "xn" && label.substr(0, 2) != "XN"))
      return false;
    if (end == t.size())
      return true;
    t.remove_prefix(end + 1);
  }
}

bool ipv4(std::string_view t) {
  for (int part = 0; part < 4; ++part) {
    auto end = part < 3 ? t.find('.') : t.size();
    if (end == std::string_view::npos || end == 0 || end > 3 || !all_digits(t.substr(0, end)) || (end > 1 && t[0] == '0') || number(t.substr(0, end)) > 255)
      return false;
    t.remove_prefix(std::min(end + 1, t.size()));
  }
  return t.empty();
}

bool ipv6(std::string_view t) {
  int groups = 0;
  bool gap = t.starts_with("::");
  if (gap)
    t.remove_prefix(2);
  while (!t.empty()) {
    auto end = std::min(t.find(':'), t.size());
    auto group = t.substr(0, end);
    if (end == t.size() && group.find('.') != std::string_view::npos) {
      if (!ipv4(group))
        return false;
      groups += 2;
      break;
    }
    if (group.empty() || group.size() > 4 || !std::all_of(group.begin(), group.end(), is_hex))
      return false;
    ++groups;
    t.remove_prefix(end);
    if (t.empty())
      break;
    t.remove_prefix(1);
    if (t.starts_with(':')) {
      if (gap)
        return false;
      gap = true;
      t.remove_prefix(1);
    } else if (t.empty()) {
      return false;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

bool local_part(std::string_view t, bool ascii) {
  if (t.size() >= 2 && t.front() == '"' && t.back() == '"') {
    t = t.substr(1, t.size() - 2);
    for (std::size_t i = 0; i < t.size(); ++i)
      if (t[i] == '"' || static_cast<unsigned char>(t[i]) < 0x20 || (t[i] == '\\' && ++i == t.size()))
        return false;
    return true;
  }
  if (t.empty() || t.front() == '.' || t.back() == '.' || t.find("..") != std::string_view::npos)
    return false;
  return std::all_of(t.begin(), t.end(), [&](char c) {
    return is_letter(c) || is_digit(c) || std::string_view{".!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos ||
           (!ascii && static_cast<unsigned char>(c) >= 0x80);
  });
}

bool email_with(std::string_view t, bool ascii) {
  auto at = t.rfind('@');
  if (at == std::string_view::npos || !local_part(t.substr(0, at), ascii))
    return false;
  auto host = t.substr(at + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    return host.starts_with("IPv6:") ? ipv6(host.substr(5)) : ipv4(host);
  }
  return ascii || is_ascii(host) ? hostname(host) : !host.empty();
}

bool uuid(std::string_view t) {
  for (std::size_t i = 0; i < t.size(); ++i)
    if (bool dash = i == 8 || i == 13 || i == 18 || i == 23; dash ? t[i] != '-' : !is_hex(t[i]))
      return false;
  return t.size() == 36;
}

// -- URIs (RFC 3986, 3987, 6570) and pointers -------------------------------------------

bool uri_characters(std::string_view t, bool international, std::string_view also) {
  for (std::size_t i = 0; i < t.size(); ++i) {
    char c = t[i];
    if (c == '%') {
      if (i + 2 >= t.size() || !is_hex(t[i + 1]) || !is_hex(t[i + 2]))
        return false;
    } else if (static_cast<unsigned char>(c) >= 0x80 ? !international
                                                     : !is_letter(c) && !is_digit(c) && std::string_view{"-._~!$&'()*+,;=:@"}.find(c) == std::string_view::npos &&
                                                         also.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool authority(std::string_view t, bool international) {
  if (auto at = t.rfind('@'); at != std::string_view::npos) {
    if (t.substr(0, at).find('@') != std::string_view::npos || !uri_characters(t.substr(0, at), international, ""))
      return false;
    t.remove_prefix(at + 1);
  }
  if (t.starts_with('[')) {
    auto close = t.find(']');
    if (close == std::string_view::npos || !(ipv6(t.substr(1, close - 1)) || (close > 1 && (t[1] == 'v' || t[1] == 'V'))))
      return false;
    t.remove_prefix(close + 1);
    return t.empty() || (t.front() == ':' && std::all_of(t.begin() + 1, t.end(), is_digit));
  }
  auto colon = std::min(t.find(':'), t.size());
  auto port = t.substr(std::min(colon + 1, t.size()));
  return uri_characters(t.substr(0, colon), international, "") && std::all_of(port.begin(), port.end(), is_digit);
}

bool uri_like(std::string_view t, bool absolute, bool international) {
  auto p = split_uri(t);
  if (absolute && p.scheme.empty())
    return false;
  if (p.scheme.empty() && !p.has_authority) // a colon in the first segment would be a scheme
    if (auto first = p.path.substr(0, std::min(p.path.find('/'), p.path.size())); first.find(':') != std::string_view::npos)
      return false;
  return (!p.has_authority || authority(p.authority, international)) && uri_characters(p.path, international, "/") &&
         uri_characters(p.query, international, "/?") && uri_characters(p.fragment, international, "/?");
}

bool uri_template(std::string_view t) {
  while (!t.empty()) {
    auto open = std::min(t.find_first_of("{}"), t.size());
    if (t.substr(0, open).find_first_of(" \"'<>\\^`|") != std::string_view::npos)
      return false;
    if (open == t.size())
      return true;
    auto close = t.find('}', open);
    if (t[open] == '}' || close == std::string_view::npos || close == open + 1 || t.substr(open + 1, close - open - 1).find('{') != std::string_view::npos)
      return false;
    t.remove_prefix(close + 1);
  }
  return true;
}

bool json_pointer(std::string_view t) {
  if (!t.empty() && t.front() != '/')
    return false;
  for (std::size_t i = 0; i < t.size(); ++i)
    if (t[i] == '~' && (i + 1 == t.size() || (t[i + 1] != '0' && t[i + 1] != '1')))
      return false;
  return true;
}

bool relative_json_pointer(std::string_view t) {
  auto end = static_cast<std::size_t>(std::find_if_not(t.begin(), t.end(), is_digit) - t.begin());
  if (end == 0 || (end > 1 && t[0] == '0'))
    return false;
  return t.substr(end) == "#" || json_pointer(t.substr(end));
}

// -- numbers (OpenAPI) ------------------------------------------------------------------

bool within(std::string_view t, std::string_view low, std::string_view high) {
  auto n = decimal::of(t);
  return n.is_integer() && compare(n, decimal::of(low)) >= 0 && compare(n, decimal::of(high)) <= 0;
}

using text = const std::string&;
constexpr std::array<schema_format, 23> all_formats{{
  {"date-time", "a date and time of RFC 3339", false, [](text t) { return date_time(t); }},
  {"date", "a date of RFC 3339", false, [](text t) { return date(t); }},
  {"time", "a time of RFC 3339", false, [](text t) { return time(t); }},
  {"duration", "a duration of ISO 8601", false, [](text t) { return duration(t); }},
  {"email", "an email address", false, [](text t) { return email_with(t, true); }},
  {"idn-email", "an email address", false, [](text t) { return email_with(t, false); }},
  {"hostname", "a host name", false, [](text t) { return hostname(t); }},
  {"ipv4", "an IPv4 address", false, [](text t) { return ipv4(t); }},
  {"ipv6", "an IPv6 address", false, [](text t) { return ipv6(t); }},
  {"uri", "a URI", false, [](text t) { return uri_like(t, true, false); }},
  {"url", "a URL", false, [](text t) { return uri_like(t, true, true); }},
  {"uri-reference", "a URI reference", false, [](text t) { return uri_like(t, false, false); }},
  {"iri", "an IRI", false, [](text t) { return uri_like(t, true, true); }},
  {"iri-reference", "an IRI reference", false, [](text t) { return uri_like(t, false, true); }},
  {"uri-template", "a URI template", false, [](text t) { return uri_template(t); }},
  {"uuid", "a UUID", false, [](text t) { return uuid(t); }},
  {"json-pointer", "a JSON Pointer", false, [](text t) { return json_pointer(t); }},
  {"relative-json-pointer", "a relative JSON Pointer", false, [](text t) { return relative_json_pointer(t); }},
  {"regex", "a regular expression", false, [](text t) { return to_re2(t).has_value(); }},
  {"byte", "base64", false, [](text t) { std::string bytes; return events::from_base64(t, bytes); }},
  {"int32", "an integer of 32 bits", true, [](text t) { return within(t, "-2147483648", "2147483647"); }},
  {"int64", "an integer of 64 bits", true, [](text t) { return within(t, "-9223372036854775808", "9223372036854775807"); }},
  {"uint64", "a natural number of 64 bits", true, [](text t) { return within(t, "0", "18446744073709551615"); }},
}};

} // namespace

const schema_format* find_format(std::string_view name) noexcept {
  const auto* at = std::find_if(all_formats.begin(), all_formats.end(), [&](const schema_format& f) { return f.name == name; });
  return at != all_formats.end() ? at : nullptr;
}

} // namespace hourglass::mock
