#include "webhook/ed25519.hpp"

#include <cstdlib>
#include <utility>

#include <openssl/evp.h>

namespace hourglass::webhook {

namespace {

struct free_context {
  void operator()(EVP_MD_CTX* ctx) const noexcept { EVP_MD_CTX_free(ctx); }
};
using context = std::unique_ptr<EVP_MD_CTX, free_context>;

const unsigned char* bytes_of(std::string_view text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }

} // namespace

// A library without Ed25519, or out of memory, cannot sign what was promised: as with SHA-256, that ends the process.
ed25519_key ed25519_key::of(const ed25519_seed& seed) {
  auto* made = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size());
  if (made == nullptr)
    std::abort();
  return ed25519_key{std::shared_ptr<void>{made, [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }}};
}

ed25519_public ed25519_key::public_key() const {
  ed25519_public out{};
  auto size = out.size();
  if (EVP_PKEY_get_raw_public_key(static_cast<EVP_PKEY*>(key_.get()), out.data(), &size) != 1 || size != out.size())
    std::abort();
  return out;
}

ed25519_signature ed25519_key::sign(std::string_view message) const {
  ed25519_signature out{};
  auto size = out.size();
  context ctx{EVP_MD_CTX_new()};
  if (ctx == nullptr || EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr, static_cast<EVP_PKEY*>(key_.get())) != 1 ||
      EVP_DigestSign(ctx.get(), out.data(), &size, bytes_of(message), message.size()) != 1 || size != out.size())
    std::abort();
  return out;
}

bool ed25519_verify(const ed25519_public& key, std::string_view message, const ed25519_signature& signature) {
  auto free_key = [](EVP_PKEY* k) { EVP_PKEY_free(k); };
  std::unique_ptr<EVP_PKEY, decltype(free_key)> pkey{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()), free_key};
  context ctx{EVP_MD_CTX_new()};
  return pkey != nullptr && ctx != nullptr && EVP_DigestVerifyInit(ctx.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
         EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), bytes_of(message), message.size()) == 1;
}

} // namespace hourglass::webhook
