#include "webhook/diagnosis.hpp"

#include "events/json_text.hpp"
#include "webhook/body_guesses.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;

constexpr std::int64_t at = 1614265330;
constexpr std::string_view sent = R"({"b": 1, "a": "x/y",  "n": [1, 2]})";

signing_key key(std::string_view text) { return signing_key::parse(text).value(); }
const signing_key mine = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), other = key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
const signing_key pair_of_mine = signing_key::generate({3}, key_kind::ed25519);

/// A webhook as it was sent, and the secret that its receiver has.
question sent_with(const signing_key& by, std::string_view body = sent, signature_profile p = signature_profile::standard) {
  question q;
  std::vector<signing_key> keys{by};
  q.headers = signature_headers(p, keys, "msg_1", "t", at, body);
  q.body = sent;
  q.now = at;
  q.suspects = {{by.for_receiver(), {}, true, false}};
  return q;
}

finding found(const question& q) { return diagnose(q).found; }

http::field& header(question& q, std::string_view name) {
  for (auto& h : q.headers)
    if (h.name == name)
      return h;
  return q.headers.emplace_back(http::field{std::string{name}, {}});
}

TEST(diagnosis, a_good_signature_is_valid_in_every_profile) {
  for (auto p : {signature_profile::standard, signature_profile::stripe, signature_profile::github, signature_profile::shopify, signature_profile::slack}) {
    auto d = diagnose(sent_with(mine, sent, p));
    EXPECT_EQ(d.found, finding::valid) << to_string(p) << d.detail;
    EXPECT_EQ(d.profile, p) << "seen from the headers";
  }
  EXPECT_EQ(diagnose(sent_with(pair_of_mine)).scheme, "v1a");
}

TEST(diagnosis, svix_names_do_when_there_are_no_others) {
  auto q = sent_with(mine);
  std::erase_if(q.headers, [](const http::field& h) { return h.name.starts_with("webhook-"); });
  EXPECT_EQ(found(q), finding::valid);
}

TEST(diagnosis, a_missing_header_is_named) {
  for (std::string name : {"id", "timestamp", "signature"}) {
    auto q = sent_with(mine);
    header(q, "webhook-" + name).value = " ";
    auto d = diagnose(q);
    EXPECT_EQ(d.found, finding::missing_header);
    EXPECT_NE(d.detail.find("webhook-" + name), std::string::npos) << d.detail;
  }
  question none;
  none.suspects = {{mine.to_string(), {}, true, false}};
  EXPECT_EQ(found(none), finding::missing_header);
}

TEST(diagnosis, time_is_judged_by_the_tolerance_and_only_a_number_is_one) {
  auto q = sent_with(mine);
  q.now = at + 300;
  EXPECT_EQ(found(q), finding::valid);
  q.now = at + 301;
  EXPECT_EQ(found(q), finding::too_old);
  q.now = at - 301;
  EXPECT_EQ(found(q), finding::too_new);
  EXPECT_EQ(diagnose(q).timestamp, at);
  header(q, "webhook-timestamp").value = "2021-02-25T15:02:10Z";
  EXPECT_EQ(found(q), finding::bad_timestamp);
  auto github = sent_with(mine, sent, signature_profile::github);
  github.now = at * 2;
  EXPECT_EQ(found(github), finding::valid) << "GitHub signs no time";
}

TEST(diagnosis, a_wrong_signature_that_is_also_old_says_both) {
  auto q = sent_with(mine);
  q.suspects = {{other.to_string(), {}, true, false}};
  q.now = at + 4000;
  auto d = diagnose(q);
  EXPECT_EQ(d.found, finding::no_match);
  ASSERT_EQ(d.also.size(), 1U);
  EXPECT_NE(d.also[0].find("4000 s in the past"), std::string::npos) << d.also[0];
}

TEST(diagnosis, a_wrong_prefix_or_encoding_is_told) {
  auto says = [](signature_profile p, std::string value, std::string_view word) {
    auto q = sent_with(mine, sent, p);
    header(q, signature_header(p)).value = std::move(value);
    auto d = diagnose(q);
    EXPECT_EQ(d.found, finding::bad_signature_format) << d.detail;
    EXPECT_NE(d.detail.find(word), std::string::npos) << d.detail;
  };
  std::string hex(64, 'a'), base64 = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  says(signature_profile::standard, base64, "without its prefix");
  says(signature_profile::standard, "v1," + hex, "in hex");
  says(signature_profile::standard, "v1=" + base64, "`v1,`");
  says(signature_profile::standard, "v2," + base64, "`v1,`");
  says(signature_profile::github, hex, "without its prefix");
  says(signature_profile::github, "sha256=" + base64, "in base64");
  says(signature_profile::github, "sha1=" + std::string(40, 'a'), "SHA-1");
  says(signature_profile::slack, "v1=" + hex, "`v0=`");
  says(signature_profile::shopify, hex, "in hex");
  says(signature_profile::stripe, "v1=" + hex, "`t=`");
  says(signature_profile::stripe, "t=5,v0=" + hex, "`v1=`");
}

TEST(diagnosis, a_secret_that_is_none_is_told_and_not_shown) {
  auto q = sent_with(mine);
  q.suspects = {{"whsec_not-a-secret!", {}, true, false}};
  auto d = diagnose(q);
  EXPECT_EQ(d.found, finding::bad_secret);
  EXPECT_EQ(d.detail.find("not-a-secret"), std::string::npos);
  q.suspects.clear();
  EXPECT_EQ(found(q), finding::bad_secret);
}

TEST(diagnosis, the_wrong_type_of_secret_is_told) {
  auto q = sent_with(mine);
  q.suspects = {{pair_of_mine.for_receiver(), {}, true, false}};
  EXPECT_EQ(found(q), finding::wrong_secret_type);
  q = sent_with(pair_of_mine);
  q.suspects = {{mine.to_string(), {}, true, false}};
  EXPECT_EQ(found(q), finding::wrong_secret_type);
}

TEST(diagnosis, an_ended_secret_and_that_of_another_endpoint_are_told_apart) {
  auto q = sent_with(other);
  q.suspects = {{mine.to_string(), "ep_mine", true, false}, {other.to_string(), "ep_mine", true, true}};
  EXPECT_EQ(found(q), finding::expired_secret);
  q.suspects[1] = {other.to_string(), "ep_other", false, false};
  auto d = diagnose(q);
  EXPECT_EQ(d.found, finding::other_endpoint);
  EXPECT_EQ(d.destination, "ep_other");
}

TEST(diagnosis, a_secret_that_was_not_decoded_or_was_when_it_must_not_is_told) {
  auto q = sent_with(mine);
  auto text = mine.to_string();
  for (auto wrong_key : {text, text.substr(6)}) {
    auto made = "v1," + [&] {
      auto h = mac(wrong_key, {"msg_1", ".", std::to_string(at), ".", sent});
      return events::to_base64(events::as_text(h));
    }();
    header(q, "webhook-signature").value = made;
    EXPECT_EQ(found(q), finding::secret_not_decoded);
  }
  auto stripe = sent_with(mine, sent, signature_profile::stripe);
  for (auto wrong_key : {std::string{mine.bytes()}, text.substr(6)}) {
    header(stripe, "Stripe-Signature").value = "t=5,v1=" + imitated_signature(signature_profile::stripe, wrong_key, "5", sent);
    stripe.now = 5;
    EXPECT_EQ(found(stripe), finding::secret_not_decoded);
  }
}

TEST(diagnosis, each_usual_change_of_the_body_is_recognised) {
  const std::string text{sent};
  struct change {
    std::string signed_body, arrived;
    std::string_view word;
  };
  for (const auto& c : std::vector<change>{{text + "\n", text, "newline at its end was taken away"},
                                           {text, text + "\n", "added at its end"},
                                           {text, "  " + text + "\n", "added around it"},
                                           {"{\n\"a\":1\n}", "{\r\n\"a\":1\r\n}", "LF to CR LF"},
                                           {"{\r\n\"a\":1\r\n}", "{\n\"a\":1\n}", "CR LF to LF"},
                                           {text, "\xef\xbb\xbf" + text, "byte order mark"},
                                           {R"({"b":1,"a":"x/y","n":[1,2]})", text, "no white space"},
                                           {R"({"b": 1, "a": "x, y:", "n": [1, 2]})", R"({"b":1,"a":"x, y:","n":[1,2]})", "Python"},
                                           {R"({"b":1,"a":"x\/y","n":[1,2]})", text, "PHP"},
                                           {R"({"a":"x/y","b":1,"n":[1,2]})", text, "alphabetical"},
                                           {"{\n  \"b\": 1\n}", R"({"b":1})", "indented"},
                                           {R"({"a":"\u00e9"})", "{\"a\":\"\xc3\xa9\"}", "\\u escapes"},
                                           {R"({"b":1})", R"("{\"b\":1}")", "second time"}}) {
    for (const auto& by : {mine, pair_of_mine}) {
      auto q = sent_with(by, c.signed_body);
      q.body = c.arrived;
      auto d = diagnose(q);
      EXPECT_EQ(d.found, finding::body_changed) << c.arrived;
      EXPECT_NE(d.body_change.find(c.word), std::string::npos) << c.arrived << ": " << d.body_change;
    }
  }
}

TEST(diagnosis, another_body_altogether_is_no_match) {
  auto q = sent_with(mine);
  q.body = "{}";
  EXPECT_EQ(found(q), finding::no_match);
}

TEST(diagnosis, many_secrets_and_a_large_body_end_and_say_so) {
  auto q = sent_with(mine);
  q.body = std::string(1024 * 1024, 'x');
  for (std::uint8_t i = 0; i < 200; ++i)
    q.suspects.push_back({signing_key::generate({i, 1}).to_string(), "ep_x", false, false});
  auto d = diagnose(q);
  EXPECT_EQ(d.found, finding::no_match);
  ASSERT_FALSE(d.also.empty());
  EXPECT_NE(d.also.back().find("not every secret"), std::string::npos);
}

TEST(diagnosis, a_body_too_deep_for_json_is_only_guessed_as_text) {
  for (const auto& guess : guess_bodies(std::string(100'000, '[')))
    EXPECT_EQ(guess.change.find("JSON"), std::string_view::npos);
}

TEST(diagnosis, as_json_it_has_everything) {
  auto j = nlohmann::json::parse(to_json(diagnose(sent_with(mine))));
  EXPECT_EQ(j, nlohmann::json::parse(R"({"valid":true,"reason":"valid","detail":"the signature holds","profile":"standard","scheme":"v1","body_change":null,"endpoint":null,
                                         "timestamp":1614265330,"also":[]})"));
}

} // namespace
