#include "world.hpp"

#include "events/envelope.hpp"
#include "webhook/limits.hpp"

#include <algorithm>
#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;
using namespace std::chrono_literals;

/// Polling endpoints over the API: what they give, in what order, and from where.
class polling : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/app", {{"name", "App"}, {"uid", "app"}});
  }
  static std::string at(const std::string& rest) { return "/api/v1/app/app" + rest; }
  std::string add(json with = json::object()) { return asked(201, "POST", at("/polling-endpoint"), with).value("id", ""); }
  std::string emit(int n, std::string type = "order.paid", json more = json::object()) {
    more.update({{"eventType", type}, {"payload", {{"n", n}}}});
    return asked(202, "POST", at("/msg"), more).value("id", "");
  }
  void emit_many(int from, int to) {
    for (int n = from; n < to; ++n)
      emit(n);
  }
  json poll(const std::string& sink, const std::string& query = {}) { return asked(200, "GET", at("/poller/" + sink + query)); }
  json consume(const std::string& sink, const std::string& query = {}) { return poll(sink + "/consumer/me", query); }
  static std::string from(const json& page, const std::string& more = {}) { return "?iterator=" + page.value("iterator", "") + more; }
  static std::vector<int> numbers(const json& page) {
    std::vector<int> out;
    for (auto& m : page["data"])
      out.push_back(m["payload"].value("n", -1));
    return out;
  }
  static std::vector<int> counting(int begin, int end) {
    std::vector<int> out;
    for (; begin < end; ++begin)
      out.push_back(begin);
    return out;
  }
  json position(const std::string& sink) { return asked(200, "GET", at("/polling-endpoint/" + sink + "/consumer"))["data"]; }
  std::size_t moves(const std::string& sink) {
    return asked(200, "GET", "/sandboxes/app/history?type=consumer.moved&limit=250&entity=" + sink)["data"].size();
  }
};

TEST_F(polling, gives_what_was_emitted_since_it_was_created_in_order_page_by_page) {
  emit(-1);
  auto sink = add();
  auto id = emit(0, "order.paid", {{"eventId", "e0"}, {"tags", {"t"}}});
  emit_many(1, 5);
  auto first = poll(sink, "?limit=2");
  EXPECT_EQ(numbers(first), counting(0, 2));
  EXPECT_EQ(first["done"], false);
  EXPECT_EQ(first["data"][0]["id"], id);
  EXPECT_EQ(first["data"][0]["eventId"], "e0");
  EXPECT_EQ(first["data"][0]["tags"], json::array({"t"}));
  EXPECT_EQ(poll(sink, "?limit=2"), first) << "without an iterator it begins anew";
  auto second = poll(sink, from(first, "&limit=3"));
  EXPECT_EQ(numbers(second), counting(2, 5));
  EXPECT_EQ(second["done"], true);
  auto none = poll(sink, from(second));
  EXPECT_TRUE(none["data"].empty());
  emit(5);
  EXPECT_EQ(numbers(poll(sink, from(none))), counting(5, 6)) << "an iterator of an empty page leads on";
}

TEST_F(polling, filters_as_an_endpoint_does_and_further_as_the_caller_asks) {
  auto sink = add({{"filterTypes", {"order.*"}}, {"channels", {"a"}}, {"filter", {{"payload.n", {{"$gte", 2}}}}}});
  emit(2, "user.created", {{"channels", {"a"}}});
  emit(2, "order.paid", {{"channels", {"b"}}});
  emit(1, "order.paid", {{"channels", {"a"}}});
  emit(3, "order.paid", {{"channels", {"a", "c"}}});
  emit(4, "order.sent", {{"channels", {"a"}}});
  EXPECT_EQ(numbers(poll(sink)), (std::vector<int>{3, 4}));
  EXPECT_EQ(numbers(poll(sink, "?event_type=order.sent")), std::vector<int>{4});
  EXPECT_EQ(numbers(poll(sink, "?channel=c")), std::vector<int>{3});
  asked(200, "PATCH", at("/polling-endpoint/" + sink), {{"filter", nullptr}, {"channels", nullptr}});
  EXPECT_EQ(numbers(poll(sink)), (std::vector<int>{2, 1, 3, 4}));
}

TEST_F(polling, lies_beside_push_and_has_nothing_that_is_for_one_endpoint_alone) {
  auto sink = add();
  auto endpoint = asked(201, "POST", at("/endpoint"), {{"url", "http://127.0.0.1:9/"}, {"uid", "e"}})["id"];
  auto sent = asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", {{"n", 1}}}});
  EXPECT_EQ(sent["destinations"], json::array({endpoint}));
  ask("POST", at("/endpoint/e/send-example"), R"({"eventType":"svix.ping"})");
  EXPECT_EQ(numbers(poll(sink)), std::vector<int>{1});
}

TEST_F(polling, a_consumer_has_its_page_again_until_it_goes_on_with_the_iterator) {
  auto sink = add();
  emit_many(0, 6);
  auto first = consume(sink, "?limit=2");
  EXPECT_EQ(numbers(first), counting(0, 2));
  EXPECT_EQ(consume(sink, "?limit=2"), first);
  EXPECT_EQ(moves(sink), 0U);
  auto second = consume(sink, from(first, "&limit=2"));
  EXPECT_EQ(numbers(second), counting(2, 4));
  restart();
  EXPECT_EQ(consume(sink, "?limit=2"), second) << "acknowledged is durable, and given is not acknowledged";
  EXPECT_EQ(consume(sink, from(first, "&limit=2")), second) << "asked for again, because the answer was lost";
  EXPECT_EQ(moves(sink), 1U);
  auto third = consume(sink, from(second, "&limit=2"));
  auto error = asked(409, "GET", at("/poller/" + sink + "/consumer/me" + from(first)));
  EXPECT_NE(error.value("detail", "").find("stands elsewhere"), std::string::npos);
  EXPECT_EQ(numbers(third), counting(4, 6));
  auto rest = consume(sink, from(third));
  EXPECT_TRUE(rest["data"].empty());
  EXPECT_EQ(moves(sink), 3U);
  for (int i = 0; i < 3; ++i)
    rest = consume(sink, from(rest));
  EXPECT_EQ(moves(sink), 3U) << "looking in vain is not written down";
  emit(6);
  EXPECT_EQ(numbers(consume(sink, from(rest))), counting(6, 7));
}

TEST_F(polling, reads_thousands_exactly_once_through_restarts) {
  auto sink = add();
  constexpr int all = 2'000;
  std::vector<int> got;
  int emitted = 0;
  auto page = consume(sink);
  for (int round = 0; emitted < all || !page["done"].get<bool>() || !page["data"].empty(); ++round) {
    ASSERT_LT(round, 200);
    auto more = std::min(all, emitted + 333);
    emit_many(emitted, more);
    emitted = more;
    if (round % 7 == 3) {
      restart();
      page = consume(sink); // its iterator is lost with it
    }
    auto now = numbers(page);
    got.insert(got.end(), now.begin(), now.end());
    page = consume(sink, from(page, "&limit=250"));
  }
  EXPECT_EQ(got, counting(0, all));
}

TEST_F(polling, looks_past_what_it_does_not_want_without_writing_for_each) {
  auto sink = add({{"filterTypes", {"rare"}}});
  for (int i = 0; i < 1'100; ++i)
    emit(i);
  emit(1, "rare");
  auto page = consume(sink);
  EXPECT_EQ(numbers(page), std::vector<int>{1});
  page = consume(sink, from(page));
  EXPECT_EQ(moves(sink), 1U);
  for (int i = 0; i < 1'100; ++i)
    emit(i);
  page = consume(sink, from(page));
  EXPECT_TRUE(page["data"].empty());
  page = consume(sink, from(page));
  EXPECT_EQ(moves(sink), 2U) << "so much is not looked at again after a restart";
}

TEST_F(polling, is_sought_by_time_and_by_iterator) {
  emit(0);
  auto sink = add();
  asked(200, "POST", "/sandboxes/app/clock/freeze");
  asked(200, "POST", "/sandboxes/app/clock/set", {{"to", "2030-01-01T00:00:00Z"}});
  emit(1);
  asked(200, "POST", "/sandboxes/app/clock/set", {{"to", "2030-01-02T00:00:00Z"}});
  emit(2);
  auto seek = [&](const json& body) { return asked(200, "POST", at("/poller/" + sink + "/consumer/me/seek"), body); };
  EXPECT_EQ(numbers(poll(sink, "?after=2030-01-01T00:00:00Z")), std::vector<int>{2});
  EXPECT_EQ(numbers(poll(sink, "?after=2029-01-01T00:00:00Z")), (std::vector<int>{1, 2}));
  EXPECT_TRUE(numbers(poll(sink, "?after=2031-01-01T00:00:00Z")).empty());
  EXPECT_EQ(numbers(poll(sink, "?after=2000-01-01T00:00:00Z")), (std::vector<int>{0, 1, 2})) << "before it was created, since the log has it";
  auto before = consume(sink);
  EXPECT_EQ(numbers(before), (std::vector<int>{1, 2}));
  auto sought = seek({{"after", "2030-01-01T12:00:00Z"}});
  EXPECT_EQ(numbers(consume(sink)), std::vector<int>{2});
  EXPECT_EQ(numbers(consume(sink, from(sought))), std::vector<int>{2});
  asked(409, "GET", at("/poller/" + sink + "/consumer/me" + from(before)));
  seek({{"after", "2000-01-01T00:00:00Z"}});
  EXPECT_EQ(numbers(consume(sink)), (std::vector<int>{0, 1, 2}));
  seek({{"iterator", poll(sink, "?limit=1")["iterator"]}});
  EXPECT_EQ(numbers(consume(sink)), std::vector<int>{2}) << "of the same endpoint, read without a consumer";
  // The clock went back: the first time that it was so late counts.
  asked(200, "POST", "/sandboxes/app/clock/reset");
  emit(3);
  EXPECT_EQ(numbers(poll(sink, "?after=2030-01-01T18:00:00Z")), (std::vector<int>{2, 3}));
}

TEST_F(polling, refuses_iterators_that_it_did_not_give) {
  auto sink = add(), other = add();
  emit_many(0, 3);
  auto plain = poll(sink, "?limit=1").value("iterator", ""), mine = consume(sink, "?limit=1").value("iterator", "");
  auto wrong = [&](const std::string& path, const std::string& iterator) {
    auto error = asked(422, "GET", at("/poller/" + path + "?iterator=" + iterator));
    EXPECT_EQ(error["detail"][0]["loc"], json::array({"query", "iterator"})) << error;
  };
  wrong(other, plain);
  wrong(sink + "/consumer/me", plain);
  wrong(sink, mine);
  wrong(sink + "/consumer/you", mine);
  wrong(sink, "7");
  wrong(sink, "a%20b");
  wrong(sink, plain + "x");
  wrong(sink, std::string(900, 'A'));
  asked(201, "POST", "/api/v1/app", {{"name", "B"}, {"uid", "b"}});
  auto theirs = asked(201, "POST", "/api/v1/app/b/polling-endpoint", json::object()).value("id", "");
  EXPECT_EQ(ask("GET", "/api/v1/app/b/poller/" + theirs + "?iterator=" + plain).status(), 422U);
  EXPECT_EQ(ask("GET", at("/poller/" + theirs)).status(), 404U);
  asked(422, "POST", at("/poller/" + sink + "/consumer/me/seek"), {{"iterator", "abc"}});
  asked(422, "POST", at("/poller/" + sink + "/consumer/a%20b/seek"), {{"after", "2000-01-01T00:00:00Z"}});
  asked(422, "GET", at("/poller/" + sink + "/consumer/a%20b"));
  asked(422, "GET", at("/poller/" + sink + "/consumer/me?event_type=a"));
  asked(422, "GET", at("/poller/" + sink + "?limit=0"));
  asked(422, "GET", at("/poller/" + sink + "?wait=31"));
  asked(404, "GET", at("/poller/nobody"));
  EXPECT_EQ(moves(sink), 0U);
}

TEST_F(polling, ends_a_page_of_large_messages_early) {
  auto sink = add();
  auto large = std::string(900'000, 'x');
  for (int i = 0; i < 7; ++i)
    asked(202, "POST", at("/msg"), {{"eventType", "a"}, {"payload", {{"n", i}, {"x", large}}}});
  auto first = poll(sink);
  EXPECT_EQ(numbers(first), counting(0, 5)) << "4 MiB are reached with the fifth";
  EXPECT_EQ(first["done"], false);
  EXPECT_EQ(numbers(poll(sink, from(first))), counting(5, 7));
}

TEST_F(polling, waits_for_the_next_message_when_asked_to) {
  auto sink = add();
  auto ask_and_wait = [&](const std::string& query) {
    return begin(make("GET", at("/poller/" + sink + query), {}, {bearer(admin_key)}));
  };
  auto waiting = ask_and_wait("?wait=30");
  EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout);
  emit(7);
  ASSERT_EQ(waiting.wait_for(5s), std::future_status::ready);
  auto page = waiting.get().body();
  EXPECT_EQ(numbers(page), std::vector<int>{7});
  auto began = std::chrono::steady_clock::now();
  auto none = poll(sink, from(page, "&wait=1"));
  EXPECT_TRUE(none["data"].empty());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
  std::vector<std::future<answer>> many;
  for (std::size_t i = 0; i < limits::polls_that_wait_per_sandbox + 5; ++i)
    many.push_back(ask_and_wait(from(page, "&wait=30")));
  auto answered = [&] {
    return static_cast<std::size_t>(std::count_if(many.begin(), many.end(), [](auto& f) { return f.wait_for(0s) == std::future_status::ready; }));
  };
  for (int i = 0; i < 200 && answered() < 5; ++i)
    std::this_thread::sleep_for(20ms);
  EXPECT_EQ(answered(), 5U) << "for whom there is no room is answered at once";
  service_->drain();
  for (int i = 0; i < 200 && answered() < many.size(); ++i)
    std::this_thread::sleep_for(20ms);
  EXPECT_EQ(answered(), many.size()) << "nobody keeps a server from ending";
}

TEST_F(polling, endpoints_and_consumers_are_listed_changed_and_removed) {
  auto sink = add({{"uid", "mine"}, {"description", "d"}, {"metadata", {{"k", "v"}}}});
  auto shown = asked(200, "GET", at("/polling-endpoint/mine"));
  EXPECT_EQ(shown["id"], sink);
  EXPECT_EQ(shown["metadata"], (json{{"k", "v"}}));
  EXPECT_EQ(asked(200, "GET", at("/polling-endpoint"))["data"], json::array({shown}));
  EXPECT_TRUE(asked(200, "GET", at("/endpoint"))["data"].empty());
  asked(409, "POST", at("/polling-endpoint"), {{"uid", "mine"}});
  asked(422, "POST", at("/polling-endpoint"), {{"filterTypes", {"a b"}}});
  emit(1);
  consume("mine", from(consume("mine")));
  EXPECT_EQ(position(sink)[0]["id"], "me");
  EXPECT_EQ(position(sink)[0]["position"], 3);
  restart();
  EXPECT_EQ(asked(200, "GET", at("/polling-endpoint/mine")), shown);
  auto state = asked(200, "GET", "/sandboxes/app/state?at_seq=3")["outbox"]["pollingEndpoints"];
  ASSERT_EQ(state.size(), 1U);
  EXPECT_TRUE(state[0]["consumers"].empty()) << "as it was then";
  asked(204, "DELETE", at("/polling-endpoint/mine/consumer/me"));
  asked(404, "DELETE", at("/polling-endpoint/mine/consumer/me"));
  EXPECT_EQ(numbers(consume("mine")), std::vector<int>{1});
  asked(204, "DELETE", at("/polling-endpoint/mine"));
  asked(404, "GET", at("/poller/mine"));
}

} // namespace
