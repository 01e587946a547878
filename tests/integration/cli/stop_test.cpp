#include "../http/calls.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

// The program itself, told to end as a service manager does.
namespace {

using namespace hourglass::http::testing;
using hourglass::http::client;
using hourglass::http::exchange;
using hourglass::http::exchange_result;
using nlohmann::json;

constexpr auto admin_key = "hgk_test_admin_key_of_forty_characters__";

class stopping : public ::testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("hourglass-stop-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    start();
    client_ = client::open({}, loopback_allowed());
  }
  void TearDown() override {
    client_->stop(0ms);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  void start() {
    const auto data = (folder_ / "data").string();
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl(HOURGLASS_PROGRAM, HOURGLASS_PROGRAM, "serve", "--listen", "127.0.0.1:0", "--data", data.c_str(), "--admin-key", admin_key, "--log-level", "error", nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    auto* said = ::fdopen(ends[0], "r");
    unsigned port = 0;
    EXPECT_EQ(std::fscanf(said, "listening on http://127.0.0.1:%u", &port), 1);
    std::fclose(said);
    port_ = static_cast<std::uint16_t>(port);
  }
  exchange to_server(std::string method, const std::string& target, std::string body = {}) {
    auto out = to(local(port_, target), std::move(body));
    out.method = std::move(method);
    out.headers = {{"Authorization", std::string{"Bearer "} + admin_key}, {"Content-Type", "application/json"}};
    out.deadline = 30s;
    return out;
  }
  json asked(unsigned status, std::string method, const std::string& target, std::string body = {}) {
    auto r = call(*client_, to_server(std::move(method), target, std::move(body)));
    EXPECT_EQ(r.status, status) << target << ": " << r.body << r.detail;
    return r.status == status ? json::parse(r.body) : json{};
  }
  /// Its exit code, -1 if a signal ended it.
  int ended() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::filesystem::path folder_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::unique_ptr<client> client_;
};

TEST_F(stopping, gives_answers_that_are_held_back_while_their_callers_are_there) {
  const auto base = "/sandboxes/" + asked(201, "POST", "/sandboxes", "{}").value("id", "");
  asked(200, "PUT", base + "/endpoints/ep_1",
        R"({"method":"GET","path":"/run","handler":{"script":"$func.sbx.chaos.applyFromHeader('latency=60000'); $resp.body = 'late'"}})");
  auto late = begin(*client_, to_server("GET", "/s/" + base.substr(11) + "/run"));
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (asked(200, "GET", base + "/requests")["data"].empty() && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(10ms);
  const auto told = std::chrono::steady_clock::now();
  ::kill(pid_, SIGTERM);
  const auto answer = wait(late);
  EXPECT_EQ(answer.status, 200U) << answer.detail;
  EXPECT_EQ(answer.body, "late");
  EXPECT_EQ(ended(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - told, 9s) << "nobody has waited for the grace to pass";
}

} // namespace
