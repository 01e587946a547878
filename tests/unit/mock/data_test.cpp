#include "support.hpp"

#include "events/limits.hpp"

namespace {
using namespace hourglass::mock;
using hourglass::events::errc;
namespace events = hourglass::events;
namespace limits = hourglass::limits;

errc code_of(data_state& s, const data_command& c) {
  auto r = run(s, c);
  return r ? errc::internal : r.error().code;
}

TEST(stored_data, items_come_and_go) {
  data_state s;
  ASSERT_TRUE(run(s, data_command{put_item{"pets", "1", R"( { "a" : [1, 2.50] } )"}}));
  ASSERT_NE(s.find("pets", "1"), nullptr);
  EXPECT_EQ(*s.find("pets", "1"), R"({"a":[1,2.50]})");
  ASSERT_TRUE(run(s, data_command{remove_item{"pets", "1"}}));
  EXPECT_EQ(s, data_state{}) << "nothing is left behind, not even a count";
}

TEST(stored_data, bad_input_is_refused_and_changes_nothing) {
  data_state s;
  EXPECT_EQ(code_of(s, put_item{"", "k", "1"}), errc::invalid);
  EXPECT_EQ(code_of(s, put_item{"a/b", "k", "1"}), errc::invalid);
  EXPECT_EQ(code_of(s, put_item{"a", std::string(129, 'k'), "1"}), errc::invalid);
  EXPECT_EQ(code_of(s, put_item{"a", std::string{"k\0", 2}, "1"}), errc::invalid);
  EXPECT_EQ(code_of(s, put_item{"a", "k", ""}), errc::invalid);
  EXPECT_EQ(code_of(s, put_item{"a", "k", "{"}), errc::invalid);
  EXPECT_EQ(code_of(s, put_item{"a", "k", "\"\xff\""}), errc::invalid);
  EXPECT_EQ(code_of(s, put_item{"a", "k", '"' + std::string(limits::data_value_bytes, 'x') + '"'}), errc::too_large);
  EXPECT_EQ(code_of(s, put_env{"k", "\xff"}), errc::invalid);
  EXPECT_EQ(code_of(s, remove_item{"a", "k"}), errc::not_found);
  EXPECT_EQ(code_of(s, clear_namespace{"a"}), errc::not_found);
  EXPECT_EQ(code_of(s, remove_env{"k"}), errc::not_found);
  EXPECT_EQ(s, data_state{});
}

TEST(stored_data, the_limits_of_a_sandbox_hold) {
  data_state s;
  auto big = '"' + std::string(limits::data_value_bytes - 2, 'x') + '"';
  for (std::size_t i = 100; s.bytes + big.size() + 3 <= limits::data_bytes_per_sandbox; ++i) {
    s.namespaces["a"][std::to_string(i)] = big; // as putting them one by one would, only faster
    s.bytes += big.size() + 3;
  }
  EXPECT_EQ(code_of(s, put_item{"a", "999", big}), errc::too_large);
  EXPECT_TRUE(run(s, data_command{put_item{"a", "100", big.substr(0, 9) + '"'}})) << "replacing by less is always possible";
  data_state e;
  for (std::size_t n = 0; n < limits::env_entries; ++n)
    ASSERT_TRUE(run(e, data_command{put_env{"E" + std::to_string(n), "v"}}));
  EXPECT_EQ(code_of(e, put_env{"ONE_MORE", "v"}), errc::too_large);
  EXPECT_TRUE(run(e, data_command{put_env{"E0", "w"}}));
}

TEST(stored_data, putting_what_is_there_writes_nothing) {
  data_state s;
  ASSERT_TRUE(run(s, data_command{put_item{"a", "k", "1"}}));
  EXPECT_TRUE(decide(s, data_command{put_item{"a", "k", " 1"}}, at_moment())->events.empty());
}

TEST(stored_data, lists_page_in_order_of_key) {
  data_state s;
  for (auto k : {"b", "a", "c"})
    ASSERT_TRUE(run(s, data_command{put_item{"n", k, "1"}}));
  auto page = s.list("n", "a", 5);
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(*page[0].first, "b");
  EXPECT_TRUE(s.list("none", "", 5).empty());
}

TEST(stored_data, a_snapshot_and_the_events_after_it_give_what_all_events_give) {
  data_state all;
  std::vector<events::draft> log;
  const data_command steps[] = {put_item{"a", "1", R"({"x":[null,true,"ü"]})"}, put_env{"E", "1"},      put_item{"a", "2", "2"}, remove_item{"a", "1"},
                                put_item{"b", "1", "\"t\""},                     clear_namespace{"a"}, remove_env{"E"},         put_env{"F", ""}};
  for (const auto& c : steps) {
    auto d = decide(all, c, at_moment());
    ASSERT_TRUE(d);
    for (const auto& e : d->events) {
      ASSERT_TRUE(apply(all, e.kind, e.payload));
      log.push_back(e);
    }
  }
  for (std::size_t cut = 0; cut <= log.size(); ++cut) {
    data_state head;
    for (std::size_t i = 0; i < cut; ++i)
      ASSERT_TRUE(apply(head, log[i].kind, log[i].payload));
    auto back = restore<data_state>(snapshot(head));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, head);
    for (std::size_t i = cut; i < log.size(); ++i)
      ASSERT_TRUE(apply(*back, log[i].kind, log[i].payload));
    EXPECT_EQ(*back, all);
  }
  EXPECT_EQ(to_json(all), R"({"data":{"b":{"1":"t"}},"env":{"F":""}})");
  EXPECT_EQ(restore<data_state>("{}").error().code, errc::corrupt);
  EXPECT_EQ(restore<data_state>(R"({"format":4})").error().code, errc::newer_format);
}

} // namespace
