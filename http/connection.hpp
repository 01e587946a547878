#pragma once

// Internal to http/. One client's connection, from accept to close.

#include "http/stream.hpp"
#include "http/worker.hpp"

#include <optional>

namespace hourglass::http {

/// A state machine on its worker's thread: reading → handling → writing → reading …, one request at a time, so answers are in order.
///
/// `pump` goes as far as it can without waiting and leaves behind one asynchronous operation, a handler that owes an answer, or a close.
/// Writes are first tried at once: an answer usually fits in the socket's buffer and costs no trip through the event loop.
class connection : public boost::intrusive_ref_counter<connection, boost::thread_unsafe_counter> {
public:
  connection(worker& home, std::uint32_t slot, int socket, bool v6, std::string peer);
  ~connection();

  void start();
  void answer(response&& a, credit&& held);
  void open_stream(std::shared_ptr<stream_core> stream, response&& head, credit&& held);
  void hear_stream(); ///< its writer has something new
  void pump();
  void on_due(std::int64_t now);
  void stop_when_idle();
  void close();

  bool waits_for(const request_ticket& t) const noexcept { return phase_ == phase::handling && serial_ == t.serial && !answered_; }
  bool streams_for(const request_ticket& t) const noexcept { return serial_ == t.serial && stream_ != nullptr; }
  std::int64_t due() const noexcept { return due_; }

private:
  using ptr = boost::intrusive_ptr<connection>;
  enum class phase : std::uint8_t { handshake, reading, handling, writing, streaming, lingering, closed };

  // -- reading: connection.cpp ----------------------------------------------------
  bool take_request();
  void prepare_reader();
  bool read_more();
  void say_continue();
  void dispatch();
  void refuse(const refusal& why);
  void read();
  void on_read(error_code ec, std::size_t n);

  // -- writing: connection_write.cpp -----------------------------------------------
  void compose();
  void compose_broken();
  void begin_dribble();
  void allow_next_piece(std::int64_t now);
  bool waits_for_piece();
  bool write();
  bool write_plain();
  void write_later();
  void on_written(error_code ec, std::size_t n);
  void after_answer();
  void linger();
  bool next_of_stream();
  std::size_t to_write() const noexcept { return out_.size() + body_.size() - sent_; }
  std::array<net::const_buffer, 2> unsent() const noexcept;

  void set_due(std::int64_t at_ms);
  void set_due_in(std::chrono::milliseconds time) { set_due(coarse_now() + time.count()); }

  worker& home_;
  socket_type socket_;
  std::unique_ptr<tls_type> tls_;
  std::string peer_;
  read_buffer in_;
  std::optional<request_reader> reader_;
  std::shared_ptr<request> request_;

  response answer_;
  std::string out_;  ///< head, and a body that is small
  std::string body_; ///< a large body, written from where it is
  std::size_t sent_ = 0;
  credit held_;
  std::shared_ptr<stream_core> stream_;

  static constexpr std::size_t unlimited = ~std::size_t{0};
  std::size_t allowed_ = unlimited; ///< how far it may be sent yet: less than all while it dribbles
  std::size_t dribbled_from_ = 0; ///< where the body begins that dribbles
  std::int64_t dribble_begun_ = 0;

  std::int64_t due_ = never;
  std::int64_t write_begun_ = 0;  ///< when the socket's buffer was first full, in this answer
  std::size_t sent_at_begin_ = 0; ///< what was sent by then
  std::uint64_t serial_ = 0;
  std::uint64_t lingered_ = 0;
  std::uint32_t slot_;
  phase phase_ = phase::reading;
  bool answered_ = false;
  bool keep_ = true;
  bool http_11_ = true;
  bool to_head_ = false;
  bool head_seen_ = false;
  bool dropped_ = false; ///< it was left without an answer on purpose
  bool raw_ = false; ///< TLS is over; only the TCP connection is drained
  bool reading_ = false;
  bool writing_ = false;
  bool pumping_ = false;
};

} // namespace hourglass::http
