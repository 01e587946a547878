#include "world.hpp"

#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::testing;

class edges : public world {
protected:
  std::string box(const json& settings = json::object()) { return "/sandboxes/" + sandbox(settings)["id"].get<std::string>(); }
};

TEST_F(edges, an_application_that_somebody_else_is_making_is_waited_for) {
  node_->taken = 3;
  EXPECT_EQ(ask("POST", "/api/v1/app?get_if_exists=true", R"({"name":"x","uid":"shared"})").status(), 201U);
  EXPECT_EQ(node_->taken, 0);
  EXPECT_EQ(ask("POST", "/api/v1/app?get_if_exists=true", R"({"name":"x","uid":"shared"})").status(), 200U);
  EXPECT_EQ(ask("POST", "/api/v1/app", R"({"name":"x","uid":"shared"})").status(), 409U);
}

TEST_F(edges, an_application_waited_for_with_a_key_is_made_once) {
  node_->taken = 2;
  const http::fields key = {{"Idempotency-Key", "k"}};
  auto first = ask("POST", "/api/v1/app?get_if_exists=true", R"({"name":"x","uid":"kept"})", key);
  EXPECT_EQ(first.status(), 201U);
  auto again = ask("POST", "/api/v1/app?get_if_exists=true", R"({"name":"x","uid":"kept"})", key);
  EXPECT_EQ(again.status(), 201U) << "the answer of the first time, not that of an application that is there";
  EXPECT_EQ(again.body(), first.body());
}

TEST_F(edges, applications_asked_for_at_once_are_one) {
  std::vector<std::thread> askers;
  std::array<std::pair<unsigned, std::string>, 8> got;
  for (auto& g : got)
    askers.emplace_back([this, &g] {
      auto a = ask("POST", "/api/v1/app?get_if_exists=true", R"({"name":"x","uid":"together"})");
      g = {a.status(), a.body().value("id", "")};
    });
  for (auto& t : askers)
    t.join();
  for (auto& [status, id] : got) {
    EXPECT_TRUE(status == 200 || status == 201) << status;
    EXPECT_EQ(id, got[0].second);
  }
}

TEST_F(edges, an_error_names_the_parameter_that_was_given) {
  auto s = box();
  EXPECT_EQ(asked(404, "GET", s + "/state?at_seq=999999")["pointer"], "at_seq");
  EXPECT_EQ(asked(422, "GET", "/api/v1/app?iterator=ep_1")["detail"][0]["loc"], json::array({"query", "iterator"}));
  auto app = "/api/v1/app/" + s.substr(11);
  auto ep = asked(201, "POST", app + "/endpoint", {{"url", "http://127.0.0.1:9/"}})["id"].get<std::string>();
  EXPECT_EQ(asked(422, "POST", app + "/endpoint/" + ep + "/recover", {{"since", "2999-01-01T00:00:00Z"}})["detail"][0]["loc"],
            json::array({"body", "since"}));
}

TEST_F(edges, the_cursor_of_another_list_is_refused) {
  auto s = box();
  auto app = "/api/v1/app/" + s.substr(11);
  for (auto* space : {"a", "b"})
    for (auto* key : {"1", "2"})
      asked(204, "PUT", s + "/data/" + space + "/" + key, 1);
  auto cursor = asked(200, "GET", s + "/data/a?limit=1")["next_cursor"].get<std::string>();
  EXPECT_EQ(asked(200, "GET", s + "/data/a?limit=1&cursor=" + cursor)["data"][0]["key"], "2");
  asked(400, "GET", s + "/data/b?cursor=" + cursor);
  asked(400, "GET", s + "/endpoints?cursor=" + cursor);
  for (auto* name : {"one", "two"})
    asked(201, "POST", "/api/v1/event-type", {{"name", name}, {"description", ""}});
  auto iterator = asked(200, "GET", "/api/v1/event-type?limit=1")["iterator"].get<std::string>();
  EXPECT_EQ(asked(200, "GET", "/api/v1/event-type?limit=1&iterator=" + iterator)["data"][0]["name"], "two");
  asked(422, "GET", app + "/endpoint?iterator=" + iterator);
  asked(422, "GET", "/api/v1/event-type?iterator=ep_2abc");
}

TEST_F(edges, a_uid_that_no_path_could_name_or_that_looks_like_an_id_is_refused) {
  auto id = sandbox()["id"].get<std::string>();
  for (const auto& uid : {std::string{"."}, std::string{".."}, id})
    EXPECT_EQ(asked(422, "POST", "/sandboxes", {{"uid", uid}})["pointer"], "/uid") << uid;
  sandbox({{"uid", "..."}});
}

TEST_F(edges, problem_types_are_written_one_way) {
  EXPECT_EQ(asked(404, "GET", "/sandboxes/none")["type"], "/problems/not-found");
  EXPECT_EQ(asked(405, "PUT", "/sandboxes")["type"], "/problems/method-not-allowed");
  EXPECT_EQ(asked(404, "GET", "/api/v1/app/none")["code"], "not_found");
  EXPECT_EQ(asked(405, "DELETE", "/api/v1/app")["code"], "method_not_allowed");
}

TEST_F(edges, an_advance_says_what_it_takes) {
  auto s = box();
  EXPECT_NE(asked(422, "POST", s + "/clock/advance", {{"by", -5}})["detail"].get<std::string>().find("316224000"), std::string::npos);
  EXPECT_NE(asked(422, "POST", s + "/clock/advance", {{"to", "2999-01-01T00:00:00Z"}})["detail"].get<std::string>().find("3660 days"), std::string::npos);
  auto a = ask("POST", s + "/clock/advance", R"({"by":"0"})");
  EXPECT_TRUE(a.status() == 200 || a.status() == 202) << a.response.body;
}

TEST_F(edges, a_bulk_replay_keeps_its_name) {
  auto app = "/api/v1/app/" + box().substr(11);
  auto ep = asked(201, "POST", app + "/endpoint", {{"url", "http://127.0.0.1:9/"}})["id"].get<std::string>();
  auto started = asked(202, "POST", app + "/endpoint/" + ep + "/bulk-replay", {{"since", "2020-01-01T00:00:00Z"}});
  EXPECT_EQ(started["task"], "endpoint.bulk-replay");
  EXPECT_EQ(asked(200, "GET", app + "/endpoint/" + ep + "/recovery")["data"][0]["task"], "endpoint.bulk-replay");
}

TEST_F(edges, a_live_tail_ends_with_its_sandbox) {
  auto s = box();
  auto all = ask("GET", s + "/tail");
  auto some = ask("GET", s + "/tail?type=data.put");
  ASSERT_TRUE(all.stream && some.stream);
  asked(204, "DELETE", s);
  EXPECT_TRUE(all.stream->wait_closed());
  EXPECT_TRUE(some.stream->wait_closed());
}

TEST_F(edges, history_does_not_show_the_token_in_a_url) {
  auto s = box();
  auto app = "/api/v1/app/" + s.substr(11);
  asked(201, "POST", app + "/endpoint", {{"url", "http://127.0.0.1:9/hook?a=b&token=sesame&c"}, {"disabled", true}});
  for (auto* where : {"/history?type=destination.created", "/state"}) {
    auto text = asked(200, "GET", s + where).dump();
    EXPECT_EQ(text.find("sesame"), std::string::npos) << text;
    EXPECT_NE(text.find("http://127.0.0.1:9/hook?a=b&token=[hidden]&c"), std::string::npos) << text;
  }
}

class with_notes : public edges {
protected:
  void adjust(api::service_options& o) override {
    o.also = [] { return std::vector<std::pair<std::string, std::string>>{{"kafka", "retrying"}, {"kafka_trouble", "connection refused"}}; };
  }
};

TEST_F(with_notes, readyz_tells_of_kafka_and_stays_ready) {
  auto ready = asked(200, "GET", "/readyz");
  EXPECT_EQ(ready["status"], "ready");
  EXPECT_EQ(ready["kafka"], "retrying");
  EXPECT_EQ(ready["kafka_trouble"], "connection refused");
}

TEST_F(edges, reading_for_a_sandbox_takes_that_sandboxs_turn) {
  for (const auto* path : {"/history", "/history/1", "/state", "/requests"}) {
    const auto other = box();
    const auto its = events::sandbox_id::parse(other.substr(std::string{"/sandboxes/"}.size())).value();
    asked(200, "GET", other + path);
    EXPECT_TRUE(node_->has_posted_for(its)) << path << ": or one sandbox could keep every reader thread";
  }
}

} // namespace
