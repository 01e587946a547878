#include "http/request_reader.hpp"

#include <algorithm>
#include <ctime>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

namespace hourglass::http {

namespace {

namespace beast = boost::beast;
using beast::http::error;

constexpr std::size_t most_fields = 256;
constexpr std::size_t first_reserve = 64 * 1024; // for a body; beyond it the string grows with what comes
constexpr std::size_t longest_target = 8 * 1024; // RFC 9112 §3 asks for at least 8,000

constexpr std::string_view malformed = "/problems/malformed-request";
constexpr std::string_view too_much = "/problems/limit-exceeded";

std::string_view std_view(beast::string_view text) noexcept { return {text.data(), text.size()}; }

/// A reused request keeps its strings, and with them their memory.
field& next_field(fields& list, std::size_t& used) {
  if (used == list.size())
    list.emplace_back();
  return list[used++];
}

std::int64_t now_us() noexcept {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1'000'000 + t.tv_nsec / 1'000;
}

/// Beast 1.81 asserts that a last chunk it has seen the line of comes back with at least five bytes; these are four. More must follow anyway.
bool is_unfinished_last_chunk(std::string_view bytes) noexcept { return bytes.size() == 4 && bytes.starts_with("0\r\n"); }

} // namespace

request_reader::request_reader(request& into, const request_limits& limits, credit_pool& pool)
    : into_(into), limits_(limits), credit_(pool) {
  eager(true);
  header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  body_limit(limits.body_bytes);
}

request_reader::progress request_reader::feed(const char* data, std::size_t size, std::size_t& used) {
  used = 0;
  if (head_done_ && chunked() && is_unfinished_last_chunk({data, size}))
    return progress::more;
  code ec;
  used = put({data, size}, ec);
  if (refusal_.status != 0)
    return progress::refused;
  if (ec && ec != error::need_more) {
    explain(ec, {data + used, size - used});
    return progress::refused;
  }
  return is_done() ? progress::done : progress::more;
}

refusal request_reader::overflow() const noexcept {
  if (head_done_)
    return {400, malformed, "A chunk's header or the trailers are too long."};
  if (header_bytes_ == 0)
    return {414, too_much, "The request target is too long."};
  return {431, too_much, "The header is too long."};
}

void request_reader::refuse(unsigned status, std::string_view type, std::string_view detail, code& ec) {
  refusal_ = {status, type, detail};
  ec = error::bad_value; // any error stops the parser; `refusal_` is what counts
}

/// Turns Beast's error into an answer. `rest` is what it did not accept.
void request_reader::explain(const code& ec, std::string_view rest) {
  if (ec == error::header_limit || ec == error::buffer_overflow)
    refusal_ = overflow();
  else if (ec == error::body_limit)
    refusal_ = {413, too_much, "The body is larger than this server accepts."};
  else if (ec == error::bad_version) {
    // Beast says this for `HTTP/2.0` and for `GET / x HTTP/1.1` alike; only the first is a version.
    auto line = rest.substr(0, rest.find('\r'));
    auto word = line.substr(line.rfind(' ') + 1);
    bool version = word.starts_with("HTTP/") && word.size() > 5 && word[5] >= '0' && word[5] <= '9' && std::count(line.begin(), line.end(), ' ') == 2;
    refusal_ = version ? refusal{505, malformed, "Only HTTP/1.0 and HTTP/1.1 are spoken here."}
                       : refusal{400, malformed, "The request line is malformed."};
  } else if (ec == error::multiple_content_length || ec == error::bad_content_length)
    refusal_ = {400, malformed, "Content-Length is malformed, differs from another one, or stands beside Transfer-Encoding."};
  else if (ec == error::bad_transfer_encoding)
    refusal_ = {400, malformed, "Transfer-Encoding is repeated or stands beside Content-Length."};
  else if (ec == error::bad_method || ec == error::bad_target)
    refusal_ = {400, malformed, "The request line is malformed."};
  else if (ec == error::bad_chunk || ec == error::bad_chunk_extension)
    refusal_ = {400, malformed, "The chunked body is malformed."};
  else
    refusal_ = {400, malformed, "A header line is malformed."};
}

void request_reader::on_request_impl(beast::http::verb, view method, view target, int version, code& ec) {
  http_11_ = version >= 11;
  if (target.size() > longest_target)
    return refuse(414, too_much, "The request target is longer than 8 KiB.", ec);
  if (!take_target(method, target, ec))
    return;
  into_.method.assign(method.data(), method.size());
  header_bytes_ = method.size() + target.size() + 12;
}

/// Origin form goes in as it is; absolute form (RFC 9112 §3.2.2) loses its authority, which then takes the place of Host.
bool request_reader::take_target(view method, view target, code& ec) {
  auto text = std_view(target);
  if (text.starts_with('/')) {
    into_.target.assign(text);
    return true;
  }
  if (text == "*" && method == "OPTIONS") {
    into_.target.assign(text);
    return true;
  }
  if (method == "CONNECT") {
    refuse(501, malformed, "CONNECT is not implemented.", ec);
    return false;
  }
  std::size_t scheme = 0;
  if (beast::iequals(target.substr(0, 7), "http://"))
    scheme = 7;
  else if (beast::iequals(target.substr(0, 8), "https://"))
    scheme = 8;
  auto rest = text.substr(scheme);
  auto authority = rest.substr(0, rest.find_first_of("/?"));
  if (scheme == 0 || authority.empty() || authority.find('@') != std::string_view::npos) {
    refuse(400, malformed, "The request target is neither a path nor an http URL.", ec);
    return false;
  }
  authority_.assign(authority);
  rest.remove_prefix(authority.size());
  into_.target.assign(rest.starts_with('/') ? "" : "/").append(rest);
  return true;
}

void request_reader::on_field_impl(known name, view text, view value, code& ec) {
  header_bytes_ += text.size() + value.size() + 4;
  if (header_bytes_ > limits_.header_bytes)
    return refuse(431, too_much, "The header is too long.", ec);
  if (head_done_) // a trailer: part of the framing, never a header
    return;
  if (count_ == most_fields)
    return refuse(431, too_much, "There are more than 256 header lines.", ec);
  field_of_framing(name, value, ec);
  if (ec)
    return;
  auto& f = next_field(into_.headers, count_);
  f.name.assign(text.data(), text.size());
  f.value.assign(value.data(), value.size());
}

void request_reader::field_of_framing(known name, view value, code& ec) {
  switch (name) {
  case known::transfer_encoding:
    if (!http_11_)
      return refuse(400, malformed, "HTTP/1.0 has no Transfer-Encoding.", ec);
    if (chunked_)
      return refuse(400, malformed, "Transfer-Encoding is repeated.", ec);
    if (!beast::iequals(value, "chunked")) // Beast would read `gzip` as "no body" and a proxy before us would not
      return refuse(501, malformed, "Only the transfer coding `chunked` is implemented.", ec);
    chunked_ = true;
    return;
  case known::host:
    if (++hosts_ > 1)
      return refuse(400, malformed, "There is more than one Host.", ec);
    return;
  case known::expect:
    if (!beast::iequals(value, "100-continue"))
      return refuse(417, malformed, "Only the expectation `100-continue` can be met.", ec);
    wants_continue_ = http_11_;
    return;
  default:
    return;
  }
}

void request_reader::on_header_impl(code& ec) {
  into_.headers.resize(count_);
  into_.body.clear();
  if (http_11_ && hosts_ == 0)
    return refuse(400, malformed, "The Host header is missing.", ec);
  if (!authority_.empty())
    for (auto& f : into_.headers)
      if (beast::iequals(f.name, "Host"))
        f.value = authority_;
  auto length = content_length();
  expected_ = length && !chunked_ ? *length : 0;
  // The body is paid for as it comes: who only announces one holds nothing. But where there is no room for it, it need not be sent.
  if (!credit_.could_grow(header_bytes_ + static_cast<std::size_t>(expected_)) || !credit_.grow(header_bytes_))
    return refuse_for_want_of_credit(ec);
  into_.received_us = now_us();
  head_done_ = true;
  header_bytes_ = 0; // from here on it counts trailers
}

void request_reader::on_body_init_impl(const boost::optional<std::uint64_t>&, code&) {
  into_.body.reserve(std::min(static_cast<std::size_t>(expected_), first_reserve));
}

std::size_t request_reader::on_body_impl(view body, code& ec) { return take(body, ec); }
std::size_t request_reader::on_chunk_body_impl(std::uint64_t, view body, code& ec) { return take(body, ec); }

std::size_t request_reader::take(view body, code& ec) {
  if (!credit_.grow(body.size())) {
    refuse_for_want_of_credit(ec);
    return 0;
  }
  into_.body.append(body.data(), body.size());
  return body.size();
}

void request_reader::refuse_for_want_of_credit(code& ec) {
  refuse(503, "/problems/overloaded", "Too many bytes are in flight. Nothing was changed; try again.", ec);
}

} // namespace hourglass::http
