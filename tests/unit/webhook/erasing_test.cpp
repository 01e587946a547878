#include "webhook/erasing.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "tests/unit/webhook/world.hpp"
#include "webhook/inputs.hpp"
#include "webhook/views.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace hourglass;
using namespace hourglass::webhook;
using namespace hourglass::webhook::tests;
using nlohmann::json;

events::record record_of(const fact& f) {
  events::record r;
  const auto d = encode(f);
  r.header.kind = d.kind;
  r.header.kind_version = events::current_version(d.kind);
  r.payload = d.payload;
  return r;
}

message_created message() {
  message_created m{
      "msg_1", "user.created", "order-7", {"c"}, {"t"}, {"ep_1"}, R"({"a, \"body\":":"se,cret"})",
      0};
  m.ordering_key = "k";
  m.body_bytes = m.body.size();
  return m;
}

TEST(erasing, of_a_message_all_stays_but_its_body) {
  const auto before = message();
  const auto left = without_content(record_of(before));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->find("cret"), std::string::npos);
  const auto read = decode(events::kind::message_created, *left);
  ASSERT_TRUE(read) << read.error().detail;
  const auto& m = std::get<message_created>(*read);
  EXPECT_EQ(m.id, before.id);
  EXPECT_EQ(m.event_id, before.event_id);
  EXPECT_EQ(m.channels, before.channels);
  EXPECT_EQ(m.destinations, before.destinations);
  EXPECT_EQ(m.ordering_key, "k");
  EXPECT_EQ(m.body, "{}");
  EXPECT_EQ(m.erased_bytes, before.body.size());
  EXPECT_EQ(encode(m).payload, *left) << "written as it is read";
  const auto shown = json::parse(views::message_out(m, {}));
  EXPECT_EQ(shown["payload"], json({{"expired", true}}));
  EXPECT_EQ(shown["payloadErased"], true);
  EXPECT_EQ(json::parse(views::message_out(m, {}, false))["payload"], json::object());
}

TEST(erasing, what_a_message_brings_goes_with_its_body) {
  auto before = message();
  before.body = std::string("secret\xff", 7);
  before.body_bytes = 7;
  before.opaque = true;
  before.content_type = "application/octet-stream";
  before.headers = {{"x-secret", "secret", false, {}}};
  const auto left = without_content(record_of(before));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->find("secret"), std::string::npos);
  EXPECT_EQ(left->find(events::to_base64(before.body)), std::string::npos);
  const auto read = decode(events::kind::message_created, *left);
  ASSERT_TRUE(read) << read.error().detail;
  const auto& m = std::get<message_created>(*read);
  EXPECT_EQ(m.erased_bytes, 7U);
  EXPECT_EQ(m.lines, before.lines);
  EXPECT_EQ(m.destinations, before.destinations);
  EXPECT_FALSE(m.opaque);
}

TEST(erasing, of_an_attempt_all_stays_but_the_body_of_its_answer) {
  attempt_finished before;
  before.id = "atmpt_1";
  before.message = {"msg_1", 7, "user.created", 2};
  before.destination = "ep_1";
  before.result = answer(200, {{"X-Kept", "yes"}});
  before.result.answer.body = "secret\xff";
  const auto left = without_content(record_of(before));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->find(events::to_base64("secret\xff")), std::string::npos);
  const auto read = decode(events::kind::attempt_finished, *left);
  ASSERT_TRUE(read) << read.error().detail;
  const auto& a = std::get<attempt_finished>(*read);
  EXPECT_EQ(a.result.answer.body, "");
  EXPECT_TRUE(a.answer_erased);
  EXPECT_EQ(a.result.answer.status, 200U);
  EXPECT_EQ(http::find(a.result.answer.headers, "X-Kept"), "yes");
  EXPECT_EQ(a.message, before.message);
  const auto shown = json::parse(views::attempt_out({}, *left).value());
  EXPECT_EQ(shown["response"], "EXPUNGED");
  EXPECT_EQ(shown["responseErased"], true);
  EXPECT_EQ(shown["responseBody"], nullptr);
}

TEST(erasing, there_may_be_nothing_to_erase) {
  attempt_finished broken_one;
  broken_one.id = "atmpt_1";
  broken_one.result = broken(http::transport_error::timeout);
  EXPECT_EQ(without_content(record_of(broken_one)), std::nullopt) << "there was no answer";
  broken_one.result = answer(204);
  broken_one.result.answer.body.clear();
  EXPECT_EQ(without_content(record_of(broken_one)), std::nullopt) << "it was empty";
  EXPECT_EQ(without_content(record_of(event_type_removed{"t"})), std::nullopt);
  auto gone = record_of(message());
  gone.erased = true;
  EXPECT_EQ(without_content(gone), std::nullopt) << "it was erased before";
}

// -- deciding -----------------------------------------------------------------------------

erase_content erasing_of(events::seq seq) {
  erase_content c;
  c.items.push_back({seq, "msg_x", R"({"left":1})"});
  return c;
}

TEST(erasing, is_written_down_with_what_is_left_and_says_what_goes_with_it) {
  world w;
  const auto m = w.emit();
  auto done = w.run(erasing_of(m.seq));
  ASSERT_TRUE(done);
  const auto& f = std::get<content_erased>(done->facts.at(0));
  EXPECT_EQ(f.items, (std::vector<events::erased_item>{
                         {m.seq, "msg_x", events::sha256({R"({"left":1})"})}}));
  ASSERT_EQ(w.drafts.at(0).erases.size(), 1U);
  EXPECT_EQ(w.drafts[0].erases[0].left, R"({"left":1})");
  EXPECT_EQ(w.drafts[0].entities, std::vector<std::string>{"msg_x"});
  const auto read = decode(events::kind::content_erased, w.drafts[0].payload);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(std::get<content_erased>(*read).items, f.items);
  EXPECT_EQ(snapshot(w.folded()), snapshot(w.live));
}

TEST(erasing, of_what_waits_is_refused_or_left_for_later) {
  world w;
  w.add();
  const auto m = w.emit();
  EXPECT_EQ(w.refused(erasing_of(m.seq)), errc::conflict);
  auto patient = erasing_of(m.seq);
  patient.leave_what_waits = true;
  auto later = w.run(patient);
  ASSERT_TRUE(later);
  EXPECT_TRUE(later->drafts.empty());
  EXPECT_EQ(json::parse(later->reply), (json{{"erased", 0}, {"waiting", {m.seq}}}));
  auto due = w.take();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(w.refused(erasing_of(m.seq)), errc::conflict) << "it is under way";
  w.finish(due[0].token, answer(200));
  w.must(erasing_of(m.seq));
}

/// Who asked for it again just then has nothing to send.
TEST(erasing, of_what_the_log_alone_has_for_a_destination_that_probes_is_refused) {
  world w;
  auto d = to("http://a.test/");
  d.protection = protection_policy::compile(json::parse(R"({"disable":{"failures":1,"after":0,"probe":600}})")).value();
  const auto id = w.add(d);
  w.emit();
  w.attempt(answer(500));
  ASSERT_TRUE(w.live.find(id)->disabled);
  const auto missed = w.emit();
  ASSERT_FALSE(w.live.pending(id, missed.seq)) << "not queued, and sent when it is back";
  erase_content what;
  what.items.push_back({missed.seq, missed.id, "{}"});
  EXPECT_EQ(w.refused(what), errc::conflict);
  w.must(remove_destination{id});
  w.must(what);
}

TEST(erasing, what_waits_for_a_body_that_is_gone_ends) {
  world w;
  const auto id = w.add();
  const auto m = w.emit();
  w.attempt(answer(200));
  resend again;
  again.message = m;
  again.destination = id;
  w.must(again);
  auto ended = w.run(expire_erased{m.seq});
  ASSERT_TRUE(ended);
  ASSERT_EQ(ended->facts.size(), 1U);
  EXPECT_EQ(std::get<delivery_expired>(ended->facts[0]).reason, "payload erased");
  EXPECT_TRUE(w.take().empty());
  EXPECT_EQ(w.live.pending_count(), 0U);
  EXPECT_EQ(snapshot(w.folded()), snapshot(w.live));
  EXPECT_TRUE(w.run(expire_erased{m.seq})->facts.empty());
}

// -- a message's own time -------------------------------------------------------------------

TEST(retention, a_message_may_say_how_long_its_payload_stays) {
  auto hours = [](const char* member) {
    return read_message_in(std::string{R"({"eventType":"a","payload":{})"} + member + "}");
  };
  EXPECT_EQ(hours("")->retention_hours, 0U);
  EXPECT_EQ(hours(R"(,"payloadRetentionPeriod":5)")->retention_hours, 120U);
  EXPECT_EQ(hours(R"(,"payloadRetentionHours":6)")->retention_hours, 6U);
  for (const char* wrong : {R"(,"payloadRetentionPeriod":4)", R"(,"payloadRetentionPeriod":91)",
                            R"(,"payloadRetentionHours":0)", R"(,"payloadRetentionHours":2161)",
                            R"(,"payloadRetentionHours":6,"payloadRetentionPeriod":6)",
                            R"(,"payloadRetentionPeriod":"6")"})
    EXPECT_EQ(hours(wrong).error().code, errc::invalid) << wrong;
  world w;
  auto c = *hours(R"(,"payloadRetentionHours":6)");
  w.must(c);
  EXPECT_EQ(w.drafts.at(0).content_hours, 6U);
  EXPECT_EQ(
      std::get<message_created>(decode(events::kind::message_created, w.drafts[0].payload).value())
          .retention_hours,
      6U);
}

} // namespace
