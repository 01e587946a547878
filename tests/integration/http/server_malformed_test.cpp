#include "tests/integration/http/serving.hpp"

#include <atomic>

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

struct wrong {
  const char* text;
  unsigned status;
};
class malformed_request : public ::testing::TestWithParam<wrong> {};

TEST_P(malformed_request, gets_a_problem_document_and_a_close) {
  std::atomic<int> seen{0};
  auto s = start([&](auto r, auto to) {
    ++seen;
    echo(std::move(r), std::move(to));
  });
  auto c = client_that_says(*s, GetParam().text);
  auto answer = c.rest();
  EXPECT_EQ(status_of(answer), GetParam().status) << answer;
  EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(seen, 0);
  auto d = client_that_says(*s, get("/alive"));
  EXPECT_EQ(status_of(d.message()), 200u);
}

INSTANTIATE_TEST_SUITE_P(all, malformed_request,
                         ::testing::Values(wrong{"nonsense\r\n\r\n", 400}, wrong{"GET / HTTP/3.0\r\n\r\n", 505}, wrong{"GET / HTTP/1.1\nHost: h\n\n", 400},
                                           wrong{"GET / HTTP/1.1\r\n\r\n", 400},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
                                           wrong{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
                                           wrong{"GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", 417}));

TEST(server, random_bytes_never_stop_it) {
  auto s = start(echo);
  std::uint64_t seed = 88'172'645'463'325'252ull;
  auto next = [&] {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
  };
  static constexpr std::string_view words[] = {"GET ", "POST ", "/", " HTTP/1.1\r\n", "Host: h\r\n", "\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
                                               "5\r\n", "hello", "0\r\n\r\n", "\n", "\r", ": ", "Expect: 100-continue\r\n", "Connection: close\r\n"};
  for (int i = 0; i < 300; ++i) {
    auto c = raw_socket::connect(s->port());
    std::string text;
    for (int k = 0; k < 12; ++k)
      if (next() % 8 == 0)
        text.push_back(static_cast<char>(next()));
      else
        text += words[next() % std::size(words)];
    c.say(text);
    if (i % 3 == 0)
      c.reset();
    else if (i % 3 == 1)
      c.end_writing(), c.rest();
  }
  auto c = client_that_says(*s, get("/alive"));
  EXPECT_EQ(status_of(c.message()), 200u);
}

} // namespace
