#include "events/ids.hpp"

#include "events/digest.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/random.h>

namespace hourglass::events {

namespace {

constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford: no i, l, o, u
constexpr std::size_t text_digits = 26;                                 // 130 bits; the first two are zero
constexpr std::string_view sandbox_prefix = "sbx_";

void append_base32(std::string& out, const std::array<std::uint8_t, 16>& bytes) {
  unsigned window = 0;
  int bits = 2; // two zero bits in front make 130 of 128
  for (auto byte : bytes) {
    window = (window << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out.push_back(digits[(window >> bits) & 31U]);
    }
  }
}

bool read_base32(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  if (text.size() != text_digits || text[0] > '7')
    return false;
  unsigned window = 0;
  int bits = -2;
  std::size_t filled = 0;
  for (char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos)
      return false;
    window = (window << 5) | static_cast<unsigned>(digit);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[filled++] = static_cast<std::uint8_t>(window >> bits);
    }
  }
  return true;
}

void put_time(std::array<std::uint8_t, 16>& bytes, std::int64_t unix_ms) {
  const auto ms = static_cast<std::uint64_t>(unix_ms);
  for (unsigned i = 0; i < 6; ++i)
    bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
}

} // namespace

entropy draw_entropy() {
  constexpr std::size_t drawn_at_once = 16; // one call of the kernel for so many
  thread_local std::array<entropy, drawn_at_once> pool;
  thread_local std::size_t left = 0;
  if (left == 0) {
    auto* to = reinterpret_cast<char*>(pool.data());
    for (std::size_t have = 0; have < sizeof pool;) {
      const auto got = ::getrandom(to + have, sizeof pool - have, 0);
      if (got > 0)
        have += static_cast<std::size_t>(got);
      else if (errno != EINTR)
        std::abort(); // an id that can be guessed is worse than no server
    }
    left = pool.size();
  }
  return std::exchange(pool[--left], {}); // what was given away is not kept
}

std::string sandbox_id::to_string() const {
  std::string out;
  out.reserve(sandbox_prefix.size() + text_digits);
  out += sandbox_prefix;
  append_base32(out, bytes);
  return out;
}

outcome<sandbox_id> sandbox_id::parse(std::string_view text) {
  sandbox_id id;
  if (!text.starts_with(sandbox_prefix) || !read_base32(text.substr(sandbox_prefix.size()), id.bytes))
    return failure(errc::invalid, "a sandbox id is sbx_ and 26 lower-case base32 digits");
  return id;
}

sandbox_id make_sandbox_id(std::int64_t unix_ms, const entropy& chance) {
  sandbox_id id;
  put_time(id.bytes, unix_ms);
  std::memcpy(id.bytes.data() + 6, chance.data(), 10);
  return id;
}

std::string make_id(std::string_view prefix, std::int64_t unix_ms, const entropy& chance,
                    std::uint32_t ordinal) {
  std::array<char, 20> input;
  std::memcpy(input.data(), chance.data(), chance.size());
  for (unsigned i = 0; i < 4; ++i)
    input[16 + i] = static_cast<char>(static_cast<std::uint8_t>(ordinal >> (8 * i)));
  const auto digest = sha256({{input.data(), input.size()}});
  std::array<std::uint8_t, 16> bytes;
  put_time(bytes, unix_ms);
  std::memcpy(bytes.data() + 6, digest.data(), 10);
  std::string out;
  out.reserve(prefix.size() + text_digits);
  out += prefix;
  append_base32(out, bytes);
  return out;
}

std::optional<wall_time> time_of_id(std::string_view id) {
  std::array<std::uint8_t, 16> bytes;
  if (id.size() < text_digits || !read_base32(id.substr(id.size() - text_digits), bytes))
    return std::nullopt;
  std::int64_t ms = 0;
  for (unsigned i = 0; i < 6; ++i)
    ms = ms << 8 | bytes[i];
  return wall_time{ms * 1000};
}

} // namespace hourglass::events

std::size_t std::hash<hourglass::events::sandbox_id>::operator()(
    const hourglass::events::sandbox_id& id) const noexcept {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::memcpy(&first, id.bytes.data(), 8);
  std::memcpy(&second, id.bytes.data() + 8, 8);
  auto mixed = (first ^ (second * 0x9E3779B97F4A7C15ULL)) * 0xBF58476D1CE4E5B9ULL;
  return mixed ^ (mixed >> 32);
}
