#include "world.hpp"

#include "webhook/inputs.hpp"
#include "webhook/limits.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;

struct polled : world {
  std::string add_poller(poller p = {}) {
    auto done = run(create_poller{std::move(p)});
    EXPECT_TRUE(done) << (done ? "" : done.error().detail);
    return done ? std::get<poller_created>(done->facts[0]).value.id : "";
  }
  events::seq cursor(const std::string& id, const std::string& consumer = "me") const { return cursor_of(*live.find_poller(id), consumer); }
  move_consumer acknowledge(const std::string& id, events::seq from, events::seq to) const { return {id, "me", from, to}; }
};

poller named(std::string uid) {
  poller p;
  p.uid = std::move(uid);
  return p;
}

TEST(poller, begins_behind_the_event_that_created_it) {
  polled w;
  w.emit();
  auto id = w.add_poller(named("mine"));
  EXPECT_TRUE(id.starts_with("poll_"));
  EXPECT_EQ(w.cursor(id), 2U);
  EXPECT_EQ(w.live.find_poller("mine"), w.live.find_poller(id));
  w.emit();
  EXPECT_EQ(w.cursor(id), 2U) << "a message moves nobody, and is not written for anybody";
  EXPECT_EQ(w.log.size(), 3U);
}

TEST(poller, moves_a_consumer_only_for_who_saw_where_it_stood) {
  polled w;
  auto id = w.add_poller();
  w.must(w.acknowledge(id, 1, 5));
  EXPECT_EQ(w.cursor(id), 5U);
  auto again = w.run(w.acknowledge(id, 1, 5));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->drafts.empty()) << "the answer was lost on its way, and nothing is written twice";
  EXPECT_EQ(w.refused(w.acknowledge(id, 1, 7)), errc::conflict) << "another client of this name has read on";
  EXPECT_EQ(w.refused(w.acknowledge(id, 4, 9)), errc::conflict);
  EXPECT_EQ(w.cursor(id), 5U);
  EXPECT_EQ(w.cursor(id, "other"), 1U);
  w.must(move_consumer{id, "me", std::nullopt, 2}); // a seek
  EXPECT_EQ(w.cursor(id), 2U);
  EXPECT_EQ(w.refused(w.acknowledge(id, 5, 8)), errc::conflict) << "what was read before the seek";
}

TEST(poller, forgets_a_consumer_that_is_removed) {
  polled w;
  auto id = w.add_poller();
  w.must(w.acknowledge(id, 1, 5));
  w.must(remove_consumer{id, "me"});
  EXPECT_EQ(w.cursor(id), 1U);
  EXPECT_EQ(w.refused(remove_consumer{id, "me"}), errc::not_found);
}

TEST(poller, remembers_so_many_consumers_and_no_more) {
  polled w;
  auto id = w.add_poller();
  for (std::size_t i = 0; i < limits::consumers_per_poller; ++i)
    w.must(move_consumer{id, "c" + std::to_string(i), 1, 2});
  EXPECT_EQ(w.refused(move_consumer{id, "one-more", 1, 2}), errc::conflict);
  w.must(move_consumer{id, "c1", 2, 3});
  EXPECT_EQ(w.refused(move_consumer{id, "a b", 1, 2}), errc::invalid);
  EXPECT_EQ(w.refused(move_consumer{id, std::string(257, 'a'), 1, 2}), errc::invalid);
}

TEST(poller, has_the_rules_of_a_destination_for_what_it_wants) {
  polled w;
  auto bad = named("u");
  bad.filter_types = {"order.*", "a b"};
  EXPECT_EQ(w.where_refused(create_poller{bad}), "/filterTypes/1");
  bad = named("poll_x");
  EXPECT_EQ(w.where_refused(create_poller{bad}), "/uid");
  bad = {};
  bad.channels.assign(11, "c");
  EXPECT_EQ(w.where_refused(create_poller{bad}), "/channels");
  bad = {};
  bad.description = "\xff";
  EXPECT_EQ(w.where_refused(create_poller{bad}), "/description");
  bad = {};
  bad.metadata = {{"a", std::string(5000, 'x')}};
  EXPECT_EQ(w.where_refused(create_poller{bad}), "/metadata");
  EXPECT_TRUE(w.log.empty());
  w.add_poller(named("u"));
  EXPECT_EQ(w.refused(create_poller{named("u")}), errc::conflict);
  for (std::size_t i = 1; i < limits::pollers_per_sandbox; ++i)
    w.add_poller();
  EXPECT_EQ(w.refused(create_poller{}), errc::conflict);
}

TEST(poller, patch_changes_only_what_is_given_and_keeps_its_consumers) {
  polled w;
  auto p = named("u");
  p.filter_types = {"b", "a"};
  auto id = w.add_poller(p);
  w.must(w.acknowledge(id, 1, 5));
  patch_poller change{id};
  change.uid = "v";
  change.channels = {{"c"}};
  w.must(change);
  const auto* now = w.live.find_poller("v");
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(now->id, id);
  EXPECT_EQ(w.live.find_poller("u"), nullptr);
  EXPECT_EQ(now->filter_types, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(now->channels, std::vector<std::string>{"c"});
  EXPECT_EQ(w.cursor(id), 5U);
  EXPECT_EQ(now->start, 1U);
  EXPECT_EQ(w.refused(patch_poller{"nobody"}), errc::not_found);
}

TEST(poller, is_the_same_of_the_log_and_of_a_snapshot) {
  polled w;
  auto p = named("u");
  p.description = "what \"they\" want";
  p.metadata = {{"team", "a"}};
  p.filter = *content_filter::compile(nlohmann::json::parse(R"({"payload.a":{"$gt":1}})"));
  auto id = w.add_poller(p);
  auto other = w.add_poller(named("gone"));
  w.must(w.acknowledge(id, 1, 2));
  w.must(move_consumer{id, "you", 1, 2});
  w.must(move_consumer{other, "you", 2, 3});
  w.must(remove_consumer{id, "you"});
  w.must(remove_poller{"gone"});
  patch_poller change{id};
  change.description = "more";
  w.must(change);
  auto text = snapshot(w.live);
  EXPECT_EQ(snapshot(w.folded()), text);
  auto read = restore(text);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(snapshot(*read), text);
  EXPECT_EQ(*read->find_poller("u"), *w.live.find_poller(id));
  EXPECT_EQ(read->find_poller("gone"), nullptr);
  for (const auto& [header, payload] : w.log) {
    auto fact = decode(header.kind, payload);
    ASSERT_TRUE(fact) << payload;
    EXPECT_EQ(encode(*fact).payload, payload);
  }
}

TEST(poller, is_read_from_a_body_and_null_stands_for_none) {
  auto made = read_poller_in(R"({"uid":"u","eventTypes":["a"],"channels":null,"filter":{"payload.a":1}})");
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->value.filter_types, std::vector<std::string>{"a"});
  EXPECT_FALSE(made->value.filter.empty());
  auto change = read_poller_patch(R"({"filter":null,"filterTypes":null,"uid":null})");
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->filter && change->filter->empty());
  EXPECT_TRUE(change->filter_types && change->filter_types->empty());
  EXPECT_EQ(change->uid, "");
  EXPECT_FALSE(change->channels);
  EXPECT_EQ(read_poller_in(R"({"filter":{"a":1}})").error().where, "/filter/a");
  EXPECT_EQ(read_consumer_seek("{}").error().where, "/after");
  EXPECT_EQ(read_consumer_seek(R"({"after":"yesterday"})").error().where, "/after");
  EXPECT_EQ(read_consumer_seek(R"({"after":"2026-01-01T00:00:00Z","iterator":"x"})").error().where, "/iterator");
}

} // namespace
