#pragma once

#include "actors/caf.hpp"
#include "actors/node.hpp"
#include "actors/recovery_scan.hpp"
#include "actors/resident.hpp"
#include "mock/script.hpp"
#include "mock/serve.hpp"
#include "replay/state.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What the actors of one sandbox say to each other. Everything large goes by shared pointer; nothing here crosses the network.
namespace hourglass::actors {

enum class child : std::uint8_t { endpoint, data, clock, outbox, sandbox };

/// A mock request on its way: door, endpoint (routes), data (renders), sandbox (makes it durable), caller.
struct request_job {
  mock::request request;
  events::context ctx;
  mock::plan plan;
  on_answer done; ///< called exactly once, by `answer` or at the end of life
  hold inside;
  std::optional<std::chrono::steady_clock::time_point> calls_end; ///< by then all calls that serving it wants have come back, or failed

  void answer(events::outcome<mock::response> result);
  ~request_job();
};
using request_ptr = std::shared_ptr<request_job>;

/// A change or a look on its way to the child that decides it.
struct change_job {
  std::variant<command, reading> what;
  events::context ctx;
  std::shared_ptr<const actors::once> once;  ///< its receipt is written down with its events
  std::optional<std::string> reply_override; ///< instead of the core's reply (a new sandbox shows its secret once)
  on_receipt done;
  hold inside;

  void answer(events::outcome<receipt> result);
  ~change_job();
};
using change_ptr = std::shared_ptr<change_job>;

/// What the node asks for when the sandbox's time to live is over.
change_ptr deletion(hold inside);

/// For whoever waits for what was decided on a state that is gone.
events::error rebuilt_meanwhile();

/// Tells who waits for it whether a proposal has its place. Once; whoever lets go of it without a word has said no.
class placement {
public:
  /// `refused`, with a no: why the outbox does not take what the request's script emits. Then its caller has not been answered.
  using listener = std::function<void(bool placed, std::string refused)>;
  explicit placement(listener tell) : tell_(std::move(tell)) {}
  ~placement();
  placement(const placement&) = delete;
  placement& operator=(const placement&) = delete;

  void tell(bool placed, std::string refused = {});
  bool is_open() const noexcept { return tell_ != nullptr; }

private:
  listener tell_;
};

/// Events that a child wants in the log, in order, and who waits for each part of them.
///
/// Of a request whose script emits webhooks: the data actor proposes it with what is `emitted`, the outbox decides about these and adds them as
/// parts of their own, and then the proposal is the outbox's.
struct proposal {
  struct part {
    events::context ctx;
    std::vector<events::draft> drafts; ///< may be empty: then the part only waits until all before it is durable
    request_ptr request;               ///< answered with `response` once durable
    mock::response response;
    std::vector<mock::emission> emitted; ///< by the request's script, and not decided yet
    std::chrono::milliseconds delay{0}; ///< after it is durable, before the request is answered
    change_ptr change; ///< answered with `reply` once durable
    std::string reply;
    std::int64_t moved_by_us = 0; ///< outbox: decided before the clock was set back, and its moments with it
  };
  child from = child::sandbox;
  std::uint32_t generation = 0; ///< of the child; what a replaced child proposed is refused
  std::vector<part> parts;
  std::optional<events::virtual_time> due; ///< outbox: something of this falls due then
  bool want_durable = false;               ///< outbox: tell when it is durable
  std::unique_ptr<placement> place;        ///< the data actor waits for it: its request emits
  std::uint32_t pipeline = 0;              ///< then, once it is the outbox's: generation of the data actor

  proposal() = default;
  ~proposal(); ///< who waits for what never got a place is told
  proposal(const proposal&) = delete;
  proposal& operator=(const proposal&) = delete;

  void fail(const events::error& why);
};
using proposal_ptr = std::shared_ptr<proposal>;

struct serve_request { request_ptr job; };
struct do_change { change_ptr job; };
struct propose { proposal_ptr what; };

/// From the engine's thread to the data actor: a script of the chain that it waits for has ended.
struct script_done {
  std::uint64_t number = 0; ///< of the chain; of another one it means nothing
  std::shared_ptr<struct script_news> news; // actors/script_chain.hpp
};

/// From the data actor to the sandbox: to serve this request these calls must be made first. Then it is served again.
struct want_calls {
  request_ptr job;
  std::shared_ptr<std::vector<mock::outbound_call>> calls;
};
/// From the client's thread, or its own timer, to the sandbox: what a call came to.
struct call_made {
  std::uint64_t number = 0; ///< of the round
  std::size_t which = 0;
  std::shared_ptr<mock::outbound_outcome> what;
  bool came_back = false; ///< from the client
};
/// To the sandbox itself: all calls of this round should have come back by now.
struct round_over { std::uint64_t number = 0; };

/// To the data actor: whether the request of its run, which emits, has its place.
struct placed {
  std::uint64_t number = 0; ///< as the data actor has counted
  bool yes = false;
  std::string refused; ///< not empty, with a no: why the outbox does not take what it emits. Its answer is the data actor's to give
};
/// To the outbox: decide about what the request emits, and propose both.
struct emit { proposal_ptr what; };
/// To the outbox: its proposal with a request in it has no place, since the data actor has gone meanwhile. As if never decided.
struct withdrawn { proposal_ptr what; };

/// To the sandbox: an answer is ready, and is to be late; and to itself, that it is time.
struct hold_back {
  std::shared_ptr<class late_answer> what; // actors/sandbox_emit.cpp
  std::chrono::milliseconds delay{0};
};
struct give_late { std::uint64_t number = 0; }; ///< of the answer; 0: all of them

/// To the outbox: its proposal stands at `first`, …; apply it. Not yet durable.
struct sequenced {
  proposal_ptr what;
  events::seq first = 0;
  events::wall_time wall;
};
/// To the outbox: everything up to `last` is durable.
struct durable { events::seq last = 0; };

/// From the journal's thread to the sandbox: an append did not commit.
struct append_failed { std::uint32_t generation = 0; events::error why; };

/// From a reader thread to the sandbox: what its log says.
struct loaded {
  std::uint64_t number = 0; ///< of the question
  std::shared_ptr<events::outcome<replay::sandbox_state>> state;
};

/// From the directory to the sandbox: leave memory if nothing is in hand.
struct retire {};
/// Sandboxes that were asked to write a new due entry. One that cannot, or that leaves before it reads the message, stays missing.
struct renewals {
  std::atomic<std::size_t> missing{0};
  void one_has() noexcept { missing.fetch_sub(1, std::memory_order_acq_rel); }
};
/// From the directory: write a new due entry if anything is pending, the old ones are about to go.
struct renew_due { std::shared_ptr<renewals> asked; };

/// From the sandbox to the outbox: the clock's new state, and the seq of the event that made it. When that took time back, `deliveries_moved`
/// stands there too: in one message, or what waits would be due at once in between.
struct clock_is {
  mock::clock_state state;
  events::seq seq = 0;
  std::int64_t moved_by_us = 0;
};
/// From the sandbox to the outbox: what it says now of payloads that do not fit.
struct check_is { std::optional<webhook::schema_check> what; };
/// From clock (by way of the sandbox) to the outbox: fire what is due.
struct fire_due {};
/// From outbox (by way of the sandbox) to the clock: the earliest future due moment has changed.
struct due_is { std::optional<events::virtual_time> at; };
/// From the clock (by way of the sandbox) to the outbox, during an advance: answer `settled` when nothing is in flight or due.
struct settle { std::uint64_t question = 0; };
/// The answer: nothing in flight, and the next due moment; what falls due in the time after it may go together with it (`webhook::step_of_backlog`).
struct settled {
  std::uint64_t question = 0;
  std::optional<events::virtual_time> next;
  events::duration together{0};
};
/// From the outbox to the sandbox: what the log holds does not verify.
struct log_is_corrupt { events::error why; };

struct attempt_done {
  webhook::fencing_token token = 0;
  std::shared_ptr<webhook::attempt_result> result;
  std::shared_ptr<hold> inside; ///< until what it leads to is proposed
};
/// From the engine to the outbox: what a destination's script made of a message.
struct webhook_made {
  webhook::fencing_token token = 0;
  std::shared_ptr<const mock::script_outcome> outcome;
  std::shared_ptr<hold> inside;
};
struct recovery_page {
  recovery_reading what;
  std::optional<events::error> failed;
};

/// On its way round (actors/snapshot_job.hpp): write your part down and pass it on.
struct give_snapshot { std::shared_ptr<struct snapshot_job> job; };

struct tick { std::uint64_t generation = 0; };
/// The outbox to itself: more is due than one round takes.
struct take_more {};
/// To the outbox itself: the clock stands, and a rate may let something go.
struct pace_tick {};
/// To the outbox itself: tell what waits.
struct backlog_tick {};
struct restart_children {};
/// Tests only: the child's next message throws.
struct crash_child { child which = child::data; };

} // namespace hourglass::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::serve_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::do_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::propose)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::script_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::want_calls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::call_made)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::round_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::placed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::emit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::withdrawn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::hold_back)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::give_late)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::sequenced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::durable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::append_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::renew_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::clock_is)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::check_is)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::fire_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::due_is)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::settle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::log_is_corrupt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::attempt_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::webhook_made)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::recovery_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::give_snapshot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::take_more)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::pace_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::backlog_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::restart_children)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(hourglass::actors::crash_child)
