#pragma once

#include "tests/integration/http/raw_socket.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>

namespace hourglass::http::testing {

/// Never destroyed: threads that nobody waits for may still say it when the program ends.
inline const std::string& ok = *new std::string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};

/// A receiver whose whole behaviour is one function, run for each connection in turn.
class receiver {
public:
  explicit receiver(std::function<void(raw_socket, int)> behaviour)
      : thread_([this, behaviour = std::move(behaviour)] {
          for (int n = 0;; ++n) {
            auto c = listener_.accept();
            if (ended_ || !c.good())
              return;
            behaviour(std::move(c), n);
          }
        }) {}
  ~receiver() {
    ended_ = true;
    auto wakes_accept = raw_socket::connect(port());
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port(); }

private:
  raw_listener listener_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

} // namespace hourglass::http::testing
