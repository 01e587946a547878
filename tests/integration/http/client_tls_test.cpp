#include "http/pem.hpp"
#include "tests/integration/http/calls.hpp"
#include "tests/integration/http/certificate.hpp"
#include "tests/support/tls_receiver.hpp"

namespace {

using namespace hourglass::http;
using namespace hourglass::http::testing;
using hourglass::testing::identity;
using hourglass::testing::make_identity;
using hourglass::testing::tls_receiver;

key_hash pin_of(const identity& of) { return read_certificates(of.certificate, 1).value()[0].pin; }

std::shared_ptr<const transport> way(tls_identity tls) { return std::make_shared<const transport>(std::move(tls)); }

/// A receiver whose certificate an authority of its own has signed, and clients of another.
struct mutual_tls : ::testing::Test {
  identity authority = make_identity("authority.test", {.authority = true});
  identity server = make_identity("127.0.0.1", {.issuer = &authority});
  identity clients = make_identity("clients.test", {.authority = true});
  identity alice = make_identity("alice.test", {.issuer = &clients});
  identity bob = make_identity("bob.test", {.issuer = &clients});
  std::unique_ptr<client> c = client::open({}, loopback_allowed());

  tls_identity as(const identity& who) const { return {authority.certificate, who.certificate, who.key, {}}; }
  static exchange as(std::uint16_t port, std::shared_ptr<const transport> w, std::string owner = "s1") {
    auto e = to("https://127.0.0.1:" + std::to_string(port) + "/");
    e.way = std::move(w);
    e.owner = std::move(owner);
    return e;
  }
};

TEST_F(mutual_tls, a_receiver_that_wants_a_certificate_is_shown_ours) {
  tls_receiver r{server, clients.certificate};
  auto got = call(*c, as(r.port(), way(as(alice))));
  EXPECT_EQ(got.status, 200u) << got.detail;
  EXPECT_EQ(got.tls_version, "TLSv1.3");
  ASSERT_EQ(r.came().size(), 1u);
  EXPECT_EQ(r.came()[0].subject, "alice.test");
}

TEST_F(mutual_tls, without_one_or_with_one_of_nobody_it_is_a_tls_error_and_no_request_arrives) {
  tls_receiver r{server, clients.certificate};
  auto stranger = make_identity("stranger.test");
  for (auto& w : {way({authority.certificate, {}, {}, {}}), way(as(stranger))}) {
    auto got = call(*c, as(r.port(), w));
    EXPECT_EQ(got.error, transport_error::tls) << got.detail;
    EXPECT_EQ(got.status, 0u);
  }
  EXPECT_TRUE(r.came().empty());
}

TEST_F(mutual_tls, an_expired_certificate_of_ours_is_judged_by_the_receiver) {
  tls_receiver r{server, clients.certificate};
  auto late = make_identity("late.test", {.expired = true, .issuer = &clients});
  EXPECT_EQ(call(*c, as(r.port(), way(as(late)))).error, transport_error::tls);
}

TEST_F(mutual_tls, an_authority_of_its_own_is_trusted_by_its_owner_and_by_nobody_else) {
  tls_receiver r{server};
  EXPECT_EQ(call(*c, as(r.port(), way({authority.certificate, {}, {}, {}}))).status, 200u);
  EXPECT_EQ(call(*c, as(r.port(), nullptr)).error, transport_error::tls);
  EXPECT_EQ(call(*c, as(r.port(), way({clients.certificate, {}, {}, {}}))).error, transport_error::tls);
}

TEST_F(mutual_tls, an_authority_of_its_own_replaces_those_that_all_others_trust) {
  tls_receiver r{server};
  certificate file{authority};
  client_options o;
  o.ca_file = file.chain_file;
  auto trusting = client::open(o, loopback_allowed());
  EXPECT_EQ(call(*trusting, as(r.port(), nullptr)).status, 200u);
  EXPECT_EQ(call(*trusting, as(r.port(), way({clients.certificate, {}, {}, {}}))).error, transport_error::tls);
}

TEST_F(mutual_tls, the_receivers_own_certificate_may_be_the_authority) {
  tls_receiver r{server};
  EXPECT_EQ(call(*c, as(r.port(), way({server.certificate, {}, {}, {}}))).status, 200u);
}

TEST_F(mutual_tls, a_pin_of_the_receiver_or_of_its_authority_fits_and_no_other) {
  tls_receiver r{server};
  auto pinned = [&](std::vector<key_hash> pins) { return call(*c, as(r.port(), way({authority.certificate, {}, {}, std::move(pins)}))); };
  EXPECT_EQ(pinned({pin_of(server)}).status, 200u);
  EXPECT_EQ(pinned({key_hash{}, pin_of(authority)}).status, 200u);
  auto refused = pinned({pin_of(alice), key_hash{}});
  EXPECT_EQ(refused.error, transport_error::tls);
  EXPECT_NE(refused.detail.find("pins"), std::string::npos) << refused.detail;
  EXPECT_EQ(r.came().size(), 2u) << "nothing was sent where the pin did not fit";
}

TEST_F(mutual_tls, a_pin_does_not_stand_for_trust) {
  tls_receiver r{server};
  EXPECT_EQ(call(*c, as(r.port(), way({{}, {}, {}, {pin_of(server)}}))).error, transport_error::tls);
}

TEST_F(mutual_tls, a_pin_holds_though_nothing_is_verified) {
  tls_receiver r{server};
  client_options o;
  o.verify_tls = false;
  auto blind = client::open(o, loopback_allowed());
  EXPECT_EQ(call(*blind, as(r.port(), way({{}, {}, {}, {pin_of(server)}}))).status, 200u);
  EXPECT_EQ(call(*blind, as(r.port(), way({{}, {}, {}, {pin_of(authority)}}))).error, transport_error::tls)
      << "who vouches for it is not known then";
}

TEST_F(mutual_tls, a_kept_connection_serves_its_identity_and_owner_and_no_other) {
  tls_receiver r{server, clients.certificate};
  auto of_alice = way(as(alice));
  EXPECT_FALSE(call(*c, as(r.port(), of_alice)).reused);
  EXPECT_TRUE(call(*c, as(r.port(), way(as(alice)))).reused) << "the same identity, told again";
  EXPECT_FALSE(call(*c, as(r.port(), way(as(bob)))).reused);
  EXPECT_FALSE(call(*c, as(r.port(), of_alice, "s2")).reused);
  auto pinned = as(alice);
  pinned.pins = {pin_of(server)};
  EXPECT_FALSE(call(*c, as(r.port(), way(pinned))).reused);
  EXPECT_EQ(call(*c, as(r.port(), nullptr)).error, transport_error::tls) << "and nobody without an identity";
  auto came = r.came();
  ASSERT_EQ(came.size(), 5u);
  EXPECT_EQ(came[0].connection, came[1].connection);
  EXPECT_EQ(came[2].subject, "bob.test");
  EXPECT_EQ(came[3].subject, "alice.test");
}

TEST_F(mutual_tls, more_identities_than_are_remembered_work_one_after_the_other) {
  tls_receiver r{server, clients.certificate};
  auto first = way(as(alice));
  for (int i = 0; i < 140; ++i) { // contexts are an owner's: these are as many
    auto e = as(r.port(), first, "s" + std::to_string(i));
    ASSERT_EQ(call(*c, e).status, 200u) << i;
  }
  EXPECT_EQ(call(*c, as(r.port(), first, "s0")).status, 200u);
}

TEST_F(mutual_tls, a_key_that_is_not_the_certificates_is_a_tls_error) {
  tls_receiver r{server, clients.certificate};
  auto got = call(*c, as(r.port(), way({authority.certificate, alice.certificate, bob.key, {}})));
  EXPECT_EQ(got.error, transport_error::tls);
  EXPECT_EQ(got.detail.find("PRIVATE"), std::string::npos);
}

} // namespace
