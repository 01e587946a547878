#include "http/acceptor.hpp"

#include "http/problem.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hourglass::http {

namespace {

constexpr int backlog = 4'096;
constexpr unsigned accepts_per_turn = 64;
constexpr std::chrono::milliseconds pause_without_descriptors{100};

std::string peer_text(const sockaddr_storage& peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (peer.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &peer, sizeof in);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    return std::string{text} + ":" + std::to_string(ntohs(in.sin_port));
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &peer, sizeof in);
  inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
  return "[" + std::string{text} + "]:" + std::to_string(ntohs(in.sin6_port));
}

/// What the system says the socket is bound to: the name it was asked for may stand for another address, and port 0 for any.
void learn_name(listener& door) {
  sockaddr_storage self{};
  socklen_t size = sizeof self;
  if (getsockname(door.socket, reinterpret_cast<sockaddr*>(&self), &size) != 0)
    return;
  if (self.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &self, sizeof in);
    door.port = ntohs(in.sin_port);
    door.address[10] = door.address[11] = 0xff;
    std::memcpy(door.address.data() + 12, &in.sin_addr, 4);
    return;
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &self, sizeof in);
  door.port = ntohs(in.sin6_port);
  std::memcpy(door.address.data(), &in.sin6_addr, 16);
}

tl::unexpected<std::string> cannot_listen(const std::string& address, std::uint16_t port, const char* why) {
  return tl::unexpected<std::string>{"cannot listen on " + address + ":" + std::to_string(port) + ": " + why};
}

} // namespace

// -- listener ---------------------------------------------------------------------

tl::expected<listener, std::string> listener::bind(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int code = getaddrinfo(address.empty() ? nullptr : address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0)
    return cannot_listen(address, port, gai_strerror(code));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner{found, &freeaddrinfo};
  int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  listener door{socket, found->ai_family == AF_INET6, 0};
  int on = 1;
  if (socket >= 0)
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (socket < 0 || ::bind(socket, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket, backlog) != 0)
    return cannot_listen(address, port, std::strerror(errno));
  learn_name(door);
  return door;
}

listener::~listener() {
  if (socket >= 0)
    ::close(socket);
}

// -- acceptor ---------------------------------------------------------------------

acceptor::acceptor(std::shared_ptr<server_shared> shared, std::vector<std::shared_ptr<worker>> workers, listener door)
    : shared_(std::move(shared)), workers_(std::move(workers)), door_(workers_.front()->io()), pause_(workers_.front()->io()) {
  door_.assign(door.v6 ? tcp::v6() : tcp::v4(), door.release());
}

void acceptor::start() {
  net::post(workers_.front()->io(), [self = shared_from_this()] { self->wait(); });
}

void acceptor::stop() {
  std::promise<void> closed;
  net::post(workers_.front()->io(), [this, &closed] {
    error_code ignored;
    door_.close(ignored);
    pause_.cancel();
    closed.set_value();
  });
  closed.get_future().wait();
}

void acceptor::wait() {
  if (!door_.is_open())
    return;
  door_.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](error_code ec) {
    if (!ec)
      self->accept_all();
  });
}

void acceptor::accept_all() {
  for (unsigned i = 0; i < accepts_per_turn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    int socket = ::accept4(door_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      hand_over(socket, peer);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      break;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      return rest(); // who waits in the backlog is not lost
  }
  wait();
}

void acceptor::rest() {
  pause_.expires_after(pause_without_descriptors);
  pause_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec)
      self->accept_all();
  });
}

void acceptor::hand_over(int socket, const sockaddr_storage& peer) {
  std::uint64_t open = 0;
  auto least = workers_.front();
  for (const auto& w : workers_) {
    auto here = w->counters().open.load(std::memory_order_relaxed);
    open += here;
    if (here < least->counters().open.load(std::memory_order_relaxed))
      least = w;
  }
  if (open >= shared_->options.connections) {
    if (!shared_->tls) { // best effort; the connection closes either way
      static constexpr std::string_view full = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/problem+json\r\n"
                                               "Content-Length: 76\r\nConnection: close\r\n\r\n"
                                               R"({"type":"/problems/overloaded","title":"Too many connections","status":503})"
                                               "\n";
      (void)!::send(socket, full.data(), full.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      ::shutdown(socket, SHUT_WR);
    }
    ::close(socket);
    return;
  }
  least->counters().open.fetch_add(1, std::memory_order_relaxed);
  letter l;
  l.what = letter::about::adopt;
  l.socket = socket;
  l.v6 = peer.ss_family == AF_INET6;
  l.peer = peer_text(peer);
  least->post(std::move(l));
}

} // namespace hourglass::http
