#pragma once

#include <cstdint>

namespace hourglass::events {

struct error;
struct sandbox_id;
struct header;
struct record;
struct draft;
struct context;
enum class errc : std::uint8_t;
enum class kind : std::uint16_t;

} // namespace hourglass::events
