#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/certificate.hpp"
#include "tests/integration/http/receiver.hpp"
#include "tests/support/forwarding_proxy.hpp"
#include "tests/support/tls_receiver.hpp"

#include <poll.h>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;
using hourglass::testing::forwarding_proxy;
using hourglass::testing::identity;
using hourglass::testing::make_identity;
using hourglass::testing::tls_receiver;

/// TLS in front of a proxy that has none.
class tls_front {
public:
  tls_front(const identity& self, std::uint16_t behind) : behind_(behind), context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_use_certificate(context_.get(), hourglass::testing::detail::certificate_from(self.certificate).get());
    SSL_CTX_use_PrivateKey(context_.get(), hourglass::testing::detail::key_from(self.key).get());
    accepting_ = std::thread{[this] {
      while (true) {
        auto c = std::make_shared<raw_socket>(listener_.accept());
        if (ended_)
          return;
        serving_.emplace_back([this, c] {
          serve(*c);
          c->close();
        });
      }
    }};
  }
  ~tls_front() {
    ended_ = true;
    auto wakes = raw_socket::connect(port());
    accepting_.join();
    for (auto& t : serving_)
      t.join();
  }
  std::uint16_t port() const { return listener_.port(); }
  int greeted() const { return greeted_; }

private:
  void serve(raw_socket& in) {
    std::unique_ptr<SSL, decltype(&SSL_free)> session{SSL_new(context_.get()), &SSL_free};
    SSL_set_fd(session.get(), in.fd());
    if (SSL_accept(session.get()) != 1) {
      in.end_writing();
      in.rest();
      return;
    }
    ++greeted_;
    auto out = raw_socket::connect(behind_);
    char bytes[16'384];
    while (!ended_) {
      pollfd both[2] = {{in.fd(), POLLIN, 0}, {out.fd(), POLLIN, 0}};
      if (SSL_pending(session.get()) == 0)
        ::poll(both, 2, 50);
      if (both[0].revents != 0 || SSL_pending(session.get()) != 0) {
        const int n = SSL_read(session.get(), bytes, sizeof bytes);
        if (n <= 0 || ::send(out.fd(), bytes, static_cast<std::size_t>(n), MSG_NOSIGNAL) != n)
          return;
      }
      if (both[1].revents != 0) {
        const auto n = ::recv(out.fd(), bytes, sizeof bytes, 0);
        if (n <= 0 || SSL_write(session.get(), bytes, static_cast<int>(n)) != n)
          return;
      }
    }
  }

  std::uint16_t behind_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  raw_listener listener_;
  std::atomic<bool> ended_{false};
  std::atomic<int> greeted_{0};
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

struct https_proxies : ::testing::Test {
  identity self = make_identity("127.0.0.1");
  certificate file{self};
  forwarding_proxy behind{proxy::kind::connect, "me", "s3cret"};
  tls_front front{self, behind.port()};

  std::unique_ptr<client> trusting(std::string ca_file) const {
    client_options o;
    o.ca_file = std::move(ca_file);
    return client::open(o, loopback_allowed());
  }
  exchange through(const std::string& url, std::string password = "s3cret", tls_identity tls = {}) const {
    proxy p{proxy::kind::connect, true, "127.0.0.1", front.port(), password.empty() ? "" : "me", std::move(password), true};
    auto e = to(url, "words of the body");
    e.way = std::make_shared<const transport>(std::move(tls), std::move(p));
    return e;
  }
};

TEST_F(https_proxies, carry_tls_within_tls_and_keep_the_connection) {
  auto other = make_identity("127.0.0.1");
  tls_receiver r{other};
  auto c = trusting(file.chain_file);
  const auto url = "https://127.0.0.1:" + std::to_string(r.port()) + "/hook";
  auto got = call(*c, through(url, "s3cret", {other.certificate, {}, {}, {}}));
  ASSERT_EQ(got.status, 200u) << got.detail;
  EXPECT_EQ(got.via, "127.0.0.1:" + std::to_string(front.port()));
  EXPECT_EQ(got.tls_version, "TLSv1.3");
  EXPECT_GT(got.certificate_expires, 0);
  EXPECT_EQ(behind.heard().find("words of the body"), std::string::npos) << "the proxy reads the way, and no more";
  EXPECT_NE(behind.heard().find("CONNECT 127.0.0.1:" + std::to_string(r.port())), std::string::npos);
  EXPECT_NE(r.came().at(0).request.find("words of the body"), std::string::npos);
  auto large = through(url, "s3cret", {other.certificate, {}, {}, {}});
  large.body = std::string(300'000, 'x');
  auto again = call(*c, large);
  EXPECT_EQ(again.status, 200u) << again.detail;
  EXPECT_TRUE(again.reused);
  EXPECT_EQ(front.greeted(), 1);
}

TEST_F(https_proxies, carry_plain_http_and_their_credentials_are_read_by_nobody_else) {
  receiver r{[](raw_socket c, int) {
    while (!c.message().empty())
      c.say(ok);
  }};
  auto c = trusting(file.chain_file);
  auto got = call(*c, through(local(r.port())));
  ASSERT_EQ(got.status, 200u) << got.detail;
  EXPECT_EQ(got.tls_version, "") << "that is between us and the receiver";
  EXPECT_TRUE(call(*c, through(local(r.port()))).reused);
  EXPECT_EQ(call(*c, through(local(r.port()), "")).error, transport_error::proxy) << "without them the way is not opened";
}

TEST_F(https_proxies, whom_nobody_vouches_for_or_that_have_another_name_get_no_request) {
  auto stranger = trusting({});
  auto got = call(*stranger, through("http://127.0.0.1:1/"));
  EXPECT_EQ(got.error, transport_error::proxy) << got.detail;
  EXPECT_NE(got.detail.find("no TLS with the proxy"), std::string::npos) << got.detail;
  auto named = make_identity("other.test");
  certificate theirs{named};
  tls_front wrong{named, behind.port()};
  auto c = trusting(theirs.chain_file);
  auto e = to("http://127.0.0.1:1/");
  e.way = std::make_shared<const transport>(tls_identity{}, proxy{proxy::kind::connect, true, "127.0.0.1", wrong.port(), "me", "s3cret", true});
  EXPECT_EQ(call(*c, e).error, transport_error::proxy);
  EXPECT_TRUE(behind.asked().empty());
}

TEST_F(https_proxies, that_speak_no_tls_fail_within_the_deadline) {
  receiver silent{[](raw_socket c, int) { c.rest(); }};
  auto c = trusting(file.chain_file);
  auto e = to("http://127.0.0.1:1/");
  e.deadline = 300ms;
  e.way = std::make_shared<const transport>(tls_identity{}, proxy{proxy::kind::connect, true, "127.0.0.1", silent.port(), {}, {}, true});
  EXPECT_EQ(call(*c, e).error, transport_error::timeout);
}

// -- what the operator allows and denies, on the way ------------------------------------

TEST(egress_rules, are_asked_about_the_name_before_it_is_resolved_and_about_the_address_that_is_dialled) {
  receiver r{[](raw_socket c, int) {
    while (!c.message().empty())
      c.say(ok);
  }};
  int resolved = 0;
  auto names = [&resolved](const std::string&) -> tl::expected<std::vector<std::array<std::uint8_t, 16>>, std::string> {
    ++resolved;
    return std::vector{address("127.0.0.1")};
  };
  auto rule = [](const char* text, bool allow) { return egress_guard::rule{host_pattern::parse(text).value(), allow}; };
  auto c = client::open({}, egress_guard::by_rules({rule("127.0.0.0/8", true), rule("evil.test", false), rule("127.0.0.1:9", false)}, {}), names);
  auto url = [&](std::string_view host, std::uint16_t port) { return "http://" + std::string{host} + ":" + std::to_string(port) + "/"; };
  auto denied = call(*c, to(url("hook.evil.test", r.port())));
  EXPECT_EQ(denied.error, transport_error::refused_by_guard);
  EXPECT_NE(denied.detail.find("hook.evil.test is denied"), std::string::npos) << denied.detail;
  EXPECT_EQ(resolved, 0);
  EXPECT_EQ(call(*c, to(url("good.test", r.port()))).status, 200u);
  EXPECT_EQ(resolved, 1);
  EXPECT_EQ(call(*c, to(url("good.test", 9))).error, transport_error::refused_by_guard);
}

} // namespace
