// The hostile scripts of ../shared/reference/spidermonkey/probes.h, looked for beside the checkout. Each must end with an answer or a clear error,
// and a healthy script of another sandbox must get its answer after each.
#include "engine_fixture.hpp"
#include "tests/support/hostile_scripts.hpp"
#include "tests/support/reference_data.hpp"

#include <iostream>
#include <map>

namespace hourglass::script {

namespace {

TEST_F(engine_test, every_hostile_script_ends_and_a_healthy_one_answers_after_it) {
  const auto text = test::reference_text("reference/spidermonkey/probes.h");
  if (text.empty())
    GTEST_SKIP() << "no probes.h beside the checkout";
  const auto all = test::hostile_scripts(text);
  ASSERT_EQ(all.size(), 68U);
  std::map<std::string, int> ends;
  for (const auto& p : all) {
    auto o = run(task(p.source, "sbx_hostile"));
    ends[o.error ? std::string{mock::to_string(o.error->fault)} : "answered"]++;
    if (o.error) {
      EXPECT_FALSE(o.error->message.empty()) << p.name;
      EXPECT_NE(o.error->fault, mock::script_fault::unavailable) << p.name;
      EXPECT_NE(o.error->fault, mock::script_fault::overloaded) << p.name;
    }
    auto healthy = run(task("$resp.body = {ok: $req.method}", "sbx_healthy"));
    ASSERT_FALSE(healthy.error) << "after " << p.name << ": " << healthy.error->message;
    EXPECT_EQ(healthy.answer.body, R"({"ok":"GET"})") << "after " << p.name;
  }
  for (const auto& [how, count] : ends)
    std::cout << how << ": " << count << '\n';
  EXPECT_LE(ends["answered"], 8) << "nearly all of them must have been stopped";
}

} // namespace

} // namespace hourglass::script
