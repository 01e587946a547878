#include "world.hpp"

#include "storage/index.hpp"

namespace {

using namespace hourglass;
using namespace hourglass::testing;
using namespace std::chrono_literals;

class pruning_api : public world {
protected:
  std::string deleted(const json& settings = json::object()) {
    auto id = sandbox(settings)["id"].get<std::string>();
    asked(204, "PUT", "/sandboxes/" + id + "/data/a/b", json{{"n", 1}});
    EXPECT_EQ(ask("DELETE", "/sandboxes/" + id).status(), 204U);
    return id;
  }
  static std::string path(const std::string& id) { return "/sandboxes/" + id + "/prune"; }
  json until_pruned(const std::string& id) {
    for (int i = 0; i < 600; ++i) {
      auto a = ask("POST", path(id));
      if (a.status() == 200)
        return a.body();
      EXPECT_EQ(a.status(), 202U) << a.response.body;
      std::this_thread::sleep_for(50ms);
    }
    ADD_FAILURE() << "it never went";
    return {};
  }
};

TEST_F(pruning_api, a_preview_counts_and_changes_nothing) {
  auto id = deleted();
  for (int i = 0; i < 2; ++i) {
    auto what = asked(200, "GET", path(id));
    EXPECT_EQ(what["status"], "deleted");
    EXPECT_EQ(what["events"], 3);
    EXPECT_GT(what["bytes"].get<int>(), 20);
    EXPECT_EQ(what["last_link"].get<std::string>().size(), 64U);
    EXPECT_TRUE(what["goes_at"].is_null()) << "there is no retention here";
    EXPECT_TRUE(what["pruned_at"].is_null());
  }
  EXPECT_EQ(real_->prunes().sandboxes, 0U);
}

TEST_F(pruning_api, a_deleted_sandbox_is_pruned_at_once_and_the_log_says_so) {
  auto id = deleted({{"uid", "shop"}});
  auto before = asked(200, "GET", path(id));
  auto first = ask("POST", path(id));
  ASSERT_TRUE(first.status() == 202 || first.status() == 200) << first.response.body;
  EXPECT_EQ(first.body()["sandbox_id"], id);
  auto done = until_pruned(id);
  EXPECT_EQ(done["status"], "pruned");
  EXPECT_EQ(done["events"], before["events"]);
  EXPECT_EQ(done["last_link"], before["last_link"]);
  EXPECT_EQ(done["pruned_by"], "admin");
  auto preview = asked(200, "GET", path(id));
  EXPECT_EQ(preview["status"], "pruned");
  EXPECT_FALSE(preview.contains("bytes"));
  auto list = asked(200, "GET", "/pruned-sandboxes?verify=true");
  ASSERT_EQ(list["data"].size(), 1U);
  EXPECT_EQ(list["data"][0]["sandbox_id"], id);
  EXPECT_EQ(list["data"][0]["places"], list["data"][0]["events"]);
  EXPECT_EQ(list["unexplained_places"], 0);
  EXPECT_EQ(ask("GET", "/sandboxes/" + id).status(), 404U);
  EXPECT_EQ(ask("GET", "/sandboxes/" + id + "/history").status(), 404U);
  EXPECT_NE(sandbox({{"uid", "shop"}})["id"], id);
  EXPECT_NE(ask("GET", "/metrics").response.body.find("hourglass_pruned_sandboxes_total 1"),
            std::string::npos);
}

TEST_F(pruning_api, what_is_not_deleted_is_a_conflict_and_what_never_was_is_not_found) {
  auto id = sandbox({{"uid", "shop"}})["id"].get<std::string>();
  for (auto* method : {"GET", "POST"}) {
    for (const auto& name : {id, std::string{"shop"}}) {
      auto a = ask(method, path(name));
      EXPECT_EQ(a.status(), 409U) << a.response.body;
      EXPECT_EQ(a.header("Content-Type"), "application/problem+json");
    }
    for (auto* name : {"sbx_00000000000000000000000000", "sbx_00000000000000000000000001",
                       "sbx_01arz3ndektsv4rrffq69g5fav", "nobody"})
      EXPECT_EQ(ask(method, path(name)).status(), 404U) << name;
    EXPECT_EQ(ask(method, path(id) + "?force=1").status(), 400U);
  }
  EXPECT_EQ(ask("GET", "/sandboxes/shop").status(), 200U);
  EXPECT_EQ(asked(200, "GET", "/pruned-sandboxes")["data"].size(), 0U);
}

TEST_F(pruning_api, only_the_admin_may) {
  auto mine = sandbox();
  auto id = mine["id"].get<std::string>();
  for (auto* target : {"GET", "POST"})
    EXPECT_EQ(send(make(target, path(id), "", {bearer(mine["client_secret"].get<std::string>())}))
                  .status(),
              403U);
  EXPECT_EQ(
      send(make("GET", "/pruned-sandboxes", "", {bearer(mine["client_secret"].get<std::string>())}))
          .status(),
      403U);
}

TEST_F(pruning_api, the_list_has_pages_newest_first) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(deleted());
    until_pruned(ids.back());
  }
  std::string cursor;
  for (int i = 2; i >= 0; --i) {
    auto page = asked(
        200, "GET", "/pruned-sandboxes?limit=1" + (cursor.empty() ? cursor : "&cursor=" + cursor));
    ASSERT_EQ(page["data"].size(), 1U);
    EXPECT_EQ(page["data"][0]["sandbox_id"], ids[static_cast<std::size_t>(i)]);
    EXPECT_FALSE(page.contains("unexplained_places"));
    cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
  }
}

/// Somebody who empties places of the log without a word, or says more than there was, is found.
TEST_F(pruning_api, places_that_nobody_answers_for_are_counted) {
  auto id = deleted();
  const auto which = *events::sandbox_id::parse(id);
  real_->index().wait_until(real_->journal().end(), std::chrono::steady_clock::now() + 10s);
  const storage::pruned_stream behind_our_back{which, 1};
  storage::prune_place at;
  while (real_->store().prune({&behind_our_back, 1}, at).value()) {
  }
  EXPECT_EQ(asked(200, "GET", "/pruned-sandboxes?verify=true")["unexplained_places"], 3);
  EXPECT_EQ(ask("GET", path(id)).status(), 404U);
}

TEST_F(pruning_api, a_tail_that_is_far_behind_ends) {
  const auto id = events::make_sandbox_id(1, {5}); // nothing of it is there any more
  auto to = std::make_shared<heard>();
  tails_->subscribe(id, 0, {}, to);
  tails_->committed(id, 900);
  for (int i = 0; i < 600 && to->open(); ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(to->open());
}

} // namespace
