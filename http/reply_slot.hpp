#pragma once

// Internal to http/. The server's side of `reply`.

#include "http/worker.hpp"

namespace hourglass::http {

/// Carries one answer from wherever the handler's work ended to the connection that waits for it.
class reply_slot final : public reply::sink {
public:
  reply_slot(std::shared_ptr<worker> home, request_ticket ticket, credit held)
      : home_(std::move(home)), ticket_(ticket), held_(std::move(held)) {}

  void send(response answer) override;
  std::shared_ptr<event_stream> stream(fields headers) override;

private:
  bool in_own_handler() const noexcept;

  // In this order: the credit goes back to a pool that `home_` keeps alive.
  std::shared_ptr<worker> home_;
  request_ticket ticket_;
  credit held_;
};

/// Whether this is what a reply says when nobody has answered.
bool is_abandoned(const response& answer);

} // namespace hourglass::http
