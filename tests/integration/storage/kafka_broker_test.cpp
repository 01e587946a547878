// The export against a real Apache Kafka.
//   HOURGLASS_TEST_KAFKA          its address (tests/run starts one); without it these tests are skipped, and say so
//   HOURGLASS_TEST_KAFKA_RESTART  a command that kills the broker and starts it again on the same folder and port

#include "tests/unit/storage/kafka_support.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace {

using namespace hourglass;
using namespace hourglass::storage;
using namespace hourglass::storage::kafka_test;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class kafka_export_on_broker : public testing::Test {
protected:
  void SetUp() override {
    options_.bootstrap = environment("HOURGLASS_TEST_KAFKA");
    if (options_.bootstrap.empty())
      GTEST_SKIP() << "HOURGLASS_TEST_KAFKA is not set";
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    const auto unique = std::to_string(getpid()) + '.' + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
    options_.topic = std::string{"test."} + test->name() + '.' + unique;
    options_.retry_min = 50ms;
    options_.stop_grace = 10s;
    // Unreachable is a failure, not a skip: whoever set the variable wants these tests.
    auto client = kafka::make_client(RD_KAFKA_PRODUCER, std::move(*kafka::make_conf(options_, {})));
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto code = rd_kafka_metadata(client->get(), 0, nullptr, &metadata, 20'000);
    ASSERT_EQ(code, RD_KAFKA_RESP_ERR_NO_ERROR) << "no broker at " << options_.bootstrap << ": " << rd_kafka_err2str(code);
    rd_kafka_metadata_destroy(metadata);
    folder_ = std::filesystem::temp_directory_path() / ("hourglass." + unique);
    reopen();
  }

  void TearDown() override {
    log_.reset();
    if (!folder_.empty())
      std::filesystem::remove_all(folder_);
  }

  /// The real store, as after a restart of the process.
  void reopen() {
    log_.reset();
    auto opened = open_rocks_store(folder_);
    ASSERT_TRUE(opened) << opened.error().detail;
    log_ = std::move(*opened);
  }

  std::unique_ptr<kafka_export> open() {
    auto opened = kafka_export::open(*log_, options_);
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }

  void delete_topic() {
    auto client = kafka::make_client(RD_KAFKA_PRODUCER, std::move(*kafka::make_conf(options_, {})));
    const kafka::queue_handle queue{rd_kafka_queue_new(client->get())};
    auto* wanted = rd_kafka_DeleteTopic_new(options_.topic.c_str());
    rd_kafka_DeleteTopics(client->get(), &wanted, 1, nullptr, queue.get());
    const kafka::event_handle event{rd_kafka_queue_poll(queue.get(), 30'000)};
    rd_kafka_DeleteTopic_destroy(wanted);
    ASSERT_TRUE(event);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  kafka_options options_;
  std::filesystem::path folder_;
  std::unique_ptr<store> log_;
};

TEST_F(kafka_export_on_broker, creates_the_topic_and_fills_it_with_the_whole_log) {
  author author{*log_};
  author.write_many(2'000, 40);
  // As large as a record may be: more than Kafka takes without being told.
  author.write(sandbox(99), '"' + std::string(8'000'000, 'x') + '"');
  const auto out = open();
  ASSERT_TRUE(out->wait_until(log_->end(), soon())) << (out->figures().trouble ? out->figures().trouble->detail : "");
  EXPECT_EQ(out->figures().restarts, 0U);
  EXPECT_EQ(expect_topic_equals_log(options_, *log_, author.heads()).duplicates, 0U);
  auto client = kafka::make_client(RD_KAFKA_PRODUCER, std::move(*kafka::make_conf(options_, {})));
  EXPECT_EQ(kafka::partitions_of(client->get(), options_.topic, 10'000), options_.partitions);
}

TEST_F(kafka_export_on_broker, goes_on_after_a_restart_without_copies) {
  author author{*log_};
  author.write_many(500);
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(501, soon()));
  }
  author.write_many(500);
  reopen();
  const auto second = open();
  ASSERT_TRUE(second->wait_until(1'001, soon()));
  EXPECT_EQ(second->figures().delivered, 500U);
  EXPECT_EQ(expect_topic_equals_log(options_, *log_, author.heads()).duplicates, 0U);
}

TEST_F(kafka_export_on_broker, fills_a_topic_that_was_deleted_from_the_first_event_on) {
  author author{*log_};
  author.write_many(100);
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(101, soon()));
  }
  delete_topic();
  author.write_many(1);
  const auto second = open();
  ASSERT_TRUE(eventually([&] { return second->figures().delivered >= 101; }));
  ASSERT_TRUE(second->wait_until(102, soon()));
  expect_topic_equals_log(options_, *log_, author.heads());
}

TEST_F(kafka_export_on_broker, loses_nothing_and_makes_no_gap_when_the_broker_is_killed) {
  const auto restart = environment("HOURGLASS_TEST_KAFKA_RESTART");
  if (restart.empty())
    GTEST_SKIP() << "HOURGLASS_TEST_KAFKA_RESTART is not set";
  author author{*log_};
  const auto out = open();
  author.write_many(100);
  out->notify(log_->end());
  ASSERT_TRUE(out->wait_until(101, soon()));
  // Events keep coming while the broker dies and comes back.
  int code = -1;
  std::thread restarting{[&] { code = std::system(restart.c_str()); }};
  for (int i = 0; i < 200; ++i) {
    author.write_many(25);
    out->notify(log_->end());
    std::this_thread::sleep_for(5ms);
  }
  restarting.join();
  ASSERT_EQ(code, 0) << restart;
  author.write_many(10);
  out->notify(log_->end());
  ASSERT_TRUE(out->wait_until(log_->end(), soon())) << (out->figures().trouble ? out->figures().trouble->detail : "");
  expect_topic_equals_log(options_, *log_, author.heads());
}

} // namespace
