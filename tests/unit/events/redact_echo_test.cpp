#include "events/redact.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hourglass::events;

const redactor node{{7}};

/// What an answer's text becomes after a request with this JSON body.
std::string after_body(std::string_view body, std::string_view text) {
  redact_echo seen;
  (void)node.body("application/json", body, &seen);
  return seen.replace(text);
}

TEST(redact_echo, is_empty_when_nothing_was_redacted) {
  redact_echo seen;
  (void)node.header("accept", "text/html", &seen);
  (void)node.target("/a?b=cdefghij", &seen);
  (void)node.body("application/json", R"({"a":"bcdefghij"})", &seen);
  EXPECT_TRUE(seen.empty());
}

TEST(redact_echo, knows_what_a_header_a_query_and_a_body_lost) {
  redact_echo seen;
  (void)node.header("authorization", "Bearer sesame-1", &seen);
  (void)node.target("/x?token=se%20same-2", &seen);
  (void)node.body("application/json", R"({"password":"sesame-3"})", &seen);
  EXPECT_EQ(seen.replace("a sesame-1 b Bearer sesame-1 c se same-2 d se%20same-2 e sesame-3 f"),
            "a " + node.token("sesame-1") + " b Bearer " + node.token("sesame-1") + " c " + node.token("se same-2") + " d " +
                node.token("se same-2") + " e " + node.token("sesame-3") + " f");
  EXPECT_TRUE(seen.occurs_in("xsesame-3x"));
  EXPECT_FALSE(seen.occurs_in("sesame"));
}

TEST(redact_echo, knows_the_password_that_basic_credentials_say_in_other_letters) {
  redact_echo seen;
  (void)node.header("authorization", "Basic bWU6c2VzYW1lLTQ=", &seen); // me:sesame-4
  EXPECT_EQ(seen.replace("you said sesame-4, me"), "you said " + node.token("sesame-4") + ", me");
}

TEST(redact_echo, finds_the_piece_of_a_value_in_which_a_text_was_cut) {
  redact_echo seen;
  seen.note("sesame-open-5", "[1]");
  seen.note("sesame-other", "[2]");
  EXPECT_EQ(seen.before_cut("said sesame-op"), 5u);
  EXPECT_EQ(seen.before_cut("said sesame"), 5u);
  EXPECT_EQ(seen.before_cut("said sesam"), 10u) << "shorter than what is looked for";
  EXPECT_EQ(seen.before_cut("said sesame-op."), 15u);
  EXPECT_EQ(seen.before_cut("sesame-ot"), 0u);
}

TEST(redact_echo, finds_a_value_that_was_escaped_for_json) {
  const auto token = node.token("sesa\"me\n");
  EXPECT_EQ(after_body(R"({"password":"sesa\"me\n"})", R"({"said":"sesa\"me\n"})"), R"({"said":")" + token + "\"}");
  EXPECT_EQ(after_body(R"({"password":"sesa\"me\n"})", "plain sesa\"me\n."), "plain " + token + ".");
}

TEST(redact_echo, a_whole_body_takes_short_secrets_with_it) {
  const auto token = node.token("x");
  EXPECT_EQ(after_body(R"({"password":"x"})", R"({"got":"{\"password\":\"x\"}"})"), R"({"got":"{\"password\":\")" + token + R"(\"}"})");
  EXPECT_EQ(after_body(R"({"password":"x"})", "x y x"), "x y x") << "so short a text stands everywhere by chance";
}

TEST(redact_echo, a_number_gets_quotes_where_it_had_none) {
  const auto token = node.token("4111111111111111");
  EXPECT_EQ(after_body(R"({"card_number":4111111111111111})", R"({"n":4111111111111111,"m":14111111111111111,"t":"no 4111111111111111"})"),
            R"({"n":")" + token + R"(","m":1)" + token + R"(,"t":"no )" + token + "\"}");
}

TEST(redact_echo, replaces_the_longest_and_never_looks_at_what_it_put_in) {
  redact_echo seen;
  (void)node.header("x-token", "redacted", &seen);
  (void)node.header("x-secret", "redacted-and-more", &seen);
  EXPECT_EQ(seen.replace("redacted-and-more redacted"), node.token("redacted-and-more") + " " + node.token("redacted"));
}

TEST(redact_echo, leaves_a_token_that_stands_there_already_whole) {
  redact_echo seen;
  (void)node.header("x-token", "sesame-1", &seen);
  (void)node.header("x-secret", "redacted", &seen);
  const auto there = node.token("sesame-1");
  (void)node.header("x-api-key", there.substr(11, 8), &seen); // its digits, by chance
  (void)node.header("x-password", "x[redacted", &seen);       // ends within it
  EXPECT_EQ(seen.replace("x" + there + " redacted"), "x" + there + " " + node.token("redacted"));
  auto twice = seen.replace("sesame-1 redacted");
  EXPECT_EQ(seen.replace(twice), twice);
  EXPECT_EQ(seen.replace("[redacted:0123"), "[" + node.token("redacted") + ":0123") << "that is none";
}

TEST(redact_echo, one_that_is_told_many_times_pushes_no_other_out) {
  redact_echo seen;
  for (std::size_t i = 0; i <= redact_echo::most; ++i)
    (void)node.header("x-token", "sesame-1", &seen);
  (void)node.header("x-token", "sesame-2", &seen);
  EXPECT_EQ(seen.replace("sesame-2"), node.token("sesame-2"));
}

TEST(redact_echo, keeps_a_bounded_number_of_values_and_the_whole_all_the_same) {
  std::string body = "{";
  for (int i = 0; i < 100; ++i)
    body += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "_token\":\"sesame-" + std::to_string(100 + i) + "\"";
  body += "}";
  EXPECT_EQ(after_body(body, "sesame-100"), node.token("sesame-100"));
  EXPECT_EQ(after_body(body, "sesame-199"), "sesame-199");
  EXPECT_EQ(after_body(body, "<" + body + ">").find("sesame"), std::string::npos);
}

TEST(redact_echo, a_replay_takes_the_tokens_of_its_record) {
  const auto token = node.token("sesame-1");
  EXPECT_EQ(node.as_in("a " + token + " b " + token, "a sesame-1 b sesame-1"), "a " + token + " b " + token);
  EXPECT_EQ(node.as_in("a " + token, "a sesame-2"), "a sesame-2") << "another text stays another text";
  EXPECT_EQ(node.as_in("a " + token, "b sesame-1"), "b sesame-1");
  EXPECT_EQ(node.as_in("a [redacted:", "a sesame-1"), "a sesame-1");
  EXPECT_EQ(node.as_in(token, ""), "");
  EXPECT_EQ(node.as_in(token + "x", token + "y"), token + "y");
}

TEST(redaction, the_number_of_a_card_is_known_by_its_check_digit_below_card) {
  auto in_json = [](std::string_view body) { return node.body("application/json", body); };
  EXPECT_EQ(in_json(R"({"card":"4111 1111 1111 1111"})"), R"({"card":")" + node.token("4111 1111 1111 1111") + "\"}");
  EXPECT_EQ(in_json(R"({"creditCard":{"no":4111111111111111}})"), R"({"creditCard":{"no":")" + node.token("4111111111111111") + "\"}}");
  for (std::string_view plain : {R"({"card":"4111111111111112"})", R"({"card":"visa"})", R"({"order":"4111111111111111"})",
                                 R"({"card":"411111111111"})", R"({"card":["x",1,null]})"})
    EXPECT_EQ(in_json(plain), plain);
}

} // namespace
