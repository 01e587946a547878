#include "http/response_reader.hpp"

#include <boost/beast/http/error.hpp>

namespace hourglass::http {

namespace {

using boost::beast::http::error;

constexpr std::size_t most_fields = 256;

/// Beast 1.81 asserts that a last chunk it has seen the line of comes back with at least five bytes; these are four. More must follow anyway.
bool is_unfinished_last_chunk(std::string_view bytes) noexcept { return bytes.size() == 4 && bytes.starts_with("0\r\n"); }

} // namespace

response_reader::response_reader(exchange_result& into, const exchange& asked, bool to_head) : into_(into), asked_(asked) {
  eager(true);
  header_limit(header_bytes);
  body_limit(boost::none); // `body_read` is not an error but an end
  skip(to_head);
}

response_reader::progress response_reader::feed(const char* data, std::size_t size, std::size_t& used) {
  used = 0;
  if (head_done_ && chunked() && is_unfinished_last_chunk({data, size}))
    return progress::more;
  code ec;
  used = put({data, size}, ec);
  if (stopped_)
    return progress::done;
  if (ec && ec != error::need_more) {
    if (why_.empty())
      why_ = ec == error::header_limit ? "the answer's header is longer than 32 KiB" : "the answer is not HTTP: " + ec.message();
    return progress::malformed;
  }
  if (!is_done())
    return progress::more;
  return into_.status / 100 == 1 && into_.status != 101 ? progress::interim : progress::done;
}

bool response_reader::feed_end() {
  if (!head_done_)
    return false;
  code ec;
  put_eof(ec);
  return !ec;
}

void response_reader::on_response_impl(int status, view, int, code& ec) {
  if (status < 100) {
    why_ = "the answer's status is below 100";
    ec = error::bad_status;
    return;
  }
  into_.status = static_cast<unsigned>(status);
  into_.headers.clear();
}

void response_reader::on_field_impl(known, view text, view value, code& ec) {
  header_bytes_ += text.size() + value.size() + 4;
  if (header_bytes_ > header_bytes || into_.headers.size() == most_fields) {
    why_ = header_bytes_ > header_bytes ? "the answer's header is longer than 32 KiB" : "the answer has more than 256 header lines";
    ec = error::header_limit;
    return;
  }
  if (head_done_) // a trailer
    return;
  into_.headers.push_back({std::string{text.data(), text.size()}, std::string{value.data(), value.size()}});
}

void response_reader::on_header_impl(code&) {
  head_done_ = true;
  header_bytes_ = 0; // from here on it counts trailers
}

std::size_t response_reader::take(view body, code& ec) {
  auto room = asked_.body_kept - std::min(asked_.body_kept, into_.body.size());
  into_.body.append(body.data(), std::min(room, body.size()));
  into_.truncated = into_.truncated || body.size() > room;
  body_bytes_ += body.size();
  if (body_bytes_ > asked_.body_read) {
    into_.truncated = true;
    stopped_ = true;
    ec = error::body_limit;
  }
  return body.size();
}

} // namespace hourglass::http
