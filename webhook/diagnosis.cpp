#include "webhook/diagnosis.hpp"

#include "webhook/body_guesses.hpp"
#include "webhook/signature_headers.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <charconv>

#include <openssl/crypto.h>

namespace hourglass::webhook {

namespace {

constexpr std::size_t bytes_hashed_most = std::size_t{64} * 1024 * 1024;

bool equal(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

class detective {
public:
  explicit detective(const question& q) : q_(q) {}

  diagnosis answer() {
    if (read_headers() && judge_time())
      name_the_signer();
    return std::move(out_);
  }

private:
  bool conclude(finding f, std::string detail) {
    out_.found = f;
    out_.detail = std::move(detail);
    return false;
  }

  bool read_headers() {
    auto read = read_signature_headers(q_);
    out_.profile = read ? read->profile : read.error().profile;
    if (!read)
      return conclude(read.error().found, std::move(read.error().detail));
    in_ = std::move(*read);
    return true;
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

  bool good(const suspect& who, const signature_claim& by) {
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

  std::string imitated(std::string_view key, std::string_view body) const {
    return out_.profile == signature_profile::custom ? q_.signing.sign(key, in_.custom, body) : imitated_signature(out_.profile, key, in_.timestamp, body);
  }

  /// The claim that `secret` made over `body`, if it did.
  const signature_claim* made_by(std::string_view secret, std::string_view body) {
    if (hashed_ > bytes_hashed_most) {
      tired_ = true;
      return nullptr;
    }
    hashed_ += body.size() + 256;
    if (out_.profile != signature_profile::standard)
      return claimed(imitated(secret, body));
    auto key = verifying_key::parse(secret);
    if (!key)
      return nullptr;
    for (const auto& c : in_.claims)
      if (c.asymmetric == key->asymmetric().has_value() && holds(*key, c.scheme + "," + c.value, in_.id, in_.timestamp, body))
        return &c;
    return nullptr;
  }

  const signature_claim* claimed(std::string_view expected) const {
    auto found = std::find_if(in_.claims.begin(), in_.claims.end(), [expected](const signature_claim& c) { return !c.asymmetric && equal(c.value, expected); });
    return found == in_.claims.end() ? nullptr : &*found;
  }

  /// The same with the raw key: how a secret is misread.
  const signature_claim* made_with(std::string_view key, std::string_view body) {
    hashed_ += body.size();
    if (out_.profile == signature_profile::standard)
      return claimed(events::to_base64(events::as_text(mac(key, {in_.id, ".", in_.timestamp, ".", body}))));
    return claimed(imitated(key, body));
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

  bool blame(const suspect& who, const signature_claim& by) {
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
  signature_reading in_;
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
