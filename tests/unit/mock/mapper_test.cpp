#include "mock/mapper.hpp"

#include "handler_fixture.hpp"
#include "mock/data_names.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::mock {

namespace {

using nlohmann::json;

events::outcome<json_value> mapped(const std::string& rules, const std::string& input, const std::string& more = {}) {
  auto m = compiled_mapper::compile(R"({"rules":)" + rules + more + '}');
  if (!m)
    return tl::unexpected<events::error>{m.error()};
  return (*m)->apply(parse_json(input).value());
}

/// The result, or what is wrong and where.
std::string made(const std::string& rules, const std::string& input, const std::string& more = {}) {
  auto r = mapped(rules, input, more);
  return r ? to_text(*r) : "! " + r.error().where + " " + r.error().detail;
}
std::string place_of_error(const std::string& rules, const std::string& input = "{}") {
  auto r = mapped(rules, input);
  return r ? "none" : r.error().where;
}

TEST(mapper, puts_what_it_finds_where_it_is_told) {
  EXPECT_EQ(made(R"([{"to":"customer.id","from":"$.user.id"},{"to":"/customer/a.b","from":"$.list[-1]"},{"to":"none","from":"$.missing"}])",
                 R"({"user":{"id":7},"list":[1,2]})"),
            R"({"customer":{"id":7,"a.b":2}})");
  EXPECT_EQ(made(R"([{"to":"$","from":"$.a"}])", R"({"a":[1]})"), "[1]");
  EXPECT_EQ(made(R"([{"to":"null","from":"$.a"}])", R"({"a":null})"), R"({"null":null})");
}

TEST(mapper, numbers_keep_their_text) {
  EXPECT_EQ(made(R"([{"to":"n","from":"$"}])", "12345678901234567890.10"), R"({"n":12345678901234567890.10})");
}

TEST(mapper, has_constants_and_templates) {
  EXPECT_EQ(made(R"([{"to":"a","value":{"x":[1]}},{"to":"b","template":"{{$.first}} {{ $.last }}!{{$.none}}{{$.n}}{{$.o}}"}])",
                 R"({"first":"Ann","last":"Lee","n":null,"o":{"k":1}})"),
            R"({"a":{"x":[1]},"b":"Ann Lee!{\"k\":1}"})");
  EXPECT_EQ(made(R"([{"to":"a","template":""}])", "{}"), R"({"a":""})");
}

TEST(mapper, takes_all_that_is_found_or_the_first) {
  const auto* input = R"({"i":[{"p":1},{"p":2},{}]})";
  EXPECT_EQ(made(R"([{"to":"first","from":"$.i[*].p"},{"to":"all","from":"$.i[*].p","all":true},{"to":"none","from":"$.x[*]","all":true}])", input),
            R"({"first":1,"all":[1,2],"none":[]})");
}

TEST(mapper, goes_through_arrays) {
  const auto* input = R"({"cur":"EUR","items":[{"id":1,"tags":["a","b"]},{"id":2}]})";
  EXPECT_EQ(made(R"([{"to":"lines","from":"$.items","each":[{"to":"sku","from":"$.id","type":"string"},{"to":"currency","from":"$$.cur"},)"
                 R"({"to":"tags","from":"$.tags","each":[{"to":"$","template":"#{{$}}"}]}]}])",
                 input),
            R"({"lines":[{"sku":"1","currency":"EUR","tags":["#a","#b"]},{"sku":"2","currency":"EUR"}]})");
  EXPECT_EQ(made(R"([{"to":"tags","from":"$.items[*].tags[*]","all":true,"each":[{"to":"t","from":"$"}]}])", input), R"({"tags":[{"t":"a"},{"t":"b"}]})");
  EXPECT_EQ(made(R"([{"to":"x","from":"$.none","each":[]},{"to":"y","from":"$.none","each":[],"default":[]}])", input), R"({"y":[]})");
  EXPECT_EQ(made(R"([{"to":"x","from":"$.cur","each":[]}])", input), "! /rules/0 `each` goes through an array, and there is a text");
}

TEST(mapper, fills_in_maps_and_converts_in_this_order) {
  EXPECT_EQ(made(R"([{"to":"a","from":"$.none","default":"A","map":{"A":"1"},"type":"integer"},{"to":"b","from":"$.null","default":2},)"
                 R"({"to":"c","from":"$.s","map":{"x":1},"otherwise":null},{"to":"d","from":"$.n","map":{"5":"five"}},{"to":"e","from":"$.t","map":{"true":"yes"}}])",
                 R"({"null":null,"s":"y","n":5,"t":true})"),
            R"({"a":1,"b":2,"c":null,"d":"five","e":"yes"})");
  EXPECT_EQ(made(R"([{"to":"a","value":1},{"to":"c","from":"$.s","map":{"x":1}}])", R"({"s":"secret"})"),
            "! /rules/1 `map` has no entry for what is there, which is a text") << "and it quotes nothing";
  EXPECT_EQ(made(R"([{"to":"c","from":"$.s","required":true}])", "{}"), "! /rules/0 there is nothing at `from`, and it is required");
}

TEST(mapper, converts_or_says_why_not) {
  auto as = [](const std::string& type, const std::string& value) { return made(R"([{"to":"$","from":"$","type":")" + type + R"("}])", value); };
  EXPECT_EQ(as("string", "1.50"), R"("1.50")");
  EXPECT_EQ(as("string", "true"), R"("true")");
  EXPECT_EQ(as("string", R"({"a":1})"), R"("{\"a\":1}")");
  EXPECT_EQ(as("number", R"("1.5e3")"), "1.5e3");
  EXPECT_EQ(as("number", "true"), "1");
  EXPECT_EQ(as("integer", R"("12")"), "12");
  EXPECT_EQ(as("integer", "2.0"), "2.0") << "a whole number, as JSON Schema has it";
  EXPECT_EQ(as("boolean", R"("false")"), "false");
  EXPECT_EQ(as("boolean", "1"), "true");
  for (const auto& [type, value] : std::vector<std::pair<std::string, std::string>>{{"number", R"("1 ")"}, {"number", R"("")"}, {"number", R"("0x10")"}, {"number", R"("NaN")"},
                                                                                  {"number", "null"}, {"number", "[1]"}, {"number", R"("01")"}, {"integer", "1.5"},
                                                                                  {"integer", R"("a")"}, {"boolean", R"("yes")"}, {"boolean", "2"}, {"boolean", "{}"}})
    EXPECT_EQ(as(type, value).substr(0, 10), "! /rules/0") << type << value;
}

TEST(mapper, conditions_choose_the_rules) {
  const std::string rules = R"([{"to":"eq","value":1,"when":{"path":"$.t","equals":"x"}},{"to":"in","value":1,"when":{"path":"$.n","in":[1,2.0]}},)"
                            R"({"to":"is","value":1,"when":{"path":"$.z"}},{"to":"isnt","value":1,"when":{"path":"$.z","exists":false}},)"
                            R"({"to":"not","value":1,"when":{"path":"$.t","equals":"x","not":true}}])";
  EXPECT_EQ(made(rules, R"({"t":"x","n":2,"z":null})"), R"({"eq":1,"in":1,"is":1})");
  EXPECT_EQ(made(rules, R"({"t":"y","n":3})"), R"({"isnt":1,"not":1})");
}

TEST(mapper, may_begin_with_the_input_and_remove) {
  EXPECT_EQ(made(R"([{"remove":"a.b"},{"remove":"/l/0"},{"remove":"none.x"},{"to":"n","from":"$.a.b"}])", R"({"a":{"b":1,"c":2},"l":[1,2]})", R"(,"keep":true)"),
            R"({"a":{"c":2},"l":[2],"n":1})");
}

TEST(mapper, appends_to_arrays) {
  EXPECT_EQ(made(R"([{"to":"l.-","value":1},{"to":"l.-.x","value":2},{"to":"l.0","value":3}])", "{}"), R"({"l":[3,{"x":2}]})");
  EXPECT_EQ(made(R"([{"to":"l","value":[]},{"to":"l.5","value":1}])", "{}"), "! /rules/1 `to` reaches into an array by `5`, which is no place in it");
  EXPECT_EQ(made(R"([{"to":"a","value":"x"},{"to":"a.b","value":1}])", "{}"), "! /rules/1 `to` goes through `b`, before which there is a text");
}

TEST(mapper, that_is_none_says_where) {
  EXPECT_EQ(place_of_error("1"), "/rules");
  EXPECT_EQ(place_of_error("[1]"), "/rules/0");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1},{"from":"$.a"}])"), "/rules/1/to");
  EXPECT_EQ(place_of_error(R"([{"to":"","value":1}])"), "/rules/0/to");
  EXPECT_EQ(place_of_error(R"([{"to":"a..b","value":1}])"), "/rules/0/to");
  EXPECT_EQ(place_of_error(R"([{"to":"/a~2","value":1}])"), "/rules/0/to");
  EXPECT_EQ(place_of_error(R"([{"to":"a"}])"), "/rules/0");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1,"from":"$"}])"), "/rules/0");
  EXPECT_EQ(place_of_error(R"([{"to":"a","from":"a.b"}])"), "/rules/0/from");
  EXPECT_EQ(place_of_error(R"([{"to":"a","from":"$$.b"}])"), "/rules/0/from") << "there is no other whole";
  EXPECT_EQ(place_of_error(R"([{"to":"a","template":"{{$.a"}])"), "/rules/0/template");
  EXPECT_EQ(place_of_error(R"([{"to":"a","template":"{{x}}"}])"), "/rules/0/template");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1,"type":"date"}])"), "/rules/0/type");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1,"otherwise":1}])"), "/rules/0/otherwise");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1,"each":[]}])"), "/rules/0/each");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1,"typ":"x"}])"), "/rules/0/typ");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1,"when":{"path":"$","equals":1,"in":[1]}}])"), "/rules/0/when/path");
  EXPECT_EQ(place_of_error(R"([{"to":"a","value":1,"when":{"path":"!"}}])"), "/rules/0/when/path");
  EXPECT_EQ(place_of_error(R"([{"to":"a","from":"$","each":[{"to":"b","from":"("}]}])"), "/rules/0/each/0/from");
  EXPECT_EQ(place_of_error(R"([{"remove":"a","value":1}])"), "/rules/0/value");
  EXPECT_EQ(place_of_error(R"([{"remove":"$"}])"), "none") << "a member of this name";
  EXPECT_EQ(compiled_mapper::compile("{}").error().where, "/rules");
  EXPECT_EQ(compiled_mapper::compile(R"({"rules":[],"x":1})").error().where, "/x");
  EXPECT_FALSE(compiled_mapper::compile("{"));
}

TEST(mapper, errors_in_each_say_which_rule) {
  EXPECT_EQ(place_of_error(R"([{"to":"l","from":"$.l","each":[{"to":"a","value":1},{"to":"n","from":"$","type":"integer"}]}])", R"({"l":[1,"x"]})"), "/rules/0/each/1");
}

TEST(mapper, costs_are_bounded) {
  std::string deep = R"([{"to":"a","value":1}])";
  for (std::size_t i = 0; i <= limits_of_mappers::depth; ++i)
    deep = R"([{"to":"a","from":"$","each":)" + deep + "}]";
  const auto too_deep = compiled_mapper::compile(R"({"rules":)" + deep + "}");
  ASSERT_FALSE(too_deep);
  EXPECT_EQ(too_deep.error().code, events::errc::too_large);
  const auto deepest = deep.substr(deep.find(R"("each":)") + 7);
  EXPECT_TRUE(compiled_mapper::compile(R"({"rules":)" + deepest.substr(0, deepest.size() - 2) + "}"));
  std::string constants = R"({"rules":[{"to":"a","value":[0)";
  for (std::size_t i = 0; i < limits_of_mappers::values; ++i)
    constants += ",0";
  EXPECT_EQ(compiled_mapper::compile(constants + "]}]}").error().code, events::errc::too_large);
  std::string many = "[";
  for (std::size_t i = 0; i <= limits_of_mappers::rules; ++i)
    many += R"({"to":"a","value":1},)";
  many.back() = ']';
  EXPECT_EQ(place_of_error(many), "/rules");
  // Each rule doubles what there is.
  std::string list = "[";
  for (int i = 0; i < 2'000; ++i)
    list += "[1,2,3,4,5,6,7,8,9],";
  list.back() = ']';
  auto large = mapped(R"([{"to":"l","from":"$","each":[{"to":"all","from":"$$"}]}])", list);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, events::errc::too_large);
  // What is read is paid for, though nothing of it is kept.
  auto read = mapped(R"([{"to":"l","from":"$","each":[{"to":"x","from":"$$","map":{},"otherwise":0}]}])", list);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, events::errc::too_large);
  auto removed = mapped(R"([{"to":"all","from":"$"},{"to":"l","from":"$","each":[{"to":"x","template":"{{$$}}"}]}])", list);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, events::errc::too_large);
  std::string zeros = "[0";
  for (int i = 0; i < 4'000; ++i)
    zeros += ",0";
  zeros += ']';
  for (const auto& copied : {R"("value":)" + zeros, R"("from":"$.none","default":)" + zeros}) {
    auto constant = mapped(R"([{"to":"l","from":"$","each":[{"to":"x",)" + copied + R"(,"map":{},"otherwise":0}]}])", list);
    ASSERT_FALSE(constant);
    EXPECT_EQ(constant.error().code, events::errc::too_large);
  }
  std::string bare = "@";
  for (int i = 0; i < 100; ++i)
    bare += "&&@";
  auto filtered = mapped(R"([{"to":"l","from":"$..[?)" + bare + R"(]"}])", list);
  ASSERT_FALSE(filtered);
  EXPECT_EQ(filtered.error().code, events::errc::too_large);
  auto wide = mapped(R"([{"to":"x","from":"$..[*]","all":true,"each":[{"to":"y","from":"$$..[*]","all":true}]}])", list);
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.error().code, events::errc::too_large);
}

// -- as part of the data ----------------------------------------------------------------------

TEST_F(handler, uses_a_mapper_of_the_sandbox) {
  ASSERT_TRUE(run(data, data_command{put_item{std::string{mapper_space}, "m", R"({"rules":[{"to":"n","from":"$.a","type":"integer"}]})"}}));
  engine.during = [](script_host& h) {
    EXPECT_EQ(h.call("mapper.apply", R"(["m",{"a":"7"}])"), R"({"n":7})");
    auto bad = h.call("mapper.apply", R"(["m",{"a":"x"}])");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().detail, "the mapper m at /rules/0: a text that is no whole number");
    EXPECT_EQ(h.call("mapper.apply", R"(["none",{}])").error().detail, "there is no mapper none");
    EXPECT_FALSE(h.call("mapper.apply", "[]"));
    EXPECT_FALSE(h.call("mock.put", R"(["sbx.mappers","m",{"rules":[]}])"));
  };
  serve_it();
}

TEST(mapper_state, is_an_item_of_the_data_and_a_bad_one_never_replaces_a_good_one) {
  data_state s;
  const std::string good = R"({"rules":[{"to":"a","value":1}]})";
  auto mapper = [](const std::string& name, const std::string& text) { return data_command{put_item{std::string{mapper_space}, name, text}}; };
  ASSERT_TRUE(run(s, mapper("m", " " + good)));
  EXPECT_EQ(*s.find(mapper_space, "m"), good);
  auto bad = run(s, mapper("m", R"({"rules":[{"to":"a"}]})"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().where, "/rules/0");
  EXPECT_EQ(*s.find(mapper_space, "m"), good);
  EXPECT_EQ(run(s, mapper("a b", good)).error().where, "/key");
  for (std::size_t i = 1; i < limits_of_mappers::of_a_sandbox; ++i)
    ASSERT_TRUE(run(s, mapper("m" + std::to_string(i), good)));
  EXPECT_EQ(run(s, mapper("one.more", good)).error().code, events::errc::too_large);
  EXPECT_TRUE(run(s, mapper("m", R"({"rules":[{"to":"b","value":2}]})"))) << "one that is there can be replaced";

  auto again = restore<data_state>(snapshot(s));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, s);
  ASSERT_TRUE(again->mappers.at("m").compiled);
  EXPECT_EQ(to_text(*again->mappers.at("m").compiled->apply({})), R"({"b":2})");

  ASSERT_TRUE(run(s, data_command{remove_item{std::string{mapper_space}, "m"}}));
  EXPECT_FALSE(s.mappers.contains("m"));
  ASSERT_TRUE(run(s, data_command{clear_namespace{std::string{mapper_space}}}));
  EXPECT_TRUE(s.mappers.empty());
  EXPECT_EQ(s.bytes, 0U);
}

TEST(mapper_state, one_that_this_version_does_not_take_stays_and_is_told) {
  data_state s;
  ASSERT_TRUE(apply(s, events::kind::data_put, R"({"namespace":"sbx.mappers","key":"old","value":{"rules":[{"to":"a","spell":1}]}})"));
  EXPECT_FALSE(s.mappers.at("old").compiled);
  EXPECT_NE(s.find(mapper_space, "old"), nullptr);
}

} // namespace

} // namespace hourglass::mock
