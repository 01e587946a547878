#include "http/head.hpp"
#include "http/response_reader.hpp"
#include "http/stream.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::http;
using progress = response_reader::progress;

struct outcome {
  progress how = progress::more;
  exchange_result result;
  bool stays_open = false;
  bool ended = false;
  std::string why;
};

outcome read(std::string_view bytes, std::size_t step = 1'000'000, exchange asked = {}, bool to_head = false) {
  outcome o;
  response_reader reader{o.result, asked, to_head};
  std::string waiting;
  while (o.how == progress::more && !bytes.empty()) {
    auto take = std::min(step, bytes.size());
    waiting.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    std::size_t used = 0;
    o.how = reader.feed(waiting.data(), waiting.size(), used);
    waiting.erase(0, used);
  }
  if (o.how == progress::done)
    o.stays_open = reader.stays_open();
  else if (o.how == progress::more)
    o.ended = reader.feed_end();
  o.why = reader.why();
  return o;
}

TEST(response_reader, reads_an_answer_the_same_in_any_pieces) {
  for (std::size_t step : {1u, 3u, 1'000u}) {
    auto o = read("HTTP/1.1 201 Created\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n", step);
    ASSERT_EQ(o.how, progress::done) << o.why;
    EXPECT_EQ(o.result.status, 201u);
    EXPECT_EQ(o.result.headers, (fields{{"X-A", "1"}, {"Transfer-Encoding", "chunked"}}));
    EXPECT_EQ(o.result.body, "abc");
    EXPECT_FALSE(o.result.truncated);
    EXPECT_TRUE(o.stays_open);
  }
}

TEST(response_reader, an_empty_chunked_body_may_end_in_any_pieces) {
  for (std::size_t step : {1u, 2u, 3u, 4u, 5u, 100u})
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", step).how, progress::done) << step;
}

TEST(response_reader, an_endless_body_ends_at_the_cap) {
  exchange asked;
  asked.body_kept = 10;
  asked.body_read = 100;
  auto o = read("HTTP/1.1 200 OK\r\n\r\n" + std::string(1'000, 'x'), 16, asked);
  EXPECT_EQ(o.how, progress::done);
  EXPECT_EQ(o.result.body, std::string(10, 'x'));
  EXPECT_TRUE(o.result.truncated);
  EXPECT_FALSE(o.stays_open);
}

TEST(response_reader, a_body_over_what_is_kept_is_read_to_its_end) {
  exchange asked;
  asked.body_kept = 10;
  asked.body_read = 100;
  auto o = read("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + std::string(50, 'x'), 7, asked);
  EXPECT_EQ(o.how, progress::done);
  EXPECT_EQ(o.result.body.size(), 10u);
  EXPECT_TRUE(o.result.truncated);
  EXPECT_TRUE(o.stays_open);
}

TEST(response_reader, a_body_without_a_length_ends_with_the_connection) {
  auto o = read("HTTP/1.1 200 OK\r\n\r\nabc");
  EXPECT_EQ(o.how, progress::more);
  EXPECT_TRUE(o.ended);
  EXPECT_EQ(o.result.body, "abc");
}

TEST(response_reader, a_body_cut_short_is_not_whole) {
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc").ended);
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab").ended);
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nX: ").ended);
  EXPECT_FALSE(read("HTTP/1.1 2").ended);
}

TEST(response_reader, no_body_follows_a_head_request_a_204_or_a_304) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1'000, {}, true).how, progress::done);
  EXPECT_EQ(read("HTTP/1.1 204 No\r\n\r\n").how, progress::done);
  EXPECT_EQ(read("HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n").how, progress::done);
}

TEST(response_reader, interim_answers_are_told_apart) {
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\n").how, progress::interim);
  EXPECT_EQ(read("HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n").how, progress::interim);
  auto o = read("HTTP/1.1 101 Switching\r\n\r\n");
  EXPECT_EQ(o.how, progress::done);
  EXPECT_FALSE(o.stays_open);
}

TEST(response_reader, what_is_not_http_is_malformed) {
  for (std::string_view text : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 xyz OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
                                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "\x15\x03\x01\x02\x02\x46 and more bytes to read"}) {
    auto o = read(text);
    EXPECT_EQ(o.how, progress::malformed) << text;
    EXPECT_FALSE(o.why.empty());
  }
}

TEST(response_reader, a_header_over_32_kib_is_malformed) {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 40; ++i)
    many += "X: " + std::string(1'000, 'x') + "\r\n";
  EXPECT_EQ(read(many + "\r\n", 500).how, progress::malformed);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n").how, progress::malformed);
}

TEST(head, a_value_cannot_split_an_answer) {
  response answer;
  answer.headers = {{"X-A", "1\r\nX-B: 2"}, {"bad name", "x"}, {"X\r\nY", "z"}, {"Content-Length", "99"}, {"transfer-encoding", "chunked"}};
  answer.body = "abc";
  std::string out;
  append_head(out, answer, {.date = "Date: now\r\n"});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nDate: now\r\nX-A: 1  X-B: 2\r\nContent-Length: 3\r\n\r\n");
}

TEST(head, a_status_without_a_body_has_no_length) {
  response answer;
  answer.status = 204;
  std::string out;
  append_head(out, answer, {.keep_alive = false});
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST(head, the_date_is_in_the_form_of_the_standard) {
  date_line d;
  EXPECT_EQ(d.at(784'111'777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(d.at(784'111'778), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
}

TEST(head, a_request_has_one_host_one_length_and_our_name) {
  exchange what;
  what.headers = {{"Host", "evil"}, {"content-length", "9"}, {"X", "1"}};
  what.body = "ab";
  std::string out;
  EXPECT_EQ(append_request_head(out, what, *parse_url("http://[::1]:81/a"), "H/1"), "");
  EXPECT_EQ(out, "POST /a HTTP/1.1\r\nHost: [::1]:81\r\nX: 1\r\nUser-Agent: H/1\r\nContent-Length: 2\r\n\r\n");
}

TEST(head, a_request_that_would_break_is_not_sent) {
  auto to = *parse_url("http://h/");
  exchange what;
  std::string out;
  what.headers = {{"X", "a\r\nb"}};
  EXPECT_NE(append_request_head(out, what, to, ""), "");
  what.headers = {{"X y", "a"}};
  EXPECT_NE(append_request_head(out, what, to, ""), "");
  what.headers = {};
  what.method = "GET /x";
  EXPECT_NE(append_request_head(out, what, to, ""), "");
}

TEST(event, line_ends_in_its_parts_cannot_make_another_event) {
  std::string out;
  append_event(out, "1\n2", "a\rb", "one\ntwo\r\nthree\rfour\n");
  EXPECT_EQ(out, "id: 12\nevent: ab\ndata: one\ndata: two\ndata: three\ndata: four\ndata: \n\n");
}

} // namespace
