#pragma once

#include "events/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace hourglass::webhook {

/// Whether the next attempt of a destination may begin, as far as the bytes of its body go.
enum class body_room : std::uint8_t {
  enough,
  not_for_it, ///< it holds its share: others may go before it
  for_nobody, ///< it is the next to go, and those after it wait too: or a large one would never
};

/// The bodies that one sandbox has handed out, from the moment an attempt is taken until its end is applied. A body counts once, however many
/// destinations it goes to at a time, since they share it.
///
/// The rule: what is under way stays within `most`, but for one body that is larger by itself. A destination begins another attempt only while
/// the bodies of its own attempts, that one too, are no more than what is left after it; so that one that hangs leaves something to all others. One
/// that has nothing under way may always begin, as far as there are bytes.
class bodies_under_way {
public:
  /// @param bytes of the body that wants to go
  /// @param own the sum of the bodies of its destination's attempts that are under way
  /// @param busy the destination has such
  body_room room_for(events::seq message, std::uint64_t bytes, std::uint64_t own, bool busy, std::uint64_t most) const;

  void took(events::seq message, std::uint64_t bytes);
  /// One attempt of it has ended. True: it was the last, and bytes are free again.
  bool ended(events::seq message);

  std::uint64_t bytes() const noexcept { return bytes_; }

private:
  struct body {
    std::uint64_t bytes = 0;
    std::size_t attempts = 0;
  };
  std::unordered_map<events::seq, body> by_message_;
  std::uint64_t bytes_ = 0;
};

} // namespace hourglass::webhook
