#include "tests/unit/webhook/ordered.hpp"
#include "webhook/delivery_control.hpp"

// What an answer may do where the endpoint lets it.

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

struct control : guarded {
  std::string obeying(bool obeys = true, const char* protection = "{}") {
    auto in = read_endpoint_in(json{{"url", "http://a.test/"}, {"deliveryControl", obeys}, {"protection", json::parse(protection)}}.dump());
    EXPECT_TRUE(in) << in.error().detail;
    return id = add(in->value);
  }
  static attempt_result saying(unsigned status, std::string what) { return answer(status, {{"Webhook-Delivery", std::move(what)}}); }
};

TEST_F(control, is_two_words_and_nothing_else) {
  using enum delivery_control;
  EXPECT_EQ(control_in({{"webhook-delivery", "disable"}}), disable);
  EXPECT_EQ(control_in({{"Webhook-Delivery", "abort-message"}}), abort);
  for (const char* other : {"", "Disable", "disable, abort-message", "disabled", "abort", "enable"})
    EXPECT_EQ(control_in({{"webhook-delivery", other}}), none) << other;
  EXPECT_EQ(control_in({}), none);
}

TEST_F(control, disables_the_endpoint_and_parks_what_waits_until_a_person_enables_it) {
  obeying();
  auto a = emit(), b = emit();
  auto due = take();
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(finish(due[0].token, saying(500, "disable")).follows, outcome_kind::retry);
  EXPECT_EQ(also(), std::vector{events::kind::destination_disabled});
  EXPECT_TRUE(disabled());
  EXPECT_EQ(live.find(id)->disabled_reason, "webhook-delivery: disable");
  give_back(live, due[1].token);
  now = now + 1h;
  EXPECT_TRUE(take().empty());
  must(switch_off(id, false));
  EXPECT_EQ(take().size(), 2U);
  EXPECT_TRUE(live.pending(id, a.seq) && live.pending(id, b.seq));
}

TEST_F(control, disables_beside_a_success_which_stays_one) {
  obeying();
  emit();
  EXPECT_EQ(attempt(saying(204, "disable")).follows, outcome_kind::delivered);
  EXPECT_TRUE(disabled());
  EXPECT_EQ(live.counts(id).delivered, 1U);
}

TEST_F(control, ends_a_message_that_failed_at_once_and_no_other) {
  obeying();
  auto a = emit();
  auto f = attempt(saying(422, "abort-message"));
  EXPECT_EQ(f.follows, outcome_kind::dead);
  EXPECT_FALSE(f.next);
  EXPECT_EQ(live.counts(id).dead, 1U);
  EXPECT_FALSE(live.pending(id, a.seq));
  EXPECT_FALSE(disabled());
  emit();
  EXPECT_EQ(attempt(answer(422)).follows, outcome_kind::retry);
}

TEST_F(control, takes_nothing_back_from_a_success) {
  obeying();
  emit();
  EXPECT_EQ(attempt(saying(200, "abort-message")).follows, outcome_kind::delivered);
}

TEST_F(control, of_an_endpoint_that_did_not_ask_for_it_does_nothing) {
  obeying(false);
  emit();
  EXPECT_EQ(attempt(saying(500, "disable")).follows, outcome_kind::retry);
  EXPECT_FALSE(disabled());
  now = next_due(live).value();
  EXPECT_EQ(attempt(saying(500, "abort-message")).follows, outcome_kind::retry);
}

TEST_F(control, of_an_answer_that_broke_off_or_came_from_the_address_before_does_nothing) {
  obeying();
  emit();
  auto cut = saying(500, "disable");
  cut.answer.error = http::transport_error::reset;
  (void)attempt(cut);
  EXPECT_FALSE(disabled());
  now = next_due(live).value();
  auto due = take();
  patch_destination p;
  p.id = id;
  p.url = "http://b.test/";
  must(p);
  EXPECT_EQ(finish(due[0].token, saying(500, "abort-message")).follows, outcome_kind::retry);
  EXPECT_FALSE(disabled());
}

/// Of an address that a script chose instead of the endpoint's.
attempt_result from_elsewhere(attempt_result r) {
  r.transformed = sent_instead{false, "POST", "http://chosen.test/"};
  return r;
}

TEST_F(control, of_an_address_that_a_script_chose_does_nothing_and_neither_does_a_410_or_a_failure) {
  obeying(true, R"({"breaker":{"failures":1,"probeAfter":60},"slowDown":{},"disable":{"failures":1,"after":0,"probe":60}})");
  auto a = emit();
  EXPECT_EQ(attempt(from_elsewhere(saying(500, "disable"))).follows, outcome_kind::retry);
  EXPECT_TRUE(also().empty());
  EXPECT_EQ(next(from_elsewhere(saying(500, "abort-message"))).follows, outcome_kind::retry) << "not its word";
  auto gone = next(from_elsewhere(answer(410)));
  EXPECT_EQ(gone.follows, outcome_kind::retry);
  EXPECT_TRUE(gone.gone_kept);
  EXPECT_FALSE(next(from_elsewhere(answer(429, {{"Retry-After", "100"}}))).hold);
  EXPECT_FALSE(disabled());
  EXPECT_EQ(guard(), lane_guard{}) << "nothing is known of it";
  EXPECT_TRUE(live.pending(id, a.seq));
  EXPECT_EQ(next(from_elsewhere(answer(200))).follows, outcome_kind::delivered);
}

/// The log with `from` replaced by `to` in what it says of attempts, folded.
outbox_state folded_with(const world& w, std::string_view from, std::string_view to) {
  outbox_state s;
  for (auto [h, payload] : w.log) {
    if (auto at = payload.find(from); h.kind == events::kind::attempt_finished && at != std::string::npos)
      payload.replace(at, from.size(), to);
    EXPECT_TRUE(apply(s, h, payload));
  }
  return s;
}

TEST_F(control, of_an_address_that_a_script_chose_is_folded_by_what_was_decided) {
  obeying(true, R"({"breaker":{"failures":20,"probeAfter":60}})");
  emit();
  (void)attempt(from_elsewhere(answer(500)));
  EXPECT_EQ(folded_with(*this, R"(,"elsewhere":true)", "").guard(id)->in_a_row, 1U) << "a log of before judged by it";
  EXPECT_EQ(*folded_with(*this, "http://chosen.test/", "").guard(id), lane_guard{}) << "its address was erased";
}

TEST_F(control, of_an_address_that_a_script_chose_which_is_the_endpoints_is_obeyed) {
  obeying();
  emit();
  auto same = saying(500, "disable");
  same.transformed = sent_instead{false, "PUT", "http://a.test/"};
  (void)attempt(same);
  EXPECT_TRUE(disabled());
}

TEST_F(control, a_probe_that_a_script_sends_elsewhere_proves_nothing_and_the_next_waits_its_pause) {
  obeying(true, R"({"disable":{"failures":1,"after":0,"probe":60}})");
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(guard().probing);
  const auto row = guard().in_a_row;
  (void)next(from_elsewhere(answer(500)));
  EXPECT_EQ(guard().in_a_row, row);
  EXPECT_TRUE(take().empty());
  EXPECT_GT(next_due(live).value(), now + 40s);
  EXPECT_TRUE(disabled());
  (void)next(from_elsewhere(answer(200)));
  EXPECT_FALSE(disabled()) << "nothing is left to probe with";
  EXPECT_EQ(live.recoveries().back()->what.scope, recovery_scope::missing);
}

TEST_F(control, a_success_elsewhere_lifts_no_hold_while_more_waits) {
  obeying(true, R"({"disable":{"failures":1,"after":0,"probe":60}})");
  emit(), emit();
  auto due = take();
  ASSERT_EQ(due.size(), 2U);
  (void)finish(due[0].token, answer(500));
  ASSERT_TRUE(guard().probing);
  give_back(live, due[1].token);
  (void)next(from_elsewhere(answer(200)));
  EXPECT_TRUE(disabled());
  EXPECT_TRUE(take().empty()) << "the next probe waits its pause";
  EXPECT_GT(next_due(live).value(), now + 40s);
  live = folded();
  EXPECT_TRUE(take().empty());
  (void)next(answer(200));
  EXPECT_FALSE(disabled());
}

TEST_F(control, ends_the_probes_of_an_endpoint_that_was_disabled_by_rule) {
  obeying(true, R"({"disable":{"failures":1,"after":0,"probe":60}})");
  emit();
  (void)attempt(answer(500));
  ASSERT_TRUE(guard().probing);
  (void)next(saying(500, "disable"));
  EXPECT_FALSE(guard().probing);
  EXPECT_FALSE(next_due(live)) << "only a person enables it";
}

TEST_F(control, is_kept_by_a_put_that_does_not_name_it_and_by_the_log) {
  obeying();
  auto put = read_endpoint_update(R"({"url":"http://a.test/"})");
  ASSERT_TRUE(put);
  put->id = id;
  must(*put);
  EXPECT_TRUE(live.find(id)->obeys);
  EXPECT_TRUE(folded().find(id)->obeys);
  auto patch = read_endpoint_patch(R"({"deliveryControl":false})");
  ASSERT_TRUE(patch);
  patch->id = id;
  must(*patch);
  EXPECT_FALSE(live.find(id)->obeys);
  EXPECT_EQ(read_endpoint_in(R"({"url":"http://a.test/","deliveryControl":"yes"})").error().where, "/deliveryControl");
}

} // namespace
