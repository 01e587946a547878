#include "http/resolve.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

namespace hourglass::http {

namespace {

constexpr std::size_t most_threads = 4;
constexpr std::size_t most_waiting = 1'024;
constexpr std::chrono::milliseconds last_wait{200};

address_bytes from_v4(const in_addr& v4) {
  address_bytes a{};
  a[10] = a[11] = 0xff;
  std::memcpy(a.data() + 12, &v4, 4);
  return a;
}

} // namespace

std::vector<address_bytes> literal_address(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return {from_v4(v4)};
  address_bytes v6{};
  if (inet_pton(AF_INET6, host.c_str(), v6.data()) == 1)
    return {v6};
  return {};
}

resolved resolve_by_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0)
    return tl::unexpected<std::string>{host + " cannot be resolved: " + gai_strerror(code)};
  std::vector<address_bytes> list;
  for (auto* i = found; i != nullptr; i = i->ai_next) {
    address_bytes a{};
    if (i->ai_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, i->ai_addr, sizeof in);
      a = from_v4(in.sin_addr);
    } else if (i->ai_family == AF_INET6) {
      sockaddr_in6 in{};
      std::memcpy(&in, i->ai_addr, sizeof in);
      std::memcpy(a.data(), &in.sin6_addr, 16);
    } else {
      continue;
    }
    if (std::find(list.begin(), list.end(), a) == list.end())
      list.push_back(a);
  }
  freeaddrinfo(found);
  if (list.empty())
    return tl::unexpected<std::string>{host + " has no address"};
  return list;
}

struct resolver_pool::state : std::enable_shared_from_this<state> {
  struct question {
    std::string host;
    handler done;
  };

  client::resolver how;
  std::mutex mutex;
  std::condition_variable work, ended;
  std::deque<question> waiting;
  std::size_t threads = 0, idle = 0;
  bool stopped = false;

  void run() {
    std::unique_lock lock{mutex};
    while (true) {
      ++idle;
      work.wait(lock, [this] { return stopped || !waiting.empty(); });
      --idle;
      if (stopped)
        break;
      auto next = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      next.done(ask(next.host));
      next = {}; // its handler may own the last of something: not under the lock
      lock.lock();
    }
    --threads;
    ended.notify_all();
  }

  resolved ask(const std::string& host) const {
    try {
      return how(host);
    } catch (...) {
      return tl::unexpected<std::string>{"the resolver failed for " + host};
    }
  }
};

resolver_pool::resolver_pool(client::resolver how) : state_(std::make_shared<state>()) {
  state_->how = how ? std::move(how) : client::resolver{resolve_by_system};
}

resolver_pool::~resolver_pool() { stop(); }

void resolver_pool::resolve(std::string host, handler done) {
  std::string problem;
  {
    std::lock_guard lock{state_->mutex};
    if (state_->stopped) {
      problem = "the client is stopped";
    } else if (state_->waiting.size() >= most_waiting) {
      problem = "too many names wait to be resolved";
    } else {
      state_->waiting.push_back({std::move(host), std::move(done)});
      if (state_->waiting.size() > state_->idle && state_->threads < most_threads) {
        ++state_->threads;
        std::thread{[s = state_] { s->run(); }}.detach();
      }
    }
  }
  if (!problem.empty())
    return done(tl::unexpected<std::string>{problem});
  state_->work.notify_one();
}

void resolver_pool::stop() {
  std::deque<state::question> left;
  {
    std::unique_lock lock{state_->mutex};
    state_->stopped = true;
    left.swap(state_->waiting);
    state_->work.notify_all();
    state_->ended.wait_for(lock, last_wait, [this] { return state_->threads == 0; });
  }
  for (auto& q : left)
    q.done(tl::unexpected<std::string>{"the client is stopped"});
}

} // namespace hourglass::http
