#include "mock/collection_id.hpp"

#include "mock/pattern_sample.hpp"

#include <algorithm>
#include <cstring>

namespace hourglass::mock {

namespace {

constexpr std::string_view hex = "0123456789abcdef";

std::string uuid(id_chance& chance) {
  std::string out;
  std::uint64_t bits[2] = {chance.draw(), chance.draw()};
  for (std::size_t i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20)
      out += '-';
    auto digit = (bits[i / 16] >> (60 - 4 * (i % 16))) & 15U;
    out += hex[i == 12 ? 4 : i == 16 ? (digit & 3U) | 8U : digit];
  }
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36)
    return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((i == 8 || i == 13 || i == 18 || i == 23) != (text[i] == '-'))
      return false;
  return true;
}

/// Other letters and digits in the places of those of `like`; what stands before its last `_` stays.
std::string similar(std::string_view like, id_chance& chance, std::size_t more) {
  auto kept = like.rfind('_');
  kept = kept == std::string_view::npos || kept + 1 == like.size() ? 0 : kept + 1;
  std::string out{like.substr(0, kept)};
  auto one_of = [&](char first, std::uint64_t many) { return static_cast<char>(first + static_cast<char>(chance.draw() % many)); };
  auto other = [&](char c) {
    if (c >= '0' && c <= '9')
      return out.empty() ? one_of('1', 9) : one_of('0', 10);
    return c >= 'a' && c <= 'z' ? one_of('a', 26) : c >= 'A' && c <= 'Z' ? one_of('A', 26) : c;
  };
  const auto rest = like.substr(kept);
  for (char c : rest)
    out += other(c);
  for (std::size_t i = 0; i < more && !rest.empty(); ++i)
    out += other(rest[i % rest.size()]);
  return out;
}

} // namespace

id_chance::id_chance(const events::entropy& seed, std::string_view place) {
  std::memcpy(&state_, seed.data(), sizeof(state_));
  for (unsigned char c : place) // FNV-1a
    state_ = (state_ ^ c) * 0x100000001b3U;
}

std::uint64_t id_chance::draw() noexcept { // splitmix64
  auto z = state_ += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::string made_id(const collection_spec& of, id_chance& chance, std::size_t attempt) {
  if (of.kind == id_kind::uuid || is_uuid(of.id_like))
    return uuid(chance);
  if (!of.id_pattern.empty()) {
    schema_purse purse{limits::schema_work / 20};
    if (auto text = text_for_pattern(of.id_pattern, {}, 1, 64, [&] { return chance.draw(); }, purse))
      return std::move(*text);
  }
  if (of.id_like.empty() || of.id_like.size() > 64)
    return uuid(chance);
  return similar(of.id_like, chance, attempt * 4);
}

} // namespace hourglass::mock
