#include "script/protocol.hpp"

#include "mock/script_limits.hpp"
#include "script/frame.hpp"

#include <gtest/gtest.h>

#include <array>

namespace hourglass::script {

namespace {

using texts = std::array<std::string, done_parts>;

texts good() { return {"ok", "0", "201", R"([["x-a","1"]])", "json", R"({"a":1})", "", "", "0", "0", ""}; }

std::string packed(const texts& t) {
  std::string out;
  for (const auto& one : t)
    write_text(out, one);
  return out;
}

texts with(done_part part, std::string value) {
  auto t = good();
  t[static_cast<std::size_t>(part)] = std::move(value);
  return t;
}

TEST(worker_ending, reads) {
  auto e = read_ending(packed(good()));
  ASSERT_TRUE(e) << e.error().detail;
  EXPECT_FALSE(e->tired);
  EXPECT_FALSE(e->outcome.error);
  EXPECT_EQ(e->outcome.answer.status, 201U);
  EXPECT_EQ(e->outcome.answer.headers, (mock::fields{{"x-a", "1"}}));
  EXPECT_EQ(e->outcome.answer.body, R"({"a":1})");
  EXPECT_TRUE(e->outcome.json);
  EXPECT_TRUE(e->outcome.has_body);
}

TEST(worker_ending, reads_an_error_with_its_place) {
  auto t = good();
  t[0] = "thrown";
  t[1] = "1";
  t[7] = "TypeError: x";
  t[8] = "3";
  t[9] = "14";
  t[10] = "f@handler:3:14";
  auto e = read_ending(packed(t));
  ASSERT_TRUE(e);
  EXPECT_TRUE(e->tired);
  EXPECT_EQ(e->outcome.error, (mock::script_error{mock::script_fault::thrown, "TypeError: x", 3, 14, "f@handler:3:14"}));
}

TEST(worker_ending, of_a_worker_that_was_taken_over_is_not_believed) {
  for (const auto& t : {with(done_part::ended, "well"), with(done_part::ended, "overloaded"), with(done_part::status, "99"), with(done_part::status, "600"),
                        with(done_part::status, "2e2"), with(done_part::headers, "{}"), with(done_part::headers, R"([["a"]])"),
                        with(done_part::headers, R"([["a",1]])"), with(done_part::form, "xml"), with(done_part::body, "\xff"),
                        with(done_part::body, std::string(limits::script_answer_bytes + 1, 'x')), with(done_part::console, "x")})
    EXPECT_FALSE(read_ending(packed(t))) << t[0] << ' ' << t[2] << ' ' << t[3];
  EXPECT_FALSE(read_ending(""));
  EXPECT_FALSE(read_ending(packed(good()) + "x"));
}

TEST(worker_ending, console_has_known_levels_and_bounded_lines) {
  auto console = [](std::initializer_list<std::string> lines) {
    std::string out;
    for (const auto& l : lines)
      write_text(out, l);
    return read_ending(packed(with(done_part::console, out)));
  };
  auto e = console({"log", "hello", "error", "oh"});
  ASSERT_TRUE(e);
  EXPECT_EQ(e->outcome.console, (std::vector<mock::console_line>{{"log", "hello"}, {"error", "oh"}}));
  EXPECT_FALSE(console({"shout", "hello"}));
  EXPECT_FALSE(console({"log"}));
  EXPECT_FALSE(console({"log", "\xff"}));
  EXPECT_FALSE(console({"log", std::string(2 * limits::console_line_bytes, 'x')}));
}

TEST(worker_call, has_a_name_and_arguments_in_utf8) {
  auto call = [](std::string_view name, std::string_view arguments) {
    std::string out;
    write_text(out, name);
    write_text(out, arguments);
    return out;
  };
  const auto fine = call("mock.find", "[1]");
  auto c = read_call(fine);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->name, "mock.find");
  EXPECT_EQ(c->arguments, "[1]");
  EXPECT_FALSE(read_call(call("", "[]")));
  EXPECT_FALSE(read_call(call(std::string(65, 'a'), "[]")));
  EXPECT_FALSE(read_call(call("a", "\xff")));
  EXPECT_FALSE(read_call("a"));
}

} // namespace

} // namespace hourglass::script
