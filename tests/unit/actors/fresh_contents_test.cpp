#include "actors/fresh_contents.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;

auto content(std::size_t body, std::size_t header = 0, std::size_t sealed = 0) {
  webhook::message_content c;
  c.body.assign(body, 'b');
  if (header + sealed != 0)
    c.headers.push_back({"X-A", std::string(header, 'h'), true, std::string(sealed, 's')});
  return std::make_shared<const webhook::message_content>(std::move(c));
}

TEST(fresh_contents, are_kept_until_their_last_reader_has_taken_them) {
  actors::fresh_contents fresh{10'000};
  fresh.keep(1, content(1'000), 2);
  EXPECT_TRUE(fresh.take(1));
  EXPECT_GE(fresh.bytes(), 1'000U);
  EXPECT_TRUE(fresh.take(1));
  EXPECT_FALSE(fresh.take(1));
  EXPECT_EQ(fresh.bytes(), 0U);
}

TEST(fresh_contents, count_the_headers_of_a_message_and_what_they_are_sealed_in) {
  for (const auto& heavy : {content(0, 4'000), content(0, 0, 4'000), content(4'000)}) {
    actors::fresh_contents fresh{10'000};
    for (events::seq m = 1; m <= 100; ++m) {
      fresh.keep(m, heavy, 1);
      EXPECT_LE(fresh.bytes(), 10'000U);
    }
    EXPECT_FALSE(fresh.take(98)) << "the oldest make room";
    EXPECT_TRUE(fresh.take(99));
    EXPECT_TRUE(fresh.take(100));
    EXPECT_EQ(fresh.bytes(), 0U);
  }
}

TEST(fresh_contents, count_what_one_that_is_empty_costs_too) {
  actors::fresh_contents fresh{10'000};
  for (events::seq m = 1; m <= 10'000; ++m)
    fresh.keep(m, content(0), 1);
  EXPECT_FALSE(fresh.take(1));
  EXPECT_TRUE(fresh.take(10'000));
}

TEST(fresh_contents, keep_nothing_that_does_not_fit_at_all) {
  actors::fresh_contents fresh{10'000};
  fresh.keep(1, content(1'000), 1);
  fresh.keep(2, content(9'000, 9'000), 1);
  EXPECT_TRUE(fresh.take(1));
  EXPECT_FALSE(fresh.take(2));
}

} // namespace
