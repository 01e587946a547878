#include "engine_fixture.hpp"

// What the prelude makes of builtins and of `$func`.
namespace hourglass::script {

namespace {

TEST_F(engine_test, console_is_kept_and_bounded) {
  auto o = run("console.log('a', {b: 1}, 2n, undefined); console.warn(new Error('x')); for (let i = 0; i < 1000; i++) console.error('y'.repeat(10000))");
  ASSERT_FALSE(o.error);
  ASSERT_EQ(o.console.size(), limits::console_lines);
  EXPECT_EQ(o.console[0], (mock::console_line{"log", "a {\"b\":1} 2n undefined"}));
  EXPECT_EQ(o.console[1], (mock::console_line{"warn", "Error: x"}));
}

TEST_F(engine_test, console_shows_what_json_has_no_word_for_as_node_does) {
  auto o = run("const a = {n: 1, big: 2n}; a.self = a; const b = {list: []}; b.list.push(b.list); const twice = {};"
               "console.log(a); console.log('b', b); console.log([1n]); console.log([twice, twice]); console.log({toJSON() { throw 1 }}, null, Symbol('s'));"
               "console.log({get x() { throw 2 }}); console.log(() => 1); $resp.body = 'on'");
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_EQ(o.answer.body, "on");
  std::vector<std::string> texts;
  for (const auto& line : o.console)
    texts.push_back(line.text);
  EXPECT_EQ(texts, (std::vector<std::string>{R"(<ref *1> {"n":1,"big":"2n","self":"[Circular *1]"})", R"(b {"list":["[Circular *1]"]})", R"(["1n"])",
                                             "[{},{}]", "[Object] null Symbol(s)", "[Object]", "() => 1"}));
}

TEST_F(engine_test, lengths_of_texts_are_asked_for_once) {
  EXPECT_EQ(said("const n = {n: 0, valueOf() { return this.n++ ? 20000000 : 1 }}; $resp.body = 'x'.repeat(n).length"), "1");
  EXPECT_EQ(said("const n = {n: 0, valueOf() { return this.n++ ? 20000000 : 3 }}; $resp.body = 'x'.padEnd(n, 'ab')"), "xab");
  EXPECT_EQ(said("const s = {n: 0, toString() { return this.n++ ? 'y'.repeat(8000000) : 'y' }}; $resp.body = ''.repeat.call(s, 2)"), "yy");
  EXPECT_EQ(said("$resp.body = ['ab'.repeat(2), 'a'.repeat(), 'a'.padStart(3), 'a'.padStart(3, 'xy'), 'a'.padEnd(0), 'a'.repeat('2')]"),
            R"(["abab","","  a","xya","a","aa"])");
  EXPECT_EQ(said("'x'.repeat(-1)").substr(0, 18), "thrown: RangeError");
  EXPECT_EQ(said("''.repeat.call(null, 1)").substr(0, 17), "thrown: TypeError");
  EXPECT_EQ(said("''.repeat.call(Symbol('a'), 1)").substr(0, 17), "thrown: TypeError");
  EXPECT_EQ(said("'x'.repeat(8388609)").substr(0, 18), "thrown: RangeError");
}

TEST_F(engine_test, remember_refuses_another_request_as_its_profile_does) {
  auto with = [this](const std::string& options) {
    auto t = task("$resp.body = $func.sbx.idempotency.remember('k', () => 1" + options + ")");
    t.host = std::make_shared<test_host>([](std::string_view, std::string_view) -> events::outcome<std::string> { return R"({"conflict":true})"; });
    return run(std::move(t));
  };
  EXPECT_EQ(with("").answer.status, 422U);
  EXPECT_EQ(with(", {profile: 'ietf'}").answer.status, 422U);
  auto stripe = with(", {profile: 'stripe'}");
  EXPECT_EQ(stripe.answer.status, 400U);
  EXPECT_NE(stripe.answer.body.find("idempotency_error"), std::string::npos) << stripe.answer.body;
  EXPECT_TRUE(with(", {profile: 'toString'}").error);
}

} // namespace

} // namespace hourglass::script
