#pragma once

#include "webhook/token.hpp"

#include <functional>
#include <memory>
#include <string>

namespace hourglass::webhook {

/// Access tokens in memory: one a destination and its settings, used until shortly before it expires. Of each at most one request is under way, and all who want the
/// token wait for it; what it comes to, they share. A failure is told to who waits, and to who comes within the next second, so that a backlog does not
/// beat on a token endpoint that is down; then the next asks again. Not so if all it failed for is that there was too little time. Who joins a request
/// waits for its deadline, not his own.
///
/// Limits: 4,096 tokens; beyond it the least recently used is forgotten, and asked for again.
/// Threads: any. `done` runs on a thread of the client, or at once on the caller's, exactly once, and must not block.
class token_keeper {
public:
  struct answer {
    std::string token;       ///< empty: there is none
    http::exchange_result failure; ///< without a token: `error` is `oauth_token`, or `cancelled` when the client was stopped
    std::chrono::milliseconds spent{0}; ///< waiting for the request; its own wait for a connection does not count
  };
  using handler = std::function<void(answer)>;
  /// Monotonic, milliseconds. Replaced in tests.
  using clock = std::function<std::int64_t()>;

  explicit token_keeper(http::client& client, clock now = {});
  ~token_keeper();

  /// @param destination with `owner`, whose token it is
  /// @param stale a token that was just refused: if it is the one that is kept, a new one is asked for
  void get(const std::string& owner, const std::string& destination, std::shared_ptr<const token_request> how, const std::string& stale,
           std::chrono::milliseconds deadline, handler done);

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace hourglass::webhook
