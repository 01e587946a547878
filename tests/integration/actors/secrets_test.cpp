#include "node_fixture.hpp"

#include "webhook/secrets.hpp"

#include <fstream>

namespace {

using namespace hourglass;

/// A node that is opened again with the keys that the test gives.
class sealed_node : public test::node_test {
protected:
  /// Stops, and opens again on the same folder with other keys; why not, when it does not.
  std::optional<events::error> reopen_with(std::string keys) {
    if (node_)
      node_->stop(std::chrono::seconds{5});
    node_.reset();
    actors::node_options o;
    o.data = folder_;
    o.guard = std::make_shared<const http::egress_guard>(std::vector{*http::cidr::parse("127.0.0.0/8")}, std::vector<http::egress_guard::endpoint>{});
    o.secret_keys = std::move(keys);
    auto opened = actors::node::open(std::move(o));
    if (!opened)
      return opened.error();
    node_ = std::move(*opened);
    return std::nullopt;
  }
  void TearDown() override {
    if (node_)
      node_->stop(std::chrono::seconds{5});
    test::node_test::TearDown();
  }

  events::outcome<nlohmann::json> secret_of(const events::sandbox_id& id) {
    return look<webhook::outbox_state>(id, [](const webhook::outbox_state& s, events::virtual_time) -> events::outcome<std::string> {
      return nlohmann::json(s.list({}, 1).at(0)->secrets.at(0).key.to_string()).dump();
    });
  }
  events::sandbox_id sandbox_with_secret() {
    auto id = create();
    webhook::create_destination c;
    c.value.url = "http://127.0.0.1:9/";
    c.value.secrets.push_back({*webhook::signing_key::parse(secret_1), {}, std::nullopt});
    EXPECT_TRUE(submit(id, webhook::command{c}));
    return id;
  }

  static constexpr auto secret_1 = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  static constexpr auto key_a = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", key_b = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
};

TEST_F(sealed_node, makes_its_key_once_readable_by_its_owner_only_and_opens_with_it_again) {
  auto id = sandbox_with_secret();
  auto file = folder_ / "secret.key";
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(reopen_with(""));
  auto secret = secret_of(id);
  ASSERT_TRUE(secret) << secret.error().detail;
  EXPECT_EQ(*secret, secret_1);
}

TEST_F(sealed_node, a_folder_without_its_key_is_refused_and_no_new_key_is_made) {
  sandbox_with_secret();
  std::filesystem::rename(folder_ / "secret.key", folder_ / "kept");
  auto why = reopen_with("");
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, events::errc::invalid);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "secret.key"));
  std::filesystem::rename(folder_ / "kept", folder_ / "secret.key");
  open();
  EXPECT_TRUE(node_);
}

TEST_F(sealed_node, the_wrong_key_is_refused_at_the_door_by_its_id) {
  sandbox_with_secret();
  auto why = reopen_with(key_a);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, events::errc::invalid);
  EXPECT_NE(why->detail.find(events::vault::parse(key_a)->active()), std::string::npos) << why->detail;
  EXPECT_EQ(why->detail.find(key_a), std::string::npos);
}

TEST_F(sealed_node, keys_rotate_and_the_old_one_is_needed_as_long_as_it_sealed_something) {
  std::ifstream in{folder_ / "secret.key"};
  std::string first;
  std::getline(in, first);
  auto id = sandbox_with_secret();
  ASSERT_FALSE(reopen_with(std::string{key_b} + "," + first));
  EXPECT_EQ(secret_of(id).value(), secret_1);
  sandbox_with_secret();
  EXPECT_TRUE(reopen_with(first)) << "what the new key sealed needs it";
  ASSERT_FALSE(reopen_with(first + "," + key_b)) << "in any order";
  EXPECT_EQ(secret_of(id).value(), secret_1);
}

TEST_F(sealed_node, no_file_of_the_folder_has_the_secret_in_plain) {
  sandbox_with_secret();
  node_->stop(std::chrono::seconds{5});
  bool url_is_there = false; // what is not a secret is found in plain, or this looks in the wrong place
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder_}) {
    if (!entry.is_regular_file())
      continue;
    std::ifstream in{entry.path(), std::ios::binary};
    std::string all{std::istreambuf_iterator<char>{in}, {}};
    url_is_there = url_is_there || all.find("http://127.0.0.1:9/") != std::string::npos;
    EXPECT_EQ(all.find("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), std::string::npos) << entry.path();
  }
  EXPECT_TRUE(url_is_there);
}

} // namespace
