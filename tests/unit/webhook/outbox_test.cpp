#include "tests/unit/webhook/world.hpp"
#include "webhook/views.hpp"

#include "events/limits.hpp"

#include <set>

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

destination to(std::string url) {
  destination d;
  d.url = std::move(url);
  return d;
}

destination disabled() {
  auto d = to("http://receiver.test/");
  d.disabled = true;
  return d;
}

patch_destination switch_off(const std::string& id, bool off) {
  patch_destination p;
  p.id = id;
  p.disabled = off;
  return p;
}

// -- messages and fan-out -------------------------------------------------------------------

TEST(emit, fans_out_to_every_destination_that_matches_and_writes_down_which) {
  world w;
  auto all = w.add();
  auto users = to("http://a.test/");
  users.filter_types = {"user.created"};
  auto some = w.add(users);
  users.filter_types = {"invoice.paid"};
  w.add(users);
  auto m = w.emit("user.created");
  auto f = decode(w.log.back().first.kind, w.log.back().second);
  ASSERT_TRUE(f);
  EXPECT_EQ(std::get<message_created>(*f).destinations, (std::vector<std::string>{all, some}));
  EXPECT_EQ(w.take().size(), 2U);
  EXPECT_EQ(m.seq, w.log.size());
}

TEST(emit, a_pattern_is_found_by_what_stands_before_its_star_and_each_destination_once) {
  world w;
  auto with = [&w](std::vector<std::string> types) { return w.add({.url = "http://a.test/", .filter_types = std::move(types)}); };
  auto both = with({"order.paid", "order.*", "order.**"});
  auto deep = with({"order.**"});
  auto last = with({"**.late"});
  auto every = with({"*"});
  with({"user.*"});
  auto got = [&w](std::string type) {
    w.emit(std::move(type));
    return std::get<message_created>(*decode(w.log.back().first.kind, w.log.back().second)).destinations;
  };
  EXPECT_EQ(got("order.paid"), (std::vector{both, deep, every}));
  EXPECT_EQ(got("order.paid.late"), (std::vector{both, deep, last, every}));
  EXPECT_EQ(got("order"), std::vector{every});
  w.must(patch_destination{.id = both, .filter_types = std::vector<std::string>{"order.paid"}});
  w.must(patch_destination{.id = deep, .filter_types = std::vector<std::string>{}});
  w.must(remove_destination{every});
  EXPECT_EQ(got("order.paid"), (std::vector{both, deep})) << "the index follows every change";
  EXPECT_EQ(got("order.sent"), std::vector{deep});
  w.live = w.folded();
  EXPECT_EQ(got("order.paid"), (std::vector{both, deep}));
}

TEST(emit, a_content_filter_decides_about_the_payload) {
  world w;
  destination d;
  d.filter = content_filter::compile(nlohmann::json{{"payload.total", {{"$gte", 100}}}}).value();
  auto large = w.add(d);
  auto all = w.add();
  auto got = [&w](std::string body) {
    w.emit("order.paid", std::move(body));
    return std::get<message_created>(*decode(w.log.back().first.kind, w.log.back().second)).destinations;
  };
  EXPECT_EQ(got(R"({"total":100})"), (std::vector{large, all}));
  EXPECT_EQ(got(R"({"total":99})"), std::vector{all});
  w.live = w.folded();
  EXPECT_EQ(got(R"({"total":99})"), std::vector{all});
  w.live = restore(snapshot(w.live)).value();
  EXPECT_EQ(got(R"({"total":99})"), std::vector{all});
  w.must(patch_destination{.id = large, .filter = content_filter{}});
  EXPECT_EQ(got(R"({"total":99})"), (std::vector{large, all}));
}

TEST(emit, a_message_that_matches_nobody_is_stored_too) {
  world w;
  w.emit("nobody.cares");
  EXPECT_EQ(w.log.size(), 1U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(emit, the_body_keeps_its_bytes) {
  world w;
  std::string body = "{ \"b\":1.0,\n\t\"a\" : \"\\u00e9\xc3\xa9\", \"body_bytes\":7, \"body\":{\"x\":[1e40, 0.10]}, \"b\":2 }";
  w.emit("t", body);
  EXPECT_EQ(message_body(w.log.back().second), body);
}

TEST(emit, a_payload_that_is_no_json_object_changes_nothing) {
  world w;
  for (std::string wrong : {"", "[]", "1", "\"x\"", "null", "{", "{\"a\":1}}", "{\"a\":\"\xff\"}", "{'a':1}", " "})
    EXPECT_EQ(w.where_refused(create_message{"t", "", wrong, {}, {}}), "/payload") << wrong;
  EXPECT_TRUE(w.log.empty());
}

TEST(emit, a_payload_over_the_limit_is_too_large) {
  world w;
  std::string big = "{\"a\":\"" + std::string(limits::message_bytes, 'x') + "\"}";
  EXPECT_EQ(w.refused(create_message{"t", "", big, {}, {}}), errc::too_large);
}

TEST(emit, names_are_checked) {
  world w;
  EXPECT_EQ(w.where_refused(create_message{"bad type", "", "{}", {}, {}}), "/eventType");
  EXPECT_EQ(w.where_refused(create_message{"t", "a/b", "{}", {}, {}}), "/eventId");
  EXPECT_EQ(w.where_refused(create_message{"t", "", "{}", {"ok", "not ok"}, {}}), "/channels/1");
  EXPECT_EQ(w.where_refused(create_message{"t", "", "{}", {"1", "2", "3", "4", "5", "6"}, {}}), "/channels");
}

TEST(emit, is_refused_with_the_limit_s_name_when_too_many_deliveries_wait) {
  world w;
  w.add(), w.add();
  w.emit(); // two wait
  auto ask = [&w](const command& c, std::size_t most) { return decide(w.live, c, events::context{{w.now.us}, w.now, chance_of(9), "admin", "c"}, most); };
  create_message more{"user.created", {}, "{}", {}, {}};
  EXPECT_TRUE(ask(more, 4));
  auto refused = ask(more, 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::overloaded);
  EXPECT_NE(refused.error().detail.find("pending_per_sandbox"), std::string::npos);
  EXPECT_FALSE(ask(more, 0)) << "more wait than may";
}

TEST(resend, that_would_be_one_delivery_too_many_is_refused) {
  world w;
  auto d = w.add();
  auto gone = w.emit();
  w.attempt(answer(200));
  auto waits = w.emit();
  auto ask = [&w](const command& c, std::size_t most) { return decide(w.live, c, events::context{{w.now.us}, w.now, chance_of(9), "admin", "c"}, most); };
  EXPECT_TRUE(ask(resend{gone, d, 1, false}, 2));
  EXPECT_EQ(ask(resend{gone, d, 1, false}, 1).error().code, errc::overloaded);
  EXPECT_TRUE(ask(resend{waits, d, 0, false}, 1)) << "it is counted already";
}

TEST(emit, what_is_to_be_delivered_later_is_due_then_after_a_restart_too) {
  world w;
  w.add();
  create_message later{"user.created", {}, R"({"a":1})", {}, {}};
  later.deliver_at = w.now + 1h;
  w.must(later);
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(next_due(w.live), w.now + 1h);
  EXPECT_EQ(next_due(w.folded()), w.now + 1h) << "the log says it too";
  EXPECT_EQ(snapshot(w.folded()), snapshot(w.live));
  w.now = w.now + 1h;
  EXPECT_EQ(w.take().size(), 1U);
}

TEST(emit, what_is_to_be_delivered_in_the_past_or_in_31_days_is_refused) {
  world w;
  w.add();
  create_message m{"user.created", {}, "{}", {}, {}};
  for (auto at : {w.now, w.now + -1s, w.now + 24h * 31}) {
    m.deliver_at = at;
    EXPECT_EQ(w.where_refused(m), "/deliverAt") << at.us;
  }
  EXPECT_TRUE(w.log.size() == 1) << "nothing was written but the destination";
}

TEST(emit, for_one_destination_goes_to_no_other_whatever_the_filters) {
  world w;
  auto one = w.add({.uid = "one", .filter_types = {"other"}});
  w.add();
  create_message m{"user.created", {}, "{}", {}, {}};
  m.only_to = "one";
  auto done = w.run(m);
  ASSERT_TRUE(done);
  EXPECT_EQ(std::get<message_created>(done->facts[0]).destinations, std::vector{one});
  m.only_to = "nobody";
  EXPECT_EQ(w.refused(m), errc::not_found);
  w.must(patch_destination{.id = one, .disabled = true});
  m.only_to = one;
  EXPECT_EQ(w.refused(m), errc::conflict);
}

TEST(emit, an_event_id_is_claimed) {
  world w;
  w.must(create_message{"t", "evt-1", "{}", {}, {}});
  EXPECT_EQ(w.drafts[0].claims, std::vector<std::string>{"event-id:evt-1"});
  w.must(create_message{"t", "", "{}", {}, {}});
  EXPECT_TRUE(w.drafts[0].claims.empty());
}

TEST(emit, the_same_draw_gives_the_same_ids_and_the_entities_name_message_and_destinations) {
  world a, b;
  auto ep = a.add();
  EXPECT_EQ(ep, b.add());
  EXPECT_EQ(a.emit(), b.emit());
  auto m = a.emit();
  EXPECT_EQ(a.drafts[0].entities, (std::vector<std::string>{m.id, ep}));
}

TEST(emit, channels_reach_only_destinations_that_share_one) {
  world w;
  auto d = to("http://a.test/");
  d.channels = {"eu"};
  w.add(d);
  w.must(create_message{"t", "", "{}", {"us"}, {}});
  EXPECT_TRUE(w.take().empty());
  w.must(create_message{"t", "", "{}", {"us", "eu"}, {}});
  EXPECT_EQ(w.take().size(), 1U);
}

// -- attempts -------------------------------------------------------------------------------

TEST(attempts, the_first_is_due_at_once_and_names_all_it_needs) {
  world w;
  auto d = to("http://a.test/x");
  d.headers = {{"X-A", "1", false}};
  auto ep = w.add(d);
  auto m = w.emit();
  EXPECT_EQ(next_due(w.live), w.now);
  auto due = w.take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(*due[0].message, m);
  EXPECT_EQ(due[0].destination, ep);
  EXPECT_EQ(due[0].number, 1U);
  EXPECT_EQ(due[0].why, trigger::schedule);
  EXPECT_EQ(due[0].url, "http://a.test/x");
  EXPECT_EQ(due[0].headers.size(), 1U);
  EXPECT_EQ(due[0].keys.size(), 1U);
  EXPECT_EQ(due[0].deadline, limits::attempt_deadline);
  EXPECT_EQ(next_due(w.live), std::nullopt);
  EXPECT_EQ(w.live.in_flight_count(), 1U);
}

TEST(attempts, success_ends_the_delivery) {
  world w;
  auto ep = w.add();
  w.emit();
  auto f = w.attempt(answer(204));
  EXPECT_EQ(f.follows, outcome_kind::delivered);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(w.live.in_flight_count(), 0U);
  EXPECT_EQ(w.live.counts(ep).delivered, 1U);
  EXPECT_TRUE(w.take().empty());
}

TEST(attempts, a_failing_receiver_gets_eight_within_the_spread_and_then_the_message_is_dead) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  std::vector<outcome_kind> outcomes;
  for (auto base : {0us, duration{5s}, duration{5min}, duration{30min}, duration{2h}, duration{5h}, duration{10h}, duration{10h}}) {
    auto at = next_due(w.live);
    ASSERT_TRUE(at);
    auto waited = static_cast<double>(at->us - w.now.us);
    EXPECT_GE(waited, static_cast<double>(base.count()) * 0.8);
    EXPECT_LE(waited, static_cast<double>(base.count()) * 1.2);
    w.now = {at->us - 1};
    EXPECT_TRUE(waited == 0 || w.take().empty()) << "not a microsecond early";
    w.now = *at;
    auto f = w.attempt(answer(500));
    EXPECT_EQ(f.number, outcomes.size() + 1);
    EXPECT_EQ(f.message.id, m.id) << "the same webhook-id on every attempt";
    outcomes.push_back(f.follows);
  }
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), outcome_kind::retry), 7);
  EXPECT_EQ(outcomes.back(), outcome_kind::dead);
  EXPECT_EQ(w.live.counts(ep).dead, 1U);
  EXPECT_EQ(w.live.counts(ep).failed_in_a_row, 8U);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(next_due(w.live), std::nullopt);
}

TEST(attempts, a_schedule_of_ones_own_is_followed_and_an_empty_one_means_once) {
  world w;
  auto d = to("http://a.test/");
  d.schedule = {{1min}};
  w.add(d);
  w.emit();
  auto f = w.attempt(answer(500));
  EXPECT_NEAR(static_cast<double>(f.next->us - w.now.us), 60e6, 12e6);
  w.now = *f.next;
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::dead);

  world once;
  d.schedule->clear();
  once.add(d);
  once.emit();
  EXPECT_EQ(once.attempt(answer(500)).follows, outcome_kind::dead);
}

TEST(attempts, retry_after_is_honoured_as_a_floor) {
  world w;
  w.add();
  w.emit();
  auto f = w.attempt(answer(429, {{"Retry-After", "3600"}}));
  EXPECT_EQ(f.next->us, w.now.us + 3600'000'000LL);
  w.now = *f.next;
  f = w.attempt(answer(503, {{"retry-after", "1"}}));
  EXPECT_GE(f.next->us, w.now.us + 240'000'000LL) << "never shortens the five minutes";
}

TEST(attempts, a_redirect_and_every_transport_error_are_failures) {
  world w;
  w.add();
  for (auto r : {answer(301, {{"Location", "http://elsewhere.test/"}}), broken(http::transport_error::timeout), broken(http::transport_error::reset),
                 broken(http::transport_error::refused_by_guard)}) {
    w.emit();
    EXPECT_EQ(w.attempt(r).follows, outcome_kind::retry);
  }
}

TEST(attempts, an_endless_body_after_2xx_is_still_a_success) {
  world w;
  w.add();
  w.emit();
  auto r = answer(200);
  r.answer.truncated = true;
  EXPECT_EQ(w.attempt(r).follows, outcome_kind::delivered);
}

TEST(attempts, gone_disables_the_destination_in_the_same_decision_and_parks_the_message) {
  world w;
  auto ep = w.add();
  w.emit();
  auto due = w.take();
  auto done = w.run(finish_attempt{due[0].token, answer(410)});
  ASSERT_TRUE(done);
  ASSERT_EQ(done->drafts.size(), 2U);
  EXPECT_EQ(done->drafts[1].kind, events::kind::destination_disabled);
  EXPECT_TRUE(w.live.find(ep)->disabled);
  EXPECT_EQ(w.live.find(ep)->disabled_reason, "410 Gone");
  EXPECT_EQ(w.live.pending_count(), 1U);
  EXPECT_EQ(next_due(w.live), std::nullopt);
}

TEST(attempts, a_late_answer_changes_nothing) {
  world w;
  w.add();
  w.emit();
  auto due = w.take();
  w.finish(due[0].token, answer(200));
  auto size = w.log.size();
  for (auto token : {due[0].token, fencing_token{0}, fencing_token{12345}}) {
    auto done = w.run(finish_attempt{token, answer(500)});
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->drafts.empty());
  }
  EXPECT_EQ(w.log.size(), size);
}

TEST(attempts, one_that_is_given_back_is_due_again_under_another_token) {
  world w;
  w.add();
  w.emit();
  auto first = w.take();
  give_back(w.live, first[0].token);
  auto second = w.take();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NE(first[0].token, second[0].token);
  EXPECT_EQ(second[0].number, 1U);
  EXPECT_TRUE(w.run(finish_attempt{first[0].token, answer(200)})->drafts.empty());
  EXPECT_EQ(w.finish(second[0].token, answer(200)).follows, outcome_kind::delivered);
}

TEST(attempts, the_record_is_caused_by_its_message_and_found_by_message_destination_and_id) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto f = w.attempt(answer(200));
  EXPECT_EQ(w.drafts[0].causation, m.seq);
  EXPECT_EQ(w.drafts[0].entities, (std::vector<std::string>{m.id, ep, f.id}));
  EXPECT_TRUE(f.id.starts_with("atmpt_"));
}

// -- fairness -------------------------------------------------------------------------------

TEST(fairness, a_hanging_destination_holds_no_more_than_its_cap_and_delays_nobody) {
  world w;
  auto slow = to("http://slow.test/");
  slow.in_flight = 2;
  slow.filter_types = {"slow"};
  auto hanging = w.add(slow);
  auto quick = to("http://quick.test/");
  quick.filter_types = {"quick"};
  auto healthy = w.add(quick);
  for (int i = 0; i < 50; ++i)
    w.emit("slow");
  w.emit("quick");
  auto due = w.take();
  ASSERT_EQ(due.size(), 3U);
  EXPECT_EQ(std::count_if(due.begin(), due.end(), [&](const start& s) { return s.destination == hanging; }), 2);
  EXPECT_EQ(std::count_if(due.begin(), due.end(), [&](const start& s) { return s.destination == healthy; }), 1);
  EXPECT_EQ(next_due(w.live), std::nullopt) << "one at its cap does not count";
  for (const auto& s : due)
    if (s.destination == hanging) {
      w.finish(s.token, answer(200));
      break;
    }
  EXPECT_EQ(next_due(w.live), w.now);
  EXPECT_EQ(w.take().size(), 1U);
}

TEST(fairness, destinations_take_turns_whatever_their_backlog) {
  world w;
  std::vector<std::string> ids;
  for (auto type : {"a", "b", "c"}) {
    auto d = to("http://x.test/");
    d.filter_types = {type};
    ids.push_back(w.add(d));
  }
  for (int i = 0; i < 10; ++i)
    w.emit("a");
  w.now.us += 1;
  w.emit("b"), w.emit("c");
  auto due = w.take(3);
  std::set<std::string> served;
  for (const auto& s : due)
    served.insert(s.destination);
  EXPECT_EQ(served.size(), 3U) << "the long and older backlog of a waits its turn";
}

TEST(fairness, within_a_destination_the_earliest_due_goes_first) {
  world w;
  w.add();
  auto m1 = w.emit();
  w.now.us += 1;
  auto m2 = w.emit();
  auto due = w.take();
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].message->id, m1.id);
  EXPECT_EQ(due[1].message->id, m2.id);
}

TEST(fairness, a_clock_that_is_set_back_makes_nothing_due_early) {
  world w;
  w.add();
  w.emit();
  auto f = w.attempt(answer(500));
  auto before = w.now;
  w.now = *f.next;
  EXPECT_EQ(w.take(0).size(), 0U);
  auto due = w.take(1);
  ASSERT_EQ(due.size(), 1U);
  give_back(w.live, due[0].token);
  w.now = before;
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(next_due(w.live), *f.next);
  w.now = *f.next;
  EXPECT_EQ(w.take().size(), 1U);
}

// -- disabled and removed -------------------------------------------------------------------

TEST(disabling, parks_what_is_pending_and_enabling_lets_it_go_on) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.must(switch_off(ep, true));
  EXPECT_TRUE(w.take().empty());
  EXPECT_TRUE(w.live.pending(ep, m.seq)->parked);
  w.must(switch_off(ep, false));
  EXPECT_EQ(w.attempt(answer(200)).follows, outcome_kind::delivered);
}

TEST(disabling, a_message_that_comes_meanwhile_is_stored_and_not_queued) {
  world w;
  auto ep = w.add(disabled());
  auto m = w.emit();
  EXPECT_EQ(w.live.pending_count(), 0U);
  w.must(switch_off(ep, false));
  EXPECT_TRUE(w.take().empty());
  w.must(start_recovery{ep, {0}, std::nullopt, recovery_scope::missing, {}});
  w.must(progress_recovery{w.live.recoveries().back()->what.id, {{m, 0, false}}, m.seq, 1, true});
  EXPECT_EQ(w.attempt(answer(200)).follows, outcome_kind::delivered);
}

TEST(disabling, an_attempt_under_way_is_judged_as_ever) {
  world w;
  auto ep = w.add();
  w.emit();
  auto due = w.take();
  w.must(switch_off(ep, true));
  EXPECT_EQ(w.finish(due[0].token, answer(500)).follows, outcome_kind::retry);
  EXPECT_EQ(next_due(w.live), std::nullopt);
  EXPECT_EQ(w.live.pending_count(), 1U);
}

TEST(removing, drops_what_is_pending_and_records_what_was_under_way) {
  world w;
  auto ep = w.add();
  w.emit(), w.emit(), w.emit();
  auto due = w.take(2);
  w.must(remove_destination{ep});
  EXPECT_EQ(w.live.find(ep), nullptr);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(w.finish(due[0].token, answer(500)).follows, outcome_kind::dropped);
  EXPECT_EQ(w.finish(due[1].token, answer(200)).follows, outcome_kind::delivered);
  EXPECT_EQ(w.live.in_flight_count(), 0U);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
}

// -- resend ---------------------------------------------------------------------------------

TEST(resend, a_dead_letter_that_is_delivered_leaves_the_count) {
  world w;
  auto d = to("http://a.test/");
  d.schedule.emplace();
  auto ep = w.add(d);
  auto m = w.emit();
  w.attempt(answer(500));
  ASSERT_EQ(w.live.counts(ep).dead, 1U);
  w.must(resend{m, ep, 1, true});
  auto f = w.attempt(answer(200));
  EXPECT_EQ(f.number, 2U);
  EXPECT_EQ(f.why, trigger::manual);
  EXPECT_EQ(f.message.id, m.id);
  EXPECT_EQ(w.live.counts(ep).dead, 0U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(resend, what_has_arrived_is_counted_once_however_often_it_is_sent) {
  world w;
  auto ep = w.add(to("http://a.test/"));
  auto m = w.emit();
  w.attempt(answer(200));
  w.must(resend{m, ep, 1, false, true});
  auto stats = [&] { return nlohmann::json::parse(views::endpoint_stats(w.live.counts(ep))); };
  EXPECT_EQ(stats()["success"], 0) << "each message once, as it stands now";
  EXPECT_EQ(stats()["pending"], 1);
  w.must(resend{m, ep, 1, false, true}); // twice by hand
  w.attempt(answer(200));
  w.attempt(answer(200));
  EXPECT_EQ(w.live.counts(ep).delivered, 1U);
  w.must(resend{m, ep, 3, false, true});
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::failed);
  EXPECT_EQ(w.live.counts(ep).delivered, 1U) << "a resend that fails takes nothing away";
  EXPECT_EQ(stats()["success"], 1);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
}

TEST(recovery, of_what_had_arrived_moves_it_from_delivered_to_dead) {
  world w;
  auto d = to("http://a.test/");
  d.schedule.emplace();
  auto ep = w.add(d);
  auto m = w.emit();
  w.attempt(answer(200));
  auto r = w.run(start_recovery{ep, {0}, std::nullopt, recovery_scope::all, {}});
  ASSERT_TRUE(r);
  w.must(progress_recovery{std::get<recovery_started>(r->facts[0]).id, {{m, 1, false, true}}, m.seq, 1, true});
  auto back = restore(snapshot(w.live));
  ASSERT_TRUE(back);
  EXPECT_EQ(snapshot(*back), snapshot(w.live));
  EXPECT_EQ(back->counts(ep).delivered_again, 1U);
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::dead);
  EXPECT_EQ(w.live.counts(ep).delivered, 0U);
  EXPECT_EQ(w.live.counts(ep).dead, 1U);
}

TEST(schedule, keeps_the_time_that_was_left_when_the_clock_goes_back) {
  world w;
  auto d = to("http://a.test/");
  d.schedule = std::vector<duration>{1h, 1h};
  auto ep = w.add(d);
  auto waiting = w.emit();
  auto retry = w.attempt(answer(500));
  ASSERT_EQ(retry.follows, outcome_kind::retry);
  auto fresh = w.emit(); // due at once, and in flight
  auto flying = w.take(1);
  ASSERT_EQ(flying.size(), 1U);
  duration left{retry.next->us - w.now.us};
  constexpr std::int64_t years = 2 * 31'536'000'000'000;
  events::header h;
  h.seq = w.log.size() + 1;
  h.kind = events::kind::deliveries_moved;
  auto payload = encode(deliveries_moved{-years}).payload;
  w.log.emplace_back(h, payload);
  ASSERT_TRUE(apply(w.live, h, payload));
  w.now.us -= years;
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(next_due(w.live), w.now + left);
  EXPECT_EQ(w.live.pending(ep, waiting.seq)->due, w.now + left);
  auto f = w.finish(flying[0].token, answer(500));
  EXPECT_LT(f.next->us - w.now.us, duration{2h}.count());
  EXPECT_TRUE(w.live.pending(ep, fresh.seq));
  w.now = w.now + left;
  EXPECT_EQ(w.take(1).at(0).message->id, waiting.id);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
}

TEST(resend, that_fails_is_not_tried_again_and_the_letter_stays_dead) {
  world w;
  auto d = to("http://a.test/");
  d.schedule.emplace();
  auto ep = w.add(d);
  auto m = w.emit();
  w.attempt(answer(500));
  w.must(resend{m, ep, 1, true});
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::failed);
  EXPECT_EQ(w.live.counts(ep).dead, 1U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(resend, of_a_pending_message_goes_now_and_success_clears_the_schedule) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.attempt(answer(500));
  w.must(resend{m, ep, 1, false});
  auto f = w.attempt(answer(200));
  EXPECT_EQ(f.why, trigger::manual);
  EXPECT_EQ(f.number, 2U);
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(next_due(w.live), std::nullopt);
}

TEST(resend, that_fails_leaves_the_pending_schedule_as_it_was) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto first = w.attempt(answer(500));
  w.must(resend{m, ep, 1, false});
  w.attempt(answer(500));
  EXPECT_EQ(next_due(w.live), *first.next);
  w.now = *first.next;
  auto f = w.attempt(answer(500));
  EXPECT_EQ(f.number, 3U);
  EXPECT_EQ(f.why, trigger::schedule);
  EXPECT_NEAR(static_cast<double>(f.next->us - w.now.us), 300e6, 60e6) << "the second delay of the schedule, not the third";
}

TEST(resend, asked_for_twice_is_made_twice) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.attempt(answer(200));
  w.must(resend{m, ep, 1, false});
  w.must(resend{m, ep, 1, false});
  EXPECT_EQ(w.attempt(answer(200)).number, 2U);
  EXPECT_EQ(w.attempt(answer(200)).number, 3U);
  EXPECT_EQ(w.live.pending_count(), 0U);
}

TEST(resend, asked_for_while_an_attempt_is_under_way_follows_it) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto due = w.take();
  w.must(resend{m, ep, 0, false});
  EXPECT_TRUE(w.take().empty());
  w.finish(due[0].token, answer(200));
  auto f = w.attempt(answer(200));
  EXPECT_EQ(f.why, trigger::manual);
  EXPECT_EQ(f.number, 2U);
}

TEST(resend, to_a_destination_or_of_a_message_that_is_not_there_is_refused) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  EXPECT_EQ(w.refused(resend{m, "ep_none", 1, false}), errc::not_found);
  EXPECT_EQ(w.refused(resend{{}, ep, 1, false}), errc::not_found);
}

TEST(resend, has_limits_and_wants_the_destination_enabled) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  w.attempt(answer(200));
  EXPECT_EQ(w.refused(resend{m, ep, limits::attempts_per_message, false}), errc::conflict);
  for (int i = 0; i < 10; ++i)
    w.must(resend{m, ep, 1, false});
  EXPECT_EQ(w.refused(resend{m, ep, 1, false}), errc::conflict);
  w.must(switch_off(ep, true));
  EXPECT_EQ(w.refused(resend{m, ep, 1, false}), errc::conflict);
}

// -- destinations ---------------------------------------------------------------------------

TEST(destinations, a_uid_is_a_second_name_and_taken_once) {
  world w;
  auto d = to("http://a.test/");
  d.uid = "mine";
  auto ep = w.add(d);
  EXPECT_EQ(w.live.find("mine")->id, ep);
  EXPECT_EQ(w.refused(create_destination{d}), errc::conflict);
  patch_destination p;
  p.id = "mine";
  p.uid = "other";
  w.must(p);
  EXPECT_EQ(w.live.find("mine"), nullptr);
  EXPECT_EQ(w.live.find("other")->id, ep);
  w.add(d);
}

TEST(destinations, put_replaces_everything_but_secrets_headers_and_birth) {
  world w;
  auto d = to("http://a.test/");
  d.description = "before";
  d.headers = {{"X-A", "1", false}};
  auto ep = w.add(d);
  auto before = *w.live.find(ep);
  w.now.us += 1'000'000;
  w.must(update_destination{ep, to("http://b.test/"), false});
  auto after = *w.live.find(ep);
  EXPECT_EQ(after.url, "http://b.test/");
  EXPECT_EQ(after.description, "");
  EXPECT_EQ(after.headers, before.headers);
  EXPECT_EQ(after.secrets, before.secrets);
  EXPECT_EQ(after.created, before.created);
  EXPECT_EQ(after.updated, w.now);
}

TEST(destinations, put_by_an_unknown_uid_creates_and_by_an_unknown_id_does_not) {
  world w;
  w.must(update_destination{"mine", to("http://b.test/"), true});
  EXPECT_NE(w.live.find("mine"), nullptr);
  EXPECT_EQ(w.refused(update_destination{"ep_unknown", to("http://b.test/"), true}), errc::not_found);
}

TEST(destinations, patch_changes_only_what_is_given) {
  world w;
  auto d = to("http://a.test/");
  d.filter_types = {"a"};
  d.schedule = {{1s}};
  d.headers = {{"X-A", "1", false}, {"X-B", "2", false}};
  auto ep = w.add(d);
  patch_destination p;
  p.id = ep;
  p.description = "new";
  p.header_changes = {{"x-a", std::nullopt}, {"X-C", "3"}};
  w.must(p);
  const auto* now = w.live.find(ep);
  EXPECT_EQ(now->description, "new");
  EXPECT_EQ(now->filter_types, d.filter_types);
  EXPECT_EQ(now->schedule, d.schedule);
  EXPECT_EQ(now->headers, (std::vector<custom_header>{{"X-B", "2", false}, {"X-C", "3", false}}));
  patch_destination back;
  back.id = ep;
  back.schedule.emplace(std::nullopt);
  w.must(back);
  EXPECT_EQ(w.live.find(ep)->schedule, std::nullopt);
}

TEST(destinations, a_changed_filter_decides_from_then_on) {
  world w;
  auto ep = w.add();
  patch_destination p;
  p.id = ep;
  p.filter_types = {{"b"}};
  w.must(p);
  w.emit("a");
  EXPECT_TRUE(w.take().empty());
  w.emit("b");
  EXPECT_EQ(w.take().size(), 1U);
}

TEST(destinations, a_bad_change_changes_nothing) {
  world w;
  auto ep = w.add();
  auto before = snapshot(w.live);
  patch_destination p;
  p.id = ep;
  p.url = "ftp://x";
  EXPECT_EQ(w.where_refused(p), "/url");
  EXPECT_EQ(snapshot(w.live), before);
}

TEST(destinations, are_listed_by_id_both_ways) {
  world w;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(w.add()), w.now.us += 10'000;
  auto page = w.live.list("", 2);
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[1]->id, ids[1]);
  EXPECT_EQ(w.live.list(ids[1], 10).size(), 3U);
  auto back = w.live.list_backwards(ids[3], 2);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0]->id, ids[2]);
  EXPECT_EQ(back[1]->id, ids[1]);
}

// -- secrets --------------------------------------------------------------------------------

TEST(rotation, old_and_new_sign_until_the_overlap_ends) {
  world w;
  auto ep = w.add();
  auto old = w.live.find(ep)->secrets[0].key;
  w.must(rotate_secret{ep, std::nullopt, 24h});
  w.emit();
  auto due = w.take();
  ASSERT_EQ(due[0].keys.size(), 2U);
  EXPECT_EQ(due[0].keys[1], old);
  w.finish(due[0].token, answer(200));
  w.now = w.now + 24h;
  w.emit();
  EXPECT_EQ(w.take()[0].keys.size(), 1U);
}

TEST(rotation, eleven_secrets_at_most_and_expired_ones_make_room) {
  world w;
  auto ep = w.add();
  for (std::size_t i = 1; i < limits::secrets_per_destination; ++i)
    w.must(rotate_secret{ep, std::nullopt, 24h});
  EXPECT_EQ(w.refused(rotate_secret{ep, std::nullopt, 24h}), errc::too_large);
  w.now = w.now + 25h;
  w.must(rotate_secret{ep, std::nullopt, 24h});
  EXPECT_EQ(w.live.find(ep)->secrets.size(), 2U);
}

TEST(rotation, without_overlap_the_old_one_ends_at_once) {
  world w;
  auto ep = w.add();
  w.must(rotate_secret{ep, std::nullopt, 0s});
  EXPECT_EQ(w.live.find(ep)->secrets.size(), 1U);
}

TEST(rotation, a_given_key_is_used_and_a_live_one_or_a_long_overlap_refused) {
  world w;
  auto ep = w.add();
  auto key = signing_key::generate({9});
  w.must(rotate_secret{ep, key, 24h});
  EXPECT_EQ(w.live.find(ep)->secrets[0].key, key);
  EXPECT_EQ(w.where_refused(rotate_secret{ep, key, 24h}), "/key");
  EXPECT_EQ(w.where_refused(rotate_secret{ep, std::nullopt, 24h * 8}), "/gracePeriodSeconds");
}

// -- event types ----------------------------------------------------------------------------

TEST(event_types, are_put_archived_and_removed) {
  world w;
  event_type t;
  t.name = "user.created";
  t.schemas = R"({"1": {"type":"object"}})";
  w.must(put_event_type{t, true});
  EXPECT_EQ(w.refused(put_event_type{t, true}), errc::conflict);
  w.must(remove_event_type{t.name, false});
  EXPECT_TRUE(w.live.event_types().at(t.name).archived);
  w.must(put_event_type{t, true});
  EXPECT_FALSE(w.live.event_types().at(t.name).archived);
  w.must(remove_event_type{t.name, true});
  EXPECT_TRUE(w.live.event_types().empty());
  EXPECT_EQ(w.refused(remove_event_type{t.name, true}), errc::not_found);
}

// -- recovery -------------------------------------------------------------------------------

struct dead_world : world {
  std::string ep;
  std::vector<message_ref> dead;

  explicit dead_world(int n) {
    auto d = to("http://a.test/");
    d.schedule = {{10s}};
    ep = add(d);
    for (int i = 0; i < n; ++i)
      dead.push_back(emit());
    for (int round = 0; round < 2; ++round) {
      for (auto& s : take())
        finish(s.token, answer(500));
      now = now + 1min;
    }
    EXPECT_EQ(live.counts(ep).dead, static_cast<std::uint64_t>(n));
  }

  std::string start() {
    must(start_recovery{ep, {0}, std::nullopt, recovery_scope::failed, {}});
    return live.recoveries().back()->what.id;
  }

  std::vector<recovery_item> items(std::size_t from, std::size_t to) const {
    std::vector<recovery_item> out;
    for (auto i = from; i < to; ++i)
      out.push_back({dead[i], 2, true});
    return out;
  }
};

TEST(recovery, queues_page_by_page_and_tells_its_progress) {
  dead_world w(4);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 2), w.dead[1].seq, 5, false});
  const auto* r = w.live.find_recovery(id);
  EXPECT_EQ(r->seen, 5U);
  EXPECT_EQ(r->queued, 2U);
  EXPECT_EQ(r->cursor, w.dead[1].seq);
  EXPECT_EQ(r->state, recovery::phase::scanning);
  w.must(progress_recovery{id, w.items(2, 4), w.dead[3].seq, 2, true});
  EXPECT_EQ(w.live.find_recovery(id)->state, recovery::phase::finished);
  for (auto& s : w.take()) {
    EXPECT_EQ(s.why, trigger::recovery);
    EXPECT_EQ(s.number, 3U);
    w.finish(s.token, answer(200));
  }
  EXPECT_EQ(w.live.find_recovery(id)->delivered, 4U);
  EXPECT_EQ(w.live.counts(w.ep).dead, 0U);
}

TEST(recovery, follows_the_schedule_anew_and_a_letter_may_die_again) {
  dead_world w(1);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 1), w.dead[0].seq, 1, true});
  auto f = w.attempt(answer(500));
  EXPECT_EQ(f.follows, outcome_kind::retry);
  w.now = *f.next;
  EXPECT_EQ(w.attempt(answer(500)).follows, outcome_kind::dead);
  EXPECT_EQ(w.live.counts(w.ep).dead, 1U) << "counted once";
  EXPECT_EQ(w.live.find_recovery(id)->dead, 1U);
}

TEST(recovery, survives_a_restart_where_it_stood) {
  dead_world w(3);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 1), w.dead[0].seq, 1, false});
  auto again = w.folded();
  EXPECT_EQ(again.find_recovery(id)->cursor, w.dead[0].seq);
  EXPECT_EQ(again.find_recovery(id)->state, recovery::phase::scanning);
  EXPECT_EQ(take_due(again, w.now, 10).size(), 1U);
}

TEST(recovery, cancelled_takes_back_what_is_queued_and_the_letters_stay_dead) {
  dead_world w(3);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 3), w.dead[2].seq, 3, false});
  auto under_way = w.take(1);
  w.must(cancel_recovery{id});
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(w.live.counts(w.ep).dead, 3U);
  auto f = w.finish(under_way[0].token, answer(200));
  EXPECT_EQ(f.follows, outcome_kind::delivered);
  EXPECT_TRUE(f.detached);
  EXPECT_EQ(w.live.counts(w.ep).dead, 2U) << "that one did arrive";
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
  EXPECT_EQ(w.refused(progress_recovery{id, {}, 9, 0, true}), errc::conflict);
  EXPECT_EQ(w.refused(cancel_recovery{id}), errc::conflict);
}

TEST(recovery, an_attempt_that_outlives_its_cancelled_recovery_does_not_touch_a_resend) {
  dead_world w(1);
  auto id = w.start();
  w.must(progress_recovery{id, w.items(0, 1), w.dead[0].seq, 1, true});
  auto old = w.take(1);
  w.must(cancel_recovery{id});
  w.must(resend{w.dead[0], w.ep, 2, true});
  EXPECT_EQ(w.finish(old[0].token, answer(500)).follows, outcome_kind::dropped);
  EXPECT_EQ(snapshot(w.live), snapshot(w.folded()));
  EXPECT_EQ(w.attempt(answer(200)).follows, outcome_kind::delivered);
  EXPECT_EQ(w.live.counts(w.ep).dead, 0U);
}

TEST(recovery, leaves_alone_what_is_on_its_way) {
  world w;
  auto ep = w.add();
  auto m = w.emit();
  auto f = w.attempt(answer(500));
  w.must(start_recovery{ep, {0}, std::nullopt, recovery_scope::all, {}});
  auto id = w.live.recoveries().back()->what.id;
  w.must(progress_recovery{id, {{m, 1, false}}, m.seq, 1, true});
  EXPECT_EQ(w.live.find_recovery(id)->queued, 0U);
  EXPECT_EQ(next_due(w.live), *f.next);
}

TEST(recovery, is_checked_before_it_starts) {
  world w;
  auto ep = w.add();
  EXPECT_EQ(w.refused(start_recovery{"ep_none", {0}, std::nullopt, recovery_scope::failed, {}}), errc::not_found);
  EXPECT_EQ(w.where_refused(start_recovery{ep, {10}, virtual_time{9}, recovery_scope::failed, {}}), "/until");
  EXPECT_EQ(w.where_refused(start_recovery{ep, {w.now.us + 1}, virtual_time{w.now.us + 2}, recovery_scope::failed, {}}), "/since");
  w.must(start_recovery{ep, {0}, std::nullopt, recovery_scope::failed, {}});
  EXPECT_EQ(w.refused(start_recovery{ep, {0}, std::nullopt, recovery_scope::failed, {}}), errc::conflict);
  EXPECT_EQ(w.refused(progress_recovery{"rcv_none", {}, 1, 1, true}), errc::not_found);
}

TEST(recovery, ends_with_its_destination) {
  dead_world w(1);
  auto id = w.start();
  w.must(remove_destination{w.ep});
  EXPECT_EQ(w.live.find_recovery(id)->state, recovery::phase::cancelled);
}

// -- the fold -------------------------------------------------------------------------------

TEST(fold, a_copy_is_independent_and_has_nothing_in_flight) {
  world w;
  w.add();
  w.emit();
  auto due = w.take();
  auto copy = w.live;
  EXPECT_EQ(copy.in_flight_count(), 0U);
  EXPECT_EQ(take_due(copy, w.now, 10).size(), 1U);
  w.finish(due[0].token, answer(200));
  EXPECT_EQ(copy.pending_count(), 1U);
}

TEST(fold, skips_events_of_others_and_refuses_broken_ones) {
  outbox_state s;
  events::header h;
  h.seq = 3;
  h.kind = events::kind::data_put;
  EXPECT_TRUE(apply(s, h, "whatever"));
  h.kind = events::kind::message_created;
  for (auto broken : {"", "{}", "[]", R"({"body_bytes":2,"id":"m","event_type":"t","destinations":[],"body":{}x)", R"({"body_bytes":99,"id":"m","event_type":"t","destinations":[],"body":{}})"}) {
    auto done = apply(s, h, broken);
    ASSERT_FALSE(done) << broken;
    EXPECT_EQ(done.error().code, errc::corrupt);
    EXPECT_EQ(done.error().where, "seq 3");
  }
}

TEST(snapshots, of_another_format_or_broken_are_refused) {
  EXPECT_EQ(restore("").error().code, errc::corrupt);
  EXPECT_EQ(restore("{}").error().code, errc::corrupt);
  EXPECT_EQ(restore(R"({"format":2})").error().code, errc::newer_format);
  EXPECT_EQ(restore(R"({"format":1,"event_types":[],"recoveries":[],"messages":[],"destinations":[{}]})").error().code, errc::corrupt);
  world w;
  w.add();
  w.emit();
  auto text = snapshot(w.live);
  for (std::size_t cut = 0; cut < text.size(); cut += 7)
    EXPECT_FALSE(restore(text.substr(0, cut)));
}

} // namespace
