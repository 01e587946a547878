#include "mock/plugin.hpp"

#include "handler_fixture.hpp"
#include "mock/outbound_limits.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::mock {

namespace {

using nlohmann::json;

constexpr auto service = R"({"http":{"url":"https://tax.test/rate","headers":{"X-Key":"k3y"},"secret":"whsec_abc"},"sandboxes":["shop","sbx_1"],"timeout_ms":500,"description":"Tax"})";

TEST(plugin, reads_a_service_and_a_script) {
  auto s = read_plugin("tax", service);
  ASSERT_TRUE(s) << s.error().where;
  EXPECT_FALSE(s->is_script());
  EXPECT_EQ(s->url, "https://tax.test/rate");
  EXPECT_EQ(s->headers, (fields{{"X-Key", "k3y"}}));
  EXPECT_EQ(s->timeout.count(), 500);
  EXPECT_TRUE(s->is_for("sbx_1"));
  EXPECT_FALSE(s->is_for("sbx_2"));
  auto f = read_plugin("f", R"({"script":"($func, a) => a","sandboxes":"*"})");
  ASSERT_TRUE(f);
  EXPECT_TRUE(f->is_script());
  EXPECT_TRUE(f->is_for("anybody"));
  EXPECT_EQ(json::parse(library_of(*f)->text), json::parse(R"([["run_plugin","($func, a) => a"]])"));
}

TEST(plugin, that_is_none_says_where) {
  auto where = [](const std::string& text, std::string_view name = "p") {
    auto r = read_plugin(name, text);
    return r ? std::string{"none"} : r.error().where;
  };
  EXPECT_EQ(where(R"({"script":"1","sandboxes":"*"})", "a b"), "/name");
  EXPECT_EQ(where(R"({"sandboxes":"*"})"), "/script");
  EXPECT_EQ(where(R"({"script":"1","http":{"url":"http://a/"},"sandboxes":"*"})"), "/script");
  EXPECT_EQ(where(R"({"script":"","sandboxes":"*"})"), "/script");
  EXPECT_EQ(where(R"({"script":"1"})"), "/sandboxes");
  EXPECT_EQ(where(R"({"script":"1","sandboxes":"shop"})"), "/sandboxes");
  EXPECT_EQ(where(R"({"script":"1","sandboxes":[1]})"), "/sandboxes");
  EXPECT_EQ(where(R"({"script":"1","sandboxes":"*","timeout_ms":30001})"), "/timeout_ms");
  EXPECT_EQ(where(R"({"script":"1","sandboxes":"*","x":1})"), "/x");
  EXPECT_EQ(where(R"({"http":{"url":"file:///etc/passwd"},"sandboxes":"*"})"), "/http/url");
  EXPECT_EQ(where(R"({"http":{"url":"http://u:p@a/"},"sandboxes":"*"})"), "/http/url");
  EXPECT_EQ(where(R"({"http":{},"sandboxes":"*"})"), "/http/url");
  EXPECT_EQ(where(R"({"http":{"url":"http://a/","headers":{"Host":"b"}},"sandboxes":"*"})"), "/http/headers");
  EXPECT_EQ(where(R"({"http":{"url":"http://a/","headers":{"X":"a\r\nb"}},"sandboxes":"*"})"), "/http/headers");
  EXPECT_EQ(where(R"({"http":{"url":"http://a/","headers":{"X":1}},"sandboxes":"*"})"), "/http/headers");
  EXPECT_EQ(where(R"({"http":{"url":"http://a/","secrets":"x"},"sandboxes":"*"})"), "/http/secrets");
}

TEST(plugin, is_stored_without_its_secrets_in_plain_and_shown_without_them) {
  const auto p = read_plugin("tax", service).value();
  auto seal = [](const std::string& value, std::string_view place) -> events::outcome<std::string> { return "sealed-" + std::string{place} + std::to_string(value.size()); };
  const auto stored = to_text(p, seal).value();
  EXPECT_EQ(stored.find("k3y"), std::string::npos);
  EXPECT_EQ(stored.find("whsec_abc"), std::string::npos);
  auto back = from_text("tax", stored, [](const std::string& value, std::string_view place) -> events::outcome<std::string> {
    return value == "sealed-" + std::string{place} + (place == "secret" ? "9" : "3") ? std::string{place == "secret" ? "whsec_abc" : "k3y"} : std::string{"wrong"};
  });
  ASSERT_TRUE(back);
  EXPECT_EQ(back->headers, p.headers);
  EXPECT_EQ(back->secret, p.secret);
  EXPECT_EQ(back->sandboxes, p.sandboxes);
  EXPECT_EQ(back->timeout, p.timeout);
  EXPECT_FALSE(from_text("tax", stored, [](const auto&, auto) -> events::outcome<std::string> { return events::failure(events::errc::corrupt, "no key"); }));
  const auto shown = json::parse(to_json(p));
  EXPECT_EQ(shown["http"], (json{{"url", "https://tax.test/rate"}, {"headers", {"X-Key"}}, {"signed", true}}));
  EXPECT_EQ(to_json(p).find("k3y"), std::string::npos);
}

TEST_F(handler, calls_a_plugin_as_an_input) {
  engine.during = [this](script_host& h) {
    EXPECT_FALSE(h.call("plugin.exec", "[7]"));
    EXPECT_FALSE(h.call("plugin.exec", R"(["a b",1])"));
    EXPECT_EQ(h.call("plugin.exec", R"(["tax",{"card":"4111"}])"), R"({"wanted":true})");
    engine.outcome.waits = true;
  };
  auto req = asked();
  auto first = serve_it(req);
  ASSERT_EQ(first->wanted.size(), 1U);
  EXPECT_EQ(first->wanted[0].kind, outbound_kind::plugin);
  EXPECT_EQ(first->wanted[0].url, "tax");
  outbound_outcome said;
  said.status = 200;
  said.headers = {{"content-type", "application/json"}};
  said.body = R"({"rate":7,"token":"secret-of-plugin"})";
  req.calls = with_round(nullptr, first->wanted, {said});
  engine.outcome.waits = false;
  engine.during = [](script_host& h) { EXPECT_EQ(h.call("plugin.exec", R"(["tax",{"card":"4111"}])"), R"({"result":{"rate":7,"token":"secret-of-plugin"}})"); };
  auto second = serve_it(req);
  ASSERT_TRUE(second);
  const auto& payload = second->events.front().payload;
  EXPECT_EQ(payload.find("secret-of-plugin"), std::string::npos);
  const auto record = decode_served(payload);
  ASSERT_TRUE(record && record->request.calls);
  EXPECT_EQ(record->request.calls->front().call.kind, outbound_kind::plugin);
  EXPECT_EQ(record->request.calls->front().call.url, "tax");
  // And a replay knows it.
  req.calls = record->request.calls;
  engine.during = [](script_host& h) { EXPECT_EQ(json::parse(h.call("plugin.exec", R"(["tax",{"card":"4111"}])").value())["result"]["rate"], 7); };
  EXPECT_TRUE(serve_it(req)->wanted.empty());
}

} // namespace

} // namespace hourglass::mock
