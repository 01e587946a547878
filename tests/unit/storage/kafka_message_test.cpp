#include "storage/kafka_message.hpp"
#include "storage/kafka_window.hpp"
#include "tests/unit/storage/kafka_support.hpp"

#include "events/json_text.hpp"

#include <algorithm>

namespace {

using namespace hourglass;
using namespace hourglass::storage;
using kafka_test::sandbox;

log_entry entry_of(std::string payload, std::vector<std::string> entities) {
  const auto log = open_memory_store();
  kafka_test::author author{*log};
  author.write(sandbox(7), std::move(payload), std::move(entities));
  return log->read_log(1)->at(0);
}

std::string header_of(const kafka_message& message, std::string_view name) {
  const auto found = std::find_if(message.headers.begin(), message.headers.end(),
                                  [&](const auto& header) { return header.first == name; });
  return found == message.headers.end() ? "(absent)" : found->second;
}

TEST(kafka_message, is_a_cloud_event_in_binary_mode) {
  const auto entry = entry_of(R"({"a":1})", {"ep_1", "msg_1"});
  const auto message = to_kafka_message(entry);
  ASSERT_TRUE(message);
  const auto id = sandbox(7).to_string();
  EXPECT_EQ(message->key, id);
  EXPECT_EQ(message->value, R"({"a":1})");
  EXPECT_EQ(header_of(*message, "content-type"), "application/json");
  EXPECT_EQ(header_of(*message, "ce_specversion"), "1.0");
  EXPECT_EQ(header_of(*message, "ce_id"), id + "/1");
  EXPECT_EQ(header_of(*message, "ce_source"), "/sandboxes/" + id);
  EXPECT_EQ(header_of(*message, "ce_type"), "hourglass." + std::string{events::to_string(events::kind::data_put)});
  EXPECT_EQ(header_of(*message, "ce_time"), "2023-11-14T22:13:20.000001Z");
  EXPECT_EQ(header_of(*message, "ce_subject"), "ep_1");
  EXPECT_EQ(header_of(*message, "ce_partitionkey"), id);
  EXPECT_EQ(header_of(*message, "ce_sequence"), "00000000000000000001");
  EXPECT_EQ(header_of(*message, "ce_hgposition"), "1");
}

TEST(kafka_message, has_no_subject_when_the_event_has_no_entity) {
  EXPECT_EQ(header_of(*to_kafka_message(entry_of("{}", {})), "ce_subject"), "(absent)");
}

TEST(kafka_message, gives_the_stored_record_back_byte_for_byte) {
  for (const std::string payload : {"", "{}", R"({"text":"ü\u0000","deep":[[[]]]})"}) {
    const auto entry = entry_of(payload, {"a", "b"});
    const auto message = to_kafka_message(entry);
    ASSERT_TRUE(message);
    EXPECT_EQ(*from_kafka_message(header_of(*message, "ce_hgrecord"), message->value), entry.bytes);
  }
}

TEST(kafka_message, is_refused_for_a_record_that_does_not_verify) {
  const auto good = entry_of(R"({"a":1})", {});
  for (std::size_t i = 0; i < good.bytes.size(); ++i) {
    auto broken = good;
    broken.bytes[i] = static_cast<char>(broken.bytes[i] ^ 1);
    EXPECT_FALSE(to_kafka_message(broken)) << "byte " << i;
  }
}

TEST(kafka_message, is_refused_for_a_record_of_another_event) {
  auto entry = entry_of("{}", {});
  entry.seq = 2;
  EXPECT_EQ(to_kafka_message(entry).error().code, events::errc::corrupt);
  entry.seq = 1;
  entry.sandbox = sandbox(8);
  EXPECT_EQ(to_kafka_message(entry).error().code, events::errc::corrupt);
}

TEST(kafka_message, with_a_header_that_is_not_base64_is_corrupt) {
  EXPECT_EQ(from_kafka_message("not base64!", "{}").error().code, events::errc::corrupt);
}

TEST(delivery_window, moves_over_the_contiguous_confirmed_prefix_only) {
  delivery_window window{5};
  for (int i = 0; i < 4; ++i)
    window.sent(10);
  EXPECT_EQ(window.next(), 9U);
  EXPECT_FALSE(window.confirm(8));
  EXPECT_FALSE(window.confirm(6));
  EXPECT_EQ(window.confirmed(), 5U);
  EXPECT_EQ(window.bytes(), 40U);
  EXPECT_TRUE(window.confirm(5));
  EXPECT_EQ(window.confirmed(), 7U);
  EXPECT_TRUE(window.confirm(7));
  EXPECT_EQ(window.confirmed(), 9U);
  EXPECT_TRUE(window.empty());
  EXPECT_EQ(window.bytes(), 0U);
}

TEST(delivery_window, passes_empty_places_in_their_turn_only) {
  delivery_window window{5, 2};
  window.passed();
  EXPECT_EQ(window.confirmed(), 6U);
  window.sent(10);
  window.passed();
  EXPECT_EQ(window.confirmed(), 6U);
  EXPECT_EQ(window.next(), 8U);
  EXPECT_EQ(window.empty_places(), 3U) << "those before the cursor";
  EXPECT_TRUE(window.confirm(6));
  EXPECT_EQ(window.confirmed(), 8U);
  EXPECT_EQ(window.empty_places(), 4U);
  EXPECT_TRUE(window.empty());
}

TEST(delivery_window, ignores_confirmations_of_what_it_did_not_send_or_already_passed) {
  delivery_window window{5};
  window.sent(1);
  EXPECT_FALSE(window.confirm(4));
  EXPECT_FALSE(window.confirm(6));
  EXPECT_TRUE(window.confirm(5));
  EXPECT_FALSE(window.confirm(5));
  EXPECT_EQ(window.confirmed(), 6U);
}

TEST(delivery_window, never_passes_an_unconfirmed_record_in_any_order_of_confirmations) {
  std::vector<position> order{1, 2, 3, 4, 5, 6};
  do {
    delivery_window window{1};
    for (std::size_t i = 0; i < order.size(); ++i)
      window.sent(1);
    std::vector<bool> arrived(order.size() + 2, false);
    for (const auto at : order) {
      window.confirm(at);
      arrived[at] = true;
      position expected = 1;
      while (expected <= order.size() && arrived[expected])
        ++expected;
      ASSERT_EQ(window.confirmed(), expected);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

} // namespace
