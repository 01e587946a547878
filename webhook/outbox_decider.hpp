#pragma once

#include "webhook/outbox_impl.hpp"
#include "webhook/retry_policy.hpp"

#include "events/digest.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What `decide` does, command by command. Internal to webhook/: destinations in decide_destinations.cpp, event types and messages in
/// decide_messages.cpp, recoveries in decide_recoveries.cpp, erasures in decide_erasures.cpp,
/// attempts in outbox_decide.cpp, batches in decide_batches.cpp, polling in decide_pollers.cpp.
namespace hourglass::webhook {

inline void add(decision& to, fact f) {
  to.drafts.push_back(encode(f));
  to.facts.push_back(std::move(f));
}

/// Of the `n`th of several things that are made in one decision.
inline events::entropy nth_chance(const events::entropy& of, std::size_t n) {
  const auto hash = events::sha256({"one of several", {reinterpret_cast<const char*>(of.data()), of.size()}, std::to_string(n)});
  events::entropy out{};
  std::copy_n(hash.begin(), out.size(), out.begin());
  return out;
}

inline events::outcome<decision> no_destination(std::string_view id) {
  return events::failure(events::errc::not_found, "there is no endpoint `" + std::string{id.substr(0, 64)} + "`");
}

struct decider {
  using result = events::outcome<decision>;

  const outbox_state::impl& s;
  const events::context& ctx;
  std::size_t pending_most;

  result operator()(const create_destination& c) const;
  result operator()(const update_destination& c) const;
  result operator()(const patch_destination& c) const;
  result operator()(const create_destinations& c) const;
  result operator()(const create_dynamic_message& c) const;
  result operator()(const remove_destination& c) const;
  result operator()(const rotate_secret& c) const;
  result operator()(const put_event_type& c) const;
  result operator()(const remove_event_type& c) const;
  result operator()(const create_message& c) const;
  result operator()(const resend& c) const;
  result operator()(const start_recovery& c) const;
  result operator()(const progress_recovery& c) const;
  result operator()(const cancel_recovery& c) const;
  result operator()(const finish_attempt& c) const;
  result operator()(const expire_deliveries& c) const;
  result operator()(const form_batches& c) const;
  result operator()(const remove_letter& c) const;
  result operator()(const change_transformation& c) const;
  result operator()(const create_poller& c) const;
  result operator()(const patch_poller& c) const;
  result operator()(const remove_poller& c) const;
  result operator()(const move_consumer& c) const;
  result operator()(const remove_consumer& c) const;
  result operator()(const erase_content& c) const;
  result operator()(const expire_erased& c) const;

private:
  std::string new_id(std::string_view prefix) const { return events::make_id(prefix, ctx.wall.us / 1000, ctx.chance); }

  // -- destinations
  events::outcome<void> room_for_destinations(std::size_t more) const;
  events::outcome<destination> made(const create_destination& c, std::string id) const;
  events::outcome<void> check(destination& d, const lane* self) const;
  events::outcome<void> check_room(const destination& d, const lane* self) const;
  result update(const lane& l, destination d, bool disabled_said) const;
  events::outcome<signing_key> new_key(const rotate_secret& c, const destination& of) const;

  // -- polling endpoints
  events::outcome<void> check(poller& p, const poller* self) const;

  // -- messages
  events::outcome<void> check_time(const create_message& c) const;
  events::outcome<std::vector<schema_fault>> hold_against_schema(const create_message& c, bool opaque) const;
  events::outcome<std::vector<std::string>> recipients(const create_message& c, bool opaque, std::vector<std::string>& lines) const;
  /// To whom, each with its line, or nobody's; nothing: who wants it.
  struct addressees {
    std::vector<std::string> ids, lines;
  };
  result emit(const create_message& c, std::optional<addressees> to) const;
  bool holds_line(const lane& l, const delivery& d) const noexcept;
  events::outcome<void> room_for(std::size_t more) const;

  // -- recoveries
  events::outcome<recovery> begun(const start_recovery& c, const lane& l, std::uint32_t number) const;
  result purge_all(const start_recovery& c) const;
  bool flies(const lane& l, events::seq message) const;

  // -- attempts
  void add_attempt(decision& out, attempt_finished f, const delivery* d) const;
  result judged(attempt_finished f, const lane& l, const delivery* d) const;
  decision leads_to(attempt_finished f, const classification& meaning, std::optional<duration> wait, const lane& l, const delivery* d) const;
  decision disabled_by_answer(attempt_finished f, const lane& l, const delivery* d) const;
  destination_disabled disabled_by_rule(const lane& l) const;
  destination_disabled too_many_held(const lane& l) const;
  recovery_started missing_of(const lane& l) const;
  void judge(attempt_finished& f, const classification& meaning, const lane* l, const delivery* d) const;
};

} // namespace hourglass::webhook
