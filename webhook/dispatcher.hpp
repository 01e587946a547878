#pragma once

#include "events/redact.hpp"
#include "http/client.hpp"
#include "webhook/attempt.hpp"
#include "webhook/token_keeper.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace hourglass::webhook {

/// The request of one attempt: headers in the order sent (content-type, user headers, those of the signature's profile).
/// @param timestamp Unix seconds of the node's clock, not the sandbox's: receivers compare it with their own
http::exchange build_exchange(const start& what, http::shared_bytes body, std::int64_t timestamp);

/// Makes attempts. Thin: builds and signs, asks `http::client`, keeps everything that came back. Knows no schedule and no state, but access tokens: one
/// that the receiver refuses (401) is asked for anew once, and the attempt is what came then. Without a token the attempt failed as `oauth_token`, and
/// nothing was sent. The deadline is one for all of it, but that who joins a request for a token hears only at its end.
///
/// Threads: `send` from any thread; `done` runs on a client thread, or at once on the caller's, exactly once, and must not block.
class dispatcher {
public:
  using handler = std::function<void(fencing_token, attempt_result)>;

  /// `redact` may be null: then only values of headers marked sensitive are replaced. Both must outlive every attempt under way.
  /// @param now tells the age of access tokens
  explicit dispatcher(http::client& client, std::shared_ptr<const events::redactor> redact = nullptr, token_keeper::clock now = {});

  /// @param body the message's exact bytes; all its destinations may share them
  /// @param wall_us Unix microseconds now; its seconds are signed
  /// @param owner among whom connections are shared out: the sandbox
  void send(start what, http::shared_bytes body, std::int64_t wall_us, handler done, std::string owner = {}) const;

private:
  http::client& client_;
  std::shared_ptr<const events::redactor> redact_;
  std::shared_ptr<token_keeper> tokens_;
};

} // namespace hourglass::webhook
