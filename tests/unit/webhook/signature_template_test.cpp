#include "webhook/diagnosis.hpp"
#include "webhook/inputs.hpp"
#include "webhook/message_content.hpp"
#include "webhook/signature_template.hpp"

#include "events/json_text.hpp"
#include "world.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

constexpr std::string_view body = R"({"a":1})";
constexpr std::int64_t at = 1'700'000'000;

signature_template made(const json& from) {
  auto out = signature_template::compile(from);
  EXPECT_TRUE(out) << from << ": " << out.error().where << " " << out.error().detail;
  return out.value_or(signature_template{});
}

std::string wrong(const json& from) {
  auto out = signature_template::compile(from);
  EXPECT_FALSE(out) << from;
  return out ? "" : out.error().where;
}

std::vector<signing_key> keys(std::initializer_list<const char*> texts) {
  std::vector<signing_key> out;
  for (const auto* text : texts)
    out.push_back(signing_key::parse_text(text).value());
  return out;
}

std::string hex_mac(std::string_view key, std::string_view text, const EVP_MD* how = EVP_sha256()) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(how, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return events::to_hex({reinterpret_cast<const char*>(out), size});
}

finding judge(const signature_template& t, http::fields headers, std::string text = std::string{body}, const char* secret = "a secret key") {
  question q;
  q.profile = signature_profile::custom;
  q.signing = t;
  q.headers = std::move(headers);
  q.body = std::move(text);
  q.suspects = {{secret, {}, true, false}};
  q.now = at + 10;
  return diagnose(q).found;
}

TEST(signature_template, says_what_is_signed_and_how_it_is_shown) {
  const auto t = made({{"header", "X-Acme-Signature"}});
  const auto h = t.headers(keys({"a secret key"}), "msg_1", "a.b", at, body);
  EXPECT_EQ(http::find(h, "webhook-id"), "msg_1");
  EXPECT_EQ(http::find(h, "x-acme-signature"), "t=1700000000,v1=" + hex_mac("a secret key", "1700000000." + std::string{body}));
  const auto plain = made({{"header", "X-Sig"}, {"signed", "{{body}}"}, {"value", "sha512={{signature}}"}, {"algorithm", "sha512"}});
  EXPECT_EQ(http::find(plain.headers(keys({"a secret key"}), "m", "t", at, body), "x-sig"), "sha512=" + hex_mac("a secret key", body, EVP_sha512()));
  const auto rich = made({{"header", "X-Sig"},
                          {"signed", "{{id}}|{{timestamp_ms}}|{{type}}|{{body}}"},
                          {"value", "{{signatures}}"},
                          {"separator", " "},
                          {"headers", {{"X-Time", "{{timestamp_ms}}"}, {"X-Type", "type={{type}};"}}}});
  const auto r = rich.headers(keys({"the newest one", "the older one"}), "msg_1", "a.b", at, body);
  const auto text = "msg_1|1700000000000|a.b|" + std::string{body};
  EXPECT_EQ(http::find(r, "x-sig"), hex_mac("the newest one", text) + " " + hex_mac("the older one", text));
  EXPECT_EQ(http::find(r, "x-time"), "1700000000000");
  EXPECT_EQ(http::find(r, "x-type"), "type=a.b;");
  EXPECT_TRUE(rich.sets("x-TYPE"));
  EXPECT_FALSE(rich.sets("x-other"));
}

TEST(signature_template, that_nobody_could_verify_or_send_is_refused_with_its_place) {
  EXPECT_EQ(wrong(json::object()), "/signatureTemplate/header");
  EXPECT_EQ(wrong({{"header", "bad name"}}), "/signatureTemplate/header");
  EXPECT_EQ(wrong({{"header", "webhook-signature"}}), "/signatureTemplate/header");
  EXPECT_EQ(wrong({{"header", "Content-Length"}}), "/signatureTemplate/header");
  EXPECT_EQ(wrong({{"header", "X"}, {"signed", "no body"}}), "/signatureTemplate/signed");
  EXPECT_EQ(wrong({{"header", "X"}, {"signed", "{{body}}{{body}}"}}), "/signatureTemplate/signed");
  EXPECT_EQ(wrong({{"header", "X"}, {"signed", "{{body}}{{secret}}"}}), "/signatureTemplate/signed");
  EXPECT_EQ(wrong({{"header", "X"}, {"signed", "{{body}}{{timestamp"}}), "/signatureTemplate/signed");
  EXPECT_EQ(wrong({{"header", "X"}, {"signed", "{{type}}.{{body}}"}}), "/signatureTemplate/signed") << "no header tells the type";
  EXPECT_EQ(wrong({{"header", "X"}, {"signed", "{{timestamp}}.{{body}}"}, {"value", "{{signature}}"}}), "/signatureTemplate/signed");
  EXPECT_EQ(wrong({{"header", "X"}, {"value", "t={{timestamp}}"}}), "/signatureTemplate/value");
  EXPECT_EQ(wrong({{"header", "X"}, {"value", "{{timestamp}}{{signature}}"}}), "/signatureTemplate/value");
  EXPECT_EQ(wrong({{"header", "X"}, {"value", "{{body}} {{signature}}"}}), "/signatureTemplate/value");
  EXPECT_EQ(wrong({{"header", "X"}, {"value", "a\r\nB: {{signature}}"}}), "/signatureTemplate/value");
  EXPECT_EQ(wrong({{"header", "X"}, {"algorithm", "md5"}}), "/signatureTemplate/algorithm");
  EXPECT_EQ(wrong({{"header", "X"}, {"encoding", "hexx"}}), "/signatureTemplate/encoding");
  EXPECT_EQ(wrong({{"header", "X"}, {"separator", "a"}}), "/signatureTemplate/separator");
  EXPECT_EQ(wrong({{"header", "X"}, {"toleranceSeconds", 0}}), "/signatureTemplate/toleranceSeconds");
  EXPECT_EQ(wrong({{"header", "X"}, {"headers", {{"x", "again"}}}}), "/signatureTemplate/headers/x");
  EXPECT_EQ(wrong({{"header", "X"}, {"headers", {{"Host", "a"}}}}), "/signatureTemplate/headers/Host");
  EXPECT_EQ(wrong({{"header", "X"}, {"headers", {{"Y", "{{signature}}"}}}}), "/signatureTemplate/headers/Y");
  EXPECT_EQ(wrong({{"header", "X"}, {"headers", {{"A", ""}, {"B", ""}, {"C", ""}, {"D", ""}, {"E", ""}, {"F", ""}}}}), "/signatureTemplate/headers");
  EXPECT_EQ(wrong({{"header", "X"}, {"surprise", 1}}), "/signatureTemplate/surprise");
  EXPECT_EQ(wrong({{"header", "X"}, {"signed", std::string(600, 'x')}}), "/signatureTemplate/signed");
}

TEST(signature_template, is_diagnosed_as_the_others_are) {
  for (const auto& from : {json{{"header", "X-Sig"}}, json{{"header", "X-Sig"}, {"signed", "{{body}}"}, {"value", "v={{signature}};"}, {"encoding", "base64"}},
                           json{{"header", "X-Sig"},
                                {"signed", "{{id}}.{{timestamp_ms}}.{{type}}.{{body}}"},
                                {"value", "{{signatures}}"},
                                {"encoding", "base64url"},
                                {"headers", {{"X-Time", "{{timestamp_ms}}"}, {"X-Type", "{{type}}"}}}}}) {
    const auto t = made(from);
    const auto good = t.headers(keys({"another secret", "a secret key"}), "msg_1", "a.b", at, body);
    const auto own = t.headers(keys({"a secret key"}), "msg_1", "a.b", at, body);
    EXPECT_EQ(judge(t, own), finding::valid) << from;
    const bool several = t.text().find("signatures") != std::string::npos;
    EXPECT_EQ(judge(t, good), several ? finding::valid : finding::no_match) << from;
    EXPECT_EQ(judge(t, own, R"({ "a": 1 })"), finding::body_changed) << from;
    EXPECT_EQ(judge(t, own, "something else"), finding::no_match) << from;
    EXPECT_EQ(judge(t, own, std::string{body}, "not the secret"), finding::no_match) << from;
    EXPECT_EQ(judge(t, {{"webhook-id", "msg_1"}}), finding::missing_header) << from;
    auto odd = own;
    odd.back().value = "?";
    EXPECT_EQ(judge(t, odd), several ? finding::no_match : finding::bad_signature_format) << from;
  }
  const auto t = made({{"header", "X-Sig"}});
  EXPECT_EQ(judge(t, t.headers(keys({"a secret key"}), "m", "t", at - 1'000, body)), finding::too_old);
  EXPECT_EQ(judge({}, {}), finding::missing_header) << "custom without its template";
}

TEST(signature_template, stays_with_its_endpoint_over_a_restart_and_goes_with_every_attempt) {
  world w;
  auto c = read_endpoint_in(R"({"url":"http://a.test/","secret":"a secret key","signatureTemplate":{"header":"X-Sig"},"bodyFormat":"form"})");
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->value.profile, signature_profile::custom);
  auto out = json::parse(w.run(*c)->reply);
  EXPECT_EQ(out["signatureProfile"], "custom");
  EXPECT_EQ(out["signatureTemplate"]["value"], "t={{timestamp}},v1={{signature}}");
  EXPECT_EQ(out["bodyFormat"], "form");
  const auto id = out["id"].get<std::string>();
  auto again = restore(snapshot(w.live));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again->find(id), *w.live.find(id));
  outbox_state folded;
  for (const auto& [header, payload] : w.log)
    ASSERT_TRUE(apply(folded, header, payload));
  EXPECT_EQ(snapshot(folded), snapshot(w.live));
  create_message m;
  m.event_type = "a.b";
  m.payload = body;
  ASSERT_TRUE(w.run(m));
  auto due = take_due(w.live, w.now, 10);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_TRUE(due[0].form);
  EXPECT_EQ(due[0].signing, w.live.find(id)->signing);
  EXPECT_EQ(due[0].profile, signature_profile::custom);

  auto patch = [&](const char* text) {
    auto p = read_endpoint_patch(text);
    EXPECT_TRUE(p) << text;
    p->id = id;
    return w.run(*p);
  };
  ASSERT_TRUE(patch(R"({"description":"x"})"));
  EXPECT_FALSE(w.live.find(id)->signing.empty());
  EXPECT_FALSE(patch(R"({"headers":{}})").has_value() && w.live.find(id)->signing.empty());
  EXPECT_FALSE(patch(R"({"signatureProfile":"custom","signatureTemplate":null})")) << "custom wants a template";
  ASSERT_TRUE(patch(R"({"signatureProfile":"stripe"})"));
  EXPECT_TRUE(w.live.find(id)->signing.empty());
  ASSERT_TRUE(patch(R"({"bodyFormat":null})"));
  EXPECT_FALSE(w.live.find(id)->form);
  EXPECT_FALSE(read_endpoint_in(R"({"url":"http://a.test/","bodyFormat":"xml"})"));
  auto mixed = read_endpoint_in(R"({"url":"http://a.test/","signatureProfile":"github","signatureTemplate":{"header":"X-Sig"}})");
  ASSERT_TRUE(mixed);
  EXPECT_EQ(w.refused(*mixed), errc::invalid);
  auto taken = read_endpoint_in(R"({"url":"http://a.test/","signatureTemplate":{"header":"X-Sig"},"headers":{"x-sig":"mine"}})");
  ASSERT_TRUE(taken);
  EXPECT_EQ(w.refused(*taken), errc::invalid) << "what signs is set by nobody else";
}

} // namespace
