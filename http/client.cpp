#include "http/client.hpp"

#include "http/client_worker.hpp"
#include "http/head.hpp"

namespace hourglass::http {

namespace {

class pooled_client final : public client {
public:
  explicit pooled_client(std::shared_ptr<client_shared> shared) : shared_(std::move(shared)) {
    for (unsigned i = 0; i < std::max(1u, shared_->options.threads); ++i) {
      workers_.push_back(std::make_shared<client_worker>(shared_));
      workers_.back()->start();
    }
  }
  ~pooled_client() override { stop(std::chrono::milliseconds{0}); }

  void send(exchange what, handler done) override;
  void stop(std::chrono::milliseconds grace) override;

private:
  std::shared_ptr<client_shared> shared_;
  std::vector<std::shared_ptr<client_worker>> workers_;
  std::mutex stopping_;
  bool stopped_ = false;
};

/// Empty when the job can go; else why not.
std::string prepare(job& j, std::string_view user_agent) {
  auto to = parse_url(j.what.url);
  if (!to)
    return to.error();
  j.to = std::move(*to);
  j.origin.reserve(j.to.host.size() + 8);
  j.origin.assign(j.to.secure ? "s" : "p").append(j.to.host).append(":").append(std::to_string(j.to.port));
  if (j.what.way)
    j.origin.append("|").append(j.what.way->key()).append(j.what.owner); // the key has always as many bytes
  j.head.reserve(512);
  return append_request_head(j.head, j.what, j.to, user_agent);
}

void pooled_client::send(exchange what, handler done) {
  auto j = std::make_unique<job>();
  j->asked_us = steady_us();
  j->what = std::move(what);
  j->done = std::move(done);
  if (auto problem = prepare(*j, shared_->options.user_agent); !problem.empty()) {
    j->ready = false;
    j->result.error = transport_error::bad_url;
    j->result.detail = std::move(problem);
  }
  shared_->unfinished.fetch_add(1, std::memory_order_relaxed);
  // An origin's connections live on one thread, so that its pool needs no lock.
  auto& home = workers_[workers_.size() == 1 ? 0 : std::hash<std::string>{}(j->origin) % workers_.size()];
  if (auto back = home->post(std::move(j)))
    finish(*shared_, *back, transport_error::cancelled, "the client is stopped");
}

void pooled_client::stop(std::chrono::milliseconds grace) {
  std::lock_guard once{stopping_};
  if (stopped_)
    return;
  stopped_ = true;
  {
    std::unique_lock lock{shared_->mutex};
    shared_->finished.wait_for(lock, grace, [this] { return shared_->unfinished.load(std::memory_order_acquire) == 0; });
  }
  for (auto& w : workers_)
    w->end();
  shared_->names->stop();
}

} // namespace

std::unique_ptr<client> client::open(client_options options, std::shared_ptr<const egress_guard> guard, resolver names) {
  auto shared = std::make_shared<client_shared>();
  shared->options = std::move(options);
  shared->guard = std::move(guard);
  shared->names = std::make_unique<resolver_pool>(std::move(names));
  if (auto tls = client_tls(shared->options, {}))
    shared->tls = std::move(*tls);
  else
    shared->tls_problem = tls.error();
  return std::make_unique<pooled_client>(std::move(shared));
}

} // namespace hourglass::http
