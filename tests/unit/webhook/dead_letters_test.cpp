#include "tests/unit/webhook/world.hpp"
#include "webhook/inputs.hpp"

#include <set>

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

/// Dead letters of one destination.
struct dead_letters : ::testing::Test, world {
  std::string ep = add(without_retries());

  message_ref die(const std::string& body = R"({"a":1})") {
    auto m = emit("user.created", body);
    attempt(answer(500));
    return m;
  }
  remove_letter of(const message_ref& m) const { return {m, ep, log.size()}; }
  remove_letter instead_of(const message_ref& m, std::string payload) const {
    auto c = of(m);
    c.instead.emplace();
    c.instead->event_type = m.event_type;
    c.instead->payload = std::move(payload);
    c.instead->only_to = ep;
    c.instead->replaces = m.id;
    return c;
  }
  std::vector<dead_letters_removed> removals() const {
    std::vector<dead_letters_removed> out;
    for (const auto& [h, payload] : log)
      if (h.kind == events::kind::dead_letters_removed)
        out.push_back(std::get<dead_letters_removed>(*decode(h.kind, payload)));
    return out;
  }
  void expect_same_after_restart() { EXPECT_EQ(snapshot(folded()), snapshot(live)); }
};

TEST_F(dead_letters, are_removed_one_by_one_and_the_log_says_by_whom) {
  const auto first = die();
  die();
  must(of(first));
  EXPECT_EQ(live.counts(ep).dead, 1U);
  ASSERT_EQ(removals().size(), 1U);
  const auto gone = removals()[0];
  EXPECT_EQ(gone.by, "admin");
  EXPECT_EQ(gone.letters.at(0).message, first.id);
  EXPECT_TRUE(gone.superseded_by.empty());
  EXPECT_EQ(drafts[0].entities, (std::vector{ep, first.id})) << "the history of the message has it";
  expect_same_after_restart();
}

TEST_F(dead_letters, that_are_being_sent_again_are_not_removed) {
  const auto m = die();
  must(resend{m, ep, 1, true, false});
  EXPECT_EQ(refused(of(m)), errc::conflict);
  attempt(answer(200));
  EXPECT_EQ(live.counts(ep).dead, 0U);
}

/// A recovery sends it, the attempt hangs, the recovery is cancelled: what becomes of the letter the attempt will tell.
TEST_F(dead_letters, whose_attempt_is_under_way_though_it_was_taken_back_are_not_removed) {
  const auto m = die(), other = die();
  start_recovery c;
  c.destination = ep;
  must(c);
  auto id = live.recoveries().back()->what.id;
  must(progress_recovery{id, {{m, 1, true}}, m.seq, 1, false});
  auto flying = take();
  ASSERT_EQ(flying.size(), 1U);
  must(cancel_recovery{id});
  EXPECT_FALSE(live.pending(ep, m.seq));
  EXPECT_EQ(refused(of(m)), errc::conflict);
  EXPECT_EQ(refused(instead_of(m, "{}")), errc::conflict);
  c.purge = true;
  must(c);
  id = live.recoveries().back()->what.id;
  must(progress_recovery{id, {{m, 1, true}, {other, 1, true}}, other.seq, 2, true});
  ASSERT_EQ(removals().size(), 1U);
  ASSERT_EQ(removals()[0].letters.size(), 1U);
  EXPECT_EQ(removals()[0].letters[0].message, other.id);
  die();
  EXPECT_EQ(live.counts(ep).dead, 2U);
  finish(flying[0].token, answer(200));
  EXPECT_EQ(live.counts(ep).dead, 1U) << "it has arrived, and went off the count once";
  expect_same_after_restart();
}

TEST_F(dead_letters, let_their_line_go_on_when_they_are_removed) {
  auto d = without_retries();
  d.ordering = ordering_policy::compile(json{{"onDead", "hold"}}).value();
  must(remove_destination{ep});
  ep = add(d);
  const auto first = die();
  emit();
  EXPECT_EQ(live.counts(ep).held_lines, 1U);
  EXPECT_TRUE(take().empty());
  must(of(first));
  EXPECT_EQ(live.counts(ep).held_lines, 0U);
  EXPECT_EQ(take().size(), 1U);
  expect_same_after_restart();
}

TEST_F(dead_letters, that_held_their_line_are_replaced_before_what_waited_for_them) {
  auto d = without_retries();
  d.ordering = ordering_policy::compile(json{{"onDead", "hold"}}).value();
  must(remove_destination{ep});
  ep = add(d);
  const auto first = die();
  now = now + 1s;
  const auto second = emit(), third = emit();
  now = now + 1s;
  must(instead_of(first, R"({"a":2})"));
  expect_same_after_restart();
  std::vector<std::string> went;
  for (int i = 0; i < 3; ++i)
    went.push_back(attempt(answer(200)).message.id);
  EXPECT_NE(went[0], first.id);
  EXPECT_EQ(went[1], second.id);
  EXPECT_EQ(went[2], third.id);
}

TEST_F(dead_letters, are_superseded_by_a_message_of_another_id_that_names_them) {
  add(); // which would match too
  const auto old = die();
  for (auto& s : take())
    finish(s.token, answer(200));
  auto done = run(instead_of(old, R"({"a":2})"));
  ASSERT_TRUE(done) << done.error().detail;
  const auto made = std::get<message_created>(done->facts.at(0));
  EXPECT_NE(made.id, old.id);
  EXPECT_EQ(made.replaces, old.id);
  EXPECT_EQ(made.body, R"({"a":2})");
  EXPECT_EQ(made.destinations, std::vector{ep});
  EXPECT_EQ(json::parse(done->reply)["replaces"], old.id);
  EXPECT_EQ(std::get<message_created>(*decode(events::kind::message_created, done->drafts[0].payload)).replaces, old.id);
  ASSERT_EQ(removals().size(), 1U);
  EXPECT_EQ(removals()[0].superseded_by, made.id);
  EXPECT_EQ(live.counts(ep).dead, 0U);
  EXPECT_EQ(attempt(answer(200)).message.id, made.id);
  expect_same_after_restart();
}

TEST_F(dead_letters, stay_when_what_would_go_instead_is_refused) {
  const auto m = die();
  EXPECT_EQ(refused(instead_of(m, "[]")), errc::invalid);
  must(switch_off(ep, true));
  EXPECT_EQ(refused(instead_of(m, "{}")), errc::conflict);
  EXPECT_EQ(live.counts(ep).dead, 1U);
  EXPECT_TRUE(removals().empty());
}

TEST_F(dead_letters, are_removed_by_the_page_in_events_that_name_each) {
  std::vector<recovery_item> items;
  for (int i = 0; i < 130; ++i)
    items.push_back({die(), 1, true});
  must(switch_off(ep, true)); // which is no reason to keep them
  start_recovery c;
  c.destination = ep;
  c.purge = true;
  must(c);
  const auto id = live.recoveries().back()->what.id;
  auto back = restore(snapshot(live));
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->recoveries().back()->what.purge);
  const auto last = items.back().message.seq;
  auto done = run(progress_recovery{id, std::move(items), last, 130, true});
  ASSERT_TRUE(done);
  std::size_t named = 0;
  for (const auto& d : done->drafts)
    EXPECT_LE(d.entities.size(), limits::entities_per_event);
  for (const auto& gone : removals()) {
    EXPECT_EQ(gone.by, "admin");
    EXPECT_EQ(gone.recovery, id);
    named += gone.letters.size();
  }
  EXPECT_EQ(named, 130U);
  EXPECT_EQ(live.counts(ep).dead, 0U);
  EXPECT_EQ(live.counts(ep).pending, 0U);
  EXPECT_EQ(live.find_recovery(id)->queued, 130U);
  EXPECT_EQ(refused(cancel_recovery{id}), errc::conflict) << "it has ended";
  expect_same_after_restart();
}

TEST_F(dead_letters, of_a_whole_sandbox_are_removed_where_there_are_some) {
  die();
  const auto other = add(without_retries()), without = add([] {
    auto d = without_retries();
    d.filter_types = {"never"};
    return d;
  }());
  emit();
  for (auto& s : take())
    finish(s.token, answer(500));
  start_recovery c;
  c.purge = true;
  auto done = run(c);
  ASSERT_TRUE(done);
  std::set<std::string> at, ids;
  for (const auto& f : done->facts) {
    at.insert(std::get<recovery_started>(f).destination);
    ids.insert(std::get<recovery_started>(f).id);
  }
  EXPECT_EQ(at, (std::set{ep, other}));
  EXPECT_EQ(ids.size(), 2U);
  EXPECT_EQ(json::parse(done->reply)["data"].size(), 2U);
  EXPECT_TRUE(json::parse(done->reply)["left"].empty());
  EXPECT_EQ(refused(c), errc::conflict) << "these run";
}

TEST_F(dead_letters, of_a_whole_sandbox_are_removed_where_nothing_else_runs_and_the_rest_is_named) {
  die();
  const auto other = add(without_retries());
  emit();
  for (auto& s : take())
    finish(s.token, answer(500));
  start_recovery one;
  one.destination = ep;
  must(one);
  start_recovery all;
  all.purge = true;
  auto done = run(all);
  ASSERT_TRUE(done) << done.error().detail;
  ASSERT_EQ(done->facts.size(), 1U);
  EXPECT_EQ(std::get<recovery_started>(done->facts[0]).destination, other);
  EXPECT_EQ(json::parse(done->reply)["left"], json{ep});
}

TEST_F(dead_letters, of_more_destinations_than_recoveries_may_run_go_as_far_as_it_goes) {
  for (int i = 0; i < 101; ++i)
    add(without_retries());
  emit();
  for (auto& s : take())
    finish(s.token, answer(500));
  start_recovery all;
  all.purge = true;
  auto done = run(all);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(json::parse(done->reply)["data"].size(), 100U);
  EXPECT_EQ(json::parse(done->reply)["left"].size(), 2U);
}

TEST_F(dead_letters, of_any_time_are_all_whatever_the_clock_says_now) {
  die();
  auto c = *read_purge_in("");
  c.destination = ep;
  auto done = run(c);
  ASSERT_TRUE(done);
  const auto started = std::get<recovery_started>(done->facts.at(0));
  EXPECT_EQ(started.since.us, INT64_MIN);
  EXPECT_EQ(started.until.us, INT64_MAX);
  EXPECT_TRUE(json::parse(done->reply)["since"].is_null());
  EXPECT_TRUE(json::parse(done->reply)["until"].is_null());
  expect_same_after_restart();
}

TEST_F(dead_letters, what_is_left_out_of_an_edit_is_as_in_the_old_message) {
  message_created old{"msg_1", "t", "e", {"c"}, {"tag"}, {ep}, "<a/>", 4};
  old.opaque = true;
  old.content_type = "text/xml";
  old.ordering_key = "k";
  bool keep = false;
  auto c = read_edit_in(R"({"payloadText":"<b/>"})", old, keep);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_TRUE(keep);
  EXPECT_EQ(c->event_type, "t");
  EXPECT_EQ(c->content_type, "text/xml");
  EXPECT_EQ(c->channels, old.channels);
  EXPECT_EQ(c->tags, old.tags);
  EXPECT_EQ(c->ordering_key, "k");
  EXPECT_EQ(c->event_id, "") << "which is taken";
  EXPECT_EQ(c->replaces, "msg_1");
  auto json_now = read_edit_in(R"({"payload":{},"eventType":"u","headers":{"X-A":"1"}})", old, keep);
  ASSERT_TRUE(json_now);
  EXPECT_FALSE(keep);
  EXPECT_EQ(json_now->content_type, "");
  EXPECT_EQ(json_now->event_type, "u");
  EXPECT_EQ(read_edit_in("{}", old, keep).error().where, "/payload");
}

TEST_F(dead_letters, a_purge_says_what_it_does_not_know) {
  EXPECT_TRUE(read_purge_in("")->purge);
  EXPECT_EQ(read_purge_in(R"({"scope":"all"})").error().where, "/scope");
  EXPECT_EQ(read_purge_in(R"({"rate":1})").error().where, "/rate");
  EXPECT_EQ(read_purge_in(R"({"filter":{"x":1}})").error().where, "/filter/x");
}

} // namespace
