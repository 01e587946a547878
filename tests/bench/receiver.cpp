#include "tests/bench/receiver.hpp"

#include "tests/bench/bare.hpp"
#include "tests/bench/socket.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <unordered_map>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace hourglass::bench {

namespace {

constexpr std::uint32_t first_address = 0x7f000101; // 127.0.1.1

constexpr std::string_view answer_text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view refusal_text = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
constexpr std::chrono::seconds slow_answer{1};

enum class manner { healthy, slow, failing, hanging };

manner manner_of(unsigned destination, const receiver::options& how) {
  if (destination < how.healthy)
    return manner::healthy;
  if (destination < how.healthy + how.slow)
    return manner::slow;
  return destination < how.healthy + how.slow + how.failing ? manner::failing : manner::hanging;
}

/// Checking every signature would cost as much as making it; one in so many shows that they are right.
constexpr std::uint64_t checked_one_in = 64;

bool signed_right(const message& m) {
  std::string text{m.header("webhook-id:")};
  text.append(".").append(m.header("webhook-timestamp:")).append(".").append(m.body);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), delivery_key, static_cast<int>(std::strlen(delivery_key)), reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
       &size);
  unsigned char encoded[64];
  auto n = EVP_EncodeBlock(encoded, mac, static_cast<int>(size));
  return m.header("webhook-signature:") == "v1," + std::string{reinterpret_cast<char*>(encoded), static_cast<std::size_t>(n)};
}

std::optional<std::int64_t> number_in(std::string_view body, std::string_view member) {
  const auto at = body.find(member);
  std::int64_t n = 0;
  if (at == std::string_view::npos || std::from_chars(body.data() + at + member.size(), body.data() + body.size(), n).ec != std::errc{})
    return std::nullopt;
  return n;
}

std::uint32_t address_of(unsigned destination) {
  return first_address + (destination / 250) * 256 + destination % 250;
}

} // namespace

struct receiver::connection {
  descriptor socket;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls{nullptr, &SSL_free};
  manner behaves = manner::healthy;
  std::string in;
  std::uint64_t number = 0; ///< descriptors come again
};

struct receiver::sockets {
  descriptor epoll{epoll_create1(0)};
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls{nullptr, &SSL_CTX_free};
  std::vector<descriptor> listeners;
  std::unordered_map<int, connection> open;
  struct late_answer {
    steady::time_point due;
    int to;
    std::uint64_t number;
  };
  std::deque<late_answer> late; ///< in order of time
  std::uint64_t connections = 0;
  std::array<char, 65536> buffer;
};

receiver::receiver(options how)
    : how_(how), port_(how.port), sockets_(std::make_unique<sockets>()), seen_(how.numbers) {
  if (how.tls != nullptr) {
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes as if nobody ever went away
    sockets_->tls.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(sockets_->tls.get(),
                            testing::detail::certificate_from(how.tls->certificate).get());
    SSL_CTX_use_PrivateKey(sockets_->tls.get(), testing::detail::key_from(how.tls->key).get());
  }
  for (unsigned i = 0; i < how.destinations; ++i) {
    auto& l = sockets_->listeners.emplace_back(listen_on(address_of(i), port_));
    if (!l) {
      port_ = 0;
      return;
    }
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = i;
    epoll_ctl(sockets_->epoll.get(), EPOLL_CTL_ADD, l.get(), &e);
  }
  took_.reserve(1'000'000);
  thread_ = std::thread{[this] { run(); }};
}

receiver::~receiver() {
  stopping_ = true;
  if (thread_.joinable())
    thread_.join();
}

std::string receiver::address(unsigned destination) const {
  auto a = address_of(destination);
  return std::to_string(a >> 24) + '.' + std::to_string((a >> 16) & 255) + '.' + std::to_string((a >> 8) & 255) + '.' + std::to_string(a & 255);
}

std::string receiver::url(unsigned destination) const {
  return (how_.tls != nullptr ? "https://" : "http://") + address(destination) + ':' +
         std::to_string(port_) + "/hook";
}

latencies receiver::took() const {
  std::lock_guard guard{mutex_};
  return took_;
}

void receiver::run() {
  std::array<epoll_event, 128> ready;
  while (!stopping_.load(std::memory_order_relaxed)) {
    auto n = epoll_wait(sockets_->epoll.get(), ready.data(), static_cast<int>(ready.size()), sockets_->late.empty() ? 50 : 5);
    answer_late();
    for (int i = 0; i < n; ++i) {
      auto what = ready[static_cast<std::size_t>(i)].data.u64;
      if (what < sockets_->listeners.size())
        accept(what);
      else if (auto c = sockets_->open.find(static_cast<int>(what >> 32)); c != sockets_->open.end())
        receive(c->second);
    }
  }
}

void receiver::accept(std::size_t listener) {
  descriptor d{accept4(sockets_->listeners[listener].get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!d)
    return;
  epoll_event e{};
  e.events = EPOLLIN;
  e.data.u64 = (std::uint64_t{static_cast<unsigned>(d.get())} << 32) | 0xffffffffU; // never a listener's number
  epoll_ctl(sockets_->epoll.get(), EPOLL_CTL_ADD, d.get(), &e);
  auto fd = d.get();
  auto& c = sockets_->open[fd];
  c = {};
  c.socket = std::move(d);
  c.behaves = manner_of(static_cast<unsigned>(listener), how_);
  c.number = ++sockets_->connections;
  if (sockets_->tls) {
    c.tls.reset(SSL_new(sockets_->tls.get()));
    SSL_set_fd(c.tls.get(), fd);
    SSL_set_accept_state(c.tls.get());
  }
}

/// As `read_some`. With TLS the handshake is part of it.
long receiver::read(connection& from) {
  auto& to = sockets_->buffer;
  if (!from.tls)
    return read_some(from.socket, to.data(), to.size());
  ERR_clear_error(); // of another connection, perhaps
  const auto n = SSL_read(from.tls.get(), to.data(), static_cast<int>(to.size()));
  if (n > 0)
    return n;
  const auto why = SSL_get_error(from.tls.get(), n);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

/// What is written is short: a socket always has room for it.
void receiver::write(connection& to, std::string_view text) {
  ERR_clear_error();
  if (to.tls)
    SSL_write(to.tls.get(), text.data(), static_cast<int>(text.size()));
  else
    write_all(to.socket, text);
}

void receiver::answer_late() {
  for (auto& late = sockets_->late; !late.empty() && late.front().due <= steady::now();
       late.pop_front())
    if (auto c = sockets_->open.find(late.front().to);
        c != sockets_->open.end() && c->second.number == late.front().number)
      write(c->second, answer_text);
}

void receiver::receive(connection& from) {
  const auto got = read(from);
  if (got < 0)
    return;
  if (got == 0) {
    sockets_->open.erase(from.socket.get());
    return;
  }
  from.in.append(sockets_->buffer.data(), static_cast<std::size_t>(got));
  message m;
  if (!parse(from.in, m))
    return;
  if (from.behaves == manner::hanging) {
    hanging_.fetch_add(1, std::memory_order_relaxed);
    from.in.clear();
    return;
  }
  if (from.behaves == manner::failing) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    from.in.erase(0, m.size);
    write(from, refusal_text);
    return;
  }
  auto n = received_.fetch_add(1, std::memory_order_relaxed);
  if (n % checked_one_in == 0 && !signed_right(m))
    wrong_.fetch_add(1, std::memory_order_relaxed);
  if (how_.time_bodies)
    take(m.body);
  if (how_.numbers != 0)
    tick_off(m.body);
  from.in.erase(0, m.size);
  if (from.behaves == manner::slow)
    sockets_->late.push_back({steady::now() + slow_answer, from.socket.get(), from.number});
  else
    write(from, answer_text);
}

void receiver::take(std::string_view body) {
  const auto ns = number_in(body, "\"at\":");
  if (!ns) {
    wrong_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (*ns < 0)
    return; // not to be timed
  std::lock_guard guard{mutex_};
  took_.add(steady::now().time_since_epoch() - std::chrono::nanoseconds{*ns});
}

void receiver::tick_off(std::string_view body) {
  const auto n = number_in(body, "\"n\":");
  if (!n || *n < 0 || static_cast<std::uint64_t>(*n) >= seen_.size()) {
    wrong_.fetch_add(1, std::memory_order_relaxed);
  } else if (auto seen = seen_[static_cast<std::size_t>(*n)]; seen) {
    doubled_.fetch_add(1, std::memory_order_relaxed);
  } else {
    seen = true;
  }
}

} // namespace hourglass::bench
