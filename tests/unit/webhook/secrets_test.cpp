#include "webhook/secrets.hpp"

#include "tests/unit/webhook/world.hpp"
#include "webhook/views.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

std::shared_ptr<const events::vault> vault_of(std::initializer_list<std::uint8_t> first) {
  std::vector<events::vault::key> keys;
  for (auto f : first) {
    keys.emplace_back();
    for (std::size_t i = 0; i < keys.back().size(); ++i)
      keys.back()[i] = static_cast<std::uint8_t>(f + i);
  }
  return std::make_shared<const events::vault>(std::move(keys));
}

world locked_world() {
  world w;
  EXPECT_TRUE(unlock(w.live, vault_of({0})));
  return w;
}

constexpr std::string_view secret_1 = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view private_1 = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

destination with_secret(std::string_view text) {
  auto d = to("http://receiver.test/hook");
  d.secrets = {{signing_key::parse(text).value(), {}, std::nullopt}};
  return d;
}

patch_destination to_profile(const std::string& id, signature_profile profile) {
  patch_destination p;
  p.id = id;
  p.profile = profile;
  return p;
}

/// `text` as the only secret.
rotate_secret replace_all(const std::string& id, std::string_view text, std::chrono::seconds overlap = 24h) {
  rotate_secret c{id, std::nullopt, overlap};
  c.text = std::string{text};
  c.replace_all = true;
  return c;
}

TEST(secrets_at_rest, neither_log_nor_snapshot_has_a_secret_in_plain) {
  auto w = locked_world();
  auto ep = w.add(with_secret(secret_1));
  w.must(rotate_secret{ep, signing_key::parse(private_1).value(), 24h});
  patch_destination p;
  p.id = ep;
  p.description = "changed";
  w.must(p);
  auto everything = snapshot(w.live);
  for (const auto& [h, payload] : w.log)
    everything += payload;
  for (std::string_view hidden : {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "6Xb/dCcHpPea21PS1N9VY", "whsec_", "whsk_"})
    EXPECT_EQ(everything.find(hidden), std::string::npos) << hidden;
  EXPECT_NE(everything.find("sealed.1."), std::string::npos);
  auto d = *w.live.find(ep);
  EXPECT_EQ(d.secrets[0].key.to_string(), private_1);
  EXPECT_EQ(d.secrets[1].key.to_string(), secret_1);
}

TEST(secrets_at_rest, values_of_sensitive_headers_are_sealed_and_others_are_not) {
  auto w = locked_world();
  destination d;
  d.headers = {{"Authorization", "Bearer s3cret-token", false}, {"X-Plain", "plain to see", false}};
  auto ep = w.add(d);
  patch_destination p;
  p.id = ep;
  p.header_changes = {{"X-Api-Key", "another s3cret"}};
  w.must(p);
  auto everything = snapshot(w.live);
  for (const auto& [h, payload] : w.log)
    everything += payload + views::public_payload(h.kind, payload);
  EXPECT_EQ(everything.find("s3cret"), std::string::npos);
  EXPECT_NE(everything.find("plain to see"), std::string::npos);
  for (const auto& [h, payload] : w.log)
    EXPECT_EQ(views::public_payload(h.kind, payload).find("sealed.1."), std::string::npos);
  auto folded = w.folded();
  EXPECT_EQ(snapshot(folded), snapshot(w.live));
  ASSERT_TRUE(unlock(folded, vault_of({0})));
  EXPECT_EQ(*folded.find(ep), *w.live.find(ep));
  w.emit();
  auto headers = w.take(1).at(0).headers;
  ASSERT_EQ(headers.size(), 3U);
  EXPECT_EQ(headers[0].value, "Bearer s3cret-token");
  EXPECT_EQ(headers[2].value, "another s3cret");
}

TEST(secrets_at_rest, the_fold_of_the_log_opens_with_the_key_and_signs_the_same) {
  auto w = locked_world();
  auto ep = w.add(with_secret(secret_1));
  w.must(rotate_secret{ep, std::nullopt, 24h});
  w.emit();
  auto folded = w.folded();
  EXPECT_EQ(snapshot(folded), snapshot(w.live));
  EXPECT_TRUE(folded.find(ep)->secrets[0].key.empty()) << "without the key nobody can sign";
  EXPECT_TRUE(signing_keys_at(*folded.find(ep), w.now).empty());
  ASSERT_TRUE(unlock(folded, vault_of({0})));
  EXPECT_EQ(*folded.find(ep), *w.live.find(ep));
  auto restored = restore(snapshot(w.live)).value();
  ASSERT_TRUE(unlock(restored, vault_of({0})));
  EXPECT_EQ(take_due(restored, w.now, 1).at(0).keys, w.take(1).at(0).keys);
}

TEST(secrets_at_rest, a_wrong_key_is_told_with_the_endpoint_and_both_ids) {
  auto w = locked_world();
  auto ep = w.add();
  auto folded = w.folded();
  auto refused = unlock(folded, vault_of({7}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::corrupt);
  EXPECT_EQ(refused.error().where, ep);
  for (const auto& id : {vault_of({0})->active(), vault_of({7})->active()})
    EXPECT_NE(refused.error().detail.find(id), std::string::npos) << refused.error().detail;
}

TEST(secrets_at_rest, a_secret_of_another_endpoint_does_not_open) {
  auto w = locked_world();
  auto a = w.add(), b = w.add();
  auto text = snapshot(w.live);
  auto sealed_a = w.live.find(a)->secrets[0].sealed, sealed_b = w.live.find(b)->secrets[0].sealed;
  text.replace(text.find(sealed_a), sealed_a.size(), sealed_b);
  auto swapped = restore(text).value();
  EXPECT_FALSE(unlock(swapped, vault_of({0})));
}

TEST(secrets_at_rest, what_was_written_in_plain_keeps_loading_and_is_sealed_with_the_next_change) {
  world w;
  auto ep = w.add(with_secret(secret_1));
  EXPECT_NE(w.log.back().second.find(secret_1), std::string::npos) << "as before there was a vault";
  ASSERT_TRUE(unlock(w.live, vault_of({0})));
  w.emit();
  EXPECT_EQ(w.take(1).at(0).keys.at(0).to_string(), secret_1);
  patch_destination p;
  p.id = ep;
  p.description = "changed";
  w.must(p);
  EXPECT_EQ(w.log.back().second.find(secret_1), std::string::npos);
  auto folded = w.folded();
  ASSERT_TRUE(unlock(folded, vault_of({0})));
  EXPECT_EQ(folded.find(ep)->secrets[0].key.to_string(), secret_1);
}

TEST(secrets_at_rest, a_new_key_seals_what_is_written_next_and_the_old_one_still_opens) {
  auto w = locked_world();
  auto a = w.add(), b = w.add();
  auto rotated = w.folded();
  ASSERT_TRUE(unlock(rotated, vault_of({7, 0})));
  w.live = std::move(rotated);
  w.must(rotate_secret{a, std::nullopt, 24h});
  for (const auto& s : w.live.find(a)->secrets)
    EXPECT_EQ(events::vault::key_id_of(s.sealed), vault_of({7})->active());
  EXPECT_EQ(events::vault::key_id_of(w.live.find(b)->secrets[0].sealed), vault_of({0})->active());
  auto folded = w.folded();
  EXPECT_FALSE(unlock(folded, vault_of({7}))) << "b still needs the old one";
  folded = w.folded();
  EXPECT_TRUE(unlock(folded, vault_of({7, 0})));
}

TEST(secrets_at_rest, golden_payloads) {
  destination_secret_rotated f{"ep_1", {{signing_key::parse(secret_1).value(), {5}, std::nullopt, {}}, {signing_key::parse_text("sixteen letters!").value(), {4}, virtual_time{6}, {}}}};
  EXPECT_EQ(encode(f).payload, R"({"id":"ep_1","secrets":[{"key":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","created_us":5},{"key":"text:sixteen letters!","created_us":4,"expires_us":6}]})");
  seal(vault_of({0}).get(), "ep_1", f.secrets, events::entropy{1});
  auto sealed = encode(f).payload;
  EXPECT_EQ(sealed, R"({"id":"ep_1","secrets":[{"sealed":"sealed.1.d8234a0d.nuBJ716XIgsV65W7ff1fnEcwHCQQYNEy38+SzUYdMEP+/KxskRm6kDfEJvY3LSNhkSu6zHH+4rQ2GQt38LY/Wblc","created_us":5},)"
                    R"({"sealed":"sealed.1.d8234a0d.Ou3Qlzm4/eTBMDAzq1ZhVGiPOwJCAMNygd/c/JknrIy0eHWhkavpKCvGVVqt3448RQ==","created_us":4,"expires_us":6}]})");
  auto shown = views::public_payload(events::kind::destination_secret_rotated, sealed);
  EXPECT_EQ(shown, R"({"id":"ep_1","secrets":[{"sealed":"[hidden]","created_us":5},{"sealed":"[hidden]","created_us":4,"expires_us":6}]})");
}

TEST(secrets_at_rest, a_profile_is_in_the_payload_only_when_it_is_not_the_standard_one) {
  destination d = with_secret(secret_1);
  d.id = "ep_1";
  EXPECT_EQ(encode(destination_created{d}).payload.find("profile"), std::string::npos);
  d.profile = signature_profile::slack;
  auto draft = encode(destination_created{d});
  EXPECT_NE(draft.payload.find(R"("profile":"slack")"), std::string::npos);
  EXPECT_EQ(std::get<destination_created>(*decode(draft.kind, draft.payload)).value, d);
  auto wrong = draft.payload;
  wrong.replace(wrong.find("slack"), 5, "slock");
  EXPECT_EQ(decode(draft.kind, wrong).error().where, "profile");
}

// -- kinds and profiles ---------------------------------------------------------------------

TEST(kinds_of_secrets, an_endpoint_is_made_with_the_kind_that_is_asked_for_and_rotates_within_it) {
  world w;
  create_destination c;
  c.value.url = "http://receiver.test/hook";
  c.make = key_kind::ed25519;
  w.must(c);
  auto ep = w.live.list({}, 1).at(0)->id;
  w.must(rotate_secret{ep, std::nullopt, 24h});
  for (const auto& s : w.live.find(ep)->secrets)
    EXPECT_EQ(s.key.kind(), key_kind::ed25519);
  rotate_secret back{ep, std::nullopt, 24h};
  back.make = key_kind::hmac;
  w.must(back);
  w.emit();
  auto due = w.take(1).at(0);
  auto signature = sign(due.keys, "msg_1", 5, "{}");
  EXPECT_TRUE(signature.starts_with("v1,")) << signature;
  EXPECT_NE(signature.find(" v1a,"), std::string::npos) << "old and new sign side by side, whatever their kind";
}

TEST(kinds_of_secrets, put_leaves_one_secret_and_may_be_repeated) {
  world w;
  auto ep = w.add();
  for (int i = 0; i < 2; ++i) {
    w.must(replace_all(ep, private_1, 0s));
    ASSERT_EQ(w.live.find(ep)->secrets.size(), 1U);
    EXPECT_EQ(w.live.find(ep)->secrets[0].key.to_string(), private_1);
  }
}

TEST(kinds_of_secrets, how_a_text_is_read_depends_on_the_profile) {
  world w;
  destination d;
  d.profile = signature_profile::slack;
  auto slack = w.add(d), standard = w.add();
  rotate_secret c{slack, std::nullopt, 24h};
  c.text = "8f742231b10e8888abcd99acefff85a5"; // is base64 too, of 24 bytes
  w.must(c);
  EXPECT_EQ(w.live.find(slack)->secrets[0].key, signing_key::parse_text(c.text).value());
  c.id = standard;
  w.must(c);
  EXPECT_EQ(w.live.find(standard)->secrets[0].key.kind(), key_kind::hmac);
  c.text = "no base64 at all!!";
  EXPECT_EQ(w.where_refused(c), "/key");
}

TEST(kinds_of_secrets, a_profile_takes_only_secrets_that_it_can_sign_with) {
  world w;
  auto ep = w.add(with_secret(private_1));
  auto p = to_profile(ep, signature_profile::github);
  EXPECT_EQ(w.where_refused(p), "/signatureProfile");
  w.must(replace_all(ep, secret_1));
  w.must(p);
  w.emit();
  EXPECT_EQ(w.take(1).at(0).profile, signature_profile::github);
  rotate_secret asked{ep, std::nullopt, 24h};
  asked.make = key_kind::ed25519;
  EXPECT_EQ(w.where_refused(asked), "/signatureType");
  p.headers = std::vector<std::pair<std::string, std::string>>{{"x-hub-signature-256", "mine"}};
  EXPECT_EQ(w.where_refused(p), "/headers/x-hub-signature-256");
}

TEST(kinds_of_secrets, a_profile_can_be_left_again_with_a_secret_of_standard_webhooks) {
  world w;
  ASSERT_TRUE(unlock(w.live, vault_of({0})));
  destination d;
  d.profile = signature_profile::stripe;
  d.secrets = {{signing_key::parse_text("eight letters and more").value(), {}, std::nullopt}};
  auto ep = w.add(d);
  auto back = to_profile(ep, signature_profile::standard);
  EXPECT_EQ(w.where_refused(back), "/signatureProfile");
  w.must(replace_all(ep, secret_1));
  EXPECT_EQ(w.live.find(ep)->secrets[0].key.kind(), key_kind::text);
  w.must(back);
  EXPECT_EQ(w.live.find(ep)->secrets[0].key, signing_key::parse(secret_1).value());
  auto folded = w.folded();
  ASSERT_TRUE(unlock(folded, vault_of({0})));
  EXPECT_EQ(*folded.find(ep), *w.live.find(ep)) << "sealed anew as what it is now";
}

// -- public keys ----------------------------------------------------------------------------

TEST(public_keys, are_those_that_sign_now_newest_first_with_their_thumbprint) {
  world w;
  auto ep = w.add(with_secret(private_1));
  w.add(with_secret(secret_1));
  auto keys = json::parse(public_keys(w.live, w.now).value())["keys"];
  ASSERT_EQ(keys.size(), 1U) << "a symmetric secret is never published";
  EXPECT_EQ(keys[0], json::parse(R"({"kty":"OKP","crv":"Ed25519","x":"1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4","kid":"rEltOPXl-8jZfn0NbO5yMzHDi5e-WdjzkrFUUcp6oIE","use":"sig","alg":"EdDSA"})"));
  w.now = w.now + 1h;
  w.must(rotate_secret{ep, std::nullopt, 24h});
  keys = json::parse(public_keys(w.live, w.now).value())["keys"];
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[1]["kid"], "rEltOPXl-8jZfn0NbO5yMzHDi5e-WdjzkrFUUcp6oIE");
  keys = json::parse(public_keys(w.live, w.now + 24h).value())["keys"];
  EXPECT_EQ(keys.size(), 1U) << "an ended one is not";
}

TEST(public_keys, of_one_endpoint_or_of_none) {
  world w;
  auto ep = w.add(with_secret(private_1));
  auto other = w.add();
  EXPECT_EQ(json::parse(public_keys(w.live, w.now, ep).value())["keys"].size(), 1U);
  EXPECT_EQ(json::parse(public_keys(w.live, w.now, other).value())["keys"].size(), 0U);
  EXPECT_EQ(public_keys(w.live, w.now, "nobody").error().code, errc::not_found);
}

} // namespace
