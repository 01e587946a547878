#include "support.hpp"

#include "mock/template.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
namespace events = hourglass::events;
namespace limits = hourglass::limits;

struct templates : testing::Test {
  data_state data;
  request req = post("/pets/7?tag=a%20b&tag=c", R"({"name":"Rex \"the\" dog","legs":4,"tags":["x","y"],"deep":{"er":null}})");
  events::context ctx = at_moment();
  std::vector<std::string> names{"id"};
  std::vector<std::string> captures{"7"};

  void SetUp() override {
    ASSERT_TRUE(run(data, data_command{put_item{"pets", "7", R"({"name":"Rex","age":3})"}}));
    ASSERT_TRUE(run(data, data_command{put_item{"pets", "8", R"("just text")"}}));
    ASSERT_TRUE(run(data, data_command{put_env{"REGION", "e\"u"}}));
  }
  std::string fill(std::string_view source, template_flavour flavour = template_flavour::json) {
    auto t = compiled_template::compile(source, flavour);
    if (!t)
      return "ERROR " + t.error().where + " " + t.error().detail;
    template_scope scope{req, names, captures, data, ctx};
    std::string out;
    auto ok = t->render(scope, out);
    return ok ? out : "FAILED " + ok.error().detail;
  }
  std::string error_place(std::string_view source) {
    auto t = compiled_template::compile(source, template_flavour::json);
    return t ? "no error" : t.error().where;
  }
};

TEST_F(templates, an_expression_stands_for_a_value_or_inside_a_string_for_its_text) {
  EXPECT_EQ(fill(R"({"id":{{request.path.id}},"legs":{{request.body.legs}},"url":"/pets/{{request.path.id}}"})"),
            R"({"id":"7","legs":4,"url":"/pets/7"})");
  EXPECT_EQ(fill(R"(["{{request.body.name}}",{{request.body.name}}])"), R"(["Rex \"the\" dog","Rex \"the\" dog"])");
  EXPECT_EQ(fill(R"({{ request.body }})"), req.body);
}

TEST_F(templates, every_root_is_reachable) {
  EXPECT_EQ(fill(R"([{{request.query.tag}},{{request.header["content-type"]}},{{request.method}},{{request.target}}])"),
            R"(["a b","application/json","POST","/pets/7?tag=a%20b&tag=c"])");
  EXPECT_EQ(fill(R"([{{request.body.tags[1]}},{{request.body.tags.0}},{{env.REGION}}])"), R"(["y","x","e\"u"])");
  EXPECT_EQ(fill(R"({{data.pets[request.path.id].name}})"), R"("Rex")");
  EXPECT_EQ(fill(R"({{data.pets.7}})"), R"({"name":"Rex","age":3})");
  EXPECT_EQ(fill(R"({{data.pets}})"), R"([{"name":"Rex","age":3},"just text"])");
  EXPECT_EQ(fill(R"("{{data.pets.8}}")"), R"("just text")");
  EXPECT_EQ(fill(R"({{data.nothing}})"), "[]");
}

TEST_F(templates, what_is_missing_is_null_as_a_value_and_nothing_inside_a_string) {
  EXPECT_EQ(fill(R"([{{request.query.no}},{{request.body.no.deeper}},{{data.pets.9.name}},{{env.NO}},{{request.body.deep.er}},"<{{env.NO}}>"])"),
            R"([null,null,null,null,null,"<>"])");
  EXPECT_EQ(fill(R"([{{default(env.NO, "none")}},{{default(data.pets.9, 0)}},{{default(env.REGION, 1)}}])"), R"(["none",0,"e\"u"])");
}

TEST_F(templates, time_and_chance_come_from_the_context_only) {
  EXPECT_EQ(fill("[{{now}},{{now.unix}},{{now.ms}}]"), R"(["2026-09-21T14:13:20.000000Z",1790000000,1790000000000])");
  auto once = fill(R"([{{uuid}},{{uuid}},{{random(1, 6)}}])");
  EXPECT_EQ(once, fill(R"([{{uuid}},{{uuid}},{{random(1, 6)}}])"));
  auto v = nlohmann::json::parse(once);
  EXPECT_NE(v[0], v[1]);
  EXPECT_EQ(v[0].get<std::string>()[14], '4');
  EXPECT_GE(v[2], 1);
  EXPECT_LE(v[2], 6);
  ctx.chance.fill(9);
  EXPECT_NE(once, fill(R"([{{uuid}},{{uuid}},{{random(1, 6)}}])"));
}

TEST_F(templates, a_random_number_covers_its_range_with_both_ends) {
  std::set<int> seen;
  for (std::uint8_t i = 0; i < 100; ++i) {
    ctx.chance.fill(i);
    seen.insert(std::stoi(fill("{{random(3, 5)}}")));
  }
  EXPECT_EQ(seen, (std::set<int>{3, 4, 5}));
  EXPECT_EQ(fill("{{random(5, 5)}}"), "5");
  EXPECT_EQ(fill(R"({{random("a", 5)}})"), "null");
  EXPECT_NE(fill("{{random(-9223372036854775808, 9223372036854775807)}}"), "null");
}

TEST_F(templates, a_body_given_as_json_may_quote_inside_its_strings) {
  auto body = nlohmann::json{{"a", R"({{ default(env.NO, "x") }})"}}.dump();
  EXPECT_EQ(fill(body), R"({"a":"x"})");
}

TEST_F(templates, errors_have_line_and_column) {
  EXPECT_EQ(error_place("{\n  \"a\": {{ nothing.here }}\n}"), "2:11");
  EXPECT_EQ(error_place("{\"a\": {{ request }} }"), "1:17");
  EXPECT_EQ(error_place("{\"a\": {{ env.X "), "1:16");
  EXPECT_EQ(error_place("{\"a\": {{ env.X }}\n \"b\": 1}"), "2:4") << "the text around the expressions is checked, too; the place is the end of what is out of place";
  EXPECT_EQ(error_place("{\"a\": {{ random(1) }}}"), "1:18");
  EXPECT_EQ(error_place("{{ env.X.y }}"), "1:9");
  EXPECT_EQ(error_place("{{ now.year }}"), "1:7");
  EXPECT_EQ(error_place("{{}}"), "1:3");
  EXPECT_EQ(error_place("{{ \"open }}"), "1:4");
  EXPECT_EQ(error_place("{\"a\": {{ request.path.id }}x}"), "1:28");
}

TEST_F(templates, nesting_and_number_of_expressions_are_bounded) {
  std::string nested = "1";
  for (int i = 0; i < 40; ++i)
    nested = "default(" + nested + ",1)";
  EXPECT_TRUE(fill("{{" + nested + "}}").starts_with("ERROR"));
  std::string many = "[1";
  for (std::size_t i = 0; i <= limits::template_expressions; ++i)
    many += ",{{now}}";
  EXPECT_TRUE(fill(many + "]").starts_with("ERROR"));
}

TEST_F(templates, output_and_work_are_bounded) {
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(run(data, data_command{put_item{"big", "k" + std::to_string(i), '"' + std::string(1'000'000, 'x') + '"'}}));
  EXPECT_EQ(fill("{{data.big}}"), "FAILED the answer is larger than the limit template_output_bytes");
  std::string many = "[0";
  for (int i = 0; i < 100; ++i)
    many += ",{{data.big.k0.no}},{{default(data.big.k1, 1)}}";
  EXPECT_TRUE(fill(many + "]").starts_with("FAILED"));
}

TEST_F(templates, text_and_xml_have_their_own_escapes) {
  captures = {"<&\">"};
  EXPECT_EQ(fill("<a b=\"{{request.path.id}}\"/>", template_flavour::xml), "<a b=\"&lt;&amp;&quot;&gt;\"/>");
  EXPECT_EQ(fill("{{request.path.id}} {not json", template_flavour::text), "<&\"> {not json");
}

TEST_F(templates, hostile_values_leave_the_json_valid) {
  for (std::string hostile : {"\"", "\\", "\n", "}}", "{{now}}", "\x01", "\xe2\x80\xa8", "</script>", "\\u0000"}) {
    captures = {hostile};
    auto text = fill(R"({"a":{{request.path.id}},"b":"x{{request.path.id}}y"})");
    auto v = nlohmann::json::parse(text, nullptr, false);
    ASSERT_FALSE(v.is_discarded()) << text;
    EXPECT_EQ(v["a"], hostile);
    EXPECT_EQ(v["b"], "x" + hostile + "y");
  }
}

} // namespace
