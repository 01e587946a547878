#include "http/tunnel.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <openssl/evp.h>

namespace hourglass::http {

namespace {

constexpr unsigned char version = 5, login_version = 1, no_login = 0, by_password = 2, no_method = 0xff, connect_command = 1;
constexpr unsigned char as_v4 = 1, as_name = 3, as_v6 = 4;
constexpr unsigned most_interims = 4;

bool is_v4(const std::array<std::uint8_t, 16>& a) noexcept {
  return std::all_of(a.begin(), a.begin() + 10, [](auto b) { return b == 0; }) && a[10] == 0xff && a[11] == 0xff;
}

std::string text_of(const std::array<std::uint8_t, 16>& a, std::uint16_t port) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool v4 = is_v4(a);
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a.data() + 12 : a.data(), text, sizeof text);
  return (v4 ? std::string{text} : "[" + std::string{text} + "]") + ":" + std::to_string(port);
}

void put(std::string& out, unsigned byte) { out.push_back(static_cast<char>(byte)); }

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                    static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string connect_request(const std::string& to, const std::string& username, const std::string& password) {
  auto out = "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n";
  if (!username.empty())
    out += "Proxy-Authorization: Basic " + base64(username + ":" + password) + "\r\n";
  return out + "\r\n";
}

std::string_view meaning_of(unsigned char reply) noexcept {
  switch (reply) {
    case 1: return "general failure";
    case 2: return "its rules do not allow it";
    case 3: return "network unreachable";
    case 4: return "host unreachable";
    case 5: return "connection refused";
    case 6: return "the time ran out";
    case 7: return "it knows no CONNECT";
    case 8: return "it does not take this kind of address";
    default: return "for a reason that has no name";
  }
}

} // namespace

tunnel::tunnel(const proxy& through, const std::array<std::uint8_t, 16>& address, std::uint16_t port)
    : username_(through.username), password_(through.password), address_(address), port_(port),
      step_(through.speaks == proxy::kind::socks5 ? step::method : step::answer) {
  if (step_ == step::answer) {
    say_ = connect_request(text_of(address, port), username_, password_);
    asked_.body_kept = 0;
    reader_.emplace(answer_, asked_, true);
    return;
  }
  put(say_, version);
  put(say_, username_.empty() ? 1 : 2);
  put(say_, no_login);
  if (!username_.empty())
    put(say_, by_password);
}

tunnel::progress tunnel::feed(const char* data, std::size_t size, std::size_t& used) {
  used = 0;
  if (!why_.empty())
    return progress::refused;
  const auto* bytes = reinterpret_cast<const unsigned char*>(data);
  switch (step_) {
    case step::method:
    case step::login:
      if (size < 2)
        return progress::more;
      used = 2;
      return step_ == step::method ? on_method(bytes) : on_login(bytes);
    case step::reply:
      return on_reply(bytes, size, used);
    case step::answer:
      return on_answer(data, size, used);
  }
  return progress::refused;
}

tunnel::progress tunnel::on_method(const unsigned char* data) {
  if (data[0] != version)
    return refuse("does not speak SOCKS5");
  if (data[1] == no_method)
    return refuse(username_.empty() ? "wants a user and a password" : "takes no user and password");
  if (data[1] == by_password && !username_.empty()) {
    step_ = step::login;
    put(say_, login_version);
    put(say_, static_cast<unsigned>(username_.size() & 0xff));
    say_ += username_;
    put(say_, static_cast<unsigned>(password_.size() & 0xff));
    say_ += password_;
    return progress::say;
  }
  if (data[1] != no_login)
    return refuse("chose a way to log in that was not offered");
  step_ = step::reply;
  say_ = socks_request();
  return progress::say;
}

tunnel::progress tunnel::on_login(const unsigned char* data) {
  if (data[0] != login_version)
    return refuse("does not speak SOCKS5");
  if (data[1] != 0)
    return refuse("did not accept the user and password");
  step_ = step::reply;
  say_ = socks_request();
  return progress::say;
}

std::string tunnel::socks_request() const {
  std::string out;
  put(out, version);
  put(out, connect_command);
  put(out, 0);
  const bool v4 = is_v4(address_);
  put(out, v4 ? as_v4 : as_v6);
  for (auto at = address_.begin() + (v4 ? 12 : 0); at != address_.end(); ++at)
    put(out, *at);
  put(out, static_cast<unsigned>(port_ >> 8));
  put(out, static_cast<unsigned>(port_ & 0xff));
  return out;
}

/// 05 reply 00 kind address port. The address that it says is nothing to us; how long it is, is.
tunnel::progress tunnel::on_reply(const unsigned char* data, std::size_t size, std::size_t& used) {
  if (size < 2)
    return progress::more;
  if (data[0] != version)
    return refuse("does not speak SOCKS5");
  if (data[1] != 0) // some send no more than this
    return refuse("cannot reach " + text_of(address_, port_) + ": " + std::string{meaning_of(data[1])}, true);
  if (size < 5)
    return progress::more;
  std::size_t length = 0;
  switch (data[3]) {
    case as_v4: length = 4; break;
    case as_v6: length = 16; break;
    case as_name: length = 1 + std::size_t{data[4]}; break;
    default: return refuse("does not speak SOCKS5");
  }
  if (size < 4 + length + 2)
    return progress::more;
  used = 4 + length + 2;
  return progress::open;
}

tunnel::progress tunnel::on_answer(const char* data, std::size_t size, std::size_t& used) {
  while (true) {
    std::size_t taken = 0;
    const auto how = reader_->feed(data + used, size - used, taken);
    used += taken;
    if (how == response_reader::progress::more)
      return progress::more;
    if (how == response_reader::progress::malformed)
      return refuse("does not speak HTTP: " + reader_->why());
    if (how == response_reader::progress::done)
      break;
    if (++interims_ > most_interims)
      return refuse("sent more than " + std::to_string(most_interims) + " interim answers");
    answer_ = {};
    reader_.emplace(answer_, asked_, true);
  }
  const auto status = answer_.status;
  if (status >= 200 && status < 300)
    return progress::open;
  if (status == 407)
    return refuse(username_.empty() ? "wants a user and a password (407)" : "did not accept the user and password (407)");
  return refuse("answered " + std::to_string(status) + " to CONNECT " + text_of(address_, port_), status == 502 || status == 503 || status == 504);
}

tunnel::progress tunnel::refuse(std::string why, bool may_reach_another) {
  why_ = std::move(why);
  may_reach_another_ = may_reach_another;
  return progress::refused;
}

} // namespace hourglass::http
