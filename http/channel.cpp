#include "http/channel.hpp"

#include "http/client.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

namespace hourglass::http {

namespace {

constexpr unsigned most_interims = 16; // of 1xx before the answer

} // namespace

void channel::set_due(std::int64_t at_ms) {
  due_ = at_ms;
  home_.want(at_ms);
}

// -- an exchange --------------------------------------------------------------------

void channel::carry(job_ptr j) {
  job_ = std::move(j);
  job_->result.spent.queue_us = steady_us() - job_->asked_us;
  job_->result.reused = true;
  begin();
}

void channel::begin() {
  phase_ = phase::active;
  phase_us_ = steady_us();
  job_->result.peer = peer_;
  job_->result.via = shown_via();
  job_->result.tls_version = tls_version_;
  job_->result.certificate_expires = certificate_expires_;
  sent_ = 0;
  interims_ = 0;
  write_failed_ = false;
  reader_.emplace(job_->result, job_->what, job_->what.method == "HEAD");
  set_due(job_->deadline_ms);
  write();
  read();
}

std::array<net::const_buffer, 2> channel::unsent() const noexcept {
  const auto& head = job_->head;
  const auto& body = job_->what.body;
  if (sent_ < head.size())
    return {net::const_buffer{head.data() + sent_, head.size() - sent_}, net::const_buffer{body.data(), body.size()}};
  auto of_body = sent_ - head.size();
  return {net::const_buffer{body.data() + of_body, body.size() - of_body}, net::const_buffer{}};
}

void channel::write() {
  if (tls_ || outer_)
    return write_later();
  while (to_write() != 0) {
    auto parts = unsent();
    iovec pieces[2] = {{const_cast<void*>(parts[0].data()), parts[0].size()}, {const_cast<void*>(parts[1].data()), parts[1].size()}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = parts[1].size() != 0 ? 2 : 1;
    auto n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent_ += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return write_later();
    } else if (errno != EINTR) {
      write_failed_ = true;
      return;
    }
  }
}

void channel::write_later() {
  writing_ = true;
  auto done = [self = ptr{this}](error_code ec, std::size_t n) {
    self->writing_ = false;
    self->parked_.reset();
    if (self->phase_ != phase::active)
      return;
    self->sent_ += n;
    if (ec)
      self->write_failed_ = true;
    else if (self->to_write() != 0)
      self->write_later();
  };
  on_stream([&](auto& to) { to.async_write_some(unsent(), std::move(done)); });
}

void channel::read() {
  if (reading_ || phase_ == phase::closed)
    return;
  reading_ = true;
  auto done = [self = ptr{this}](error_code ec, std::size_t n) { self->on_read(ec, n); };
  on_stream([&](auto& from) { from.async_read_some(in_.room(), std::move(done)); });
}

void channel::on_read(error_code ec, std::size_t n) {
  reading_ = false;
  if (phase_ == phase::closed)
    return;
  if (phase_ == phase::idle) // closed by the other side, or words that nobody asked for
    return close();
  auto self = ptr{this};
  in_.commit(n);
  if (n != 0) {
    if (job_->result.spent.first_byte_us == 0)
      job_->result.spent.first_byte_us = std::max<std::int64_t>(1, steady_us() - phase_us_);
    on_bytes();
  }
  if (ec && phase_ == phase::active && job_)
    return on_end(ec);
  read();
}

void channel::on_bytes() {
  while (true) {
    std::size_t used = 0;
    auto progress = reader_->feed(in_.data(), in_.size(), used);
    in_.consume(used);
    switch (progress) {
    case response_reader::progress::more:
      if (!in_.make_room(read_buffer::large))
        fail(transport_error::malformed, "a line of the answer is too long");
      return;
    case response_reader::progress::done:
      return complete();
    case response_reader::progress::malformed:
      return fail(transport_error::malformed, reader_->why());
    case response_reader::progress::interim:
      if (++interims_ > most_interims)
        return fail(transport_error::malformed, "there were more than 16 interim answers");
      job_->result.status = 0;
      job_->result.headers.clear();
      reader_.emplace(job_->result, job_->what, job_->what.method == "HEAD");
      if (in_.empty())
        return;
      break;
    }
  }
}

void channel::on_end(const error_code& ec) {
  bool eof = ec == net::error::eof || ec == net::ssl::error::stream_truncated;
  if (eof && reader_->feed_end())
    return complete();
  auto how = eof ? std::string{"closed"} : "lost (" + ec.message() + ")";
  // TLS 1.3 tells only now that our certificate was not taken.
  if (!eof && !reader_->started() && !job_->result.reused && ec.category() == net::error::get_ssl_category())
    return fail(transport_error::tls, "the receiver ended the TLS session: " + ec.message());
  if (!reader_->started())
    return lost("the connection was " + how + " before the answer began");
  fail(transport_error::reset, "the connection was " + how + (reader_->head_done() ? " in the answer's body" : " in the answer's header"));
}

/// The connection ended before a byte of the answer. On a kept one that is the ordinary race with the other side's idle timeout, so the
/// exchange gets one fresh connection.
void channel::lost(std::string detail) {
  if (!job_->result.reused || job_->retried)
    return fail(transport_error::reset, std::move(detail));
  auto again = std::make_unique<job>(*job_);
  park(std::move(job_));
  again->retried = true;
  auto queued = again->result.spent.queue_us;
  again->result = {};
  again->result.spent.queue_us = queued;
  close();
  home_.dial_again(std::move(again));
}

void channel::complete() {
  bool keep = reader_->stays_open() && !writing_ && !write_failed_ && to_write() == 0 && in_.empty();
  auto finished = std::move(job_);
  reader_.reset();
  in_.shrink();
  if (keep)
    home_.release(this); // before the asker is told: what it sends next may go out on this one
  else
    close();
  finish(home_.shared(), *finished, transport_error::none, {});
  park(std::move(finished));
}

/// A write that is under way still reads from the job's strings.
void channel::park(job_ptr j) {
  if (writing_)
    parked_ = std::move(j);
}

void channel::rest(std::int64_t due_ms) {
  phase_ = phase::idle;
  set_due(due_ms);
}

// -- ends ---------------------------------------------------------------------------

std::string channel::name_of_interest() const {
  if (through_ == nullptr)
    return job_->to.host;
  return through_own() ? "the proxy's name " + through_->host : "the name of the operator's proxy";
}

std::string channel::where() const {
  switch (phase_) {
  case phase::resolving: return "while resolving " + name_of_interest();
  case phase::pausing:
  case phase::connecting: return "while connecting to " + (through_ != nullptr ? the_proxy() : peer_);
  case phase::tunnel: return "while " + the_proxy() + " opened the way to " + peer_;
  case phase::handshake: return "in the TLS handshake with " + peer_;
  case phase::active: break;
  case phase::idle:
  case phase::closed: return "on a closed connection";
  }
  if (!reader_->started())
    return to_write() != 0 && !write_failed_ ? "while sending the request" : "while waiting for the answer";
  return reader_->head_done() ? "in the answer's body" : "in the answer's header";
}

void channel::on_due(std::int64_t now) {
  if (phase_ == phase::idle)
    return close();
  if (!job_)
    return;
  if (now >= job_->deadline_ms)
    return fail(transport_error::timeout,
                "no whole answer within " + std::to_string(job_->what.deadline.count()) + " ms; the time ran out " + where());
  if (phase_ == phase::resolving)
    return fail(through_ != nullptr ? transport_error::proxy : transport_error::dns,
                name_of_interest() + " was not resolved within " +
                                          std::to_string(home_.shared().options.dns_time.count()) + " ms");
  if (phase_ == phase::connecting)
    return not_connected("no answer");
  if (phase_ == phase::pausing)
    return try_next();
  if (phase_ == phase::tunnel) {
    connect_error_ = the_proxy() + " did not open the way to " + peer_ + " in time";
    return not_tunnelled();
  }
  set_due(job_->deadline_ms);
}

void channel::fail(transport_error error, std::string detail) {
  auto failed = std::move(job_);
  auto self = ptr{this};
  close();
  if (!failed)
    return;
  finish(home_.shared(), *failed, error, std::move(detail));
  park(std::move(failed));
}

void channel::close() {
  if (phase_ == phase::closed)
    return;
  auto self = ptr{this};
  phase_ = phase::closed;
  due_ = never;
  error_code ignored;
  socket_.close(ignored);
  reader_.reset();
  home_.closed(*this);
}

} // namespace hourglass::http
