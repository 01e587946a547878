#include "http/server.hpp"
#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/certificate.hpp"
#include "tests/integration/http/raw_socket.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

std::unique_ptr<server> start(std::optional<tls_files> tls = {}) {
  server_options o;
  o.tls = std::move(tls);
  auto s = server::open(o, [](std::shared_ptr<const request> r, reply to) {
    response answer;
    answer.headers.push_back({"X-Secure", r->secure ? "yes" : "no"});
    answer.body = r->body;
    to.send(std::move(answer));
  });
  EXPECT_TRUE(s) << s.error();
  return std::move(*s);
}

std::string url(std::string_view scheme, std::string_view host, std::uint16_t port) {
  return std::string{scheme} + "://" + std::string{host} + ":" + std::to_string(port) + "/";
}

using addresses = std::vector<std::array<std::uint8_t, 16>>;

client::resolver always(addresses list) {
  return [list](const std::string&) -> tl::expected<addresses, std::string> { return list; };
}

// -- names --------------------------------------------------------------------------

TEST(names, are_resolved_and_the_time_is_told) {
  auto s = start();
  auto c = client::open({}, loopback_allowed(), always({address("127.0.0.1")}));
  auto result = call(*c, to(url("http", "hook.test", s->port())));
  EXPECT_EQ(result.status, 200u) << result.detail;
  EXPECT_GT(result.spent.dns_us, 0);
  EXPECT_EQ(result.peer, "127.0.0.1:" + std::to_string(s->port()));
}

TEST(names, a_resolver_that_lies_the_second_time_reaches_nothing) {
  std::atomic<int> asked{0};
  auto s = start();
  auto c = client::open({}, loopback_allowed(), [&](const std::string&) -> tl::expected<addresses, std::string> {
    return addresses{asked++ == 0 ? address("127.0.0.1") : address("169.254.169.254")};
  });
  auto first = to(url("http", "rebind.test", s->port()));
  first.headers.push_back({"X", "1"});
  EXPECT_EQ(call(*c, first).status, 200u);
  s->stop(0ms); // the kept connection ends, so the name must be resolved again
  std::this_thread::sleep_for(1ms);
  exchange_result second;
  for (int i = 0; i < 100 && second.error != transport_error::refused_by_guard; ++i)
    second = call(*c, to(url("http", "rebind.test", s->port())));
  EXPECT_EQ(second.error, transport_error::refused_by_guard) << second.detail;
  EXPECT_NE(second.detail.find("metadata"), std::string::npos);
}

TEST(names, only_the_addresses_that_the_guard_lets_through_are_dialled) {
  auto s = start();
  auto c = client::open({}, loopback_allowed(), always({address("10.0.0.1"), address("::1"), address("127.0.0.1")}));
  auto result = call(*c, to(url("http", "mixed.test", s->port())));
  EXPECT_EQ(result.status, 200u) << result.detail;
  EXPECT_EQ(result.peer, "127.0.0.1:" + std::to_string(s->port()));
}

TEST(names, a_dead_address_is_followed_by_the_next) {
  auto s = start();
  auto c = client::open({}, loopback_allowed(), always({address("127.0.0.2"), address("127.0.0.1")})); // nobody listens on .2
  auto result = call(*c, to(url("http", "two.test", s->port())));
  EXPECT_EQ(result.status, 200u) << result.detail;
}

TEST(names, an_address_written_oddly_is_judged_by_where_it_leads) {
  auto guard = std::make_shared<egress_guard>(std::vector<cidr>{}, std::vector<egress_guard::endpoint>{});
  auto c = client::open({}, guard);
  for (auto host : {"127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]"}) {
    auto result = call(*c, to("http://" + std::string{host} + "/"));
    EXPECT_TRUE(result.error == transport_error::refused_by_guard || result.error == transport_error::dns) << host << ": " << result.detail;
    EXPECT_EQ(result.peer, "") << host;
  }
}

TEST(names, our_own_listener_is_refused) {
  auto s = start();
  auto guard = std::make_shared<egress_guard>(std::vector<cidr>{*cidr::parse("127.0.0.0/8")},
                                              std::vector<egress_guard::endpoint>{{address("127.0.0.1"), s->port()}});
  auto c = client::open({}, guard, always({address("127.0.0.1")}));
  EXPECT_EQ(call(*c, to(url("http", "127.0.0.1", s->port()))).error, transport_error::refused_by_guard);
  EXPECT_EQ(call(*c, to(url("http", "me.test", s->port()))).error, transport_error::refused_by_guard);
  EXPECT_EQ(s->counters().accepted, 0u);
}

TEST(names, one_that_does_not_exist_is_a_dns_error) {
  auto c = client::open({}, loopback_allowed(),
                        [](const std::string& host) -> tl::expected<addresses, std::string> { return tl::unexpected<std::string>{"no such host " + host}; });
  auto result = call(*c, to("http://nowhere.test/"));
  EXPECT_EQ(result.error, transport_error::dns);
  EXPECT_EQ(result.detail, "no such host nowhere.test");
  auto empty = client::open({}, loopback_allowed(), always({}));
  EXPECT_EQ(call(*empty, to("http://nowhere.test/")).error, transport_error::dns);
  auto throws = client::open({}, loopback_allowed(), [](const std::string&) -> tl::expected<addresses, std::string> { throw 1; });
  EXPECT_EQ(call(*throws, to("http://nowhere.test/")).error, transport_error::dns);
}

/// A resolver that is stuck until it is let go.
struct stuck_resolver {
  std::mutex mutex;
  std::condition_variable change;
  bool free = false;
  std::atomic<int> asked{0};

  client::resolver as_resolver() {
    return [this](const std::string&) -> tl::expected<addresses, std::string> {
      ++asked;
      std::unique_lock lock{mutex};
      change.wait(lock, [this] { return free; });
      return addresses{address("127.0.0.1")};
    };
  }
  void let_go() {
    std::lock_guard lock{mutex};
    free = true;
    change.notify_all();
  }
};

TEST(names, a_resolver_that_hangs_costs_the_time_for_names_and_no_more) {
  stuck_resolver names;
  client_options o;
  o.dns_time = 50ms;
  auto c = client::open(o, loopback_allowed(), names.as_resolver());
  auto result = call(*c, to("http://slow.test/"));
  EXPECT_EQ(result.error, transport_error::dns);
  auto e = to("http://slow.test/");
  e.deadline = 20ms;
  EXPECT_EQ(call(*c, e).error, transport_error::timeout);
  names.let_go();
  c.reset();
}

TEST(names, are_asked_once_for_all_who_wait) {
  auto s = start();
  stuck_resolver names;
  auto c = client::open({}, loopback_allowed(), names.as_resolver());
  std::vector<std::future<exchange_result>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(begin(*c, to(url("http", "hook.test", s->port()))));
  // All twenty were given to the worker before this one, whose answer shows that they have been looked at.
  auto marker = call(*c, to(url("http", "127.0.0.1", s->port())));
  EXPECT_EQ(marker.status, 200u);
  names.let_go();
  for (auto& f : all)
    EXPECT_EQ(wait(f).status, 200u);
  EXPECT_EQ(names.asked, 1);
}

// -- TLS ----------------------------------------------------------------------------

struct tls_pair {
  explicit tls_pair(const std::string& name, bool expired = false) : cert(name, expired), s(start(tls_files{cert.chain_file, cert.key_file})) {}
  certificate cert;
  std::unique_ptr<server> s;
};

std::unique_ptr<client> trusting(const std::string& ca) {
  client_options o;
  o.ca_file = ca;
  return client::open(o, loopback_allowed(), always({address("127.0.0.1")}));
}

TEST(tls, a_certificate_that_fits_is_accepted_and_the_connection_is_kept) {
  tls_pair p{"hook.test"};
  auto c = trusting(p.cert.chain_file);
  auto large = to(url("https", "hook.test", p.s->port()), std::string(200'000, 'x'));
  large.body_read = 1'000'000;
  auto first = call(*c, large);
  ASSERT_EQ(first.error, transport_error::none) << first.detail;
  EXPECT_EQ(first.status, 200u);
  EXPECT_EQ(first.tls_version, "TLSv1.3");
  const auto ends_in = first.certificate_expires - std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_GT(ends_in, 3'000) << "good for an hour";
  EXPECT_LT(ends_in, 3'700);
  EXPECT_GT(first.spent.tls_us, 0);
  EXPECT_EQ(find(first.headers, "X-Secure"), "yes");
  auto second = call(*c, to(url("https", "hook.test", p.s->port())));
  EXPECT_TRUE(second.reused);
  EXPECT_EQ(second.tls_version, "TLSv1.3");
  EXPECT_EQ(second.certificate_expires, first.certificate_expires) << "of the connection that was kept";
  EXPECT_EQ(second.spent.tls_us, 0);
  EXPECT_EQ(second.body, "hello");
}

TEST(tls, a_certificate_may_name_an_address) {
  tls_pair p{"127.0.0.1"};
  auto c = trusting(p.cert.chain_file);
  EXPECT_EQ(call(*c, to(url("https", "127.0.0.1", p.s->port()))).status, 200u);
}

TEST(tls, a_certificate_of_another_host_is_refused) {
  tls_pair p{"other.test"};
  auto c = trusting(p.cert.chain_file);
  auto result = call(*c, to(url("https", "hook.test", p.s->port())));
  EXPECT_EQ(result.error, transport_error::tls);
  EXPECT_NE(result.detail.find("certificate"), std::string::npos) << result.detail;
  EXPECT_EQ(p.s->counters().requests, 0u);
  auto literal = call(*c, to(url("https", "127.0.0.1", p.s->port())));
  EXPECT_EQ(literal.error, transport_error::tls);
}

TEST(tls, a_certificate_that_nobody_vouches_for_is_refused) {
  tls_pair p{"hook.test"};
  auto c = client::open({}, loopback_allowed(), always({address("127.0.0.1")}));
  auto result = call(*c, to(url("https", "hook.test", p.s->port())));
  EXPECT_EQ(result.error, transport_error::tls);
  EXPECT_EQ(p.s->counters().requests, 0u);
}

TEST(tls, an_expired_certificate_is_refused) {
  tls_pair p{"hook.test", true};
  auto c = trusting(p.cert.chain_file);
  auto result = call(*c, to(url("https", "hook.test", p.s->port())));
  EXPECT_EQ(result.error, transport_error::tls);
  EXPECT_NE(result.detail.find("expired"), std::string::npos) << result.detail;
}

TEST(tls, verification_can_be_switched_off) {
  tls_pair p{"other.test", true};
  client_options o;
  o.verify_tls = false;
  auto c = client::open(o, loopback_allowed(), always({address("127.0.0.1")}));
  EXPECT_EQ(call(*c, to(url("https", "hook.test", p.s->port()))).status, 200u);
}

TEST(tls, a_receiver_that_does_not_speak_it_is_a_tls_error) {
  auto s = start();
  auto c = trusting("");
  EXPECT_EQ(call(*c, to(url("https", "hook.test", s->port()))).error, transport_error::tls);
}

TEST(tls, a_handshake_that_hangs_ends_at_the_deadline) {
  raw_listener silent;
  auto c = trusting("");
  auto e = to(url("https", "hook.test", silent.port()));
  e.deadline = 100ms;
  auto result = call(*c, e);
  EXPECT_EQ(result.error, transport_error::timeout);
  EXPECT_NE(result.detail.find("TLS handshake"), std::string::npos) << result.detail;
}

TEST(tls, authorities_that_cannot_be_read_are_a_tls_error) {
  auto c = trusting("/nonexistent.pem");
  auto result = call(*c, to("https://hook.test/"));
  EXPECT_TRUE(result.error == transport_error::tls || result.error == transport_error::connect) << result.detail;
}

TEST(tls, a_client_that_does_not_speak_it_is_closed_and_the_server_goes_on) {
  tls_pair p{"hook.test"};
  auto plain = raw_socket::connect(p.s->port());
  plain.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  plain.rest();
  auto c = trusting(p.cert.chain_file);
  EXPECT_EQ(call(*c, to(url("https", "hook.test", p.s->port()))).status, 200u);
}

} // namespace
