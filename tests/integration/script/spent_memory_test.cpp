#include "engine_fixture.hpp"
#include "tests/support/spent_memory.hpp"

#include <atomic>
#include <thread>

// The server's memory is spent, for every thread but the one that says so: what the pool's threads do then is somebody's misfortune, and nobody's end.
namespace {

std::atomic<bool> spent{false};
thread_local bool exempt = false;

} // namespace

bool hourglass::test::memory_is_spent() noexcept { return spent.load(std::memory_order_relaxed) && !exempt; }

namespace hourglass::script {

namespace {

class spent_memory : public engine_test {
protected:
  void SetUp() override {
    exempt = true;
    open(1);
  }
  void TearDown() override {
    spent = false;
    exempt = false;
  }
};

TEST_F(spent_memory, fails_the_run_that_would_start_a_worker_and_no_other) {
  spent = true;
  auto o = run("$resp.body = 1");
  spent = false;
  ASSERT_TRUE(o.error);
  EXPECT_TRUE(o.error->fault == mock::script_fault::died || o.error->fault == mock::script_fault::unavailable) << o.error->message;
  EXPECT_EQ(said("$resp.body = 1"), "1");
}

TEST_F(spent_memory, leaves_waiting_what_it_cannot_take_out_of_the_queue) {
  const std::string name(200, 'x');
  std::promise<mock::script_outcome> p;
  auto answered = p.get_future();
  spent = true;
  engine_->run(task("$resp.body = 1", name), [&p](mock::script_outcome o) { p.set_value(std::move(o)); });
  EXPECT_EQ(answered.wait_for(std::chrono::milliseconds{50}), std::future_status::timeout);
  spent = false;
  EXPECT_EQ(answered.get().answer.body, "1");
}

TEST_F(spent_memory, fails_the_run_that_its_worker_is_asked_about) {
  ASSERT_EQ(said("$resp.body = 1"), "1");
  auto t = task("$resp.body = $func.env.get('x'.repeat(100))");
  t.host = std::make_shared<test_host>([](std::string_view, std::string_view) -> events::outcome<std::string> {
    spent = true;
    return "1";
  });
  auto o = run(std::move(t));
  spent = false;
  ASSERT_TRUE(o.error);
  EXPECT_EQ(said("$resp.body = 1"), "1");
}

} // namespace

} // namespace hourglass::script
