#include "webhook/dispatcher.hpp"
#include "webhook/retry_policy.hpp"

#include "events/digest.hpp"
#include "http/client.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// The dispatcher on the real client, against receivers that are raw sockets and do what no HTTP library would.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;

/// Answers one connection after the other with `behave(socket, request)`, on a thread of its own.
class receiver {
public:
  using behaviour = std::function<void(int socket, const std::string& request)>;

  explicit receiver(behaviour behave) : behave_(std::move(behave)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      std::abort();
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }

  ~receiver() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }

private:
  void serve() {
    while (true) {
      int s = ::accept(listener_, nullptr, nullptr);
      if (s < 0)
        return;
      behave_(s, read_request(s));
      ::close(s);
    }
  }

  static std::string read_request(int s) {
    std::string all;
    char buffer[4096];
    while (true) {
      if (auto head = all.find("\r\n\r\n"); head != std::string::npos) {
        auto at = all.find("ontent-Length: ");
        auto length = at == std::string::npos ? 0 : std::stoul(all.substr(at + 15));
        if (all.size() >= head + 4 + length)
          return all;
      }
      auto n = ::recv(s, buffer, sizeof buffer, 0);
      if (n <= 0)
        return all;
      all.append(buffer, static_cast<std::size_t>(n));
    }
  }

  behaviour behave_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

void say(int s, const std::string& text) { (void)::send(s, text.data(), text.size(), MSG_NOSIGNAL); }

receiver::behaviour answering(std::string text) {
  return [text = std::move(text)](int s, const std::string&) { say(s, text); };
}

class dispatching : public testing::Test {
protected:
  dispatching()
      : guard_(std::make_shared<const http::egress_guard>(std::vector{*http::cidr::parse("127.0.0.0/8")}, std::vector<http::egress_guard::endpoint>{})),
        client_(http::client::open({}, guard_)) {}
  ~dispatching() override { client_->stop(0ms); }

  attempt_result send(const std::string& url, std::chrono::milliseconds deadline = 10s) {
    start what;
    what.token = 1;
    what.message = std::make_shared<const message_ref>(message_ref{"msg_1", 1, "t", 7});
    what.url = url;
    what.headers = {{"X-Mine", "yes", false}};
    what.keys = {key_};
    what.deadline = deadline;
    dispatcher d{*client_};
    std::promise<attempt_result> promise;
    auto future = promise.get_future();
    d.send(what, body_, now_us_, [&promise](fencing_token, attempt_result r) { promise.set_value(std::move(r)); });
    return future.get();
  }

  static bool is_delivered(const attempt_result& r) {
    return std::holds_alternative<delivered>(classify(r.answer.status, r.answer.error, std::nullopt));
  }

  signing_key key_ = signing_key::generate({1});
  std::string body_ = R"({"a":1})";
  std::int64_t now_us_ = 1'700'000'000'000'000;
  std::shared_ptr<const http::egress_guard> guard_;
  std::unique_ptr<http::client> client_;
};

/// The value of a header in the request as it came over the wire.
std::string header_of(const std::string& request, const std::string& name) {
  auto at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos)
    return {};
  at += name.size() + 4;
  return request.substr(at, request.find("\r\n", at) - at);
}

TEST_F(dispatching, a_good_receiver_gets_the_exact_body_with_a_signature_that_verifies) {
  std::promise<std::string> seen;
  receiver r([&seen](int s, const std::string& request) {
    seen.set_value(request);
    say(s, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Seen: 1\r\n\r\nfine");
  });
  auto got = send(r.url());
  auto request = seen.get_future().get();
  EXPECT_TRUE(request.starts_with("POST /hook HTTP/1.1\r\n"));
  EXPECT_TRUE(request.ends_with("\r\n\r\n" + body_));
  EXPECT_EQ(header_of(request, "X-Mine"), "yes");
  for (std::string prefix : {"webhook-", "svix-"})
    EXPECT_EQ(verify(key_, header_of(request, prefix + "id"), header_of(request, prefix + "timestamp"), header_of(request, prefix + "signature"), body_, 1'700'000'000),
              verdict::ok);
  EXPECT_TRUE(is_delivered(got));
  EXPECT_EQ(got.answer.body, "fine");
  EXPECT_EQ(http::find(got.answer.headers, "x-seen"), "1");
  EXPECT_TRUE(got.answer.peer.starts_with("127.0.0.1:"));
  EXPECT_GE(got.answer.spent.total_us, got.answer.spent.connect_us);
  EXPECT_EQ(got.body_sha256, events::sha256({body_}));
}

TEST_F(dispatching, a_failure_is_recorded_with_its_status_and_body) {
  receiver r(answering("HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad"));
  auto got = send(r.url());
  EXPECT_FALSE(is_delivered(got));
  EXPECT_EQ(got.answer.status, 500U);
  EXPECT_EQ(got.answer.body, "bad");
  EXPECT_EQ(got.answer.error, http::transport_error::none);
}

TEST_F(dispatching, a_redirect_is_not_followed) {
  std::atomic<int> reached = 0;
  receiver elsewhere([&reached](int s, const std::string&) {
    ++reached;
    say(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  receiver r(answering("HTTP/1.1 301 Moved\r\nLocation: " + elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n"));
  auto got = send(r.url());
  EXPECT_EQ(got.answer.status, 301U);
  EXPECT_FALSE(is_delivered(got));
  EXPECT_EQ(http::find(got.answer.headers, "location"), elsewhere.url());
  EXPECT_EQ(reached, 0);
}

TEST_F(dispatching, gone_and_retry_after_come_through) {
  receiver r(answering("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(std::holds_alternative<gone>(classify(send(r.url()).answer.status, http::transport_error::none, std::nullopt)));
  receiver busy(answering("HTTP/1.1 429 Slow Down\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"));
  auto got = send(busy.url());
  EXPECT_EQ(got.answer.status, 429U);
  EXPECT_EQ(parse_retry_after(http::find(got.answer.headers, "retry-after"), got.timestamp), 120s);
}

TEST_F(dispatching, a_reset_is_recorded_as_one) {
  receiver r([](int s, const std::string&) {
    linger now{1, 0};
    (void)::setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now); // close sends RST
  });
  auto got = send(r.url());
  EXPECT_EQ(got.answer.error, http::transport_error::reset);
  EXPECT_EQ(got.answer.status, 0U);
  EXPECT_FALSE(got.answer.detail.empty());
}

TEST_F(dispatching, an_answer_that_is_cut_off_is_no_success) {
  receiver r(answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"));
  auto got = send(r.url());
  EXPECT_NE(got.answer.error, http::transport_error::none);
  EXPECT_FALSE(is_delivered(got));
}

TEST_F(dispatching, what_is_not_http_is_recorded_as_malformed) {
  receiver r(answering("220 smtp.test ESMTP\r\n\r\n"));
  auto got = send(r.url());
  EXPECT_EQ(got.answer.error, http::transport_error::malformed);
}

TEST_F(dispatching, a_hanging_receiver_costs_its_deadline_and_no_more) {
  std::promise<void> done;
  auto until = done.get_future().share();
  receiver r([until](int, const std::string&) { until.wait(); });
  auto got = send(r.url(), 200ms);
  EXPECT_EQ(got.answer.error, http::transport_error::timeout);
  EXPECT_EQ(got.answer.status, 0U);
  EXPECT_FALSE(got.answer.detail.empty());
  done.set_value();
}

TEST_F(dispatching, an_endless_body_is_cut_and_kept_in_part) {
  receiver r([](int s, const std::string&) {
    say(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
    while (::send(s, chunk.data(), chunk.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  auto got = send(r.url());
  EXPECT_TRUE(got.answer.truncated);
  EXPECT_TRUE(is_delivered(got)) << "it said 200; how much more it had to say is its affair";
  EXPECT_EQ(got.answer.body.size(), 16U * 1024U);
}

TEST_F(dispatching, nobody_listening_is_a_connect_error) {
  std::string url;
  {
    receiver gone_by_now(answering(""));
    url = gone_by_now.url();
  }
  auto got = send(url);
  EXPECT_EQ(got.answer.error, http::transport_error::connect);
}

TEST_F(dispatching, an_address_that_is_not_allowed_is_never_dialled) {
  auto got = send("http://169.254.169.254/latest/meta-data/");
  EXPECT_EQ(got.answer.error, http::transport_error::refused_by_guard);
  EXPECT_NE(got.answer.detail.find("169.254.169.254"), std::string::npos);
}

} // namespace
