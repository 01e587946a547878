#include "webhook/transport.hpp"

#include "tests/support/pem.hpp"
#include "tests/unit/webhook/world.hpp"
#include "webhook/inputs.hpp"
#include "webhook/limits.hpp"
#include "webhook/secrets.hpp"
#include "webhook/views.hpp"

#include <ctime>

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using hourglass::testing::identity;
using hourglass::testing::make_identity;
using nlohmann::json;

constexpr std::string_view pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

std::shared_ptr<const events::vault> vault_of(std::uint8_t first) {
  events::vault::key key{};
  key[0] = first;
  return std::make_shared<const events::vault>(std::vector{key});
}

struct transports : ::testing::Test {
  identity us = make_identity("us.test"), others = make_identity("others.test");
  world w;
  transports() { EXPECT_TRUE(unlock(w.live, vault_of(1))); }

  static std::string body(json more, const std::string& url = "https://receiver.test/") {
    more["url"] = url;
    return more.dump();
  }
  std::string create(const json& more) {
    auto c = read_endpoint_in(body(more));
    EXPECT_TRUE(c) << c.error().detail << c.error().where;
    auto d = w.run(*c);
    EXPECT_TRUE(d) << d.error().detail << d.error().where;
    return std::get<destination_created>(d->facts[0]).value.id;
  }
  /// Where a body is refused, be it by its reader or by the decision.
  std::string refused(const json& more, const std::string& url = "https://receiver.test/") {
    auto c = read_endpoint_in(body(more, url));
    auto d = c ? w.run(*c) : events::outcome<decision>{tl::unexpected{c.error()}};
    EXPECT_FALSE(d);
    return d ? "taken" : d.error().where;
  }
  events::outcome<decision> patch(const std::string& id, const json& more) {
    auto p = read_endpoint_patch(more.dump());
    if (!p)
      return tl::unexpected{p.error()};
    p->id = id;
    return w.run(*p);
  }
  events::outcome<decision> put(const std::string& id, const json& more) {
    auto p = read_endpoint_update(body(more));
    if (!p)
      return tl::unexpected{p.error()};
    p->id = id;
    return w.run(*p);
  }
  const transport_settings& settings(const std::string& id) { return w.live.find(id)->transport.settings(); }
  json tls_of(const identity& i) const { return {{"tls", {{"ca", others.certificate}, {"certificate", i.certificate}, {"key", i.key}, {"pins", {pin}}}}}; }
  std::string everything() const {
    auto all = snapshot(w.live) + to_json(w.live);
    for (const auto& [h, payload] : w.log)
      all += payload + views::public_payload(h.kind, payload);
    return all;
  }
};

TEST_F(transports, tls_is_kept_sealed_shown_without_its_key_and_goes_with_every_attempt) {
  auto id = create(tls_of(us));
  const auto secret = us.key.substr(40, 40);
  EXPECT_EQ(everything().find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(everything().find(secret), std::string::npos);
  for (const auto& [h, payload] : w.log)
    EXPECT_EQ(views::public_payload(h.kind, payload).find("sealed.1."), std::string::npos);
  auto shown = json::parse(views::endpoint_out(*w.live.find(id), events::wall_time{w.now.us}));
  EXPECT_EQ(shown["tls"], (json{{"ca", others.certificate}, {"certificate", us.certificate}, {"pins", {pin}}}));
  w.emit();
  auto begun = w.take(1).at(0);
  ASSERT_TRUE(begun.way && begun.way->receiver);
  EXPECT_EQ(begun.way->receiver->tls().key, us.key);
  EXPECT_EQ(begun.way->receiver->tls().authorities, others.certificate);
  EXPECT_EQ(begun.way->receiver->tls().pins.size(), 1U);
}

TEST_F(transports, a_plain_destination_has_no_way_and_not_a_byte_more_in_its_event) {
  w.add();
  w.emit();
  EXPECT_EQ(w.take(1).at(0).way, nullptr);
  EXPECT_EQ(w.log[0].second.find("transport"), std::string::npos);
}

TEST_F(transports, the_fold_and_the_snapshot_open_to_the_same_with_the_vault_and_with_no_other) {
  auto id = create(tls_of(us));
  auto folded = w.folded();
  EXPECT_EQ(snapshot(folded), snapshot(w.live));
  EXPECT_TRUE(folded.find(id)->transport.settings().tls->key.value.empty());
  auto wrong = w.folded();
  auto refused = unlock(wrong, vault_of(2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::corrupt);
  ASSERT_TRUE(unlock(folded, vault_of(1)));
  EXPECT_EQ(*folded.find(id), *w.live.find(id));
  auto restored = restore(snapshot(w.live));
  ASSERT_TRUE(restored && unlock(*restored, vault_of(1)));
  EXPECT_EQ(*restored->find(id), *w.live.find(id));
}

TEST_F(transports, what_was_written_before_there_was_a_transport_has_none) {
  auto id = create({});
  auto before = snapshot(w.live);
  before.replace(before.find("\"format\":10"), 11, "\"format\":3");
  auto read = restore(before);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_TRUE(read->find(id)->transport.empty());
}

TEST_F(transports, a_put_or_a_patch_keeps_what_it_does_not_name_and_null_takes_it_away) {
  auto id = create(tls_of(us));
  ASSERT_TRUE(put(id, {{"description", "new"}}));
  ASSERT_TRUE(patch(id, {{"description", "newer"}}));
  EXPECT_EQ(settings(id).tls->key.value, us.key);
  ASSERT_TRUE(patch(id, {{"tls", nullptr}}));
  EXPECT_TRUE(w.live.find(id)->transport.empty());
}

TEST_F(transports, what_is_shown_may_be_given_back_and_the_key_stays_with_its_certificate) {
  auto id = create(tls_of(us));
  auto shown = json::parse(views::endpoint_out(*w.live.find(id)));
  ASSERT_TRUE(put(id, shown));
  EXPECT_EQ(settings(id).tls->key.value, us.key);
  ASSERT_TRUE(patch(id, {{"tls", {{"certificate", us.certificate}}}}));
  EXPECT_EQ(settings(id).tls->key.value, us.key);
  EXPECT_TRUE(settings(id).tls->authorities.empty()) << "the rest of it is given anew";
  auto other = patch(id, {{"tls", {{"certificate", others.certificate}}}});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().where, "/tls/key");
  EXPECT_EQ(settings(id).tls->certificate, us.certificate);
}

TEST_F(transports, tls_that_makes_no_sense_is_refused_where_it_is_wrong) {
  EXPECT_EQ(refused({{"tls", "yes"}}), "/tls");
  EXPECT_EQ(refused({{"tls", {{"verify", false}}}}), "/tls/verify");
  EXPECT_EQ(refused({{"tls", {{"ca", "no certificate"}}}}), "/tls/ca");
  EXPECT_EQ(refused({{"tls", {{"ca", 1}}}}), "/tls/ca");
  EXPECT_EQ(refused({{"tls", {{"certificate", us.certificate + us.key}}}}), "/tls/certificate");
  EXPECT_EQ(refused({{"tls", {{"certificate", us.certificate}}}}), "/tls/key");
  EXPECT_EQ(refused({{"tls", {{"key", us.key}}}}), "/tls/certificate");
  EXPECT_EQ(refused({{"tls", {{"certificate", us.certificate}, {"key", others.key}}}}), "/tls/key");
  EXPECT_EQ(refused({{"tls", {{"certificate", us.certificate}, {"key", "s3cret"}}}}), "/tls/key");
  EXPECT_EQ(refused({{"tls", {{"pins", {pin, "sha256/x"}}}}}), "/tls/pins/1");
  EXPECT_EQ(refused({{"tls", {{"pins", json(11, pin)}}}}), "/tls/pins");
  EXPECT_EQ(refused(tls_of(us), "http://receiver.test/"), "/tls") << "nothing would check it";
  EXPECT_EQ(refused({{"tls", {{"ca", std::string(limits::tls_authorities_bytes + 1, 'a')}}}}), "/tls/ca");
  EXPECT_TRUE(w.log.empty());
  auto id = create(tls_of(us));
  auto plain = patch(id, {{"url", "http://receiver.test/"}});
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().where, "/tls");
}

TEST_F(transports, no_refusal_says_a_key) {
  for (const json& tls : {json{{"certificate", us.certificate}, {"key", others.key}}, json{{"certificate", us.key}, {"key", us.key}},
                          json{{"certificate", us.certificate}, {"key", us.key.substr(0, 100)}}}) {
    auto c = read_endpoint_in(body({{"tls", tls}}));
    auto d = c ? w.run(*c) : events::outcome<decision>{tl::unexpected{c.error()}};
    ASSERT_FALSE(d);
    EXPECT_EQ(d.error().detail.find(us.key.substr(30, 20)), std::string::npos);
    EXPECT_EQ(d.error().detail.find(others.key.substr(30, 20)), std::string::npos);
  }
}

json basic_of(const std::string& password = "s3cret-words") { return {{"authentication", {{"basic", {{"username", "me"}, {"password", password}}}}}}; }
json oauth2_of(json more = json::object()) {
  json o = {{"tokenUrl", "https://id.test/token?api_key=s3cret-words"}, {"clientId", "client"}, {"clientSecret", "s3cret-words"}, {"scope", "hooks"}};
  o.update(more);
  return {{"authentication", {{"oauth2", o}}}};
}
json proxy_of(json more = json::object()) {
  json p = {{"url", "socks5://proxy.test:1080"}, {"username", "me"}, {"password", "s3cret-words"}};
  p.update(more);
  return {{"proxy", p}};
}

TEST_F(transports, credentials_are_kept_sealed_and_go_with_every_attempt) {
  auto basic = create(basic_of());
  w.emit();
  EXPECT_EQ(w.take(1).at(0).way->authorization, basic_authorization("me", "s3cret-words"));
  EXPECT_EQ(everything().find("s3cret-words"), std::string::npos);
  EXPECT_EQ(json::parse(views::endpoint_out(*w.live.find(basic)))["authentication"], (json{{"basic", {{"username", "me"}}}}));
  w.must(remove_destination{basic});
  create(oauth2_of());
  w.emit();
  auto way = w.take(1).at(0).way;
  ASSERT_TRUE(way && way->tokens);
  EXPECT_EQ(way->tokens->authorization, basic_authorization("client", "s3cret-words"));
  EXPECT_EQ(way->tokens->form, "grant_type=client_credentials&scope=hooks");
  EXPECT_TRUE(way->authorization.empty());
  for (const auto& [h, payload] : w.log)
    EXPECT_EQ(views::public_payload(h.kind, payload).find("s3cret-words"), std::string::npos) << "nor what a URL has in its query";
}

TEST_F(transports, a_proxy_is_judged_by_the_guard_and_used_for_tokens_too) {
  auto both = oauth2_of();
  both.update(proxy_of());
  create(both);
  w.emit();
  auto way = w.take(1).at(0).way;
  ASSERT_TRUE(way && way->receiver && way->receiver->through() && way->tokens->way);
  EXPECT_EQ(*way->receiver->through(), (http::proxy{http::proxy::kind::socks5, false, "proxy.test", 1080, "me", "s3cret-words", true}));
  EXPECT_EQ(way->tokens->way->through(), way->receiver->through());
  EXPECT_EQ(everything().find("\"s3cret-words\""), std::string::npos);
  auto direct = create({{"proxy", "direct"}});
  EXPECT_TRUE(w.live.find(direct)->transport.way()->receiver->direct());
  EXPECT_EQ(json::parse(views::endpoint_out(*w.live.find(direct)))["proxy"], "direct");
}

TEST_F(transports, of_the_receiver_are_not_those_of_the_token_endpoint) {
  auto both = oauth2_of({{"ca", others.certificate}});
  both.update(tls_of(us));
  create(both);
  w.emit();
  auto way = w.take(1).at(0).way;
  EXPECT_EQ(way->tokens->way->tls().authorities, others.certificate);
  EXPECT_TRUE(way->tokens->way->tls().certificate.empty());
  EXPECT_TRUE(way->tokens->way->tls().pins.empty());
}

TEST_F(transports, a_secret_that_is_left_out_stays_where_it_was_given_for_and_goes_nowhere_else) {
  auto all = oauth2_of();
  all.update(proxy_of());
  auto id = create(all);
  ASSERT_TRUE(patch(id, {{"authentication", {{"oauth2", {{"tokenUrl", "https://id.test/token?api_key=s3cret-words"}, {"clientId", "client"}, {"scope", "more"}}}}}}));
  EXPECT_EQ(settings(id).authentication->oauth2->client_secret.value, "s3cret-words");
  EXPECT_EQ(settings(id).authentication->oauth2->scope, "more");
  auto where = [&](const json& change) {
    auto d = patch(id, change);
    EXPECT_FALSE(d) << change;
    return d ? "taken" : d.error().where;
  };
  EXPECT_EQ(where({{"authentication", {{"oauth2", {{"tokenUrl", "https://evil.test/token"}, {"clientId", "client"}}}}}}), "/authentication/oauth2/clientSecret");
  EXPECT_EQ(where({{"authentication", {{"oauth2", {{"tokenUrl", "https://id.test/token?api_key=s3cret-words"}, {"clientId", "client"}, {"ca", us.certificate}}}}}}),
            "/authentication/oauth2/clientSecret") << "nor to whoever the new authority vouches for";
  EXPECT_EQ(where({{"authentication", {{"basic", {{"username", "me"}}}}}}), "/authentication/basic/password");
  ASSERT_TRUE(patch(id, {{"proxy", {{"url", "socks5://evil.test:1080"}, {"username", "me"}}}}));
  EXPECT_FALSE(settings(id).proxy->password.given());
  ASSERT_TRUE(patch(id, proxy_of()));
  ASSERT_TRUE(patch(id, {{"proxy", {{"url", "socks5://proxy.test:1080"}, {"username", "me"}}}}));
  EXPECT_EQ(settings(id).proxy->password.value, "s3cret-words");
}

TEST_F(transports, credentials_go_to_another_address_only_from_who_knows_them) {
  const json basic{{"authentication", {{"basic", {{"username", "me"}, {"password", "s3cret-words"}}}}}};
  auto where = [&](const std::string& id, const json& change) {
    auto d = patch(id, change);
    return d ? "taken" : d.error().where;
  };
  auto with = [](json a, const json& b) {
    a.update(b);
    return a;
  };
  const json evil{{"url", "https://evil.test/"}};
  auto id = create(basic);
  EXPECT_EQ(where(id, evil), "/authentication/basic/password");
  EXPECT_EQ(where(id, with(evil, {{"authentication", {{"basic", {{"username", "me"}}}}}})), "/authentication/basic/password");
  EXPECT_EQ(where(id, {{"url", "http://receiver.test/"}}), "/authentication/basic/password") << "nor in plain";
  EXPECT_EQ(where(id, {{"url", "https://Receiver.test/other?path=1"}}), "taken");
  EXPECT_EQ(where(id, {{"proxy", {{"url", "http://evil.test:1"}}}}), "taken") << "it sees only TLS";
  EXPECT_EQ(where(id, with(evil, {{"authentication", nullptr}})), "taken");
  ASSERT_TRUE(patch(id, with({{"url", "http://plain.test/"}, {"proxy", nullptr}}, basic)));
  EXPECT_EQ(where(id, {{"proxy", {{"url", "http://evil.test:1"}}}}), "/authentication/basic/password");
  EXPECT_EQ(where(id, with(basic, {{"proxy", {{"url", "http://known.test:1"}}}})), "taken");
  auto tokens = create(oauth2_of());
  EXPECT_EQ(where(tokens, evil), "/authentication/oauth2/clientSecret");
}

TEST_F(transports, credentials_and_proxies_that_make_no_sense_are_refused_where_they_are_wrong) {
  EXPECT_EQ(refused({{"authentication", json::object()}}), "/authentication");
  EXPECT_EQ(refused({{"authentication", {{"basic", {{"username", "a"}, {"password", "b"}}}, {"oauth2", oauth2_of()["authentication"]["oauth2"]}}}}), "/authentication");
  EXPECT_EQ(refused({{"authentication", {{"digest", 1}}}}), "/authentication/digest");
  EXPECT_EQ(refused({{"authentication", {{"basic", {{"password", "b"}}}}}}), "/authentication/basic/username");
  EXPECT_EQ(refused({{"authentication", {{"basic", {{"username", "a:b"}, {"password", "b"}}}}}}), "/authentication/basic/username");
  EXPECT_EQ(refused(basic_of("a\r\nX: y")), "/authentication/basic/password");
  EXPECT_EQ(refused(basic_of(std::string(2'000, 'p'))), "/authentication/basic/password");
  EXPECT_EQ(refused({{"authentication", {{"basic", {{"username", "a"}}}}}}), "/authentication/basic/password");
  auto with_header = basic_of();
  with_header["headers"] = {{"Authorization", "Bearer x"}};
  EXPECT_EQ(refused(with_header), "/authentication");
  EXPECT_EQ(refused(oauth2_of({{"tokenUrl", "ftp://id.test"}})), "/authentication/oauth2/tokenUrl");
  EXPECT_EQ(refused(oauth2_of({{"clientId", nullptr}})), "/authentication/oauth2/clientId");
  EXPECT_EQ(refused(oauth2_of({{"clientSecret", nullptr}})), "/authentication/oauth2/clientSecret");
  EXPECT_EQ(refused(oauth2_of({{"credentialsIn", "cookie"}})), "/authentication/oauth2/credentialsIn");
  EXPECT_EQ(refused(oauth2_of({{"ca", "none"}})), "/authentication/oauth2/ca");
  EXPECT_EQ(refused(oauth2_of({{"grant", "password"}})), "/authentication/oauth2/grant");
  EXPECT_EQ(refused({{"proxy", "none"}}), "/proxy");
  EXPECT_EQ(refused(proxy_of({{"url", "socks5h://proxy.test"}})), "/proxy/url");
  EXPECT_EQ(refused(proxy_of({{"url", "ftp://proxy.test"}})), "/proxy/url");
  EXPECT_EQ(refused(proxy_of({{"url", "http://user:word@proxy.test"}})), "/proxy/url");
  EXPECT_EQ(refused(proxy_of({{"username", nullptr}})), "/proxy/username");
  EXPECT_EQ(refused(proxy_of({{"username", std::string(256, 'u')}})), "/proxy/username");
  EXPECT_EQ(refused(proxy_of({{"verify", true}})), "/proxy/verify");
  EXPECT_TRUE(w.log.empty());
}

TEST_F(transports, an_authorization_header_cannot_be_added_beside_credentials) {
  auto id = create(basic_of());
  patch_destination p;
  p.id = id;
  p.header_changes = {{"authorization", "Bearer x"}};
  EXPECT_EQ(w.where_refused(p), "/authentication");
}

TEST_F(transports, a_token_endpoint_without_tls_is_taken_and_told) {
  auto id = create(oauth2_of({{"tokenUrl", "http://id.test/token"}}));
  auto told = warnings(w.live.find(id)->transport, 0);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("tokenUrl is not https"), std::string::npos);
}

TEST_F(transports, an_empty_one_is_none) {
  auto id = create({{"tls", json::object()}});
  EXPECT_TRUE(w.live.find(id)->transport.empty());
}

TEST_F(transports, an_expired_certificate_is_taken_and_told) {
  auto late = make_identity("late.test", {.expired = true});
  auto id = create({{"tls", {{"certificate", late.certificate}, {"key", late.key}, {"ca", us.certificate}}}});
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  auto told = warnings(w.live.find(id)->transport, now);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("the client certificate CN=late.test expired"), std::string::npos) << told[0];
  EXPECT_EQ(warnings(w.live.find(id)->transport, now - 5'000).size(), 1U) << "the authority is not valid yet";
  EXPECT_EQ(json::parse(views::endpoint_out(*w.live.find(id), events::wall_time{now * 1'000'000}))["warnings"], json(told));
}

TEST_F(transports, all_of_a_sandbox_together_have_a_limit) {
  std::string many;
  while (many.size() < 20'000)
    many += us.certificate;
  const json large = {{"tls", {{"ca", many}}}};
  events::error last;
  std::size_t had = 0; // bytes, at the least
  for (; had <= limits::transport_bytes_per_sandbox && last.detail.empty(); had += many.size())
    if (auto d = w.run(*read_endpoint_in(body(large))); !d)
      last = d.error();
  EXPECT_GT(had, limits::transport_bytes_per_sandbox / 2);
  EXPECT_EQ(last.code, errc::too_large);
  EXPECT_NE(last.detail.find("transport_bytes_per_sandbox"), std::string::npos);
  create({});
}

} // namespace
