#include "mock/chaos.hpp"

#include <gtest/gtest.h>

namespace hourglass::mock {

namespace {

using namespace std::chrono_literals;

events::entropy chance(unsigned n) {
  events::entropy out{};
  out[0] = static_cast<std::uint8_t>(n);
  out[1] = static_cast<std::uint8_t>(n >> 8U);
  return out;
}

TEST(chaos, reads_what_the_header_says) {
  auto c = chaos::read("latency=200, 5xx=2%,drop=1%,429=0.5%");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->latency_low, 200ms);
  EXPECT_EQ(c->latency_high, 200ms);
  ASSERT_EQ(c->failures.size(), 3U);
  EXPECT_EQ(c->failures[0].status, 503U);
  EXPECT_EQ(c->failures[1].status, 0U);
  EXPECT_EQ(c->failures[2].percent, 0.5);
  EXPECT_TRUE(chaos::read(""));
}

TEST(chaos, refuses_what_it_does_not_know) {
  for (const auto* bad : {"latency", "latency=-1", "latency=5-1", "latency=9999999", "5xx=2", "5xx=101%", "200=1%", "fire=1%", "5xx=60%,drop=60%", "5xx=nan%",
                          "latency=1-2-3", "=1%"})
    EXPECT_FALSE(chaos::read(bad)) << bad;
}

TEST(chaos, gives_each_fate_as_often_as_it_says_and_the_same_for_the_same_chance) {
  auto c = chaos::read("latency=10-20,500=25%,drop=25%").value();
  unsigned failed = 0, dropped = 0;
  for (unsigned i = 0; i < 4'000; ++i) {
    auto f = fate_of(c, chance(i));
    failed += f.status ? 1U : 0U;
    dropped += f.drop ? 1U : 0U;
    EXPECT_GE(f.delay, 10ms);
    EXPECT_LE(f.delay, 20ms);
    EXPECT_FALSE(f.status && f.drop);
    EXPECT_EQ(fate_of(c, chance(i)).delay, f.delay);
  }
  EXPECT_NEAR(failed, 1'000, 150);
  EXPECT_NEAR(dropped, 1'000, 150);
}

} // namespace

} // namespace hourglass::mock
