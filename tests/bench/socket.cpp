#include "tests/bench/socket.hpp"

#include <cerrno>
#include <charconv>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace hourglass::bench {

namespace {

constexpr std::uint32_t loopback = 0x7f000001;

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(host);
  return a;
}

void unblock(const descriptor& d) {
  fcntl(d.get(), F_SETFL, fcntl(d.get(), F_GETFL) | O_NONBLOCK);
}

bool same_lower(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size())
    return false;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c | 0x20);
    if (c != lower[i])
      return false;
  }
  return true;
}

} // namespace

descriptor connect_to(std::uint16_t port) {
  descriptor d{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto a = address_of(loopback, port);
  if (!d || connect(d.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0)
    return {};
  int on = 1;
  setsockopt(d.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  unblock(d);
  return d;
}

descriptor listen_on(std::uint32_t address, std::uint16_t& port) {
  descriptor d{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int on = 1;
  setsockopt(d.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto a = address_of(address, port);
  if (!d || bind(d.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0 || listen(d.get(), 1024) != 0)
    return {};
  socklen_t size = sizeof a;
  getsockname(d.get(), reinterpret_cast<sockaddr*>(&a), &size);
  port = ntohs(a.sin_port);
  unblock(d);
  return d;
}

std::uint16_t free_port() {
  std::uint16_t port = 0;
  auto d = listen_on(loopback, port);
  return port;
}

bool readable(const descriptor& from, std::chrono::steady_clock::duration patience) {
  pollfd p{from.get(), POLLIN, 0};
  return poll(&p, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(patience).count())) > 0;
}

bool write_all(const descriptor& to, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR)
      return false;
    pollfd p{to.get(), POLLOUT, 0};
    if (poll(&p, 1, 30'000) == 0)
      return false;
  }
  return true;
}

long read_some(const descriptor& from, char* to, std::size_t size) {
  auto n = recv(from.get(), to, size, 0);
  if (n >= 0)
    return n;
  return errno == EAGAIN || errno == EINTR ? -1 : 0;
}

unsigned message::status() const noexcept {
  unsigned out = 0;
  if (head.size() > 12)
    std::from_chars(head.data() + 9, head.data() + 12, out);
  return out;
}

std::string_view message::header(std::string_view name) const noexcept {
  for (auto rest = head;;) {
    auto end = rest.find("\r\n");
    if (end == std::string_view::npos)
      return {};
    rest.remove_prefix(end + 2);
    if (!same_lower(rest, name))
      continue;
    rest.remove_prefix(name.size());
    while (!rest.empty() && rest.front() == ' ')
      rest.remove_prefix(1);
    return rest.substr(0, rest.find("\r\n"));
  }
}

bool parse(std::string_view bytes, message& into) {
  auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return false;
  into.head = bytes.substr(0, end + 2);
  auto length = into.header("content-length:");
  std::size_t size = 0;
  std::from_chars(length.data(), length.data() + length.size(), size);
  if (bytes.size() - end - 4 < size)
    return false;
  into.body = bytes.substr(end + 4, size);
  into.size = end + 4 + size;
  return true;
}

} // namespace hourglass::bench
