#include "tests/integration/http/serving.hpp"

#include <stdexcept>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

TEST(server, a_dropped_reply_answers_abandoned) {
  auto s = start([](auto, reply to) { reply gone{std::move(to)}; });
  auto c = client_that_says(*s, get("/"));
  auto answer = c.message();
  EXPECT_EQ(status_of(answer), 503u);
  EXPECT_NE(answer.find("/problems/abandoned"), std::string::npos);
}

TEST(server, a_reply_dropped_on_another_thread_answers_abandoned) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  auto c = client_that_says(*s, get("/"));
  { auto dropped = waiting.take(); }
  EXPECT_EQ(status_of(c.message()), 503u);
}

TEST(server, an_exception_in_the_handler_is_500_and_the_connection_goes_on) {
  shelf kept;
  auto s = start([&](std::shared_ptr<const request> r, reply to) {
    if (r->target == "/throw")
      throw std::runtime_error{"secret"};
    if (r->target == "/keep-and-throw") {
      kept.put(r, std::move(to));
      throw 42;
    }
    echo(r, std::move(to));
    if (r->target == "/answer-and-throw")
      throw std::runtime_error{"late"};
  });
  auto c = client_that_says(*s, get("/throw") + get("/answer-and-throw") + get("/keep-and-throw") + get("/fine"));
  auto answer = c.message();
  EXPECT_EQ(status_of(answer), 500u);
  EXPECT_EQ(answer.find("secret"), std::string::npos);
  EXPECT_EQ(body_of(c.message()), "/answer-and-throw|");
  EXPECT_EQ(status_of(c.message()), 500u);
  EXPECT_EQ(body_of(c.message()), "/fine|");
  kept.take().second.send({200, {}, "too late"});
  c.say(get("/after"));
  EXPECT_EQ(body_of(c.message()), "/after|");
}

TEST(server, an_impossible_status_becomes_500) {
  auto s = start([](auto, reply to) { to.send({99, {}, "x"}); });
  auto c = client_that_says(*s, get("/"));
  EXPECT_EQ(status_of(c.message()), 500u);
}

} // namespace
