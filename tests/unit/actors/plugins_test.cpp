#include "actors/plugins.hpp"

#include <gtest/gtest.h>

// What plugins come to, as outcomes of calls.
namespace hourglass::actors {

namespace {

mock::script_outcome faulty(mock::script_fault fault, std::string message) {
  mock::script_outcome out;
  out.error.emplace();
  out.error->fault = fault;
  out.error->message = std::move(message);
  return out;
}

TEST(plugins, one_that_finds_no_worker_fails_alone) {
  const auto made = outcome_of_script(faulty(mock::script_fault::overloaded, "nobody had time"));
  EXPECT_EQ(made.error, "overloaded") << "the calls that were made beside it are to be written down";
  EXPECT_EQ(made.message, "nobody had time");
  EXPECT_EQ(outcome_of_script(faulty(mock::script_fault::unavailable, "stopping")).error, "cancelled");
}

TEST(plugins, a_failure_does_not_say_where_the_service_is) {
  for (const auto* kind : {"dns", "connect", "tls", "refused_by_guard", "timeout", "reset", "malformed", "too_large", "proxy"}) {
    auto said = mock::outbound_outcome::failed(kind, "tax.internal:8443 (10.1.2.3)");
    said.took_us = 7;
    const auto made = outcome_of_service(std::move(said));
    EXPECT_EQ(made.error, kind);
    EXPECT_EQ(made.took_us, 7);
    EXPECT_FALSE(made.message.empty());
    EXPECT_EQ(made.message.find("10.1.2.3"), std::string::npos) << kind;
    EXPECT_EQ(made.message.find("tax.internal"), std::string::npos) << kind;
  }
}

TEST(plugins, each_call_draws_numbers_of_its_own) {
  plugin_registry::entry p, q;
  p.what.name = "p";
  q.what.name = "q";
  events::context ctx;
  ctx.chance.fill(7);
  const auto first = task_of(p, {}, "sbx", ctx, "0/0").chance;
  EXPECT_EQ(first, task_of(p, {}, "sbx", ctx, "0/0").chance);
  EXPECT_NE(first, ctx.chance) << "the handler's";
  EXPECT_NE(first, task_of(q, {}, "sbx", ctx, "0/0").chance);
  EXPECT_NE(first, task_of(p, {}, "sbx", ctx, "0/1").chance);
  EXPECT_NE(first, task_of(p, {}, "sbx", ctx, "2/0").chance);
}

} // namespace

} // namespace hourglass::actors
