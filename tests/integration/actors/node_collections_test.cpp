// Collections of an imported document in a sandbox of a real node.
#include "node_fixture.hpp"

#include "replay/request.hpp"
#include "replay/state.hpp"
#include "tests/support/reference_data.hpp"

#include <set>
#include <tuple>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;
using nlohmann::json;

constexpr auto pets = R"({"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{
  "/pets":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}},"example":[{"id":1,"name":"Rex"}]}}}}},
           "post":{"responses":{"201":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}},
  "/pets/{id}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"},"example":{"id":1,"name":"Rex"}}}}}},
                "delete":{"responses":{"204":{"description":"gone"}}}}},
  "components":{"schemas":{"Pet":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"name":{"type":"string"}}}}}})";

struct node_collections : node_test {
  mock::response send(const events::sandbox_id& id, const std::string& method, const std::string& target, const std::string& body = {}) {
    mock::request r;
    r.method = method;
    r.target = target;
    r.body = body;
    if (!body.empty())
      r.headers.push_back({"Content-Type", "application/json"});
    promised<mock::response> p;
    node_->serve(id, std::move(r), {"mock", "test"}, p.callback());
    auto answer = p.get();
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer ? *answer : mock::response{};
  }
  events::sandbox_id with(const std::string& document) {
    auto id = create();
    auto r = submit(id, mock::endpoint_command{mock::import_openapi{document}});
    EXPECT_TRUE(r) << r.error().detail;
    return id;
  }
  std::vector<events::seq> served(const events::sandbox_id& id) {
    std::vector<events::seq> out;
    for (const auto& r : history(id))
      if (r.header.kind == kind::request_served)
        out.push_back(r.header.seq);
    return out;
  }
};

TEST_F(node_collections, what_is_created_is_there_after_a_restart_and_gone_after_its_deletion) {
  auto id = with(pets);
  EXPECT_EQ(json::parse(send(id, "GET", "/pets").body).size(), 1U);
  auto made = send(id, "POST", "/pets", R"({"name":"Ada"})");
  ASSERT_EQ(made.status, 201U);
  EXPECT_EQ(json::parse(made.body), json::parse(R"({"id":2,"name":"Ada"})"));
  reopen();
  EXPECT_EQ(send(id, "GET", "/pets/2").body, made.body);
  EXPECT_EQ(json::parse(send(id, "GET", "/pets").body).size(), 2U);
  EXPECT_EQ(send(id, "DELETE", "/pets/2").status, 204U);
  EXPECT_EQ(send(id, "GET", "/pets/2").status, 404U);
  reopen();
  EXPECT_EQ(send(id, "GET", "/pets/2").status, 404U);
  EXPECT_EQ(json::parse(send(id, "POST", "/pets", R"({"name":"Eve"})").body)["id"], 3);
}

TEST_F(node_collections, changes_are_events_of_the_data_right_behind_their_request) {
  auto id = with(pets);
  auto before = history(id).size();
  send(id, "POST", "/pets", R"({"name":"Ada"})");
  auto all = history(id);
  ASSERT_EQ(all.size(), before + 4) << "the request, the seed, the new pet and the mark";
  EXPECT_EQ(all[before].header.kind, kind::request_served);
  for (auto i = before + 1; i < all.size(); ++i)
    EXPECT_EQ(all[i].header.kind, kind::data_put);
  send(id, "GET", "/pets");
  send(id, "GET", "/pets/2");
  EXPECT_EQ(history(id).size(), before + 6) << "looking writes nothing but the request";
}

TEST_F(node_collections, the_past_is_seen_and_replayed_as_it_was) {
  auto id = with(pets);
  send(id, "POST", "/pets", R"({"name":"Ada"})");
  send(id, "GET", "/pets/2");
  send(id, "GET", "/pets");
  send(id, "DELETE", "/pets/2");
  send(id, "GET", "/pets/2");
  const auto requests = served(id);
  ASSERT_EQ(requests.size(), 5U);
  for (auto seq : requests) {
    auto again = replay::replay_request(node_->store(), node_->redactor(), id, seq);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_TRUE(again->identical) << replay::to_json(*again);
  }
  auto then = replay::load(node_->store(), id, requests[2]);
  auto now = replay::load(node_->store(), id);
  ASSERT_TRUE(then && now);
  EXPECT_NE(then->data.find("pets", "2"), nullptr);
  EXPECT_EQ(now->data.find("pets", "2"), nullptr);
}

TEST_F(node_collections, of_two_sandboxes_do_not_meet) {
  auto one = with(pets);
  auto two = with(pets);
  send(one, "POST", "/pets", R"({"name":"Ada"})");
  EXPECT_EQ(json::parse(send(one, "GET", "/pets").body).size(), 2U);
  EXPECT_EQ(json::parse(send(two, "GET", "/pets").body).size(), 1U);
}

TEST_F(node_collections, many_at_once_get_an_id_each) {
  auto id = with(pets);
  constexpr std::size_t n = 50;
  std::vector<promised<mock::response>> all(n);
  for (auto& p : all) {
    mock::request r;
    r.method = "POST";
    r.target = "/pets";
    r.body = R"({"name":"x"})";
    node_->serve(id, std::move(r), {"mock", "test"}, p.callback());
  }
  std::set<int> ids;
  for (auto& p : all) {
    auto answer = p.get();
    ASSERT_TRUE(answer);
    ids.insert(json::parse(answer->body)["id"].get<int>());
  }
  EXPECT_EQ(ids.size(), n);
  EXPECT_EQ(json::parse(send(id, "GET", "/pets").body).size(), n + 1);
}

TEST_F(node_collections, real_documents_keep_state_over_a_restart) {
  for (auto [name, all, body, member] : {std::tuple{"petstore.yaml", "/pet", R"({"name":"Rex","photoUrls":[]})", "id"},
                                         std::tuple{"museum.yaml", "/special-events", R"({"name":"T","location":"H","eventDescription":"d","dates":[],"price":7})", "eventId"}}) {
    auto text = test::reference_text(std::string{"specs/"} + name);
    if (text.empty())
      GTEST_SKIP() << "no " << name << " beside the checkout";
    auto id = with(text);
    auto made = send(id, "POST", all, body);
    ASSERT_LT(made.status, 300U) << made.body;
    auto key = json::parse(made.body)[member];
    auto at = std::string{all} + '/' + (key.is_string() ? key.get<std::string>() : key.dump());
    reopen();
    EXPECT_EQ(send(id, "GET", at).body, made.body);
    EXPECT_LT(send(id, "DELETE", at).status, 300U);
    EXPECT_EQ(send(id, "GET", at).status, 404U);
  }
}

} // namespace
