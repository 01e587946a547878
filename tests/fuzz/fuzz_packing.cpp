#include "storage/packing.hpp"

#include <algorithm>
#include <cstdlib>

using namespace hourglass::storage;

/// The first two bytes say how much of the rest is the base; what follows is taken as stored bytes, and as a record to be packed against it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2)
    return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  const std::string base{bytes.substr(0, std::min<std::size_t>(bytes.size(), data[0] * 256U + data[1]))};
  const std::string stored{bytes.substr(base.size())};
  const hourglass::events::sandbox_id sandbox{};
  record_unpacker unpack{[&](const auto&, auto) -> hourglass::events::outcome<std::optional<std::string>> { return base; }};
  if (const auto made = unpack.unpack(sandbox, 9, stored); made && made->size() > std::max(stored.size(), packed::most_record))
    std::abort();

  if (base.starts_with("\xff\xff\xff\xff") || stored.starts_with("\xff\xff\xff\xff")) // no record begins so
    return 0;
  record_packer packer;
  const std::string first{packer.pack(sandbox, 1, base)};
  const std::string second{packer.pack(sandbox, 2, stored)};
  if (first != base || unpack.unpack(sandbox, 2, second).value() != stored)
    std::abort();
  return 0;
}
