#include "mock/outbound.hpp"

#include "mock/outbound_limits.hpp"
#include "mock/serve.hpp"
#include "support.hpp"

namespace hourglass::mock {
namespace {

outbound_call call_to(std::string url, std::string body = {}) {
  outbound_call out;
  out.method = body.empty() ? "GET" : "POST";
  out.url = std::move(url);
  if (!body.empty())
    out.headers.push_back({"content-type", "application/json"});
  out.body = std::move(body);
  out.timeout = limits::outbound_call_time;
  return out;
}

outbound_outcome answer(std::string body, unsigned status = 200) {
  outbound_outcome out;
  out.status = status;
  out.headers.push_back({"Content-Type", "application/json"});
  out.body = std::move(body);
  out.took_us = 17;
  return out;
}

class outbound : public testing::Test {
protected:
  std::string written(const made_calls& calls) {
    std::string out;
    events::json_text j{out};
    write_calls(j, calls, redactor, seen);
    return out;
  }
  std::shared_ptr<const made_calls> as_read(const made_calls& calls) { return read_calls(parse_json(written(calls)).value()); }

  const events::redactor redactor = test_redactor();
  events::redact_echo seen;
};

TEST_F(outbound, what_is_written_down_reads_back) {
  auto failed = outbound_outcome::failed("timeout", "it took too long");
  outbound_call pause;
  pause.kind = outbound_kind::delay;
  pause.timeout = std::chrono::milliseconds{20};
  auto binary = answer(std::string{"\xff\x00\x01", 3});
  binary.headers = {{"X-Odd", "\xff"}};
  auto calls = with_round(nullptr, {call_to("http://a.test/1"), call_to("http://a.test/2", R"({"n":1})"), pause}, {answer("{}", 404), failed, {}});
  calls = with_round(calls, {call_to("http://a.test/3")}, {binary});
  const auto again = as_read(*calls);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto &a = (*calls)[i], &b = (*again)[i];
    EXPECT_EQ(a.call.kind, b.call.kind);
    EXPECT_EQ(a.call.method.empty() || a.call.kind == outbound_kind::delay ? b.call.method : a.call.method, b.call.method);
    EXPECT_EQ(a.call.url, b.call.url);
    EXPECT_EQ(a.call.headers, b.call.headers);
    EXPECT_EQ(a.call.body, b.call.body);
    EXPECT_EQ(a.outcome.error, b.outcome.error);
    EXPECT_EQ(a.outcome.message, b.outcome.message);
    EXPECT_EQ(a.outcome.status, b.outcome.status);
    EXPECT_EQ(a.outcome.headers, b.outcome.headers);
    EXPECT_EQ(a.outcome.body, b.outcome.body);
    EXPECT_EQ(a.outcome.took_us, b.outcome.took_us);
    EXPECT_EQ(a.round, b.round);
  }
  EXPECT_EQ((*again)[2].call.timeout, pause.timeout);
  EXPECT_EQ((*again)[3].round, 2U);
}

TEST_F(outbound, its_form_is_pinned) {
  auto c = call_to("http://a.test/x?token=abcdefgh", R"({"n":1})");
  outbound_call pause;
  pause.kind = outbound_kind::delay;
  pause.timeout = std::chrono::milliseconds{5};
  const auto calls = with_round(nullptr, {c, pause, call_to("http://b.test/")}, {answer("{}"), {}, outbound_outcome::failed("dns", "no such name")});
  EXPECT_EQ(written(*calls), R"([{"method":"POST","url":"http://a.test/x?token=)" + redactor.token("abcdefgh") +
                               R"(","headers":[["content-type","application/json"]],"body":{"text":"{\"n\":1}"},"took_us":17,)"
                               R"("answer":{"status":200,"headers":[["Content-Type","application/json"]],"body":{"text":"{}"}},"round":1},)"
                               R"({"delay_ms":5,"round":1},)"
                               R"({"method":"GET","url":"http://b.test/","headers":[],"body":{"text":""},"took_us":0,)"
                               R"("error":{"kind":"dns","message":"no such name"},"round":1}])");
}

TEST_F(outbound, no_secret_of_a_call_or_its_answer_is_written_down) {
  auto c = call_to("https://a.test/x?api_key=secret-in-query", R"({"password":"secret-in-body","note":"secret-in-request"})");
  c.headers.push_back({"Authorization", "Bearer secret-in-header"});
  auto a = answer(R"({"access_token":"secret-in-answer","echo":"secret-in-header"})");
  a.headers.push_back({"Set-Cookie", "s=secret-in-cookie"});
  seen.note("secret-in-request", redactor.token("secret-in-request"));
  const auto text = written(*with_round(nullptr, {c}, {a}));
  EXPECT_EQ(text.find("secret-in"), std::string::npos) << text;
  EXPECT_NE(text.find(redactor.token("secret-in-header")), std::string::npos);
  EXPECT_TRUE(seen.occurs_in("secret-in-answer")) << "and the answer to the caller must not say it either";
}

TEST_F(outbound, a_call_that_is_known_is_given_once) {
  const auto known = with_round(nullptr, {call_to("http://a.test/"), call_to("http://a.test/")}, {answer("1"), answer("2")});
  outbound_book book{known, redactor};
  auto first = book.ask(call_to("http://a.test/"));
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->body, "1");
  EXPECT_EQ((*book.ask(call_to("http://a.test/")))->body, "2");
  EXPECT_EQ(*book.ask(call_to("http://a.test/")), nullptr);
  EXPECT_EQ(book.wanted().size(), 1U);
}

TEST_F(outbound, the_order_in_which_known_calls_are_asked_for_does_not_matter) {
  const auto known = with_round(nullptr, {call_to("http://a.test/1"), call_to("http://a.test/2")}, {answer("1"), answer("2")});
  outbound_book book{known, redactor};
  EXPECT_EQ((*book.ask(call_to("http://a.test/2")))->body, "2");
  EXPECT_EQ((*book.ask(call_to("http://a.test/1")))->body, "1");
}

TEST_F(outbound, another_url_header_or_body_is_another_call) {
  const auto known = with_round(nullptr, {call_to("http://a.test/1", "{}")}, {answer("1")});
  auto header = call_to("http://a.test/1", "{}");
  header.headers.push_back({"x-a", "1"});
  for (const auto& other : {call_to("http://a.test/2", "{}"), call_to("http://a.test/1", "[]"), call_to("http://a.test/1"), header}) {
    outbound_book book{known, redactor};
    EXPECT_EQ(*book.ask(other), nullptr) << other.url;
  }
}

TEST_F(outbound, a_recorded_call_is_known_by_the_plain_one_whose_secrets_it_lacks) {
  auto c = call_to("https://a.test/x?api_key=secret-in-query", R"({"password":"secret-in-body","note":"of secret-in-answer2"})");
  c.headers.push_back({"Authorization", "Bearer secret-in-header"});
  const auto made = with_round(nullptr, {c, c}, {answer(R"({"access_token":"secret-in-answer2"})"), answer("2")});
  const auto recorded = as_read(*made);
  ASSERT_TRUE(recorded);
  for (const auto& made_one : *recorded)
    EXPECT_EQ(made_one.call.body.find("secret-in-answer2"), std::string::npos) << "by what the first one's answer has shown";
  outbound_book book{recorded, redactor};
  EXPECT_TRUE(*book.ask(c));
  EXPECT_TRUE(*book.ask(c));
  auto other = c;
  other.headers.back().value = "Bearer another-one";
  EXPECT_EQ(*book.ask(other), nullptr);
}

TEST_F(outbound, a_call_that_was_made_is_known_in_plain_only) {
  auto c = call_to("https://a.test/", R"({"password":"secret-in-body"})");
  auto looks_recorded = c;
  looks_recorded.body = redactor.body("application/json", c.body);
  outbound_book live{with_round(nullptr, {looks_recorded}, {answer("1")}), redactor};
  EXPECT_EQ(*live.ask(c), nullptr) << "comparing is dear, and a script must not have it done by writing tokens itself";
  outbound_book again{as_read(*with_round(nullptr, {c}, {answer("1")})), redactor};
  EXPECT_TRUE(*again.ask(c));
}

TEST_F(outbound, secrets_are_known_whatever_a_body_is_said_to_be_and_in_urls) {
  auto json = call_to("https://a.test/", R"({"client_secret":"secret-in-json"})"), form = call_to("https://a.test/", "grant_type=x&client_secret=secret-in-form");
  json.headers = form.headers = {{"content-type", "text/plain"}};
  auto a = answer(R"({"access_token":"secret-in-answer"})", 302);
  a.headers = {{"Content-Type", "text/plain"}, {"Location", "https://b.test/?access_token=secret-in-location"}, {"Link", "<https://b.test/?token=secret-in-link>; rel=next"}};
  const auto calls = with_round(nullptr, {json, form}, {a, a});
  const auto text = written(*calls);
  EXPECT_EQ(text.find("secret-in"), std::string::npos) << text;
  outbound_book again{as_read(*calls), redactor};
  EXPECT_TRUE(*again.ask(json));
  EXPECT_TRUE(*again.ask(form));
}

TEST_F(outbound, a_secret_that_is_part_of_a_token_spoils_none) {
  auto c = call_to("https://a.test/", R"({"client_secret":"redacted","password":"secret-in-body"})");
  c.headers.push_back({"x-note", "redacted secret-in-body"});
  const auto recorded = as_read(*with_round(nullptr, {c}, {answer("1")}));
  ASSERT_TRUE(recorded);
  const auto again = as_read(*recorded);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)[0].call.body, (*recorded)[0].call.body);
  EXPECT_EQ((*again)[0].call.headers, (*recorded)[0].call.headers);
  EXPECT_EQ((*recorded)[0].call.headers.back().value, redactor.token("redacted") + " " + redactor.token("secret-in-body"));
}

TEST_F(outbound, what_is_no_call_is_refused) {
  auto refused = [&](outbound_call c) {
    outbound_book book{nullptr, redactor};
    auto r = book.ask(std::move(c));
    EXPECT_EQ(book.wanted().empty(), !r);
    return r ? std::string{} : r.error().detail;
  };
  for (const auto* url : {"", "ftp://a.test/", "file:///etc/passwd", "http:/a.test", "//a.test/", "http://", "http:///x", "http://u:p@a.test/", "http://a#@u:p@b.test/", "http://a.test/#f", "http://a.test/ x", "http://a.test/\n"})
    EXPECT_NE(refused(call_to(url)), "") << url;
  EXPECT_NE(refused(call_to("http://a.test/" + std::string(limits::outbound_url_bytes, 'a'))), "");
  EXPECT_NE(refused(call_to("http://a.test/", std::string(limits::outbound_body_bytes + 1, 'a'))), "");
  for (const field& f : {field{"Host", "b.test"}, field{"content-length", "1"}, field{"Transfer-Encoding", "chunked"}, field{"Accept-Encoding", "gzip"}, field{"x y", "1"}, field{"x", "1\r\ny: 2"},
                         field{"x", std::string(limits::outbound_header_bytes, 'a')}}) {
    auto c = call_to("http://a.test/");
    c.headers.push_back(f);
    EXPECT_NE(refused(c), "") << f.name;
  }
  for (const auto* method : {"", "GE T", "CONNECT", "connect"}) {
    auto c = call_to("http://a.test/");
    c.method = method;
    EXPECT_NE(refused(c), "") << method;
  }
  auto slow = call_to("http://a.test/");
  slow.timeout = limits::outbound_call_longest + std::chrono::milliseconds{1};
  EXPECT_NE(refused(slow), "");
  EXPECT_EQ(refused(call_to("http://a.test/")), "");
}

TEST_F(outbound, calls_rounds_and_bytes_are_bounded) {
  outbound_book many{nullptr, redactor};
  for (std::size_t i = 0; i < limits::outbound_calls; ++i)
    ASSERT_TRUE(many.ask(call_to("http://a.test/" + std::to_string(i))));
  EXPECT_EQ(many.ask(call_to("http://a.test/x")).error().code, events::errc::too_large);

  std::shared_ptr<const made_calls> known;
  for (unsigned i = 0; i < limits::outbound_rounds; ++i)
    known = with_round(known, {call_to("http://a.test/" + std::to_string(i))}, {answer("1")});
  outbound_book deep{known, redactor};
  EXPECT_TRUE(deep.ask(call_to("http://a.test/0"))) << "what is known is given all the same";
  EXPECT_NE(deep.ask(call_to("http://a.test/x")).error().detail.find("outbound_rounds"), std::string::npos);

  outbound_book large{nullptr, redactor};
  bool full = false;
  for (std::size_t i = 0; i < limits::outbound_calls && !full; ++i)
    full = !large.ask(call_to("http://a.test/" + std::to_string(i), std::string(limits::outbound_body_bytes, 'a')));
  EXPECT_TRUE(full);
}

TEST_F(outbound, an_answer_that_does_not_fit_with_the_others_is_a_failure) {
  const std::string large(limits::outbound_answer_bytes, 'a');
  const auto calls = with_round(nullptr, {call_to("http://a.test/1"), call_to("http://a.test/2"), call_to("http://a.test/3")}, {answer(large), answer(large), answer("{}")});
  EXPECT_EQ((*calls)[0].outcome.error, "");
  EXPECT_EQ((*calls)[1].outcome.error, "too_large");
  EXPECT_EQ((*calls)[1].outcome.body, "");
  EXPECT_EQ((*calls)[2].outcome.error, "") << "one that is small does";
}

TEST_F(outbound, a_record_that_is_none_does_not_read) {
  for (const auto* text : {"{}", "[1]", "[{}]", R"([{"delay_ms":-1,"round":1}])", R"([{"delay_ms":1,"round":0}])", R"([{"method":"GET","url":"http://a/","headers":{},"answer":{"status":200}}])", R"([{"delay_ms":1,"round":99}])",
                           R"([{"method":"GET","url":"http://a/","headers":[],"body":{"text":""},"round":1}])",
                           R"([{"method":"GET","url":"http://a/","headers":[],"body":{"text":""},"round":1,"answer":{"status":1,"headers":[],"body":{"text":""}}}])"})
    EXPECT_FALSE(read_calls(parse_json(text).value())) << text;
}

TEST_F(outbound, a_request_is_recorded_with_its_calls) {
  endpoint_state endpoints;
  ASSERT_TRUE(put(endpoints, R"({"method":"GET","path":"/a","response":{"body":{"seen":"secret-in-answer"}}})", "ep_1"));
  request r;
  r.method = "GET";
  r.target = "/a";
  auto without = serve(endpoints, {}, r, at_moment(), redactor);
  EXPECT_EQ(without.events.front().payload.find("\"calls\""), std::string::npos);
  r.calls = with_round(nullptr, {call_to("http://a.test/")}, {answer(R"({"token":"secret-in-answer"})")});
  r.target = "/a?q=secret-in-answer";
  r.headers = {{"x-note", "of secret-in-answer"}, {"Cookie", "s=secret-in-answer"}};
  r.body = "it is secret-in-answer";
  auto with = serve(endpoints, {}, r, at_moment(), redactor);
  EXPECT_EQ(with.events.front().payload.find("secret-in-answer"), std::string::npos) << "nor does the answer or the request say it";
  EXPECT_NE(with.events.front().payload.find(redactor.token("s=secret-in-answer")), std::string::npos) << "as in any other request";
  const auto record = decode_served(with.events.front().payload);
  ASSERT_TRUE(record);
  ASSERT_TRUE(record->request.calls);
  EXPECT_EQ(record->request.calls->front().call.url, "http://a.test/");
}

} // namespace
} // namespace hourglass::mock
