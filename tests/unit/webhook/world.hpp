#pragma once

#include "events/digest.hpp"
#include "webhook/outbox.hpp"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace hourglass::webhook::tests {

using namespace std::chrono_literals;
using events::errc;
using events::virtual_time;

inline events::entropy chance_of(std::uint64_t n) {
  auto h = events::sha256({std::to_string(n)});
  events::entropy out{};
  std::copy_n(h.begin(), out.size(), out.begin());
  return out;
}

inline attempt_result answer(unsigned status, http::fields headers = {}) {
  attempt_result r;
  r.answer.status = status;
  r.answer.headers = std::move(headers);
  r.answer.body = "ok";
  r.answer.peer = "127.0.0.1:80";
  r.answer.spent = {1, 2, 3, 0, 4, 5};
  r.request_headers = {{"content-type", "application/json"}, {"webhook-id", "msg_x"}};
  r.timestamp = 1'700'000'000;
  r.started_us = 1'700'000'000'000'000;
  r.body_bytes = 2;
  return r;
}

inline attempt_result broken(http::transport_error error) {
  auto r = answer(0);
  r.answer.error = error;
  r.answer.detail = "it broke";
  r.answer.body.clear();
  return r;
}

inline destination to(std::string url) {
  destination d;
  d.url = std::move(url);
  return d;
}

/// A destination that is tried once.
inline destination without_retries() {
  auto d = to("http://a.test/");
  d.schedule.emplace();
  return d;
}

inline patch_destination switch_off(const std::string& id, bool off) {
  patch_destination p;
  p.id = id;
  p.disabled = off;
  return p;
}

/// A sandbox without its shell: seals what the outbox decides, applies it to the live state, and keeps the log.
struct world {
  outbox_state live;
  std::vector<std::pair<events::header, std::string>> log;
  std::vector<events::draft> drafts; ///< of the last command
  virtual_time now{1'000'000'000'000'000};
  std::uint64_t draws = 0;

  events::outcome<decision> run(const command& c) {
    auto d = decide(live, c, events::context{{now.us + 5}, now, chance_of(++draws), "admin", "c"});
    drafts.clear();
    if (!d)
      return d;
    write(*d);
    return d;
  }

  /// Gives what was decided its place, and applies it.
  void write(const decision& d) {
    EXPECT_EQ(d.drafts.size(), d.facts.size());
    drafts = d.drafts;
    for (std::size_t i = 0; i < d.drafts.size(); ++i) {
      events::header h;
      h.seq = log.size() + 1;
      h.wall = {now.us + 5};
      h.virtual_ = now;
      h.kind = d.drafts[i].kind;
      h.causation = d.drafts[i].causation;
      log.emplace_back(h, d.drafts[i].payload);
      apply(live, moment_of(h), d.facts[i]);
    }
  }

  /// What would be decided if no more than `most` deliveries could wait.
  events::outcome<decision> ask(const command& c, std::size_t most) const {
    return decide(live, c, events::context{{now.us}, now, chance_of(9), "admin", "c"}, most);
  }

  void must(const command& c) {
    auto d = run(c);
    ASSERT_TRUE(d) << d.error().detail << " at " << d.error().where;
  }

  errc refused(const command& c) {
    auto d = run(c);
    EXPECT_FALSE(d);
    return d ? errc::internal : d.error().code;
  }

  std::string where_refused(const command& c) {
    auto d = run(c);
    EXPECT_FALSE(d);
    return d ? "accepted" : d.error().where;
  }

  /// Adds a destination and gives its id.
  std::string add(destination d = {}) {
    if (d.url.empty())
      d.url = "http://receiver.test/hook";
    auto done = run(create_destination{std::move(d)});
    EXPECT_TRUE(done) << (done ? "" : done.error().detail);
    return done ? std::get<destination_created>(done->facts[0]).value.id : "";
  }

  /// Emits a message and gives what the outbox knows of it.
  message_ref emit(std::string type = "user.created", std::string body = R"({"a":1})") {
    auto done = run(create_message{std::move(type), {}, std::move(body), {}, {}});
    EXPECT_TRUE(done) << (done ? "" : done.error().detail);
    if (!done)
      return {};
    const auto& m = std::get<message_created>(done->facts[0]);
    return {m.id, log.size(), m.event_type, m.body_bytes};
  }

  std::vector<start> take(std::size_t max = 1000) {
    expire();
    std::vector<start> out;
    do {
      form();
      for (auto& s : take_due(live, now, max - out.size()))
        out.push_back(std::move(s));
    } while (out.size() < max && has_batches(live, now));
    return out;
  }

  /// Has what is gathered go together, as the shell does before it takes anything.
  void form() {
    while (has_batches(live, now)) {
      auto done = run(form_batches{});
      EXPECT_TRUE(done && !done->facts.empty()) << "something is to go together and does not";
      if (!done || done->facts.empty())
        break;
    }
  }

  /// Buries what has waited too long, as the shell does before it takes anything.
  std::vector<delivery_expired> expire() {
    std::vector<delivery_expired> out;
    while (has_expired(live, now)) {
      auto done = run(expire_deliveries{});
      EXPECT_TRUE(done && !done->facts.empty()) << "something is too old and does not die";
      if (!done || done->facts.empty())
        break;
      for (const auto& f : done->facts)
        if (const auto* e = std::get_if<delivery_expired>(&f))
          out.push_back(*e);
    }
    return out;
  }

  /// Takes the one attempt that is due and answers it; gives what the log says of it.
  attempt_finished attempt(attempt_result with) {
    auto due = take(1);
    EXPECT_EQ(due.size(), 1U);
    return due.empty() ? attempt_finished{} : finish(due[0].token, std::move(with));
  }

  attempt_finished finish(fencing_token token, attempt_result with) {
    auto done = run(finish_attempt{token, std::move(with)});
    EXPECT_TRUE(done && !done->facts.empty());
    return done && !done->facts.empty() ? std::get<attempt_finished>(done->facts[0]) : attempt_finished{};
  }

  outbox_state folded() const {
    outbox_state s;
    fold_into(s, 0);
    return s;
  }

  void fold_into(outbox_state& s, std::size_t from) const {
    for (auto i = from; i < log.size(); ++i) {
      auto done = apply(s, log[i].first, log[i].second);
      EXPECT_TRUE(done) << done.error().detail;
    }
  }
};

} // namespace hourglass::webhook::tests
