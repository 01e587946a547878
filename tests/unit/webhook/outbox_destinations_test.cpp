#include "tests/unit/webhook/world.hpp"

#include "events/limits.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

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
  auto ep = w.add({.url = "http://receiver.test/", .disabled = true});
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

} // namespace
