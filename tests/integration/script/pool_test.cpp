#include "engine_fixture.hpp"

#include "mock/script_limits.hpp"

#include <atomic>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include <unistd.h>

namespace hourglass::script {

namespace {

using mock::script_fault;

TEST(script_pool, without_its_program_does_not_open) {
  auto opened = open_pool({"/nowhere/hourglass-script-worker", 1});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, events::errc::unavailable);
}

/// A program that says it is ready, and then `what` (for the shell's printf) without end or listening.
std::filesystem::path false_worker(const std::string& what) {
  auto path = std::filesystem::path{testing::TempDir()} / ("false_worker_" + std::to_string(::getpid()));
  std::ofstream{path} << "#!/bin/sh\nprintf '\\001\\000\\000\\000\\020' >&3\nwhile printf '" << what << "' >&3; do :; done\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST(script_pool, a_worker_that_wants_sources_without_end_is_given_up) {
  mock::script_task t;
  t.script = mock::script_source::of("1");
  const auto size = t.script->digest.size();
  const auto octal = [](std::size_t n) {
    char out[8];
    std::snprintf(out, sizeof out, "\\%03zo", n);
    return std::string{out};
  };
  std::string want = octal(1 + 4 + size) + R"(\000\000\000\022)" + octal(size) + R"(\000\000\000)";
  for (const auto c : t.script->digest)
    want += octal(static_cast<unsigned char>(c));
  const auto program = false_worker(want);
  auto opened = open_pool({program, 1, std::chrono::milliseconds{2'000}});
  ASSERT_TRUE(opened);
  auto o = run_and_wait(**opened, t);
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->fault, script_fault::died) << "and not after the time that a script has: " << o.error->message;
  (*opened)->stop();
  std::filesystem::remove(program);
}

TEST(script_pool, what_a_script_has_us_work_counts_in_full) {
  auto opened = open_pool({HOURGLASS_SCRIPT_WORKER, 1, std::chrono::milliseconds{1'000}});
  ASSERT_TRUE(opened);
  std::size_t calls = 0;
  mock::script_task t;
  t.sandbox = "sbx_a";
  t.script = mock::script_source::of("for (let i = 0; i < 100; i++) $func.mock.find('c', 'n');");
  t.request = R"({"method":"GET","headers":{},"body":null})";
  t.start = R"({"status":200,"headers":{}})";
  test_host host{[&](std::string_view, std::string_view) -> events::outcome<std::string> {
    ++calls;
    const auto end = std::clock() + CLOCKS_PER_SEC / 2; // of the processor
    while (std::clock() < end) {
    }
    return "1";
  }};
  t.host = std::shared_ptr<test_host>{std::shared_ptr<void>{}, &host};
  auto o = run_and_wait(**opened, t);
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->fault, script_fault::time) << o.error->message;
  EXPECT_LE(calls, 4U);
  (*opened)->stop();
}

TEST(script_pool, a_program_that_is_no_worker_fails_each_run) {
  auto opened = open_pool({"/bin/true", 1});
  ASSERT_TRUE(opened);
  mock::script_task t;
  t.script = mock::script_source::of("1");
  auto o = run_and_wait(**opened, t);
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->fault, script_fault::unavailable);
}

} // namespace

} // namespace hourglass::script
