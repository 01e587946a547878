#include "tests/bench/bare.hpp"
#include "tests/bench/load.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace hourglass::bench {

namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using tcp = net::ip::tcp;

/// `v1,` and the base64 of HMAC-SHA256(`id.timestamp.body`), as Standard Webhooks has it.
std::string sign(std::string_view id, std::string_view timestamp, std::string_view body) {
  std::string text;
  text.reserve(id.size() + timestamp.size() + body.size() + 2);
  text.append(id).append(".").append(timestamp).append(".").append(body);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), delivery_key, static_cast<int>(std::strlen(delivery_key)), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       mac, &size);
  unsigned char encoded[64];
  auto n = EVP_EncodeBlock(encoded, mac, static_cast<int>(size));
  return "v1," + std::string{reinterpret_cast<char*>(encoded), static_cast<std::size_t>(n)};
}

struct tally {
  std::uint64_t delivered = 0, failed = 0;
  latencies took;
};

/// On a stream that is open, until `end`.
template <class Stream>
net::awaitable<void> deliver(Stream& stream, std::size_t number, steady::time_point end, tally& out,
                             boost::system::error_code& ec) {
  auto token = net::redirect_error(net::use_awaitable, ec);
  boost::beast::flat_buffer buffer;
  const std::string body(delivery_bytes, 'x');
  for (std::uint64_t n = 0; !ec && steady::now() < end; ++n) {
    auto since = steady::now();
    auto id = "msg_" + std::to_string(number) + '_' + std::to_string(n);
    auto timestamp = std::to_string(std::time(nullptr));
    http::request<http::string_body> request{http::verb::post, "/hook", 11};
    request.set(http::field::host, "127.0.0.1");
    request.set(http::field::user_agent, "bare");
    request.set(http::field::content_type, "application/json");
    request.set("webhook-id", id);
    request.set("webhook-timestamp", timestamp);
    request.set("webhook-signature", sign(id, timestamp, body));
    request.body() = body;
    request.prepare_payload();
    co_await http::async_write(stream, request, token);
    if (ec)
      break;
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, token);
    if (ec)
      break;
    if (response.result() != http::status::ok) {
      ++out.failed;
      continue;
    }
    ++out.delivered;
    out.took.add(steady::now() - since);
  }
}

net::awaitable<void> connect_and_deliver(tcp::endpoint to, net::ssl::context* tls,
                                         std::size_t number, steady::time_point end, tally& out) {
  tcp::socket socket{co_await net::this_coro::executor};
  boost::system::error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  co_await socket.async_connect(to, token);
  if (!ec)
    socket.set_option(tcp::no_delay{true}, ec);
  if (tls == nullptr) {
    co_await deliver(socket, number, end, out, ec);
  } else {
    net::ssl::stream<tcp::socket&> stream{socket, *tls};
    if (!ec)
      co_await stream.async_handshake(net::ssl::stream_base::client, token);
    co_await deliver(stream, number, end, out, ec);
  }
  if (ec)
    ++out.failed;
}

} // namespace

int bare_client(int argc, char** argv) {
  if (argc != 6 && (argc != 7 || std::strcmp(argv[6], "tls") != 0))
    return 2;
  net::ssl::context tls{net::ssl::context::tls_client};
  tcp::endpoint to{net::ip::make_address_v4(argv[1]),
                   static_cast<std::uint16_t>(std::atoi(argv[2]))};
  auto threads = static_cast<std::size_t>(std::atoi(argv[3]));
  auto connections = static_cast<std::size_t>(std::atoi(argv[4]));
  auto start = steady::now();
  auto end = start + std::chrono::duration_cast<steady::duration>(seconds{std::atof(argv[5])});
  std::vector<tally> tallies(threads);
  std::vector<std::thread> running;
  for (std::size_t t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      net::io_context context{1};
      for (auto i = t; i < connections; i += threads)
        net::co_spawn(context,
                      connect_and_deliver(to, argc == 7 ? &tls : nullptr, i, end, tallies[t]),
                      net::detached);
      context.run();
    });
  for (auto& r : running)
    r.join();
  auto elapsed = seconds{steady::now() - start}.count();
  tally all;
  for (auto& t : tallies) {
    all.delivered += t.delivered;
    all.failed += t.failed;
    all.took.add(t.took);
  }
  std::printf("%llu %.6f %.1f %.1f %llu\n", static_cast<unsigned long long>(all.delivered), elapsed, all.took.percentile(0.5),
              all.took.percentile(0.99), static_cast<unsigned long long>(all.failed));
  return 0;
}

} // namespace hourglass::bench
