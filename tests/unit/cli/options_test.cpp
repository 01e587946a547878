#include "cli/serve_options.hpp"

#include <cstdlib>
#include <fstream>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using namespace hourglass;
using cli::parse_host_port;

/// Parses as `serve` does: flags and environment, then what the file adds.
class serve_options : public ::testing::Test {
protected:
  void TearDown() override {
    for (auto* name : {"HOURGLASS_LISTEN", "HOURGLASS_WORKERS", "HOURGLASS_EGRESS_ALLOW", "HOURGLASS_UNSAFE_SKIP_TLS_VERIFY"})
      ::unsetenv(name);
    if (!file_.empty())
      ::unlink(file_.c_str());
  }
  void write(const std::string& yaml) {
    file_ = ::testing::TempDir() + "hourglass-options-" + std::to_string(::getpid()) + ".yaml";
    std::ofstream{file_} << yaml;
  }
  /// Empty when it was refused; `why_` then says so.
  std::optional<cli::serve_options> read(std::vector<std::string> arguments) {
    auto parse = [&](cli::serve_options& to, CLI::App& app, std::vector<std::string> list) {
      std::string config;
      cli::add_serve_options(app, to, config);
      std::reverse(list.begin(), list.end());
      try {
        app.parse(std::move(list));
        return true;
      } catch (const CLI::ParseError& e) {
        why_ = e.what();
        return false;
      }
    };
    cli::serve_options first;
    CLI::App given;
    if (!parse(first, given, arguments))
      return std::nullopt;
    if (file_.empty())
      return first;
    auto more = cli::arguments_of_file(file_, given);
    if (!more) {
      why_ = more.error().detail;
      return std::nullopt;
    }
    arguments.insert(arguments.end(), more->begin(), more->end());
    cli::serve_options second;
    CLI::App whole;
    if (!parse(second, whole, arguments))
      return std::nullopt;
    return second;
  }
  std::string file_, why_;
};

TEST_F(serve_options, flags_go_before_the_environment_that_before_the_file_that_before_the_default) {
  EXPECT_EQ(read({})->listen, "127.0.0.1:8080");
  write("listen: 127.0.0.1:1\nworkers: 3\nio-threads: 5\n");
  EXPECT_EQ(read({})->listen, "127.0.0.1:1");
  ::setenv("HOURGLASS_LISTEN", "127.0.0.1:2", 1);
  EXPECT_EQ(read({})->listen, "127.0.0.1:2");
  EXPECT_EQ(read({"--listen", "127.0.0.1:3"})->listen, "127.0.0.1:3");
  EXPECT_EQ(read({"--listen=127.0.0.1:3"})->workers, 3U) << "what is said of one option leaves the others alone";
  EXPECT_EQ(read({})->io_threads, 5U);
}

TEST(retention_option, is_days_hours_at_once_or_never) {
  using namespace std::chrono_literals;
  EXPECT_EQ(cli::parse_retention("30d").value(), std::optional<std::chrono::seconds>{30 * 24h});
  EXPECT_EQ(cli::parse_retention("12h").value(), std::optional<std::chrono::seconds>{12h});
  EXPECT_EQ(cli::parse_retention("0").value(), std::optional<std::chrono::seconds>{0s});
  EXPECT_EQ(cli::parse_retention("0d").value(), std::optional<std::chrono::seconds>{0s});
  EXPECT_EQ(cli::parse_retention("3660d").value(), std::optional<std::chrono::seconds>{3'660 * 24h});
  EXPECT_EQ(cli::parse_retention("never").value(), std::nullopt);
  for (auto* bad : {"", "d", "30", "30m", "30 d", "-1d", "1.5d", "3661d", "99999999999999999999d", "9223372036854775807h", "Never", "30dd", "forever"})
    EXPECT_FALSE(cli::parse_retention(bad)) << bad;
}

TEST_F(serve_options, lists_come_from_everywhere) {
  using list = std::vector<std::string>;
  EXPECT_EQ(read({"--egress-allow", "10.0.0.0/8", "--egress-allow", "127.0.0.0/8"})->egress_allow, (list{"10.0.0.0/8", "127.0.0.0/8"}));
  EXPECT_EQ(read({"--egress-allow", "10.0.0.0/8,127.0.0.0/8"})->egress_allow, (list{"10.0.0.0/8", "127.0.0.0/8"}));
  EXPECT_EQ(read({"--egress-deny", "evil.test,8.8.8.8:25", "--egress-deny", "*"})->egress_deny, (list{"evil.test", "8.8.8.8:25", "*"}));
  for (auto* bad : {"10.0.0.256", "a b", "10.0.0.0/99", "http://x"})
    EXPECT_FALSE(read({"--egress-deny", bad})) << bad;
  write("egress-allow: [10.0.0.0/8, 'fd00::/8']\n");
  EXPECT_EQ(read({})->egress_allow, (list{"10.0.0.0/8", "fd00::/8"}));
  ::setenv("HOURGLASS_EGRESS_ALLOW", "192.168.0.0/16", 1);
  EXPECT_EQ(read({})->egress_allow, (list{"192.168.0.0/16"}));
}

TEST_F(serve_options, a_flag_without_a_value_comes_from_file_and_environment_too) {
  EXPECT_FALSE(read({})->unsafe_skip_tls_verify);
  EXPECT_TRUE(read({"--unsafe-skip-tls-verify"})->unsafe_skip_tls_verify);
  write("unsafe-skip-tls-verify: true\n");
  EXPECT_TRUE(read({})->unsafe_skip_tls_verify);
  ::setenv("HOURGLASS_UNSAFE_SKIP_TLS_VERIFY", "false", 1);
  EXPECT_FALSE(read({})->unsafe_skip_tls_verify);
}

TEST_F(serve_options, what_is_wrong_is_refused_wherever_it_stands) {
  for (auto& bad : {std::vector<std::string>{"--workers", "0"}, {"--live-sandboxes", "0"}, {"--workers", "x"}, {"--listen", "nowhere"}, {"--listen", "1.2.3.4:99999"},
                    {"--egress-allow", "10.0.0.0/99"}, {"--log-level", "loud"}, {"--surprise"}, {"stray"}})
    EXPECT_FALSE(read(bad)) << bad[0];
  for (auto* bad : {"workers: 0\n", "workers: [1, 2]\n", "surprise: 1\n", "listen: {a: b}\n", "- a\n", "a: [\n", "config: x.yaml\n", "help: true\n",
                    "egress-allow: [[1]]\n"}) {
    write(bad);
    EXPECT_FALSE(read({})) << bad;
  }
  write("");
  EXPECT_TRUE(read({})) << "an empty file says nothing";
}

TEST_F(serve_options, what_can_never_work_is_refused) {
  write("");
  std::ofstream{file_} << "no certificate\n";
  auto empty = file_;
  file_.clear();
  for (auto& bad : {std::vector<std::string>{"--kafka", "x"}, {"--kafka", "127.0.0.1:abc"}, {"--kafka", "a:1,"}, {"--kafka", "a:0"}, {"--kafka", ":9092"},
                    {"--kafka", "a:1, b:2"}, {"--ca-file", "/nowhere/at/all.pem"}, {"--ca-file", "/"}, {"--ca-file", empty},
                    {"--base-url", "not a url"}, {"--base-url", "ftp://x"}, {"--base-url", "http://x/"}, {"--domain", "a b"}, {"--domain", "a:80"},
                    {"--domain", ".a"}, {"--admin-key", "short"}, {"--admin-key", "with blanks in it and long"},
                    {"--admin-key", "0123456789abcdef\r\nX: y"}}) {
    EXPECT_FALSE(read(bad)) << bad[1];
    if (bad[0] == "--admin-key") {
      EXPECT_EQ(why_.find(bad[1]), std::string::npos) << "a key is never shown: " << why_;
    }
  }
  for (auto& good : {std::vector<std::string>{"--kafka", "127.0.0.1:9092,[::1]:9093"}, {"--base-url", "https://a.example:8443/x"}, {"--domain", "sandbox.test"},
                     {"--admin-key", "0123456789abcdef"}})
    EXPECT_TRUE(read(good)) << good[1] << ": " << why_;
  ::unlink(empty.c_str());
}

TEST_F(serve_options, a_proxy_and_what_goes_past_it_are_read_and_no_password_is_said) {
  using list = std::vector<std::string>;
  auto good = read({"--egress-proxy", "http://me:s3cret-word@proxy.test:3128", "--egress-no-proxy", "inside.test,10.0.0.0/8", "--egress-no-proxy", "*:25"});
  ASSERT_TRUE(good) << why_;
  EXPECT_EQ(good->egress_proxy, "http://me:s3cret-word@proxy.test:3128");
  EXPECT_EQ(good->egress_no_proxy, (list{"inside.test", "10.0.0.0/8", "*:25"}));
  EXPECT_TRUE(read({"--egress-proxy", "https://me:s3cret-word@proxy.test"}));
  for (auto& bad : {list{"--egress-proxy", "ftp://me:s3cret-word@proxy.test"}, {"--egress-proxy", "socks4://me:s3cret-word@proxy.test:1"},
                    {"--egress-proxy", "http://me:s3cret-word@proxy.test/path"}, {"--egress-proxy", "me:s3cret-word@proxy.test"}, {"--egress-no-proxy", "http://x"}}) {
    EXPECT_FALSE(read(bad)) << bad[1];
    EXPECT_EQ(why_.find("s3cret-word"), std::string::npos) << why_;
  }
  write("egress-proxy: socks5://127.0.0.1:1080\negress-no-proxy: [a.test, b.test]\n");
  EXPECT_EQ(read({})->egress_proxy, "socks5://127.0.0.1:1080");
  EXPECT_EQ(read({})->egress_no_proxy, (list{"a.test", "b.test"}));
}

TEST_F(serve_options, the_file_of_authorities_goes_by_either_name) {
  write("");
  std::ofstream{file_} << "no certificate\n";
  auto empty = file_;
  file_.clear();
  for (auto* name : {"--ca-file", "--egress-ca"})
    EXPECT_FALSE(read({name, empty})) << name;
  EXPECT_NE(why_.find("no certificate"), std::string::npos) << why_;
  ::unlink(empty.c_str());
}

TEST_F(serve_options, help_tells_default_and_consequence_and_marks_what_is_unsafe) {
  CLI::App app;
  cli::serve_options to;
  std::string config;
  cli::add_serve_options(app, to, config);
  auto help = app.help();
  for (auto* option : app.get_options([](const CLI::Option* o) { return o->get_lnames().front() != "help"; })) {
    EXPECT_GT(option->get_description().size(), 15U) << option->get_name();
    EXPECT_TRUE(option->get_envname().starts_with("HOURGLASS_")) << option->get_name();
  }
  EXPECT_NE(help.find("127.0.0.1:8080"), std::string::npos);
  EXPECT_NE(help.find("--unsafe-skip-tls-verify"), std::string::npos);
}

TEST(host_port, is_read_strictly) {
  EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_host_port(":80")->host, "0.0.0.0");
  EXPECT_EQ(parse_host_port("localhost:0")->port, 0);
  for (auto* bad : {"", "80", "host", "host:", "host:x", "host:70000", "::1:80", "host:-1", "host:80 "})
    EXPECT_FALSE(parse_host_port(bad)) << bad;
}

} // namespace
