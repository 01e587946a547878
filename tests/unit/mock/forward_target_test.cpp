#include "mock/forward_target.hpp"
#include "support.hpp"

namespace hourglass::mock {
namespace {

class forward_target_of : public testing::Test {
protected:
  /// The URL that comes of it, or what is wrong.
  std::string url(std::string_view text, query_rule rule = query_rule::target_wins) {
    auto target = forward_target::compile(text, names);
    if (!target)
      return "refused: " + target.error().detail;
    auto out = target->fill({asked, names, captures, "/p/g", env}, rule);
    return out ? out->url : "failed: " + out.error().detail;
  }
  std::string why(std::string_view text) {
    auto target = forward_target::compile(text, names);
    return target ? "" : target.error().detail;
  }

  std::vector<std::string> names{"id", "file"}, captures{"7", "a/b ?&#é"};
  std::map<std::string, std::string, std::less<>> env{{"BANK", "https://bank.example/v1"}, {"HOST", "bank.example:8443"}, {"KEY", "k%20y"}, {"id", "of env"}};
  request asked = get("/p/g/pets/7?x=1&y=2");
};

TEST_F(forward_target_of, a_path_parameter_is_percent_encoded_and_cannot_leave_its_segment) {
  EXPECT_EQ(url("https://up.example/pets/{id}"), "https://up.example/pets/7?x=1&y=2");
  EXPECT_EQ(url("https://up.example/f/{file}/x", query_rule::target_only), "https://up.example/f/a%2Fb%20%3F%26%23%C3%A9/x");
  captures[0] = "..";
  EXPECT_NE(url("https://up.example/a/{id}/b").find("dot segment"), std::string::npos);
}

TEST_F(forward_target_of, an_env_parameter_may_be_a_whole_base_or_a_host) {
  EXPECT_EQ(url("{env.BANK}/pets/{id}", query_rule::target_only), "https://bank.example/v1/pets/7");
  EXPECT_EQ(url("{BANK}/pets", query_rule::target_only), "https://bank.example/v1/pets");
  EXPECT_EQ(url("https://{env.HOST}/pets", query_rule::target_only), "https://bank.example:8443/pets");
}

TEST_F(forward_target_of, the_path_parameter_goes_before_an_env_parameter_of_its_name) {
  EXPECT_EQ(url("https://up.example/{id}", query_rule::target_only), "https://up.example/7");
  EXPECT_EQ(url("https://up.example/x?{env.id}", query_rule::target_only).find("failed"), 0U); // a space is no part of a URL
}

TEST_F(forward_target_of, an_unknown_variable_is_named) {
  EXPECT_EQ(url("https://{env.GONE}/x"), "failed: the variable `GONE` is neither a parameter of the endpoint's path nor an env parameter of this sandbox");
  auto target = forward_target::compile("https://up.example/{nobody}", names);
  ASSERT_TRUE(target);
  auto out = target->fill({asked, names, captures, "", env}, query_rule::target_wins);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().where, "nobody");
  EXPECT_EQ(out.error().code, events::errc::not_found);
}

TEST_F(forward_target_of, the_path_of_the_request_goes_on_as_it_came) {
  EXPECT_EQ(url("https://up.example{request.path}"), "https://up.example/p/g/pets/7?x=1&y=2");
  EXPECT_EQ(url("https://up.example/v2{request.tail}"), "https://up.example/v2/pets/7?x=1&y=2");
  EXPECT_EQ(url("https://up.example/{request.tail}"), "https://up.example/pets/7?x=1&y=2");
  asked = get("/p/g/a%2Fb%20c");
  EXPECT_EQ(url("{BANK}{request.tail}"), "https://bank.example/v1/a%2Fb%20c");
  asked = get("/p/g/a/%2e%2e/b");
  EXPECT_NE(url("{BANK}{request.path}").find("dot segment"), std::string::npos);
}

TEST_F(forward_target_of, two_queries_become_one_and_who_wins_is_said) {
  EXPECT_EQ(url("https://up.example/?x=own&z=3"), "https://up.example/?x=own&z=3&y=2");
  EXPECT_EQ(url("https://up.example/?x=own&z=3", query_rule::request_wins), "https://up.example/?z=3&x=1&y=2");
  EXPECT_EQ(url("https://up.example/?x=own&z=3", query_rule::target_only), "https://up.example/?x=own&z=3");
  asked = get("/p/g/pets/7?%78=mine&x=again&flag&z=%20");
  EXPECT_EQ(url("https://up.example/?x=own"), "https://up.example/?x=own&flag&z=%20") << "an escaped name is the same name";
  EXPECT_EQ(url("https://up.example/?k={KEY}"), "https://up.example/?k=k%20y&%78=mine&x=again&flag&z=%20");
}

TEST_F(forward_target_of, bytes_that_no_url_can_hold_are_escaped_on_their_way) {
  asked = get("/p/g/a|b/\xc3\xa9?q=\x1d\x7f{\xff}#&r=%2f");
  EXPECT_EQ(url("https://up.example{request.tail}"), "https://up.example/a%7Cb/%C3%A9?q=%1D%7F%7B%FF%7D%23&r=%2f");
}

TEST_F(forward_target_of, whom_to_ask_is_never_the_requests_to_say) {
  EXPECT_NE(why("https://{id}/x").find("in its host"), std::string::npos);
  EXPECT_NE(why("https://up.example{id}/x").find("in its host"), std::string::npos);
  EXPECT_NE(why("https://{request.path}").find("no host"), std::string::npos);
  EXPECT_NE(why("{id}/x").find("must begin with"), std::string::npos);
  env["BANK"] = "https://bank.example";
  EXPECT_NE(url("{BANK}{id}/x").find("failed"), std::string::npos);
  env["BANK"] = "http:";
  asked = get("//evil.example/x");
  EXPECT_NE(url("{BANK}{request.path}").find("stands in its host"), std::string::npos);
  env["BANK"] = "http://";
  asked = get("/evil.example/x");
  EXPECT_NE(url("{BANK}{request.path}").find("stands in its host"), std::string::npos);
}

TEST_F(forward_target_of, what_is_no_url_is_refused_with_the_reason) {
  EXPECT_NE(why("").find("must be a URL"), std::string::npos);
  EXPECT_NE(why("ftp://up.example/").find("must begin with http://"), std::string::npos);
  EXPECT_NE(why("/relative").find("must begin with http://"), std::string::npos);
  EXPECT_NE(why("https://me:secret@up.example/").find("user"), std::string::npos);
  EXPECT_NE(why("https://up.example/#x").find("fragment"), std::string::npos);
  EXPECT_NE(why("https://up.example/a b").find("space"), std::string::npos);
  EXPECT_NE(why("https://up.example/{").find("without `}`"), std::string::npos);
  EXPECT_NE(why("https://up.example/}").find("without `{`"), std::string::npos);
  EXPECT_NE(why("https://up.example/{}").find("without a name"), std::string::npos);
  EXPECT_NE(why("https://up.example/{request.body}").find("request.path and request.tail"), std::string::npos);
  EXPECT_NE(why("https://up.example:port/").find("port"), std::string::npos);
  EXPECT_NE(why("https://[::1/").find("address"), std::string::npos);
  EXPECT_NE(why("https:///x").find("no host"), std::string::npos);
  EXPECT_NE(why("https://up.example/" + std::string(3'000, 'x')).find("forward_url_bytes"), std::string::npos);
  EXPECT_EQ(why("https://[2001:db8::1]:8443/x"), "");
}

TEST_F(forward_target_of, a_sandbox_or_a_stub_of_this_process_is_named_by_its_scheme) {
  auto target = forward_target::compile("sandbox:Bank_1/v1/{id}", names);
  ASSERT_TRUE(target) << target.error().detail;
  auto out = target->fill({asked, names, captures, "", env}, query_rule::target_wins);
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->inner && !out->own);
  EXPECT_EQ(out->name, "Bank_1");
  EXPECT_EQ(out->target, "/v1/7?x=1&y=2");
  EXPECT_EQ(url("stub:bank", query_rule::target_only), "stub:bank/");
  EXPECT_NE(why("stub:/x").find("no host"), std::string::npos);
}

TEST(retarget, a_base_is_replaced_where_it_ends) {
  EXPECT_EQ(retarget("https://a.example/v1/{id}?k={KEY}", "", "https://b.example"), "https://b.example/v1/{id}?k={KEY}");
  EXPECT_EQ(retarget("{env.BANK}/v1", "", "stub:bank"), "stub:bank/v1");
  EXPECT_EQ(retarget("https://a.example/v1/x", "https://a.example/v1", "{env.BANK}"), "{env.BANK}/x");
  EXPECT_EQ(retarget("https://a.example.org/v1", "https://a.example", "https://b.example"), std::nullopt);
  EXPECT_EQ(retarget("https://a.example{request.path}", "https://a.example", "https://b.example"), "https://b.example{request.path}");
  EXPECT_EQ(retarget("stub:bank/v1", "https://a.example", "https://b.example"), std::nullopt);
}

} // namespace
} // namespace hourglass::mock
