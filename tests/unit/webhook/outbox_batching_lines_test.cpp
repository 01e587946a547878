#include "tests/unit/webhook/batches.hpp"

// Messages that go together in the order of a line, and many of them.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

// -- order ------------------------------------------------------------------------------------------------

TEST_F(batches, of_one_line_go_one_after_the_other_through_all_retries) {
  gathering(R"({"maxMessages":2,"maxWaitMs":1000})", in_order(R"("fifo")"));
  auto a = emit(), b = emit(), c = emit(), d = emit(), e = emit();
  EXPECT_EQ(go(500), (std::vector<ids>{of({a, b})}));
  EXPECT_TRUE(go_later(10s).empty()) << "it is tried again first";
  restart();
  now = next_due(live).value();
  EXPECT_EQ(go(200), (std::vector<ids>{of({a, b})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({c, d})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({e})})) << "it has waited long enough";
}

TEST_F(batches, have_messages_of_one_key_only_and_keys_go_side_by_side) {
  gathering(R"({"maxMessages":2,"maxWaitMs":1000})", in_order(R"({"key":true})"));
  auto a1 = keyed("a"), b1 = keyed("b"), a2 = keyed("a"), none1 = emit(), a3 = keyed("a"), none2 = emit();
  auto due = take();
  ASSERT_EQ(due.size(), 2U);
  std::set<ids> went;
  for (const auto& s : due)
    went.insert(members(s));
  EXPECT_EQ(went, (std::set<ids>{of({a1, a2}), of({none1, none2})}));
  now = now + 1s;
  auto later = take();
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(members(later[0]), of({b1})) << "the third of `a` waits for the first two";
  for (auto& s : due)
    (void)finish(s.token, answer(200));
  EXPECT_EQ(go(), (std::vector<ids>{of({a3})}));
  (void)finish(later[0].token, answer(200));
}

TEST_F(batches, end_before_what_goes_by_itself) {
  gathering(R"({"maxMessages":3,"maxWaitMs":60000})", in_order(R"("fifo")"));
  auto a = emit(), b = emit(), c = emit();
  EXPECT_EQ(go(500), (std::vector<ids>{of({a, b, c})}));
  auto d = emit(), e = emit(), f = emit();
  must(resend{b, id, 1, false, false}); // at the end of its line
  now = next_due(live).value();
  EXPECT_EQ(go(200), (std::vector<ids>{of({a, b, c})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({d, e, f})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({b})}));
}

// -- much of it -----------------------------------------------------------------------------------------------

TEST_F(batches, are_full_and_in_order_though_most_of_what_waits_rests) {
  rest_beyond(live, 0, 2);
  gathering(R"({"maxMessages":50,"maxWaitMs":1000})");
  std::vector<std::string> expected, seen;
  for (int i = 0; i < 2'020; ++i)
    expected.push_back(emit().id);
  now = now + 1s;
  while (live.pending_count() != 0) {
    auto went = go();
    ASSERT_FALSE(went.empty());
    for (const auto& one : went) {
      EXPECT_EQ(one.size(), seen.size() < 2'000 ? 50U : 20U);
      seen.insert(seen.end(), one.begin(), one.end());
    }
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(batches, with_bytes_that_do_not_fit_wait_for_others_to_end) {
  gathering(R"({"maxMessages":2,"maxWaitMs":0})");
  for (int i = 0; i < 4; ++i)
    emit("t", R"({"a":")" + std::string(1'000, 'x') + "\"}");
  form();
  auto first = take_due(live, now, 10, 3'000);
  ASSERT_EQ(first.size(), 1U);
  form();
  EXPECT_TRUE(take_due(live, now, 10, 3'000).empty());
  (void)finish(first[0].token, answer(200));
  form();
  EXPECT_EQ(take_due(live, now, 10, 3'000).size(), 1U);
}

TEST_F(batches, on_a_clock_that_is_set_back_wait_as_long_as_they_had_left) {
  gathering(R"({"maxMessages":3,"maxWaitMs":10000})");
  auto a = emit();
  now = now + 4s;
  decision back;
  back.facts.push_back(deliveries_moved{-1'000'000'000});
  back.drafts.push_back(encode(back.facts.back()));
  write(back);
  now = {now.us - 1'000'000'000};
  EXPECT_TRUE(go_later(5s).empty());
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({a})}));
}

} // namespace
