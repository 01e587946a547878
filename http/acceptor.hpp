#pragma once

// Internal to http/. The door: binds, accepts, and gives each connection to the worker that has the fewest.

#include "http/worker.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <array>
#include <future>
#include <utility>

namespace hourglass::http {

/// A bound, listening socket. Owns it.
struct listener {
  static tl::expected<listener, std::string> bind(const std::string& address, std::uint16_t port);

  listener(int s, bool is_v6, std::uint16_t p) : socket(s), v6(is_v6), port(p) {}
  listener(listener&& other) noexcept : socket(std::exchange(other.socket, -1)), v6(other.v6), port(other.port), address(other.address) {}
  listener& operator=(listener&&) = delete;
  ~listener();

  int release() noexcept { return std::exchange(socket, -1); }

  int socket;
  bool v6;
  std::uint16_t port;
  std::array<std::uint8_t, 16> address{}; ///< IPv4 as ::ffff:a.b.c.d
};

/// Lives on the first worker's thread. One acceptor and not SO_REUSEPORT: the kernel's hash would give 64 connections unevenly to two
/// threads, and a second server on the same port would go unnoticed.
class acceptor : public std::enable_shared_from_this<acceptor> {
public:
  acceptor(std::shared_ptr<server_shared> shared, std::vector<std::shared_ptr<worker>> workers, listener door);

  void start();
  /// Returns when the port is closed.
  void stop();

private:
  void wait();
  void accept_all();
  void hand_over(int socket, const sockaddr_storage& peer);
  void rest();

  std::shared_ptr<server_shared> shared_;
  std::vector<std::shared_ptr<worker>> workers_;
  net::basic_socket_acceptor<tcp, executor> door_;
  timer_type pause_;
};

} // namespace hourglass::http
