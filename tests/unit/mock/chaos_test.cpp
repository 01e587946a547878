#include "mock/chaos.hpp"

#include <algorithm>
#include <map>
#include <vector>

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
                          "latency=1-2-3", "=1%", "latency=lognormal:1", "latency=lognormal:0:1", "latency=lognormal:10:0", "latency=lognormal:10:1:5",
                          "latency=lognormal:10:nan", "dribble=1@2", "dribble=99999999", "seed=", "reset", "reset=1", "5xx=inf%"})
    EXPECT_FALSE(chaos::read(bad)) << bad;
}

TEST(chaos, gives_each_fate_as_often_as_it_says_and_the_same_for_the_same_chance) {
  auto c = chaos::read("latency=10-20,500=25%,drop=25%").value();
  unsigned failed = 0, dropped = 0;
  for (unsigned i = 0; i < 4'000; ++i) {
    auto f = fate_of(c, chance(i));
    failed += f.status ? 1U : 0U;
    dropped += f.fault == wire_fault::drop ? 1U : 0U;
    EXPECT_GE(f.delay, 10ms);
    EXPECT_LE(f.delay, 20ms);
    EXPECT_FALSE(f.status && f.fault != wire_fault::none);
    EXPECT_EQ(fate_of(c, chance(i)).delay, f.delay);
  }
  EXPECT_NEAR(failed, 1'000, 150);
  EXPECT_NEAR(dropped, 1'000, 150);
}

TEST(chaos, latency_may_have_a_long_tail_and_is_cut_at_the_most) {
  auto c = chaos::read("latency=lognormal:100:0.5:400").value();
  std::vector<double> all;
  for (unsigned i = 0; i < 4'000; ++i)
    all.push_back(static_cast<double>(fate_of(c, chance(i)).delay.count()));
  std::sort(all.begin(), all.end());
  EXPECT_NEAR(all[2'000], 100, 10) << "the median";
  EXPECT_NEAR(all[3'364], 165, 20) << "one deviation above it: 100 times e to the 0.5";
  EXPECT_LE(all.back(), 400);
  EXPECT_GT(all.back(), 300);
}

TEST(chaos, faults_and_dribble_are_drawn) {
  auto c = chaos::read("reset=20%,empty=20%,malformed=20%,garbage=20%,drop=20%,dribble=2000@50%").value();
  std::map<wire_fault, unsigned> seen;
  unsigned dribbled = 0;
  for (unsigned i = 0; i < 4'000; ++i) {
    auto f = fate_of(c, chance(i));
    ++seen[f.fault];
    dribbled += f.dribble == 2'000ms ? 1U : 0U;
  }
  EXPECT_EQ(seen.size(), 5U);
  for (const auto& [fault, times] : seen)
    EXPECT_NEAR(times, 800, 120) << to_string(fault);
  EXPECT_NEAR(dribbled, 2'000, 200);
}

TEST(chaos, a_seed_gives_the_same_fates_in_the_same_order) {
  auto c = chaos::read("latency=0-1000,5xx=50%,seed=run-7").value();
  EXPECT_EQ(c.seed, "run-7");
  auto fates = [&](std::string_view seed) {
    std::string out;
    for (std::uint64_t n = 0; n < 20; ++n) {
      auto f = fate_of(c, chance_of(seed, n));
      out += std::to_string(f.delay.count()) + (f.status ? "!" : ".");
    }
    return out;
  };
  EXPECT_EQ(fates("run-7"), fates("run-7"));
  EXPECT_NE(fates("run-7"), fates("run-8"));
}

} // namespace

} // namespace hourglass::mock
