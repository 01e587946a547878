#pragma once

// Internal to http/. Beast's parser, writing straight into our `request`, with our limits and the rules against request smuggling.

#include "http/credit.hpp"
#include "http/message.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace hourglass::http {

struct request_limits {
  std::size_t header_bytes = 32 * 1024;
  std::size_t body_bytes = 8 * 1024 * 1024;
};

/// Why a request is not read further; the connection closes after the answer.
struct refusal {
  unsigned status = 0; ///< 0: none
  std::string_view type;
  std::string_view detail;
};

/// Reads one request. Fed with the same bytes in any pieces, it comes to the same end.
class request_reader final : private boost::beast::http::basic_parser<true> {
public:
  enum class progress : std::uint8_t { more, done, refused };

  request_reader(request& into, const request_limits& limits, credit_pool& pool);

  /// Eats from `data` and says how much it used in `used`; the rest must be given again with more behind it.
  progress feed(const char* data, std::size_t size, std::size_t& used);

  bool started() const noexcept { return got_some(); }
  bool head_done() const noexcept { return head_done_; }
  bool wants_continue() const noexcept { return wants_continue_; }
  bool stays_open() const { return keep_alive(); }
  bool is_http_11() const noexcept { return http_11_; }
  std::uint64_t body_expected() const noexcept { return expected_; }
  const refusal& why() const noexcept { return refusal_; }

  /// The header or the buffer is full and the parser still wants more.
  refusal overflow() const noexcept;

  credit take_credit() noexcept { return std::move(credit_); }

private:
  using view = boost::beast::string_view;
  using code = boost::beast::error_code;
  using known = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb, view method, view target, int version, code& ec) override;
  void on_response_impl(int, view, int, code&) override {}
  void on_field_impl(known name, view text, view value, code& ec) override;
  void on_header_impl(code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, code& ec) override;
  std::size_t on_body_impl(view body, code& ec) override;
  void on_chunk_header_impl(std::uint64_t, view, code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t remain, view body, code& ec) override;
  void on_finish_impl(code&) override {}

  std::size_t take(view body, code& ec);
  void refuse_for_want_of_credit(code& ec);
  void refuse(unsigned status, std::string_view type, std::string_view detail, code& ec);
  bool take_target(view method, view target, code& ec);
  void field_of_framing(known name, view value, code& ec);
  void explain(const code& ec, std::string_view rest);

  request& into_;
  const request_limits& limits_;
  credit credit_;
  refusal refusal_;
  std::string authority_; ///< of an absolute-form target
  std::size_t header_bytes_ = 0;
  std::size_t count_ = 0; ///< of header lines so far
  std::uint64_t expected_ = 0;
  unsigned hosts_ = 0;
  bool http_11_ = true;
  bool chunked_ = false;
  bool head_done_ = false;
  bool wants_continue_ = false;
};

} // namespace hourglass::http
