#pragma once

#include "http/proxy.hpp"
#include "tests/integration/http/raw_socket.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>

namespace hourglass::testing {

/// A proxy on loopback that does what it is asked to, if the credentials are right, and keeps what it was asked for. It knows IPv4 only, and dials
/// loopback whatever address it is given, so that a test may name any.
class forwarding_proxy {
public:
  explicit forwarding_proxy(http::proxy::kind speaks, std::string username = {}, std::string password = {})
      : speaks_(speaks), username_(std::move(username)), password_(std::move(password)), accepting_([this] { accept(); }) {}
  ~forwarding_proxy() {
    ended_ = true;
    auto wakes = raw_socket::connect(port());
    accepting_.join();
    for (auto& t : serving_)
      t.join();
  }

  std::uint16_t port() const { return listener_.port(); }
  /// `address:port` of each way that was opened.
  std::vector<std::string> asked() {
    std::lock_guard lock{mutex_};
    return asked_;
  }
  /// Everything that the client sent, before and after.
  std::string heard() {
    std::lock_guard lock{mutex_};
    return heard_;
  }

private:
  using raw_socket = http::testing::raw_socket;

  void accept() {
    while (!ended_) {
      auto c = std::make_shared<raw_socket>(listener_.accept());
      if (ended_ || !c->good())
        continue;
      serving_.emplace_back([this, c] { serve(*c); });
    }
  }

  void note(const std::string& bytes) {
    std::lock_guard lock{mutex_};
    heard_ += bytes;
  }

  void serve(raw_socket& client) {
    const auto to = speaks_ == http::proxy::kind::socks5 ? socks(client) : connect(client);
    if (to.empty())
      return client.end_writing();
    {
      std::lock_guard lock{mutex_};
      asked_.push_back(to);
    }
    auto target = raw_socket::connect(static_cast<std::uint16_t>(std::stoi(to.substr(to.rfind(':') + 1))));
    if (!target.good()) {
      client.say(speaks_ == http::proxy::kind::socks5 ? std::string("\x05\x05\x00\x01\0\0\0\0\0\0", 10) : "HTTP/1.1 502 Bad Gateway\r\n\r\n");
      return client.end_writing();
    }
    client.say(speaks_ == http::proxy::kind::socks5 ? std::string("\x05\x00\x00\x01\0\0\0\0\0\0", 10) : "HTTP/1.1 200 Connection established\r\n\r\n");
    pump(client, target);
  }

  std::string connect(raw_socket& client) {
    const auto head = client.until("\r\n\r\n");
    note(head);
    if (!username_.empty() && head.find("Proxy-Authorization: Basic " + base64(username_ + ':' + password_) + "\r\n") == std::string::npos) {
      client.say("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return {};
    }
    return head.starts_with("CONNECT ") ? head.substr(8, head.find(' ', 8) - 8) : std::string{};
  }

  static std::string base64(const std::string& bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const auto n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(n));
    return out;
  }

  static std::string take(raw_socket& s, std::string& kept, std::size_t n) {
    while (kept.size() < n) {
      auto part = s.some();
      if (part.empty())
        return {};
      kept += part;
    }
    auto out = kept.substr(0, n);
    kept.erase(0, n);
    return out;
  }

  std::string socks(raw_socket& client) {
    std::string kept;
    auto byte = [](const std::string& s, std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(s.at(i))); };
    auto hello = take(client, kept, 2);
    if (hello.empty() || take(client, kept, byte(hello, 1)).empty())
      return {};
    client.say(username_.empty() ? std::string("\x05\x00", 2) : std::string("\x05\x02", 2));
    if (!username_.empty()) {
      auto user = take(client, kept, 2);
      if (user.empty())
        return {};
      auto name = take(client, kept, byte(user, 1) + 1);
      auto pass = take(client, kept, byte(name, name.size() - 1));
      const bool right = name.substr(0, name.size() - 1) == username_ && pass == password_;
      client.say(right ? std::string("\x01\x00", 2) : std::string("\x01\x01", 2));
      if (!right)
        return {};
    }
    auto request = take(client, kept, 10);
    if (request.empty() || byte(request, 3) != 1)
      return {};
    std::string to;
    for (std::size_t i = 4; i < 8; ++i)
      to += (i == 4 ? "" : ".") + std::to_string(byte(request, i));
    return to + ":" + std::to_string(byte(request, 8) * 256 + byte(request, 9));
  }

  void pump(raw_socket& client, raw_socket& target) {
    while (!ended_) {
      pollfd both[2] = {{client.fd(), POLLIN, 0}, {target.fd(), POLLIN, 0}};
      if (::poll(both, 2, 20) <= 0)
        continue;
      for (int i = 0; i < 2; ++i) {
        if (both[i].revents == 0)
          continue;
        auto part = (i == 0 ? client : target).some();
        if (part.empty())
          return;
        if (i == 0)
          note(part);
        (i == 0 ? target : client).say(part);
      }
    }
  }

  const http::proxy::kind speaks_;
  const std::string username_, password_;
  http::testing::raw_listener listener_;
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::string heard_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

} // namespace hourglass::testing
