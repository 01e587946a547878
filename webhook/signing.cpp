#include "webhook/signing.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <charconv>

#include <openssl/crypto.h>

namespace hourglass::webhook {

namespace {

constexpr std::string_view secret_prefix = "whsec_";
constexpr std::size_t raw_min = 24, raw_max = 75; // what Svix accepts
constexpr std::size_t text_min = 32, text_max = 100;

// HMAC by its definition, over the digest of events/: OpenSSL 3's one-shot HMAC() looks its provider up anew on every call, which costs
// more than hashing a small body; and the message is never put together.
events::hash signature_of(const signing_key& key, std::string_view id, std::string_view timestamp, std::string_view body) {
  std::array<char, 64> pad{};
  auto bytes = key.bytes();
  if (bytes.size() > pad.size()) {
    auto folded = events::sha256({bytes});
    std::copy(folded.begin(), folded.end(), pad.begin());
  } else {
    std::copy(bytes.begin(), bytes.end(), pad.begin());
  }
  auto turn = [&pad](unsigned with) {
    for (auto& b : pad)
      b = static_cast<char>(static_cast<unsigned char>(b) ^ with);
  };
  std::string_view padded{pad.data(), pad.size()};
  turn(0x36);
  auto inner = events::sha256({padded, id, ".", timestamp, ".", body});
  turn(0x36 ^ 0x5c);
  auto outer = events::sha256({padded, events::as_text(inner)});
  OPENSSL_cleanse(pad.data(), pad.size());
  return outer;
}

std::string to_base64(const events::hash& m) { return events::to_base64(events::as_text(m)); }

bool is_base64_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

} // namespace

// -- keys -------------------------------------------------------------------------------

events::outcome<signing_key> signing_key::parse(std::string_view text) {
  using events::errc, events::failure;
  if (text.starts_with("whsk_") || text.starts_with("whpk_"))
    return failure(errc::invalid, "is an asymmetric (ed25519) key; a symmetric secret `whsec_…` is needed");
  if (text.starts_with(secret_prefix))
    text.remove_prefix(secret_prefix.size());
  if (text.size() < text_min || text.size() > text_max)
    return failure(errc::invalid, "must be `whsec_` followed by 32 to 100 base64 characters");
  if (!std::all_of(text.begin(), text.end(), is_base64_digit))
    return failure(errc::invalid, "contains a character that is not base64 (a-z A-Z 0-9 + / =)");
  std::string raw;
  if (!events::from_base64(text, raw))
    return failure(errc::invalid, "is not base64 with padding");
  if (raw.size() < raw_min || raw.size() > raw_max)
    return failure(errc::invalid, "must decode to 24 to 75 bytes, not " + std::to_string(raw.size()));
  signing_key key;
  std::copy(raw.begin(), raw.end(), key.raw_.begin());
  key.size_ = static_cast<std::uint8_t>(raw.size());
  return key;
}

signing_key signing_key::generate(const events::entropy& chance) {
  auto drawn = events::sha256({"hourglass webhook secret", {reinterpret_cast<const char*>(chance.data()), chance.size()}});
  signing_key key;
  std::copy_n(drawn.begin(), raw_min, key.raw_.begin());
  key.size_ = raw_min;
  return key;
}

std::string signing_key::to_string() const { return std::string{secret_prefix} + events::to_base64(bytes()); }

std::string_view signing_key::bytes() const noexcept { return {raw_.data(), size_}; }

// -- signing ------------------------------------------------------------------------------

std::string sign(std::span<const signing_key> keys, std::string_view id, std::int64_t timestamp, std::string_view body) {
  std::array<char, 24> digits{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), timestamp).ptr;
  std::string_view stamp{digits.data(), static_cast<std::size_t>(end - digits.data())};
  std::string out;
  out.reserve(keys.size() * 48);
  for (const auto& key : keys) {
    if (!out.empty())
      out += ' ';
    out += "v1,";
    out += to_base64(signature_of(key, id, stamp, body));
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

verdict verify(const signing_key& key, std::string_view id, std::string_view timestamp, std::string_view signatures,
               std::string_view body, std::int64_t now, std::int64_t tolerance_seconds) {
  if (id.empty() || timestamp.empty() || signatures.empty())
    return verdict::missing_header;
  std::int64_t at = 0;
  auto [end, problem] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), at);
  // A signed time before 1970 or beyond the year 9999 is no time, and keeps the subtraction below from overflowing.
  if (problem != std::errc{} || end != timestamp.data() + timestamp.size() || at < 0 || at > 253'402'300'799)
    return verdict::bad_timestamp;
  if (at < now - tolerance_seconds)
    return verdict::too_old;
  if (at > now + tolerance_seconds)
    return verdict::too_new;
  auto expected = to_base64(signature_of(key, id, timestamp, body));
  while (!signatures.empty()) {
    auto one = signatures.substr(0, signatures.find(' '));
    signatures.remove_prefix(std::min(one.size() + 1, signatures.size()));
    if (!one.starts_with("v1,"))
      continue;
    one.remove_prefix(3);
    if (one.size() == expected.size() && CRYPTO_memcmp(one.data(), expected.data(), one.size()) == 0)
      return verdict::ok;
  }
  return verdict::no_match;
}

} // namespace hourglass::webhook
