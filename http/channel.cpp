#include "http/channel.hpp"

#include "http/client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace hourglass::http {

namespace {

constexpr unsigned most_interims = 16; // of 1xx before the answer
constexpr std::int64_t shortest_connect_ms = 1'000;

bool is_v4(const address_bytes& a) {
  return std::all_of(a.begin(), a.begin() + 10, [](auto b) { return b == 0; }) && a[10] == 0xff && a[11] == 0xff;
}

tcp::endpoint endpoint_of(const address_bytes& a, std::uint16_t port) {
  if (is_v4(a))
    return {net::ip::address_v4{{a[12], a[13], a[14], a[15]}}, port};
  net::ip::address_v6::bytes_type bytes;
  std::copy(a.begin(), a.end(), bytes.begin());
  return {net::ip::address_v6{bytes}, port};
}

std::string text_of(const tcp::endpoint& e) {
  auto host = e.address().to_string();
  return (e.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(e.port());
}

} // namespace

void channel::set_due(std::int64_t at_ms) {
  due_ = at_ms;
  home_.want(at_ms);
}

// -- opening ------------------------------------------------------------------------

void channel::dial(job_ptr j) {
  job_ = std::move(j);
  phase_us_ = steady_us();
  if (!job_->retried)
    job_->result.spent.queue_us = phase_us_ - job_->asked_us;
  if (auto literal = literal_address(job_->to.host); !literal.empty())
    return try_addresses(std::move(literal));
  phase_ = phase::resolving;
  set_due(std::min(job_->deadline_ms, coarse_now() + home_.shared().options.dns_time.count()));
  home_.resolve(job_->to.host, this);
}

void channel::on_resolved(const resolved& addresses) {
  if (phase_ != phase::resolving || !job_) // given up meanwhile
    return;
  auto now = steady_us();
  job_->result.spent.dns_us += std::max<std::int64_t>(1, now - phase_us_);
  phase_us_ = now;
  const auto& host = through_ != nullptr ? through_->host : job_->to.host;
  if (!addresses || addresses->empty())
    return fail(through_ != nullptr ? transport_error::proxy : transport_error::dns,
                (through_ != nullptr ? "the proxy cannot be found: " : "") + (addresses ? host + " has no address" : addresses.error()));
  if (through_ == nullptr)
    return try_addresses(*addresses);
  phase_ = phase::connecting;
  proxy_addresses_ = *addresses;
  try_proxy();
}

void channel::try_addresses(std::vector<address_bytes> list) {
  phase_ = phase::connecting;
  addresses_ = std::move(list);
  next_address_ = 0;
  try_next();
}

/// What was under way on it must not be heard any more.
void channel::give_up_socket() {
  error_code ignored;
  socket_.close(ignored);
  ++attempt_;
}

/// Dials the next address that the guard lets through, or has the proxy dial it: the guard is asked here, about the very bytes that `connect` gets, or
/// the proxy.
void channel::try_next() {
  give_up_socket();
  while (next_address_ < addresses_.size()) {
    const auto& address = addresses_[next_address_++];
    auto why = home_.shared().guard ? home_.shared().guard->refusal(address, job_->to.port) : std::string{};
    if (why.empty()) {
      const auto to = endpoint_of(address, job_->to.port);
      peer_ = text_of(to);
      job_->result.peer = peer_;
      through_ = route_to(address);
      via_.clear();
      job_->result.via.clear();
      return through_ != nullptr ? reach_proxy() : connect_to(to, addresses_.size() - next_address_);
    }
    refusal_ = std::move(why);
  }
  if (connect_error_.empty())
    return fail(transport_error::refused_by_guard, refusal_);
  fail(through_ != nullptr ? transport_error::proxy : transport_error::connect, connect_error_);
}

/// Null: straight there.
const proxy* channel::route_to(const address_bytes& address) const {
  const auto& way = job_->what.way;
  if (way && way->through())
    return &*way->through();
  const auto& options = home_.shared().options;
  if (!options.through || (way && way->direct()) || options.past.covers(job_->to.host, address, job_->to.port))
    return nullptr;
  return &*options.through;
}

void channel::reach_proxy() {
  if (!proxy_addresses_.empty()) { // found for the address before
    next_proxy_ = 0;
    return try_proxy();
  }
  if (proxy_addresses_ = literal_address(through_->host); !proxy_addresses_.empty())
    return try_proxy();
  phase_ = phase::resolving;
  set_due(std::min(job_->deadline_ms, coarse_now() + home_.shared().options.dns_time.count()));
  home_.resolve(through_->host, this);
}

void channel::try_proxy() {
  give_up_socket();
  while (next_proxy_ < proxy_addresses_.size()) {
    const auto& address = proxy_addresses_[next_proxy_++];
    const auto* guard = through_->guarded ? home_.shared().guard.get() : nullptr;
    auto why = guard != nullptr ? guard->refusal(address, through_->port) : std::string{};
    if (why.empty()) {
      const auto to = endpoint_of(address, through_->port);
      via_ = text_of(to);
      job_->result.via = via_;
      return connect_to(to, proxy_addresses_.size() - next_proxy_);
    }
    refusal_ = std::move(why);
  }
  if (connect_error_.empty())
    return fail(transport_error::refused_by_guard, "the proxy is out of bounds: " + refusal_);
  fail(transport_error::proxy, connect_error_);
}

void channel::connect_to(const tcp::endpoint& to, std::size_t others_left) {
  phase_ = phase::connecting;
  auto now = coarse_now();
  auto left = static_cast<std::int64_t>(others_left);
  // A dead first address must not use up the time of the others.
  auto share = std::max(shortest_connect_ms, (job_->deadline_ms - now) / (left + 1));
  set_due(left == 0 ? job_->deadline_ms : std::min(job_->deadline_ms, now + share));

  error_code ec;
  socket_.open(to.protocol(), ec);
  if (!ec)
    socket_.non_blocking(true, ec);
  if (!ec)
    socket_.set_option(tcp::no_delay{true}, ec);
  if (ec) {
    net::post(home_.io(), [self = ptr{this}, ec] { self->on_connected(ec); });
    return;
  }
  socket_.async_connect(to, [self = ptr{this}, attempt = attempt_](error_code result) {
    if (attempt == self->attempt_)
      self->on_connected(result);
  });
}

void channel::on_connected(error_code ec) {
  if (phase_ != phase::connecting)
    return;
  if (ec)
    return not_connected(ec.message());
  set_due(job_->deadline_ms);
  if (through_ != nullptr)
    return open_tunnel();
  on_open();
}

void channel::not_connected(const std::string& why) {
  if (through_ == nullptr) {
    connect_error_ = "cannot connect to " + peer_ + ": " + why;
    return try_next();
  }
  connect_error_ = "cannot connect to the proxy " + via_ + ": " + why;
  try_proxy();
}

// -- through a proxy ------------------------------------------------------------------

void channel::open_tunnel() {
  phase_ = phase::tunnel;
  tunnel_.emplace(*through_, addresses_[next_address_ - 1], job_->to.port);
  to_proxy_ = tunnel_->to_say();
  say_to_proxy();
}

void channel::say_to_proxy() {
  socket_.async_write_some(net::const_buffer{to_proxy_.data(), to_proxy_.size()}, [self = ptr{this}, attempt = attempt_](error_code ec, std::size_t n) {
    if (attempt != self->attempt_ || self->phase_ != phase::tunnel)
      return;
    if (ec)
      return self->fail(transport_error::proxy, "the proxy " + self->via_ + " closed the connection: " + ec.message());
    self->to_proxy_.erase(0, n);
    self->to_proxy_.empty() ? self->hear_proxy() : self->say_to_proxy();
  });
}

void channel::hear_proxy() {
  socket_.async_read_some(in_.room(), [self = ptr{this}, attempt = attempt_](error_code ec, std::size_t n) {
    if (attempt != self->attempt_ || self->phase_ != phase::tunnel)
      return;
    if (ec)
      return self->fail(transport_error::proxy, "the proxy " + self->via_ + " closed the connection before it let us through");
    self->in_.commit(n);
    self->on_proxy_said();
  });
}

void channel::on_proxy_said() {
  std::size_t used = 0;
  const auto how = tunnel_->feed(in_.data(), in_.size(), used);
  in_.consume(used);
  switch (how) {
    case tunnel::progress::more:
      if (!in_.make_room(read_buffer::large))
        return fail(transport_error::proxy, "the answer of the proxy " + via_ + " is too long");
      return hear_proxy();
    case tunnel::progress::say:
      to_proxy_ = tunnel_->to_say();
      return say_to_proxy();
    case tunnel::progress::open:
      if (!in_.empty()) // no receiver speaks first; and TLS would not see it
        return fail(transport_error::proxy, "the proxy " + via_ + " said more than that the way is open");
      in_.shrink();
      return on_open();
    case tunnel::progress::refused:
      break;
  }
  connect_error_ = "the proxy " + via_ + " " + tunnel_->why();
  if (!tunnel_->may_reach_another())
    return fail(transport_error::proxy, connect_error_);
  in_.consume(in_.size());
  try_next();
}

/// The receiver is at the other end.
void channel::on_open() {
  tunnel_.reset();
  through_ = nullptr; // it may be the job's, which goes before this does
  auto now = steady_us();
  job_->result.spent.connect_us = std::max<std::int64_t>(1, now - phase_us_);
  phase_us_ = now;
  if (job_->to.secure)
    return shake_hands();
  begin();
}

void channel::shake_hands() {
  phase_ = phase::handshake;
  auto context = home_.tls_for(job_->what);
  if (!context)
    return fail(transport_error::tls, context.error());
  tls_ = std::make_unique<tls_type>(socket_, **context);
  if (!expect_host(tls_->native_handle(), job_->to.host, home_.shared().options.verify_tls))
    return fail(transport_error::tls, "the host name cannot be used with TLS");
  tls_->async_handshake(net::ssl::stream_base::client, [self = ptr{this}](error_code ec) {
    if (self->phase_ != phase::handshake)
      return;
    if (ec)
      return self->fail(transport_error::tls, handshake_failure(self->tls_->native_handle(), ec));
    if (const auto& way = self->job_->what.way; way && !way->tls().pins.empty() && !is_pinned(self->tls_->native_handle(), way->tls().pins))
      return self->fail(transport_error::tls, "the certificate was not accepted: none of its keys is one of the pins");
    auto now = steady_us();
    self->job_->result.spent.tls_us = std::max<std::int64_t>(1, now - self->phase_us_);
    self->tls_version_ = SSL_get_version(self->tls_->native_handle());
    self->begin();
  });
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
  job_->result.via = via_;
  job_->result.tls_version = tls_version_;
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
  if (tls_)
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
  if (tls_)
    tls_->async_write_some(unsent(), std::move(done));
  else
    socket_.async_write_some(unsent(), std::move(done));
}

void channel::read() {
  if (reading_ || phase_ == phase::closed)
    return;
  reading_ = true;
  auto done = [self = ptr{this}](error_code ec, std::size_t n) { self->on_read(ec, n); };
  if (tls_)
    tls_->async_read_some(in_.room(), std::move(done));
  else
    socket_.async_read_some(in_.room(), std::move(done));
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

std::string channel::where() const {
  switch (phase_) {
  case phase::resolving: return "while resolving " + (through_ != nullptr ? through_->host : job_->to.host);
  case phase::connecting: return "while connecting to " + (through_ != nullptr ? "the proxy " + via_ : peer_);
  case phase::tunnel: return "while the proxy " + via_ + " opened the way to " + peer_;
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
                (through_ != nullptr ? "the proxy's name " + through_->host : job_->to.host) + " was not resolved within " +
                                          std::to_string(home_.shared().options.dns_time.count()) + " ms");
  if (phase_ == phase::connecting)
    return not_connected("no answer");
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
