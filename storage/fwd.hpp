#pragma once

#include <cstdint>

namespace hourglass::storage {

class journal;
class store;
class index_writer;
struct record_batch;
struct append_result;
struct snapshot;
enum class append_outcome : std::uint8_t;
enum class durability : std::uint8_t;

} // namespace hourglass::storage
