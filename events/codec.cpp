#include "events/codec.hpp"

#include "events/digest.hpp"

#include <algorithm>
#include <cstring>

// record      := size: fixed32 (of the whole record), crc32c: fixed32 (of everything behind it), header, payload
// header      := format: u8, compat: u8, header_size: fixed32 (of `header`, this field included),
//                kind: varint16, kind_version: u8, sandbox: 16 bytes, seq: fixed64,
//                wall: fixed64 (us), virtual: fixed64 (us), principal: string, correlation: string,
//                causation: fixed64, entities: count varint32 and strings,
//                payload_hash: 32 bytes, previous: 32 bytes, fields of later formats
// string      := length: varint32, bytes
// fixed*      := little endian; varint* := LEB128, shortest form not required
// payload     := JSON text, to the end of the record
// payload_hash = SHA-256(payload)
// link         = SHA-256(0x02 || header), over the stored bytes, unknown fields included
//
// erased       := as `record`, with the highest bits of `size` and of `crc32c` turned over, and what is left in place of the payload; the header, and
//                 so the link, stays
//
// A reader accepts every record whose `compat` it knows, skips what follows the fields it knows, and refuses the rest with
// `errc::newer_format`. Kinds are listed in `events/catalogue.hpp`; a retired kind keeps its number.

namespace hourglass::events {

namespace {

constexpr std::uint8_t format = 1; // what we write
constexpr std::uint8_t compat = 1; // the oldest format whose reader understands what we write
constexpr std::size_t frame_bytes = 8;
constexpr std::uint32_t erased_bit = 0x8000'0000U; // no record is so long
constexpr std::size_t fixed_header_bytes = 6 + 1 + 1 + 16 + 8 * 3 + 1 + 1 + 8 + 1 + 64; // every string empty
constexpr std::string_view link_domain{"\x02", 1};

// -- writing ------------------------------------------------------------------

template <class T>
char* put_fixed(char* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    *at++ = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
  return at;
}

char* put_varint(char* at, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7)
    *at++ = static_cast<char>(static_cast<std::uint8_t>(value | 0x80));
  *at++ = static_cast<char>(static_cast<std::uint8_t>(value));
  return at;
}

char* put_bytes(char* at, const void* bytes, std::size_t size) {
  if (size != 0)
    std::memcpy(at, bytes, size);
  return at + size;
}

char* put_string(char* at, std::string_view text) {
  return put_bytes(put_varint(at, static_cast<std::uint32_t>(text.size())), text.data(), text.size());
}

/// Upper bound of the encoded header.
std::size_t header_room(const draft& d, const context& ctx) {
  auto room = fixed_header_bytes + 24 + ctx.principal.size() + ctx.correlation.size();
  for (const auto& entity : d.entities)
    room += 5 + entity.size();
  return room;
}

// -- reading ------------------------------------------------------------------

/// Reads fields off a header; once something is short, everything after is empty and `good` is false.
class field_reader {
public:
  explicit field_reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T fixed() {
    const auto raw = take(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i)
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(static_cast<std::uint8_t>(raw[i])) << (8 * i)));
    return value;
  }

  std::uint32_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) {
        good_ = good_ && value <= 0xFFFFFFFFU;
        return static_cast<std::uint32_t>(value);
      }
    }
    good_ = false;
    return 0;
  }

  std::string_view string() { return take(varint()); }

  template <std::size_t N>
  void into(std::array<std::uint8_t, N>& out) {
    const auto raw = take(N);
    std::copy(raw.begin(), raw.end(), out.begin());
  }

  void spoil() noexcept { good_ = false; }
  bool good() const noexcept { return good_; }
  std::size_t left() const noexcept { return bytes_.size() - at_; }
  std::size_t at() const noexcept { return at_; }

private:
  std::string_view take(std::size_t size) {
    if (!good_ || size > left()) {
      good_ = false;
      return {};
    }
    const auto out = bytes_.substr(at_, size);
    at_ += size;
    return out;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

tl::unexpected<error> corrupt(std::string detail, std::size_t offset) {
  return failure(errc::corrupt, std::move(detail), std::to_string(offset));
}

/// A record whose frame is sound, split.
struct parts {
  std::string_view header;
  std::string_view payload;
  bool erased = false;
};

outcome<parts> split(std::string_view bytes) {
  if (bytes.size() < frame_bytes + 6)
    return corrupt("a record is shorter than its frame", 0);
  field_reader in{bytes};
  const auto size = in.fixed<std::uint32_t>();
  if ((size & ~erased_bit) != bytes.size())
    return corrupt("a record does not have the size it states", 0);
  if ((in.fixed<std::uint32_t>() ^ (size & erased_bit)) != crc32c(bytes.substr(frame_bytes)))
    return corrupt("a record's checksum does not match", 4);
  const auto stated_format = in.fixed<std::uint8_t>();
  const auto needed = in.fixed<std::uint8_t>();
  if (needed > format)
    return failure(errc::newer_format,
                   "a record has format " + std::to_string(stated_format) + " and needs a reader of format " +
                       std::to_string(needed) + "; this program reads up to " + std::to_string(format),
                   std::to_string(frame_bytes));
  const auto header_size = in.fixed<std::uint32_t>();
  if (stated_format == 0 || needed == 0 || header_size < fixed_header_bytes ||
      header_size > bytes.size() - frame_bytes)
    return corrupt("a record's header does not have the size it states", frame_bytes);
  return parts{bytes.substr(frame_bytes, header_size), bytes.substr(frame_bytes + header_size), (size & erased_bit) != 0};
}

/// Writes the frame in front of what stands at `out[start + frame_bytes]` and behind.
void put_frame(std::string& out, std::size_t start, std::uint32_t bits) {
  const auto framed = std::string_view{out}.substr(start + frame_bytes);
  put_fixed(put_fixed(out.data() + start, static_cast<std::uint32_t>(frame_bytes + framed.size()) | bits), crc32c(framed) ^ bits);
}

outcome<header> read_header(std::string_view bytes) {
  field_reader in{bytes.substr(6)};
  header h;
  const auto kind_number = in.varint();
  if (kind_number > 0xFFFFU)
    in.spoil();
  h.kind = static_cast<kind>(kind_number);
  h.kind_version = in.fixed<std::uint8_t>();
  in.into(h.sandbox.bytes);
  h.seq = in.fixed<std::uint64_t>();
  h.wall.us = static_cast<std::int64_t>(in.fixed<std::uint64_t>());
  h.virtual_.us = static_cast<std::int64_t>(in.fixed<std::uint64_t>());
  h.principal = in.string();
  h.correlation = in.string();
  h.causation = in.fixed<std::uint64_t>();
  const auto count = in.varint();
  if (count > in.left()) // each takes a byte at least: do not reserve what a broken count says
    in.spoil();
  for (std::uint32_t i = 0; i < count && in.good(); ++i)
    h.entities.emplace_back(in.string());
  in.into(h.payload_hash);
  in.into(h.previous);
  if (!in.good() || h.seq == 0)
    return corrupt("a record's header does not parse", frame_bytes + 6 + in.at());
  return h;
}

} // namespace

void seal(chain_head& head, const sandbox_id& sandbox, const draft& d, const context& ctx,
          std::string& out) {
  const auto start = out.size();
  out.resize(start + frame_bytes + header_room(d, ctx) + d.payload.size());
  const auto wall = ctx.wall < head.wall ? head.wall : ctx.wall; // clocks step back, streams do not
  char* const header_begin = out.data() + start + frame_bytes;
  char* at = header_begin;
  *at++ = static_cast<char>(format);
  *at++ = static_cast<char>(compat);
  char* const header_size_at = at;
  at = put_varint(at + 4, static_cast<std::uint32_t>(d.kind));
  *at++ = static_cast<char>(current_version(d.kind));
  at = put_bytes(at, sandbox.bytes.data(), sandbox.bytes.size());
  at = put_fixed(at, head.seq + 1);
  at = put_fixed(at, static_cast<std::uint64_t>(wall.us));
  at = put_fixed(at, static_cast<std::uint64_t>(ctx.now.us));
  at = put_string(at, ctx.principal);
  at = put_string(at, ctx.correlation);
  at = put_fixed(at, d.causation);
  at = put_varint(at, static_cast<std::uint32_t>(d.entities.size()));
  for (const auto& entity : d.entities)
    at = put_string(at, entity);
  at = put_bytes(at, sha256({d.payload}).data(), sizeof(hash));
  at = put_bytes(at, head.link.data(), head.link.size());
  const auto header_size = static_cast<std::size_t>(at - header_begin);
  put_fixed(header_size_at, static_cast<std::uint32_t>(header_size));
  head = {head.seq + 1, sha256({link_domain, {header_begin, header_size}}), wall};
  at = put_bytes(at, d.payload.data(), d.payload.size());
  out.resize(static_cast<std::size_t>(at - out.data()));
  put_frame(out, start, 0);
}

outcome<std::string> erase(std::string_view bytes, std::string_view left) {
  const auto split_record = split(bytes);
  if (!split_record)
    return tl::unexpected{split_record.error()};
  std::string out(frame_bytes, '\0');
  out.append(split_record->header).append(left);
  put_frame(out, 0, erased_bit);
  return out;
}

outcome<record> decode(std::string_view bytes) {
  const auto split_record = split(bytes);
  if (!split_record)
    return tl::unexpected{split_record.error()};
  auto h = read_header(split_record->header);
  if (!h)
    return tl::unexpected{std::move(h.error())};
  if (!split_record->erased && sha256({split_record->payload}) != h->payload_hash)
    return corrupt("a record's payload does not have the hash its header states",
                   frame_bytes + split_record->header.size());
  return record{std::move(*h), std::string{split_record->payload},
                sha256({link_domain, split_record->header}), split_record->erased};
}

kind kind_of(std::string_view bytes) noexcept {
  field_reader in{bytes.substr(std::min(bytes.size(), frame_bytes + 6))};
  return static_cast<kind>(in.varint());
}

outcome<header> decode_header(std::string_view bytes) {
  const auto split_record = split(bytes);
  if (!split_record)
    return tl::unexpected{split_record.error()};
  return read_header(split_record->header);
}

outcome<void> follow(chain_head& head, const record& next) {
  const auto& h = next.header;
  const auto where = std::to_string(h.seq);
  if (h.seq != head.seq + 1)
    return failure(errc::corrupt, "event " + where + " does not follow event " + std::to_string(head.seq),
                   where);
  if (h.previous != head.link)
    return failure(errc::corrupt, "event " + where + " does not continue the chain of the event before it", where);
  if (h.wall < head.wall)
    return failure(errc::corrupt, "event " + where + " is earlier than the event before it", where);
  head = {h.seq, next.link, h.wall};
  return {};
}

} // namespace hourglass::events
