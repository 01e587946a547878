#include "engine_fixture.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <vector>

// `$func.http` and `$func.concurrency` in real workers: a call that is not known ends the script, or its branch.
namespace hourglass::script {

namespace {

using nlohmann::json;

/// Knows what the test lets it know, and keeps what it is asked.
class outbound_test : public engine_test {
protected:
  mock::script_outcome run_knowing(std::string source, std::map<std::string, std::string> known = {}) {
    asked.clear();
    auto t = task(std::move(source));
    t.host = std::make_shared<test_host>([this, known = std::move(known)](std::string_view name, std::string_view arguments) -> events::outcome<std::string> {
      if (name == "mock.put")
        return "1";
      const auto what = json::parse(arguments)[0];
      asked.push_back(name == "http.call" ? what : json{{"delay", what}});
      const auto found = known.find(name == "http.call" ? what["url"].get<std::string>() : "delay");
      return found != known.end() ? found->second : std::string{R"({"wanted":true})"};
    });
    return run(std::move(t));
  }
  std::vector<std::string> urls() const {
    std::vector<std::string> out;
    for (const auto& a : asked)
      out.push_back(a.contains("url") ? a["url"].get<std::string>() : "delay");
    return out;
  }
  std::vector<json> asked;
};
using texts = std::vector<std::string>;

const std::string hello = R"({"status":200,"headers":{"x-a":"1"},"body":"{\"n\":7}"})";

TEST_F(outbound_test, a_call_that_is_not_known_ends_the_script_past_any_catch) {
  auto o = run_knowing("try { $func.http.get('http://a/') } catch { $resp.body = 'caught' } finally { $func.mock.put('a', 'b', 1) } $resp.body = 'on'");
  EXPECT_TRUE(o.waits);
  EXPECT_FALSE(o.error);
  EXPECT_EQ(o.answer.body, "");
  EXPECT_EQ(urls(), (texts{"http://a/"}));
}

TEST_F(outbound_test, one_that_is_known_is_its_answer) {
  auto o = run_knowing("const r = $func.http.get('http://a/'); $resp.body = [r.status, r.ok, r.headers['x-a'], r.body, r.json().n]", {{"http://a/", hello}});
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_FALSE(o.waits);
  EXPECT_EQ(o.answer.body, R"([200,true,"1","{\"n\":7}",7])");
}

TEST_F(outbound_test, a_failed_one_is_thrown_and_can_be_caught) {
  const std::map<std::string, std::string> failed{{"http://a/?key=s3cret", R"({"error":{"kind":"timeout","message":"too slow"}})"}};
  auto o = run_knowing("try { $func.http.get('http://a/', {query: {key: 's3cret'}}) } catch (e) {"
                       "$resp.body = [e instanceof $func.http.HttpError, e instanceof Error, e.name, e.kind, e.url, e.message] }",
                       failed);
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_EQ(o.answer.body, R"([true,true,"HttpError","timeout","http://a/","GET http://a/ failed: timeout: too slow"])");
  auto uncaught = run_knowing("\n$func.http.get('http://a/?key=s3cret')", failed);
  ASSERT_TRUE(uncaught.error);
  EXPECT_EQ(uncaught.error->message, "HttpError: GET http://a/ failed: timeout: too slow");
  EXPECT_EQ(uncaught.error->line, 2U);
}

TEST_F(outbound_test, says_what_it_is_to_send) {
  run_knowing("$func.concurrency.all([() => $func.http.post('http://a/1?x=1#f', {query: {y: ['a b', 2], z: null}, json: {n: [1]}, headers: {'X-A': 1}, timeout: 500}),"
              "() => $func.http.put('http://a/2', {body: 'hey'}), () => $func.http.patch('http://a/3', {body: '<a/>', headers: {'Content-Type': 'text/xml'}}),"
              "() => $func.http.delete('http://a/4'), () => $func.http.request('http://a/5', {method: 'OPTIONS'}), () => $func.http.request('http://a/6')])");
  ASSERT_EQ(asked.size(), 6U);
  EXPECT_EQ(asked[0], json::parse(R"({"method":"POST","url":"http://a/1?x=1&y=a%20b&y=2","headers":[["X-A","1"],["content-type","application/json"]],)"
                                  R"("body":"{\"n\":[1]}","timeout":500})"));
  EXPECT_EQ(asked[1]["headers"], json::parse(R"([["content-type","text/plain; charset=utf-8"]])"));
  EXPECT_EQ(asked[2]["headers"], json::parse(R"([["Content-Type","text/xml"]])"));
  EXPECT_EQ(asked[3]["method"], "DELETE");
  EXPECT_EQ(asked[3]["body"], "");
  EXPECT_EQ(asked[4]["method"], "OPTIONS");
  EXPECT_EQ(asked[5]["method"], "GET");
}

TEST_F(outbound_test, misuse_is_an_error_of_the_script) {
  for (const auto* source : {"$func.http.get()", "$func.http.get('http://a/', {jsn: 1})", "$func.http.get('http://a/', 1)", "$func.http.post('http://a/', {body: {}})",
                             "$func.http.post('http://a/', {body: 'a', json: 1})", "$func.http.post('http://a/', {json: () => 1})", "$func.http.get('http://a/', {method: 'PUT'})",
                             "$func.http.request('http://a/', {method: 1})", "$func.http.get('http://a/', {query: 'x'})", "$func.http.get('http://a/', {headers: {a: {}}})",
                             "$func.concurrency.all(1)", "$func.concurrency.all([1])", "$func.concurrency.map([1])", "$func.concurrency.map([1], x => x, {limit: 0})"}) {
    auto o = run_knowing(source, {{"http://a/", hello}});
    ASSERT_TRUE(o.error) << source;
    EXPECT_EQ(o.error->fault, mock::script_fault::thrown) << source;
  }
}

TEST_F(outbound_test, all_branches_say_what_they_wait_for) {
  const std::string source = "const [a, b, c] = $func.concurrency.all([() => $func.http.get('http://a/').json().n, () => { $func.http.get('http://b/'); "
                             "return $func.http.get('http://c/').json().n }, () => 3]); $resp.body = [a, b, c]";
  EXPECT_TRUE(run_knowing(source).waits);
  EXPECT_EQ(urls(), (texts{"http://a/", "http://b/"}));
  EXPECT_TRUE(run_knowing(source, {{"http://a/", hello}, {"http://b/", hello}}).waits);
  EXPECT_EQ(urls(), (texts{"http://a/", "http://b/", "http://c/"}));
  auto o = run_knowing(source, {{"http://a/", hello}, {"http://b/", hello}, {"http://c/", hello}});
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_EQ(o.answer.body, "[7,7,3]");
}

TEST_F(outbound_test, branches_may_be_asynchronous) {
  const std::string source = "const got = await $func.concurrency.all([async () => { await 0; return $func.http.get('http://a/').json().n },"
                             "async () => (await $func.http.get('http://b/')).json().n, () => 3]); $resp.body = got";
  EXPECT_TRUE(run_knowing(source).waits);
  EXPECT_EQ(urls(), (texts{"http://b/", "http://a/"})) << "the first one goes on, though the second has ended the script";
  EXPECT_TRUE(run_knowing(source, {{"http://b/", hello}}).waits);
  EXPECT_EQ(urls(), (texts{"http://b/", "http://a/"}));
  auto o = run_knowing(source, {{"http://a/", hello}, {"http://b/", hello}});
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_EQ(o.answer.body, "[7,7,3]");
}

TEST_F(outbound_test, what_goes_on_behind_promises_is_asked_together) {
  const std::string source = "const later = url => Promise.resolve().then(() => $func.http.get(url).json().n);"
                             "$resp.body = await Promise.all([later('http://a/'), later('http://b/')])";
  EXPECT_TRUE(run_knowing(source).waits);
  EXPECT_EQ(urls(), (texts{"http://a/", "http://b/"}));
  EXPECT_EQ(run_knowing(source, {{"http://a/", hello}, {"http://b/", hello}}).answer.body, "[7,7]");
}

TEST_F(outbound_test, a_branch_that_throws_does_so_when_the_others_are_known) {
  const std::string source = "try { $func.concurrency.all([() => { throw new Error('mine') }, () => $func.http.get('http://a/')]) } catch (e) { $resp.body = e.message }";
  EXPECT_TRUE(run_knowing(source).waits);
  EXPECT_EQ(run_knowing(source, {{"http://a/", hello}}).answer.body, "mine");
}

TEST_F(outbound_test, an_answer_in_a_branch_waits_for_what_the_others_have_begun) {
  const std::string source = "$func.concurrency.all([() => $func.http.get('http://a/'), () => $func.error(409, {}, 'no')])";
  auto o = run_knowing(source);
  EXPECT_TRUE(o.waits) << "or half of the first branch would be committed";
  EXPECT_FALSE(o.interrupted);
  o = run_knowing(source, {{"http://a/", hello}});
  EXPECT_FALSE(o.waits);
  EXPECT_TRUE(o.interrupted);
  EXPECT_EQ(o.answer.status, 409U);
}

TEST_F(outbound_test, branches_may_have_branches) {
  const std::string source = "$resp.body = $func.concurrency.all([() => $func.concurrency.all([() => $func.http.get('http://a/').status, () => $func.http.get('http://b/').status]),"
                             "() => $func.http.get('http://c/').status])";
  EXPECT_TRUE(run_knowing(source).waits);
  EXPECT_EQ(urls(), (texts{"http://a/", "http://b/", "http://c/"}));
  EXPECT_EQ(run_knowing(source, {{"http://a/", hello}, {"http://b/", hello}, {"http://c/", hello}}).answer.body, "[[200,200],200]");
}

TEST_F(outbound_test, map_goes_a_few_at_a_time) {
  const std::string source = "$resp.body = $func.concurrency.map([1, 2, 3], (n, i) => [n * 10, i, $func.http.get('http://' + n + '/').status], {limit: 2})";
  EXPECT_TRUE(run_knowing(source).waits);
  EXPECT_EQ(urls(), (texts{"http://1/", "http://2/"}));
  EXPECT_EQ(run_knowing(source, {{"http://1/", hello}, {"http://2/", hello}, {"http://3/", hello}}).answer.body, "[[10,0,200],[20,1,200],[30,2,200]]");
  EXPECT_EQ(run_knowing("$resp.body = $func.concurrency.map([1, 2, 3], n => [n])").answer.body, "[[1],[2],[3]]");
  EXPECT_EQ(run_knowing("$resp.body = $func.concurrency.map([], n => n)").answer.body, "[]");
  EXPECT_EQ(run_knowing("$resp.body = await $func.concurrency.map([1, 2, 3], async n => [n], {limit: 2})").answer.body, "[[1],[2],[3]]");
}

TEST_F(outbound_test, map_begins_asynchronous_ones_when_those_before_have_ended) {
  EXPECT_EQ(run_knowing("let now = 0, most = 0; const got = await $func.concurrency.map([1, 2, 3, 4, 5], async (n, i) => { most = Math.max(most, ++now); await 0; await 0; --now;"
                        " return n * 10 + i }, {limit: 2}); $resp.body = [most, got]")
              .answer.body,
            "[2,[10,21,32,43,54]]");
  const std::string calls = "$resp.body = await $func.concurrency.map([1, 2, 3], async n => $func.http.get('http://' + n + '/').status, {limit: 2})";
  EXPECT_TRUE(run_knowing(calls).waits);
  EXPECT_EQ(urls(), (texts{"http://1/", "http://2/"}));
  EXPECT_EQ(run_knowing(calls, {{"http://1/", hello}, {"http://2/", hello}, {"http://3/", hello}}).answer.body, "[200,200,200]");
}

TEST_F(outbound_test, a_delay_is_waited_for_elsewhere) {
  EXPECT_TRUE(run_knowing("$func.concurrency.delay(20); $resp.body = 'on'").waits);
  EXPECT_EQ(asked.at(0)["delay"], 20);
  EXPECT_EQ(run_knowing("$resp.body = String($func.concurrency.delay(20))", {{"delay", "{}"}}).answer.body, "undefined");
}

TEST_F(outbound_test, who_waits_leaves_no_trace_for_the_next_run) {
  EXPECT_TRUE(run_knowing("Promise.resolve().then(() => { $resp.body = 'ghost' }); $func.http.get('http://a/')").waits);
  EXPECT_EQ(run_knowing("await 0; $resp.body = 'mine'").answer.body, "mine");
  for (int i = 0; i < 50; ++i)
    EXPECT_TRUE(run_knowing("function* g() { try { yield $func.http.get('http://a/') } finally { for (;;) {} } } for (const x of g()) {}").waits);
  EXPECT_EQ(run_knowing("$resp.body = $func.http.get('http://a/').status", {{"http://a/", hello}}).answer.body, "200");
}

TEST_F(outbound_test, plugins_are_inputs_as_well) {
  auto with = [this](const std::string& source, const std::string& said) {
    auto t = task(source);
    t.host = std::make_shared<test_host>([this, said](std::string_view name, std::string_view arguments) -> events::outcome<std::string> {
      asked = {json{{"name", name}, {"arguments", json::parse(arguments)}}};
      return said;
    });
    return run(std::move(t));
  };
  EXPECT_TRUE(with("try { $func.plugin.exec('tax', {n: 1}) } catch { $resp.body = 'caught' }", R"({"wanted":true})").waits);
  EXPECT_EQ(asked[0], json::parse(R"({"name":"plugin.exec","arguments":["tax",{"n":1}]})"));
  EXPECT_EQ(with("$resp.body = $func.plugin.exec('tax').rate", R"({"result":{"rate":7}})").answer.body, "7");
  EXPECT_EQ(asked[0]["arguments"], json::parse(R"(["tax",null])"));
  EXPECT_EQ(with("try { $func.plugin.exec('tax') } catch (e) { $resp.body = [e instanceof $func.plugin.PluginError, e.name, e.kind, e.plugin, e.message] }",
                 R"({"error":{"kind":"timeout","message":"too slow"}})")
              .answer.body,
            R"([true,"PluginError","timeout","tax","the plugin tax failed: timeout: too slow"])");
  EXPECT_TRUE(with("$func.plugin.exec('tax', () => 1)", "1").error);
}

TEST_F(outbound_test, a_mapper_is_asked_for_at_once) {
  auto t = task("$resp.body = $func.dataMapper.apply('m', {a: 1})");
  t.host = std::make_shared<test_host>([](std::string_view name, std::string_view arguments) -> events::outcome<std::string> {
    return name == "mapper.apply" && arguments == R"(["m",{"a":1}])" ? R"({"b":2})" : "null";
  });
  EXPECT_EQ(run(std::move(t)).answer.body, R"({"b":2})");
}

TEST_F(outbound_test, nothing_of_it_can_be_changed_by_a_script) {
  auto o = run_knowing("'use strict'; const tried = []; for (const f of [() => { $func.http.get = 1 }, () => { $func.http.HttpError.prototype.x = 1 }, () => { $func.concurrency.all.x = 1 }])"
                       " try { f(); tried.push('yes') } catch { tried.push('no') } $resp.body = tried");
  EXPECT_EQ(o.answer.body, R"(["no","no","no"])");
}

} // namespace

} // namespace hourglass::script
