#include "http/connection.hpp"

#include "http/problem.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

#include <boost/asio/write.hpp>

namespace hourglass::http {

namespace {

constexpr std::size_t copied_body = 16 * 1024; // a copy of this is cheaper than a second buffer for the kernel to walk
constexpr std::size_t kept_out = 64 * 1024;
constexpr std::int64_t slowest_bytes_per_second = 16 * 1024;
constexpr std::chrono::milliseconds linger_time{2'000};
constexpr std::chrono::milliseconds heartbeat{15'000};

} // namespace

/// Turns `answer_` into bytes to write.
void connection::compose() {
  phase_ = phase::writing;
  due_ = never;
  sent_ = 0;
  out_.clear();
  body_.clear();
  if (answer_.status < 200 || answer_.status > 999) {
    problem p;
    p.detail = "The handler answered with a status that is none.";
    answer_ = to_response(p);
  }
  if (answer_.fault != wire_fault::none)
    return compose_broken();
  if (home_.stopping())
    keep_ = false;
  head_options how;
  how.http_11 = http_11_;
  how.keep_alive = keep_;
  how.to_head = to_head_;
  how.until_close = stream_ != nullptr;
  how.date = home_.date(wall_us());
  append_head(out_, answer_, how);
  if (!to_head_ && may_have_body(answer_.status)) {
    if (answer_.body.size() <= copied_body)
      out_.append(answer_.body);
    else
      body_ = std::move(answer_.body);
  }
  if (answer_.dribble.count() > 0)
    begin_dribble();
}

/// Chaos: what a client must bear.
void connection::compose_broken() {
  keep_ = false;
  switch (answer_.fault) {
  case wire_fault::none:
  case wire_fault::empty:
    return; // the connection ends after nothing
  case wire_fault::drop:
    held_.release();
    dropped_ = true;
    phase_ = phase::lingering;
    set_due_in(home_.shared().options.write_time);
    return read();
  case wire_fault::reset: {
    const ::linger at_once{1, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return close();
  }
  case wire_fault::malformed:
    out_ = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
           "7\r\n{\"id\":\"\r\nnot a chunk\r\n";
    return;
  case wire_fault::garbage:
    for (unsigned x = 0x9e37; out_.size() < 256; x = x * 48'271 % 0x7fffffff)
      out_ += static_cast<char>(x >> 8U | 0x80U);
    return;
  }
}

/// The head goes at once, the body as time passes: how much of it does not depend on how punctual the timer is.
void connection::begin_dribble() {
  const auto body = to_head_ || !may_have_body(answer_.status) ? 0 : body_.empty() ? answer_.body.size() : body_.size();
  dribbled_from_ = allowed_ = out_.size() + body_.size() - body;
  dribble_begun_ = coarse_now();
}

void connection::allow_next_piece(std::int64_t now) {
  const auto whole = out_.size() + body_.size();
  const auto share = static_cast<double>(now - dribble_begun_) / static_cast<double>(answer_.dribble.count());
  const auto due = dribbled_from_ + static_cast<std::size_t>(static_cast<double>(whole - dribbled_from_) * std::clamp(share, 0.0, 1.0));
  allowed_ = std::clamp(due, allowed_ + 1, whole);
}

/// Sets the time of the next piece, if what may be sent has been. False if there is none to wait for.
bool connection::waits_for_piece() {
  constexpr std::int64_t most_pieces = 50;
  if (sent_ < allowed_ || to_write() == 0)
    return false;
  set_due_in(std::chrono::milliseconds{std::max<std::int64_t>(answer_.dribble.count() / most_pieces, 1)});
  return true;
}

std::array<net::const_buffer, 2> connection::unsent() const noexcept {
  const auto end = std::min(allowed_, out_.size() + body_.size());
  if (sent_ < out_.size()) {
    const auto of_out = std::min(end, out_.size()) - sent_;
    return {net::const_buffer{out_.data() + sent_, of_out}, net::const_buffer{body_.data(), end - sent_ - of_out}};
  }
  auto of_body = sent_ - out_.size();
  return {net::const_buffer{body_.data() + of_body, end - sent_}, net::const_buffer{}};
}

/// True when nothing is left to write. False: a write is under way, or the connection is closed.
bool connection::write() {
  if (writing_)
    return false;
  if (to_write() == 0)
    return true;
  if (waits_for_piece())
    return false;
  if (!tls_)
    return write_plain();
  write_later();
  return false;
}

bool connection::write_plain() {
  while (to_write() != 0) {
    if (waits_for_piece())
      return false;
    auto parts = unsent();
    iovec pieces[2] = {{const_cast<void*>(parts[0].data()), parts[0].size()}, {const_cast<void*>(parts[1].data()), parts[1].size()}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = parts[1].size() != 0 ? 2 : 1;
    auto n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent_ += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      write_later();
      return false;
    } else if (errno != EINTR) {
      close();
      return false;
    }
  }
  return true;
}

/// The socket's buffer is full, or this is TLS. A client has `write_time` to begin, and must then keep up with the slowest rate: one that takes
/// nothing holds its answer no longer than that, and one that takes a byte a minute is not served for ever.
void connection::write_later() {
  if (due_ == never) {
    write_begun_ = coarse_now();
    sent_at_begin_ = sent_;
  }
  if (phase_ == phase::streaming)
    set_due_in(home_.shared().options.write_time + std::chrono::seconds{static_cast<std::int64_t>(to_write()) / slowest_bytes_per_second});
  else
    set_due(write_begun_ + home_.shared().options.write_time.count() + static_cast<std::int64_t>(sent_ - sent_at_begin_) * 1'000 / slowest_bytes_per_second);
  writing_ = true;
  auto done = [self = ptr{this}](error_code ec, std::size_t n) { self->on_written(ec, n); };
  if (tls_)
    tls_->async_write_some(unsent(), std::move(done));
  else
    socket_.async_write_some(unsent(), std::move(done));
}

void connection::on_written(error_code ec, std::size_t n) {
  writing_ = false;
  if (phase_ == phase::closed)
    return;
  if (ec)
    return close();
  sent_ += n;
  if (phase_ != phase::reading) // a `100 Continue` was written beside the reading
    pump();
}

void connection::after_answer() {
  held_.release();
  due_ = never;
  out_.clear();
  sent_ = 0;
  allowed_ = unlimited;
  if (out_.capacity() > kept_out)
    out_.shrink_to_fit();
  body_ = {};
  answer_ = {};
  if (stream_ && !to_head_) {
    phase_ = phase::streaming;
    if (home_.stopping()) {
      std::lock_guard lock{stream_->mutex};
      stream_->open = false;
    }
    read();
    return;
  }
  if (!keep_)
    return linger();
  phase_ = phase::reading;
  in_.shrink();
  set_due_in(home_.shared().options.idle_time);
}

/// Ends our side and waits for the client's end: closed at once, with bytes unread, the kernel would reset the connection and the client
/// might never see the answer.
void connection::linger() {
  phase_ = phase::lingering;
  set_due_in(linger_time);
  auto finish = [self = ptr{this}] {
    if (self->phase_ != phase::lingering)
      return;
    error_code ec;
    self->socket_.shutdown(tcp::socket::shutdown_send, ec);
    if (ec)
      return self->close();
    self->read();
  };
  if (!tls_ || reading_) { // TLS's goodbye reads as well, and there is one read already
    return finish();
  }
  raw_ = true;
  tls_->async_shutdown([finish](error_code) { finish(); });
}

// -- event streams ------------------------------------------------------------------

void connection::open_stream(std::shared_ptr<stream_core> stream, response&& head, credit&& held) {
  stream_ = std::move(stream);
  keep_ = false; // the end of the body is the end of the connection
  answer(std::move(head), std::move(held));
}

void connection::hear_stream() {
  bool drop = false;
  {
    std::lock_guard lock{stream_->mutex};
    stream_->told = false;
    drop = stream_->drop;
  }
  if (drop) // not by `pump`, which waits for the write that the client does not take
    return close();
  pump();
}

/// Takes what the writer has queued. True when there is something to write.
bool connection::next_of_stream() {
  bool ended = false;
  {
    std::lock_guard lock{stream_->mutex};
    stream_->told = false;
    out_.clear();
    sent_ = 0;
    out_.swap(stream_->waiting);
    ended = out_.empty() && !stream_->open;
    if (out_.empty() && !ended && coarse_now() >= due_)
      out_ = ":\n\n"; // a comment, to find out that the client is gone
    stream_->in_writing = out_.size();
  }
  if (ended) {
    linger();
    return false;
  }
  if (!writing_ && (out_.empty() || due_ == never || coarse_now() >= due_))
    set_due_in(heartbeat);
  return !out_.empty();
}

} // namespace hourglass::http
