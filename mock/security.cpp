// Security schemes of an imported document: what its operations demand, and whether a request has it.
#include "mock/security.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "mock/object_reader.hpp"
#include "mock/openapi.hpp"
#include "mock/parameter.hpp"
#include "mock/refusal.hpp"
#include "mock/request_check.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <optional>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t most_alternatives = 32;
constexpr std::size_t most_schemes = 100;
constexpr std::size_t most_credentials = 100; ///< of one scheme
constexpr std::size_t most_bytes = 4'096;     ///< of a name or a credential

/// Nothing for what nobody here can check; `why` says so.
std::optional<credential_spec> scheme_of(const json_value& root, const std::string& name, std::string& why) {
  const auto* components = root.member("components");
  const auto* schemes = components != nullptr ? components->member("securitySchemes") : nullptr;
  const auto* found = schemes != nullptr ? schemes->member(name) : nullptr;
  if (found != nullptr)
    found = follow_reference(root, *found);
  if (found == nullptr || !found->is_object()) {
    why = "the document has no security scheme of this name";
    return std::nullopt;
  }
  const auto type = found->string_member("type");
  credential_spec out;
  out.scheme = name;
  if (type == "apiKey") {
    out.type = "apiKey";
    out.in = found->string_member("in");
    out.name = found->string_member("name");
    if (!out.name.empty() && (out.in == "header" || out.in == "query" || out.in == "cookie"))
      return out;
    why = "an apiKey needs a name, and in: header, query or cookie";
    return std::nullopt;
  }
  if (type == "oauth2" || type == "openIdConnect")
    out.type = "bearer";
  else if (type == "http")
    out.type = lower(found->string_member("scheme"));
  if (is_token(out.type))
    return out;
  why = type == "mutualTLS" ? "mutual TLS is not checked" : "this security scheme is of no type that is checked";
  return std::nullopt;
}

bool is_bearer_token(std::string_view text) { // RFC 6750: b64token
  while (text.ends_with('='))
    text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view{"-._~+/"}.find(c) != std::string_view::npos;
  });
}

/// What stands behind the scheme in `Authorization`, if it is this one.
std::optional<std::string_view> behind(const request& req, std::string_view scheme) {
  const auto* header = find(req.headers, "authorization");
  if (header == nullptr)
    return std::nullopt;
  const auto value = trimmed(*header);
  const auto blank = std::min(value.find(' '), value.size());
  if (!same_name(value.substr(0, blank), scheme))
    return std::nullopt;
  return trimmed(value.substr(blank));
}

std::optional<std::string> api_key_in(const credential_spec& c, const request& req) {
  schema_purse purse;
  reading how{purse};
  if (c.in == "header") {
    const auto* header = find(req.headers, c.name);
    return header != nullptr ? std::optional<std::string>{trimmed(*header)} : std::nullopt;
  }
  const auto pairs = c.in == "query" ? encoded_pairs(split_target(req.target).query, how) : cookie_pairs(req.headers, how);
  const auto at = std::find_if(pairs.begin(), pairs.end(), [&](const field& p) { return p.name == c.name; });
  if (at == pairs.end())
    return std::nullopt;
  std::string out;
  return percent_decode(at->value, c.in == "query", out) ? out : at->value;
}

/// The credential of this scheme, if there is one that could be.
std::optional<std::string> credential_in(const credential_spec& c, const request& req) {
  if (c.type == "apiKey") {
    auto key = api_key_in(c, req);
    return key && !key->empty() ? key : std::nullopt;
  }
  const auto text = behind(req, c.type);
  if (!text || text->empty())
    return std::nullopt;
  if (c.type == "basic") {
    std::string decoded;
    if (!events::from_base64(*text, decoded) || decoded.find(':') == std::string::npos)
      return std::nullopt;
    return decoded;
  }
  if (c.type == "bearer" && !is_bearer_token(*text))
    return std::nullopt;
  return std::string{*text};
}

std::string digest_of(std::string_view credential) { return events::to_hex(events::as_text(events::sha256({credential}))); }

bool has(const credential_spec& c, const request& req, const good_credentials& good) {
  const auto given = credential_in(c, req);
  if (!given)
    return false;
  const auto known = good.find(c.scheme);
  return known == good.end() || std::find(known->second.begin(), known->second.end(), digest_of(*given)) != known->second.end();
}

/// As a quoted string of a header.
std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text.substr(0, 200)) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
  }
  return out + '"';
}

} // namespace

std::string_view to_string(security_mode mode) noexcept {
  return mode == security_mode::ignore ? "ignore" : mode == security_mode::report ? "report" : "check";
}

std::optional<security_mode> security_mode_from(std::string_view name) noexcept {
  for (auto m : {security_mode::ignore, security_mode::report, security_mode::check})
    if (to_string(m) == name)
      return m;
  return std::nullopt;
}

security_mode security_that_follows(validation_mode mode) noexcept {
  return mode == validation_mode::off ? security_mode::ignore : mode == validation_mode::report ? security_mode::report : security_mode::check;
}

// -- what is demanded ------------------------------------------------------------------

security_spec read_security(const json_value& root, const json_value& operation, const std::string& at,
                            const std::function<void(std::string, std::string)>& warn) {
  const auto* own = operation.member("security");
  const auto* list = own != nullptr ? own : root.member("security");
  security_spec out;
  for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->items.size(); ++i) {
    const auto& alternative = list->items[i];
    const auto where = (own != nullptr ? at : std::string{}) + "/security/" + std::to_string(i);
    if (!alternative.is_object() || i == most_alternatives || alternative.items.size() > most_alternatives) {
      warn("is not checked: it is no object, or there are too many", where);
      return {};
    }
    std::vector<credential_spec> all;
    for (const auto& name : alternative.names) {
      std::string why;
      if (auto scheme = scheme_of(root, name, why))
        all.push_back(std::move(*scheme));
      else
        warn("credentials are not checked here: " + why, pointer_to(where, name));
    }
    if (all.empty())
      return {}; // whoever comes fulfils it
    out.push_back(std::move(all));
  }
  return out;
}

bool is_authorised(const security_spec& demands, const request& req, const good_credentials& good) {
  if (req.authorised)
    return *req.authorised;
  return demands.empty() || std::any_of(demands.begin(), demands.end(), [&](const auto& all) {
    return std::all_of(all.begin(), all.end(), [&](const credential_spec& c) { return has(c, req, good); });
  });
}

std::string challenge_of(const security_spec& demands, const request& req) {
  std::vector<std::string> known;
  std::string out;
  for (const auto& all : demands)
    for (const auto& c : all) {
      auto one = c.type == "apiKey" ? "ApiKey realm=" + quoted_text(c.scheme) + ", in=" + quoted_text(c.in) + ", name=" + quoted_text(c.name)
                                    : static_cast<char>(c.type[0] & ~0x20) + c.type.substr(1) + " realm=" + quoted_text(c.scheme);
      if (c.type == "basic")
        one += R"(, charset="UTF-8")";
      if (c.type == "bearer" && behind(req, "bearer"))
        one += R"(, error="invalid_token")";
      if (std::find(known.begin(), known.end(), one) != known.end())
        continue;
      out += (out.empty() ? "" : ", ") + one;
      known.push_back(std::move(one));
    }
  return out;
}

std::string lacking(const security_spec& demands) {
  std::string out;
  for (const auto& all : demands) {
    out += out.empty() ? "" : ", or ";
    bool first = true;
    for (const auto& c : all) {
      out += (first ? "" : " and ") + c.scheme + (c.type == "apiKey" ? " (" + c.in + ' ' + c.name + ')' : " (Authorization: " + c.type + ')');
      first = false;
    }
    if (out.size() > 500)
      break;
  }
  return "has not the credentials that its operation demands: " + out;
}

response unauthorised(const security_spec& demands, const request& req) {
  auto out = refusal(401, "unauthorized", "Unauthorized", "the request " + lacking(demands), {});
  out.headers.push_back({"WWW-Authenticate", challenge_of(demands, req)});
  return out;
}

// -- as JSON ------------------------------------------------------------------------------

void write_security(const security_spec& s, events::json_text& j) {
  j.open_array();
  for (const auto& all : s) {
    j.open_array();
    for (const auto& c : all) {
      j.open_object().key("scheme").value(c.scheme).key("type").value(c.type);
      if (!c.in.empty())
        j.key("in").value(c.in).key("name").value(c.name);
      j.close_object();
    }
    j.close_array();
  }
  j.close_array();
}

security_spec decode_security(const json_value* v) {
  security_spec out;
  for (std::size_t i = 0; v != nullptr && i < v->items.size(); ++i) {
    auto& all = out.emplace_back();
    for (const auto& c : v->items[i].items)
      all.push_back({std::string{c.string_member("scheme")}, std::string{c.string_member("type")}, std::string{c.string_member("in")},
                     std::string{c.string_member("name")}});
  }
  return out;
}

outcome<good_credentials> read_credentials(std::string_view text) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  object_reader in{*v, ""};
  in.only({"schemes"});
  const auto* schemes = in.object("schemes", true);
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  if (schemes->items.size() > most_schemes)
    return failure(errc::too_large, "has more than 100 schemes", "/schemes");
  good_credentials out;
  for (std::size_t i = 0; i < schemes->items.size(); ++i) {
    const auto& list = schemes->items[i];
    const auto at = pointer_to("/schemes", schemes->names[i]);
    if (schemes->names[i].size() > most_bytes)
      return failure(errc::too_large, "is longer than 4096 bytes", told_pointer(at));
    if (!list.is_array() || list.items.size() > most_credentials)
      return failure(errc::invalid, "must be a list of at most 100 credentials", at);
    auto& digests = out[schemes->names[i]];
    for (std::size_t k = 0; k < list.items.size(); ++k) {
      const auto& one = list.items[k];
      if (!one.is_string() || one.text.empty() || one.text.size() > most_bytes)
        return failure(errc::invalid, "must be a text of 1 to 4096 bytes", at + '/' + std::to_string(k));
      digests.push_back(digest_of(one.text));
    }
    std::sort(digests.begin(), digests.end());
    digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
  }
  return out;
}

void write_credentials(const good_credentials& good, events::json_text& j) {
  j.open_object();
  for (const auto& [scheme, digests] : good) {
    j.key(scheme).open_array();
    for (const auto& d : digests)
      j.value(d);
    j.close_array();
  }
  j.close_object();
}

good_credentials decode_credentials(const json_value& v) {
  good_credentials out;
  for (std::size_t i = 0; i < v.items.size() && i < v.names.size(); ++i) {
    auto& digests = out[v.names[i]];
    for (const auto& d : v.items[i].items)
      digests.push_back(d.text);
  }
  return out;
}

} // namespace hourglass::mock
