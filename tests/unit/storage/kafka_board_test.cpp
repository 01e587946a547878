#include "storage/kafka_session.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using storage::kafka_state;

TEST(kafka_board, tells_once_that_kafka_is_away_and_once_that_it_is_back) {
  std::vector<std::string> told;
  storage::kafka::board board{[&](bool reached, const std::string& why) { told.push_back(reached ? "back" : "away: " + why); }};
  const events::error refused{events::errc::unavailable, "connection refused", {}};
  board.trouble(refused); // nobody has answered yet
  board.trouble(refused);
  board.state(kafka_state::retrying);
  EXPECT_EQ(told, std::vector<std::string>{"away: connection refused"});
  board.state(kafka_state::streaming);
  board.state(kafka_state::streaming);
  board.trouble({events::errc::unavailable, "one of several connections", {}});
  EXPECT_EQ(told.size(), 2U);
  EXPECT_EQ(told.back(), "back");
  board.trouble({events::errc::unavailable, "all brokers down", {}});
  board.state(kafka_state::retrying);
  board.state(kafka_state::stopped);
  EXPECT_EQ(told, (std::vector<std::string>{"away: connection refused", "back", "away: all brokers down"}));
}

} // namespace
