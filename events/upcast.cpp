#include "events/upcast.hpp"

#include "events/codec.hpp"

#include <algorithm>
#include <array>

namespace hourglass::events {

namespace {

outcome<std::string> as_it_is(std::string_view payload) { return std::string{payload}; }

// Version 2 of what holds a destination's secrets may have them sealed, of kinds that version 1 did not know, and a signature profile. It reads
// version 1 as it stands; the number keeps older programs from reading version 2.
// Version 3 of a destination may have a content filter and patterns of event types, version 4 a retry policy and a protection, version 5 an order,
// version 6 a transport, version 7 a timeout and statuses that slow it down, version 8 a transformation, version 9 a row of failures that expires, version 10 batches and what an answer may do. Version 2 of an attempt may hold its destination back, version 3 may have failed at a proxy or for want of a token,
// version 4 in a transformation, or have sent what that made, version 5 (and version 2 of what has expired) may be one of a batch. Version 2
// of `destination.disabled` may have probes follow, of a recovery may go by place instead of by time, and its messages may be due later. Version 2
// of a message may bring headers and a payload that is no JSON, version 3 parameters for scripts. Who does not know them would send what is not wanted, or when or how it is not.
constexpr std::array all_conversions{
    conversion{kind::destination_created, 1, as_it_is},        conversion{kind::destination_updated, 1, as_it_is},
    conversion{kind::destination_created, 2, as_it_is},        conversion{kind::destination_updated, 2, as_it_is},
    conversion{kind::destination_created, 3, as_it_is},        conversion{kind::destination_updated, 3, as_it_is},
    conversion{kind::destination_created, 4, as_it_is},        conversion{kind::destination_updated, 4, as_it_is},
    conversion{kind::destination_created, 5, as_it_is},        conversion{kind::destination_updated, 5, as_it_is},
    conversion{kind::destination_created, 6, as_it_is},        conversion{kind::destination_updated, 6, as_it_is},
    conversion{kind::destination_created, 7, as_it_is},        conversion{kind::destination_updated, 7, as_it_is},
    conversion{kind::destination_created, 8, as_it_is},        conversion{kind::destination_updated, 8, as_it_is},
    conversion{kind::destination_created, 9, as_it_is},        conversion{kind::destination_updated, 9, as_it_is},
    conversion{kind::destination_secret_rotated, 1, as_it_is}, conversion{kind::destination_disabled, 1, as_it_is},
    conversion{kind::attempt_finished, 1, as_it_is},           conversion{kind::attempt_finished, 2, as_it_is},
    conversion{kind::attempt_finished, 3, as_it_is},           conversion{kind::attempt_finished, 4, as_it_is},
    conversion{kind::delivery_expired, 1, as_it_is},
    conversion{kind::recovery_started, 1, as_it_is},           conversion{kind::recovery_started, 2, as_it_is},
    conversion{kind::message_created, 1, as_it_is},            conversion{kind::message_created, 2, as_it_is},
    conversion{kind::recovery_progressed, 1, as_it_is}};

} // namespace

std::span<const conversion> conversions() noexcept { return all_conversions; }

outcome<std::string> upcast_with(std::span<const conversion> steps, kind k, std::uint8_t from,
                                 std::uint8_t to, std::string payload) {
  if (from > to)
    return failure(errc::newer_format, "an event of kind " + std::to_string(static_cast<unsigned>(k)) +
                                           " has version " + std::to_string(from) +
                                           "; this program knows up to " + std::to_string(to));
  for (auto version = from; version < to; ++version) {
    const auto step = std::find_if(steps.begin(), steps.end(), [&](const conversion& c) {
      return c.kind == k && c.from == version;
    });
    if (step == steps.end())
      return failure(errc::internal, "no conversion of " + std::string{to_string(k)} + " from version " +
                                         std::to_string(version));
    auto converted = step->convert(payload);
    if (!converted)
      return converted;
    payload = std::move(*converted);
  }
  return payload;
}

outcome<std::string> upcast(const record& r) {
  return upcast_with(conversions(), r.header.kind, r.header.kind_version,
                     current_version(r.header.kind), r.payload);
}

} // namespace hourglass::events
