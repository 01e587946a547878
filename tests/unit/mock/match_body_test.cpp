// Bodies that conditions look into: parts, GraphQL operations, XML.
#include "support.hpp"

#include "mock/graphql.hpp"
#include "mock/match_limits.hpp"
#include "mock/multipart.hpp"
#include "mock/xml_path.hpp"

#include <chrono>

namespace {
using namespace hourglass::mock;
namespace limits = hourglass::limits;

/// `yes` if the endpoint with this match answers, `no` if the one beside it does, or what is wrong with the match.
std::string with(std::string_view match, const request& r) {
  endpoint_state s;
  auto done = put(s, named("ANY", "/a", "yes", std::string{R"(,"match":)"} + std::string{match}), {}, 1);
  if (!done)
    return done.error().where;
  EXPECT_TRUE(put(s, named("ANY", "/a", "no"), {}, 2));
  return answer(s, r).body;
}

// -- multipart ---------------------------------------------------------------------------

constexpr auto form_type = "multipart/form-data; boundary=\"x y\"";
const std::string form = "preamble\r\n--x y\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{\"id\":7}\r\n"
                         "--x y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".png\"\r\n\r\n\x89PNG\r\n--x y\r\n"
                         "Content-Disposition: form-data; name=\"none\"\r\n\r\n\r\n--x y--\r\nepilogue";

TEST(multipart, reads_names_headers_and_bodies) {
  auto parts = read_multipart(form_type, form);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 3U);
  EXPECT_EQ((*parts)[0].name, "meta");
  EXPECT_FALSE((*parts)[0].has_filename);
  EXPECT_EQ((*parts)[0].body, "{\"id\":7}");
  EXPECT_EQ((*parts)[1].filename, "a \"b\".png");
  EXPECT_EQ((*parts)[1].body, "\x89PNG");
  EXPECT_EQ((*parts)[2].body, "");
  EXPECT_EQ(header_parameter("form-data; filename=\"C:\\dir\\a.txt\"; name=x", "name"), "x");
  EXPECT_EQ(header_parameter("form-data; filename=\"C:\\dir\\a.txt\"", "filename"), "C:\\dir\\a.txt");
}

TEST(multipart, what_is_broken_is_none) {
  for (const auto* body : {"", "--x", "--x\r\n\r\na", "--x\r\nno header\r\n\r\na\r\n--x--", "a--x--", "--xy--"})
    EXPECT_FALSE(read_multipart("multipart/mixed; boundary=x", body)) << body;
  EXPECT_TRUE(read_multipart("multipart/mixed; boundary=x", "--x--"));
  EXPECT_TRUE(read_multipart("MULTIPART/mixed; Boundary=x", "--x\n\na\n--x--\n")) << "lines may end with LF alone";
  EXPECT_FALSE(read_multipart("multipart/mixed", "--x--"));
  EXPECT_FALSE(read_multipart("text/plain; boundary=x", "--x--"));
  std::string many;
  for (std::size_t i = 0; i <= limits::multipart_parts; ++i)
    many += "--x\r\n\r\na\r\n";
  EXPECT_FALSE(read_multipart("multipart/mixed; boundary=x", many + "--x--"));
  EXPECT_FALSE(read_multipart("multipart/mixed; boundary=x", "--x\r\nA: " + std::string(limits::multipart_header_bytes, 'a') + "\r\n\r\na\r\n--x--"));
}

TEST(matching_parts, one_part_fits_all_of_a_condition) {
  const auto r = post("/a", form, form_type);
  EXPECT_EQ(with(R"({"multipart":[{"name":"meta","body":{"json":{"equals":{"id":7}}}}]})", r), "yes");
  EXPECT_EQ(with(R"({"multipart":[{"name":"file","body":{"json":{"equals":{"id":7}}}}]})", r), "no") << "of different parts";
  EXPECT_EQ(with(R"({"multipart":[{"filename":{"ends_with":".png"}},{"name":"meta","headers":{"content-type":"application/json"}}]})", r), "yes");
  EXPECT_EQ(with(R"({"multipart":[{"name":"none","filename":{"absent":true},"body":{"text":{"absent":true}}}]})", r), "yes");
  EXPECT_EQ(with(R"({"multipart":[{"every":true,"name":{"matches":"[a-z]+"}}]})", r), "yes");
  EXPECT_EQ(with(R"({"multipart":[{"every":true,"filename":{"absent":true}}]})", r), "no");
  EXPECT_EQ(with(R"({"multipart":[{}]})", post("/a", "x", "text/plain")), "no");
  EXPECT_EQ(with(R"({"multipart":[{"nam":"x"}]})", r), "/match/multipart/0/nam");
  EXPECT_EQ(with(R"({"multipart":{}})", r), "/match/multipart");
}

// -- GraphQL -----------------------------------------------------------------------------

TEST(graphql, tokens_leave_out_what_means_nothing) {
  EXPECT_EQ(graphql_tokens("{ a(x: 1, y: \"b # c\") # no\n ...F }"), graphql_tokens("{a(x:1 y:\"b # c\")...F}"));
  EXPECT_NE(graphql_tokens("{a(x:\"1 2\")}"), graphql_tokens("{a(x:\"12\")}"));
  EXPECT_EQ(graphql_tokens("\"\"\"a \" \\\"\"\" b\"\"\"")->size(), 1U);
  for (const auto* bad : {"{a(x:\"b)}", "\"\"\"a", "{%}", "\xc3\xa9"})
    EXPECT_FALSE(graphql_tokens(bad)) << bad;
}

TEST(graphql, finds_operations_and_their_root_fields) {
  auto tokens = graphql_tokens("query A($x: [Int!] = [1, {a: 2}]) @d(a: {b: 1}) { pets(first: 2) @skip(if: true) { id owner { name } } me: user { id "
                               "} ...F ... on Q { hidden } }"
                               "fragment F on Q { more } mutation B { addPet(name: \"}\") { id } } { short }");
  ASSERT_TRUE(tokens);
  auto all = graphql_operations(*tokens);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].name, "A");
  EXPECT_EQ((*all)[0].fields, (std::vector<std::string>{"pets", "user"}));
  EXPECT_EQ((*all)[1].type, "mutation");
  EXPECT_EQ((*all)[1].fields, std::vector<std::string>{"addPet"});
  EXPECT_EQ((*all)[2].type, "query");
  for (const auto* bad : {"", "{", "{a", "query", "query A", "a", "{a(", "fragment F on Q {a", "fragment F on Q {a}", "query A($x", "}"})
    EXPECT_FALSE(graphql_operations(*graphql_tokens(bad))) << bad;
}

TEST(matching_graphql, an_operation_by_type_name_field_text_and_variables) {
  const auto r = post("/a", R"({"query":"query Pets($n: Int) { pets(first: $n) { id } }","variables":{"n":2,"q":null}})");
  EXPECT_EQ(with(R"({"graphql":{}})", r), "yes");
  EXPECT_EQ(with(R"({"graphql":{"type":"query","name":"Pets","field":"pets"}})", r), "yes");
  EXPECT_EQ(with(R"({"graphql":{"type":"mutation"}})", r), "no");
  EXPECT_EQ(with(R"({"graphql":{"name":{"absent":true}}})", r), "no");
  EXPECT_EQ(with(R"({"graphql":{"field":"id"}})", r), "no") << "only fields of the root";
  EXPECT_EQ(with(R"({"graphql":{"query":"query Pets($n:Int){pets(first:$n){id,}}"}})", r), "yes");
  EXPECT_EQ(with(R"({"graphql":{"query":"{pets{id}}"}})", r), "no");
  EXPECT_EQ(with(R"({"graphql":{"variables":{"equals":{"n":2},"ignore_extra_elements":true}}})", r), "yes");
  EXPECT_EQ(with(R"({"graphql":{"variables":{"equals":{"n":3}}}})", r), "no");
  EXPECT_EQ(with(R"({"graphql":{"query":"{pets"}})", r), "/match/graphql/query");
  EXPECT_EQ(with(R"({"graphql":{"type":"get"}})", r), "/match/graphql/type");
  const auto two = post("/a", R"({"query":"query A { a } query B { b }","operationName":"B"})");
  EXPECT_EQ(with(R"({"graphql":{"name":"B","field":"b"}})", two), "yes");
  EXPECT_EQ(with(R"({"graphql":{}})", post("/a", R"({"query":"query A { a } query B { b }"})")), "no") << "it does not say which";
  EXPECT_EQ(with(R"({"graphql":{"field":"a","variables":{"equals":{"x":1}}}})", get("/a?query=%7Ba%7D&variables=%7B%22x%22:1%7D")), "yes");
  EXPECT_EQ(with(R"({"graphql":{"field":"a"}})", post("/a", "{a}", "application/graphql")), "yes");
  EXPECT_EQ(with(R"({"graphql":{}})", post("/a", R"({"q":"{a}"})")), "no");
}

// -- XML ---------------------------------------------------------------------------------

const auto* const order =
    R"(<?xml version="1.0"?><s:Envelope xmlns:s="urn:soap"><s:Body><order id="7"><line sku="x">2</line><line sku="y">3</line></order></s:Body></s:Envelope>)";

TEST(matching_xml, an_xpath_finds_nodes_or_says_yes) {
  auto xpath = [&](std::string_view condition, std::string body = order) {
    return with(std::string{R"({"body":{"xpath":)"} + std::string{condition} + "}}", post("/a", std::move(body), "text/xml"));
  };
  EXPECT_EQ(xpath(R"({"path":"//order[@id='7']"})"), "yes");
  EXPECT_EQ(xpath(R"({"path":"//order[@id='8']"})"), "no");
  EXPECT_EQ(xpath(R"({"path":"/s:Envelope/s:Body/order/line/@sku","equals":"y"})"), "yes");
  EXPECT_EQ(xpath(R"({"path":"//line","greater_than":2})"), "yes");
  EXPECT_EQ(xpath(R"({"path":"//line","greater_than":3})"), "no");
  EXPECT_EQ(xpath(R"x({"path":"count(//line) = 2"})x"), "yes");
  EXPECT_EQ(xpath(R"x({"path":"count(//line) = 3"})x"), "no");
  EXPECT_EQ(xpath(R"x({"path":"sum(//line)","equals":5})x"), "yes");
  EXPECT_EQ(xpath(R"x({"path":"//*[local-name()='Body']"})x"), "yes");
  EXPECT_EQ(xpath(R"({"path":"//order"})", "<order>"), "no");
  EXPECT_EQ(xpath(R"({"path":"//order"})", "{}"), "no");
  EXPECT_EQ(xpath(R"({"path":"//order["})"), "/match/body/xpath/path");
  EXPECT_EQ(xpath(R"({"path":"//order[$x]"})"), "/match/body/xpath/path") << "variables";
  EXPECT_EQ(xpath(R"({"pat":"x"})"), "/match/body/xpath");
}

TEST(matching_xml, entities_are_not_expanded_and_nothing_is_read) {
  auto document = xml_document::read(R"(<!DOCTYPE a [<!ENTITY x "y"><!ENTITY f SYSTEM "file:///etc/passwd">]><a>&x;&f;&lt;</a>)");
  ASSERT_TRUE(document);
  auto path = xml_path::compile("/a");
  ASSERT_TRUE(path);
  schema_purse purse;
  EXPECT_EQ(path->find(*document, purse).texts, std::vector<std::string>{"&x;&f;<"});
}

TEST(matching_xml, what_costs_too_much_is_not_tried) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "<a>";
  EXPECT_FALSE(xml_document::read(deep)) << "not closed";
  for (int i = 0; i < 100'000; ++i)
    deep += "</a>";
  EXPECT_FALSE(xml_document::read(deep)) << "too deep";
  EXPECT_FALSE(xml_document::read("<a>" + std::string(limits::xml_bytes, 'x') + "</a>"));
  std::string wide = "<r>";
  for (int i = 0; i < 20'000; ++i)
    wide += "<a b='c'/>";
  auto document = xml_document::read(wide + "</r>");
  ASSERT_TRUE(document);
  const auto before = std::chrono::steady_clock::now();
  for (const auto* text : {"//*[count(//*) > 1]", "//*[count(/r/*) > 1]", "//*[true() and /r/*]", "//*[../*[../*]]", "//a[following-sibling::a]",
                           "//a//a", "//*[ancestor::*//b]"}) {
    auto path = xml_path::compile(text);
    ASSERT_TRUE(path) << text;
    schema_purse purse;
    EXPECT_FALSE(path->find(*document, purse).complete) << text;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{1});
  auto path = xml_path::compile("//a[@b='c']");
  schema_purse purse;
  const auto usual = xml_document::read(wide.substr(0, 3 + 900 * std::string_view{"<a b='c'/>"}.size()) + "</r>");
  ASSERT_TRUE(usual);
  EXPECT_TRUE(path->find(*usual, purse).complete);
  EXPECT_FALSE(xml_path::compile(std::string(limits::xpath_bytes + 1, 'a')));
}

// -- what many endpoints of one path cost ----------------------------------------------------

TEST(matching_many, endpoints_of_one_path_are_tried_quickly_and_bounded) {
  endpoint_state s;
  for (std::size_t i = 0; i < limits::endpoints_per_route; ++i) {
    auto d = decide(s,
                    endpoint_command{put_endpoint{named("POST", "/a", std::to_string(i),
                                                        R"(,"match":{"body":{"json_path":{"path":"$.n","equals":)" + std::to_string(i) + "}}}"),
                                                  "e" + std::to_string(i)}},
                    at_moment());
    ASSERT_TRUE(d) << i << d.error().detail;
    ASSERT_TRUE(apply(s, d->events.front().kind, d->events.front().payload));
  }
  auto more = put(s, named("POST", "/a", "more", R"(,"match":{"query":{"x":"1"}})"), "more");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, hourglass::events::errc::too_large);
  EXPECT_TRUE(put(s, named("POST", "/a", "changed", R"(,"match":{"query":{"x":"1"}})"), "e7")) << "one that is there may change";
  EXPECT_EQ(answer(s, post("/a", R"({"n":1234})")).body, "1234");
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(answer(s, post("/a", R"({"n":-1})")).status, 404U);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{4});
}

} // namespace
