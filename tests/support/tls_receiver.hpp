#pragma once

#include "tests/integration/http/raw_socket.hpp"
#include "tests/support/pem.hpp"

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <openssl/ssl.h>
#include <sys/socket.h>

namespace hourglass::testing {

/// A receiver that speaks TLS, and lets in only who has a certificate of `clients` (PEM), if that is given. Answers every request with 200, and keeps
/// what came, over which connection and by whom.
class tls_receiver {
public:
  struct seen {
    int connection = 0;
    std::string subject; ///< CN of the client's certificate; empty: it had none
    std::string request;
  };

  explicit tls_receiver(const identity& self, std::string clients = {}) : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes as if nobody ever went away
    auto certificate = detail::certificate_from(self.certificate);
    auto key = detail::key_from(self.key);
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
    if (!clients.empty()) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), detail::certificate_from(clients).get());
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    accepting_ = std::thread{[this] { accept(); }};
  }
  ~tls_receiver() {
    ended_ = true;
    auto wakes = http::testing::raw_socket::connect(port());
    accepting_.join();
    {
      std::lock_guard lock{mutex_};
      for (int fd : open_)
        ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& t : serving_)
      t.join();
  }

  std::uint16_t port() const { return listener_.port(); }
  std::vector<seen> came() {
    std::lock_guard lock{mutex_};
    return came_;
  }
  bool wait_for(std::size_t n) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return came_.size() >= n; });
  }

private:
  void accept() {
    for (int n = 1;; ++n) {
      auto c = listener_.accept();
      if (ended_)
        return;
      if (!c.good())
        continue;
      std::lock_guard lock{mutex_};
      open_.push_back(c.fd());
      serving_.emplace_back([this, n, kept = std::make_shared<http::testing::raw_socket>(std::move(c))] {
        serve(n, *kept);
        std::lock_guard closing{mutex_};
        std::erase(open_, kept->fd());
        kept->close();
      });
    }
  }

  void serve(int n, http::testing::raw_socket& socket) {
    std::unique_ptr<SSL, decltype(&SSL_free)> session{SSL_new(context_.get()), &SSL_free};
    SSL_set_fd(session.get(), socket.fd());
    if (SSL_accept(session.get()) != 1) {
      socket.end_writing(); // and reads on, or the reset would overtake the alert
      socket.rest();
      return;
    }
    while (!ended_) {
      seen one{n, subject_of(session.get()), message(session.get())};
      if (one.request.empty())
        return;
      {
        std::lock_guard lock{mutex_};
        came_.push_back(std::move(one));
      }
      changed_.notify_all();
      constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
    }
  }

  static std::string subject_of(SSL* session) {
    const auto* certificate = SSL_get0_peer_certificate(session);
    char name[256] = "";
    if (certificate != nullptr)
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    return name;
  }

  static std::string message(SSL* session) {
    std::string all;
    char part[4096];
    for (;;) {
      if (auto head = all.find("\r\n\r\n"); head != std::string::npos) {
        auto at = all.find("Content-Length: ");
        auto length = at == std::string::npos ? 0 : std::stoul(all.substr(at + 16));
        if (all.size() >= head + 4 + length)
          return all;
      }
      auto n = SSL_read(session, part, sizeof part);
      if (n <= 0)
        return {};
      all.append(part, static_cast<std::size_t>(n));
    }
  }

  http::testing::raw_listener listener_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<seen> came_;
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

} // namespace hourglass::testing
