#include "http/request_reader.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::http;
using progress = request_reader::progress;

struct outcome {
  progress how = progress::more;
  request read;
  refusal why;
  bool stays_open = false;
  std::string rest;
};

/// Feeds `bytes` in pieces of `step`, as a connection would.
outcome read(std::string_view bytes, std::size_t step = 1'000'000, request_limits limits = {}, std::size_t credit = 1 << 30) {
  credit_pool pool{credit};
  outcome o;
  {
    request_reader reader{o.read, limits, pool};
    std::string waiting;
    while (o.how == progress::more && !(bytes.empty() && waiting.empty())) {
      auto take = std::min(step, bytes.size());
      waiting.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      std::size_t used = 0;
      o.how = reader.feed(waiting.data(), waiting.size(), used);
      waiting.erase(0, used);
      if (o.how == progress::more && bytes.empty())
        break;
    }
    o.why = reader.why();
    if (o.how == progress::done)
      o.stays_open = reader.stays_open();
    o.rest = waiting + std::string{bytes};
  }
  EXPECT_EQ(pool.used(), 0u) << "credit leaked";
  return o;
}

TEST(request_reader, reads_a_request_the_same_in_any_pieces) {
  std::string text = "POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-A:  1 \r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: t\r\n\r\n";
  for (std::size_t step : {1u, 2u, 3u, 7u, 50u, 1'000u}) {
    auto o = read(text, step);
    ASSERT_EQ(o.how, progress::done) << step << " " << o.why.detail;
    EXPECT_EQ(o.read.method, "POST");
    EXPECT_EQ(o.read.target, "/a?b=c");
    EXPECT_EQ(o.read.headers, (fields{{"Host", "h"}, {"X-A", "1"}, {"Transfer-Encoding", "chunked"}})) << "trailers are no headers";
    EXPECT_EQ(o.read.body, "hello!");
    EXPECT_TRUE(o.stays_open);
    EXPECT_EQ(o.rest, "");
  }
}

TEST(request_reader, an_empty_chunked_body_may_end_in_any_pieces) {
  for (std::string_view end : {"0\r\n\r\n", "0\r\nT: 1\r\n\r\n", "00\r\n\r\n", "0;x\r\n\r\n", "4\r\n0\r\na\r\n0\r\n\r\n"})
    for (std::size_t step : {1u, 2u, 3u, 4u, 5u, 100u}) {
      auto o = read("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string{end}, step);
      ASSERT_EQ(o.how, progress::done) << end << " in steps of " << step;
      EXPECT_EQ(o.read.body, end.starts_with('4') ? "0\r\na" : "");
    }
  EXPECT_EQ(read("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\naSc", 1).how, progress::more);
}

TEST(request_reader, leaves_the_next_request_alone) {
  auto o = read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n");
  ASSERT_EQ(o.how, progress::done);
  EXPECT_EQ(o.read.body, "ab");
  EXPECT_EQ(o.rest, "GET /2 HTTP/1.1\r\n");
}

struct refused_case {
  const char* text;
  unsigned status;
};
class refused_request : public testing::TestWithParam<refused_case> {};

TEST_P(refused_request, gets_its_status_in_any_pieces) {
  for (std::size_t step : {1u, 5u, 100'000u}) {
    auto o = read(GetParam().text, step);
    ASSERT_EQ(o.how, progress::refused) << GetParam().text;
    EXPECT_EQ(o.why.status, GetParam().status) << GetParam().text << " (" << o.why.detail << ")";
    EXPECT_FALSE(o.why.detail.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    smuggling, refused_request,
    testing::Values(refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 6\r\n\r\nhello", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\na", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 1\r\n\r\na", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 501},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
                    refused_case{"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400},
                    refused_case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400}));

INSTANTIATE_TEST_SUITE_P(
    lines, refused_request,
    testing::Values(refused_case{"GET / HTTP/1.1\r\n\r\n", 400}, refused_case{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
                    refused_case{"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505}, refused_case{"GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
                    refused_case{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505}, refused_case{"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                    refused_case{"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                    refused_case{"GET foo HTTP/1.1\r\nHost: h\r\n\r\n", 400}, refused_case{"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                    refused_case{"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400}, refused_case{"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                    refused_case{"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400}, refused_case{"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
                    refused_case{"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400}, refused_case{"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
                    refused_case{"GET / HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n", 400}, refused_case{"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400},
                    refused_case{"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01z\r\n\r\n", 400},
                    refused_case{"GET / HTTP/1.1\r\nHost: h\r\nExpect: cake\r\n\r\n", 417}));

TEST(request_reader, a_bare_line_feed_ends_no_line) {
  EXPECT_EQ(read("GET / HTTP/1.1\nHost: h\n\n").why.status, 400u);
  EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n").why.status, 400u);
  EXPECT_NE(read("GET / HTTP/1.1\nHost: h\n\n", 1).how, progress::done) << "in pieces Beast waits for a CRLF; the deadline ends that";
}

TEST(request_reader, absolute_form_loses_its_authority_which_becomes_host) {
  auto o = read("GET http://real.example:81/x?y HTTP/1.1\r\nHost: other\r\n\r\n");
  ASSERT_EQ(o.how, progress::done) << o.why.detail;
  EXPECT_EQ(o.read.target, "/x?y");
  EXPECT_EQ(find(o.read.headers, "Host"), "real.example:81");
  EXPECT_EQ(read("GET http://h?y HTTP/1.1\r\nHost: h\r\n\r\n").read.target, "/?y");
  EXPECT_EQ(read("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").read.target, "*");
}

TEST(request_reader, http_10_needs_no_host_and_closes_unless_asked) {
  auto o = read("GET / HTTP/1.0\r\n\r\n");
  ASSERT_EQ(o.how, progress::done);
  EXPECT_FALSE(o.stays_open);
  EXPECT_TRUE(read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").stays_open);
  EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").stays_open);
}

TEST(request_reader, limits_are_named) {
  request_limits small{1'000, 100};
  auto head = std::string{"POST / HTTP/1.1\r\nHost: h\r\n"};
  EXPECT_EQ(read(head + "X: " + std::string(2'000, 'a') + "\r\n\r\n", 64, small).why.status, 431u);
  EXPECT_EQ(read(head + "X: " + std::string(2'000, 'a') + "\r\n\r\n", 100'000, small).why.status, 431u);
  EXPECT_EQ(read("GET /" + std::string(2'000, 'a') + " HTTP/1.1\r\n\r\n", 100'000, small).why.status, 414u);
  EXPECT_EQ(read("GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n").why.status, 414u);
  EXPECT_EQ(read(head + "Content-Length: 101\r\n\r\n", 64, small).why.status, 413u);
  EXPECT_EQ(read(head + "Content-Length: 100\r\n\r\n" + std::string(100, 'b'), 64, small).how, progress::done);
  EXPECT_EQ(read(head + "Transfer-Encoding: chunked\r\n\r\n40\r\n" + std::string(64, 'b') + "\r\n40\r\n", 7, small).why.status, 413u);
  std::string many = head;
  for (int i = 0; i < 300; ++i)
    many += "a:b\r\n";
  EXPECT_EQ(read(many + "\r\n").why.status, 431u);
}

TEST(request_reader, a_body_without_credit_is_refused_before_it_is_read) {
  auto o = read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n", 1'000'000, {}, 1'000);
  EXPECT_EQ(o.how, progress::refused);
  EXPECT_EQ(o.why.status, 503u);
  auto chunk = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2'000, 'x');
  EXPECT_EQ(read(chunk, 1'000'000, {}, 1'000).why.status, 503u);
}

TEST(request_reader, a_body_is_paid_for_as_it_comes_and_not_when_it_is_announced) {
  credit_pool pool{256 << 20};
  request_limits limits;
  const std::string_view head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n";
  std::vector<std::unique_ptr<request>> requests;
  std::vector<std::unique_ptr<request_reader>> silent;
  std::size_t used = 0;
  for (int i = 0; i < 100; ++i) {
    requests.push_back(std::make_unique<request>());
    silent.push_back(std::make_unique<request_reader>(*requests.back(), limits, pool));
    ASSERT_EQ(silent.back()->feed(head.data(), head.size(), used), progress::more) << "of client " << i;
    EXPECT_LE(requests.back()->body.capacity(), 128U << 10) << "nor is memory taken for what may never come";
  }
  EXPECT_LT(pool.used(), 100'000U);
  const std::string part(50'000, 'x');
  const auto before = pool.used();
  ASSERT_EQ(silent[0]->feed(part.data(), part.size(), used), progress::more);
  EXPECT_EQ(used, part.size());
  EXPECT_EQ(pool.used() - before, part.size());
}

TEST(request_reader, a_body_that_outgrows_the_credit_left_is_refused_in_the_middle) {
  credit_pool pool{10'000};
  request_limits limits;
  request into;
  request_reader reader{into, limits, pool};
  const std::string_view head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n";
  std::size_t used = 0;
  ASSERT_EQ(reader.feed(head.data(), head.size(), used), progress::more);
  credit other{pool};
  ASSERT_TRUE(other.grow(9'000));
  const std::string body(8'000, 'x');
  EXPECT_EQ(reader.feed(body.data(), body.size(), used), progress::refused);
  EXPECT_EQ(reader.why().status, 503U);
}

TEST(request_reader, a_reused_request_keeps_nothing_of_the_one_before) {
  credit_pool pool{1 << 20};
  request_limits limits;
  request into;
  for (std::string_view text : {"POST /1 HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\nContent-Length: 3\r\n\r\nabc", "GET /2 HTTP/1.1\r\nHost: i\r\n\r\n"}) {
    request_reader reader{into, limits, pool};
    std::size_t used = 0;
    ASSERT_EQ(reader.feed(text.data(), text.size(), used), progress::done);
  }
  EXPECT_EQ(into.method, "GET");
  EXPECT_EQ(into.target, "/2");
  EXPECT_EQ(into.headers, (fields{{"Host", "i"}}));
  EXPECT_EQ(into.body, "");
}

} // namespace
