#include "http/channel.hpp"

#include "http/client.hpp"

// How a channel comes to be open: the name resolved, each address judged and tried, if need be through a proxy, then TLS.
namespace hourglass::http {

namespace {

constexpr std::int64_t shortest_connect_ms = 1'000;
constexpr std::int64_t quick_failure_us = 1'000'000;
constexpr std::int64_t pause_ms = 50; // a receiver that is being restarted is not back at once

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

void channel::dial(job_ptr j) {
  job_ = std::move(j);
  phase_us_ = dialled_us_ = steady_us();
  if (!job_->retried)
    job_->result.spent.queue_us = phase_us_ - job_->asked_us;
  if (const auto& guard = home_.shared().guard)
    if (auto why = guard->refusal(job_->to.host, job_->to.port); !why.empty())
      return fail(transport_error::refused_by_guard, std::move(why));
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
  if (!addresses || addresses->empty()) {
    auto why = addresses ? host + " has no address" : addresses.error();
    if (through_ == nullptr)
      return fail(transport_error::dns, std::move(why));
    return fail(transport_error::proxy, through_own() ? "the proxy cannot be found: " + why : "the operator's proxy cannot be found");
  }
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
  if (may_try_once_more()) {
    job_->connected_twice = true;
    next_address_ = 0; // the name is not resolved again
    phase_ = phase::pausing;
    return set_due(coarse_now() + pause_ms);
  }
  fail(through_ != nullptr ? transport_error::proxy : transport_error::connect, connect_error_);
}

/// No address took a connection, and quickly. Nothing was sent, so it is no second attempt.
bool channel::may_try_once_more() const {
  return through_ == nullptr && !job_->connected_twice && steady_us() - dialled_us_ < quick_failure_us && coarse_now() + pause_ms < job_->deadline_ms;
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

/// Where the operator's proxy stands is nobody's business who only has a destination.
bool channel::through_own() const {
  const auto& way = job_->what.way;
  return way && way->through();
}
std::string channel::shown_via() const { return via_.empty() || through_own() ? via_ : "operator"; }
std::string channel::the_proxy() const { return through_own() ? "the proxy " + via_ : "the operator's proxy"; }

void channel::reach_proxy() {
  if (const auto& guard = home_.shared().guard; guard && through_->guarded)
    if (auto why = guard->refusal(through_->host, through_->port); !why.empty())
      return fail(transport_error::refused_by_guard, "the proxy is out of bounds: " + why);
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
      job_->result.via = shown_via();
      return connect_to(to, proxy_addresses_.size() - next_proxy_);
    }
    refusal_ = std::move(why);
  }
  if (connect_error_.empty())
    return fail(transport_error::refused_by_guard, "the proxy is out of bounds: " + refusal_); // never the operator's
  fail(transport_error::proxy, connect_error_);
}

/// A dead first address must not use up the time of the others.
void channel::give_share(std::size_t others_left) {
  const auto now = coarse_now();
  const auto share = std::max(shortest_connect_ms, (job_->deadline_ms - now) / (static_cast<std::int64_t>(others_left) + 1));
  set_due(others_left == 0 ? job_->deadline_ms : std::min(job_->deadline_ms, now + share));
}

void channel::connect_to(const tcp::endpoint& to, std::size_t others_left) {
  phase_ = phase::connecting;
  give_share(others_left);
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
    return through_->secure ? shake_hands_with_proxy() : open_tunnel();
  on_open();
}

void channel::not_connected(const std::string& why) {
  if (through_ == nullptr) {
    connect_error_ = "cannot connect to " + peer_ + ": " + why;
    return try_next();
  }
  connect_error_ = "cannot connect to " + the_proxy() + ": " + why;
  try_proxy();
}

// -- through a proxy ------------------------------------------------------------------

/// It is known by its name to the authorities that all others are known to, whomever the receiver is to be trusted by.
void channel::shake_hands_with_proxy() {
  phase_ = phase::tunnel;
  const auto& shared = home_.shared();
  if (!shared.tls)
    return fail(transport_error::proxy, shared.tls_problem);
  outer_ = std::make_unique<tls_type>(socket_, *shared.tls);
  if (!expect_host(outer_->native_handle(), through_->host, shared.options.verify_tls))
    return fail(transport_error::proxy, "the host name of " + the_proxy() + " cannot be used with TLS");
  outer_->async_handshake(net::ssl::stream_base::client, [self = ptr{this}](error_code ec) {
    if (self->phase_ != phase::tunnel)
      return;
    if (ec)
      return self->fail(transport_error::proxy, "no TLS with " + self->the_proxy() + ": " + handshake_failure(self->outer_->native_handle(), ec));
    self->open_tunnel();
  });
}

void channel::open_tunnel() {
  phase_ = phase::tunnel;
  if (!outer_)
    give_share(addresses_.size() - next_address_);
  tunnel_.emplace(*through_, addresses_[next_address_ - 1], job_->to.port);
  to_proxy_ = tunnel_->to_say();
  say_to_proxy();
}

void channel::say_to_proxy() {
  auto said = [self = ptr{this}, attempt = attempt_](error_code ec, std::size_t n) {
    if (attempt != self->attempt_ || self->phase_ != phase::tunnel)
      return;
    if (ec)
      return self->fail(transport_error::proxy, self->the_proxy() + " closed the connection: " + ec.message());
    self->to_proxy_.erase(0, n);
    self->to_proxy_.empty() ? self->hear_proxy() : self->say_to_proxy();
  };
  on_stream([&](auto& to) { to.async_write_some(net::const_buffer{to_proxy_.data(), to_proxy_.size()}, std::move(said)); });
}

void channel::hear_proxy() {
  auto heard = [self = ptr{this}, attempt = attempt_](error_code ec, std::size_t n) {
    if (attempt != self->attempt_ || self->phase_ != phase::tunnel)
      return;
    if (ec)
      return self->fail(transport_error::proxy, self->the_proxy() + " closed the connection before it let us through");
    self->in_.commit(n);
    self->on_proxy_said();
  };
  on_stream([&](auto& from) { from.async_read_some(in_.room(), std::move(heard)); });
}

void channel::on_proxy_said() {
  std::size_t used = 0;
  const auto how = tunnel_->feed(in_.data(), in_.size(), used);
  in_.consume(used);
  switch (how) {
    case tunnel::progress::more:
      if (!in_.make_room(read_buffer::large))
        return fail(transport_error::proxy, "the answer of " + the_proxy() + " is too long");
      return hear_proxy();
    case tunnel::progress::say:
      to_proxy_ = tunnel_->to_say();
      return say_to_proxy();
    case tunnel::progress::open:
      if (!in_.empty()) // no receiver speaks first; and TLS would not see it
        return fail(transport_error::proxy, the_proxy() + " said more than that the way is open");
      in_.shrink();
      return on_open();
    case tunnel::progress::refused:
      break;
  }
  connect_error_ = the_proxy() + " " + tunnel_->why();
  if (!tunnel_->may_reach_another() || outer_) // one connection in TLS for each attempt: see `outer_`
    return fail(transport_error::proxy, connect_error_);
  not_tunnelled();
}

/// The proxy does not reach this address: the next, over a connection of its own.
void channel::not_tunnelled() {
  if (outer_)
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
  if (outer_)
    nested_ = std::make_unique<net::ssl::stream<tls_type&>>(*outer_, **context);
  else
    tls_ = std::make_unique<tls_type>(socket_, **context);
  if (!expect_host(session(), job_->to.host, home_.shared().options.verify_tls))
    return fail(transport_error::tls, "the host name cannot be used with TLS");
  auto done = [self = ptr{this}](error_code ec) {
    if (self->phase_ != phase::handshake)
      return;
    if (ec)
      return self->fail(transport_error::tls, handshake_failure(self->session(), ec));
    if (const auto& way = self->job_->what.way; way && !way->tls().pins.empty() && !is_pinned(self->session(), way->tls().pins))
      return self->fail(transport_error::tls, "the certificate was not accepted: none of its keys is one of the pins");
    auto now = steady_us();
    self->job_->result.spent.tls_us = std::max<std::int64_t>(1, now - self->phase_us_);
    self->certificate_expires_ = expiry_of_peer(self->session());
    self->tls_version_ = SSL_get_version(self->session());
    self->begin();
  };
  nested_ ? nested_->async_handshake(net::ssl::stream_base::client, std::move(done)) : tls_->async_handshake(net::ssl::stream_base::client, std::move(done));
}

} // namespace hourglass::http
