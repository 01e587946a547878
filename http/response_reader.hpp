#pragma once

// Internal to http/. Beast's parser, writing a stranger's answer into an `exchange_result`, within its caps.

#include "http/client.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace hourglass::http {

/// Reads one answer, interim (1xx) ones included: those are read over.
class response_reader final : private boost::beast::http::basic_parser<false> {
public:
  static constexpr std::size_t header_bytes = 32 * 1024;

  enum class progress : std::uint8_t { more, done, interim, malformed };

  /// `to_head`: the request was HEAD, so no body follows whatever the header says.
  response_reader(exchange_result& into, const exchange& asked, bool to_head);

  progress feed(const char* data, std::size_t size, std::size_t& used);

  /// The connection has ended. True when that ends the answer as well.
  bool feed_end();

  bool started() const noexcept { return got_some(); }
  bool head_done() const noexcept { return head_done_; }
  /// After `done`: whether another request may follow on this connection.
  bool stays_open() const { return !stopped_ && into_.status != 101 && keep_alive(); }
  const std::string& why() const noexcept { return why_; }

private:
  using view = boost::beast::string_view;
  using code = boost::beast::error_code;
  using known = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb, view, view, int, code&) override {}
  void on_response_impl(int status, view reason, int version, code& ec) override;
  void on_field_impl(known name, view text, view value, code& ec) override;
  void on_header_impl(code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, code&) override {}
  std::size_t on_body_impl(view body, code& ec) override { return take(body, ec); }
  void on_chunk_header_impl(std::uint64_t, view, code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view body, code& ec) override { return take(body, ec); }
  void on_finish_impl(code&) override {}

  std::size_t take(view body, code& ec);

  exchange_result& into_;
  const exchange& asked_;
  std::string why_;
  std::size_t header_bytes_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool head_done_ = false;
  bool stopped_ = false; ///< `body_read` is reached
};

} // namespace hourglass::http
