#include "mock/forward_target.hpp"

#include "events/limits.hpp"
#include "mock/forward_limits.hpp"
#include "mock/refusal.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

constexpr std::string_view of_env = "env.";

tl::unexpected<events::error> bad(std::string why) { return failure(errc::invalid, std::move(why)); }

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (auto c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (is_unreserved(c))
      out += c;
    else
      out.append(1, '%').append(1, digits[u >> 4]).append(1, digits[u & 15]);
  }
  return out;
}

bool may_stand_in_url(char c) noexcept {
  return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' && c != '}';
}

bool is_visible(std::string_view text) noexcept { return std::all_of(text.begin(), text.end(), may_stand_in_url); }

/// Of a request target, which may hold any byte that a lenient server let through: what a URL cannot hold is escaped, and what is escaped already stays.
std::string as_in_url(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (may_stand_in_url(text[i]) && text[i] != '#')
      out += text[i];
    else
      out += encoded(text.substr(i, 1));
  return out;
}

struct scheme_of_target {
  std::string_view start;
  bool inner;
};
constexpr std::array<scheme_of_target, 4> schemes{{{"http://", false}, {"https://", false}, {"sandbox:", true}, {"stub:", true}}};

const scheme_of_target* scheme_at(std::string_view text) noexcept {
  const auto* at = std::find_if(schemes.begin(), schemes.end(), [&](const auto& s) { return same_name(text.substr(0, s.start.size()), s.start); });
  return at != schemes.end() ? at : nullptr;
}

/// Where the path begins, or the query; the end while there is neither.
std::size_t end_of_host(std::string_view text) noexcept {
  const auto* scheme = scheme_at(text);
  return std::min(text.find_first_of("/?#", scheme != nullptr ? scheme->start.size() : 0), text.size());
}

/// Whether what is put after `text` can no longer change who is asked.
bool is_past_host(std::string_view text) noexcept { return scheme_at(text) != nullptr && end_of_host(text) < text.size(); }

bool has_dot_segment(std::string_view path) {
  std::string decoded;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    if (!percent_decode(path.substr(0, end), false, decoded) || decoded == "." || decoded == "..")
      return true;
    path.remove_prefix(end);
  }
  return false;
}

/// The pairs of `query` but those whose name is one of `without`.
std::string pairs_of(std::string_view query, std::span<const std::string> without) {
  std::string out;
  std::string name;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto written = pair.substr(0, pair.find('='));
    if (!percent_decode(written, true, name))
      name = written;
    if (!pair.empty() && std::find(without.begin(), without.end(), name) == without.end())
      out.append(out.empty() ? "" : "&").append(pair);
  }
  return out;
}

std::vector<std::string> names_of(std::string_view query) {
  std::vector<std::string> out;
  std::string name;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto written = pair.substr(0, pair.find('='));
    out.push_back(percent_decode(written, true, name) ? name : std::string{written});
  }
  return out;
}

std::string merged(std::string_view own, std::string_view asked, query_rule rule) {
  if (rule == query_rule::target_only || asked.empty())
    return std::string{own};
  const bool target_wins = rule == query_rule::target_wins;
  auto first = pairs_of(own, target_wins ? std::vector<std::string>{} : names_of(asked));
  auto second = pairs_of(asked, target_wins ? names_of(own) : std::vector<std::string>{});
  return first + (first.empty() || second.empty() ? "" : "&") + second;
}

std::string tail_of(std::string_view path, std::string_view root) {
  if (path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/'))
    path.remove_prefix(root.size());
  return std::string{path};
}

bool is_port(std::string_view text) noexcept {
  return text.empty() || (text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos);
}

/// Host and port, as far as they are ours to judge: whether such a host exists, and may be asked, is said when it is dialled.
const char* fault_of_host(std::string_view host) noexcept {
  if (host.find('@') != std::string_view::npos)
    return "has a user in it";
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    const bool fine = close != std::string_view::npos && (close + 1 == host.size() || (host[close + 1] == ':' && is_port(host.substr(close + 2))));
    return fine ? nullptr : "has a malformed address";
  }
  const auto colon = host.find(':');
  const auto name = host.substr(0, colon);
  if (name.empty())
    return "has no host";
  if (!std::all_of(name.begin(), name.end(), is_unreserved))
    return "has a malformed host";
  return colon == std::string_view::npos || is_port(host.substr(colon + 1)) ? nullptr : "has a malformed port";
}

outcome<forward_address> address_of(std::string url, std::string_view asked, query_rule rule) {
  const auto* scheme = scheme_at(url);
  if (scheme == nullptr)
    return bad("it does not begin with http://, https://, sandbox: or stub:, but with " + quoted(std::string_view{url}.substr(0, 16)));
  if (!is_visible(url))
    return bad("it has a space, a control character or another that a URL cannot hold");
  if (url.find('#') != std::string::npos)
    return bad("it has a fragment");
  const auto host_end = end_of_host(url);
  const auto host = std::string_view{url}.substr(scheme->start.size(), host_end - scheme->start.size());
  if (const auto* why = fault_of_host(host))
    return bad(std::string{"it "} + why);
  auto [path, query] = split_target(std::string_view{url}.substr(host_end));
  if (has_dot_segment(path))
    return bad("its path has a dot segment or a malformed escape");
  forward_address out;
  out.inner = scheme->inner;
  out.own = scheme->start == "stub:";
  out.target = path.empty() ? "/" : std::string{path};
  if (auto both = merged(query, asked, rule); !both.empty())
    out.target.append(1, '?').append(both);
  out.url = lower(url.substr(0, host_end)) + out.target;
  if (out.inner) {
    out.name = host; // of the case that it is written in: a uid has one
    out.url = std::string{scheme->start} + out.name + out.target;
  }
  if (out.url.size() > limits::forward_url_bytes)
    return failure(errc::too_large, "it is longer than the limit forward_url_bytes (" + std::to_string(limits::forward_url_bytes) + ")");
  return out;
}

} // namespace

outcome<forward_target> forward_target::compile(std::string_view text, std::span<const std::string> parameters) {
  forward_target out;
  out.text_ = text;
  if (text.empty())
    return bad("must be a URL");
  if (text.size() > limits::forward_url_bytes)
    return failure(errc::too_large, "is longer than the limit forward_url_bytes (" + std::to_string(limits::forward_url_bytes) + ")");
  std::string before; // with something harmless in place of what env brings
  for (auto rest = text; !rest.empty();) {
    const auto open = std::min(rest.find_first_of("{}"), rest.size());
    if (open > 0) {
      out.pieces_.push_back({kind::text, std::string{rest.substr(0, open)}});
      if (!is_visible(out.pieces_.back().text) || out.pieces_.back().text.find('#') != std::string::npos)
        return bad("has a fragment, a space or another character that a URL cannot hold");
      before += out.pieces_.back().text;
    }
    rest.remove_prefix(open);
    if (rest.empty())
      break;
    const auto close = rest.find('}');
    if (rest.front() == '}' || close == std::string_view::npos)
      return bad(rest.front() == '}' ? "has a `}` without `{`" : "has a `{` without `}`");
    const auto name = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (name.empty() || name.size() > 132 || name.find('{') != std::string_view::npos)
      return bad("has a variable without a name, or with one of more than 132 characters");
    piece p;
    p.text = name;
    if (name == "request.path" || name == "request.tail")
      p.what = name == "request.path" ? kind::path : kind::tail;
    else if (std::find(parameters.begin(), parameters.end(), name) != parameters.end())
      p.what = kind::parameter;
    else if (name.starts_with("request."))
      return bad("has the variable `" + quoted(name) + "`; of the request there are request.path and request.tail");
    else
      p = {kind::env, std::string{name.starts_with(of_env) ? name.substr(of_env.size()) : name}};
    const bool of_request = p.what != kind::env;
    if (before.empty() && of_request)
      return bad("must begin with http://, https://, sandbox:, stub: or an env parameter");
    // What env stands for is known only then: it may be all of scheme and host.
    const bool begins_with_env = out.pieces_.empty() ? !of_request : out.pieces_.front().what == kind::env;
    if (p.what == kind::parameter && !begins_with_env && !is_past_host(before))
      return bad("has the variable `" + quoted(name) + "` in its host: what comes with a request can only stand in path and query");
    before += of_request ? "/" : "e";
    out.pieces_.push_back(std::move(p));
  }
  if (out.pieces_.front().what == kind::text && scheme_at(out.pieces_.front().text) == nullptr)
    return bad("must begin with http://, https://, sandbox:, stub: or an env parameter");
  if (std::none_of(out.pieces_.begin(), out.pieces_.end(), [](const piece& p) { return p.what == kind::env; })) {
    std::string sample;
    for (const auto& p : out.pieces_)
      sample += p.what == kind::text ? p.text : p.what == kind::parameter ? "x" : "/x";
    if (auto fine = address_of(std::move(sample), {}, query_rule::target_only); !fine)
      return failure(fine.error().code, "is no target: " + fine.error().detail);
  }
  return out;
}

outcome<forward_address> forward_target::fill(const values& from, query_rule rule) const {
  const auto [path, asked] = split_target(from.req.target);
  std::string url;
  for (const auto& p : pieces_) {
    if (p.what == kind::text) {
      url += p.text;
    } else if (p.what == kind::env) {
      const auto found = from.env.find(p.text);
      if (found == from.env.end())
        return failure(errc::not_found, "the variable `" + quoted(p.text) + "` is neither a parameter of the endpoint's path nor an env parameter of this sandbox", p.text);
      url += found->second;
    } else if (p.what == kind::parameter) {
      if (!is_past_host(url))
        return bad("the variable `" + quoted(p.text) + "` stands in its host");
      const auto at = std::find(from.names.begin(), from.names.end(), p.text) - from.names.begin();
      if (static_cast<std::size_t>(at) >= from.captures.size())
        return failure(errc::not_found, "the variable `" + quoted(p.text) + "` has no value", p.text);
      url += encoded(from.captures[static_cast<std::size_t>(at)]);
    } else {
      auto whole = p.what == kind::path ? std::string{path} : tail_of(path, from.root);
      const auto* scheme = scheme_at(url);
      if (scheme == nullptr || url.size() == scheme->start.size()) // it would become the host
        return bad("the variable `request." + std::string{p.what == kind::path ? "path" : "tail"} + "` stands in its host");
      whole = url.find('?') != std::string::npos ? encoded(whole) : as_in_url(whole);
      if (is_past_host(url) && url.ends_with('/') && whole.starts_with('/'))
        url.pop_back();
      url += whole;
    }
    if (url.size() > 2 * limits::forward_url_bytes)
      break;
  }
  if (auto out = address_of(std::move(url), as_in_url(asked), rule))
    return out;
  else
    return failure(out.error().code, "the target " + quoted(text_) + " gives no URL: " + out.error().detail);
}

std::optional<std::string> retarget(std::string_view target, std::string_view from, std::string_view to) {
  auto length = from.size();
  if (from.empty())
    length = target.starts_with('{') ? target.find('}') + 1 : end_of_host(target);
  else if (!target.starts_with(from) || (target.size() > length && from.back() != '/' && std::string_view{"/?{"}.find(target[length]) == std::string_view::npos))
    return std::nullopt;
  return std::string{to} + std::string{target.substr(length)};
}

std::string without_query(std::string_view url) { return std::string{url.substr(0, url.find('?'))}; }

} // namespace hourglass::mock
