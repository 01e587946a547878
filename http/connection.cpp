#include "http/connection.hpp"

#include "http/problem.hpp"
#include "http/reply_slot.hpp"

#include <boost/asio/write.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace hourglass::http {

namespace {

constexpr unsigned turns_per_pump = 32; // of a pipelining client; then the other connections of the thread have their turn
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace

connection::connection(worker& home, std::uint32_t slot, int socket, bool v6, std::string peer)
    : home_(home), socket_(home.io()), peer_(std::move(peer)), slot_(slot) {
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  error_code ec;
  socket_.assign(v6 ? tcp::v6() : tcp::v4(), socket, ec);
  if (!ec)
    socket_.non_blocking(true, ec);
  if (home_.shared().tls)
    tls_ = std::make_unique<tls_type>(socket_, *home_.shared().tls);
}

connection::~connection() = default;

void connection::set_due(std::int64_t at_ms) {
  due_ = at_ms;
  home_.want(at_ms);
}

void connection::start() {
  set_due_in(home_.shared().options.header_time);
  if (!tls_)
    return read();
  phase_ = phase::handshake;
  tls_->async_handshake(net::ssl::stream_base::server, [self = ptr{this}](error_code ec) {
    if (self->phase_ != phase::handshake)
      return;
    if (ec)
      return self->close();
    self->phase_ = phase::reading;
    self->read();
  });
}

void connection::pump() {
  if (pumping_)
    return;
  pumping_ = true;
  auto self = ptr{this};
  bool on = true;
  unsigned turns = 0;
  while (on) {
    switch (phase_) {
    case phase::reading:
      on = take_request();
      if (on && ++turns == turns_per_pump) {
        net::post(home_.io(), [self] { self->pump(); });
        on = false;
      }
      break;
    case phase::handling:
      on = answered_;
      if (on)
        compose();
      break;
    case phase::writing:
      on = write();
      if (on)
        after_answer();
      break;
    case phase::streaming:
      on = write() && next_of_stream();
      break;
    case phase::handshake:
    case phase::lingering:
    case phase::closed:
      on = false;
      break;
    }
  }
  pumping_ = false;
}

// -- reading ---------------------------------------------------------------------

/// True when `pump` can go on: a request was handed out or refused. False when more bytes are needed; a read is then under way.
bool connection::take_request() {
  if (!reader_) {
    while (!in_.empty() && (*in_.data() == '\r' || *in_.data() == '\n')) // RFC 9112 §2.2: an empty line before a request is skipped
      in_.consume(1);
    if (in_.empty())
      return read_more();
    prepare_reader();
  }
  std::size_t used = 0;
  auto progress = reader_->feed(in_.data(), in_.size(), used);
  in_.consume(used);
  switch (progress) {
  case request_reader::progress::done:
    dispatch();
    return true;
  case request_reader::progress::refused:
    refuse(reader_->why());
    return true;
  case request_reader::progress::more:
    break;
  }
  if (!head_seen_ && reader_->head_done()) {
    head_seen_ = true;
    set_due_in(home_.shared().options.body_time);
    if (reader_->wants_continue() && in_.empty())
      say_continue();
    if (reader_->body_expected() > read_buffer::usual)
      in_.enlarge();
  }
  if (read_more())
    return true;
  return phase_ == phase::writing; // refused for lack of room
}

void connection::prepare_reader() {
  if (!request_)
    request_ = std::make_shared<request>();
  head_seen_ = false;
  request_->headers.reserve(12);
  reader_.emplace(*request_, home_.shared().limits, home_.shared().pool);
  set_due_in(home_.shared().options.header_time);
}

bool connection::read_more() {
  auto most = std::max(home_.shared().limits.header_bytes, read_buffer::large);
  if (!in_.make_room(most)) {
    refuse(reader_->overflow());
    return true;
  }
  read();
  return false;
}

void connection::say_continue() {
  if (tls_) {
    writing_ = true;
    net::async_write(*tls_, net::buffer(continue_line), [self = ptr{this}](error_code ec, std::size_t) { self->on_written(ec, 0); });
    return;
  }
  // Nothing else is in the socket's buffer, so these 25 bytes fit; if they do not, the client has worse troubles.
  (void)!::send(socket_.native_handle(), continue_line.data(), continue_line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void connection::read() {
  if (reading_)
    return;
  reading_ = true;
  auto done = [self = ptr{this}](error_code ec, std::size_t n) { self->on_read(ec, n); };
  if (in_.room().size() == 0) // while a stream or an end is drained, bytes are only counted
    in_.consume(in_.size());
  if (tls_ && !raw_)
    tls_->async_read_some(in_.room(), std::move(done));
  else
    socket_.async_read_some(in_.room(), std::move(done));
}

void connection::on_read(error_code ec, std::size_t n) {
  reading_ = false;
  switch (phase_) {
  case phase::reading:
    if (ec)
      return close();
    in_.commit(n);
    return pump();
  case phase::streaming:
    if (ec)
      return close();
    return read(); // whatever an event stream's client says is not for us
  case phase::lingering:
    lingered_ += n;
    if (ec || lingered_ > 64 * 1024 * 1024)
      return close();
    return read();
  case phase::handshake:
  case phase::handling:
  case phase::writing:
    return;
  case phase::closed:
    return;
  }
}

void connection::dispatch() {
  worker_counters::add(home_.counters().requests);
  keep_ = reader_->stays_open() && !home_.stopping();
  http_11_ = reader_->is_http_11();
  to_head_ = request_->method == "HEAD";
  request_->peer = peer_;
  request_->secure = tls_ != nullptr;
  auto held = reader_->take_credit();
  reader_.reset();
  serial_ = home_.next_serial();
  answered_ = false;
  phase_ = phase::handling;
  due_ = never;

  reply to{std::make_unique<reply_slot>(home_.shared_from_this(), request_ticket{slot_, serial_}, std::move(held))};
  home_.in_handler = this;
  bool failed = false;
  try {
    home_.shared().on_request(std::move(request_), std::move(to));
  } catch (...) {
    failed = true;
  }
  home_.in_handler = nullptr;
  request_.reset();
  if (!failed || (answered_ && !is_abandoned(answer_)))
    return;
  // The reply went with the exception, or lives on somewhere with a ticket that is no longer good.
  problem p;
  p.detail = "The request could not be handled; this is a bug.";
  answer(to_response(p), std::move(held_));
}

void connection::answer(response&& a, credit&& held) {
  answer_ = std::move(a);
  held_ = std::move(held);
  answered_ = true;
}

/// Answers without a handler, then closes: where the next request would begin is not known.
void connection::refuse(const refusal& why) {
  auto& counters = home_.counters();
  if (why.status == 503)
    worker_counters::add(counters.refused_credit);
  else if (why.status == 408)
    worker_counters::add(counters.timeouts);
  else
    worker_counters::add(counters.malformed);
  problem p;
  p.status = why.status;
  p.type = why.type;
  p.detail = why.detail;
  p.correlation = correlation_or_fresh(request_ ? find(request_->headers, "X-Correlation-Id") : std::string_view{});
  to_head_ = request_ && reader_ && reader_->head_done() && request_->method == "HEAD";
  http_11_ = true;
  keep_ = false;
  reader_.reset();
  request_.reset();
  answer(to_response(p), {});
  compose();
}

void connection::on_due(std::int64_t now) {
  switch (phase_) {
  case phase::reading:
    if (!reader_)
      return close(); // idle, or it never said a word
    refuse({408, "/problems/timeout", "The request did not arrive in time."});
    return pump();
  case phase::streaming:
    if (writing_) { // the last write has been waiting since
      worker_counters::add(home_.counters().timeouts);
      return close();
    }
    return pump(); // says that it is still there
  case phase::writing:
    if (!writing_ && sent_ == allowed_) { // the next piece of a body that dribbles
      allow_next_piece(now);
      due_ = never;
      return pump();
    }
    [[fallthrough]];
  case phase::handshake:
    worker_counters::add(home_.counters().timeouts);
    return close();
  case phase::lingering:
    return close();
  case phase::handling:
  case phase::closed:
    due_ = never;
    return;
  }
  static_cast<void>(now);
}

void connection::stop_when_idle() {
  switch (phase_) {
  case phase::reading:
    if (!reader_ && in_.empty())
      close();
    return;
  case phase::handshake:
    return close();
  case phase::streaming: {
    std::lock_guard lock{stream_->mutex};
    stream_->open = false;
  }
    return pump();
  case phase::handling:
  case phase::writing:
    keep_ = false;
    return;
  case phase::lingering:
    if (dropped_)
      close();
    return;
  case phase::closed:
    return;
  }
}

void connection::close() {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  due_ = never;
  error_code ignored;
  socket_.close(ignored);
  held_.release();
  reader_.reset();
  if (stream_) {
    std::lock_guard lock{stream_->mutex};
    stream_->open = false;
    stream_->waiting.clear();
  }
  stream_.reset();
  home_.remove(slot_);
}

} // namespace hourglass::http
