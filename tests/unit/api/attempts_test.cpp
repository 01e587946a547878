#include "world.hpp"

#include "events/time.hpp"

#include <algorithm>
#include <array>
#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;
using names = std::vector<std::string>;

/// The lists of attempts, and of messages by what became of them, at endpoints that nobody listens at: what receivers answer is tested with sockets.
class attempt_lists : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  /// Tried once, unless told otherwise.
  std::string endpoint(const json& more = json::object()) {
    json all{{"url", "http://127.0.0.1:9/hook"}, {"retrySchedule", json::array()}};
    all.update(more);
    return asked(201, "POST", at("/endpoint"), all)["id"];
  }
  std::string emit(const json& more = json::object()) {
    json all{{"eventType", "a.b"}, {"payload", json::object()}};
    all.update(more);
    return asked(202, "POST", at("/msg"), all)["id"];
  }
  /// What the list has once there is so much.
  json wait_for(const std::string& list, std::size_t count) {
    json page;
    for (int i = 0; i < 6'000; ++i) {
      page = asked(200, "GET", list + "?limit=250");
      if (page["data"].size() >= count)
        break;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    EXPECT_EQ(page["data"].size(), count);
    return page["data"];
  }
  static names all_of(const json& data, const char* member = "id") {
    names out;
    for (auto& one : data)
      out.push_back(one[member]);
    return out;
  }
  static names sorted(names list) {
    std::sort(list.begin(), list.end());
    return list;
  }
  void advance(const char* by) {
    auto a = ask("POST", "/sandboxes/app/clock/advance", json{{"by", by}}.dump(), {{"Prefer", "wait=30"}});
    EXPECT_EQ(a.status(), 200U) << a.response.body;
  }
  /// The moment on the sandbox's clock, so much later.
  std::string in_seconds(std::int64_t seconds) {
    auto now = events::parse_rfc3339(asked(200, "GET", "/sandboxes/app/clock")["now"].get<std::string>());
    return events::to_rfc3339(now.value_or(0) + seconds * 1'000'000);
  }
  /// Goes through the five items two at a time, back, and forth again.
  void expect_pages_of(const std::string& list, const names& all) {
    auto from = [&](const json& page, const char* place) { return asked(200, "GET", list + "?limit=2&iterator=" + page[place].get<std::string>()); };
    auto first = asked(200, "GET", list + "?limit=2");
    EXPECT_EQ(all_of(first["data"]), (names{all[0], all[1]}));
    EXPECT_EQ(first["done"], false);
    auto second = from(first, "iterator");
    EXPECT_EQ(all_of(second["data"]), (names{all[2], all[3]}));
    auto third = from(second, "iterator");
    EXPECT_EQ(all_of(third["data"]), names{all[4]});
    EXPECT_EQ(third["done"], true);
    auto back = from(third, "prevIterator");
    EXPECT_EQ(all_of(back["data"]), (names{all[2], all[3]})) << "back, in the same order";
    EXPECT_EQ(back["done"], false);
    auto start = from(back, "prevIterator");
    EXPECT_EQ(all_of(start["data"]), (names{all[0], all[1]}));
    EXPECT_EQ(start["done"], true);
    EXPECT_EQ(all_of(from(back, "iterator")["data"]), names{all[4]}) << "and forth again";
  }
  /// When there are five.
  void expect_pages(const std::string& list) {
    auto data = wait_for(list, 5);
    auto all = all_of(data);
    ASSERT_EQ(all.size(), 5U);
    expect_pages_of(list, all);
    EXPECT_TRUE(std::is_sorted(data.rbegin(), data.rend(), [](const json& a, const json& b) { return a["seq"] < b["seq"]; })) << "newest first";
  }
};

TEST_F(attempt_lists, of_an_endpoint_page_back_and_forth) {
  auto e = endpoint();
  for (int i = 0; i < 5; ++i)
    emit();
  expect_pages(at("/attempt/endpoint/" + e));
}

TEST_F(attempt_lists, of_a_message_page_back_and_forth) {
  for (int i = 0; i < 5; ++i)
    endpoint();
  expect_pages(at("/attempt/msg/" + emit()));
}

TEST_F(attempt_lists, are_bounded_by_two_instants_at_once) {
  auto e = endpoint();
  for (std::size_t i = 0; i < 3; ++i) {
    emit();
    wait_for(at("/attempt/endpoint/" + e), i + 1);
    advance("PT1H");
  }
  for (const auto& list : {at("/attempt/endpoint/" + e), at("/msg"), at("/endpoint/" + e + "/msg")}) {
    auto data = wait_for(list, 3);
    ASSERT_EQ(data.size(), 3U) << list;
    auto id = all_of(data), time = all_of(data, "timestamp"); // newest first
    auto got = [&](const std::string& query) { return all_of(asked(200, "GET", list + query)["data"]); };
    EXPECT_EQ(got("?after=" + time[2] + "&before=" + time[0]), names{id[1]}) << list;
    EXPECT_EQ(got("?after=" + time[2]), (names{id[0], id[1]})) << list;
    EXPECT_EQ(got("?before=" + time[0]), (names{id[1], id[2]})) << list;
    EXPECT_EQ(got("?after=" + time[0] + "&before=" + time[2]), names{}) << list;
  }
}

TEST_F(attempt_lists, are_chosen_by_result_and_by_the_type_channel_and_tag_of_the_message) {
  auto e = endpoint();
  auto popped = emit({{"eventType", "balloon.popped"}, {"channels", {"news"}}, {"tags", {"red"}}});
  auto other = emit();
  auto list = at("/attempt/endpoint/" + e);
  wait_for(list, 2);
  auto got = [&](const std::string& query) { return sorted(all_of(asked(200, "GET", list + query)["data"], "msgId")); };
  const auto both = sorted({popped, other});
  EXPECT_EQ(got("?event_types=balloon.popped"), names{popped});
  EXPECT_EQ(got("?event_types=a.b"), names{other});
  EXPECT_EQ(got("?event_types=a.b,balloon.popped"), both);
  EXPECT_EQ(got("?channel=news"), names{popped});
  EXPECT_EQ(got("?channel=sports"), names{});
  EXPECT_EQ(got("?tag=red"), names{popped});
  EXPECT_EQ(got("?status=2"), both);
  EXPECT_EQ(got("?status=0"), names{});
  EXPECT_EQ(got("?status_code_class=0"), both) << "there was no answer";
  EXPECT_EQ(got("?status_code_class=500"), names{});
  EXPECT_EQ(all_of(asked(200, "GET", at("/attempt/msg/" + popped + "?channel=news"))["data"], "msgId"), names{popped});
  EXPECT_TRUE(asked(200, "GET", at("/attempt/msg/" + popped + "?channel=sports"))["data"].empty());
}

TEST_F(attempt_lists, take_types_as_clients_write_arrays) {
  auto e = endpoint();
  auto popped = emit({{"eventType", "balloon.popped"}});
  auto other = emit({{"eventType", "c"}});
  emit();
  auto list = at("/attempt/endpoint/" + e);
  wait_for(list, 3);
  const auto both = sorted({popped, other});
  for (auto query : {"?event_types=balloon.popped,c", "?event_types=balloon.popped&event_types=c", "?event_types[]=balloon.popped&event_types[]=c",
                     "?event_types[0]=balloon.popped&event_types[1]=c", "?event_types%5B%5D=balloon.popped&event_types%5B%5D=c"})
    EXPECT_EQ(sorted(all_of(asked(200, "GET", list + query)["data"], "msgId")), both) << query;
  EXPECT_EQ(asked(200, "GET", list + "?event_types[x]=c&event_types[=c&event_typesx]=c")["data"].size(), 3U) << "these are other names";
}

TEST_F(attempt_lists, of_the_destinations_of_a_message_page_back_and_forth_and_have_those_that_were_removed) {
  names ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(endpoint({{"description", "number " + std::to_string(i)}}));
  auto m = emit();
  wait_for(at("/attempt/msg/" + m), 5);
  EXPECT_EQ(ask("DELETE", at("/endpoint/" + ids[2])).status(), 204U);
  const auto all = sorted(ids);
  const auto list = at("/msg/" + m + "/endpoint");
  auto whole = asked(200, "GET", list)["data"];
  EXPECT_EQ(all_of(whole), all);
  for (const auto& d : whole) {
    EXPECT_EQ(d["status"], 2) << "its attempt failed";
    EXPECT_EQ(d["disabled"], d["id"] == ids[2]);
    EXPECT_EQ(d["disabledReason"], d["id"] == ids[2] ? json("removed") : json(nullptr));
  }
  for (const auto& d : whole) {
    const auto number = std::find(ids.begin(), ids.end(), d["id"].get<std::string>()) - ids.begin();
    EXPECT_EQ(d["description"], "number " + std::to_string(number)) << "as it was last";
  }
  expect_pages_of(list, all);
}

TEST_F(attempt_lists, of_messages_tell_which_failed_wait_and_were_never_tried) {
  auto e = endpoint({{"uid", "named"}});
  auto attempts = at("/attempt/endpoint/" + e);
  auto dead = emit({{"eventType", "balloon.popped"}, {"channels", {"news"}}});
  wait_for(attempts, 1);
  asked(200, "PATCH", at("/endpoint/" + e), {{"retrySchedule", {3600}}});
  auto waits = emit();
  wait_for(attempts, 2);
  auto later = emit({{"deliverAt", in_seconds(3600)}});
  for (const auto& list : {at("/endpoint/" + e + "/msg"), at("/endpoint/named/msg")}) {
    auto got = [&](const std::string& query) { return all_of(asked(200, "GET", list + query)["data"]); };
    EXPECT_EQ(got(""), (names{later, waits, dead}));
    EXPECT_EQ(got("?status=2"), names{dead});
    EXPECT_EQ(got("?status=1"), names{waits});
    EXPECT_EQ(got("?status=3"), names{later});
    EXPECT_EQ(got("?status=0"), names{});
    EXPECT_EQ(got("?channel=news"), names{dead});
    EXPECT_EQ(got("?event_types=a.b"), (names{later, waits}));
    EXPECT_EQ(got("?event_types=a.b,balloon.popped"), (names{later, waits, dead}));
  }
}

TEST_F(attempt_lists, of_twenty_producers_have_each_message_once_sent_now_or_later) {
  auto list = at("/attempt/endpoint/" + endpoint());
  auto later = in_seconds(3600);
  std::array<names, 20> made;
  std::vector<std::thread> producers;
  for (auto& mine : made)
    producers.emplace_back([&] {
      for (int n = 0; n < 10; ++n)
        mine.push_back(emit(n % 2 == 0 ? json::object() : json{{"deliverAt", later}}));
    });
  for (auto& p : producers)
    p.join();
  names all;
  for (auto& mine : made)
    all.insert(all.end(), mine.begin(), mine.end());
  wait_for(list, 100);
  advance("PT2H");
  EXPECT_EQ(sorted(all_of(wait_for(list, 200), "msgId")), sorted(all)) << "none twice, none left out";
}

} // namespace
