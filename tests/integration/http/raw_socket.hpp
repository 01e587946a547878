#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace hourglass::http::testing {

/// A blocking loopback socket that says exactly what it is told to. Reads give up after ten seconds, so that a bug is a failure, not a hang.
class raw_socket {
public:
  explicit raw_socket(int fd = -1) : fd_(fd) { limit(); }
  raw_socket(raw_socket&& o) noexcept : fd_(std::exchange(o.fd_, -1)), kept_(std::move(o.kept_)) {}
  raw_socket& operator=(raw_socket&& o) noexcept {
    std::swap(fd_, o.fd_);
    std::swap(kept_, o.kept_);
    return *this;
  }
  ~raw_socket() { close(); }

  static raw_socket connect(std::uint16_t port, int receive_buffer = 0) {
    raw_socket s{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (receive_buffer != 0)
      setsockopt(s.fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(s.fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      s.close();
    return s;
  }

  bool good() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  bool say(std::string_view text) {
    while (!text.empty()) {
      auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void end_writing() { ::shutdown(fd_, SHUT_WR); }
  /// Closes with a reset instead of an end.
  void reset() {
    linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }

  /// Up to `most` more bytes; empty at the end or after ten seconds.
  std::string some(std::size_t most = 65'536) {
    if (!kept_.empty())
      return std::exchange(kept_, {});
    std::string bytes(most, '\0');
    auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  /// Everything until the other side ends.
  std::string rest() {
    std::string all;
    for (auto part = some(); !part.empty(); part = some())
      all += part;
    return all;
  }
  std::string until(std::string_view mark) {
    std::string all;
    while (all.find(mark) == std::string::npos) {
      auto part = some();
      if (part.empty())
        return all;
      all += part;
    }
    auto end = all.find(mark) + mark.size();
    kept_ = all.substr(end);
    all.resize(end);
    return all;
  }
  /// One message with a Content-Length (or none).
  std::string message() {
    auto text = until("\r\n\r\n");
    auto at = text.find("Content-Length: ");
    std::size_t length = at == std::string::npos ? 0 : std::stoul(text.substr(at + 16));
    auto whole = text.size() + length;
    while (text.size() < whole) {
      auto part = some();
      if (part.empty())
        return text;
      text += part;
    }
    kept_ = text.substr(whole);
    text.resize(whole);
    return text;
  }
  bool ended() { return some().empty(); }

private:
  void limit() {
    if (fd_ < 0)
      return;
    timeval time{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  int fd_;
  std::string kept_;
};

/// A listening loopback socket.
class raw_listener {
public:
  explicit raw_listener(int backlog = 128) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&self), sizeof self);
    socklen_t size = sizeof self;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&self), &size);
    port_ = ntohs(self.sin_port);
    ::listen(fd_, backlog);
  }
  raw_listener(const raw_listener&) = delete;
  raw_listener& operator=(const raw_listener&) = delete;
  ~raw_listener() { ::close(fd_); }

  std::uint16_t port() const { return port_; }
  /// Not good after ten seconds.
  raw_socket accept() {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 10'000) != 1)
      return raw_socket{};
    return raw_socket{::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)};
  }

private:
  int fd_;
  std::uint16_t port_ = 0;
};

} // namespace hourglass::http::testing
