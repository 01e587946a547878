// Credentials in recorded traffic and in collections stay out of the endpoints that are made of them.
#include "support.hpp"

#include "mock/translation.hpp"

#include <nlohmann/json.hpp>

namespace {
using namespace hourglass::mock;
using nlohmann::json;

std::string all_of(const hourglass::events::outcome<put_endpoints>& read) {
  EXPECT_TRUE(read);
  std::string out;
  for (const auto& one : read->all)
    out += one.put.text + '\n';
  EXPECT_FALSE(out.empty()) << read->warnings;
  return out;
}

json entry(const std::string& url, const json& post, const json& headers, const json& content) {
  return {{"request", {{"method", "POST"}, {"url", url}, {"postData", post}}},
          {"response", {{"status", 200}, {"headers", headers}, {"content", content}}}};
}

TEST(imported_secrets, request_bodies_that_may_hold_one_are_not_asked_for) {
  const std::pair<const char*, const char*> bodies[] = {
      {"text/plain", R"({"user":"u","password":"hunter2"})"},
      {"", R"({"password":"hunter2"})"},
      {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--x--"},
      {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\nhunter2\r\n--x--"},
      {"text/plain", "user=u&password=hunter2"},
      {"application/x-www-form-urlencoded", "user=u&pass%77ord=hunter2"},
      {"application/xml", "<password>hunter2</password>"},
      {"application/json", R"({"query":"mutation{login(password:\"hunter2\")}"})"},
  };
  for (const auto& [type, body] : bodies) {
    json entries = json::array();
    entries.push_back(entry("https://x/a", {{"mimeType", type}, {"text", body}}, json::array(), {{"text", "one"}}));
    entries.push_back(entry("https://x/a", {{"mimeType", "text/plain"}, {"text", "harmless"}}, json::array(), {{"text", "two"}}));
    const auto all = all_of(read_har(json{{"log", {{"entries", entries}}}}.dump(), false, ""));
    EXPECT_EQ(all.find("hunter2"), std::string::npos) << type << ' ' << body << '\n' << all;
    EXPECT_NE(all.find("harmless"), std::string::npos) << all;
  }
}

TEST(imported_secrets, of_answers_forms_and_locations_are_replaced) {
  json headers = json::array({{{"name", "Location"}, {"value", "https://x/cb?state=7&access_token=hunter2#id_token=hunter2&expires_in=5"}},
                              {{"name", "Link"}, {"value", "<https://x/a?token=hunter2>; rel=next"}},
                              {{"name", "Refresh"}, {"value", "0;url=/a?sessionid=hunter2"}},
                              {{"name", "X-Kind"}, {"value", "dog"}}});
  for (const auto* type : {"application/x-www-form-urlencoded", "text/plain"}) {
    json entries = json::array();
    entries.push_back(entry("https://x/a", json::object(), headers, {{"mimeType", type}, {"text", "access_token=hunter2&token_type=bearer&scope="}}));
    const auto all = all_of(read_har(json{{"log", {{"entries", entries}}}}.dump(), false, ""));
    EXPECT_EQ(all.find("hunter2"), std::string::npos) << all;
    EXPECT_NE(all.find("access_token=redacted&token_type=bearer&scope="), std::string::npos) << all;
    EXPECT_NE(all.find("?state=7&access_token=redacted#id_token=redacted&expires_in=5"), std::string::npos) << all;
    EXPECT_NE(all.find("dog"), std::string::npos);
  }
}

TEST(imported_secrets, variables_of_a_collection_that_are_one_stay_variables) {
  json items = json::array();
  for (const auto* key : {"token", "apiKey", "plain"})
    items.push_back(
        {{"request", {{"url", std::string{"{{base}}/a/"} + key + "/{{" + key + "}}?q={{" + key + "}}"}}}, {"response", {{{"code", 200}, {"body", "b"}}}}});
  const json variables = {{{"key", "base"}, {"value", "https://x"}},
                          {{"key", "token"}, {"value", "hunter2"}},
                          {{"key", "apiKey"}, {"value", "hunter2"}},
                          {{"key", "plain"}, {"value", "hunter2"}, {"type", "secret"}}};
  const auto all = all_of(read_postman(json{{"variable", variables}, {"item", items}}.dump(), false));
  EXPECT_EQ(all.find("hunter2"), std::string::npos) << all;
  EXPECT_NE(all.find("/a/token/{token}"), std::string::npos) << all;
}

} // namespace
