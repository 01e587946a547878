#include "tests/bench/bare.hpp"

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio.hpp>
#include <boost/beast.hpp>

namespace hourglass::bench {

namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using tcp = net::ip::tcp;

net::awaitable<void> converse(tcp::socket socket, const std::string& body) {
  boost::beast::flat_buffer buffer;
  boost::system::error_code ec;
  socket.set_option(tcp::no_delay{true}, ec);
  auto token = net::redirect_error(net::use_awaitable, ec);
  while (!ec) {
    http::request<http::string_body> request;
    co_await http::async_read(socket, buffer, request, token);
    if (ec)
      break;
    http::response<http::string_body> response{http::status::ok, request.version()};
    response.set(http::field::server, "bare");
    response.set(http::field::content_type, "application/json");
    response.keep_alive(request.keep_alive());
    response.body() = body;
    response.prepare_payload();
    co_await http::async_write(socket, response, token);
    if (!request.keep_alive())
      break;
  }
}

/// Connections are dealt out to the threads in turn, as ours are.
net::awaitable<void> accept(tcp::acceptor& acceptor, std::vector<std::unique_ptr<net::io_context>>& threads, const std::string& body) {
  for (std::size_t next = 0;; next = (next + 1) % threads.size()) {
    auto& context = *threads[next];
    auto socket = co_await acceptor.async_accept(context, net::use_awaitable);
    net::co_spawn(context, converse(std::move(socket), body), net::detached);
  }
}

} // namespace

int bare_server(int argc, char** argv) {
  if (argc != 4)
    return 2;
  auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  auto count = static_cast<std::size_t>(std::atoi(argv[2]));
  const std::string body = argv[3];
  std::vector<std::unique_ptr<net::io_context>> contexts;
  std::vector<net::executor_work_guard<net::io_context::executor_type>> work;
  for (std::size_t i = 0; i < count; ++i) {
    contexts.push_back(std::make_unique<net::io_context>(1));
    work.push_back(net::make_work_guard(*contexts.back()));
  }
  tcp::acceptor acceptor{*contexts[0], {net::ip::address_v4::loopback(), port}};
  net::co_spawn(*contexts[0], accept(acceptor, contexts, body), net::detached);
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i)
    threads.emplace_back([&context = *contexts[i]] { context.run(); });
  contexts[0]->run();
  return 0;
}

} // namespace hourglass::bench
