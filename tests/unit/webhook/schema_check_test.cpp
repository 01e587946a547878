#include "webhook/erasing.hpp"
#include "webhook/schema_check.hpp"
#include "webhook/views.hpp"

#include "world.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

/// Finds what it is told to find, and remembers what it was asked.
struct fake_judge : payload_judge {
  mutable judgement says;
  mutable bool with_own = false, with_json = false;
  mutable std::optional<schema_check> sandbox;
  mutable std::size_t asked = 0;

  judgement judge(const event_type* own, std::string_view, std::optional<schema_check> s, std::optional<std::string_view> text) const override {
    ++asked;
    with_own = own != nullptr;
    with_json = text.has_value();
    sandbox = s;
    return says;
  }
  hourglass::events::outcome<void> compiles(const std::string& schemas) const override {
    if (schemas.find("broken") != std::string::npos)
      return hourglass::events::failure(errc::invalid, "is no schema", "/schemas/1/type");
    return {};
  }
};

create_message message(std::string payload = R"({"amount":"many"})") {
  create_message c;
  c.event_type = "invoice.paid";
  c.payload = std::move(payload);
  return c;
}

const schema_fault fault{"/amount", "/properties/amount/type", "must be a number"};

struct schema_checks : ::testing::Test {
  world w;
  std::shared_ptr<fake_judge> judge = std::make_shared<fake_judge>();

  void SetUp() override {
    judge->says = {schema_check::warn, "2", {fault}};
    judge_by(w.live, judge, schema_check::enforce);
  }
  message_created last() const {
    auto f = decode(hourglass::events::kind::message_created, w.log.back().second);
    EXPECT_TRUE(f) << f.error().detail;
    return std::get<message_created>(*f);
  }
};

TEST(schema_check_of_a_message, is_the_sandboxs_word_then_the_event_types_and_else_a_warning) {
  using enum schema_check;
  EXPECT_EQ(check_of(std::nullopt, std::nullopt), warn);
  EXPECT_EQ(check_of(std::nullopt, off), off);
  EXPECT_EQ(check_of(std::nullopt, enforce), enforce);
  EXPECT_EQ(check_of(off, enforce), off);
  EXPECT_EQ(check_of(enforce, off), enforce);
  for (auto c : {off, warn, enforce})
    EXPECT_EQ(schema_check_from(to_string(c)), c);
  EXPECT_FALSE(schema_check_from("strict"));
}

TEST(schema_check_of_a_message, takes_the_highest_version_as_a_number) {
  EXPECT_TRUE(is_newer_version("10", "9"));
  EXPECT_TRUE(is_newer_version("2", "1"));
  EXPECT_FALSE(is_newer_version("1", "1"));
  EXPECT_TRUE(is_newer_version("1", ""));
}

TEST_F(schema_checks, a_warning_is_taken_and_stands_in_the_messages_event) {
  auto out = json::parse(w.run(message())->reply);
  EXPECT_EQ(out["schemaFaults"], (json{{{"pointer", "/amount"}, {"rule", "/properties/amount/type"}, {"message", "must be a number"}}}));
  EXPECT_EQ(last().schema_faults, std::vector{fault});
  EXPECT_EQ(last().body, R"({"amount":"many"})");
  EXPECT_EQ(judge->sandbox, schema_check::enforce) << "who judges is told what the sandbox says";
  EXPECT_TRUE(judge->with_json);
}

TEST_F(schema_checks, what_fits_says_nothing) {
  judge->says.faults.clear();
  EXPECT_EQ(w.run(message())->reply.find("schemaFaults"), std::string::npos);
  EXPECT_EQ(w.log.back().second.find("schema_faults"), std::string::npos);
}

TEST_F(schema_checks, enforced_it_is_refused_with_place_rule_and_reason_and_nothing_is_written) {
  judge->says = {schema_check::enforce, "2", {fault, {"/x", "/additionalProperties", "is not allowed"}}};
  const auto before = w.log.size();
  auto refused = w.run(message());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid);
  EXPECT_EQ(refused.error().where, "/payload/amount");
  for (auto part : {"must be a number", "/properties/amount/type", "version 2", "invoice.paid", "1 more", "/x"})
    EXPECT_NE(refused.error().detail.find(part), std::string::npos) << part << " in " << refused.error().detail;
  EXPECT_EQ(w.log.size(), before);
}

TEST_F(schema_checks, bytes_that_are_no_json_are_judged_as_such) {
  auto c = message("plain");
  c.raw = true;
  c.content_type = "text/plain";
  ASSERT_TRUE(w.run(c));
  EXPECT_FALSE(judge->with_json);
  judge->says.check = schema_check::enforce;
  EXPECT_EQ(w.refused(c), errc::invalid);
}

TEST_F(schema_checks, a_fold_never_judges_again) {
  ASSERT_TRUE(w.run(message()));
  const auto asked = judge->asked;
  judge->says.check = schema_check::enforce;
  auto read = restore(snapshot(w.live));
  ASSERT_TRUE(read);
  outbox_state folded;
  for (const auto& [at, payload] : w.log)
    ASSERT_TRUE(apply(folded, at, payload));
  EXPECT_EQ(judge->asked, asked);
  EXPECT_EQ(snapshot(folded), snapshot(w.live));
}

TEST_F(schema_checks, a_schema_that_does_not_compile_is_refused_with_its_place) {
  event_type t;
  t.name = "invoice.paid";
  t.schemas = R"({"1":{"type":"broken"}})";
  auto refused = w.run(put_event_type{t, true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where, "/schemas/1/type");
  t.schemas = R"({"1":{"type":"object"}})";
  t.check = schema_check::enforce;
  auto out = json::parse(w.run(put_event_type{t, true})->reply);
  EXPECT_EQ(out["schemaCheck"], "enforce");
  ASSERT_TRUE(w.run(message()));
  EXPECT_TRUE(judge->with_own) << "the sandbox's own type goes along";
  auto again = restore(snapshot(w.live));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(again->event_types().at("invoice.paid").check, schema_check::enforce);
}

TEST_F(schema_checks, what_was_found_goes_with_the_payload_when_that_is_erased) {
  ASSERT_TRUE(w.run(message()));
  hourglass::events::record r;
  r.header.kind = hourglass::events::kind::message_created;
  r.payload = w.log.back().second;
  auto left = without_content(r);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->find("amount"), std::string::npos) << *left;
  auto f = decode(hourglass::events::kind::message_created, *left);
  ASSERT_TRUE(f) << f.error().detail;
  EXPECT_TRUE(std::get<message_created>(*f).schema_faults.empty());
}

} // namespace
