#include "world.hpp"

#include "actors/once.hpp"

#include <algorithm>
#include <array>
#include <barrier>
#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

http::field key(std::string text) { return {"Idempotency-Key", std::move(text)}; }

/// Calls that come again with the same Idempotency-Key.
class idempotency : public world {
protected:
  void SetUp() override {
    world::SetUp();
    id_ = sandbox({{"uid", "app"}, {"name", "App"}})["id"];
  }
  /// Without what goes on by itself: attempts, and the progress of recoveries.
  std::size_t events_of(const std::string& sandbox) {
    auto found = asked(200, "GET", "/sandboxes/" + sandbox + "/history?limit=250")["data"];
    return static_cast<std::size_t>(std::count_if(found.begin(), found.end(), [](const json& e) {
      auto type = e.value("type", "");
      return type != "attempt.finished" && type != "recovery.progressed" && type != "recovery.finished";
    }));
  }
  /// Everything of the node that a change could show in.
  std::size_t events() {
    std::size_t out = 0;
    auto found = asked(200, "GET", "/sandboxes?limit=250")["data"];
    for (auto& one : found)
      out += events_of(one["id"]) + 1;
    return out;
  }
  /// Returns when the two reader threads have done all that was posted.
  void let_readers_finish() {
    auto all = std::make_shared<std::barrier<>>(3);
    for (int i = 0; i < 2; ++i)
      real_->post([all] { all->arrive_and_wait(); });
    all->arrive_and_wait();
  }
  static constexpr const char* message = R"({"eventType":"a.b","payload":{"n":1}})";
  std::string id_;
};

TEST_F(idempotency, a_message_that_is_sent_again_is_answered_alike_and_sent_once) {
  auto first = ask("POST", "/api/v1/app/app/msg", message, {key("k1")});
  EXPECT_EQ(first.status(), 202U) << first.response.body;
  EXPECT_EQ(first.header("Idempotent-Replayed"), "");
  auto again = ask("POST", "/api/v1/app/app/msg", message, {key("k1")});
  EXPECT_EQ(again.status(), 202U);
  EXPECT_EQ(again.response.body, first.response.body);
  EXPECT_EQ(again.header("Idempotent-Replayed"), "true");
  EXPECT_EQ(again.header("Content-Type"), "application/json");
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key("\"k1\"")}).response.body, first.response.body) << "quoted, as the draft has it";
  EXPECT_NE(ask("POST", "/api/v1/app/app/msg", message, {key("k2")}).response.body, first.response.body);
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/app/msg")["data"].size(), 2U);
}

TEST_F(idempotency, every_changing_call_changes_once) {
  auto endpoint = asked(201, "POST", "/api/v1/app/app/endpoint", {{"url", "http://127.0.0.1:9/"}, {"uid", "e"}, {"disabled", true}})["id"].get<std::string>();
  const std::string sandbox = "/sandboxes/" + id_;
  const std::vector<std::array<std::string, 3>> calls{
      {"POST", "/sandboxes", R"({"name":"n"})"},
      {"POST", "/sandboxes", R"({"name":"n","uid":"with-document","openapi":{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{}}})"},
      {"PATCH", sandbox, R"({"name":"m"})"},
      {"PUT", sandbox + "/env/A", R"({"value":"1"})"},
      {"PUT", sandbox + "/data/pets/1", R"({"a":1})"},
      {"DELETE", sandbox + "/data/pets/1", ""},
      {"POST", sandbox + "/events/a.b", R"({"a":1})"},
      {"POST", "/api/v1/app", R"({"name":"x"})"},
      {"PUT", "/api/v1/app/new-one", R"({"name":"x"})"},
      {"PATCH", "/api/v1/app/app", R"({"name":"y"})"},
      {"POST", "/api/v1/app/app/endpoint", R"({"url":"http://127.0.0.1:9/"})"},
      {"PUT", "/api/v1/app/app/endpoint/f", R"({"url":"http://127.0.0.1:9/"})"},
      {"PATCH", "/api/v1/app/app/endpoint/e", R"({"description":"d"})"},
      {"PUT", "/api/v1/app/app/endpoint/e/headers", R"({"headers":{"a":"b"}})"},
      {"POST", "/api/v1/app/app/endpoint/e/secret/rotate", ""},
      {"POST", "/api/v1/app/app/msg", message},
      {"POST", "/api/v1/app/brought-along/msg", R"({"eventType":"a","payload":{},"application":{"name":"b"}})"},
      {"POST", "/api/v1/app/app/endpoint/f/send-example", R"({"eventType":"svix.ping"})"},
      {"POST", "/api/v1/app/app/endpoint/f/recover", R"({"since":"2000-01-01T00:00:00Z"})"},
      {"POST", "/api/v1/event-type", R"({"name":"a.b","description":"d"})"},
      {"PUT", "/api/v1/event-type/c.d", R"({"description":"d"})"},
      {"DELETE", "/api/v1/event-type/c.d", ""},
      {"DELETE", "/api/v1/app/app/endpoint/e", ""},
      {"DELETE", "/api/v1/app/new-one", ""},
  };
  for (auto& [method, path, body] : calls) {
    auto first = ask(method, path, body, {key("same for all: the path tells them apart " + body.substr(0, 30))});
    EXPECT_EQ(first.status() / 100, 2U) << method << " " << path << ": " << first.response.body;
    auto before = events();
    auto again = ask(method, path, body, {key("same for all: the path tells them apart " + body.substr(0, 30))});
    EXPECT_EQ(again.status(), first.status()) << method << " " << path << ": " << again.response.body;
    EXPECT_EQ(again.response.body, first.response.body) << path;
    EXPECT_EQ(again.header("Location"), first.header("Location")) << path;
    const bool kept = !path.ends_with("/secret/rotate"); // that answer is not written down, but made anew
    EXPECT_EQ(again.header("Idempotent-Replayed"), kept ? "true" : "") << method << " " << path;
    EXPECT_EQ(events(), before) << method << " " << path;
  }
}

TEST_F(idempotency, another_request_with_the_same_key_is_refused_and_changes_nothing) {
  ask("POST", "/api/v1/app/app/msg", message, {key("k")});
  auto before = events();
  auto other_body = ask("POST", "/api/v1/app/app/msg", R"({"eventType":"a.b","payload":{"n":2}})", {key("k")});
  EXPECT_EQ(other_body.status(), 422U);
  auto fault = other_body.body()["detail"].at(0); // Svix's clients read the detail of a 422 as a list
  EXPECT_NE(fault["msg"].get<std::string>().find("Idempotency-Key"), std::string::npos);
  EXPECT_EQ(fault["type"], "idempotency_key_reused");
  EXPECT_EQ(fault["loc"], json::array({"request"}));
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg?with_content=false", message, {key("k")}).status(), 422U);
  ask("PUT", "/sandboxes/app/data/a/1", "1", {key("k")});
  auto ours = ask("PUT", "/sandboxes/app/data/a/1", "2", {key("k")});
  EXPECT_EQ(ours.status(), 422U);
  EXPECT_EQ(ours.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(ask("DELETE", "/sandboxes/app/data/a/1", "", {key("k")}).status(), 422U) << "another method at the same path";
  EXPECT_EQ(asked(200, "GET", "/sandboxes/app/data/a/1"), 1);
  EXPECT_EQ(events(), before + 1);
}

TEST_F(idempotency, a_key_belongs_to_whoever_sent_it) {
  auto secret = sandbox({{"uid", "other"}})["client_secret"].get<std::string>();
  auto path = std::string{"/api/v1/app/other/msg"};
  auto as_admin = ask("POST", path, message, {key("k")});
  auto as_itself = send(make("POST", path, message, {bearer(secret), {"Content-Type", "application/json"}, key("k")}));
  EXPECT_EQ(as_itself.status(), 202U);
  EXPECT_NE(as_itself.response.body, as_admin.response.body);
}

TEST_F(idempotency, a_key_that_is_none_is_refused) {
  for (auto& bad : {std::string(256, 'a'), std::string{"\"\""}, std::string{"a\x01"}, std::string{"\xc3\xa9"}})
    EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key(bad)}).status(), 422U) << bad;
  EXPECT_EQ(ask("PUT", "/sandboxes/app/data/a/1", "1", {key(std::string(256, 'a'))}).status(), 400U);
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key(std::string(255, 'a'))}).status(), 202U);
  EXPECT_EQ(ask("GET", "/api/v1/app/app/msg", "", {key(std::string(256, 'a'))}).status(), 200U) << "nobody looks at it there";
}

TEST_F(idempotency, what_was_refused_may_be_asked_again) {
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", R"({"eventType":"a b","payload":{}})", {key("k")}).status(), 422U);
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key("k")}).status(), 202U) << "only what was carried out holds a key";
  const char* bad = R"({"uid":"doc","openapi":{"openapi":"9"}})";
  auto refused = ask("POST", "/sandboxes", bad, {key("k")});
  EXPECT_EQ(refused.status(), 422U) << refused.response.body;
  auto again = ask("POST", "/sandboxes", bad, {key("k")});
  EXPECT_EQ(again.status(), 422U) << again.response.body;
  EXPECT_EQ(again.body().value("where", ""), refused.body().value("where", ""));
  EXPECT_EQ(ask("POST", "/sandboxes", R"({"uid":"doc"})", {key("k")}).status(), 201U);
}

TEST_F(idempotency, survives_a_restart) {
  auto first = ask("POST", "/api/v1/app/app/msg", message, {key("k")});
  auto created = ask("POST", "/sandboxes", R"({"name":"x"})", {key("k")});
  restart();
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key("k")}).response.body, first.response.body);
  EXPECT_EQ(ask("POST", "/sandboxes", R"({"name":"x"})", {key("k")}).response.body, created.response.body) << "its secret too";
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/app/msg")["data"].size(), 1U);
}

/// The process dies when the change is durable and its answer is not: what is left is what stands in the log's own write.
TEST_F(idempotency, a_change_whose_answer_was_lost_is_not_made_again) {
  const std::vector<std::array<std::string, 3>> calls{
      {"POST", "/api/v1/app/app/msg", message},
      {"POST", "/sandboxes", R"({"name":"x"})"},
      {"POST", "/api/v1/app/app/endpoint", R"({"url":"http://127.0.0.1:9/"})"},
      {"PATCH", "/sandboxes/app", R"({"name":"new"})"},
      {"PUT", "/sandboxes/app/data/a/1", "7"},
      {"POST", "/sandboxes/app/clock/freeze", ""},
  };
  node_->lose_posts = true;
  for (auto& [method, path, body] : calls)
    EXPECT_EQ(ask(method, path, body, {key("k")}).status(), 503U) << path << ": nobody knows what became of it";
  restart();
  auto before = events();
  for (auto& [method, path, body] : calls) {
    auto again = ask(method, path, body, {key("k")});
    EXPECT_EQ(again.status() / 100, 2U) << method << " " << path << ": " << again.response.body;
    auto third = ask(method, path, body, {key("k")});
    EXPECT_EQ(third.response.body, again.response.body) << path;
    EXPECT_EQ(third.header("Idempotent-Replayed"), "true") << path;
  }
  EXPECT_EQ(events(), before) << "all six were made the first time";
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/app/msg")["data"].size(), 1U);
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/app/endpoint")["data"].size(), 1U);
}

/// Lets the test stand between a change and its receipt.
class holding_node : public faulty_node {
public:
  using faulty_node::faulty_node;
  void submit(const events::sandbox_id& id, actors::command c, actors::caller who, actors::on_receipt done) override {
    faulty_node::submit(id, std::move(c), std::move(who), [this, done = std::move(done)](events::outcome<actors::receipt> r) {
      came.set_value();
      go.get_future().wait();
      done(std::move(r));
    });
  }
  std::promise<void> came, go;
};

TEST_F(idempotency, one_that_comes_while_the_first_is_under_way_is_told_so) {
  holding_node holding{*real_};
  api::service_options given;
  given.admin_key = admin_key;
  api::service between{holding, std::move(given)};
  auto other = std::exchange(handler_, between.handler());
  auto ask_first = std::async(std::launch::async, [this] { return ask("POST", "/api/v1/app/app/msg", message, {key("k")}); });
  holding.came.get_future().wait();
  auto second = ask("POST", "/api/v1/app/app/msg", message, {key("k")});
  EXPECT_EQ(second.status(), 409U) << second.response.body;
  holding.go.set_value();
  auto first = ask_first.get();
  EXPECT_EQ(first.status(), 202U);
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key("k")}).response.body, first.response.body);
  handler_ = other;
  EXPECT_EQ(asked(200, "GET", "/api/v1/app/app/msg")["data"].size(), 1U);
}

/// What a payload that is no JSON is sent as is a part of the message.
TEST_F(idempotency, the_same_bytes_as_another_type_are_another_request) {
  auto emit = [&](const char* type) {
    return send(make("POST", "/sandboxes/app/events/a.b", R"({"n":1})", {bearer(admin_key), key("k"), {"Content-Type", type}}));
  };
  const auto first = emit("text/plain");
  EXPECT_EQ(first.status(), 202U) << first.response.body;
  EXPECT_EQ(emit("text/html").status(), 422U);
  EXPECT_EQ(emit("application/json").status(), 422U);
  EXPECT_EQ(emit("text/plain").response.body, first.response.body);
}

/// The change is durable and its answer is not: the letter is gone by then, and the receipt says why.
TEST_F(idempotency, a_dead_letter_that_is_gone_because_of_this_very_request_is_no_reason_to_refuse_it) {
  const std::string ep = asked(201, "POST", "/api/v1/app/app/endpoint", {{"url", "http://127.0.0.1:9/"}, {"retrySchedule", json::array()}})["id"];
  const auto dead = "/api/v1/app/app/endpoint/" + ep + "/dead";
  auto letters = [&] { return asked(200, "GET", dead)["data"]; };
  auto lose_answer = [&] {
    auto& store = real_->store();
    auto rows = store.scan(actors::once_prefix, {}, 10);
    ASSERT_TRUE(rows && rows->size() == 1);
    auto row = *actors::read_once(rows->front().value);
    row.done.reply = std::exchange(row.body, {});
    row.headers.clear();
    row.status = 0;
    ASSERT_TRUE(store.put(actors::write_once(rows->front().key.substr(actors::once_prefix.size()), row)));
  };
  const std::string id = asked(202, "POST", "/api/v1/app/app/msg", json::parse(message))["id"];
  for (int i = 0; i < 4'000 && letters().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  const auto first = ask("POST", dead + "/" + id + "/edit", R"({"payload":{"n":2}})", {key("k")});
  EXPECT_EQ(first.status(), 202U) << first.response.body;
  lose_answer();
  const auto again = ask("POST", dead + "/" + id + "/edit", R"({"payload":{"n":2}})", {key("k")});
  EXPECT_EQ(again.status(), 202U) << again.response.body;
  EXPECT_EQ(again.response.body, first.response.body);
  EXPECT_EQ(ask("POST", dead + "/" + id + "/edit", R"({"payload":{"n":2}})", {key("k2")}).status(), 404U);
}

TEST_F(idempotency, after_twelve_hours_a_key_is_new_and_its_rows_go) {
  auto first = ask("POST", "/api/v1/app/app/msg", message, {key("k")});
  auto& store = real_->store();
  auto rows = store.scan(actors::once_prefix, {}, 10);
  ASSERT_TRUE(rows && rows->size() == 1);
  auto name = rows->front().key.substr(actors::once_prefix.size());
  auto row = *actors::read_once(rows->front().value);
  const storage::row old_age{actors::once_age_key(row.at, name), {}, true};
  ASSERT_TRUE(store.put({&old_age, 1}));
  row.at.us -= 12 * 3'600 * 1'000'000LL;
  ASSERT_TRUE(store.put(actors::write_once(name, row)));
  auto later = ask("POST", "/api/v1/app/app/msg", message, {key("k")});
  EXPECT_EQ(later.status(), 202U);
  EXPECT_NE(later.response.body, first.response.body);
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key("k")}).response.body, later.response.body);
  for (int i = 0; i < 256; ++i) // the next sweep
    ask("POST", "/api/v1/app/app/endpoint/none/recover", "{}", {key(std::to_string(i))});
  let_readers_finish();
  auto aged = store.scan(actors::once_age_prefix, {}, 1'000);
  ASSERT_TRUE(aged);
  for (auto& one : *aged)
    EXPECT_NE(one.key, actors::once_age_key(row.at, name)) << "the old one is forgotten";
  EXPECT_EQ(ask("POST", "/api/v1/app/app/msg", message, {key("k")}).response.body, later.response.body) << "and the new one is not";
}

TEST(once_row, reads_back_as_it_was_written_and_nothing_else_does) {
  actors::once_row row{{5}, "f", {3, 4, R"({"a":"\n"})"}, 202, {{"Content-Type", "application/json"}}, "{}\n{}"};
  auto rows = actors::write_once("n", row);
  auto back = actors::read_once(rows[0].value);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->at, row.at);
  EXPECT_EQ(back->done.reply, row.done.reply);
  EXPECT_EQ(back->done.last, 4U);
  EXPECT_EQ(back->body, row.body);
  EXPECT_EQ(back->headers, row.headers);
  EXPECT_EQ(actors::name_in_age_key(rows[1].key), "n");
  EXPECT_EQ(rows[0].value, R"({"at_us":5,"body_bytes":5,"fingerprint":"f","first":3,"headers":[["Content-Type","application/json"]],"last":4,"reply_bytes":10,"status":202})"
                           "\n{\"a\":\"\\n\"}{}\n{}") << "rows of older programs must still be read";
  for (auto& bad : {std::string{}, std::string{"{}\n"}, std::string{"x\n"}, rows[0].value + "x", rows[0].value.substr(0, rows[0].value.size() - 1)})
    EXPECT_EQ(actors::read_once(bad).error().code, events::errc::corrupt) << bad;
}

} // namespace
