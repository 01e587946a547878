#include "http/problem.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <nlohmann/json.hpp>
#include <openssl/rand.h>

namespace hourglass::http {

std::string_view status_phrase(unsigned status) noexcept {
  switch (status) {
  case 100: return "Continue";
  case 101: return "Switching Protocols";
  case 102: return "Processing";
  case 103: return "Early Hints";
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 203: return "Non-Authoritative Information";
  case 204: return "No Content";
  case 205: return "Reset Content";
  case 206: return "Partial Content";
  case 207: return "Multi-Status";
  case 208: return "Already Reported";
  case 226: return "IM Used";
  case 300: return "Multiple Choices";
  case 301: return "Moved Permanently";
  case 302: return "Found";
  case 303: return "See Other";
  case 304: return "Not Modified";
  case 305: return "Use Proxy";
  case 307: return "Temporary Redirect";
  case 308: return "Permanent Redirect";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 402: return "Payment Required";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 406: return "Not Acceptable";
  case 407: return "Proxy Authentication Required";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 410: return "Gone";
  case 411: return "Length Required";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 414: return "URI Too Long";
  case 415: return "Unsupported Media Type";
  case 416: return "Range Not Satisfiable";
  case 417: return "Expectation Failed";
  case 418: return "I'm a teapot";
  case 421: return "Misdirected Request";
  case 422: return "Unprocessable Content";
  case 423: return "Locked";
  case 424: return "Failed Dependency";
  case 425: return "Too Early";
  case 426: return "Upgrade Required";
  case 428: return "Precondition Required";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 451: return "Unavailable For Legal Reasons";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 505: return "HTTP Version Not Supported";
  case 506: return "Variant Also Negotiates";
  case 507: return "Insufficient Storage";
  case 508: return "Loop Detected";
  case 510: return "Not Extended";
  case 511: return "Network Authentication Required";
  }
  return "Unknown";
}

response to_response(const problem& p) {
  nlohmann::ordered_json body;
  body["type"] = p.type;
  body["title"] = p.title.empty() ? std::string{status_phrase(p.status)} : p.title;
  body["status"] = p.status;
  if (!p.detail.empty())
    body["detail"] = p.detail;
  if (!p.where.empty())
    body["pointer"] = p.where;
  if (p.line != 0) {
    body["line"] = p.line;
    body["column"] = p.column;
  }
  if (!p.correlation.empty())
    body["correlation_id"] = p.correlation;
  response answer;
  answer.status = p.status;
  answer.headers.push_back({"Content-Type", "application/problem+json"});
  if (p.status == 503 || p.status == 429)
    answer.headers.push_back({"Retry-After", "1"});
  // A detail may quote bytes from outside: what is not UTF-8 becomes U+FFFD instead of an exception.
  answer.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return answer;
}

std::string correlation_or_fresh(std::string_view given) {
  if (!given.empty() && given.size() <= 64 && std::all_of(given.begin(), given.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    return std::string{given};
  // The milliseconds come first: what is kept by correlation id is then written side by side. A name, not a secret, so entropy is drawn in advance;
  // should that fail, the problem goes out all the same.
  constexpr std::size_t time_bytes = 6, chance_bytes = 5;
  thread_local std::array<unsigned char, 64 * chance_bytes> pool;
  thread_local std::size_t used = pool.size();
  if (used == pool.size()) {
    (void)RAND_bytes(pool.data(), static_cast<int>(pool.size()));
    used = 0;
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::string out{"cor_"};
  const auto add = [&](unsigned b) {
    out += "0123456789abcdef"[(b >> 4) & 15];
    out += "0123456789abcdef"[b & 15];
  };
  for (auto i = time_bytes; i > 0; --i)
    add(static_cast<unsigned>(ms >> (8 * (i - 1))) & 0xFF);
  for (std::size_t i = 0; i < chance_bytes; ++i)
    add(pool[used++]);
  return out;
}

} // namespace hourglass::http
