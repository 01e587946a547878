#include "cli/admin_key.hpp"
#include "cli/listen.hpp"
#include "cli/log.hpp"
#include "cli/mock.hpp"
#include "cli/program.hpp"
#include "webhook/signing.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace hourglass;
using nlohmann::json;

int run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "hourglass");
  std::vector<char*> argv;
  for (auto& a : arguments)
    argv.push_back(a.data());
  return cli::run(static_cast<int>(argv.size()), argv.data());
}

TEST(program, ends_with_the_code_it_promises) {
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_EQ(run({"serve", "--help"}), 0);
  EXPECT_EQ(run({"completion"}), 0);
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"dance"}), 2);
  EXPECT_EQ(run({"serve", "--workers", "0"}), 2);
  EXPECT_EQ(run({"serve", "--config", "/nowhere/at/all.yaml"}), 2);
  EXPECT_EQ(run({"serve", "--admin-key", "short"}), 2);
  EXPECT_EQ(run({"serve", "--tls-cert", "x.pem"}), 2);
  EXPECT_EQ(run({"listen", "--secret", "whsec_short"}), 2);
  EXPECT_EQ(run({"mock", "--help"}), 0);
  EXPECT_EQ(run({"mock"}), 2);
  EXPECT_EQ(run({"mock", "--listen", "nowhere", "x.yaml"}), 2);
  EXPECT_EQ(run({"mock", "--seed", "many", "x.yaml"}), 2);
  EXPECT_EQ(run({"mock", "/nowhere/at/all.yaml"}), 1);
  using events::errc;
  EXPECT_EQ(cli::exit_code_of({errc::held, "", ""}), 3);
  EXPECT_EQ(cli::exit_code_of({errc::newer_format, "", ""}), 4);
  EXPECT_EQ(cli::exit_code_of({errc::corrupt, "", ""}), 5);
  EXPECT_EQ(cli::exit_code_of({errc::io, "", ""}), 1);
}

TEST(program, says_where_a_wrong_option_was_said) {
  auto complaint = [](std::vector<std::string> arguments) {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(run(std::move(arguments)), 2);
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(complaint({"serve", "--live-sandboxes", "0"}).find("--live-sandboxes"), std::string::npos);
  ::setenv("HOURGLASS_LIVE_SANDBOXES", "0", 1);
  EXPECT_TRUE(complaint({"serve"}).starts_with("HOURGLASS_LIVE_SANDBOXES (environment): "));
  ::unsetenv("HOURGLASS_LIVE_SANDBOXES");
  auto file = ::testing::TempDir() + "hourglass-program-" + std::to_string(::getpid()) + ".yaml";
  std::ofstream{file} << "live-sandboxes: 0\n";
  EXPECT_TRUE(complaint({"serve", "--config", file}).starts_with(file + ": live-sandboxes: "));
  std::filesystem::remove(file);
  EXPECT_NE(complaint({"dance"}).find("there is no command \"dance\""), std::string::npos);
  EXPECT_NE(complaint({"trigger", "a", "b"}).find("HOURGLASS_ADMIN_KEY"), std::string::npos);
}

class admin_key : public ::testing::Test {
protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ = std::filesystem::path{::testing::TempDir()} / ("hourglass-key-" + std::to_string(::getpid()));
};

TEST_F(admin_key, is_made_once_and_for_its_owner_only) {
  auto first = cli::stored_admin_key(folder_);
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_TRUE(first->made);
  EXPECT_GE(first->key.size(), 32U);
  struct stat s {};
  ASSERT_EQ(::stat(first->file.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600U);
  auto second = cli::stored_admin_key(folder_);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->made);
  EXPECT_EQ(second->key, first->key);
}

TEST_F(admin_key, that_is_too_short_is_refused) {
  std::filesystem::create_directories(folder_);
  std::ofstream{folder_ / "admin.key"} << "abc\n";
  EXPECT_EQ(cli::stored_admin_key(folder_).error().code, events::errc::invalid);
  std::ofstream{folder_ / "admin.key"} << "with blanks in it and long\n";
  EXPECT_FALSE(cli::stored_admin_key(folder_));
  std::ofstream{folder_ / "admin.key"} << "0123456789abcdef\r\n";
  EXPECT_EQ(cli::stored_admin_key(folder_)->key, "0123456789abcdef") << "an editor of another system has added a character";
  std::ofstream{folder_ / "admin.key"} << "";
  EXPECT_FALSE(cli::stored_admin_key(folder_));
}

TEST(log_lines, cannot_be_forged_by_a_value) {
  auto text = cli::log_text(false, cli::level::info, "T", "what", {{"a", "x\ny"}, {"b", "p=q"}, {"c", ""}, {"d", "plain"}});
  EXPECT_EQ(text, "T info what a=\"x\\ny\" b=\"p=q\" d=plain");
  auto line = cli::log_text(true, cli::level::error, "T", "what", {{"a", "x\"\n\xff"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(json::parse(line)["a"], "x\"\n?");
}

TEST(mock_lines, tell_of_a_request_and_cannot_be_forged_by_it) {
  http::request r;
  r.method = "GET";
  r.target = "/pets?x=1";
  http::response a;
  a.status = 404;
  EXPECT_EQ(cli::request_line(r, a, std::chrono::microseconds{1'260}, false), "GET /pets?x=1  404  1.3 ms");
  a.headers.push_back({"X-Request-Validation", "1 fault: query.x is wrong"});
  EXPECT_EQ(cli::request_line(r, a, std::chrono::microseconds{100}, false), "GET /pets?x=1  404  0.1 ms  1 fault: query.x is wrong");
  r.target = "/a\x1b[31m\n\"\xc3\xbc";
  auto line = json::parse(cli::request_line(r, a, std::chrono::microseconds{100}, true));
  EXPECT_EQ(line["what"], "request");
  EXPECT_EQ(line["target"], "/a?[31m?\"\xc3\xbc");
  EXPECT_EQ(line["status"], 404);
  EXPECT_EQ(line["us"], 100);
  EXPECT_EQ(line["validation"], "1 fault: query.x is wrong");
  EXPECT_EQ(cli::printable("a\xc2\x9b" "31m\xe2\x80\xae" "b\xe2\x81\xa6" "c\xd8\x9c\x1b" "d \xc3\xbc\xe2\x82\xac"), "a?31m?b?c??d \xc3\xbc\xe2\x82\xac") << "C1 and what turns the direction";
  EXPECT_EQ(cli::printable("\xff"), "(bytes that are not UTF-8)");
  EXPECT_EQ(cli::printable(std::string(999, 'x') + "\xc3\xbc"), std::string(999, 'x') + "\xe2\x80\xa6") << "never half a character";
}

TEST(listener, tells_how_the_signature_stands) {
  auto key = webhook::signing_key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  http::request r;
  r.method = "POST";
  r.target = "/hook";
  r.body = R"({"a":1})";
  std::vector<webhook::signing_key> keys{*key};
  r.headers = {{"webhook-id", "msg_1"}, {"webhook-timestamp", "1700000000"}, {"webhook-signature", webhook::sign(keys, "msg_1", 1'700'000'000, r.body)}};
  auto line = json::parse(cli::webhook_line(r, key->to_string(), 1'700'000'001, 204));
  EXPECT_EQ(line["signature"], webhook::to_string(webhook::verdict::ok));
  EXPECT_EQ(line["id"]["text"], "msg_1");
  r.body += " ";
  EXPECT_EQ(json::parse(cli::webhook_line(r, key->to_string(), 1'700'000'001, 204))["signature"], webhook::to_string(webhook::verdict::no_match));
  EXPECT_EQ(json::parse(cli::webhook_line(r, "", 1'700'000'001, 204))["signature"], "not checked");
}

} // namespace
