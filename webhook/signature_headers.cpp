#include "webhook/signature_headers.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <array>

namespace hourglass::webhook {

namespace {

constexpr std::size_t hash_size = 32, signature_size = 64;

bool is_hex_hash(std::string_view text) {
  return text.size() == 2 * hash_size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_base64_of(std::string_view text, std::size_t size) {
  std::string raw;
  return events::from_base64(text, raw) && raw.size() == size;
}

template <class Each>
void split(std::string_view text, char at, Each each) {
  for (std::size_t pieces = 0; !text.empty() && pieces < most_signatures; ++pieces) {
    auto piece = text.substr(0, text.find(at));
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
    if (!piece.empty())
      each(piece);
  }
}

std::string_view trimmed(std::string_view text) {
  auto from = text.find_first_not_of(" \t");
  return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

class header_reader {
public:
  explicit header_reader(const question& q) : q_(q) {}

  tl::expected<signature_reading, unreadable_headers> read() {
    if (see_profile() && read_headers())
      return std::move(in_);
    return tl::unexpected{std::move(why_)};
  }

private:
  bool conclude(finding f, std::string detail) {
    why_ = {f, std::move(detail), in_.profile};
    return false;
  }

  bool see_profile() {
    constexpr std::array all{signature_profile::stripe, signature_profile::github, signature_profile::shopify, signature_profile::slack};
    in_.profile = q_.profile.value_or(signature_profile::standard);
    if (!q_.signing.empty() && (!q_.profile || in_.profile == signature_profile::custom)) {
      in_.profile = signature_profile::custom;
      return true;
    }
    if (in_.profile == signature_profile::custom)
      return conclude(finding::missing_header, "the profile custom wants the template by which it is signed");
    if (q_.profile || http::contains(q_.headers, "webhook-signature") || http::contains(q_.headers, "svix-signature"))
      return true;
    for (auto p : all)
      if (http::contains(q_.headers, signature_header(p))) {
        in_.profile = p;
        return true;
      }
    return conclude(finding::missing_header, "there is no signature: none of webhook-signature, svix-signature, Stripe-Signature, "
                                             "X-Hub-Signature-256, X-Shopify-Hmac-Sha256 and X-Slack-Signature is among the headers");
  }

  std::string_view need(std::string_view name) {
    auto value = trimmed(http::find(q_.headers, name));
    if (value.empty() && missing_.empty())
      missing_ = name;
    return value;
  }

  bool read_custom() {
    in_.custom = q_.signing.read(q_.headers);
    in_.timed = in_.custom.timed;
    in_.id = in_.custom.id;
    in_.timestamp = in_.custom.timestamp;
    if (!in_.custom.problem.empty())
      return conclude(http::contains(q_.headers, q_.signing.header()) ? finding::bad_signature_format : finding::missing_header, in_.custom.problem);
    for (const auto& one : in_.custom.signatures)
      in_.claims.push_back({{}, one, false});
    return !in_.claims.empty() || conclude(finding::bad_signature_format, q_.signing.header() + " has no signature");
  }

  bool read_headers() {
    if (in_.profile == signature_profile::custom)
      return read_custom();
    std::string_view signature;
    switch (in_.profile) {
      case signature_profile::standard: {
        std::string prefix = http::contains(q_.headers, "webhook-signature") || !http::contains(q_.headers, "svix-signature") ? "webhook-" : "svix-";
        in_.id = need(prefix + "id");
        in_.timestamp = need(prefix + "timestamp");
        in_.timed = true;
        signature = need(prefix + "signature");
        break;
      }
      case signature_profile::slack:
        in_.timestamp = need("X-Slack-Request-Timestamp");
        in_.timed = true;
        [[fallthrough]];
      case signature_profile::stripe:
      case signature_profile::github:
      case signature_profile::shopify:
        signature = need(signature_header(in_.profile));
        break;
      case signature_profile::custom:
        break;
    }
    if (!missing_.empty())
      return conclude(finding::missing_header, "the header " + missing_ + " is missing or empty");
    return read_signatures(signature);
  }

  bool read_signatures(std::string_view text) {
    switch (in_.profile) {
      case signature_profile::standard:
        split(text, ' ', [this](std::string_view one) { read_standard(one); });
        return !in_.claims.empty() || malformed(text, "`v1,` and base64 of 32 bytes, or `v1a,` and base64 of 64 bytes, separated by spaces");
      case signature_profile::stripe:
        split(text, ',', [this](std::string_view one) { read_stripe(trimmed(one)); });
        in_.timed = true;
        if (in_.timestamp.empty())
          return conclude(finding::bad_signature_format, "Stripe-Signature has no `t=` with the timestamp");
        return !in_.claims.empty() || malformed(text, "`t=` and Unix seconds, then `v1=` and 64 lower-case hex digits, separated by commas");
      case signature_profile::github:
        return read_prefixed(text, "sha256", "`sha256=` and 64 lower-case hex digits");
      case signature_profile::slack:
        return read_prefixed(text, "v0", "`v0=` and 64 lower-case hex digits");
      case signature_profile::shopify:
        if (!is_base64_of(text, hash_size))
          return malformed(text, "base64 of 32 bytes");
        in_.claims.push_back({{}, std::string{text}, false});
        return true;
      case signature_profile::custom:
        break;
    }
    return false;
  }

  void read_standard(std::string_view one) {
    auto comma = one.find(',');
    auto scheme = one.substr(0, comma);
    auto value = comma == std::string_view::npos ? std::string_view{} : one.substr(comma + 1);
    if ((scheme == "v1" && is_base64_of(value, hash_size)) || (scheme == "v1a" && is_base64_of(value, signature_size)))
      in_.claims.push_back({std::string{scheme}, std::string{value}, scheme == "v1a"});
  }

  void read_stripe(std::string_view one) {
    if (one.starts_with("t="))
      in_.timestamp = one.substr(2);
    else if (one.starts_with("v1=") && is_hex_hash(one.substr(3)))
      in_.claims.push_back({"v1", std::string{one.substr(3)}, false});
  }

  bool read_prefixed(std::string_view text, std::string_view scheme, std::string_view wanted) {
    if (!text.starts_with(scheme) || text.size() <= scheme.size() || text[scheme.size()] != '=' || !is_hex_hash(text.substr(scheme.size() + 1)))
      return malformed(text, wanted);
    in_.claims.push_back({std::string{scheme}, std::string{text.substr(scheme.size() + 1)}, false});
    return true;
  }

  bool malformed(std::string_view text, std::string_view wanted) {
    std::string detail = std::string{signature_header(in_.profile)} + " must be " + std::string{wanted};
    std::string_view bare = text.substr(text.find_first_of(",=") == std::string_view::npos ? 0 : text.find_first_of(",=") + 1);
    if (in_.profile == signature_profile::shopify && is_hex_hash(text))
      detail += "; this one is in hex";
    else if (is_hex_hash(text) || is_base64_of(text, hash_size))
      detail += "; this is a bare signature without its prefix";
    else if (in_.profile == signature_profile::standard && is_hex_hash(bare))
      detail += "; this one is in hex";
    else if (in_.profile != signature_profile::standard && is_base64_of(bare, hash_size))
      detail += "; this one is in base64";
    else if (text.starts_with("sha1="))
      detail += "; this is the older SHA-1 signature";
    return conclude(finding::bad_signature_format, detail);
  }

  const question& q_;
  signature_reading in_;
  unreadable_headers why_;
  std::string missing_;
};

} // namespace

tl::expected<signature_reading, unreadable_headers> read_signature_headers(const question& q) { return header_reader{q}.read(); }

} // namespace hourglass::webhook
