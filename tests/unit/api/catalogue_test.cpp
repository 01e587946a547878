#include "world.hpp"

// The internal sandbox in which the node's event types and plugins stand.
namespace {

using namespace hourglass;
using namespace hourglass::testing;

class the_catalogue : public world {
protected:
  void SetUp() override {
    world::SetUp();
    asked(201, "POST", "/api/v1/event-type", {{"name", "a.b"}, {"description", "d"}}); // makes it
    id_ = asked(200, "GET", "/sandboxes/hourglass.catalogue")["id"];
  }
  std::size_t events() { return asked(200, "GET", "/sandboxes/hourglass.catalogue/history?limit=250")["data"].size(); }
  std::string id_;
};

TEST_F(the_catalogue, is_changed_by_no_route_of_a_sandbox_whatever_it_is_called) {
  const auto before = events();
  const json plugin{{"script", "($func, a) => a"}, {"sandboxes", "*"}};
  for (const auto& name : {std::string{"hourglass.catalogue"}, id_}) {
    const auto of = "/sandboxes/" + name, app = "/api/v1/app/" + name;
    EXPECT_NE(asked(403, "PUT", of + "/data/hourglass.plugins/p", plugin)["detail"].get<std::string>().find("/plugins"), std::string::npos);
    asked(403, "DELETE", of + "/data/hourglass.plugins/p");
    asked(403, "DELETE", of + "/data/hourglass.plugins");
    asked(403, "PATCH", of, {{"uid", nullptr}});
    asked(403, "DELETE", of);
    asked(403, "PUT", of + "/endpoints/ep_1", {{"method", "GET"}, {"path", "/x"}});
    asked(403, "PUT", of + "/mappers/m", {{"rules", json::array()}});
    asked(403, "POST", of + "/clock/advance", {{"by", 1}});
    asked(403, "POST", app + "/msg", {{"eventType", "a.b"}, {"payload", json::object()}});
    asked(403, "POST", app + "/endpoint", {{"url", "http://127.0.0.1:9/"}});
    asked(403, "PATCH", app, {{"name", "mine"}});
    asked(403, "DELETE", app);
  }
  EXPECT_EQ(events(), before);
}

TEST_F(the_catalogue, is_read_by_the_admin_and_changed_by_its_own_routes) {
  asked(200, "GET", "/sandboxes/" + id_ + "/data");
  asked(201, "POST", "/api/v1/event-type", {{"name", "c.d"}, {"description", "d"}});
  asked(204, "DELETE", "/api/v1/event-type/a.b?expunge=true");
  asked(200, "PUT", "/plugins/tax", {{"http", {{"url", "http://127.0.0.1:9/"}}}, {"sandboxes", "*"}});
  asked(204, "DELETE", "/plugins/tax");
}

TEST_F(the_catalogue, answers_no_request_of_a_mock) {
  const auto before = events();
  asked(404, "GET", "/s/hourglass.catalogue/x");
  asked(404, "POST", "/s/hourglass.catalogue");
  EXPECT_EQ(events(), before);
}

} // namespace
