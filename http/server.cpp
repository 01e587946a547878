#include "http/server.hpp"

#include "http/acceptor.hpp"
#include "http/connection.hpp"
#include "http/problem.hpp"
#include "http/reply_slot.hpp"

#include <chrono>

namespace hourglass::http {

namespace {

constexpr std::string_view abandoned_type = "/problems/abandoned";

response abandoned_answer() {
  problem p;
  p.status = 503;
  p.type = abandoned_type;
  p.detail = "Whoever had to answer is gone; whether the request took effect is not known.";
  return to_response(p);
}

} // namespace

bool is_abandoned(const response& answer) { return answer.status == 503 && answer.body.find(abandoned_type) != std::string::npos; }

// -- reply ------------------------------------------------------------------------

reply::reply(std::unique_ptr<sink> to) : to_(std::move(to)) {}
reply::reply(reply&&) noexcept = default;

reply& reply::operator=(reply&& other) noexcept {
  if (this != &other) {
    reply gone{std::move(to_)}; // answers `abandoned` if it still owes an answer
    to_ = std::move(other.to_);
  }
  return *this;
}

reply::~reply() {
  if (to_)
    to_->send(abandoned_answer());
}

reply::operator bool() const noexcept { return to_ != nullptr; }

void reply::send(response answer) {
  if (auto to = std::move(to_))
    to->send(std::move(answer));
}

std::shared_ptr<event_stream> reply::stream(fields headers) {
  auto to = std::move(to_);
  return to ? to->stream(std::move(headers)) : nullptr;
}

// -- reply_slot ---------------------------------------------------------------------

bool reply_slot::in_own_handler() const noexcept {
  return home_->on_own_thread() && home_->in_handler != nullptr && home_->in_handler->waits_for(ticket_);
}

void reply_slot::send(response answer) {
  if (in_own_handler())
    return home_->in_handler->answer(std::move(answer), std::move(held_));
  letter l;
  l.to = ticket_;
  l.answer = std::move(answer);
  l.held = std::move(held_);
  home_->post(std::move(l));
}

std::shared_ptr<event_stream> reply_slot::stream(fields headers) {
  response head;
  head.headers = std::move(headers);
  if (!contains(head.headers, "Content-Type"))
    head.headers.push_back({"Content-Type", "text/event-stream"});
  if (!contains(head.headers, "Cache-Control"))
    head.headers.push_back({"Cache-Control", "no-store"});
  auto core = std::make_shared<stream_core>();
  core->home = home_;
  core->ticket = ticket_;
  if (in_own_handler()) {
    home_->in_handler->open_stream(core, std::move(head), std::move(held_));
  } else {
    letter l;
    l.what = letter::about::open_stream;
    l.to = ticket_;
    l.answer = std::move(head);
    l.held = std::move(held_);
    l.stream = core;
    home_->post(std::move(l));
  }
  return std::make_shared<stream_writer>(std::move(core));
}

// -- server -------------------------------------------------------------------------

namespace {

class beast_server final : public server {
public:
  beast_server(std::shared_ptr<server_shared> shared, listener door) : shared_(std::move(shared)), port_(door.port), address_(door.address) {
    for (unsigned i = 0; i < std::max(1u, shared_->options.threads); ++i)
      workers_.push_back(std::make_shared<worker>(shared_));
    acceptor_ = std::make_shared<acceptor>(shared_, workers_, std::move(door));
    for (auto& w : workers_)
      w->start();
    acceptor_->start();
  }
  ~beast_server() override { stop(std::chrono::milliseconds{0}); }

  std::uint16_t port() const noexcept override { return port_; }
  std::array<std::uint8_t, 16> address() const noexcept override { return address_; }
  server_counters counters() const noexcept override;
  void stop(std::chrono::milliseconds grace) override;

private:
  bool drained() const;

  std::shared_ptr<server_shared> shared_;
  std::vector<std::shared_ptr<worker>> workers_;
  std::shared_ptr<acceptor> acceptor_;
  std::uint16_t port_;
  std::array<std::uint8_t, 16> address_;
  std::mutex stopping_;
  bool stopped_ = false;
};

server_counters beast_server::counters() const noexcept {
  server_counters all;
  for (const auto& w : workers_) {
    auto one = w->snapshot();
    all.accepted += one.accepted;
    all.open += one.open;
    all.requests += one.requests;
    all.refused_credit += one.refused_credit;
    all.malformed += one.malformed;
    all.timeouts += one.timeouts;
  }
  all.in_flight_bytes = shared_->pool.used();
  return all;
}

bool beast_server::drained() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w->snapshot().open == 0; });
}

void beast_server::stop(std::chrono::milliseconds grace) {
  std::lock_guard once{stopping_};
  if (stopped_)
    return;
  stopped_ = true;
  shared_->stopping = true;
  acceptor_->stop();
  for (auto& w : workers_)
    w->begin_stop();
  {
    std::unique_lock lock{shared_->mutex};
    shared_->drained.wait_for(lock, grace, [this] { return drained(); });
  }
  for (auto& w : workers_)
    w->end();
}

} // namespace

tl::expected<std::unique_ptr<server>, std::string> server::open(server_options options, handler on_request) {
  auto shared = std::make_shared<server_shared>(std::move(options), std::move(on_request));
  if (shared->options.tls) {
    auto tls = server_tls(*shared->options.tls);
    if (!tls)
      return tl::unexpected<std::string>{tls.error()};
    shared->tls = std::move(*tls);
  }
  auto door = listener::bind(shared->options.address, shared->options.port);
  if (!door)
    return tl::unexpected<std::string>{door.error()};
  try {
    return std::make_unique<beast_server>(std::move(shared), std::move(*door));
  } catch (const std::exception& e) { // no descriptor for an event loop
    return tl::unexpected<std::string>{std::string{"the server cannot be started: "} + e.what()};
  }
}

} // namespace hourglass::http
