#include "webhook/signature_template.hpp"

#include "events/json_text.hpp"
#include "webhook/destination.hpp"
#include "webhook/object_of_policy.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace hourglass::webhook {

using events::errc, events::failure;
using nlohmann::json;

namespace {

constexpr std::size_t text_bytes = 512;
constexpr std::size_t headers_most = 5;
constexpr std::size_t separator_bytes = 8;
constexpr std::uint32_t tolerance_most = 86'400;

enum class slot : std::uint8_t { literal, id, timestamp, timestamp_ms, type, body, signature, signatures };

constexpr std::array slots{std::pair{slot::id, std::string_view{"id"}},     std::pair{slot::timestamp, std::string_view{"timestamp"}},
                           std::pair{slot::timestamp_ms, std::string_view{"timestamp_ms"}}, std::pair{slot::type, std::string_view{"type"}},
                           std::pair{slot::body, std::string_view{"body"}}, std::pair{slot::signature, std::string_view{"signature"}},
                           std::pair{slot::signatures, std::string_view{"signatures"}}};

struct piece {
  slot what = slot::literal;
  std::string text; ///< of a literal
};
using pieces = std::vector<piece>;

constexpr std::array algorithms{"sha1", "sha256", "sha384", "sha512"};
constexpr std::array encodings{"hex", "base64", "base64url"};

const EVP_MD* digest_of(std::string_view algorithm) {
  return algorithm == "sha1" ? EVP_sha1() : algorithm == "sha384" ? EVP_sha384() : algorithm == "sha512" ? EVP_sha512() : EVP_sha256();
}

std::size_t count(const pieces& all, slot what) {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [what](const piece& p) { return p.what == what; }));
}

/// A sentence when it is none.
std::string parse(std::string_view text, std::initializer_list<slot> allowed, pieces& into) {
  while (!text.empty()) {
    const auto open = text.find("{{");
    if (open != 0)
      into.push_back({slot::literal, std::string{text.substr(0, open)}});
    if (open == std::string_view::npos)
      return {};
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos)
      return "has a `{{` that nothing closes";
    const auto name = text.substr(open + 2, close - open - 2);
    const auto known = std::find_if(slots.begin(), slots.end(), [name](const auto& one) { return one.second == name; });
    if (known == slots.end() || std::find(allowed.begin(), allowed.end(), known->first) == allowed.end()) {
      std::string names;
      for (auto one : allowed)
        for (const auto& [what, called] : slots)
          if (what == one)
            names += (names.empty() ? "{{" : ", {{") + std::string{called} + "}}";
      return "has a {{" + std::string{name.substr(0, 64)} + "}}; there may be " + names;
    }
    into.push_back({known->first, {}});
    text.remove_prefix(close + 2);
  }
  return {};
}

/// Where two of them touch, nobody could tell where one ends.
bool touches(const pieces& all) {
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i].what != slot::literal && all[i - 1].what != slot::literal)
      return true;
  return false;
}

/// Takes a header's value apart as the template put it together.
template <class Give>
bool take_apart(const pieces& by, std::string_view value, Give give) {
  for (std::size_t i = 0; i < by.size(); ++i) {
    if (by[i].what == slot::literal) {
      if (!value.starts_with(by[i].text))
        return false;
      value.remove_prefix(by[i].text.size());
      continue;
    }
    const bool last = i + 2 >= by.size(); // what follows is one literal, or nothing
    const std::string_view end = i + 1 < by.size() ? std::string_view{by[i + 1].text} : std::string_view{};
    if (last && !value.ends_with(end))
      return false;
    const auto length = last ? value.size() - end.size() : value.find(end);
    if (length == std::string_view::npos)
      return false;
    give(by[i].what, value.substr(0, length));
    value.remove_prefix(length);
  }
  return value.empty();
}

std::string to_base64url(std::string_view bytes) {
  auto out = events::to_base64(bytes);
  for (char& c : out)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  out.resize(std::min(out.size(), out.find('=')));
  return out;
}

template <std::size_t N>
std::string choice(object_of_policy& o, const char* name, const std::array<const char*, N>& list, const char* otherwise) {
  auto given = o.text(name, 32).value_or(otherwise);
  if (std::find(list.begin(), list.end(), given) != list.end())
    return given;
  std::string all;
  for (const auto* one : list)
    all += (all.empty() ? "`" : ", `") + std::string{one} + "`";
  o.fail("must be one of " + all, name);
  return otherwise;
}

} // namespace

struct signature_template::content {
  std::string text, header, algorithm, encoding, separator;
  pieces signed_, value;
  std::vector<std::pair<std::string, pieces>> more;
  std::int64_t tolerance = 300;

  std::string fill(const pieces& all, const reading& of, std::string_view body, std::string_view signature) const {
    std::string out;
    for (const auto& p : all)
      switch (p.what) {
        case slot::literal:
          out += p.text;
          break;
        case slot::id:
          out += of.id;
          break;
        case slot::timestamp:
          out += of.timestamp;
          break;
        case slot::timestamp_ms:
          out.append(of.timestamp).append("000");
          break;
        case slot::type:
          out += of.type;
          break;
        case slot::body:
          out += body;
          break;
        case slot::signature:
        case slot::signatures:
          out += signature;
          break;
      }
    return out;
  }

  std::string sign(std::string_view key, const reading& of, std::string_view body) const {
    const auto what = fill(signed_, of, body, {});
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    HMAC(digest_of(algorithm), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(what.data()), what.size(), mac.data(), &size);
    const std::string_view bytes{reinterpret_cast<const char*>(mac.data()), size};
    return encoding == "hex" ? events::to_hex(bytes) : encoding == "base64" ? events::to_base64(bytes) : to_base64url(bytes);
  }

  bool tells(slot what) const {
    return count(value, what) != 0 || std::any_of(more.begin(), more.end(), [what](const auto& h) { return count(h.second, what) != 0; });
  }
};

events::outcome<signature_template> signature_template::compile(const json& from, const std::string& at) {
  object_of_policy o{from, at, {"header", "signed", "value", "algorithm", "encoding", "separator", "headers", "toleranceSeconds"}};
  content c;
  auto text = [&o](const char* name, const char* otherwise) { return o.text(name, text_bytes).value_or(otherwise); };
  auto wrong = [&o](std::string why, std::string where) { o.fail(errc::invalid, std::move(why), std::move(where)); };
  auto parsed = [&](const std::string& given, std::initializer_list<slot> allowed, const std::string& where) {
    pieces out;
    if (auto why = parse(given, allowed, out); !why.empty())
      wrong(std::move(why), where);
    return out;
  };
  auto check_header = [&](const std::string& name, const std::string& value, const std::string& where) {
    if (auto ok = validate_header(name, value); !ok)
      wrong(ok.error().detail, where);
  };
  c.header = text("header", "");
  if (!o.problem() && c.header.empty())
    o.fail("is required", "header");
  check_header(c.header, "x", o.at("header"));
  const auto signs = text("signed", "{{timestamp}}.{{body}}"), shows = text("value", "t={{timestamp}},v1={{signature}}");
  c.signed_ = parsed(signs, {slot::id, slot::timestamp, slot::timestamp_ms, slot::type, slot::body}, o.at("signed"));
  c.value = parsed(shows, {slot::id, slot::timestamp, slot::timestamp_ms, slot::type, slot::signature, slot::signatures}, o.at("value"));
  if (!o.problem() && count(c.signed_, slot::body) != 1)
    o.fail("must have {{body}} once: else it says nothing of the body", "signed");
  if (!o.problem() && count(c.value, slot::signature) + count(c.value, slot::signatures) != 1)
    o.fail("must have {{signature}} or {{signatures}} once", "value");
  if (!o.problem() && touches(c.value))
    o.fail("must have something between two placeholders, or nobody can tell them apart", "value");
  check_header(c.header, shows, o.at("value"));
  c.algorithm = choice(o, "algorithm", algorithms, "sha256");
  c.encoding = choice(o, "encoding", encodings, "hex");
  c.separator = o.text("separator", separator_bytes).value_or(",");
  if (!o.problem() && (c.separator.empty() || std::any_of(c.separator.begin(), c.separator.end(), [](char s) { return s < 0x20 || s >= 0x7f || std::isalnum(static_cast<unsigned char>(s)) != 0; })))
    o.fail("must be 1 to 8 printable characters that are no letters and no digits", "separator");
  c.tolerance = o.natural("toleranceSeconds", 1, tolerance_most).value_or(300);
  json more = json::object();
  const auto* headers = o.given("headers");
  if (headers != nullptr && (!headers->is_object() || headers->size() > headers_most))
    o.fail("must be an object of at most 5 headers", "headers");
  for (auto one = headers == nullptr || o.problem() ? json::const_iterator{} : headers->begin(); headers != nullptr && !o.problem() && one != headers->end(); ++one) {
    const auto where = o.at("headers") + events::pointer_step(one.key());
    const auto given = one->is_string() ? one->get<std::string>() : std::string{};
    if (!one->is_string() || given.size() > text_bytes)
      wrong("must be a string of at most 512 bytes", where);
    if (same_header(one.key(), c.header))
      wrong("is the header of the signature", where);
    check_header(one.key(), given, where);
    auto filled = parsed(given, {slot::id, slot::timestamp, slot::timestamp_ms, slot::type}, where);
    if (touches(filled))
      wrong("must have something between two placeholders, or nobody can tell them apart", where);
    c.more.emplace_back(one.key(), std::move(filled));
    more[one.key()] = given;
  }
  const bool tells_time = c.tells(slot::timestamp) || c.tells(slot::timestamp_ms);
  if (!tells_time && count(c.signed_, slot::timestamp) + count(c.signed_, slot::timestamp_ms) != 0)
    o.fail("has a timestamp, which no header tells: a receiver could not verify it", "signed");
  if (!c.tells(slot::type) && count(c.signed_, slot::type) != 0)
    o.fail("has {{type}}, which no header tells: a receiver could not verify it", "signed");
  if (o.problem())
    return tl::unexpected{*o.problem()};
  json out{{"header", c.header},       {"signed", signs},           {"value", shows},
           {"algorithm", c.algorithm}, {"encoding", c.encoding}, {"separator", c.separator}, {"toleranceSeconds", c.tolerance}};
  if (!more.empty())
    out["headers"] = std::move(more);
  c.text = out.dump();
  signature_template made;
  made.content_ = std::make_shared<const content>(std::move(c));
  return made;
}

const std::string& signature_template::text() const noexcept {
  static const std::string none;
  return content_ ? content_->text : none;
}

const std::string& signature_template::header() const noexcept {
  static const std::string none;
  return content_ ? content_->header : none;
}

std::int64_t signature_template::tolerance_seconds() const noexcept { return content_ ? content_->tolerance : 300; }

bool signature_template::sets(std::string_view name) const noexcept {
  if (!content_)
    return false;
  return same_header(content_->header, name) ||
         std::any_of(content_->more.begin(), content_->more.end(), [name](const auto& h) { return same_header(h.first, name); });
}

http::fields signature_template::headers(std::span<const signing_key> keys, std::string_view id, std::string_view event_type, std::int64_t timestamp,
                                         std::string_view body) const {
  http::fields out{{"webhook-id", std::string{id}}};
  if (!content_ || keys.empty())
    return out;
  const auto& c = *content_;
  const reading of{std::string{id}, std::string{event_type}, std::to_string(timestamp), false, {}, {}};
  std::string signatures;
  for (const auto& key : count(c.value, slot::signatures) != 0 ? keys : keys.first(1))
    signatures += (signatures.empty() ? "" : c.separator) + c.sign(key.to_string(), of, body);
  for (const auto& [name, filled] : c.more)
    out.push_back({name, c.fill(filled, of, {}, {})});
  out.push_back({c.header, c.fill(c.value, of, {}, signatures)});
  return out;
}

signature_template::reading signature_template::read(const http::fields& headers) const {
  reading out;
  if (!content_) {
    out.problem = "there is no template";
    return out;
  }
  const auto& c = *content_;
  out.timed = count(c.signed_, slot::timestamp) + count(c.signed_, slot::timestamp_ms) != 0;
  out.id = http::find(headers, "webhook-id");
  auto give = [&](slot what, std::string_view text) {
    if (what == slot::id)
      out.id = text;
    else if (what == slot::type)
      out.type = text;
    else if (what == slot::timestamp)
      out.timestamp = text;
    else if (what == slot::timestamp_ms && out.timestamp.empty())
      out.timestamp = text.substr(0, text.size() - std::min<std::size_t>(text.size(), 3));
    else if (what == slot::signature)
      out.signatures.emplace_back(text);
    else if (what == slot::signatures)
      for (auto rest = text; !rest.empty() && out.signatures.size() < most_signatures;) {
        const auto one = rest.substr(0, rest.find(c.separator));
        out.signatures.emplace_back(one);
        rest.remove_prefix(std::min(rest.size(), one.size() + c.separator.size()));
      }
  };
  auto take = [&](const std::string& name, const pieces& by) {
    if (out.problem.empty() && !http::contains(headers, name))
      out.problem = "the header " + name + " is missing or empty";
    else if (out.problem.empty() && !take_apart(by, http::find(headers, name), give))
      out.problem = name + " is not as the template makes it";
  };
  take(c.header, c.value);
  for (const auto& [name, filled] : c.more)
    take(name, filled);
  return out;
}

std::string signature_template::sign(std::string_view key, const reading& of, std::string_view body) const {
  return content_ ? content_->sign(key, of, body) : std::string{};
}

} // namespace hourglass::webhook
