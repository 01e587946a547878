#include "tests/unit/webhook/batches.hpp"

// What does something wrong on purpose, where messages go together.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

struct batches_beside_faults : batches {
  message_ref faulty() {
    create_message m{"t", {}, "{}", {}, {}};
    m.fault = delivery_fault::bad_signature;
    auto done = run(m);
    EXPECT_TRUE(done);
    return {std::get<message_created>(done->facts[0]).id, log.size(), "t", 2, true};
  }
};

TEST_F(batches_beside_faults, have_none_of_them_which_goes_alone_at_once_and_each_time) {
  gathering(R"({"maxMessages":3,"maxWaitMs":1000})");
  auto a = emit(), f = faulty(), b = emit();
  EXPECT_EQ(go(500), (std::vector<ids>{of({f})}));
  restart();
  auto c = emit();
  EXPECT_EQ(go(200), (std::vector<ids>{of({a, b, c})}));
  now = next_due(live).value();
  restart();
  auto again = take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].message->id, f.id) << "under its own id";
  (void)finish(again[0].token, answer(200));
}

TEST_F(batches_beside_faults, end_before_one_in_a_line) {
  gathering(R"({"maxMessages":3,"maxWaitMs":60000})", in_order(R"("fifo")"));
  auto a = emit(), b = emit(), f = faulty(), c = emit();
  EXPECT_EQ(go(200), (std::vector<ids>{of({a, b})}));
  EXPECT_EQ(go(200), (std::vector<ids>{of({f})}));
  EXPECT_EQ(go_later(60s), (std::vector<ids>{of({c})}));
}

TEST_F(batches_beside_faults, of_a_log_of_before_that_has_them_in_a_batch_fold_into_it) {
  gathering(R"({"maxMessages":3,"maxWaitMs":1000})");
  auto f = faulty(), a = emit();
  decision formed;
  formed.facts.push_back(batch_formed{"bat_1", id, {f, a}});
  formed.drafts.push_back(encode(formed.facts[0]));
  write(formed);
  EXPECT_EQ(go(500), (std::vector<ids>{of({f, a})}));
  now = next_due(live).value();
  live = folded();
  EXPECT_EQ(go(200), (std::vector<ids>{of({f, a})}));
  EXPECT_EQ(folded().pending_count(), 0U);
}

TEST_F(batches_beside_faults, are_made_without_what_a_recovery_brings_of_them) {
  auto d = without_retries();
  gathering(R"({"maxMessages":3,"maxWaitMs":1000})", d);
  auto f = faulty(), a = emit(), b = emit();
  (void)go(500);
  (void)go_later(1s, 500);
  ASSERT_EQ(live.counts(id).dead, 3U);
  must(start_recovery{id, {0}, std::nullopt, recovery_scope::failed, {}});
  const auto task = live.recoveries().back()->what.id;
  must(progress_recovery{task, {{f, 1, true, false}, {a, 1, true, false}, {b, 1, true, false}}, b.seq, 3, true});
  live = folded();
  EXPECT_EQ(go(200), (std::vector<ids>{of({f})}));
  EXPECT_EQ(go_later(1s), (std::vector<ids>{of({a, b})}));
}

} // namespace
