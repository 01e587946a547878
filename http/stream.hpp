#pragma once

// Internal to http/. What the two sides of a server-sent-events answer share.

#include "http/server.hpp"
#include "http/worker.hpp"

#include <mutex>
#include <string>

namespace hourglass::http {

/// Written by any thread, emptied by the connection's.
struct stream_core {
  static constexpr std::size_t most_waiting = 1024 * 1024;

  std::mutex mutex;
  std::string waiting;
  std::size_t in_writing = 0; ///< bytes the connection has taken and not sent
  bool open = true;
  bool drop = false;        ///< the client is too slow: close without sending the rest
  bool told = false;        ///< a letter to the worker is under way
  std::shared_ptr<worker> home;
  request_ticket ticket;
};

/// The writer's side; closes when it is dropped.
class stream_writer final : public event_stream {
public:
  explicit stream_writer(std::shared_ptr<stream_core> core) : core_(std::move(core)) {}
  ~stream_writer() override { close(); }

  bool send(std::string_view id, std::string_view event, std::string_view data) override;
  bool open() const noexcept override;
  void close() override;

private:
  void tell();

  std::shared_ptr<stream_core> core_;
};

/// One event in the text form of the HTML standard §9.2. Line ends inside `data` become further `data:` lines.
void append_event(std::string& out, std::string_view id, std::string_view event, std::string_view data);

} // namespace hourglass::http
