#include "webhook/diagnosis.hpp"

#include "webhook/body_guesses.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <openssl/crypto.h>

namespace hourglass::webhook {

namespace {

constexpr std::size_t bytes_hashed_most = std::size_t{64} * 1024 * 1024;
constexpr std::size_t hash_size = 32, signature_size = 64;

/// One signature of the header that may be one.
struct claim {
  std::string scheme; ///< `v1`, `v1a`, `sha256`, `v0`; empty for Shopify
  std::string value;  ///< as it stands, without the scheme
  bool asymmetric = false;
};

/// What the headers say.
struct reading {
  std::string id, timestamp;
  bool timed = false; ///< the profile has a timestamp
  std::vector<claim> claims;
};

bool is_hex_hash(std::string_view text) {
  return text.size() == 2 * hash_size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_base64_of(std::string_view text, std::size_t size) {
  std::string raw;
  return events::from_base64(text, raw) && raw.size() == size;
}

bool equal(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

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

class detective {
public:
  explicit detective(const question& q) : q_(q) {}

  diagnosis answer() {
    if (see_profile() && read_headers() && judge_time())
      name_the_signer();
    return std::move(out_);
  }

private:
  bool conclude(finding f, std::string detail) {
    out_.found = f;
    out_.detail = std::move(detail);
    return false;
  }

  // -- the headers -----------------------------------------------------------------------

  bool see_profile() {
    constexpr std::array all{signature_profile::stripe, signature_profile::github, signature_profile::shopify, signature_profile::slack};
    out_.profile = q_.profile.value_or(signature_profile::standard);
    if (q_.profile || http::contains(q_.headers, "webhook-signature") || http::contains(q_.headers, "svix-signature"))
      return true;
    for (auto p : all)
      if (http::contains(q_.headers, signature_header(p))) {
        out_.profile = p;
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

  bool read_headers() {
    std::string_view signature;
    switch (out_.profile) {
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
        signature = need(signature_header(out_.profile));
        break;
    }
    if (!missing_.empty())
      return conclude(finding::missing_header, "the header " + missing_ + " is missing or empty");
    return read_signatures(signature);
  }

  bool read_signatures(std::string_view text) {
    switch (out_.profile) {
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
    std::string detail = std::string{signature_header(out_.profile)} + " must be " + std::string{wanted};
    std::string_view bare = text.substr(text.find_first_of(",=") == std::string_view::npos ? 0 : text.find_first_of(",=") + 1);
    if (out_.profile == signature_profile::shopify && is_hex_hash(text))
      detail += "; this one is in hex";
    else if (is_hex_hash(text) || is_base64_of(text, hash_size))
      detail += "; this is a bare signature without its prefix";
    else if (out_.profile == signature_profile::standard && is_hex_hash(bare))
      detail += "; this one is in hex";
    else if (out_.profile != signature_profile::standard && is_base64_of(bare, hash_size))
      detail += "; this one is in base64";
    else if (text.starts_with("sha1="))
      detail += "; this is the older SHA-1 signature";
    return conclude(finding::bad_signature_format, detail);
  }

  // -- the time ----------------------------------------------------------------------------

  bool judge_time() {
    if (!in_.timed)
      return true;
    time_ = check_timestamp(in_.timestamp, q_.now, q_.tolerance_seconds);
    if (time_ == verdict::bad_timestamp)
      return conclude(finding::bad_timestamp, "the timestamp is not a number of Unix seconds");
    std::int64_t at = 0;
    std::from_chars(in_.timestamp.data(), in_.timestamp.data() + in_.timestamp.size(), at);
    out_.timestamp = at;
    return true;
  }

  std::string says_time() const {
    auto off = *out_.timestamp - q_.now;
    auto seconds = std::to_string(off < 0 ? -off : off);
    return "the timestamp is " + seconds + " s in the " + (off < 0 ? "past" : "future") + "; " + std::to_string(q_.tolerance_seconds) + " s are allowed";
  }

  bool good(const suspect& who, const claim& by) {
    out_.scheme = by.scheme;
    out_.destination = who.destination;
    if (time_ == verdict::too_old || time_ == verdict::too_new) {
      conclude(time_ == verdict::too_old ? finding::too_old : finding::too_new, "the signature holds, but " + says_time());
      return true;
    }
    conclude(finding::valid, "the signature holds");
    return true;
  }

  // -- who signed ----------------------------------------------------------------------------

  /// The claim that `secret` made over `body`, if it did.
  const claim* made_by(std::string_view secret, std::string_view body) {
    if (hashed_ > bytes_hashed_most) {
      tired_ = true;
      return nullptr;
    }
    hashed_ += body.size() + 256;
    if (out_.profile != signature_profile::standard)
      return claimed(imitated_signature(out_.profile, secret, in_.timestamp, body));
    auto key = verifying_key::parse(secret);
    if (!key)
      return nullptr;
    for (const auto& c : in_.claims)
      if (c.asymmetric == key->asymmetric().has_value() && holds(*key, c.scheme + "," + c.value, in_.id, in_.timestamp, body))
        return &c;
    return nullptr;
  }

  const claim* claimed(std::string_view expected) const {
    auto found = std::find_if(in_.claims.begin(), in_.claims.end(), [expected](const claim& c) { return !c.asymmetric && equal(c.value, expected); });
    return found == in_.claims.end() ? nullptr : &*found;
  }

  /// The same with the raw key: how a secret is misread.
  const claim* made_with(std::string_view key, std::string_view body) {
    hashed_ += body.size();
    if (out_.profile == signature_profile::standard)
      return claimed(events::to_base64(events::as_text(mac(key, {in_.id, ".", in_.timestamp, ".", body}))));
    return claimed(imitated_signature(out_.profile, key, in_.timestamp, body));
  }

  bool name_the_signer() {
    for (const auto& s : q_.suspects)
      if (s.own && !s.expired)
        if (const auto* c = made_by(s.secret, q_.body))
          return good(s, *c);
    if (!own_secrets_are_some())
      return false;
    for (const auto& s : q_.suspects)
      if (const auto* c = s.own && !s.expired ? nullptr : made_by(s.secret, q_.body))
        return blame(s, *c);
    if (misread() || changed())
      return note_time();
    return give_up();
  }

  bool own_secrets_are_some() {
    if (q_.suspects.empty())
      return conclude(finding::bad_secret, "there is no secret to verify with");
    bool any = out_.profile != signature_profile::standard;
    events::error why;
    for (const auto& s : q_.suspects) {
      auto key = verifying_key::parse(s.secret);
      any = any || key.has_value();
      if (!key && s.own)
        why = key.error();
    }
    return any || conclude(finding::bad_secret, "the secret " + why.detail);
  }

  bool blame(const suspect& who, const claim& by) {
    out_.scheme = by.scheme;
    out_.destination = who.destination;
    conclude(who.own ? finding::expired_secret : finding::other_endpoint,
             who.own ? "it is signed with a secret of this endpoint whose overlap has ended: the receiver has an old one, or the message is a replay"
                     : "it is signed with the secret of another endpoint, " + who.destination);
    return note_time();
  }

  bool misread() {
    for (const auto& s : q_.suspects) {
      if (!s.own)
        continue;
      auto coded = std::string_view{s.secret};
      coded.remove_prefix(coded.starts_with("whsec_") ? 6 : 0);
      std::string raw;
      bool imitated = out_.profile != signature_profile::standard;
      if (imitated && events::from_base64(coded, raw) && made_with(raw, q_.body) != nullptr)
        return found(s, "it is signed with the bytes that the secret is base64 of; in this profile the text itself is the key");
      if (imitated && coded.size() != s.secret.size() && made_with(coded, q_.body) != nullptr)
        return found(s, "it is signed with the secret without its `whsec_`; in this profile the whole text is the key");
      if (!imitated && (made_with(s.secret, q_.body) != nullptr || made_with(coded, q_.body) != nullptr))
        return found(s, "it is signed with the secret's text; the key is the bytes that the part after `whsec_` is base64 of");
    }
    return false;
  }

  bool found(const suspect& who, std::string detail) {
    out_.destination = who.destination;
    conclude(finding::secret_not_decoded, std::move(detail));
    return true;
  }

  bool changed() {
    for (const auto& guess : guess_bodies(q_.body))
      for (const auto& s : q_.suspects) {
        const auto* c = s.own ? made_by(s.secret, guess.body) : nullptr;
        if (c == nullptr)
          continue;
        out_.scheme = c->scheme;
        out_.destination = s.destination;
        out_.body_change = guess.change;
        conclude(finding::body_changed, "the body is not what was signed: " + out_.body_change + ". Verify the bytes as they come, before anything parses them");
        return true;
      }
    return false;
  }

  bool give_up() {
    if (out_.profile == signature_profile::standard) {
      bool claims_public = false, claims_shared = false, keys_public = false, keys_shared = false;
      for (const auto& c : in_.claims)
        (c.asymmetric ? claims_public : claims_shared) = true;
      for (const auto& s : q_.suspects)
        if (auto key = verifying_key::parse(s.secret); key && s.own)
          (key->asymmetric() ? keys_public : keys_shared) = true;
      if (!(claims_public && keys_public) && !(claims_shared && keys_shared)) {
        conclude(finding::wrong_secret_type, claims_public ? "it is signed as v1a (Ed25519), which takes a public key `whpk_…`"
                                                           : "it is signed as v1 (HMAC), which takes a secret `whsec_…`");
        return note_time();
      }
    }
    conclude(finding::no_match, "no secret that was tried signed this: either the secret is another, or the id, the timestamp or the body was changed "
                                "in a way that is not one of the usual");
    return note_time();
  }

  bool note_time() {
    if (time_ == verdict::too_old || time_ == verdict::too_new)
      out_.also.push_back(says_time());
    if (tired_)
      out_.also.emplace_back("not every secret was tried, because the body is large");
    return true;
  }

  const question& q_;
  diagnosis out_;
  reading in_;
  std::string missing_;
  verdict time_ = verdict::ok;
  std::size_t hashed_ = 0;
  bool tired_ = false;
};

} // namespace

std::string_view to_string(finding f) noexcept {
  switch (f) {
    case finding::valid:
      return "valid";
    case finding::missing_header:
      return "missing_header";
    case finding::bad_timestamp:
      return "bad_timestamp";
    case finding::too_old:
      return "too_old";
    case finding::too_new:
      return "too_new";
    case finding::bad_signature_format:
      return "bad_signature_format";
    case finding::bad_secret:
      return "bad_secret";
    case finding::secret_not_decoded:
      return "secret_not_decoded";
    case finding::wrong_secret_type:
      return "wrong_secret_type";
    case finding::expired_secret:
      return "expired_secret";
    case finding::other_endpoint:
      return "other_endpoint";
    case finding::body_changed:
      return "body_changed";
    case finding::no_match:
      return "no_match";
  }
  return "unknown";
}

diagnosis diagnose(const question& q) { return detective{q}.answer(); }

std::string to_json(const diagnosis& d) {
  std::string out;
  events::json_text j{out};
  auto text_or_null = [&j](std::string_view name, std::string_view text) {
    j.key(name);
    text.empty() ? j.null() : j.value(text);
  };
  j.open_object().key("valid").value(d.found == finding::valid).key("reason").value(to_string(d.found)).key("detail").value(d.detail);
  j.key("profile").value(to_string(d.profile));
  text_or_null("scheme", d.scheme);
  text_or_null("body_change", d.body_change);
  text_or_null("endpoint", d.destination);
  j.key("timestamp");
  d.timestamp ? j.value(*d.timestamp) : j.null();
  j.key("also").open_array();
  for (const auto& one : d.also)
    j.value(std::string_view{one});
  j.close_array().close_object();
  return out;
}

} // namespace hourglass::webhook
