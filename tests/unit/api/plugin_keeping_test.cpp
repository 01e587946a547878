#include "world.hpp"

#include "script/pool.hpp"
#include "tests/integration/actors/upstream.hpp"

#include <filesystem>

// Plugins after a restart: what is stored of one is there, whether it can be used or not.
namespace {

using namespace hourglass;
using namespace hourglass::testing;

class plugin_keeping : public world {
protected:
  void configure(actors::node_options& o) override {
    auto opened = script::open_pool({HOURGLASS_SCRIPT_WORKER, 1});
    ASSERT_TRUE(opened) << opened.error().detail;
    o.scripts = std::move(*opened);
  }
  void SetUp() override {
    world::SetUp();
    id_ = sandbox({{"uid", "shop"}})["id"];
    asked(200, "PUT", "/sandboxes/" + id_ + "/endpoints/ep_1",
          {{"method", "GET"}, {"path", "/run"}, {"handler", {{"script", "try { $resp.body = {is: $func.plugin.exec('tax')} } catch (e) { $resp.body = {kind: e.kind, message: e.message} }"}}}});
  }
  json call() { return send(make("GET", "/s/" + id_ + "/run")).body(); }
  static json service(const std::string& url, const std::string& value) {
    return {{"http", {{"url", url}, {"headers", {{"X-Auth", value}}}}}, {"sandboxes", "*"}};
  }
  std::string id_;
};

TEST_F(plugin_keeping, a_header_that_is_longer_when_it_is_sealed_is_there_after_a_restart) {
  test::upstream there{[](const http::request& r) { return http::response{200, {}, std::to_string(http::find(r.headers, "x-auth").size())}; }};
  asked(200, "PUT", "/plugins/tax", service(there.url("/"), std::string(8'100, 'k')));
  EXPECT_EQ(call(), (json{{"is", 8'100}}));
  restart();
  EXPECT_EQ(call(), (json{{"is", 8'100}}));
  EXPECT_FALSE(asked(200, "GET", "/plugins/tax").contains("unusable"));
}

TEST_F(plugin_keeping, a_header_over_the_limit_is_refused_when_it_is_put) {
  EXPECT_EQ(asked(422, "PUT", "/plugins/tax", service("http://127.0.0.1:9/", std::string(8'192, 'k')))["pointer"], "/http/headers");
  asked(404, "GET", "/plugins/tax");
}

TEST_F(plugin_keeping, one_whose_key_is_lost_is_there_and_says_that_it_is_no_use) {
  test::upstream there{[](const http::request&) { return http::response{200, {}, "7"}; }};
  asked(200, "PUT", "/plugins/tax", service(there.url("/"), "secret-of-header"));
  EXPECT_EQ(call(), (json{{"is", 7}}));
  close();
  for (const auto* file : {"secret.key", "secret.check"})
    std::filesystem::remove(folder_ / file);
  open();
  const auto shown = asked(200, "GET", "/plugins/tax");
  EXPECT_NE(shown["unusable"].get<std::string>().find("key"), std::string::npos) << shown;
  EXPECT_EQ(shown["http"]["headers"], json{"X-Auth"});
  EXPECT_EQ(asked(200, "GET", "/plugins")["data"].size(), 1U);
  const auto failed = call();
  EXPECT_EQ(failed["kind"], "unusable") << failed;
  EXPECT_NE(failed["message"].get<std::string>().find("operator"), std::string::npos);
  EXPECT_EQ(there.came().size(), 1U) << "nobody was called without the header";
  asked(200, "PUT", "/plugins/tax", service(there.url("/"), "again"));
  EXPECT_EQ(call(), (json{{"is", 7}}));
  restart();
  EXPECT_EQ(call(), (json{{"is", 7}}));
  asked(204, "DELETE", "/plugins/tax");
}

} // namespace
