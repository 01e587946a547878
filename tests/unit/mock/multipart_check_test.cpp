// Multipart bodies held against the document that their endpoint was imported from.
#include "support.hpp"

#include "mock/compiled.hpp"
#include "mock/multipart.hpp"
#include "mock/schema_limits.hpp"

#include <gtest/gtest.h>

namespace hourglass::mock {

namespace {

struct sent_part {
  std::string name;
  std::string body;
  std::string type = {};
  std::string filename = {};
  std::string headers = {}; ///< more of them, each with its CRLF
};

std::string body_of(const std::vector<sent_part>& parts) {
  std::string out;
  for (const auto& p : parts) {
    out += "--bound\r\nContent-Disposition: form-data; name=\"" + p.name + '"' + (p.filename.empty() ? "" : "; filename=\"" + p.filename + '"') + "\r\n";
    out += (p.type.empty() ? "" : "Content-Type: " + p.type + "\r\n") + p.headers + "\r\n" + p.body + "\r\n";
  }
  return out + "--bound--\r\n";
}

struct parts : testing::Test {
  endpoint_state state;
  std::string reply;

  static std::string document(const std::string& schema, const std::string& encoding = {}, const std::string& media = "multipart/form-data") {
    return R"({"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/up":{"post":{"requestBody":{"required":true,"content":{")" + media + R"(":{"schema":)" + schema +
           (encoding.empty() ? "" : R"(,"encoding":)" + encoding) +
           R"(}}},"responses":{"200":{"description":"ok"}}}}},"components":{"schemas":{"Meta":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}}}})";
  }
  void import(const std::string& text, validation_mode mode = validation_mode::enforce) {
    import_openapi command{text, {}};
    command.validation = mode;
    auto r = run(state, endpoint_command{command});
    ASSERT_TRUE(r) << r.error().detail << " at " << r.error().where;
    reply = *r;
  }
  response sent(std::string body, std::string type = "multipart/form-data; boundary=bound") { return answer(state, post("/up", std::move(body), std::move(type))); }
  response sent(const std::vector<sent_part>& all) { return sent(body_of(all)); }
  /// The faults of an answer as `status location pointer rule`.
  std::string faults(const response& r) {
    auto out = std::to_string(r.status);
    const auto problem = parse_json(r.body);
    const auto* list = problem ? problem->member("validation") : nullptr;
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
      out += " [";
      for (const auto& step : list->items[i].member("location")->items)
        out += (out.back() == '[' ? "" : ".") + step.text;
      out += "] " + std::string{list->items[i].string_member("pointer")} + ' ' + std::string{list->items[i].string_member("rule")};
    }
    return out;
  }
};

TEST_F(parts, texts_are_read_as_their_schema_means_them) {
  import(document(R"({"type":"object","required":["name","n"],"additionalProperties":false,"properties":{"name":{"type":"string","minLength":2},"n":{"type":"integer"},
    "live":{"type":"boolean"},"tags":{"type":"array","maxItems":2,"items":{"type":"integer"}},"address":{"type":"object","properties":{"zip":{"type":"integer"}}}}})"));
  EXPECT_EQ(faults(sent({{"name", "Tom"}, {"n", "7"}, {"live", "true"}, {"tags", "1"}, {"tags", "2"}, {"address[zip]", "5"}})), "200");
  EXPECT_EQ(faults(sent({{"name", "12"}, {"n", "7"}, {"tags", "1"}})), "200") << "one part is an array of one";
  EXPECT_EQ(faults(sent({{"name", "T"}, {"n", "x"}})), "422 [body.n] /n type [body.name] /name minLength");
  EXPECT_EQ(faults(sent({{"name", "Tom"}})), "422 [body]  required");
  EXPECT_EQ(faults(sent({{"name", "Tom"}, {"n", "7"}, {"more", "x"}})), "422 [body.more] /more additionalProperties");
  EXPECT_EQ(faults(sent({{"name", "Tom"}, {"n", "7"}, {"tags", "1"}, {"tags", "x"}})), "422 [body.tags.1] /tags/1 type");
  EXPECT_EQ(faults(sent({{"name", "Tom"}, {"n", "7"}, {"tags", "1"}, {"tags", "2"}, {"tags", "3"}})), "422 [body.tags] /tags maxItems");
  EXPECT_EQ(faults(sent({{"name", "Tom"}, {"n", "7"}, {"n", "8"}})), "422 [body.n] /n type") << "two parts where one belongs";
  EXPECT_EQ(faults(sent({{"name", "Tom"}, {"n", "7"}, {"address[zip]", "x"}})), "422 [body.address.zip] /address/zip type");
}

TEST_F(parts, a_fault_tells_location_rule_place_and_message) {
  import(document(R"({"type":"object","properties":{"n":{"type":"integer"}}})"));
  const auto r = sent({{"n", "x"}});
  EXPECT_NE(r.body.find(R"("validation":[{"location":["body","n"],"pointer":"/n","rule":"type","schema":"#/paths/~1up/post/requestBody/content/multipart~1form-data/schema/properties/n/type","message":"must be an integer, is a string"}])"),
            std::string::npos)
    << r.body;
}

TEST_F(parts, a_part_of_json_is_read_by_its_own_content_type) {
  import(document(R"({"type":"object","properties":{"meta":{"$ref":"#/components/schemas/Meta"},"all":{"type":"array","items":{"$ref":"#/components/schemas/Meta"}},
    "note":{"type":"string"},"doc":{"type":"string","format":"binary"}}})"));
  EXPECT_EQ(faults(sent({{"meta", R"({"id":1})", "application/json"}})), "200");
  EXPECT_EQ(faults(sent({{"meta", R"({"id":1})", "application/json", "blob"}})), "200") << "browsers name every part that has a type";
  EXPECT_EQ(faults(sent({{"meta", R"({"id":1})"}})), "200") << "JSON is what an object is, if nothing is said";
  EXPECT_EQ(faults(sent({{"meta", R"({"id":"x"})", "application/vnd.a+json; charset=utf-8"}})), "422 [body.meta.id] /meta/id type");
  EXPECT_EQ(faults(sent({{"meta", R"({"id":)", "application/json"}})), "400 [body.meta] /meta json");
  EXPECT_EQ(faults(sent({{"meta", "plain"}})), "422 [body.meta] /meta type");
  EXPECT_EQ(faults(sent({{"all", R"({"id":1})", "application/json"}, {"all", R"({"no":1})", "application/json"}})), "422 [body.all.1] /all/1 required");
  EXPECT_EQ(faults(sent({{"all", R"([{"id":1},{"id":"x"}])", "application/json"}})), "422 [body.all.1.id] /all/1/id type");
  EXPECT_EQ(faults(sent({{"note", R"("text")", "application/json"}})), "200");
  EXPECT_EQ(faults(sent({{"note", "5", "application/json"}})), "422 [body.note] /note type");
  EXPECT_EQ(faults(sent({{"doc", "{ no json", "application/json", "a.json"}})), "200") << "a file is a file";
}

TEST_F(parts, an_encoding_says_which_types_and_headers_a_part_may_have) {
  import(document(R"({"type":"object","properties":{"meta":{"$ref":"#/components/schemas/Meta"},"picture":{"type":"string","format":"binary"},"list":{"type":"array","items":{"type":"string","format":"binary"}}}})",
                  R"({"meta":{"contentType":"application/json"},"picture":{"contentType":"image/png, image/jpeg","headers":{"X-Rate":{"required":true,"schema":{"type":"integer"}},
                      "Content-Type":{"required":true}}},"list":{"contentType":"image/*"}})"));
  const auto png = std::string{"\x89PNG\r\n\x1a\n\0", 9};
  EXPECT_EQ(faults(sent({{"meta", R"({"id":1})"}, {"picture", png, "image/png", "a.png", "x-rate: 5\r\n"}, {"list", png, "image/webp", "b"}, {"list", png, "image/gif", "c"}})), "200");
  EXPECT_EQ(faults(sent({{"meta", R"({"id":)"}})), "400 [body.meta] /meta json") << "the document says what it is";
  EXPECT_EQ(faults(sent({{"meta", R"({"id":1})", "text/plain"}})), "422 [body.meta] /meta contentType");
  const auto r = sent({{"picture", png, "image/gif", "a.gif", "X-Rate: 1\r\n"}});
  EXPECT_EQ(faults(r), "422 [body.picture] /picture contentType");
  EXPECT_NE(r.body.find(R"("schema":"#/paths/~1up/post/requestBody/content/multipart~1form-data/encoding/picture/contentType","message":"must be of type image/png, image/jpeg, is image/gif")"), std::string::npos) << r.body;
  EXPECT_EQ(faults(sent({{"list", png, "image/png", "a"}, {"list", png, "text/plain", "b"}})), "422 [body.list] /list contentType");
  EXPECT_EQ(faults(sent({{"picture", png, "", "a.png", "X-Rate: 1\r\n"}})), "200") << "one that says nothing of its type";
  EXPECT_EQ(faults(sent({{"picture", png, "image/png", "a.png"}})), "422 [body.picture.X-Rate]  required");
  EXPECT_EQ(faults(sent({{"picture", png, "image/png", "a.png", "X-Rate: x\r\n"}})), "422 [body.picture.X-Rate]  type");
}

TEST_F(parts, files_are_strings_as_long_as_they_have_bytes) {
  import(document(R"({"type":"object","required":["file"],"properties":{"file":{"type":"string","format":"binary","maxLength":4},"n":{"type":"integer"},"any":{}}})"));
  EXPECT_EQ(faults(sent({{"file", "\xff\xfe\xfd\xfc", "application/octet-stream", "a"}})), "200");
  EXPECT_EQ(faults(sent({{"file", "\xff\xfe\xfd\xfc\xfb", "application/octet-stream", "a"}})), "422 [body.file] /file maxLength");
  EXPECT_EQ(faults(sent({{"file", "12345", "", "a"}})), "422 [body.file] /file maxLength");
  EXPECT_EQ(faults(sent({{"file", "\xff\xff"}, {"any", "\xff", "application/octet-stream", "b"}})), "200");
  EXPECT_EQ(faults(sent({{"n", "5"}})), "422 [body]  required");
  EXPECT_EQ(faults(sent({{"file", "x", "", "a"}, {"n", "5", "", "n.txt"}})), "422 [body.n] /n type") << "a file is no number";
}

TEST_F(parts, a_part_of_xml_is_read_where_an_object_belongs) {
  import(document(R"({"type":"object","properties":{"meta":{"$ref":"#/components/schemas/Meta"},"text":{"type":"string"}}})"));
  EXPECT_EQ(faults(sent({{"meta", "<Meta><id>5</id></Meta>", "application/xml"}, {"text", "<a>", "application/xml", "a.xml"}})), "200");
  EXPECT_EQ(faults(sent({{"meta", "<Meta><id>x</id></Meta>", "application/xml"}})), "422 [body.meta.id] /meta/id type");
  EXPECT_EQ(faults(sent({{"meta", "<Meta>", "application/xml"}})), "400 [body.meta] /meta xml");
  EXPECT_EQ(faults(sent({{"meta", "id: 5", "application/yaml"}, {"text", "x"}})), "200") << "what is not read is not judged";
}

TEST_F(parts, a_body_that_is_none_says_why) {
  import(document(R"({"type":"object","required":["n"]})"));
  auto why = [&](const std::string& body, const std::string& type) {
    const auto r = sent(body, type);
    EXPECT_EQ(faults(r), "400 [body]  multipart") << r.body;
    return r.body;
  };
  const auto good = body_of({{"n", "1"}});
  EXPECT_NE(why(good, "multipart/form-data").find("the Content-Type has no boundary"), std::string::npos);
  EXPECT_NE(why(good, "multipart/form-data; boundary=" + std::string(300, 'b')).find("more than 200 characters"), std::string::npos);
  EXPECT_NE(why(good, "multipart/form-data; boundary=other").find("is nowhere in the body"), std::string::npos);
  EXPECT_NE(why(good.substr(0, good.size() - 5), "multipart/form-data; boundary=bound").find("no closing boundary after part 1"), std::string::npos);
  EXPECT_NE(why("--bound\r\nno header\r\n\r\nx\r\n--bound--", "multipart/form-data; boundary=bound").find("part 1 of the body has a line among its headers that is none"), std::string::npos);
  EXPECT_NE(why("--bound\r\nA: b\r\n\r\nx\r\n--bound--", "multipart/form-data; boundary=bound").find("part 1 of the body has no name"), std::string::npos);
  EXPECT_NE(why("--bound\r\nA: " + std::string(limits::multipart_header_bytes, 'a') + "\r\n\r\nx\r\n--bound--", "multipart/form-data; boundary=bound").find("multipart_header_bytes"), std::string::npos);
  auto bare = post("/up", good);
  bare.headers.clear();
  EXPECT_EQ(faults(answer(state, bare)), "400 [body]  multipart");
  EXPECT_EQ(faults(sent("")), "422 [body]  required");
}

TEST_F(parts, parts_of_other_kinds_need_no_names) {
  import(document(R"({"type":"object","required":["n"]})", {}, "multipart/*"));
  EXPECT_EQ(faults(sent("--bound\r\nA: b\r\n\r\nx\r\n--bound--", "multipart/mixed; boundary=bound")), "200");
  EXPECT_EQ(faults(sent("--bound\r\nContent-Disposition: attachment; name=m\r\n\r\nx\r\n--bound--", "multipart/mixed; boundary=bound")), "422 [body]  required");
  EXPECT_EQ(faults(sent("--bound", "multipart/mixed; boundary=bound")), "400 [body]  multipart");
  import(document(R"({"type":"object","required":["n"]})", {}, "*/*"));
  EXPECT_EQ(faults(sent({{"m", "1"}})), "422 [body]  required");
  EXPECT_EQ(faults(sent({{"n", "1"}})), "200");
}

TEST_F(parts, faults_are_only_reported_if_that_is_wished) {
  import(document(R"({"type":"object","properties":{"n":{"type":"integer"}}})"), validation_mode::report);
  const auto r = sent({{"n", "x"}});
  EXPECT_EQ(r.status, 200U);
  ASSERT_NE(find(r.headers, "x-request-validation"), nullptr);
  EXPECT_EQ(*find(r.headers, "x-request-validation"), "1 fault: body.n must be an integer, is a string");
  EXPECT_EQ(find(sent({{"n", "5"}}).headers, "x-request-validation"), nullptr);
}

TEST_F(parts, the_rules_survive_a_snapshot) {
  import(document(R"({"type":"object","properties":{"n":{"type":"integer"}}})", R"({"n":{"contentType":"text/plain","headers":{"X-A":{"required":true,"schema":{"type":"integer"}}}}})"));
  const auto text = snapshot(state);
  auto back = restore<endpoint_state>(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(snapshot(*back), text);
  EXPECT_EQ(state.list("", 1).front()->demands, back->list("", 1).front()->demands);
  EXPECT_EQ(faults(answer(*back, post("/up", body_of({{"n", "x", "image/png", "a"}}), "multipart/form-data; boundary=bound"))), "422 [body.n] /n contentType [body.n.X-A]  required [body.n] /n type");
}

TEST_F(parts, what_was_imported_before_there_were_rules_of_parts_goes_on_without) {
  for (const char* media : {"multipart/form-data", "*/*"}) {
    import_openapi command{document(R"({"type":"object","required":["n"]})", {}, media), {}};
    command.validation = validation_mode::enforce;
    auto d = decide(state, endpoint_command{command}, at_moment());
    ASSERT_TRUE(d);
    auto payload = d->events.front().payload;
    const std::string rules = R"(,"parts":[])";
    ASSERT_NE(payload.find(rules), std::string::npos) << payload;
    payload.erase(payload.find(rules), rules.size());
    ASSERT_TRUE(apply(state, d->events.front().kind, payload));
    EXPECT_EQ(faults(sent({{"m", "1"}})), "200") << media;
    EXPECT_EQ(faults(sent("anything", "multipart/form-data")), "200") << media;
  }
}

// -- what it may cost -------------------------------------------------------------------------

TEST_F(parts, more_parts_than_are_read_are_a_fault_and_a_hundred_and_one_are_none) {
  import(document(R"({"type":"object"})"));
  EXPECT_EQ(faults(sent(std::vector<sent_part>(limits::parameter_parts, {"a", "1"}))), "200");
  EXPECT_EQ(faults(sent(std::vector<sent_part>(limits::parameter_parts + 1, {"a", "1"}))), "400 [body]  multipart");
}

TEST_F(parts, parts_of_json_are_paid_from_the_purse_of_the_request) {
  import(document(R"({"type":"object"})"));
  const auto r = sent(std::vector<sent_part>(300, {"a", '"' + std::string(120'000, 'x') + '"', "application/json"}));
  EXPECT_EQ(r.status, 422U);
  EXPECT_NE(r.body.find("schema_work"), std::string::npos) << r.body.substr(0, 500);
}

TEST_F(parts, all_parts_of_json_together_have_as_many_values_as_one_body) {
  import(document(R"({"type":"object"})"));
  std::string many = "[";
  for (int i = 0; i < 40'000; ++i)
    many += i == 0 ? "[]" : ",[]";
  EXPECT_EQ(sent(std::vector<sent_part>(20, {"a", many + "]", "application/json"})).status, 200U);
  const auto r = sent(std::vector<sent_part>(26, {"a", many + "]", "application/json"}));
  EXPECT_EQ(r.status, 400U);
  EXPECT_NE(r.body.find("document_nodes"), std::string::npos) << r.body.substr(0, 500);
}

TEST_F(parts, names_that_are_no_text_or_endless_are_told_in_bounds) {
  import(document(R"({"type":"object","additionalProperties":{"type":"integer"}})"));
  const auto r = sent({{"\xff\xfe", "x"}, {std::string(limits::multipart_header_bytes - 100, 'n'), "x"}});
  EXPECT_EQ(r.status, 422U);
  EXPECT_TRUE(parse_json(r.body)) << r.body.substr(0, 500);
  EXPECT_LT(r.body.size(), 10'000U);
}

TEST_F(parts, an_encoding_of_everything_is_taken_in_bounds) {
  std::string encoding = "{";
  for (int i = 0; i < 250; ++i)
    encoding += (i == 0 ? "\"" : ",\"") + std::to_string(i) + std::string(15'000, 'x') + R"(":{"contentType":"a/b,,nonsense,c/*","headers":{"A":{"required":true},"B":1}})";
  import(document(R"({"type":"object"})", encoding + "}"));
  EXPECT_LE(state.list("", 1).front()->demands.bodies.front().parts->size(), 200U);
  EXPECT_NE(reply.find("record_bytes"), std::string::npos);
  import(document(R"({"type":"object"})", R"({"a":1,"b":{"contentType":5,"headers":[]},"c":{"headers":{"X":{"$ref":"#/nowhere"}}}})"));
  EXPECT_EQ(faults(sent({{"a", "1"}, {"b", "1"}, {"c", "1"}})), "200");
}

} // namespace

} // namespace hourglass::mock
