#include "support.hpp"

#include "mock/clock.hpp"

namespace {
using namespace hourglass::mock;
using namespace std::chrono_literals;
using hourglass::events::errc;
using hourglass::events::virtual_time;
using hourglass::events::wall_time;
namespace events = hourglass::events;

struct clocks : testing::Test {
  clock_state s;
  wall_time wall{1'000'000'000};

  events::outcome<void> run(const clock_command& c) {
    events::context ctx;
    ctx.wall = wall;
    auto d = decide(s, c, ctx);
    if (!d)
      return tl::unexpected<events::error>{d.error()};
    for (const auto& e : d->events)
      EXPECT_TRUE(apply(s, e.kind, e.payload, {}));
    return {};
  }
  std::int64_t time() const { return now(s, wall).us; }
  errc code(const clock_command& c) {
    auto r = run(c);
    return r ? errc::internal : r.error().code;
  }
};

TEST_F(clocks, a_fresh_clock_shows_the_nodes_time) {
  EXPECT_EQ(time(), wall.us);
  EXPECT_EQ(wall_for(s, {wall.us + 5}, wall)->us, wall.us + 5);
}

TEST_F(clocks, a_frozen_clock_stands_and_resumes_where_it_stood) {
  ASSERT_TRUE(run(freeze_clock{}));
  wall.us += 500;
  EXPECT_EQ(time(), 1'000'000'000);
  EXPECT_FALSE(wall_for(s, {time() + 1}, wall));
  EXPECT_EQ(wall_for(s, {time()}, wall), wall) << "what is due already does not wait for time to go on";
  ASSERT_TRUE(run(resume_clock{}));
  EXPECT_EQ(time(), 1'000'000'000);
  wall.us += 7;
  EXPECT_EQ(time(), 1'000'000'007);
}

TEST_F(clocks, an_advance_goes_by_steps_and_ends_running_from_its_target) {
  ASSERT_TRUE(run(advance_clock{events::duration{1h}}));
  auto start = time();
  wall.us += 99;
  EXPECT_EQ(time(), start) << "time stands between the moves";
  ASSERT_TRUE(run(move_clock{{start + 1'000}}));
  EXPECT_EQ(time(), start + 1'000);
  EXPECT_EQ(code(move_clock{{start + 999}}), errc::invalid) << "never back";
  EXPECT_EQ(code(move_clock{{start + 3'600'000'001}}), errc::invalid) << "never past the target";
  EXPECT_EQ(code(advance_clock{events::duration{1s}}), errc::conflict);
  EXPECT_EQ(code(freeze_clock{}), errc::conflict);
  EXPECT_EQ(code(reset_clock{}), errc::conflict);
  ASSERT_TRUE(run(finish_advance{}));
  EXPECT_EQ(time(), start + 3'600'000'000);
  EXPECT_EQ(s.mode, clock_mode::running);
  EXPECT_EQ(code(finish_advance{}), errc::conflict);
  EXPECT_EQ(code(move_clock{{time()}}), errc::conflict);
}

TEST_F(clocks, a_frozen_clock_is_frozen_again_after_an_advance) {
  ASSERT_TRUE(run(freeze_clock{}));
  auto start = time();
  ASSERT_TRUE(run(advance_clock{virtual_time{start + 10}}));
  ASSERT_TRUE(run(finish_advance{}));
  wall.us += 1'000;
  EXPECT_EQ(time(), start + 10);
  EXPECT_EQ(s.mode, clock_mode::frozen);
}

TEST_F(clocks, time_never_goes_back_but_by_reset) {
  ASSERT_TRUE(run(set_clock{{wall.us + 1'000}}));
  EXPECT_EQ(code(set_clock{{wall.us}}), errc::invalid);
  EXPECT_EQ(code(advance_clock{virtual_time{wall.us}}), errc::invalid);
  EXPECT_EQ(code(advance_clock{events::duration{-1s}}), errc::invalid);
  wall.us -= 5'000'000;
  EXPECT_EQ(time(), 1'000'001'000) << "not even when the node's clock does";
  ASSERT_TRUE(run(reset_clock{}));
  EXPECT_EQ(time(), wall.us);
}

TEST_F(clocks, leaps_are_bounded) {
  EXPECT_EQ(code(advance_clock{events::duration{24h * 366 * 11}}), errc::invalid);
  EXPECT_EQ(code(advance_clock{events::duration::max()}), errc::invalid);
  EXPECT_EQ(code(set_clock{{INT64_MAX}}), errc::invalid);
}

TEST_F(clocks, what_changes_nothing_is_no_event) {
  events::context ctx;
  ctx.wall = wall;
  EXPECT_TRUE(decide(s, resume_clock{}, ctx)->events.empty());
  EXPECT_TRUE(decide(s, reset_clock{}, ctx)->events.empty());
}

TEST_F(clocks, an_advance_that_is_cancelled_stays_where_it_is) {
  EXPECT_EQ(code(cancel_advance{}), errc::conflict);
  auto begin = time();
  ASSERT_TRUE(run(advance_clock{events::duration{1h}}));
  ASSERT_TRUE(run(move_clock{{begin + 5}}));
  ASSERT_TRUE(run(cancel_advance{}));
  EXPECT_EQ(s.mode, clock_mode::running);
  EXPECT_EQ(time(), begin + 5);
  ASSERT_TRUE(run(freeze_clock{}));
  ASSERT_TRUE(run(advance_clock{events::duration{1h}}));
  ASSERT_TRUE(run(cancel_advance{}));
  EXPECT_EQ(s.mode, clock_mode::frozen) << "as it was before";
  EXPECT_EQ(time(), begin + 5);
}

TEST_F(clocks, a_snapshot_in_the_middle_of_an_advance_is_the_same_clock) {
  ASSERT_TRUE(run(advance_clock{events::duration{1h}}));
  ASSERT_TRUE(run(move_clock{{time() + 5}}));
  auto back = restore<clock_state>(snapshot(s));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, s);
  EXPECT_FALSE(restore<clock_state>("{}"));
  EXPECT_FALSE(restore<clock_state>(R"({"mode":"advancing","offset_us":0,"at_us":0})"));
}

TEST(clock_commands, are_read_from_json) {
  auto by = parse_clock_command(R"({"action":"advance","by":"2h"})");
  ASSERT_TRUE(by);
  EXPECT_EQ(std::get<events::duration>(std::get<advance_clock>(*by).by_or_to), events::duration{2h});
  auto to = parse_clock_command(R"({"action":"set","to":"2030-01-01T00:00:00Z"})");
  ASSERT_TRUE(to);
  EXPECT_EQ(std::get<set_clock>(*to).to.us, 1'893'456'000'000'000);
  EXPECT_TRUE(std::holds_alternative<freeze_clock>(*parse_clock_command(R"({"action":"freeze"})")));
  const std::pair<const char*, const char*> bad[] = {
    {"[]", ""},
    {"{}", "/action"},
    {R"({"action":"jump"})", "/action"},
    {R"({"action":"freeze","to":"2030-01-01T00:00:00Z"})", "/to"},
    {R"({"action":"set","by":"1s"})", "/by"},
    {R"({"action":"advance"})", "/to"},
    {R"({"action":"advance","by":"1 fortnight"})", "/by"},
    {R"({"action":"advance","by":"-5s"})", "/by"},
    {R"({"action":"advance","by":"99999999999999999999s"})", "/by"},
    {R"({"action":"advance","by":null})", "/by"},
    {R"({"action":"advance","to":"tomorrow"})", "/to"},
    {R"({"action":"advance","to":"2030-01-01T00:00:00Z","by":1})", "/by"},
    {R"({"action":"advance","by":1,"x":1})", "/x"},
  };
  for (auto [text, where] : bad) {
    auto r = parse_clock_command(text);
    ASSERT_FALSE(r) << text;
    EXPECT_EQ(r.error().where, where) << text;
  }
}

} // namespace
