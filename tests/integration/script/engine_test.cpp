#include "engine_fixture.hpp"

#include "mock/script_limits.hpp"
#include "script/frame.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace hourglass::script {

namespace {

using mock::script_fault;

TEST_F(engine_test, a_handler_answers) {
  auto o = run("$resp.status = 201; $resp.headers['x-b'] = $req.headers['x-a']; $resp.body = {n: $req.body.n + 1};");
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_EQ(o.answer.status, 201U);
  EXPECT_EQ(o.answer.headers, (mock::fields{{"x-b", "1"}}));
  EXPECT_EQ(o.answer.body, R"({"n":2})");
  EXPECT_TRUE(o.json);
}

TEST_F(engine_test, the_same_task_gives_the_same_outcome) {
  const std::string source = "$resp.body = [Math.random(), Math.random(), Date.now(), new Date(), new Date().toLocaleString('de-DE')]";
  const auto first = said(source);
  EXPECT_EQ(first.find("thrown"), std::string::npos);
  EXPECT_NE(first.find("1700000000123"), std::string::npos);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(said(source), first);
}

TEST_F(engine_test, one_run_leaves_no_trace_for_the_next) {
  for (const auto* poison : {"globalThis.x = 1", "Array.prototype.x = 1", "Object.prototype.x = 1", "Math.x = 1", "JSON.parse = null", "$func.x = 1",
                             "$func.mock.find = null", "Object.getOwnPropertyDescriptor(Map.prototype, 'size').get.x = 1", "console.log = null",
                             "(function* () {}).constructor.prototype.x = 1", "Promise.x = 1", "x = 1"}) {
    auto o = run(poison);
    ASSERT_TRUE(o.error) << poison;
    EXPECT_EQ(o.error->fault, script_fault::thrown) << poison;
  }
  EXPECT_EQ(said("/(b)/.exec('abc'); $resp.body = RegExp.$1"), "b");
  EXPECT_EQ(said("$resp.body = RegExp.$1 + '|' + RegExp.lastMatch"), "|");
}

TEST_F(engine_test, own_errors_and_objects_may_override_what_is_frozen_in_prototypes) {
  EXPECT_EQ(said("class e extends Error { constructor(m) { super(m); this.name = 'E' } } const o = {}; o.toString = () => 'me'; $resp.body = String(new e('x')) + o"),
            "E: xme");
}

TEST_F(engine_test, an_error_says_where) {
  auto o = run("const a = 1;\nfunction f(o) {\n  return o.missing.field;\n}\nf({});");
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->message, "TypeError: o.missing is undefined");
  EXPECT_EQ(o.error->line, 3U);
  EXPECT_EQ(o.error->column, 3U);
  EXPECT_EQ(o.error->stack, "f@handler:3:3\n@handler:5:2");
}

TEST_F(engine_test, a_script_that_does_not_compile_is_told_line_and_column) {
  auto e = check("let a = 1;\nfunction h($req) {\n  if (a { return 2 }\n}\n");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->fault, script_fault::syntax);
  EXPECT_EQ(e->line, 3U);
  EXPECT_EQ(e->column, 9U);
  EXPECT_FALSE(check("$resp.body = await Promise.resolve(1)"));
  auto unfinished = check("if (true) {\n  f();");
  ASSERT_TRUE(unfinished);
  EXPECT_EQ(unfinished->line, 2U) << "not a line that its author has not written";
}

TEST_F(engine_test, a_handler_cannot_leave_the_function_it_is_put_into) {
  EXPECT_TRUE(check("}); for (;;) {} (function () {"));
  EXPECT_TRUE(check("}}); for (;;) {} ((function () {{"));
}

/// Compiles with one brace in front as with two: the `/` is a division in one case and a regular
/// expression in the other.
constexpr const char* leaves_its_function =
    R"(} /"("+1);globalThis.evil=1;let n=0;Object.freeze=x=>x;(function(){")/;{//")";

TEST_F(engine_test, a_handler_that_leaves_its_function_changes_nothing_for_anybody) {
  open(1);
  EXPECT_TRUE(check(leaves_its_function));
  EXPECT_TRUE(run(leaves_its_function).error);
  EXPECT_EQ(said("$resp.body = [typeof evil, typeof n, Object.isFrozen(globalThis)]"),
            R"(["undefined","undefined",true])");
  auto other = task("$resp.body = [typeof evil, typeof n, Object.isFrozen(globalThis)]", "sbx_new");
  EXPECT_EQ(run(other).answer.body, R"(["undefined","undefined",true])");
}

TEST_F(engine_test, a_check_leaves_nothing_for_the_next_check) {
  open(1);
  EXPECT_TRUE(check("(Function.prototype.toString = Object.freeze = null, globalThis.x = 1)",
                    mock::script_form::function));
  auto seen = check("(() => { throw new Error(typeof x + typeof Object.freeze) })()",
                    mock::script_form::function);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->message, "Error: undefinedfunction");
}

TEST_F(engine_test, promises_that_a_run_or_check_has_left_never_run_in_another) {
  open(1);
  const std::string later = "Promise.resolve().then(() => $func.env.get('mine'))";
  std::vector<std::string> heard;
  auto asks = [&heard](const mock::script_task& of) {
    auto t = of;
    t.host = std::make_shared<test_host>(
        [&heard, sandbox = t.sandbox](std::string_view,
                                      std::string_view arguments) -> events::outcome<std::string> {
          heard.push_back(sandbox + std::string{arguments});
          return "1";
        });
    return t;
  };
  for (const auto& end : {std::string{"throw new Error('x')"}, std::string{"$func.error(400)"},
                          std::string{"$resp.status = 1"}, std::string{"for (;;) {}"}}) {
    run(asks(task(later + "; " + end)));
    EXPECT_EQ(run(asks(task("await 1; await 2; $resp.body = 1", "sbx_b"))).answer.body, "1") << end;
  }
  for (const auto& entry : heard)
    EXPECT_EQ(entry.substr(0, 5), "sbx_a") << entry;
  // What a check has left would be stopped in the next run, for the time that it takes.
  EXPECT_TRUE(
      check("(Promise.resolve().then(() => { for (;;) {} }), 1)", mock::script_form::function));
  EXPECT_EQ(said("await 1; $resp.body = 2"), "2");
}

TEST_F(engine_test, error_interrupts_past_catch_and_finally) {
  auto o = run("try { $func.error(402, {'x-why': 'card'}, {code: 'declined'}) } catch (e) { console.log('caught') } finally { console.log('finally') }");
  ASSERT_FALSE(o.error);
  EXPECT_TRUE(o.interrupted);
  EXPECT_EQ(o.answer.status, 402U);
  EXPECT_EQ(o.answer.body, R"({"code":"declined"})");
  EXPECT_TRUE(o.console.empty());
}

TEST_F(engine_test, promises_are_run_to_their_end) {
  EXPECT_EQ(said("let x = await Promise.resolve(5); $resp.body = x + await new Promise(r => r(1))"), "6");
  EXPECT_EQ(said("await Promise.reject(new Error('no'))"), "thrown: Error: no");
  EXPECT_EQ(said("await new Promise(() => {})"), "thrown: Error: the handler waits for something that never comes");
  EXPECT_EQ(said("function f() { return Promise.resolve().then(f) } await f()").substr(0, 5), "time:");
}

TEST_F(engine_test, calls_are_answered_by_the_host) {
  auto t = task("try { $func.env.get('no') } catch (e) { $resp.body = [$func.env.get('yes'), e.message] }");
  std::vector<std::string> seen;
  t.host = std::make_shared<test_host>([&seen](std::string_view name, std::string_view arguments) -> events::outcome<std::string> {
    seen.push_back(std::string{name} + std::string{arguments});
    if (arguments == R"(["no"])")
      return events::failure(events::errc::not_found, "there is none");
    return R"({"deep":[1]})";
  });
  auto o = run(std::move(t));
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_EQ(o.answer.body, R"([{"deep":[1]},"there is none"])");
  EXPECT_EQ(seen, (std::vector<std::string>{R"(env.get["no"])", R"(env.get["yes"])"}));
}

TEST_F(engine_test, functions_of_the_project_are_there_and_take_func_first) {
  auto t = task("$resp.body = $func.twice(4)");
  t.library = mock::script_source::of(R"([["add","($func, a, b) => a + b"],["twice","/* by adding */ function ($func, a) { return $func.add(a, a) };"]])");
  auto o = run(t);
  ASSERT_FALSE(o.error) << o.error->message;
  EXPECT_EQ(o.answer.body, "8");
  t.library = mock::script_source::of(R"([["twice","($func, a) => a * 20"]])");
  EXPECT_EQ(run(t).answer.body, "80") << "another library is another realm";
}

TEST_F(engine_test, a_function_of_the_project_is_a_function_and_nothing_else) {
  EXPECT_FALSE(check("($func, a) => a", mock::script_form::function));
  EXPECT_FALSE(check("// what it does\nfunction add($func, a, b) {\n  return a + b;\n}\n",
                     mock::script_form::function));
  EXPECT_FALSE(check("classes => classes", mock::script_form::function));
  for (const auto* bad :
       {"1", "(() => { let n = 0; return () => ++n })()", "a =>", "x, () => 1", "() => 1, () => 2",
        "class {}", "class a { static { Object.freeze = null } }", "class extends Object {}",
        "// x\u2028globalThis.evil = 1,\n() => 1", "// x\rglobalThis.evil = 1,\n() => 1",
        "() => 1 // x\u2029, () => 2"})
    EXPECT_TRUE(check(bad, mock::script_form::function)) << bad;
}

TEST_F(engine_test,
       functions_of_the_project_run_nothing_before_their_realm_is_closed_and_nothing_without_end) {
  for (const auto* library :
       {R"([["f","class { static { Object.freeze = x => x; globalThis.evil = 1 } }"]])",
        R"([["f","// x\u2028globalThis.evil = 1,\n() => 1"]])"}) {
    auto t = task("$resp.body = [typeof evil, Object.isFrozen(globalThis)]");
    t.library = mock::script_source::of(library);
    auto o = run(t);
    ASSERT_TRUE(o.error) << library;
    EXPECT_EQ(o.error->message, "Error: must be one function, such as ($func, a, b) => a + b");
  }
  auto t = task("$resp.body = 1");
  t.library = mock::script_source::of("[[\"f\",\"(() => { for (;;) {} })()\"]]");
  auto o = run(t);
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->fault, script_fault::time);
  EXPECT_NE(o.error->message.find("100 ms"), std::string::npos)
      << "by the worker itself: " << o.error->message;
  EXPECT_EQ(said("$resp.body = 1"), "1");
}

TEST_F(engine_test, functions_of_the_project_keep_nothing_between_requests) {
  for (const auto* function :
       {"function add($func) { add.n = (add.n || 0) + 1; return add.n }",
        "function add($func) { add.prototype.n = (add.prototype.n || 0) + 1; return 1 }",
        "function* add($func) { add.prototype.n = 1; yield 1 }",
        "async function add($func) { add.n = 1 }"}) {
    auto t = task("const made = $func.add(); $resp.body = made.next ? made.next() : await made");
    t.library = mock::script_source::of(std::string{R"([["add",")"} + function + "\"]]");
    for (int i = 0; i < 2; ++i) {
      auto o = run(t);
      ASSERT_TRUE(o.error) << function << " gives " << o.answer.body;
      EXPECT_EQ(o.error->fault, script_fault::thrown);
      EXPECT_NE(o.error->message.find("TypeError"), std::string::npos) << o.error->message;
    }
  }
}

TEST_F(engine_test, texts_may_have_any_character) {
  EXPECT_EQ(said("$resp.body = 'a\\u0000b\\ud83d\\ude00'"),
            (std::string{"a\0b", 3} + "\xf0\x9f\x98\x80"));
}

TEST_F(engine_test, what_is_too_large_for_a_frame_is_the_scripts_error_and_not_its_workers_end) {
  for (const auto* source : {"$resp.body = 'x'.repeat(7000000)", "$resp.headers = {a: 'x'.repeat(7000000)}", "$func.env.get('x'.repeat(7000000))",
                             "$func.error(400, {}, 'x'.repeat(7000000))"}) {
    auto o = run(source);
    ASSERT_TRUE(o.error) << source;
    EXPECT_EQ(o.error->fault, script_fault::thrown) << source;
    EXPECT_NE(o.error->message.find("larger than"), std::string::npos) << o.error->message;
  }
}

TEST_F(engine_test, what_the_server_would_kill_a_worker_for_is_the_scripts_error) {
  open(1);
  ASSERT_EQ(said("$resp.body = 1"), "1");
  for (const auto* source : {"for (let i = 0; i < 101; i++) $resp.headers['x-' + i] = '1'", "$resp.headers['x-a'] = Array(101).fill('1')",
                             "$resp.headers['x-a'] = 'x'.repeat(8193)", "$resp.headers['x-a'] = 'é'.repeat(4097)", "$resp.headers['x'.repeat(8193)] = '1'",
                             "$func.error(400, {'x-a': 'x'.repeat(8193)})"}) {
    auto o = run(source);
    ASSERT_TRUE(o.error) << source;
    EXPECT_EQ(o.error->fault, script_fault::thrown) << source;
    EXPECT_NE(o.error->message.find("limit script_header"), std::string::npos) << o.error->message;
  }
  EXPECT_FALSE(run("for (let i = 0; i < 99; i++) $resp.headers['x-' + i] = '1'; $resp.headers['x-a'] = 'x'.repeat(8192)").error);
  auto t = task("let n = 0; try { for (;;) { $func.env.get('x'); n++ } } catch (e) { $resp.body = [n, e.message] }");
  t.host = std::make_shared<test_host>([](std::string_view, std::string_view) -> events::outcome<std::string> { return "1"; });
  auto o = run(std::move(t));
  if (o.error) // 10,000 calls may take a slow machine more than the time that a script has
    EXPECT_EQ(o.error->fault, script_fault::time) << o.error->message;
  else
    EXPECT_EQ(o.answer.body, R"-([10000,"more calls than the limit script_calls (10000)"])-");
}

TEST_F(engine_test, code_from_texts_and_shared_memory_do_not_exist) {
  for (const auto* source : {"eval('1')", "new Function('1')", "(async () => {}).constructor('1')", "new WebAssembly.Memory({initial: 1})",
                             "new SharedArrayBuffer(8)", "Atomics.wait", "new WeakRef({})"}) {
    auto o = run(source);
    ASSERT_TRUE(o.error) << source;
    EXPECT_EQ(o.error->fault, script_fault::thrown) << source;
  }
}

TEST_F(engine_test, a_looping_sandbox_delays_others_by_no_more_than_their_turn) {
  // With one worker each waits for a loop that was there before it, and for no other of that sandbox.
  open(1);
  ASSERT_EQ(said("$resp.body = 1"), "1");
  constexpr int rounds = 10;
  int behind_more = 0;
  for (int i = 0; i < rounds; ++i) {
    std::atomic<int> ended{0};
    std::promise<void> all;
    constexpr int loops = 3;
    for (int n = 0; n < loops; ++n)
      engine_->run(task("for (;;) {}", "sbx_loop"), [&](const mock::script_outcome& o) {
        EXPECT_EQ(o.error ? o.error->fault : script_fault::thrown, script_fault::time);
        if (++ended == loops)
          all.set_value();
      });
    EXPECT_EQ(said("$resp.body = 1"), "1");
    behind_more += ended > 1 ? 1 : 0;
    all.get_future().wait();
  }
  EXPECT_EQ(behind_more, 0) << "it has waited for more than the one under way";
}

/// The workers of this process.
std::vector<pid_t> workers() {
  std::vector<pid_t> out;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    std::ifstream stat{entry.path() / "stat"}; // pid (name) state parent …
    pid_t id = 0, parent = 0;
    std::string name, state;
    if (stat >> id >> name >> state >> parent && parent == ::getpid() && name == "(hourglass-scrip)")
      out.push_back(id);
  }
  return out;
}

TEST_F(engine_test, workers_are_confined) {
  ASSERT_EQ(said("$resp.body = 1"), "1");
  const auto all = workers();
  ASSERT_FALSE(all.empty());
  for (auto id : all) {
    const auto folder = std::filesystem::path{"/proc"} / std::to_string(id);
    std::ifstream in{folder / "status"};
    const std::string status{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_NE(status.find("NoNewPrivs:\t1\n"), std::string::npos);
    EXPECT_NE(status.find("Seccomp:\t2\n"), std::string::npos) << "a filter of system calls";
    std::error_code none; // whose process it is may be hidden from us
    std::size_t open = 0;
    for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator{folder / "fd", none})
      ++open;
    EXPECT_LE(open, 5U) << "nothing but null, its socket, and its own figures";
  }
}

TEST_F(engine_test, a_worker_that_is_killed_from_outside_costs_nobody_an_answer) {
  ASSERT_EQ(said("$resp.body = 1"), "1");
  for (auto id : workers())
    ASSERT_EQ(::kill(id, SIGKILL), 0);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(said("$resp.body = 1"), "1");
}

TEST_F(engine_test, a_worker_that_stands_still_is_killed_and_replaced) {
  open(1, std::chrono::seconds{3}); // the next run is a slow sandbox's, and begins with a worker and a realm
  ASSERT_EQ(said("$resp.body = 1"), "1");
  for (auto id : workers())
    ASSERT_EQ(::kill(id, SIGSTOP), 0);
  auto o = run("$resp.body = 1");
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->fault, script_fault::time);
  EXPECT_EQ(said("$resp.body = 1"), "1");
}

TEST_F(engine_test, a_sandbox_that_was_slow_has_a_worker_of_its_kind_which_gives_way) {
  open(1, std::chrono::seconds{10});
  ASSERT_EQ(said("$resp.body = 1"), "1");
  const auto usual = workers();
  ASSERT_EQ(usual.size(), 1U);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(usual[0])), usual_nice);
  for (int i = 0; i < 2; ++i) {
    auto o = run(task("for (;;) {}", "sbx_loop"));
    ASSERT_TRUE(o.error);
    EXPECT_EQ(o.error->fault, script_fault::time);
  }
  const auto both = workers();
  ASSERT_EQ(both.size(), 2U);
  const auto slow = static_cast<id_t>(both[0] == usual[0] ? both[1] : both[0]);
  for (int i = 0; i < 1'000 && ::getpriority(PRIO_PROCESS, slow) != slow_nice; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{10}); // one that has just been started says so first
  EXPECT_EQ(::getpriority(PRIO_PROCESS, slow), slow_nice);
}

TEST_F(engine_test, nobody_quick_waits_for_those_that_are_slow) {
  open(1, std::chrono::seconds{60});
  ASSERT_TRUE(run(task("for (;;) {}", "sbx_slow")).error);
  std::promise<void> inside, open_gate, ended;
  auto gate = open_gate.get_future().share();
  auto slow = task("$func.env.get('x')", "sbx_slow");
  slow.host = std::make_shared<test_host>([&](std::string_view, std::string_view) -> events::outcome<std::string> {
    inside.set_value();
    gate.wait();
    return "1";
  });
  engine_->run(std::move(slow), [&](const mock::script_outcome&) { ended.set_value(); });
  inside.get_future().wait();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(said("$resp.body = 1"), "1") << "one worker serves those that were slow, and it is not ours";
  open_gate.set_value();
  ended.get_future().wait();
}

TEST_F(engine_test, a_host_that_throws_ends_its_run_and_nothing_else) {
  auto t = task("$func.env.get('x')");
  t.host = std::make_shared<test_host>([](std::string_view, std::string_view) -> events::outcome<std::string> { throw std::bad_alloc{}; });
  auto o = run(std::move(t));
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->fault, script_fault::died) << o.error->message;
  EXPECT_EQ(said("$resp.body = 1"), "1");
}

TEST_F(engine_test, a_script_that_waits_too_long_is_stopped_on_the_wall) {
  open(1, std::chrono::seconds{2});
  auto t = task("for (;;) $func.env.get('x')"); // costs the worker next to nothing
  t.host = std::make_shared<test_host>([](std::string_view, std::string_view) -> events::outcome<std::string> {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    return "1";
  });
  auto o = run(std::move(t));
  ASSERT_TRUE(o.error);
  EXPECT_EQ(o.error->fault, script_fault::time);
  EXPECT_EQ(said("$resp.body = 1"), "1");
}

TEST_F(engine_test, stopping_answers_everybody) {
  std::atomic<int> answered{0}, stopped{0};
  for (int i = 0; i < 40; ++i)
    engine_->run(task("for (;;) {}", "sbx_" + std::to_string(i)), [&](const mock::script_outcome& o) {
      ++answered;
      stopped += o.error && o.error->fault == script_fault::unavailable ? 1 : 0;
    });
  engine_->stop();
  EXPECT_EQ(answered, 40);
  EXPECT_GE(stopped, 38);
  EXPECT_EQ(run("1").error->fault, script_fault::unavailable);
}

TEST_F(engine_test, too_much_for_one_sandbox_is_refused_at_once) {
  std::atomic<int> overloaded{0}, answered{0};
  constexpr int many = 200;
  for (int i = 0; i < many; ++i)
    engine_->run(task("$resp.body = 1"), [&](const mock::script_outcome& o) {
      overloaded += o.error && o.error->fault == script_fault::overloaded ? 1 : 0;
      ++answered;
    });
  EXPECT_EQ(run(task("$resp.body = 1", "sbx_other")).answer.body, "1") << "nobody else is refused";
  engine_->stop();
  EXPECT_EQ(answered, many);
  EXPECT_GE(overloaded, many - static_cast<int>(limits::script_queue_per_sandbox) - 100) << "what was done meanwhile made room";
}

} // namespace

} // namespace hourglass::script
