#include "tests/integration/http/serving.hpp"

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;

struct streams {
  std::mutex mutex;
  std::condition_variable more;
  std::shared_ptr<event_stream> last;
  handler as_handler() {
    return [this](auto, reply to) {
      std::lock_guard lock{mutex};
      last = to.stream({{"X-A", "1"}});
      more.notify_all();
    };
  }
  std::shared_ptr<event_stream> take() {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(more.wait_for(lock, 10s, [this] { return last != nullptr; }));
    return std::exchange(last, nullptr);
  }
};

TEST(event_stream, events_arrive_and_close_ends_the_answer) {
  streams open;
  auto s = start(open.as_handler());
  auto c = client_that_says(*s, get("/"));
  auto head = c.until("\r\n\r\n");
  EXPECT_EQ(status_of(head), 200u);
  EXPECT_NE(head.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-A: 1\r\n"), std::string::npos);
  auto stream = open.take();
  ASSERT_TRUE(stream);
  EXPECT_TRUE(stream->send("1", "message", "hello"));
  EXPECT_EQ(c.until("\n\n"), "id: 1\nevent: message\ndata: hello\n\n");
  EXPECT_TRUE(stream->send("2", "", "a\nb"));
  EXPECT_TRUE(stream->send("3", "", "last"));
  stream->close();
  EXPECT_FALSE(stream->open());
  EXPECT_FALSE(stream->send("4", "", "never"));
  EXPECT_EQ(c.rest(), "id: 2\ndata: a\ndata: b\n\nid: 3\ndata: last\n\n");
}

TEST(event_stream, a_client_that_leaves_closes_it) {
  streams open;
  auto s = start(open.as_handler());
  auto c = client_that_says(*s, get("/"));
  c.until("\r\n\r\n");
  auto stream = open.take();
  c.close();
  EXPECT_TRUE(eventually([&] { return !stream->open(); }));
  EXPECT_FALSE(stream->send("", "", "x"));
}

TEST(event_stream, a_client_that_is_too_slow_is_dropped) {
  streams open;
  auto s = start(open.as_handler());
  auto c = raw_socket::connect(s->port(), 1'024);
  c.say(get("/"));
  c.until("\r\n\r\n");
  auto stream = open.take();
  std::string data(64 * 1024, 'x');
  int sent = 0;
  while (stream->send("", "", data) && sent < 10'000)
    ++sent;
  EXPECT_LT(sent, 10'000);
  EXPECT_FALSE(stream->open());
  EXPECT_TRUE(eventually([&] { return s->counters().open == 0; }));
}

TEST(event_stream, dropping_it_ends_the_answer_and_stop_ends_it_too) {
  streams open;
  auto s = start(open.as_handler());
  auto c = client_that_says(*s, get("/"));
  c.until("\r\n\r\n");
  open.take().reset();
  EXPECT_EQ(c.rest(), "");
  c.close();
  auto d = client_that_says(*s, get("/"));
  d.until("\r\n\r\n");
  auto stream = open.take();
  stream->send("", "", "x");
  std::thread stopping{[&] { s->stop(10s); }};
  EXPECT_EQ(d.rest(), "data: x\n\n");
  d.close();
  stopping.join();
  EXPECT_FALSE(stream->open());
}

TEST(event_stream, opened_for_a_client_that_has_gone_is_closed) {
  shelf waiting;
  auto s = start(waiting.as_handler());
  auto held = waiting.waiting.size();
  EXPECT_EQ(held, 0u);
  auto c = client_that_says(*s, get("/"));
  auto [r, to] = waiting.take();
  s->stop(0ms);
  auto stream = to.stream();
  EXPECT_FALSE(stream->open());
}

} // namespace
