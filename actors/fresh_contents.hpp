#pragma once

#include "events/envelope.hpp"
#include "webhook/message_content.hpp"

#include <cstddef>
#include <map>
#include <memory>

namespace hourglass::actors {

/// Contents of messages that were never sent, the newest, while they fit: else each would be read
/// from the log for its first attempt. One thread.
class fresh_contents {
public:
  using content_ptr = std::shared_ptr<const webhook::message_content>;

  /// With all that they bring: `most` bytes at most (`webhook::weight`).
  explicit fresh_contents(std::size_t most) : most_(most) {}

  /// For so many destinations that have not taken it yet. The oldest make room: what a destination
  /// that takes nothing waits for must not cost all others a look into the store.
  void keep(events::seq message, content_ptr content, std::size_t readers);
  /// Forgets it with its last reader. Null: it is not there any more.
  content_ptr take(events::seq message);
  /// Nobody is to have it any more.
  void drop(events::seq message);
  void clear() noexcept;

  std::size_t bytes() const noexcept { return bytes_; }

private:
  struct entry {
    content_ptr what;
    std::size_t readers;
    std::size_t weight;
  };
  void forget(std::map<events::seq, entry>::iterator which);

  std::size_t most_, bytes_ = 0;
  std::map<events::seq, entry> kept_;
};

} // namespace hourglass::actors
