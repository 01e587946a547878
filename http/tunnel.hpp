#pragma once

// Internal to http/. What is said to a proxy until it lets us through: pure, no sockets.

#include "http/proxy.hpp"
#include "http/response_reader.hpp"

#include <optional>
#include <string>

namespace hourglass::http {

/// One dialogue with a proxy. Say `to_say`, then `feed` what it answers, until it is `open` or `refused`.
///
///   SOCKS5: 05 methods; 05 method; [01 user password; 01 status;] 05 01 00 address; 05 reply 00 address
///   CONNECT: a request; an answer without a body, of which 2xx opens
class tunnel {
public:
  enum class progress : std::uint8_t {
    more,    ///< wants more bytes
    say,     ///< has something to say before it goes on
    open,    ///< what follows belongs to the receiver
    refused, ///< `why` says so
  };

  tunnel(const proxy& through, const std::array<std::uint8_t, 16>& address, std::uint16_t port);

  /// What is to be said now; empty afterwards.
  std::string to_say() { return std::exchange(say_, {}); }
  progress feed(const char* data, std::size_t size, std::size_t& used);

  const std::string& why() const noexcept { return why_; }
  /// It refused this one address, and may let us through to another.
  bool may_reach_another() const noexcept { return may_reach_another_; }

private:
  enum class step : std::uint8_t { method, login, reply, answer };

  progress on_method(const unsigned char* data);
  progress on_login(const unsigned char* data);
  progress on_reply(const unsigned char* data, std::size_t size, std::size_t& used);
  progress on_answer(const char* data, std::size_t size, std::size_t& used);
  progress refuse(std::string why, bool may_reach_another = false);
  std::string socks_request() const;

  std::string username_, password_;
  std::array<std::uint8_t, 16> address_;
  std::uint16_t port_;
  step step_;
  std::string say_, why_;
  bool may_reach_another_ = false;
  unsigned interims_ = 0;
  exchange asked_;         ///< of CONNECT
  exchange_result answer_; ///< likewise
  std::optional<response_reader> reader_;
};

} // namespace hourglass::http
