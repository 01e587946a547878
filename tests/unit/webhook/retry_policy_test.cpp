#include "webhook/retry_policy.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace std::chrono_literals;
using http::transport_error;

bool is_delivered(unsigned status, transport_error e = transport_error::none) {
  return std::holds_alternative<delivered>(classify(status, e, std::nullopt));
}
bool is_tried_again(unsigned status, transport_error e = transport_error::none) {
  return std::holds_alternative<try_again>(classify(status, e, std::nullopt));
}

TEST(classify, any_2xx_is_success) {
  for (unsigned status = 200; status < 300; ++status)
    EXPECT_TRUE(is_delivered(status)) << status;
}

TEST(classify, a_redirect_is_a_failure) {
  for (unsigned status : {300U, 301U, 302U, 303U, 304U, 307U, 308U, 399U})
    EXPECT_TRUE(is_tried_again(status)) << status;
}

TEST(classify, client_and_server_errors_are_tried_again) {
  for (unsigned status : {0U, 100U, 199U, 400U, 401U, 404U, 409U, 411U, 422U, 429U, 500U, 502U, 503U, 504U, 599U})
    EXPECT_TRUE(is_tried_again(status)) << status;
}

TEST(classify, 410_means_the_destination_is_gone) { EXPECT_TRUE(std::holds_alternative<gone>(classify(410, transport_error::none, 5s))); }

TEST(classify, every_transport_error_is_a_failure_even_after_a_good_status) {
  for (auto e : {transport_error::bad_url, transport_error::refused_by_guard, transport_error::dns, transport_error::connect, transport_error::tls,
                 transport_error::reset, transport_error::malformed, transport_error::timeout, transport_error::cancelled}) {
    EXPECT_TRUE(is_tried_again(0, e));
    EXPECT_TRUE(is_tried_again(200, e)) << "cut off";
  }
}

TEST(classify, carries_retry_after) { EXPECT_EQ(std::get<try_again>(classify(429, transport_error::none, 7s)).at_least, 7s); }

TEST(schedule, is_eight_attempts_over_27_hours) {
  auto s = default_schedule();
  ASSERT_EQ(s.size(), 7U);
  std::vector<duration> expected{5s, 5min, 30min, 2h, 5h, 10h, 10h};
  EXPECT_TRUE(std::equal(s.begin(), s.end(), expected.begin(), expected.end()));
}

TEST(next_delay, follows_the_schedule_and_ends_with_it) {
  auto s = default_schedule();
  EXPECT_EQ(next_delay(1, s, std::nullopt, 0), 5s);
  EXPECT_EQ(next_delay(7, s, std::nullopt, 0), 10h);
  EXPECT_EQ(next_delay(8, s, std::nullopt, 0), std::nullopt);
  EXPECT_EQ(next_delay(0, s, std::nullopt, 0), std::nullopt);
  EXPECT_EQ(next_delay(1, std::span<const duration>{}, 5s, 0), std::nullopt);
}

TEST(next_delay, retry_after_is_a_floor_and_never_shortens_the_schedule) {
  auto s = default_schedule();
  EXPECT_EQ(next_delay(1, s, 1h, 0.0), 1h);
  EXPECT_EQ(next_delay(2, s, 1s, 0.0), 5min);
  EXPECT_EQ(next_delay(1, s, 1h, 0.2), 1h);
}

TEST(next_delay, spreads_by_a_fifth_either_way) {
  auto s = default_schedule();
  EXPECT_EQ(next_delay(1, s, std::nullopt, -0.2), 4s);
  EXPECT_EQ(next_delay(1, s, std::nullopt, 0.2), 6s);
}

TEST(spread, is_within_a_fifth_depends_on_chance_alone_and_is_spread_out) {
  double sum = 0, least = 1, most = -1;
  for (int i = 0; i < 4096; ++i) {
    events::entropy e{};
    e[8] = static_cast<std::uint8_t>(i >> 4);
    e[9] = static_cast<std::uint8_t>(i << 4);
    auto s = spread_of(e);
    EXPECT_EQ(s, spread_of(e));
    sum += s, least = std::min(least, s), most = std::max(most, s);
  }
  EXPECT_GE(least, -0.2);
  EXPECT_LE(most, 0.2);
  EXPECT_LT(least, -0.199);
  EXPECT_GT(most, 0.199);
  EXPECT_NEAR(sum / 4096, 0, 0.001);
}

constexpr std::int64_t now = 784'111'777; // Sun, 06 Nov 1994 08:49:37 GMT

TEST(retry_after, reads_whole_and_decimal_seconds) {
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after(" 0 ", now), 0s);
  EXPECT_EQ(parse_retry_after("1.5", now), 1500ms);
}

TEST(retry_after, reads_the_three_forms_of_an_http_date) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), 60s);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:50:37 GMT", now), 60s);
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:50:37 1994", now), 60s);
}

TEST(retry_after, a_moment_that_has_passed_is_no_wait) { EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), 0s); }

TEST(retry_after, is_bounded_by_a_day) {
  EXPECT_EQ(parse_retry_after("86401", now), 24h);
  EXPECT_EQ(parse_retry_after("99999999999999999999999999", now), 24h);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now), 24h);
}

TEST(retry_after, nonsense_is_no_wish) {
  for (std::string_view wrong : {"", " ", "soon", "-1", "1e9", "1.2.3", "12x", "inf", "nan", "0x10", "Sun, 06 Nov 1994 08:49:37", "Sun, 32 Nov 1994 08:49:37 GMT",
                                 "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nop 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 GMT and more", "Sun, 06-Nov-94 08:49:37", "Sun Nov 6 08:49:37 1994"})
    EXPECT_EQ(parse_retry_after(wrong, now), std::nullopt) << wrong;
}

} // namespace
