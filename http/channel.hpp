#pragma once

// Internal to http/. One connection to a stranger.

#include "http/client_worker.hpp"
#include "http/response_reader.hpp"
#include "http/tunnel.hpp"

namespace hourglass::http {

/// resolving → connecting (⇄ pausing) → tunnel (through a proxy) → handshake → active ⇄ idle → closed, on its worker's thread.
///
/// While it is open a read is always under way: in `idle` it notices that the other side has closed, in `active` it takes the answer, also
/// one that comes before the request is written. A failed write is therefore no failure yet: the answer may already be here.
class channel : public boost::intrusive_ref_counter<channel, boost::thread_unsafe_counter> {
public:
  channel(client_worker& home, origin& of) : home_(home), origin_(of), socket_(home.io()) {}

  /// Opens the connection for this job.
  void dial(job_ptr j);
  /// Sends this job on the kept connection.
  void carry(job_ptr j);
  void on_resolved(const resolved& addresses);
  void on_due(std::int64_t now);
  void rest(std::int64_t due_ms);
  void fail(transport_error error, std::string detail);
  void close();

  std::int64_t due() const noexcept { return due_; }
  origin& of() noexcept { return origin_; }

  lane* serves = nullptr;          ///< whose exchange it carries; the worker's book-keeping
  std::size_t place = 0;           ///< in the worker's list
  std::list<channel*> idle_link{this}; ///< the node that stands in the worker's idle list while this is idle
  std::list<channel*>::iterator idle_at = idle_link.begin();

private:
  using ptr = boost::intrusive_ptr<channel>;
  enum class phase : std::uint8_t { resolving, connecting, pausing, tunnel, handshake, active, idle, closed };

  void try_addresses(std::vector<address_bytes> list);
  void try_next();
  bool may_try_once_more() const;
  void give_up_socket();
  const proxy* route_to(const address_bytes& address) const;
  void reach_proxy();
  void try_proxy();
  void give_share(std::size_t others_left);
  void connect_to(const tcp::endpoint& to, std::size_t others_left);
  void on_connected(error_code ec);
  void not_connected(const std::string& why);
  void not_tunnelled();
  bool through_own() const;
  std::string shown_via() const;
  std::string the_proxy() const;
  std::string name_of_interest() const;
  void shake_hands_with_proxy();
  void open_tunnel();
  void say_to_proxy();
  void hear_proxy();
  void on_proxy_said();
  void on_open();
  void shake_hands();

  /// Calls `with` with the stream that the receiver is at the other end of; before the way to it is open, the proxy.
  template <class With>
  void on_stream(With with) {
    if (nested_)
      with(*nested_);
    else if (tls_)
      with(*tls_);
    else if (outer_)
      with(*outer_);
    else
      with(socket_);
  }
  SSL* session() noexcept { return nested_ ? nested_->native_handle() : tls_->native_handle(); }

  void begin();
  void write();
  void write_later();
  void read();
  void on_read(error_code ec, std::size_t n);
  void on_bytes();
  void on_end(const error_code& ec);
  void complete();
  void lost(std::string detail);
  void park(job_ptr j);

  std::size_t to_write() const noexcept { return job_->head.size() + job_->what.body.size() - sent_; }
  std::array<net::const_buffer, 2> unsent() const noexcept;
  void set_due(std::int64_t at_ms);
  std::string where() const;

  client_worker& home_;
  origin& origin_;
  socket_type socket_;
  std::unique_ptr<tls_type> tls_;
  std::unique_ptr<tls_type> outer_; ///< with the proxy. What was begun on it may still be heard when the socket is closed: then the channel is done with
  std::unique_ptr<net::ssl::stream<tls_type&>> nested_; ///< with the receiver, within that
  std::string peer_;
  std::string via_; ///< the proxy; empty: none
  std::string tls_version_;
  std::int64_t certificate_expires_ = 0;

  std::vector<address_bytes> addresses_;
  std::size_t next_address_ = 0;
  unsigned attempt_ = 0; ///< a connect that was given up must not be heard any more
  std::string refusal_;  ///< of the guard
  std::string connect_error_;

  const proxy* through_ = nullptr; ///< while it is being opened
  std::vector<address_bytes> proxy_addresses_;
  std::size_t next_proxy_ = 0;
  std::optional<tunnel> tunnel_;
  std::string to_proxy_; ///< what is being said to it

  job_ptr job_;
  job_ptr parked_; ///< ended, but a write still reads from it
  std::optional<response_reader> reader_;
  read_buffer in_;
  std::size_t sent_ = 0;
  unsigned interims_ = 0;
  std::int64_t phase_us_ = 0; ///< when the present phase began
  std::int64_t dialled_us_ = 0;
  std::int64_t due_ = never;
  phase phase_ = phase::resolving;
  bool reading_ = false;
  bool writing_ = false;
  bool write_failed_ = false;
};

} // namespace hourglass::http
