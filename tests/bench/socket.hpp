#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include <unistd.h>

/// The least of sockets and of HTTP/1.1 that load generator and receiver need. Loopback only.
namespace hourglass::bench {

class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      close(fd_);
  }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

private:
  int fd_ = -1;
};

/// Blocking connect to 127.0.0.1; the socket is non-blocking afterwards.
descriptor connect_to(std::uint16_t port);

/// Listens on 127.x.y.z (`address` in host order); port 0 takes a free one, which comes back in `port`.
descriptor listen_on(std::uint32_t address, std::uint16_t& port);

/// A port that was free just now.
std::uint16_t free_port();

/// Waits for room up to 30 s.
bool write_all(const descriptor& to, std::string_view bytes);

/// 0: closed or broken; -1: nothing there.
long read_some(const descriptor& from, char* to, std::size_t size);

bool readable(const descriptor& from, std::chrono::steady_clock::duration patience);

/// One request or answer with Content-Length (or without a body).
struct message {
  std::string_view head; ///< up to and with the last CRLF before the empty line
  std::string_view body;
  std::size_t size = 0; ///< in all

  unsigned status() const noexcept;
  /// Value of a header given in lower case with its colon (`content-length:`); empty when absent.
  std::string_view header(std::string_view name) const noexcept;
};

/// False while `bytes` is not a whole message.
bool parse(std::string_view bytes, message& into);

} // namespace hourglass::bench
