// The export against librdkafka's mock cluster: a broker in this process that can be told to fail. What it cannot show (duplicates that an
// idempotent producer avoids, topics that are created, a broker that dies for real) is in tests/integration/storage/kafka_broker_test.cpp.

#include "tests/unit/storage/kafka_support.hpp"

#include "events/json_text.hpp"

#include <librdkafka/rdkafka_mock.h>

namespace {

using namespace hourglass;
using namespace hourglass::storage;
using namespace hourglass::storage::kafka_test;

constexpr std::int16_t produce_api = 0;
constexpr int partitions = 4;

class kafka_export_on_mock : public testing::Test {
protected:
  void SetUp() override {
    char why[256];
    auto* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    owner_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why));
    ASSERT_TRUE(owner_) << why;
    cluster_ = rd_kafka_mock_cluster_new(owner_.get(), 1);
    ASSERT_NE(cluster_, nullptr);
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster_, "events", partitions, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    options_.bootstrap = rd_kafka_mock_cluster_bootstraps(cluster_);
    options_.topic = "events";
    options_.create_topic = false; // the mock cannot
    options_.retry_min = 10ms;
    options_.retry_max = 100ms;
    options_.stop_grace = 10s;
    options_.settings = {{"reconnect.backoff.ms", "10"}};
  }

  void TearDown() override {
    if (cluster_ != nullptr)
      rd_kafka_mock_cluster_destroy(cluster_);
  }

  void broker_down() { rd_kafka_mock_broker_set_down(cluster_, 1); }
  void broker_up() { rd_kafka_mock_broker_set_up(cluster_, 1); }
  void next_produce_fails_with(std::vector<rd_kafka_resp_err_t> errors) {
    rd_kafka_mock_push_request_errors_array(cluster_, produce_api, errors.size(), errors.data());
  }

  std::unique_ptr<kafka_export> open() {
    auto opened = kafka_export::open(*log_, options_);
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }

  std::string cursor() {
    const auto rows = log_->scan("cursor/kafka/", "", 10);
    return rows && rows->size() == 1 ? rows->front().value : "(none)";
  }

  std::string cursor_at(position at) { return std::to_string(at) + ' ' + std::to_string(partitions); }

  kafka::client_handle owner_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  kafka_options options_;
  std::unique_ptr<store> log_ = open_memory_store();
  author author_{*log_};
};

TEST_F(kafka_export_on_mock, carries_every_event_in_order_and_byte_for_byte) {
  author_.write_many(300);
  const auto out = open();
  ASSERT_TRUE(out->wait_until(301, soon()));
  author_.write_many(300);
  out->notify(log_->end());
  ASSERT_TRUE(out->wait_until(601, soon()));
  const auto figures = out->figures();
  EXPECT_EQ(figures.state, kafka_state::streaming);
  EXPECT_EQ(figures.lag, 0U);
  EXPECT_EQ(figures.delivered, 600U);
  const auto found = expect_topic_equals_log(options_, *log_, author_.heads());
  EXPECT_EQ(found.duplicates, 0U);
}

TEST_F(kafka_export_on_mock, opens_without_a_broker_and_loses_nothing_when_one_comes) {
  broker_down();
  author_.write_many(100);
  const auto out = open();
  ASSERT_TRUE(eventually([&] { return out->figures().errors > 0; }));
  EXPECT_EQ(out->figures().state, kafka_state::connecting);
  EXPECT_EQ(out->figures().exported, 1U);
  EXPECT_EQ(out->figures().lag, 100U);
  EXPECT_TRUE(out->figures().trouble);
  broker_up();
  ASSERT_TRUE(out->wait_until(101, soon()));
  EXPECT_EQ(out->figures().state, kafka_state::streaming);
  EXPECT_FALSE(out->figures().trouble);
  expect_topic_equals_log(options_, *log_, author_.heads());
}

TEST_F(kafka_export_on_mock, moves_its_cursor_on_delivery_reports_only) {
  author_.write_many(10);
  const auto out = open();
  ASSERT_TRUE(out->wait_until(11, soon()));
  ASSERT_TRUE(eventually([&] { return cursor() == cursor_at(11); }));
  broker_down();
  author_.write_many(20);
  out->notify(log_->end());
  // All are handed to the producer, nobody confirms any.
  ASSERT_TRUE(eventually([&] { return out->figures().in_flight == 20; }));
  ASSERT_TRUE(eventually([&] { return out->figures().state == kafka_state::retrying; }));
  EXPECT_EQ(out->figures().exported, 11U);
  EXPECT_EQ(out->figures().lag, 20U);
  EXPECT_EQ(cursor(), cursor_at(11));
  broker_up();
  ASSERT_TRUE(out->wait_until(31, soon()));
  ASSERT_TRUE(eventually([&] { return cursor() == cursor_at(31); }));
  expect_topic_equals_log(options_, *log_, author_.heads());
}

TEST_F(kafka_export_on_mock, holds_no_more_than_its_window_while_the_broker_is_away) {
  options_.in_flight_records = 50;
  author_.write_many(1);
  const auto out = open();
  ASSERT_TRUE(out->wait_until(2, soon()));
  broker_down();
  author_.write_many(500);
  out->notify(log_->end());
  ASSERT_TRUE(eventually([&] { return out->figures().state == kafka_state::retrying && out->figures().in_flight == 50; }));
  EXPECT_EQ(out->figures().lag, 500U);
  broker_up();
  ASSERT_TRUE(out->wait_until(502, soon()));
  expect_topic_equals_log(options_, *log_, author_.heads());
}

TEST_F(kafka_export_on_mock, tries_again_what_a_broker_refuses_for_a_moment) {
  next_produce_fails_with({RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                           RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
                           RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND});
  author_.write_many(200);
  const auto out = open();
  ASSERT_TRUE(out->wait_until(201, soon()));
  EXPECT_EQ(out->figures().restarts, 0U);
  expect_topic_equals_log(options_, *log_, author_.heads());
}

TEST_F(kafka_export_on_mock, begins_again_from_the_cursor_with_a_new_producer_after_a_fatal_error) {
  author_.write_many(30);
  const auto out = open();
  ASSERT_TRUE(out->wait_until(31, soon()));
  next_produce_fails_with({RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  author_.write_many(100);
  out->notify(log_->end());
  ASSERT_TRUE(out->wait_until(131, soon()));
  EXPECT_GE(out->figures().restarts, 1U);
  EXPECT_GE(out->figures().errors, 1U);
  EXPECT_EQ(out->figures().state, kafka_state::streaming);
  expect_topic_equals_log(options_, *log_, author_.heads());
}

TEST_F(kafka_export_on_mock, goes_on_after_a_restart_where_it_stopped) {
  author_.write_many(60);
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(61, soon()));
  }
  EXPECT_EQ(cursor(), cursor_at(61));
  author_.write_many(60);
  const auto second = open();
  ASSERT_TRUE(second->wait_until(121, soon()));
  EXPECT_EQ(second->figures().delivered, 60U);
  EXPECT_EQ(expect_topic_equals_log(options_, *log_, author_.heads()).duplicates, 0U);
}

TEST_F(kafka_export_on_mock, sends_twice_rather_than_never_when_its_cursor_is_lost) {
  author_.write_many(40);
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(41, soon()));
  }
  auto rows = *log_->scan("cursor/kafka/", "", 1);
  ASSERT_EQ(rows.size(), 1U);
  rows[0].remove = true;
  ASSERT_TRUE(log_->put(rows));
  const auto second = open();
  ASSERT_TRUE(second->wait_until(41, soon()));
  EXPECT_EQ(expect_topic_equals_log(options_, *log_, author_.heads()).duplicates, 40U);
}

/// The topic was deleted and made again: by the export itself, which then died before it wrote its cursor, or by somebody else.
TEST_F(kafka_export_on_mock, fills_a_topic_from_the_first_event_on_although_its_cursor_is_that_of_an_older_one) {
  author_.write_many(40);
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(41, soon()));
  }
  const auto filled = *log_->scan("cursor/kafka/", "", 1);
  ASSERT_EQ(rd_kafka_mock_topic_create(cluster_, "made.again", partitions, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
  auto row = filled.at(0);
  row.key.replace(row.key.rfind('/') + 1, std::string::npos, "made.again");
  ASSERT_TRUE(log_->put({&row, 1}));
  options_.topic = "made.again";
  author_.write_many(20);
  const auto second = open();
  ASSERT_TRUE(second->wait_until(61, soon()));
  EXPECT_EQ(second->figures().delivered, 60U);
  EXPECT_EQ(expect_topic_equals_log(options_, *log_, author_.heads()).duplicates, 0U);
}

TEST_F(kafka_export_on_mock, stops_at_a_record_that_does_not_verify_rather_than_leaving_it_out) {
  author_.write_many(5, 1);
  auto broken = *log_->read_raw(sandbox(1), 5);
  broken->back() = static_cast<char>(broken->back() ^ 1);
  const record_batch batch{sandbox(2), 1, {*broken}, {}, std::nullopt};
  ASSERT_TRUE(log_->write({&batch, 1}, 6, durability::buffered));
  author_.write(sandbox(3), "{}");
  const auto out = open();
  ASSERT_TRUE(eventually([&] { return out->figures().restarts >= 2; }));
  const auto figures = out->figures();
  EXPECT_LE(figures.exported, 6U);
  EXPECT_EQ(figures.state, kafka_state::retrying);
  ASSERT_TRUE(figures.trouble);
}

/// The topic has fewer messages than the log has places, and is still the same topic.
TEST_F(kafka_export_on_mock, passes_over_what_was_pruned_before_it_came_to_it) {
  author_.write_many(30);
  const pruned_stream gone{sandbox(2), 1};
  prune_place at;
  while (log_->prune({&gone, 1}, at).value()) {
  }
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(31, soon()));
    EXPECT_EQ(first->figures().delivered, 20U);
  }
  EXPECT_EQ(cursor(), cursor_at(31) + " 10");
  author_.write_many(3);
  const auto second = open();
  ASSERT_TRUE(second->wait_until(34, soon()));
  EXPECT_EQ(second->figures().delivered, 3U) << "it did not begin anew";
  EXPECT_EQ(second->figures().lag, 0U);
}

TEST_F(kafka_export_on_mock, refuses_to_go_on_when_it_is_ahead_of_the_log) {
  author_.write_many(10);
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(11, soon()));
  }
  auto rows = *log_->scan("cursor/kafka/", "", 1);
  rows.at(0).value = cursor_at(12);
  ASSERT_TRUE(log_->put(rows));
  const auto second = open();
  ASSERT_TRUE(eventually([&] { return second->figures().restarts >= 1; }));
  ASSERT_TRUE(second->figures().trouble);
  EXPECT_EQ(second->figures().trouble->code, events::errc::conflict);
  EXPECT_EQ(second->figures().delivered, 0U);
}

TEST_F(kafka_export_on_mock, refuses_to_go_on_when_the_topic_has_another_number_of_partitions) {
  author_.write_many(10);
  {
    const auto first = open();
    ASSERT_TRUE(first->wait_until(11, soon()));
  }
  auto rows = *log_->scan("cursor/kafka/", "", 1);
  rows.at(0).value = "11 3";
  ASSERT_TRUE(log_->put(rows));
  const auto second = open();
  ASSERT_TRUE(eventually([&] { return second->figures().restarts >= 1; }));
  ASSERT_TRUE(second->figures().trouble);
  EXPECT_EQ(second->figures().trouble->code, events::errc::conflict);
}

TEST_F(kafka_export_on_mock, waits_for_a_topic_that_it_may_not_create) {
  options_.topic = "not.a.topic.yet";
  rd_kafka_mock_topic_set_error(cluster_, options_.topic.c_str(), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  author_.write_many(10);
  const auto out = open();
  ASSERT_TRUE(eventually([&] { return out->figures().restarts >= 1; }));
  EXPECT_EQ(out->figures().trouble->code, events::errc::not_found);
  rd_kafka_mock_topic_set_error(cluster_, options_.topic.c_str(), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_TRUE(out->wait_until(11, soon()));
  expect_topic_equals_log(options_, *log_, author_.heads());
}

TEST_F(kafka_export_on_mock, ends_while_the_broker_is_away) {
  author_.write_many(10);
  auto out = open();
  ASSERT_TRUE(out->wait_until(11, soon()));
  broker_down();
  author_.write_many(10);
  out->notify(log_->end());
  ASSERT_TRUE(eventually([&] { return out->figures().state == kafka_state::retrying; }));
  out.reset();
  EXPECT_EQ(cursor(), cursor_at(11));
}

TEST_F(kafka_export_on_mock, opens_only_with_options_that_make_sense) {
  const auto refused = [&](auto change) {
    auto options = options_;
    change(options);
    const auto opened = kafka_export::open(*log_, options);
    return !opened && opened.error().code == events::errc::invalid;
  };
  EXPECT_TRUE(refused([](auto& o) { o.bootstrap.clear(); }));
  EXPECT_TRUE(refused([](auto& o) { o.topic = "no spaces"; }));
  EXPECT_TRUE(refused([](auto& o) { o.topic.clear(); }));
  EXPECT_TRUE(refused([](auto& o) { o.partitions = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.replication = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.in_flight_records = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.in_flight_bytes = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.settings = {{"no.such.setting", "1"}}; }));
  EXPECT_TRUE(refused([](auto& o) { o.settings = {{"socket.timeout.ms", "soon"}}; }));
  EXPECT_TRUE(refused([](auto& o) { o.settings = {{"enable.idempotence", "false"}}; }));
  EXPECT_TRUE(refused([](auto& o) { o.settings = {{"acks", "1"}}; }));
  EXPECT_FALSE(refused([](auto& o) { o.settings = {{"client.id", "hourglass"}}; }));
}

// -- the reader -------------------------------------------------------------------

class kafka_reader_on_mock : public kafka_export_on_mock {
protected:
  /// Puts the event of the log on the topic as the export would.
  void produce(position at) {
    const auto entry = log_->read_log(at)->at(0);
    const auto payload = events::decode(entry.bytes)->payload;
    const auto front = std::string_view{entry.bytes}.substr(0, entry.bytes.size() - payload.size());
    produce_raw(options_, entry.sandbox.to_string(), events::to_base64(front), payload);
  }

  events::errc error_of_reading() {
    const auto read = read_topic(options_, {}, soon());
    EXPECT_FALSE(read);
    return read ? events::errc::internal : read.error().code;
  }
};

TEST_F(kafka_reader_on_mock, reads_an_empty_topic) {
  const auto read = read_topic(options_, {}, soon());
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->messages, 0U);
}

TEST_F(kafka_reader_on_mock, finds_a_gap) {
  author_.write_many(3, 1);
  produce(1);
  produce(3);
  EXPECT_EQ(error_of_reading(), events::errc::corrupt);
}

TEST_F(kafka_reader_on_mock, drops_copies) {
  author_.write_many(2, 1);
  produce(1);
  produce(2);
  produce(1);
  const auto read = read_topic(options_, {}, soon());
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->events, 2U);
  EXPECT_EQ(read->duplicates, 1U);
}

TEST_F(kafka_reader_on_mock, finds_two_different_events_under_one_id) {
  author_.write_many(1, 1);
  produce(1);
  log_ = open_memory_store();
  author{*log_}.write(sandbox(1), R"({"another":true})");
  produce(1);
  EXPECT_EQ(error_of_reading(), events::errc::corrupt);
}

TEST_F(kafka_reader_on_mock, finds_a_payload_that_was_changed) {
  author_.write_many(1, 1);
  const auto entry = log_->read_log(1)->at(0);
  const auto payload = events::decode(entry.bytes)->payload;
  const auto front = std::string_view{entry.bytes}.substr(0, entry.bytes.size() - payload.size());
  auto changed = payload;
  changed[changed.size() / 2] ^= 1;
  produce_raw(options_, entry.sandbox.to_string(), events::to_base64(front), changed);
  EXPECT_EQ(error_of_reading(), events::errc::corrupt);
}

TEST_F(kafka_reader_on_mock, finds_a_message_that_is_not_ours) {
  produce_raw(options_, "key", "!", "{}");
  EXPECT_EQ(error_of_reading(), events::errc::corrupt);
}

TEST_F(kafka_reader_on_mock, gives_up_at_its_deadline_when_no_broker_answers) {
  broker_down();
  const auto read = read_topic(options_, {}, std::chrono::steady_clock::now() + 300ms);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, events::errc::timeout);
}

} // namespace
