#include "node_fixture.hpp"

#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using events::kind;

TEST_F(node_test, an_answer_leaves_only_after_its_event_is_in_the_log) {
  auto id = create();
  put_hello(id);
  auto r = get(id, "/hello");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->status, 200U);
  EXPECT_EQ(nlohmann::json::parse(r->body), (nlohmann::json{{"hello", "world"}}));
  EXPECT_EQ(count(history(id), kind::request_served), 1U);
}

TEST_F(node_test, an_unknown_sandbox_is_not_found_and_leaves_nothing_in_memory) {
  auto r = get(events::make_sandbox_id(1, events::draw_entropy()), "/hello");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::not_found);
  EXPECT_EQ(node_->counters().live, 0U);
}

TEST_F(node_test, everything_is_back_after_a_restart) {
  auto id = create(R"({"uid":"shop","name":"Shop"})");
  put_hello(id);
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_item{"pets", "1", R"({"name":"Rex"})"}}));
  ASSERT_TRUE(submit(id, mock::data_command{mock::put_env{"REGION", "eu"}}));
  ASSERT_TRUE(get(id, "/hello"));
  auto before = history(id);
  reopen();
  auto found = node_->resolve("shop");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, id);
  EXPECT_TRUE(get(id, "/hello"));
  auto after = history(id);
  ASSERT_EQ(after.size(), before.size() + 1);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(after[i].link, before[i].link);
  auto data = look<mock::data_state>(
    id, [](const mock::data_state& s, events::virtual_time) -> events::outcome<std::string> { return mock::to_json(s); });
  ASSERT_TRUE(data);
  EXPECT_EQ((*data)["data"]["pets"]["1"]["name"], "Rex");
  EXPECT_EQ((*data)["env"]["REGION"], "eu");
}

TEST_F(node_test, many_clients_of_many_sandboxes_leave_gapless_chains) {
  std::vector<events::sandbox_id> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(create());
    put_hello(ids.back());
  }
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c)
    clients.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i)
        if (auto r = get(ids[static_cast<std::size_t>(c + i) % ids.size()], "/hello"); r && r->status == 200)
          ++good;
    });
  for (auto& c : clients)
    c.join();
  EXPECT_EQ(good, 400);
  std::size_t served = 0;
  for (const auto& id : ids)
    served += count(history(id), kind::request_served);
  EXPECT_EQ(served, 400U);
}

TEST_F(node_test, a_deleted_sandbox_is_gone_with_its_names) {
  auto id = create(R"({"uid":"shop"})");
  ASSERT_TRUE(submit(id, mock::settings_command{mock::delete_sandbox{}}));
  EXPECT_FALSE(node_->resolve("shop"));
  auto r = get(id, "/hello");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, events::errc::not_found);
  EXPECT_NE(create(R"({"uid":"shop"})"), id);
}

TEST_F(node_test, a_uid_belongs_to_one_sandbox) {
  create(R"({"uid":"shop"})");
  promised<actors::receipt> p;
  node_->create(R"({"uid":"shop"})", {"admin", ""}, p.callback());
  auto second = p.get();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, events::errc::conflict);
}

TEST_F(node_test, the_client_secret_opens_its_sandbox) {
  promised<actors::receipt> p;
  node_->create("{}", {"admin", ""}, p.callback());
  auto r = p.get();
  ASSERT_TRUE(r);
  auto j = nlohmann::json::parse(r->reply);
  auto who = node_->authenticate(j["client_secret"].get<std::string>());
  ASSERT_TRUE(who);
  EXPECT_EQ(who->to_string(), j["id"].get<std::string>());
  EXPECT_FALSE(node_->authenticate("hgs_wrong"));
  // Shown once and stored nowhere.
  for (const auto& e : history(*who))
    EXPECT_EQ(e.payload.find(j["client_secret"].get<std::string>()), std::string::npos);
}

} // namespace
