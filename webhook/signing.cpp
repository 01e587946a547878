#include "webhook/signing.hpp"

#include "events/json_text.hpp"

#include <algorithm>
#include <charconv>

#include <openssl/crypto.h>

namespace hourglass::webhook {

namespace {

using events::errc, events::failure;

constexpr std::string_view secret_prefix = "whsec_", private_prefix = "whsk_", public_prefix = "whpk_", text_prefix = "text:";
constexpr std::size_t raw_min = 24, raw_max = 75; // what Svix accepts
constexpr std::size_t coded_min = 32, coded_max = 100;
constexpr std::size_t seed_size = 32, pair_size = 64; // Svix: seed and public key, one after the other

template <std::size_t N>
std::string_view text_of(const std::array<std::uint8_t, N>& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

template <std::size_t N>
std::array<std::uint8_t, N> array_of(std::string_view bytes) noexcept {
  std::array<std::uint8_t, N> out{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), N), out.begin());
  return out;
}

bool is_base64_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

std::string content_of(std::string_view id, std::string_view timestamp, std::string_view body) {
  std::string out;
  out.reserve(id.size() + timestamp.size() + body.size() + 2);
  return out.append(id).append(1, '.').append(timestamp).append(1, '.').append(body);
}

events::outcome<std::string> decode(std::string_view text, std::size_t wanted, const char* says) {
  std::string raw;
  if (!events::from_base64(text, raw) || raw.size() != wanted)
    return failure(errc::invalid, says);
  return raw;
}

} // namespace

std::string_view to_string(key_kind k) noexcept {
  switch (k) {
    case key_kind::hmac:
      return "hmac256";
    case key_kind::ed25519:
      return "ed25519";
    case key_kind::text:
      return "text";
  }
  return "unknown";
}

// -- keys -------------------------------------------------------------------------------

signing_key signing_key::of(key_kind kind, std::string_view raw) {
  signing_key key;
  std::copy(raw.begin(), raw.end(), key.raw_.begin());
  key.size_ = static_cast<std::uint8_t>(raw.size());
  key.kind_ = kind;
  if (kind == key_kind::ed25519)
    key.asymmetric_ = ed25519_key::of(array_of<seed_size>(raw));
  return key;
}

events::outcome<signing_key> signing_key::parse(std::string_view text) {
  if (text.starts_with(public_prefix))
    return failure(errc::invalid, "is a public key, which cannot sign; give the private one, `whsk_…`");
  if (text.starts_with(private_prefix)) {
    auto raw = decode(text.substr(private_prefix.size()), pair_size, "must be `whsk_` followed by base64 of 64 bytes: seed, then public key");
    if (!raw)
      return tl::unexpected{raw.error()};
    auto key = of(key_kind::ed25519, *raw);
    if (text_of(key.asymmetric_->public_key()) != std::string_view{*raw}.substr(seed_size))
      return failure(errc::invalid, "is not a key pair: its second half is not the public key of its first");
    return key;
  }
  if (text.starts_with(secret_prefix))
    text.remove_prefix(secret_prefix.size());
  if (text.size() < coded_min || text.size() > coded_max)
    return failure(errc::invalid, "must be `whsec_` followed by 32 to 100 base64 characters");
  if (!std::all_of(text.begin(), text.end(), is_base64_digit))
    return failure(errc::invalid, "contains a character that is not base64 (a-z A-Z 0-9 + / =)");
  std::string raw;
  if (!events::from_base64(text, raw))
    return failure(errc::invalid, "is not base64 with padding");
  if (raw.size() < raw_min || raw.size() > raw_max)
    return failure(errc::invalid, "must decode to 24 to 75 bytes, not " + std::to_string(raw.size()));
  return of(key_kind::hmac, raw);
}

events::outcome<signing_key> signing_key::parse_text(std::string_view text) {
  if (text.size() < text_min || text.size() > text_max)
    return failure(errc::invalid, "must have 8 to 128 characters");
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; }))
    return failure(errc::invalid, "must be printable ASCII");
  return of(key_kind::text, text);
}

signing_key signing_key::generate(const events::entropy& chance, key_kind kind) {
  auto drawn = [&chance](std::string_view label) {
    return events::sha256({label, {reinterpret_cast<const char*>(chance.data()), chance.size()}});
  };
  if (kind == key_kind::hmac)
    return of(kind, events::as_text(drawn("hourglass webhook secret")).substr(0, raw_min));
  if (kind == key_kind::text)
    return of(kind, events::to_hex(events::as_text(drawn("hourglass webhook secret, text")).substr(0, 16)));
  auto seed = drawn("hourglass webhook secret, ed25519");
  return of(kind, std::string{events::as_text(seed)}.append(text_of(ed25519_key::of(seed).public_key())));
}

std::string signing_key::to_string() const {
  switch (kind_) {
    case key_kind::hmac:
      return std::string{secret_prefix} + events::to_base64(bytes());
    case key_kind::ed25519:
      return std::string{private_prefix} + events::to_base64(bytes());
    case key_kind::text:
      break;
  }
  return std::string{bytes()};
}

std::string signing_key::for_receiver() const {
  return kind_ == key_kind::ed25519 ? std::string{public_prefix} + events::to_base64(bytes().substr(seed_size)) : to_string();
}

std::string signing_key::to_storage() const { return kind_ == key_kind::text ? std::string{text_prefix} + to_string() : to_string(); }

events::outcome<signing_key> signing_key::from_storage(std::string_view text) {
  return text.starts_with(text_prefix) ? parse_text(text.substr(text_prefix.size())) : parse(text);
}

events::outcome<verifying_key> verifying_key::parse(std::string_view text) {
  if (text.starts_with(public_prefix)) {
    auto raw = decode(text.substr(public_prefix.size()), seed_size, "must be `whpk_` followed by base64 of 32 bytes");
    if (!raw)
      return tl::unexpected{raw.error()};
    return verifying_key{array_of<seed_size>(*raw)};
  }
  auto key = signing_key::parse(text);
  if (!key)
    return tl::unexpected{key.error()};
  return verifying_key{*key};
}

verifying_key::verifying_key(const signing_key& key) {
  if (key.kind() == key_kind::ed25519)
    public_ = key.asymmetric().public_key();
  else
    symmetric_ = key;
}

// -- signing ------------------------------------------------------------------------------

// HMAC by its definition, over the digest of events/: OpenSSL 3's one-shot HMAC() looks its provider up anew on every call, which costs
// more than hashing a small body; and the message is never put together.
events::hash mac(std::string_view key, std::initializer_list<std::string_view> parts) {
  constexpr std::size_t most = 8;
  std::array<char, 64> pad{};
  if (key.size() > pad.size()) {
    auto folded = events::sha256({key});
    std::copy(folded.begin(), folded.end(), pad.begin());
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  auto turn = [&pad](unsigned with) {
    for (auto& b : pad)
      b = static_cast<char>(static_cast<unsigned char>(b) ^ with);
  };
  std::string_view padded{pad.data(), pad.size()};
  std::array<std::string_view, most> p{};
  std::copy_n(parts.begin(), std::min(parts.size(), most), p.begin());
  turn(0x36);
  auto inner = events::sha256({padded, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]});
  turn(0x36 ^ 0x5c);
  auto outer = events::sha256({padded, events::as_text(inner)});
  OPENSSL_cleanse(pad.data(), pad.size());
  return outer;
}

std::string sign(std::span<const signing_key> keys, std::string_view id, std::int64_t timestamp, std::string_view body) {
  std::array<char, 24> digits{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), timestamp).ptr;
  std::string_view stamp{digits.data(), static_cast<std::size_t>(end - digits.data())};
  std::string out, content;
  out.reserve(keys.size() * 48);
  for (const auto& key : keys) {
    if (key.empty() || key.kind() == key_kind::text)
      continue;
    if (!out.empty())
      out += ' ';
    if (key.kind() == key_kind::hmac) {
      out += "v1,";
      out += events::to_base64(events::as_text(mac(key.bytes(), {id, ".", stamp, ".", body})));
      continue;
    }
    if (content.empty())
      content = content_of(id, stamp, body);
    out += "v1a,";
    out += events::to_base64(text_of(key.asymmetric().sign(content)));
  }
  return out;
}

// -- verifying ----------------------------------------------------------------------------

std::string_view to_string(verdict v) noexcept {
  switch (v) {
    case verdict::ok:
      return "ok";
    case verdict::missing_header:
      return "missing_header";
    case verdict::bad_timestamp:
      return "bad_timestamp";
    case verdict::too_old:
      return "too_old";
    case verdict::too_new:
      return "too_new";
    case verdict::no_match:
      return "no_match";
  }
  return "unknown";
}

verdict check_timestamp(std::string_view timestamp, std::int64_t now, std::int64_t tolerance_seconds) noexcept {
  std::int64_t at = 0;
  auto [end, problem] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), at);
  // A signed time before 1970 or beyond the year 9999 is no time, and keeps the subtraction below from overflowing.
  if (problem != std::errc{} || end != timestamp.data() + timestamp.size() || at < 0 || at > 253'402'300'799)
    return verdict::bad_timestamp;
  if (at < now - tolerance_seconds)
    return verdict::too_old;
  return at > now + tolerance_seconds ? verdict::too_new : verdict::ok;
}

bool holds(const verifying_key& key, std::string_view entry, std::string_view id, std::string_view timestamp, std::string_view body) {
  auto comma = entry.find(',');
  auto scheme = entry.substr(0, comma);
  if (comma == std::string_view::npos || scheme != (key.asymmetric() ? "v1a" : "v1"))
    return false;
  auto coded = entry.substr(comma + 1);
  if (const auto& public_key = key.asymmetric()) {
    std::string raw;
    return events::from_base64(coded, raw) && raw.size() == pair_size &&
           ed25519_verify(*public_key, content_of(id, timestamp, body), array_of<pair_size>(raw));
  }
  auto expected = events::to_base64(events::as_text(mac(key.symmetric().bytes(), {id, ".", timestamp, ".", body})));
  return coded.size() == expected.size() && CRYPTO_memcmp(coded.data(), expected.data(), coded.size()) == 0;
}

verdict verify(const verifying_key& key, std::string_view id, std::string_view timestamp, std::string_view signatures,
               std::string_view body, std::int64_t now, std::int64_t tolerance_seconds) {
  if (id.empty() || timestamp.empty() || signatures.empty())
    return verdict::missing_header;
  if (auto in_time = check_timestamp(timestamp, now, tolerance_seconds); in_time != verdict::ok)
    return in_time;
  // Each entry costs a hash of the body: a header of thousands must not. Eleven secrets may be live, of each kind.
  for (std::size_t tried = 0; !signatures.empty() && tried < most_signatures; ++tried) {
    auto one = signatures.substr(0, signatures.find(' '));
    signatures.remove_prefix(std::min(one.size() + 1, signatures.size()));
    if (holds(key, one, id, timestamp, body))
      return verdict::ok;
  }
  return verdict::no_match;
}

} // namespace hourglass::webhook
