// Generated values, judged by the validator.
#include "support.hpp"

#include "mock/ecma_regex.hpp"
#include "mock/openapi.hpp"
#include "mock/pattern_sample.hpp"
#include "mock/sample.hpp"
#include "mock/schema.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace hourglass::mock {

namespace {

json_value json(std::string_view text) {
  auto v = parse_document(text);
  EXPECT_TRUE(v) << text.substr(0, 200);
  return v ? std::move(*v) : json_value{};
}

events::entropy seed_of(std::uint8_t n) {
  events::entropy out;
  out.fill(n);
  return out;
}

/// Judges by the schemas of one document.
struct judge {
  judge(const json_value& root, schema_dialect dialect) : compiler_(options_for(dialect)) { compiler_.add("", root); }

  static schema_options options_for(schema_dialect dialect) {
    schema_options out;
    out.dialect = dialect;
    out.assert_formats = true;
    out.lenient = true;
    return out;
  }
  std::vector<schema_fault> faults(const json_value& schema, const json_value& value) {
    auto s = compiler_.compile("", schema, "#");
    return s ? s->check(value, 3) : std::vector<schema_fault>{};
  }

  schema_compiler compiler_;
};

class generated_from : public testing::TestWithParam<const char*> {};

TEST_P(generated_from, a_value_fits_its_schema_whatever_the_seed) {
  auto schema = json(GetParam());
  judge by{schema, schema_dialect::draft2020_12};
  for (std::uint8_t seed = 1; seed < 20; ++seed) {
    sampler s{schema, seed_of(seed), {}, [&](const json_value& of, const json_value& v, schema_purse&) { return by.faults(of, v).empty(); }};
    auto v = s.sample(schema, "here");
    auto faults = by.faults(schema, v);
    EXPECT_TRUE(faults.empty()) << to_text(v) << ": " << faults.front().instance << ' ' << faults.front().message;
  }
}

INSTANTIATE_TEST_SUITE_P(
  all, generated_from,
  testing::Values(R"({"type":"string","pattern":"^[A-Z]{3}-\\d{4,6}$"})", R"({"type":"string","pattern":"^(cus|acct)_[a-zA-Z0-9]{14}$"})",
                  R"({"type":"string","pattern":"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"})", R"({"type":"string","pattern":"^\\+?[1-9]\\d{1,14}$","minLength":8,"maxLength":9})",
                  R"({"type":"string","pattern":"^\\S+@\\S+\\.\\w{2,}$"})", R"({"type":"string","pattern":"[^\\s]","minLength":12})", R"({"type":"string","pattern":"^\\p{Lu}\\p{L}*$"})",
                  R"({"type":"string","pattern":"^#(?:[0-9a-fA-F]{3}){1,2}$"})", R"({"pattern":"^a|b$","type":"string"})",
                  R"({"type":"array","items":{"enum":["a","b","c"]},"uniqueItems":true,"minItems":3})", R"({"type":"array","items":{"type":"boolean"},"uniqueItems":true,"minItems":1})",
                  R"({"type":"array","items":{"type":"integer","minimum":1,"maximum":5},"uniqueItems":true,"minItems":4})",
                  R"({"type":"array","items":{"type":"integer"},"contains":{"const":7},"minContains":2})", R"({"contains":{"type":"string","pattern":"^x"}})",
                  R"({"type":"object","properties":{"kind":{"enum":["a","b"]},"size":{"type":"integer"}},"required":["kind"],"if":{"properties":{"kind":{"const":"b"}}},"then":{"required":["size"]}})",
                  R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"dependentRequired":{"a":["z"]}})",
                  R"({"type":"object","properties":{"a":{"type":"string","example":5}}})", R"({"type":"object","properties":{"a":{"type":"integer"}},"not":{"required":["a"]}})",
                  R"({"type":"number","minimum":0.5,"maximum":1,"multipleOf":0.25})", R"({"type":"integer","multipleOf":12,"exclusiveMinimum":12,"maximum":36})",
                  R"({"type":"string","format":"date-time"})", R"({"type":"string","format":"ipv6"})", R"({"type":"string","format":"duration"})", R"({"type":"string","format":"time"})",
                  R"({"type":"string","maxLength":2})", R"({"type":"string","pattern":"^[0-9]*$"})",
                  R"({"type":"string","pattern":"^(?:[A-Z]{2})?$"})", R"({"type":"string","pattern":"^\\uD83D\\uDE00$"})",
                  R"({"type":"string","pattern":"^[\\uD83D\\uDE00-\\uD83D\\uDE4F]{2,3}$"})", R"({"type":"string","pattern":"[^\\s]","minLength":9000})"));

TEST(pattern_text, is_within_the_lengths_or_not_at_all) {
  std::uint64_t n = 0;
  auto draw = [&] { return n++ * 7919; };
  schema_purse purse;
  for (auto [pattern, least, most] : {std::tuple{"^[a-z]*$", 10U, 12U}, {"^(ab)+$", 4U, 4U}, {"x", 1U, 1U}, {"^.{5}$", 0U, 9U}}) {
    auto text = text_for_pattern(pattern, {}, least, most, draw, purse);
    ASSERT_TRUE(text) << pattern;
    EXPECT_GE(text->size(), least) << pattern;
    EXPECT_LE(text->size(), most) << pattern;
    EXPECT_TRUE((*ecma_regex::compile(pattern))->matches(*text)) << *text;
  }
  EXPECT_FALSE(text_for_pattern("^a{5}$", {}, 0, 3, draw, purse));
  EXPECT_FALSE(text_for_pattern("^(?!a)", {}, 0, 3, draw, purse));
}

TEST(pattern_text, is_the_wish_if_that_fits) {
  auto draw = [] { return std::uint64_t{5}; };
  schema_purse purse;
  EXPECT_EQ(text_for_pattern("^[a-z-]*$", "some-word", 0, 20, draw, purse), "some-word");
  EXPECT_NE(text_for_pattern("^[a-z-]*$", "some-word", 0, 5, draw, purse), "some-word");
  EXPECT_NE(text_for_pattern("^[a-z]*$", "", 0, 5, draw, purse), "");
}

TEST(pattern_text, ends_with_an_empty_purse) {
  auto draw = [] { return std::uint64_t{5}; };
  schema_purse purse{1'000};
  EXPECT_FALSE(text_for_pattern("^(?:ab){400}$", {}, 0, 10'000, draw, purse));
  EXPECT_TRUE(purse.empty());
}

TEST(sampler, pays_for_verdicts_and_texts_out_of_the_steps_of_its_document) {
  auto schema = json(R"({"type":"string"})");
  sampler judged{schema, seed_of(1), {}, [](const json_value&, const json_value&, schema_purse& purse) { return purse.spend(limits::schema_work); }};
  (void)judged.sample(schema, "here");
  EXPECT_TRUE(judged.exhausted());

  auto costly = json(R"({"type":"string","pattern":"^(?:ab){40}$","minLength":200})");
  sampler s{costly, seed_of(1), {}};
  for (int i = 0; i < 2'000 && !s.exhausted(); ++i)
    (void)s.sample(costly, "here");
  EXPECT_TRUE(s.exhausted());
}

// -- real documents --------------------------------------------------------------------

class real_schemas : public testing::TestWithParam<const char*> {};

TEST_P(real_schemas, give_values_that_fit_for_every_json_answer) {
  auto text = real_document(GetParam());
  if (text.empty())
    GTEST_SKIP() << "no " << GetParam() << " beside the checkout";
  auto root = json(text);
  auto dialect = root.string_member("openapi").starts_with("3.1") ? schema_dialect::draft2020_12 : schema_dialect::openapi_3_0;
  judge by{root, dialect};
  auto options = judge::options_for(dialect);
  options.assert_formats = false;
  schema_compiler lenient{options};
  lenient.add("", root);
  sampler s{root, seed_of(7), {}, [&](const json_value& of, const json_value& v, schema_purse& purse) {
              auto compiled = lenient.compile("", of, "#");
              return !compiled || compiled->accepts(v, purse);
            }};
  std::size_t made = 0;
  std::size_t fitting = 0;
  std::string wrong;
  for (std::size_t p = 0; p < root.member("paths")->items.size(); ++p) {
    const auto& item = root.member("paths")->items[p];
    for (std::size_t m = 0; m < item.items.size() && item.is_object(); ++m) {
      const auto* responses = item.items[m].member("responses");
      for (std::size_t r = 0; responses != nullptr && r < responses->items.size(); ++r) {
        const auto* response = follow_reference(root, responses->items[r]);
        const auto* content = response != nullptr ? response->member("content") : nullptr;
        const auto* media = content != nullptr ? content->member("application/json") : nullptr;
        const auto* schema = media != nullptr ? media->member("schema") : nullptr;
        if (schema == nullptr)
          continue;
        auto place = root.member("paths")->names[p] + ' ' + item.names[m] + ' ' + responses->names[r];
        auto v = s.sample(*schema, place);
        ++made;
        auto compiled = lenient.compile("", *schema, "#");
        ASSERT_TRUE(compiled) << place << ": " << compiled.error().detail;
        auto faults = compiled->check(v, 2);
        if (faults.empty())
          ++fitting;
        else if (wrong.size() < 4'000)
          wrong += place + ": " + faults.back().instance + ' ' + faults.back().schema + ' ' + faults.back().message + '\n';
      }
    }
  }
  std::cout << GetParam() << ": " << fitting << " of " << made << " generated answers fit their schema\n";
  EXPECT_GT(made, 0U);
  EXPECT_EQ(fitting, made) << wrong;
}

INSTANTIATE_TEST_SUITE_P(all, real_schemas, testing::Values("petstore.yaml", "museum.yaml", "box.json", "openai.json", "stripe-2023-09-12.spec3.yaml"),
                         [](const auto& which) {
                           std::string name = which.param;
                           return name.substr(0, name.find_first_of(".-"));
                         });

} // namespace

} // namespace hourglass::mock
