#include "scripts_fixture.hpp"

#include "events/digest.hpp"
#include "webhook/batching_policy.hpp"
#include "webhook/signing.hpp"
#include "webhook/views.hpp"

#include <set>
#include <thread>

namespace {

using namespace hourglass;
using namespace hourglass::test;
using namespace std::chrono_literals;
using events::kind;
using nlohmann::json;

/// Destinations whose messages a script changes, in real workers, sent to a receiver.
class transformations : public with_scripts<node_test> {
protected:
  std::string destination(const events::sandbox_id& id, const std::string& url, const std::string& code, std::vector<events::duration> retries = {}) {
    webhook::create_destination c;
    c.value.url = url;
    c.value.schedule = std::move(retries);
    c.value.secrets.push_back({*webhook::signing_key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), {}, std::nullopt});
    auto made = submit(id, webhook::command{c});
    EXPECT_TRUE(made);
    auto name = json::parse(made->reply)["id"].get<std::string>();
    set(id, name, code);
    return name;
  }
  void set(const events::sandbox_id& id, const std::string& destination, const std::string& code,
           std::optional<webhook::string_map> variables = std::nullopt) {
    auto done = submit(id, webhook::command{webhook::change_transformation{destination, code, true, std::move(variables)}});
    EXPECT_TRUE(done) << done.error().detail;
  }
  std::vector<json> attempts(const events::sandbox_id& id) {
    std::vector<json> out;
    for (const auto& r : history(id))
      if (r.header.kind == kind::attempt_finished)
        out.push_back(json::parse(*webhook::views::attempt_out(r.header, r.payload)));
    return out;
  }
  std::vector<json> attempts(const events::sandbox_id& id, std::size_t most) {
    EXPECT_TRUE(eventually([&] { return attempts(id).size() >= most; }));
    return attempts(id);
  }
};

TEST_F(transformations, change_what_is_sent_which_is_signed_and_stands_in_the_attempt) {
  auto id = create();
  receiver shop{receiver::always(ok())}, other{receiver::always(ok())};
  auto to = destination(id, shop.url(), "function handler(webhook) { return webhook; }");
  set(id, to, "const shape = w => ({...w, method: 'PUT', headers: {'X-Made': 'yes'}, payload: {was: w.payload.n, type: w.eventType, by: w.env.WHO}});\n"
              "async function handler(webhook) {\n"
              "  const made = shape(webhook);\n"
              "  if (made.payload.was === 2) made.url = '" + other.url() + "/2';\n"
              "  return made;\n}",
      webhook::string_map{{"WHO", "me"}});
  auto sent = emit(id, R"({"n":1})");
  ASSERT_TRUE(sent && shop.wait_for(1));
  auto got = shop.came().front();
  EXPECT_EQ(got.method, "PUT");
  EXPECT_EQ(json::parse(got.body), (json{{"was", 1}, {"type", "thing.happened"}, {"by", "me"}}));
  EXPECT_EQ(http::find(got.headers, "x-made"), "yes");
  EXPECT_EQ(std::string{http::find(got.headers, "webhook-id")}, json::parse(sent->reply)["id"].get<std::string>());
  EXPECT_EQ(webhook::verify(*webhook::signing_key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), http::find(got.headers, "webhook-id"),
                            http::find(got.headers, "webhook-timestamp"), http::find(got.headers, "webhook-signature"), got.body,
                            std::stoll(std::string{http::find(got.headers, "webhook-timestamp")})),
            webhook::verdict::ok)
      << "over what was sent";
  auto attempt = attempts(id, 1)[0];
  EXPECT_EQ(attempt["outcome"], "delivered");
  EXPECT_EQ(attempt["transformed"]["method"], "PUT");
  EXPECT_EQ(attempt["bodySha256"], events::to_hex(events::as_text(events::sha256({got.body}))));
  ASSERT_TRUE(emit(id, R"({"n":2})"));
  ASSERT_TRUE(other.wait_for(1));
  EXPECT_EQ(other.came().front().target, "/hook/2");
  EXPECT_EQ(attempts(id, 2)[1]["transformed"]["url"], other.url() + "/2");
}

TEST_F(transformations, give_the_same_bytes_for_every_attempt_though_they_ask_for_time_and_chance) {
  auto id = create();
  receiver shop{receiver::always(no())};
  destination(id, shop.url(), "function handler(w) { w.payload = {at: new Date().toISOString(), chance: Math.random(), n: w.payload.n}; return w; }",
              {100ms, 100ms, 100ms});
  ASSERT_TRUE(emit(id, R"({"n":1})"));
  ASSERT_TRUE(shop.wait_for(2));
  reopen();
  ASSERT_TRUE(shop.wait_for(4));
  std::set<std::string> bodies;
  for (const auto& r : shop.came())
    bodies.insert(r.body);
  EXPECT_EQ(bodies.size(), 1U);
  EXPECT_NE(bodies.begin()->find("chance"), std::string::npos);
}

TEST_F(transformations, see_the_parameters_of_their_message_after_a_restart_too) {
  auto id = create();
  receiver shop{receiver::always(no())};
  destination(id, shop.url(), "function handler(w) { w.payload = {tenant: w.transformationsParams.tenant ?? 'none'}; return w; }", {100ms, 100ms});
  webhook::create_message m;
  m.event_type = "order.paid";
  m.payload = "{}";
  m.params = R"({"tenant":{"id":7}})";
  ASSERT_TRUE(submit(id, webhook::command{m}));
  ASSERT_TRUE(shop.wait_for(1));
  reopen();
  ASSERT_TRUE(shop.wait_for(2));
  for (const auto& r : shop.came())
    EXPECT_EQ(r.body, R"({"tenant":{"id":7}})");
  ASSERT_TRUE(emit(id, "{}"));
  EXPECT_TRUE(eventually([&] { return shop.came().back().body == R"({"tenant":"none"})"; }));
}

TEST_F(transformations, that_fail_send_nothing_and_follow_the_schedule_until_they_are_repaired) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  auto to = destination(id, shop.url(), "function handler(w) {\n  return w.payload.missing.more;\n}",
                        {100ms, 100ms, 100ms, 100ms, 100ms, 100ms, 100ms, 100ms});
  ASSERT_TRUE(emit(id));
  auto failed = attempts(id, 1)[0];
  EXPECT_EQ(failed["error"]["kind"], "transformation");
  EXPECT_NE(failed["error"]["detail"].get<std::string>().find("line 2"), std::string::npos) << failed["error"];
  EXPECT_EQ(failed["outcome"], "retry");
  EXPECT_EQ(failed["responseStatusCode"], 0);
  set(id, to, "function handler(w) { return w; }");
  ASSERT_TRUE(shop.wait_for(1));
  EXPECT_TRUE(eventually([&] { return attempts(id).back()["outcome"] == "delivered"; }));
}

TEST_F(transformations, that_come_after_a_batch_was_formed_keep_it_back) {
  auto id = create();
  receiver shop{receiver::always(no())};
  webhook::create_destination c;
  c.value.url = shop.url();
  c.value.schedule = std::vector<events::duration>(90, 300ms);
  c.value.batching = webhook::batching_policy::compile(json::parse(R"({"maxMessages":1})")).value();
  auto made = submit(id, webhook::command{c});
  ASSERT_TRUE(made);
  const auto to = json::parse(made->reply)["id"].get<std::string>();
  ASSERT_TRUE(emit(id, R"({"card":"4242"})"));
  ASSERT_TRUE(shop.wait_for(1));
  ASSERT_TRUE(submit(id, webhook::command{webhook::patch_destination{.id = to, .batching = webhook::batching_policy{}}}));
  set(id, to, "function handler(w) { w.payload = {}; return w; }");
  ASSERT_TRUE(eventually([&] { return attempts(id).back()["error"]["kind"] == "transformation"; }));
  const auto came = shop.came().size();
  const auto so_far = attempts(id).size();
  ASSERT_TRUE(eventually([&] { return attempts(id).size() >= so_far + 2; }));
  EXPECT_EQ(shop.came().size(), came);
}

TEST_F(transformations, without_a_handler_or_with_what_cannot_be_sent_fail_with_a_sentence) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  const std::vector<std::pair<std::string, std::string>> cases{
      {"const other = 1;", "must declare a function named handler"},
      {"function handler() {}", "must return"},
      {"function handler() { return 'text'; }", "must return"},
      {"function handler(w) { w.url = 'http://10.1.2.3/'; return w; }", ""},
      {"function handler(w) { w.headers = {'webhook-id': 'mine'}; return w; }", "webhook-id"},
      {"function handler(w) { $func.mock.put('a', 'b', 1); return w; }", ""},
      {"function handler(w) { $func.error(500); }", "no answer"},
      {"function handler(w) { return new Promise(() => {}); }", "never"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [code, why] = cases[i];
    auto to = destination(id, shop.url(), code);
    ASSERT_TRUE(emit(id));
    auto last = attempts(id, i + 1).back();
    EXPECT_NE(last["error"]["detail"].get<std::string>().find(why), std::string::npos) << code << last["error"];
    EXPECT_EQ(last["error"]["kind"], i == 3 ? "refused_by_guard" : "transformation") << code;
    EXPECT_EQ(last["outcome"], "dead");
    ASSERT_TRUE(submit(id, webhook::command{webhook::remove_destination{to}}));
  }
  EXPECT_TRUE(shop.came().empty());
  EXPECT_EQ(data_of(id), json::object()) << "a script of a destination has none of the sandbox's data";
}

TEST_F(transformations, that_cancel_end_the_delivery_without_sending) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  destination(id, shop.url(), "function handler(w) { w.cancel = w.payload.n === 1; return w; }");
  ASSERT_TRUE(emit(id, R"({"n":1})"));
  EXPECT_EQ(attempts(id, 1)[0]["outcome"], "cancelled");
  ASSERT_TRUE(emit(id, R"({"n":2})"));
  ASSERT_TRUE(shop.wait_for(1));
  EXPECT_EQ(shop.came().size(), 1U);
  EXPECT_TRUE(eventually([&] { return outbox(id).dump().find("\"pending\":[{") == std::string::npos; }));
}

TEST_F(transformations, that_loop_or_allocate_harm_their_own_deliveries_only) {
  auto bad = create(), good = create();
  receiver shop{receiver::always(ok())};
  destination(bad, shop.url(), "function handler(w) { for (;;) {} }");
  destination(bad, shop.url(), "function handler(w) { const all = []; for (;;) all.push('x'.repeat(1000000) + all.length); }");
  destination(bad, shop.url(), "function handler(w) { w.payload = 'x'.repeat(2000000); return w; }");
  destination(good, shop.url(), "function handler(w) { w.payload = {fine: true}; return w; }");
  ASSERT_TRUE(emit(bad));
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(emit(good));
  ASSERT_TRUE(shop.wait_for(10));
  auto all = attempts(bad, 3);
  for (const auto& a : all) {
    EXPECT_EQ(a["error"]["kind"], "transformation");
    EXPECT_EQ(a["outcome"], "dead");
  }
  for (const auto& r : shop.came())
    EXPECT_EQ(r.body, R"({"fine":true})");
}

TEST_F(transformations, of_many_messages_each_go_once_through_a_restart) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  destination(id, shop.url(), "function handler(w) { w.payload = {n: w.payload.n * 2}; return w; }", {100ms});
  constexpr int all = 300;
  for (int i = 0; i < all; ++i) {
    ASSERT_TRUE(emit(id, R"({"n":)" + std::to_string(i) + "}"));
    if (i == all / 2)
      reopen();
  }
  ASSERT_TRUE(eventually([&] { return outbox(id).dump().find("\"pending\":[{") == std::string::npos && shop.came().size() >= all; }));
  std::set<int> got;
  for (const auto& r : shop.came())
    got.insert(json::parse(r.body)["n"].get<int>());
  EXPECT_EQ(got.size(), static_cast<std::size_t>(all));
  EXPECT_EQ(*got.rbegin(), (all - 1) * 2);
}

TEST_F(transformations, that_do_not_compile_are_refused_with_their_place_and_change_nothing) {
  auto id = create();
  receiver shop{receiver::always(ok())};
  auto to = destination(id, shop.url(), "function handler(w) { return w; }");
  for (const auto& [code, place] : std::vector<std::pair<std::string, std::string>>{{"function handler(w) {\n  if (w { }\n}", "line 2, column 9"},
                                                                                     {"function handler(w) {", "line 1"},
                                                                                     {"}); (function () {", "line 1"}}) {
    auto refused = submit(id, webhook::command{webhook::change_transformation{to, code, std::nullopt, std::nullopt}});
    ASSERT_FALSE(refused) << code;
    EXPECT_EQ(refused.error().code, events::errc::invalid);
    EXPECT_EQ(refused.error().where, "/code");
    EXPECT_NE(refused.error().detail.find(place), std::string::npos) << refused.error().detail;
  }
  ASSERT_TRUE(emit(id));
  EXPECT_TRUE(shop.wait_for(1));
}

TEST_F(transformations, that_wait_for_the_engine_are_not_sent_when_their_endpoint_was_removed_or_disabled_meanwhile) {
  auto id = create();
  receiver removed{receiver::always(ok())}, off{receiver::always(ok())}, other{receiver::always(ok())};
  const std::string slow = "function handler(w) { let n = 0; for (let i = 0; i < 1000000; ++i) n += i % 7; w.payload = {n}; return w; }";
  const auto gone = destination(id, removed.url(), slow), disabled = destination(id, off.url(), slow);
  const auto quick = destination(id, other.url(), "function handler(w) { return w; }");
  constexpr std::size_t all = 6;
  for (std::size_t i = 0; i < all; ++i)
    ASSERT_TRUE(emit(id));
  ASSERT_TRUE(submit(id, webhook::command{webhook::remove_destination{gone}}));
  ASSERT_TRUE(submit(id, webhook::command{webhook::patch_destination{.id = disabled, .disabled = true}}));
  const auto before = removed.came().size() + off.came().size(); // what had left already
  ASSERT_TRUE(other.wait_for(all));
  std::this_thread::sleep_for(2s); // what was at the engine has ended
  EXPECT_LT(before, all) << "most have waited";
  EXPECT_LE(removed.came().size() + off.came().size(), before + 1) << "one may have been on its way";
  ASSERT_TRUE(submit(id, webhook::command{webhook::patch_destination{.id = disabled, .disabled = false}}));
  ASSERT_TRUE(off.wait_for(all)) << json(attempts(id)).dump();
  EXPECT_TRUE(eventually([&] { return outbox(id)["pendingDeliveries"] == 0; }));
  EXPECT_EQ(off.came().size(), all) << "each once";
}

TEST_F(node_test, a_transformation_without_an_engine_is_refused) {
  auto id = create();
  auto to = add_destination(id, "http://127.0.0.1:9/");
  auto refused = submit(id, webhook::command{webhook::change_transformation{to, "function handler(w) { return w; }", true, std::nullopt}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, events::errc::unavailable);
}

} // namespace
