// The official JSON Schema test suite, every required case. It is looked for beside the checkout and in HOURGLASS_SCHEMA_SUITE.
#include "tests/support/reference_data.hpp"

#include "mock/schema.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

namespace hourglass::mock {

namespace {

namespace fs = std::filesystem;

fs::path suite() {
  if (const char* told = std::getenv("HOURGLASS_SCHEMA_SUITE"))
    return told;
  return test::reference_data("json-schema-test-suite");
}

std::string bytes_of(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

json_value json_of(const fs::path& path) {
  auto v = parse_json(bytes_of(path));
  EXPECT_TRUE(v) << path << (v ? "" : v.error().detail);
  return v ? std::move(*v) : json_value{};
}

/// The remotes, under the URIs that the suite gives them.
std::vector<std::pair<std::string, json_value>> remotes(const fs::path& root) {
  std::vector<std::pair<std::string, json_value>> out;
  for (const auto& entry : fs::recursive_directory_iterator{root / "remotes"})
    if (entry.is_regular_file() && entry.path().extension() == ".json")
      out.emplace_back("http://localhost:1234/" + fs::relative(entry.path(), root / "remotes").generic_string(), json_of(entry.path()));
  return out;
}

struct tally {
  std::size_t run = 0;
  std::size_t right = 0;
  std::string wrong;
};

void run_file(const fs::path& file, schema_options options, const std::vector<std::pair<std::string, json_value>>& known, tally& t) {
  auto groups = json_of(file);
  for (const auto& group : groups.items) {
    schema_compiler compiler{options};
    for (const auto& [uri, document] : known)
      compiler.add(uri, document);
    compiler.add("", *group.member("schema"));
    auto schema = compiler.compile("");
    for (const auto& one : group.member("tests")->items) {
      ++t.run;
      bool wanted = one.member("valid")->is_true();
      const auto& data = *one.member("data");
      // Both ways to ask must agree.
      bool right = schema && schema->accepts(data) == wanted && schema->check(data).empty() == wanted;
      if (right)
        ++t.right;
      else
        t.wrong += "  " + file.filename().string() + ": " + std::string{group.string_member("description")} + " / " +
                   std::string{one.string_member("description")} + (schema ? "" : ": " + schema.error().detail + " at " + schema.error().where) + '\n';
    }
  }
}

struct draft {
  const char* folder;
  schema_dialect dialect;
  std::size_t required;
};

class schema_suite : public testing::TestWithParam<draft> {};

TEST_P(schema_suite, every_required_case_passes) {
  auto root = suite();
  if (root.empty())
    GTEST_SKIP() << "the JSON Schema test suite is not beside the checkout; set HOURGLASS_SCHEMA_SUITE";
  auto known = remotes(root);
  tally t;
  schema_options options;
  options.dialect = GetParam().dialect;
  for (const auto& entry : fs::directory_iterator{root / "tests" / GetParam().folder})
    if (entry.path().extension() == ".json")
      run_file(entry.path(), options, known, t);
  std::cout << GetParam().folder << ": " << t.right << " of " << t.run << " required cases\n";
  RecordProperty("cases", std::to_string(t.run));
  EXPECT_EQ(t.right, t.run) << t.wrong;
  EXPECT_GE(t.run, GetParam().required);
}

/// What the suite calls optional: all of it but the content of strings, and those formats that are checked only in part.
TEST_P(schema_suite, optional_cases_pass_apart_from_those_that_are_not_claimed) {
  auto root = suite();
  if (root.empty())
    GTEST_SKIP() << "the JSON Schema test suite is not beside the checkout; set HOURGLASS_SCHEMA_SUITE";
  static const std::set<std::string> not_claimed{"content.json", "hostname.json", "idn-hostname.json", "uri-template.json", "ecmascript-regex.json"};
  auto known = remotes(root);
  schema_options options;
  options.dialect = GetParam().dialect;
  auto folder = root / "tests" / GetParam().folder / "optional";
  tally t;
  for (const auto& entry : fs::directory_iterator{folder})
    if (entry.path().extension() == ".json" && entry.path().filename() != "content.json")
      run_file(entry.path(), options, known, t);
  options.assert_formats = true;
  for (const auto& entry : fs::directory_iterator{folder / "format"})
    if (!not_claimed.contains(entry.path().filename().string()))
      run_file(entry.path(), options, known, t);
  std::cout << GetParam().folder << ": " << t.right << " of " << t.run << " optional cases\n";
  EXPECT_EQ(t.right, t.run) << t.wrong;
}

INSTANTIATE_TEST_SUITE_P(drafts, schema_suite,
                         testing::Values(draft{"draft4", schema_dialect::draft4, 618}, draft{"draft7", schema_dialect::draft7, 927},
                                         draft{"draft2020-12", schema_dialect::draft2020_12, 1299}),
                         [](const auto& which) {
                           std::string name = which.param.folder;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace

} // namespace hourglass::mock
