// Operations that a document tells apart by a query or fragment in their path.
#include "support.hpp"

#include "mock/match_limits.hpp"
#include "mock/openapi.hpp"

#include <set>

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
namespace events = hourglass::events;
namespace limits = hourglass::limits;
using json = nlohmann::json;

struct variants : testing::Test {
  endpoint_state state;

  /// Each operation answers with its name.
  json import(const std::vector<std::pair<std::string, json>>& operations) {
    json paths = json::object();
    for (const auto& [path, more] : operations) {
      auto operation = more;
      operation["responses"] = {{"200", {{"content", {{"application/json", {{"example", path}}}}}}}};
      paths[path]["get"] = operation;
    }
    return again(json{{"openapi", "3.1.0"}, {"info", {{"title", "t"}, {"version", "1"}}}, {"paths", paths}});
  }
  json again(const json& document) {
    auto r = run(state, endpoint_command{import_openapi{document.dump()}}, at_moment(++chance_));
    EXPECT_TRUE(r) << r.error().detail << " at " << r.error().where;
    return r ? json::parse(*r) : json{};
  }
  std::string got(const std::string& target, fields headers = {}) {
    auto r = answer(state, get(target, std::move(headers)));
    return r.status == 200 ? json::parse(r.body).get<std::string>() : std::to_string(r.status);
  }
  static json parameter(const std::string& in, const std::string& name, json schema, bool required = true) {
    return {{"in", in}, {"name", name}, {"required", required}, {"schema", std::move(schema)}};
  }

private:
  std::uint8_t chance_ = 0;
};

TEST_F(variants, a_query_in_the_path_is_asked_of_the_request) {
  auto reply = import({{"/responses", {}}, {"/responses?beta=true", {}}, {"/responses?beta=true&depth={depth}", {}}, {"/responses?tag=a%20b", {}}});
  EXPECT_EQ(reply["endpoints"], 4);
  EXPECT_EQ(reply["warnings"], json::array());
  EXPECT_EQ(got("/responses"), "/responses");
  EXPECT_EQ(got("/responses?beta=false"), "/responses");
  EXPECT_EQ(got("/responses?x=1&beta=true"), "/responses?beta=true");
  EXPECT_EQ(got("/responses?beta=true&depth=7"), "/responses?beta=true&depth={depth}");
  EXPECT_EQ(got("/responses?tag=a+b"), "/responses?tag=a%20b");
}

TEST_F(variants, a_fragment_means_what_the_operation_requires_and_only_takes_one_way) {
  auto action = [](const std::string& name) { return json{{"parameters", {parameter("query", "Action", {{"type", "string"}, {"enum", {name}}}), parameter("query", "Version", {{"const", 2}})}}}; };
  auto reply = import({{"/#Action=ListUsers", action("ListUsers")},
                       {"/#Action=ListGroups", action("ListGroups")},
                       {"/#X-Amz-Target=Put", {{"parameters", {parameter("header", "X-Amz-Target", {{"enum", {"Put"}}})}}}}});
  EXPECT_EQ(reply["endpoints"], 3);
  EXPECT_EQ(got("/?Action=ListUsers&Version=2"), "/#Action=ListUsers");
  EXPECT_EQ(got("/?Action=ListGroups&Version=2"), "/#Action=ListGroups");
  EXPECT_EQ(got("/?Action=ListGroups&Version=3"), "404");
  EXPECT_EQ(got("/", {{"x-amz-target", "Put"}}), "/#X-Amz-Target=Put");
}

TEST_F(variants, one_that_nothing_tells_apart_is_served_where_its_path_is_free_and_else_left_out) {
  auto reply = import({{"/files/{id}", {}},
                       {"/files/{id}#shared", {{"parameters", {parameter("query", "fields", {{"type", "string"}})}}}},
                       {"/schema#add", {}},
                       {"/schema#update", {}}});
  EXPECT_EQ(reply["endpoints"], 2);
  EXPECT_EQ(got("/files/1?fields=shared"), "/files/{id}");
  EXPECT_EQ(got("/schema"), "/schema#add");
  ASSERT_EQ(reply["warnings"].size(), 2U);
  EXPECT_EQ(reply["warnings"][0]["pointer"], "/paths/~1files~1{id}#shared/get");
  EXPECT_EQ(reply["warnings"][1]["pointer"], "/paths/~1schema#update/get");
}

TEST_F(variants, each_keeps_an_id_of_its_own_over_imports_and_snapshots) {
  const std::vector<std::pair<std::string, json>> all{{"/a", {}}, {"/a?b=1", {}}, {"/a?b=2", {}}};
  auto ids = [&] {
    std::map<std::string, std::string> out;
    for (const auto* e : state.list("", 10))
      out[e->match] = e->id;
    return out;
  };
  import(all);
  const auto before = ids();
  ASSERT_EQ(before.size(), 3U);
  EXPECT_EQ(std::set<std::string>({before.at(""), before.at(R"({"query":{"b":{"equals":"1"}}})"), before.at(R"({"query":{"b":{"equals":"2"}}})")}).size(), 3U);
  import(all);
  EXPECT_EQ(ids(), before);
  state = restore<endpoint_state>(snapshot(state)).value();
  EXPECT_EQ(ids(), before);
  EXPECT_EQ(got("/a?b=2"), "/a?b=2");
}

TEST_F(variants, what_no_match_can_hold_is_left_out) {
  std::string long_one = "/a?";
  for (std::size_t i = 0; i <= limits::match_conditions; ++i)
    long_one += "p" + std::to_string(i) + "=1&";
  auto reply = import({{long_one, {}}, {"/b#x", {{"parameters", {parameter("header", "no header name", {{"const", "x"}})}}}}, {"/c?=1&%zz=2", {}}, {"/d?", {}}});
  EXPECT_EQ(reply["endpoints"], 2) << "of the last two nothing is left to ask for";
  EXPECT_EQ(reply["warnings"].size(), 2U);
  EXPECT_EQ(got("/c"), "/c?=1&%zz=2");
  EXPECT_EQ(got("/d"), "/d?");
}

} // namespace
