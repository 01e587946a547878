#include "actors/children.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

// The data actor while a script runs: what must wait, and how it goes on.
namespace hourglass::actors {

namespace {

constexpr std::size_t most_at_once = 64; ///< of what has waited; others want the thread too

} // namespace

void data_actor::take(work w) {
  if (joins_chain(w))
    return;
  if (is_held() || !held_.empty()) {
    held_.push_back(std::move(w));
    return;
  }
  std::visit([this](const auto& m) { do_now(m); }, w);
}

/// The next script goes where the one before it ends, if nothing that must come first waits here.
bool data_actor::joins_chain(const work& w) {
  const auto* r = chain_ && held_.empty() ? std::get_if<serve_request>(&w) : nullptr;
  return r != nullptr && r->job->plan.runs_script() && chain_->add(r->job);
}

void data_actor::go_on() {
  for (std::size_t n = 0; n < most_at_once && !is_held() && !held_.empty(); ++n) {
    auto w = std::move(held_.front());
    held_.pop_front();
    std::visit([this](const auto& m) { do_now(m); }, w);
  }
  if (!is_held() && !held_.empty() && !std::exchange(going_on_, true))
    send(this, tick{});
}

/// With those that waited right behind it. Never waits: what becomes of it comes as a message. The chain and the engine hold what they read, also when this actor is gone.
void data_actor::start_script(const request_ptr& job) {
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  chain_ = std::make_shared<script_chain>(env_.options.scripts, env_.redactor, id_.to_string(), state_, [self, number = ++chains_](std::shared_ptr<script_news> n) {
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), script_done{number, std::move(n)});
  });
  chain_->add(job);
  for (const serve_request* next = nullptr; !held_.empty() && (next = std::get_if<serve_request>(&held_.front())) != nullptr;) {
    if (!next->job->plan.runs_script() || !chain_->add(next->job))
      return;
    held_.pop_front();
  }
}

void data_actor::on_script_done(const script_done& m) {
  if (!chain_ || m.number != chains_)
    return;
  auto& news = *m.news;
  if (!news.broken.empty())
    throw std::logic_error{news.broken};
  if (news.ended) {
    chain_ = nullptr;
    for (auto job = news.left.rbegin(); job != news.left.rend(); ++job)
      held_.emplace_front(serve_request{std::move(*job)});
  }
  if (news.job)
    conclude(news.job, std::move(news.served));
  if (news.ended)
    go_on();
}

/// Whether the outbox takes what the script emits is not known yet: nothing is changed before it has said so.
void data_actor::wait_for_place(proposal& p, const request_ptr& job, const mock::served& served) {
  placing_ = job;
  ran_ = served.events.front().payload;
  std::copy_if(served.events.begin(), served.events.end(), std::back_inserter(unplaced_),
               [](const events::draft& d) { return d.kind != events::kind::request_served; });
  auto self = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{ctrl()});
  p.place = std::make_unique<placement>([self, number = ++places_](bool yes, std::string refused) {
    if (auto strong = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong), placed{number, yes, std::move(refused)});
  });
}

void data_actor::on_placed(const placed& m) {
  if (!placing_ || m.number != places_)
    return;
  const auto job = std::exchange(placing_, nullptr);
  const auto changes = std::exchange(unplaced_, {});
  const auto ran = std::exchange(ran_, {});
  if (m.yes) {
    apply_all(changes);
  } else if (!m.refused.empty()) { // nothing else has been looked at since: it fails in its place
    auto failed = mock::refused_emission(job->plan, ran, m.refused, job->request, job->ctx, id_.to_string(), env_.redactor);
    apply_all(failed.events);
    conclude(job, std::move(failed));
  }
  go_on();
}

/// Whoever waits is told now, and not when the engine lets go of the script.
void data_actor::on_exit() {
  if (auto chain = std::exchange(chain_, nullptr))
    chain->abandon(rebuilt_meanwhile());
  held_.clear();
  placing_ = nullptr;
  sandbox_ = nullptr;
}

} // namespace hourglass::actors
