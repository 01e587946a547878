#include "events/vault.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace hourglass::events {

namespace {

constexpr std::string_view prefix = "sealed.1.";
constexpr std::size_t id_size = 8, nonce_size = 12, tag_size = 16;

struct free_context {
  void operator()(EVP_CIPHER_CTX* ctx) const noexcept { EVP_CIPHER_CTX_free(ctx); }
};
using context_ptr = std::unique_ptr<EVP_CIPHER_CTX, free_context>;

const unsigned char* in(std::string_view text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* out(std::string& text) noexcept { return reinterpret_cast<unsigned char*>(text.data()); }
int size(std::string_view text) noexcept { return static_cast<int>(text.size()); }
std::string_view text_of(const vault::key& k) noexcept { return {reinterpret_cast<const char*>(k.data()), k.size()}; }

std::string nonce_for(const vault::key& k, std::string_view plain, std::string_view context, const entropy& chance, std::uint32_t ordinal) {
  std::string what{"hourglass nonce "};
  what.append(reinterpret_cast<const char*>(chance.data()), chance.size());
  for (unsigned shift = 0; shift < 32; shift += 8)
    what += static_cast<char>((ordinal >> shift) & 0xffU);
  // Hashed one by one, so that no context and text can be cut in another place.
  what.append(as_text(sha256({context}))).append(as_text(sha256({plain})));
  return std::string{as_text(hmac_sha256(k, what)).substr(0, nonce_size)};
}

std::string tag_of(const vault::key& k, std::string_view text, std::string_view purpose) {
  std::string what{"hourglass tag "};
  what.append(as_text(sha256({purpose}))).append(as_text(sha256({text})));
  return std::string{as_text(hmac_sha256(k, what))};
}

} // namespace

vault::vault(std::vector<key> keys) {
  if (keys.empty())
    std::abort(); // a vault without a key would write what it promises to hide
  for (const auto& k : keys)
    entries_.push_back({id_of(k), k});
}

outcome<vault> vault::parse(std::string_view keys) {
  constexpr std::string_view between = ", \t\r\n";
  std::vector<key> read;
  for (auto at = keys.find_first_not_of(between); at != std::string_view::npos; at = keys.find_first_not_of(between, at)) {
    auto end = std::min(keys.find_first_of(between, at), keys.size());
    std::string raw;
    if (!from_base64(keys.substr(at, end - at), raw) || raw.size() != std::tuple_size_v<key>)
      return failure(errc::invalid, "key " + std::to_string(read.size() + 1) + " is not base64 of 32 bytes");
    std::copy(raw.begin(), raw.end(), read.emplace_back().begin());
    at = end;
  }
  if (read.empty())
    return failure(errc::invalid, "there is no key");
  return vault{std::move(read)};
}

std::string vault::id_of(const key& k) { return to_hex(as_text(sha256({"hourglass key id ", text_of(k)}))).substr(0, id_size); }

std::string vault::ids() const {
  std::string all;
  for (const auto& e : entries_)
    all += (all.empty() ? "" : ", ") + e.id;
  return all;
}

std::optional<std::string_view> vault::key_id_of(std::string_view sealed) noexcept {
  if (!sealed.starts_with(prefix) || sealed.size() <= prefix.size() + id_size || sealed[prefix.size() + id_size] != '.')
    return std::nullopt;
  return sealed.substr(prefix.size(), id_size);
}

std::string vault::seal(std::string_view plain, std::string_view context, const entropy& chance, std::uint32_t ordinal) const {
  const auto& with = entries_.front();
  auto nonce = nonce_for(with.key, plain, context, chance, ordinal);
  std::string coded(plain.size(), '\0'), tag(tag_size, '\0');
  context_ptr ctx{EVP_CIPHER_CTX_new()};
  int n = 0, rest = 0;
  bool good = ctx != nullptr && EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, with.key.data(), in(nonce)) == 1 &&
              EVP_EncryptUpdate(ctx.get(), nullptr, &n, in(context), size(context)) == 1 &&
              EVP_EncryptUpdate(ctx.get(), out(coded), &n, in(plain), size(plain)) == 1 &&
              EVP_EncryptFinal_ex(ctx.get(), out(tag), &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_size), tag.data()) == 1;
  if (!good)
    std::abort(); // as without SHA-256: better no process than secrets in plain
  std::string all{prefix};
  return all.append(with.id).append(1, '.').append(to_base64(nonce + coded + tag));
}

outcome<std::string> vault::open(std::string_view sealed, std::string_view context) const {
  auto id = key_id_of(sealed);
  std::string raw;
  if (!id || !from_base64(sealed.substr(prefix.size() + id_size + 1), raw) || raw.size() < nonce_size + tag_size)
    return failure(errc::corrupt, "is not a sealed text");
  auto with = std::find_if(entries_.begin(), entries_.end(), [&id](const entry& e) { return e.id == *id; });
  if (with == entries_.end())
    return failure(errc::corrupt, "is sealed with the key " + std::string{*id} + ", and this node has only " + ids());
  std::string_view all{raw};
  auto coded = all.substr(nonce_size, all.size() - nonce_size - tag_size);
  std::string tag{all.substr(all.size() - tag_size)}, plain(coded.size(), '\0');
  context_ptr ctx{EVP_CIPHER_CTX_new()};
  int n = 0, rest = 0;
  bool good = ctx != nullptr && EVP_DecryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, with->key.data(), in(all)) == 1 &&
              EVP_DecryptUpdate(ctx.get(), nullptr, &n, in(context), size(context)) == 1 &&
              EVP_DecryptUpdate(ctx.get(), out(plain), &n, in(coded), size(coded)) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_size), tag.data()) == 1 &&
              EVP_DecryptFinal_ex(ctx.get(), out(tag), &rest) == 1;
  if (!good)
    return failure(errc::corrupt, "does not authenticate under the key " + with->id + ": it was changed, or belongs to something else");
  return plain;
}

std::string vault::tag(std::string_view text, std::string_view purpose) const { return tag_of(entries_.front().key, text, purpose); }

bool vault::is_tag(std::string_view tag, std::string_view text, std::string_view purpose) const {
  bool any = false;
  for (const auto& e : entries_) { // all of them, so that the time does not tell which
    const auto right = tag_of(e.key, text, purpose);
    any |= tag.size() == right.size() && CRYPTO_memcmp(tag.data(), right.data(), right.size()) == 0;
  }
  return any;
}

} // namespace hourglass::events
