#pragma once

#include "events/codec.hpp"
#include "storage/kafka_client.hpp"
#include "storage/kafka_export.hpp"
#include "storage/kafka_reader.hpp"
#include "storage/store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

/// What the tests of the Kafka export share: a log to export, and what must be true of a topic afterwards.
namespace hourglass::storage::kafka_test {

using namespace std::chrono_literals;

/// Long enough for a loaded machine; a test that waits this long has failed.
inline std::chrono::steady_clock::time_point soon() { return std::chrono::steady_clock::now() + 60s; }

/// Asks until it holds. For what has no way to be waited for.
inline bool eventually(const std::function<bool()>& holds) {
  const auto deadline = soon();
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline)
      return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

inline events::sandbox_id sandbox(std::uint8_t number) {
  events::sandbox_id id;
  id.bytes[15] = number;
  return id;
}

/// Writes sealed events to a store, as the journal would.
class author {
public:
  explicit author(store& to) : to_(to) {}

  void write(const events::sandbox_id& id, std::string payload, std::vector<std::string> entities = {}) {
    auto& head = heads_[id];
    record_batch batch{id, head.seq + 1, {std::string{}}, {}, std::nullopt};
    events::context moment;
    moment.wall = {1'700'000'000'000'000 + static_cast<std::int64_t>(to_.end())};
    moment.now = {moment.wall.us + 5};
    moment.principal = "test";
    moment.correlation = "c-" + std::to_string(to_.end());
    events::seal(head, id, {events::kind::data_put, std::move(payload), std::move(entities), 0, {}}, moment, batch.records[0]);
    ASSERT_TRUE(to_.write({&batch, 1}, to_.end(), durability::buffered));
  }

  /// `count` events, in turn by `sandboxes` sandboxes.
  void write_many(std::size_t count, std::uint8_t sandboxes = 3) {
    for (std::size_t i = 0; i < count; ++i)
      write(sandbox(static_cast<std::uint8_t>(1 + i % sandboxes)),
            "{\"n\":" + std::to_string(i) + ",\"text\":\"" + std::string(i % 200, 'x') + "\"}");
  }

  const std::map<events::sandbox_id, events::chain_head>& heads() const { return heads_; }

private:
  store& to_;
  std::map<events::sandbox_id, events::chain_head> heads_;
};

/// The topic holds every event of the log, byte for byte, in order, and nothing else. Returns what the reading found.
inline topic_contents expect_topic_equals_log(const kafka_options& options, const store& log,
                                              const std::map<events::sandbox_id, events::chain_head>& heads) {
  std::size_t different = 0;
  const auto found = read_topic(
      options,
      [&](const events::record& event, std::string_view stored) {
        const auto original = log.read_raw(event.header.sandbox, event.header.seq);
        if (!original || !*original || **original != stored)
          ++different;
      },
      soon());
  if (!found) {
    ADD_FAILURE() << "reading the topic: " << found.error().detail << " at " << found.error().where;
    return {};
  }
  EXPECT_EQ(different, 0U);
  EXPECT_EQ(found->events, log.end() - 1);
  EXPECT_EQ(found->messages, found->events + found->duplicates);
  EXPECT_EQ(found->heads, heads);
  return *found;
}

/// A producer that is not ours, for what the export would never send.
inline void produce_raw(const kafka_options& options, const std::string& key, const std::string& hgrecord,
                        const std::string& value) {
  auto conf = kafka::make_conf(options, {});
  ASSERT_TRUE(conf);
  auto client = kafka::make_client(RD_KAFKA_PRODUCER, std::move(*conf));
  ASSERT_TRUE(client);
  auto* headers = rd_kafka_headers_new(1);
  rd_kafka_header_add(headers, "ce_hgrecord", -1, hgrecord.data(), static_cast<ssize_t>(hgrecord.size()));
  rd_kafka_vu_t parts[5] = {};
  parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  parts[0].u.cstr = options.topic.c_str();
  parts[1].vtype = RD_KAFKA_VTYPE_KEY;
  parts[1].u.mem = {const_cast<char*>(key.data()), key.size()};
  parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[2].u.mem = {const_cast<char*>(value.data()), value.size()};
  parts[3].vtype = RD_KAFKA_VTYPE_HEADERS;
  parts[3].u.headers = headers;
  parts[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[4].u.i = RD_KAFKA_MSG_F_COPY;
  const kafka::error_handle refused{rd_kafka_produceva(client->get(), parts, 5)};
  ASSERT_FALSE(refused);
  ASSERT_EQ(rd_kafka_flush(client->get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

} // namespace hourglass::storage::kafka_test
