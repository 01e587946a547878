#include "tests/unit/webhook/world.hpp"
#include "webhook/limits.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

/// Dead letters of one destination, and a recovery of them.
struct recovery_rate : ::testing::Test, world {
  std::string ep = add(without_retries());
  std::vector<message_ref> dead;
  std::string id;

  void begin(int letters, start_recovery c) {
    for (int i = 0; i < letters; ++i) {
      dead.push_back(emit());
      attempt(answer(500));
    }
    c.destination = ep;
    must(c);
    id = live.recoveries().back()->what.id;
  }
  static start_recovery at_rate(std::uint32_t rate) {
    start_recovery c;
    c.rate = rate;
    return c;
  }
  void page(std::size_t from, std::size_t to, bool done = false) {
    std::vector<recovery_item> items;
    for (auto i = from; i < to; ++i)
      items.push_back({dead[i], 1, true});
    must(progress_recovery{id, std::move(items), dead[to - 1].seq, to - from, done});
  }
  std::size_t goes() {
    auto due = take();
    for (auto& s : due)
      finish(s.token, answer(200));
    return due.size();
  }
  void restart() {
    auto back = restore(snapshot(live));
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(snapshot(*back), snapshot(folded()));
    live = *std::move(back);
  }
};

TEST_F(recovery_rate, gives_each_message_its_moment) {
  begin(3, at_rate(4));
  page(0, 3);
  EXPECT_EQ(goes(), 1U);
  for (int i = 0; i < 2; ++i) {
    now = now + 249ms;
    EXPECT_EQ(goes(), 0U);
    now = now + 1ms;
    EXPECT_EQ(goes(), 1U);
  }
}

TEST_F(recovery_rate, goes_on_after_a_restart_where_it_stood) {
  begin(4, at_rate(2));
  const auto start = now;
  page(0, 2);
  EXPECT_EQ(goes(), 1U);
  restart();
  EXPECT_EQ(goes(), 0U);
  now = now + 500ms;
  EXPECT_EQ(goes(), 1U);
  EXPECT_EQ(next_due(live), start + 1s) << "when it may look for more";
  page(2, 4, true); // earlier than it should have been
  EXPECT_EQ(goes(), 0U);
  EXPECT_EQ(next_due(live), start + 1s);
}

TEST_F(recovery_rate, does_not_make_up_for_time_in_which_nothing_ran) {
  begin(4, at_rate(2));
  page(0, 2);
  EXPECT_EQ(goes(), 1U);
  now = now + 1h;
  EXPECT_EQ(goes(), 1U);
  page(2, 4, true);
  EXPECT_EQ(goes(), 1U);
  now = now + 500ms;
  EXPECT_EQ(goes(), 1U);
}

TEST_F(recovery_rate, comes_along_when_the_clock_goes_back) {
  begin(3, at_rate(1));
  page(0, 1);
  EXPECT_EQ(goes(), 1U);
  const auto next = *live.recoveries().back()->next;
  apply(live, {log.size() + 1, {}, now}, deliveries_moved{-60'000'000});
  EXPECT_EQ(live.recoveries().back()->next, next + (-60s));
  fact page_of_before = recovery_progressed{id, {}, 1, 1, 1, next};
  shift(page_of_before, -60'000'000);
  EXPECT_EQ(std::get<recovery_progressed>(page_of_before).next, next + (-60s));
}

TEST_F(recovery_rate, and_filter_and_status_are_kept_and_checked) {
  start_recovery c;
  c.filter = content_filter::compile(json{{"payload.a", 1}}).value();
  c.code_class = 500;
  c.rate = 7;
  begin(1, c);
  const auto f = std::get<recovery_started>(*decode(log.back().first.kind, log.back().second));
  EXPECT_EQ(f.filter, c.filter);
  EXPECT_EQ(f.code_class, 500U);
  EXPECT_EQ(f.rate, 7U);
  restart();
  EXPECT_EQ(live.recoveries().back()->what.filter, c.filter);
  must(cancel_recovery{id});
  c.destination = ep;
  c.code_class = 404;
  EXPECT_EQ(where_refused(c), "/statusCodeClass");
  c.code_class = 0;
  c.rate = limits::recovery_rate + 1;
  EXPECT_EQ(where_refused(c), "/rate");
}

} // namespace
