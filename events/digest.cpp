#include "events/digest.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <openssl/evp.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace hourglass::events {

namespace {

struct free_context {
  void operator()(EVP_MD_CTX* ctx) const noexcept { EVP_MD_CTX_free(ctx); }
};

/// One context a thread: making one costs more than hashing a header.
EVP_MD_CTX* context_of_thread() {
  thread_local std::unique_ptr<EVP_MD_CTX, free_context> ctx = [] {
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    std::unique_ptr<EVP_MD_CTX, free_context> made{EVP_MD_CTX_new()};
    if (algorithm == nullptr || made == nullptr ||
        EVP_DigestInit_ex2(made.get(), algorithm, nullptr) != 1)
      std::abort(); // no log without SHA-256
    return made;
  }();
  return ctx.get();
}

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    table[i] = crc;
  }
  return table;
}

constexpr auto table = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_sse42(std::string_view data) noexcept {
  std::uint64_t crc = 0xFFFFFFFFU;
  const char* at = data.data();
  std::size_t left = data.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto rest = static_cast<std::uint32_t>(crc);
  for (; left > 0; --left, ++at)
    rest = _mm_crc32_u8(rest, static_cast<std::uint8_t>(*at));
  return ~rest;
}
#endif

} // namespace

hash sha256(std::initializer_list<std::string_view> parts) {
  auto* ctx = context_of_thread();
  bool good = EVP_DigestInit_ex2(ctx, nullptr, nullptr) == 1;
  for (auto part : parts)
    good = good && EVP_DigestUpdate(ctx, part.data(), part.size()) == 1;
  hash out;
  unsigned size = 0;
  if (!good || EVP_DigestFinal_ex(ctx, out.data(), &size) != 1 || size != out.size())
    std::abort();
  return out;
}

hash hmac_sha256(std::span<const std::uint8_t> key, std::string_view data) {
  std::array<char, 64> inner;
  std::array<char, 64> outer;
  inner.fill(0x36);
  outer.fill(0x5c);
  for (std::size_t i = 0; i < key.size() && i < inner.size(); ++i) {
    inner[i] = static_cast<char>(key[i] ^ 0x36U);
    outer[i] = static_cast<char>(key[i] ^ 0x5cU);
  }
  const auto first = sha256({{inner.data(), inner.size()}, data});
  return sha256({{outer.data(), outer.size()}, as_text(first)});
}

std::uint32_t crc32c_by_table(std::string_view data) noexcept {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (char c : data)
    crc = (crc >> 8) ^ table[(crc ^ static_cast<std::uint8_t>(c)) & 0xFFU];
  return ~crc;
}

std::uint32_t crc32c(std::string_view data) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction)
    return crc32c_by_sse42(data);
#endif
  return crc32c_by_table(data);
}

} // namespace hourglass::events
