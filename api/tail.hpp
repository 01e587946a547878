#pragma once

#include "actors/fwd.hpp"
#include "api/commit_waiters.hpp"
#include "events/envelope.hpp"
#include "http/server.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace hourglass::api {

class alarm;

/// Live tails: new events of a sandbox as server-sent events, read from the store behind the commit.
///
/// Operation
///   `committed` only marks the sandbox; a reader thread then reads what is new and gives it to every subscriber. A subscriber that comes
///   with `after` first gets what it missed, at a pace that a usual connection takes. One that is too slow is closed, and comes back with
///   `Last-Event-ID`.
/// Threads: any.
class tail_hub {
public:
  tail_hub();
  ~tail_hub();

  /// For `node_options::on_committed`: cheap, and nearly free without subscribers.
  void committed(const events::sandbox_id& sandbox, events::seq last) noexcept;

  /// Before the first subscriber. Both must outlive the hub or `stop`.
  void start(actors::node& node, alarm& pace);

  /// Ends every tail. Later subscribers are closed at once.
  void stop();

  /// Sends every event of `sandbox` after `after` whose kind is in `kinds` (empty: all): id = seq, event = kind, data = as history shows it.
  void subscribe(const events::sandbox_id& sandbox, events::seq after, std::set<events::kind> kinds,
                 std::shared_ptr<http::event_stream> to);

  std::size_t subscribers() const;

  /// Who waits for one event only. Stopped with the tails.
  commit_waiters& waiters() noexcept;

private:
  struct impl;
  std::shared_ptr<impl> self_;
};

} // namespace hourglass::api
