#include "http/egress.hpp"
#include "tests/integration/http/serving.hpp"

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

TEST(server, stop_lets_requests_finish_and_closes_the_idle) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  auto idle = raw_socket::connect(s->port());
  auto busy = raw_socket::connect(s->port());
  busy.say(get("/"));
  auto held = waiting.take();
  std::thread stopping{[&] { s->stop(10s); }};
  EXPECT_EQ(idle.rest(), "");
  EXPECT_FALSE(raw_socket::connect(s->port()).good()) << "the port is closed";
  held.second.send({200, {}, "done"});
  auto answer = busy.rest();
  EXPECT_EQ(body_of(answer), "done");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  busy.close();
  stopping.join();
  EXPECT_EQ(s->counters().open, 0u);
  s->stop(1s);
}

TEST(server, a_reply_may_outlive_its_server) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  auto c = client_that_says(*s, get("/1"));
  auto held = waiting.take();
  s->stop(0ms);
  EXPECT_TRUE(c.ended());
  s.reset();
  held.second.send({200, {}, "nobody"});
}

TEST(server, tells_the_address_it_is_bound_to_so_that_the_guard_keeps_webhooks_off_it) {
  for (const auto* name : {"localhost", "127.0.0.1", ""}) {
    server_options o;
    o.address = name;
    auto s = start(echo, o);
    const egress_guard guard{{*cidr::parse("127.0.0.0/8"), *cidr::parse("::1/128")}, {{s->address(), s->port()}}};
    const auto own = s->address() == std::array<std::uint8_t, 16>{} || name == std::string_view{""} ? cidr::parse("127.0.0.1")->network : s->address();
    EXPECT_NE(guard.refusal(own, s->port()).find("this server itself"), std::string::npos) << "listening on '" << name << "'";
    EXPECT_EQ(guard.refusal(own, static_cast<std::uint16_t>(s->port() + 1)), "");
  }
}

TEST(server, says_why_it_cannot_be_opened) {
  auto first = start(echo);
  server_options o;
  o.port = first->port();
  auto second = server::open(o, echo);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("cannot listen"), std::string::npos);
  o.port = 0;
  o.address = "no such address";
  EXPECT_FALSE(server::open(o, echo));
  o.address = "127.0.0.1";
  o.tls = tls_files{"/nonexistent.pem", "/nonexistent.key"};
  EXPECT_FALSE(server::open(o, echo));
}

} // namespace
