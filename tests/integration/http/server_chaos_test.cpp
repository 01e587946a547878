// Answers that go wrong on purpose.
#include "tests/integration/http/serving.hpp"

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

std::unique_ptr<server> breaking(wire_fault fault, server_options options = {}) {
  return start(
    [fault](auto, reply to) {
      response answer;
      answer.body = "whole";
      answer.fault = fault;
      to.send(std::move(answer));
    },
    std::move(options));
}

TEST(broken_answers, an_empty_one_ends_the_connection_without_a_byte) {
  auto s = breaking(wire_fault::empty);
  auto c = client_that_says(*s, get("/"));
  char byte = 0;
  EXPECT_EQ(::recv(c.fd(), &byte, 1, 0), 0);
}

TEST(broken_answers, a_reset_is_one) {
  auto s = breaking(wire_fault::reset);
  auto c = client_that_says(*s, get("/"));
  char byte = 0;
  EXPECT_EQ(::recv(c.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST(broken_answers, a_malformed_one_begins_well) {
  auto s = breaking(wire_fault::malformed);
  auto text = client_that_says(*s, get("/")).rest();
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text;
  EXPECT_NE(text.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_TRUE(text.ends_with("not a chunk\r\n"));
}

TEST(broken_answers, garbage_is_no_http) {
  auto s = breaking(wire_fault::garbage);
  auto text = client_that_says(*s, get("/")).rest();
  EXPECT_EQ(text.size(), 256u);
  EXPECT_EQ(text.find("HTTP"), std::string::npos);
}

TEST(broken_answers, a_dropped_one_never_comes_until_the_time_to_write_is_over) {
  server_options options;
  options.write_time = 300ms;
  auto s = breaking(wire_fault::drop, std::move(options));
  const auto begun = std::chrono::steady_clock::now();
  auto c = client_that_says(*s, get("/") + get("/again"));
  EXPECT_EQ(c.rest(), "");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 250ms);
  EXPECT_EQ(s->counters().requests, 1u) << "what comes behind it is not looked at";
}

TEST(broken_answers, a_server_that_stops_does_not_wait_for_a_dropped_one) {
  auto s = breaking(wire_fault::drop);
  auto c = client_that_says(*s, get("/"));
  EXPECT_TRUE(eventually([&] { return s->counters().requests == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  s->stop(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST(broken_answers, a_body_dribbles_over_its_time_and_comes_whole_and_the_connection_goes_on) {
  for (const std::size_t size : {std::size_t{3}, std::size_t{1'000}, std::size_t{300'000}}) {
    auto s = start([size](auto r, reply to) {
      response answer;
      answer.body = std::string(size, 'x');
      if (r->target == "/slow")
        answer.dribble = 300ms;
      to.send(std::move(answer));
    });
    const auto begun = std::chrono::steady_clock::now();
    auto c = client_that_says(*s, get("/slow") + get("/fast"));
    auto head = c.until("\r\n\r\n");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 250ms) << "the head does not wait";
    auto body = c.until(std::string(size, 'x')).size();
    EXPECT_EQ(body, size);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms) << size;
    EXPECT_EQ(body_of(c.message()).size(), size);
  }
}

} // namespace
