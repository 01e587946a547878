#include "webhook/token_keeper.hpp"

#include "events/ids.hpp"
#include "events/json_text.hpp"
#include "events/wall_clock.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hourglass::webhook {

namespace {

constexpr std::size_t tokens_most = 4'096;
constexpr std::int64_t failure_kept_ms = 1'000;
constexpr std::chrono::milliseconds fair_time{5'000};

std::int64_t monotonic_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// What is recorded of an attempt that had no token: that of the request for it, but for what the token endpoint said.
http::exchange_result failure_of(http::exchange_result answer, std::string why) {
  http::exchange_result out;
  const bool stopped = answer.error == http::transport_error::cancelled;
  out.error = stopped ? http::transport_error::cancelled : http::transport_error::oauth_token;
  out.detail = std::move(why);
  out.spent = answer.spent;
  return out;
}

} // namespace

struct token_keeper::state : std::enable_shared_from_this<state> {
  struct waiter {
    handler done;
    std::int64_t since_ms = 0;
  };
  struct entry {
    std::string name; ///< owner, destination, and how it is asked for: with other settings it is another
    std::string token;
    std::int64_t until_ms = 0;
    http::exchange_result failure; ///< what came instead, until `failed_until_ms`
    std::int64_t failed_until_ms = 0;
    bool asking = false;
    std::vector<waiter> waiting;
  };
  using place = std::list<entry>::iterator;

  http::client& client;
  clock now;
  std::mutex mutex;
  std::list<entry> entries; ///< the last used first
  std::unordered_map<std::string_view, place> by_name;

  state(http::client& c, clock n) : client(c), now(n ? std::move(n) : clock{monotonic_ms}) {}

  entry& find(std::string name) {
    if (auto at = by_name.find(name); at != by_name.end()) {
      entries.splice(entries.begin(), entries, at->second);
      return *at->second;
    }
    entries.push_front({});
    entries.front().name = std::move(name);
    by_name.emplace(entries.front().name, entries.begin());
    forget_oldest();
    return entries.front();
  }

  /// One that is being asked for is kept: somebody waits for it.
  void forget_oldest() {
    for (auto at = std::prev(entries.end()); entries.size() > tokens_most && at != entries.begin();) {
      auto one = at--;
      if (one->asking)
        continue;
      by_name.erase(one->name);
      entries.erase(one);
    }
  }

  void ask(const std::string& name, const token_request& how, const std::string& owner, std::chrono::milliseconds deadline) {
    const auto asked_ms = now();
    std::string assertion;
    if (how.assertion) {
      const auto chance = events::draw_entropy();
      auto made = make_assertion(*how.assertion, events::wall_now().us / 1'000'000, events::to_hex({reinterpret_cast<const char*>(chance.data()), chance.size()}));
      if (!made) {
        http::exchange_result none;
        none.error = http::transport_error::bad_url;
        none.detail = made.error();
        return take(name, asked_ms, false, std::move(none));
      }
      assertion = *std::move(made);
    }
    client.send(token_exchange(how, owner, deadline, assertion), [self = shared_from_this(), name, asked_ms, hurried = deadline < fair_time](http::exchange_result got) {
      self->take(name, asked_ms, hurried, std::move(got));
    });
  }

  /// @param hurried what is left of an attempt's time may be too little for anyone: that says nothing about the endpoint
  void take(const std::string& name, std::int64_t asked_ms, bool hurried, http::exchange_result got) {
    auto token = read_token_answer(got);
    std::vector<waiter> waiting;
    std::int64_t at_ms = 0;
    const bool says_something = got.error != http::transport_error::cancelled && !(hurried && got.error == http::transport_error::timeout);
    const auto spent_ms = (got.spent.total_us - got.spent.queue_us) / 1'000;
    auto answer_with = token ? answer{token->value, {}, {}} : answer{{}, failure_of(std::move(got), token.error()), {}};
    {
      std::lock_guard lock{mutex};
      at_ms = now();
      auto& e = find(name);
      e.asking = false;
      e.token = answer_with.token;
      e.until_ms = token ? asked_ms + std::chrono::milliseconds{token->good_for}.count() : 0;
      e.failure = answer_with.failure;
      e.failed_until_ms = token || !says_something ? 0 : at_ms + failure_kept_ms;
      waiting.swap(e.waiting);
    }
    for (auto& w : waiting) {
      answer_with.spent = std::chrono::milliseconds{std::min(spent_ms, at_ms - w.since_ms)};
      w.done(answer_with);
    }
  }
};

token_keeper::token_keeper(http::client& client, clock now) : state_(std::make_shared<state>(client, std::move(now))) {}
token_keeper::~token_keeper() = default;

void token_keeper::get(const std::string& owner, const std::string& destination, std::shared_ptr<const token_request> how, const std::string& stale,
                       std::chrono::milliseconds deadline, handler done) {
  auto& s = *state_;
  answer kept;
  const auto name = owner + "/" + destination + "/" + how->key;
  {
    std::lock_guard lock{s.mutex};
    auto& e = s.find(name);
    const auto at_ms = s.now();
    if (!e.token.empty() && e.token != stale && at_ms < e.until_ms) {
      kept.token = e.token;
    } else if (!e.asking && at_ms < e.failed_until_ms) {
      kept.failure = e.failure;
      kept.failure.spent = {};
    } else {
      e.token.clear();
      e.waiting.push_back({std::move(done), at_ms});
      if (std::exchange(e.asking, true))
        return;
    }
  }
  if (!kept.token.empty() || kept.failure.error != http::transport_error::none)
    return done(std::move(kept));
  s.ask(name, *how, owner, deadline);
}

} // namespace hourglass::webhook
