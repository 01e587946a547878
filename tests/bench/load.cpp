#include "tests/bench/load.hpp"

#include "tests/bench/socket.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include <sys/epoll.h>

namespace hourglass::bench {

double latencies::percentile(double share) const {
  if (samples_.empty())
    return 0;
  auto copy = samples_;
  auto at = std::min(copy.size() - 1, static_cast<std::size_t>(share * static_cast<double>(copy.size())));
  std::nth_element(copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(at), copy.end());
  return static_cast<double>(copy[at]);
}

namespace {

constexpr auto stuck_after = std::chrono::seconds{30};

struct connection {
  descriptor socket;
  std::string in; ///< only when an answer came in pieces
  steady::time_point since;
  bool waiting = false;
};

class generator {
public:
  explicit generator(const load_plan& plan) : plan_(plan), epoll_(epoll_create1(0)), buffer_(256 * 1024) {
    out_.took.reserve(plan.per_second > 0 ? 100'000 : 1'000'000);
  }

  load_result run() {
    if (!connect_all())
      return std::move(out_);
    start_ = steady::now();
    measure_from_ = start_ + std::chrono::duration_cast<steady::duration>(plan_.warm_up);
    end_ = measure_from_ + std::chrono::duration_cast<steady::duration>(plan_.measured);
    if (plan_.per_second == 0)
      for (auto& c : connections_)
        send(c, steady::now());
    last_progress_ = steady::now();
    auto now = steady::now();
    while (!failed_hard_ && !finished(now)) {
      send_due(now);
      wait(now);
      now = steady::now();
      if (now - last_progress_ > stuck_after)
        fail("no answer for 30 s");
    }
    out_.elapsed = std::min(now, end_) - measure_from_;
    return std::move(out_);
  }

private:
  bool connect_all() {
    connections_.resize(plan_.connections);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      auto& c = connections_[i];
      c.socket = connect_to(plan_.port);
      if (!c.socket) {
        fail("cannot connect");
        return false;
      }
      epoll_event e{};
      e.events = EPOLLIN;
      e.data.u64 = i;
      epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, c.socket.get(), &e);
      free_.push_back(i);
    }
    return true;
  }

  bool all_sent() const { return plan_.at_most != 0 && out_.sent >= plan_.at_most; }

  /// What was sent is waited for, so that the server is idle when the next measurement starts.
  bool finished(steady::time_point now) const { return in_hand_ == 0 && (all_sent() || now >= end_); }

  void send(connection& c, steady::time_point due) {
    if (all_sent())
      return;
    auto bytes = plan_.request(out_.sent, due);
    c.since = due;
    c.waiting = true;
    ++out_.sent;
    ++in_hand_;
    if (!write_all(c.socket, bytes))
      fail("cannot send");
  }

  void send_due(steady::time_point now) {
    if (plan_.per_second == 0)
      return;
    for (; !free_.empty(); free_.pop_front()) {
      auto due = due_of(out_.sent);
      if (due > now || due >= end_)
        return;
      send(connections_[free_.front()], due);
    }
  }

  steady::time_point due_of(std::uint64_t n) const {
    return start_ + std::chrono::duration_cast<steady::duration>(seconds{static_cast<double>(n) / plan_.per_second});
  }

  void wait(steady::time_point now) {
    std::array<epoll_event, 128> ready;
    timespec patience{0, 100'000'000};
    if (plan_.per_second > 0 && !free_.empty()) {
      auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(due_of(out_.sent) - now).count();
      patience.tv_nsec = std::clamp<long>(left, 0, 100'000'000);
    }
    auto n = epoll_pwait2(epoll_.get(), ready.data(), static_cast<int>(ready.size()), &patience, nullptr);
    for (int i = 0; i < n && !failed_hard_; ++i)
      receive(ready[static_cast<std::size_t>(i)].data.u64);
  }

  void receive(std::size_t index) {
    auto& c = connections_[index];
    auto got = read_some(c.socket, buffer_.data(), buffer_.size());
    if (got == 0)
      return fail("the server closed a connection");
    if (got < 0)
      return;
    std::string_view bytes{buffer_.data(), static_cast<std::size_t>(got)};
    if (!c.in.empty()) {
      c.in += bytes;
      bytes = c.in;
    }
    message m;
    if (!parse(bytes, m)) {
      if (c.in.empty())
        c.in = bytes;
      return;
    }
    if (!c.waiting || m.size != bytes.size())
      return fail("an answer that nobody asked for");
    take(index, c, m);
  }

  void take(std::size_t index, connection& c, const message& m) {
    auto now = steady::now();
    last_progress_ = now;
    c.waiting = false;
    --in_hand_;
    auto status = m.status();
    if (status < 200 || status > 299)
      failed_answer(status, m.body);
    else if (!plan_.expect_body.empty() && m.body != plan_.expect_body)
      failed_answer(status, m.body);
    else if (now >= measure_from_ && (now < end_ || plan_.per_second > 0)) {
      ++out_.answered;
      out_.took.add(now - c.since);
    }
    c.in.clear();
    if (plan_.per_second > 0)
      free_.push_back(index);
    else if (now < end_)
      send(c, now);
  }

  void failed_answer(unsigned status, std::string_view body) {
    if (out_.failed++ == 0)
      out_.first_failure = std::to_string(status) + ' ' + std::string{body.substr(0, 300)};
  }

  void fail(std::string why) {
    failed_hard_ = true;
    ++out_.failed;
    if (out_.first_failure.empty())
      out_.first_failure = std::move(why);
  }

  const load_plan& plan_;
  descriptor epoll_;
  std::vector<char> buffer_;
  std::vector<connection> connections_;
  std::deque<std::size_t> free_;
  std::uint64_t in_hand_ = 0;
  bool failed_hard_ = false;
  steady::time_point start_, measure_from_, end_, last_progress_;
  load_result out_;
};

} // namespace

load_result run_load(const load_plan& plan) {
  return generator{plan}.run();
}

std::string request_text(std::string_view method, std::string_view target, std::string_view headers, std::string_view body) {
  std::string out;
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n").append(headers);
  if (!body.empty() || method != "GET")
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return out.append("\r\n").append(body);
}

answer ask(std::uint16_t port, std::string_view text, seconds patience) {
  answer out;
  auto socket = connect_to(port);
  if (!socket || !write_all(socket, text))
    return out;
  auto until = steady::now() + std::chrono::duration_cast<steady::duration>(patience);
  std::string in;
  std::array<char, 65536> buffer;
  while (steady::now() < until) {
    if (!readable(socket, until - steady::now()))
      return out;
    auto got = read_some(socket, buffer.data(), buffer.size());
    if (got == 0)
      return out;
    if (got < 0)
      continue;
    in.append(buffer.data(), static_cast<std::size_t>(got));
    message m;
    if (parse(in, m)) {
      out.status = m.status();
      out.body = m.body;
      return out;
    }
  }
  return out;
}

} // namespace hourglass::bench
