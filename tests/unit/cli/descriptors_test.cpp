#include "cli/descriptors.hpp"

#include "events/limits.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

namespace {

using namespace hourglass;

TEST(descriptors, that_are_shared_out_are_never_more_than_there_are) {
  for (std::size_t limit : {64UL, 256UL, 1'024UL, 4'096UL, 20'000UL, 1'000'000UL}) {
    const auto b = cli::share_out(limit);
    EXPECT_LE(b.incoming + b.outgoing + b.reserved, limit);
    EXPECT_GE(b.incoming, b.outgoing);
    EXPECT_GE(b.outgoing, 1U);
    EXPECT_GE(b.reserved, std::min<std::size_t>(limit / 3, 1'024)) << "the store would find none";
    EXPECT_LE(b.incoming, limits::connections);
    EXPECT_LE(b.outgoing, limits::outgoing_connections);
  }
  EXPECT_EQ(cli::share_out(1'000'000).incoming, limits::connections);
  EXPECT_EQ(cli::share_out(1'000'000).outgoing, limits::outgoing_connections);
}

TEST(descriptors, soft_limit_is_raised_to_what_the_hard_one_allows) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  auto low = before;
  low.rlim_cur = std::min<rlim_t>(256, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const auto got = cli::raise_descriptor_limit();
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(got, after.rlim_cur);
  EXPECT_EQ(after.rlim_max, before.rlim_max);
  EXPECT_GE(after.rlim_cur, std::min<rlim_t>(before.rlim_max, limits::connections + limits::outgoing_connections));
  EXPECT_EQ(cli::raise_descriptor_limit(), got) << "once is enough";
  (void)::setrlimit(RLIMIT_NOFILE, &before);
}

} // namespace
