#include "events/ids.hpp"
#include "events/time.hpp"

#include <set>

#include <gtest/gtest.h>

namespace {

using namespace hourglass::events;

// -- ids ------------------------------------------------------------------------

sandbox_id filled(std::uint8_t from, std::uint8_t step) {
  sandbox_id id;
  for (auto& byte : id.bytes) {
    byte = from;
    from = static_cast<std::uint8_t>(from + step);
  }
  return id;
}

TEST(ids, text_is_crockford_base32) {
  EXPECT_EQ(filled(0, 1).to_string(), "sbx_00041061050r3gg28a1c60t3gf");
  EXPECT_EQ(filled(0xff, 0).to_string(), "sbx_7zzzzzzzzzzzzzzzzzzzzzzzzz");
}

TEST(ids, text_and_bytes_are_the_same_thing) {
  for (const auto& id : {filled(0, 0), filled(0, 1), filled(0xff, 0), filled(3, 77), make_sandbox_id(1763762121000, draw_entropy())}) {
    const auto back = sandbox_id::parse(id.to_string());
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, id);
  }
}

TEST(ids, only_the_exact_text_is_an_id) {
  for (std::string_view bad :
       {"", "sbx_", "sbx_00041061050r3gg28a1c60t3g", "sbx_00041061050r3gg28a1c60t3gff", "sbx_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "sbx_0004106105Or3gg28a1c60t3gf", "sbx_00041061050R3GG28A1C60T3GF", "ep_00041061050r3gg28a1c60t3gf",
        "sbx-00041061050r3gg28a1c60t3gf", "sbx_00041061050r3gg28a1c60t3g\n", " sbx_00041061050r3gg28a1c60t3gf"})
    EXPECT_EQ(sandbox_id::parse(bad).error().code, errc::invalid) << bad;
}

TEST(ids, sort_by_time_as_text_and_as_bytes) {
  const auto early = make_sandbox_id(1'000, filled(0xff, 0).bytes);
  const auto late = make_sandbox_id(1'001, filled(0, 0).bytes);
  EXPECT_LT(early, late);
  EXPECT_LT(early.to_string(), late.to_string());
  EXPECT_LT(make_id("msg_", 1'000, filled(0xff, 0).bytes), make_id("msg_", 1'001, filled(0, 0).bytes));
}

TEST(ids, made_ids_are_a_function_of_their_arguments) {
  const entropy chance = filled(0, 1).bytes;
  EXPECT_EQ(make_id("msg_", 1763762121000, chance, 3), "msg_01kam6ma98y5vzdt8gqxj2nqvb"); // computed elsewhere
  std::set<std::string> all;
  for (std::uint32_t ordinal = 0; ordinal < 1'000; ++ordinal)
    all.insert(make_id("req_", 1763762121000, chance, ordinal));
  EXPECT_EQ(all.size(), 1'000U);
}

TEST(ids, an_id_tells_when_it_was_made) {
  EXPECT_EQ(time_of_id(make_id("req_", 1'763'762'121'123, filled(7, 0).bytes)), wall_time{1'763'762'121'123'000});
  EXPECT_EQ(time_of_id(make_id("", 0, filled(0xff, 0).bytes)), wall_time{0});
  EXPECT_EQ(time_of_id("req_1"), std::nullopt);
  EXPECT_EQ(time_of_id("req_!!kam6ma98y5vzdt8gqxj2nqvb"), std::nullopt);
}

TEST(ids, drawn_entropy_differs) {
  std::set<entropy> all;
  for (int i = 0; i < 1'000; ++i)
    all.insert(draw_entropy());
  EXPECT_EQ(all.size(), 1'000U);
}

// -- time -----------------------------------------------------------------------

TEST(rfc3339, is_written_in_utc_with_microseconds) {
  EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(1763762121000123), "2025-11-21T21:55:21.000123Z");
  EXPECT_EQ(to_rfc3339(951782400000000), "2000-02-29T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(rfc3339, what_is_written_is_read_back) {
  for (std::int64_t us : {0LL, 1LL, 999'999LL, 951782399999999LL, 1763762121000123LL, 253402300799999999LL})
    EXPECT_EQ(parse_rfc3339(to_rfc3339(us)).value(), us);
}

TEST(rfc3339, offsets_fractions_and_lower_case_are_understood) {
  const auto noon = parse_rfc3339("2026-11-21T12:00:00Z").value();
  EXPECT_EQ(parse_rfc3339("2026-11-21T14:30:00+02:30").value(), noon);
  EXPECT_EQ(parse_rfc3339("2026-11-21T04:00:00-08:00").value(), noon);
  EXPECT_EQ(parse_rfc3339("2026-11-21t12:00:00z").value(), noon);
  EXPECT_EQ(parse_rfc3339("2026-11-21T12:00:00.5Z").value(), noon + 500'000);
  EXPECT_EQ(parse_rfc3339("2026-11-21T12:00:00.000001999Z").value(), noon + 1) << "finer than a microsecond is cut off";
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z").value(), parse_rfc3339("2017-01-01T00:00:00Z").value());
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00+00:00").value(), 0);
}

TEST(rfc3339, anything_else_is_refused) {
  for (std::string_view bad :
       {"", "2026", "2026-11-21", "2026-11-21T12:00:00", "2026-11-21 12:00:00Z", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T12:60:00Z", "2026-11-21T12:00:61Z",
        "2026-11-21T12:00:00.Z", "2026-11-21T12:00:00.1234567890Z", "2026-11-21T12:00:00+2:00",
        "2026-11-21T12:00:00+02", "2026-11-21T12:00:00+24:00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00",
        "2026-11-21T12:00:00Zx", "+026-11-21T12:00:00Z", "12026-11-21T12:00:00Z"})
    EXPECT_EQ(parse_rfc3339(bad).error().code, errc::invalid) << bad;
}

// -- errors ---------------------------------------------------------------------

TEST(errors, every_code_has_its_own_name) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(errc::internal); ++code)
    names.insert(to_string(static_cast<errc>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(errc::internal) + 1);
}

} // namespace
