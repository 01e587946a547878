#include "webhook/token_keeper.hpp"

#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hourglass::webhook {

namespace {

constexpr std::size_t tokens_most = 4'096;

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
  struct entry {
    std::string name; ///< owner, destination, and how it is asked for: with other settings it is another
    std::string token;
    std::int64_t until_ms = 0;
    bool asking = false;
    std::vector<handler> waiting;
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
    client.send(token_exchange(how, owner, deadline),
                [self = shared_from_this(), name, asked_ms](http::exchange_result got) { self->take(name, asked_ms, std::move(got)); });
  }

  void take(const std::string& name, std::int64_t asked_ms, http::exchange_result got) {
    auto token = read_token_answer(got);
    std::vector<handler> waiting;
    {
      std::lock_guard lock{mutex};
      auto& e = find(name);
      e.asking = false;
      e.token = token ? token->value : std::string{};
      e.until_ms = token ? asked_ms + std::chrono::milliseconds{token->good_for}.count() : 0;
      waiting.swap(e.waiting);
    }
    const auto answer_with = token ? answer{token->value, {}} : answer{{}, failure_of(std::move(got), token.error())};
    for (auto& done : waiting)
      done(answer_with);
  }
};

token_keeper::token_keeper(http::client& client, clock now) : state_(std::make_shared<state>(client, std::move(now))) {}
token_keeper::~token_keeper() = default;

void token_keeper::get(const std::string& owner, const std::string& destination, std::shared_ptr<const token_request> how, const std::string& stale,
                       std::chrono::milliseconds deadline, handler done) {
  auto& s = *state_;
  std::string kept;
  const auto name = owner + "/" + destination + "/" + how->key;
  {
    std::lock_guard lock{s.mutex};
    auto& e = s.find(name);
    const bool good = !e.token.empty() && e.token != stale && s.now() < e.until_ms;
    if (good) {
      kept = e.token;
    } else {
      e.token.clear();
      e.waiting.push_back(std::move(done));
      if (std::exchange(e.asking, true))
        return;
    }
  }
  if (!kept.empty())
    return done({std::move(kept), {}});
  s.ask(name, *how, owner, deadline);
}

} // namespace hourglass::webhook
