#include "events/codec.hpp"
#include "events/digest.hpp"

#include <cstdlib>
#include <string>

using namespace hourglass::events;

namespace {

/// Gives changed bytes a right size and checksum, so that the fuzzer gets behind the frame.
std::string framed(std::string_view body) {
  std::string out(8, '\0');
  out += body;
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i)
      out[at + i] = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  put(0, static_cast<std::uint32_t>(out.size()));
  put(4, crc32c(body));
  return out;
}

void require(bool truth) {
  if (!truth)
    std::abort();
}

void check(std::string_view bytes) {
  const auto whole = decode(bytes);
  const auto header = decode_header(bytes);
  if (!whole)
    return;
  require(header.has_value() && header->seq == whole->header.seq && header->entities == whole->header.entities);
  const auto left = hourglass::events::erase(bytes, "{}");
  const auto erased = decode(left.value());
  require(erased && erased->erased && erased->payload == "{}" && erased->link == whole->link);
  if (whole->erased)
    return; // nobody seals such a one
  require(sha256({whole->payload}) == whole->header.payload_hash);
  // What was read can be written, and says the same.
  chain_head head{whole->header.seq - 1, whole->header.previous, whole->header.wall};
  std::string again;
  seal(head, whole->header.sandbox, {whole->header.kind, whole->payload, whole->header.entities, whole->header.causation, {}},
       {whole->header.wall, whole->header.virtual_, {}, whole->header.principal, whole->header.correlation}, again);
  const auto second = decode(again);
  require(second.has_value() && second->payload == whole->payload && second->header.previous == whole->header.previous &&
          second->header.principal == whole->header.principal && second->link == head.link);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  check(bytes);
  check(framed(bytes));
  return 0;
}
