#pragma once

#include "actors/fwd.hpp"
#include "actors/webhook_meter.hpp"
#include "events/envelope.hpp"
#include "events/limits.hpp"
#include "events/redact.hpp"
#include "events/vault.hpp"
#include "http/client.hpp"
#include "mock/clock.hpp"
#include "mock/data.hpp"
#include "mock/endpoints.hpp"
#include "mock/message.hpp"
#include "mock/script.hpp"
#include "mock/script_limits.hpp"
#include "mock/settings.hpp"
#include "storage/index.hpp"
#include "storage/journal.hpp"
#include "storage/store.hpp"
#include "webhook/outbox.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hourglass::actors {

/// Names one request that may come again (`Idempotency-Key`).
struct once {
  std::string name;        ///< made of who asks, for what, and the key
  std::string fingerprint; ///< of the request: another one under the same name is a mistake
};

/// Who asks, for the log.
struct caller {
  std::string principal;   ///< `admin`, `sandbox:<id>`, `mock`
  std::string correlation; ///< at most `limits::correlation_bytes`
  /// The change is made once: asked for again within `limits::idempotency_time`, it answers the receipt of the first time, after a crash
  /// too (actors/once.hpp).
  std::shared_ptr<const actors::once> once = nullptr;
  std::size_t bytes = 0; ///< of a change, that stay in memory until it is answered
};

/// What a durable change answers.
struct receipt {
  events::seq first = 0; ///< of the events it wrote; 0 when it wrote none
  events::seq last = 0;
  std::string reply; ///< JSON text from the core that decided
};

/// A change of one sandbox. Each alternative is decided by one child (settings: by the sandbox itself).
using command = std::variant<mock::settings_command, mock::endpoint_command, mock::data_command,
                             mock::clock_command, webhook::command>;

/// A look at the present state of one child, as JSON text. Must be pure and quick: it runs inside the child, in order with its changes.
template <class State>
using look = std::function<events::outcome<std::string>(const State&, events::virtual_time now)>;
using reading = std::variant<look<mock::settings_state>, look<mock::endpoint_state>,
                             look<mock::data_state>, look<mock::clock_state>, look<webhook::outbox_state>>;

using on_answer = std::function<void(events::outcome<mock::response>)>;
using on_receipt = std::function<void(events::outcome<receipt>)>;

struct node_options {
  std::filesystem::path data; ///< the one folder
  unsigned workers = 1;       ///< CAF scheduler threads; I/O, the journal and the index have their own
  unsigned readers = 2;       ///< threads for blocking reads
  std::chrono::milliseconds passivate_after{60'000};
  std::size_t live_sandboxes = 10'000; ///< beyond it the longest idle ones leave memory
  std::size_t queued_per_sandbox = 10'000;
  std::size_t bytes_per_sandbox = limits::in_flight_bytes_per_sandbox;
  std::size_t pending_per_sandbox = limits::pending_per_sandbox; ///< deliveries not yet ended
  std::size_t bytes_under_way_per_sandbox = limits::bytes_under_way_per_sandbox; ///< of message bodies
  std::size_t due_at_once = 10'000;    ///< entries of the due index that are looked at in a round
  std::uint64_t events_per_snapshot = limits::events_per_snapshot; ///< of a busy sandbox
  std::chrono::seconds retention_every{3'600}; ///< so often sandboxes are looked through for content whose time is over
  std::chrono::seconds scrub_after{86'400};    ///< so long erased content may stand in the files, but for the time that rewriting them takes
  /// So long the stream of a deleted sandbox stays; nothing: until somebody wants it gone.
  std::optional<std::chrono::seconds> deleted_sandbox_retention;
  /// Position behind what Kafka has, 0 while that is not known; null when there is no export. Nothing is pruned that it does not have.
  std::function<storage::position()> exported;
  std::string secret_keys; ///< what seals secrets at rest (`events::vault::parse`); empty: the key in `data/secret.key`, made on first use
  http::client_options client;
  std::shared_ptr<const http::egress_guard> guard;
  std::shared_ptr<mock::script_engine> scripts; ///< stopped with the node; null: endpoints with handlers are refused
  /// Tells after every committed batch which sandbox has new events; runs on the journal's thread, must not block.
  std::function<void(const events::sandbox_id&, events::seq last)> on_committed;
};

/// How the stream of a sandbox stands that was deleted, and what it has or had.
struct prune_report {
  enum class state : std::uint8_t {
    live,    ///< it is not deleted
    deleted, ///< it goes when its time is over, if ever
    waiting, ///< it goes as soon as nothing holds it: see `held_by`
    going,   ///< it is said to be gone, and what is left of it is being taken away
    gone,
  };
  state is = state::live;
  std::string held_by; ///< `kafka_export`, `index`, `use` or nothing
  events::seq events = 0;
  events::hash last_link{};
  events::wall_time last_at;
  events::wall_time deleted_at;
  std::optional<events::wall_time> goes_at;   ///< by the retention
  std::optional<events::wall_time> pruned_at; ///< when it was said
  std::string pruned_by;
};

struct prune_figures {
  std::uint64_t sandboxes = 0; ///< pruned since the start
  std::uint64_t events = 0;    ///< of those
  std::uint64_t deleted = 0;   ///< whose streams stand in the log
  std::uint64_t held = 0;      ///< of those, that wait for Kafka
  std::uint64_t going = 0;
};

struct node_counters {
  std::uint64_t live = 0, woken = 0, passivated = 0, degraded = 0, child_restarts = 0;
  std::uint64_t requests = 0, rejected = 0, attempts = 0, attempts_in_flight = 0;
};

/// Everything of one process below HTTP: store, journal, index, sandboxes, dispatcher.
///
/// Durability
///   `on_answer` and `on_receipt` get a value only after the events behind it are synced. `errc::abandoned` means the outcome is
///   unknown; every other error changed nothing.
/// Threads
///   All members from any thread. Callbacks run on the journal's or a worker's thread, exactly once, and must not block.
class node {
public:
  /// Fails with `errc::held`, `errc::newer_format`, `errc::corrupt`, `errc::io`, `errc::invalid` (the secret keys are not those of the folder).
  static events::outcome<std::unique_ptr<node>> open(node_options options);
  virtual ~node() = default;

  // -- modifiers ---------------------------------------------------------------

  /// A mock request for `sandbox`; `request.target` is relative to the sandbox.
  virtual void serve(const events::sandbox_id& sandbox, mock::request request, caller who, on_answer done) = 0;

  /// Creates a sandbox from the API's JSON (`mock::create_sandbox`). `receipt.reply` is the sandbox as JSON with `id` and, this once,
  /// `client_id` and `client_secret`. A uid that is taken is `errc::conflict`.
  virtual void create(std::string text, caller who, on_receipt done) = 0;

  virtual void submit(const events::sandbox_id& sandbox, command what, caller who, on_receipt done) = 0;

  /// Answers after every change that the look could have seen is durable.
  virtual void read(const events::sandbox_id& sandbox, reading what, on_receipt done) = 0;

  /// Has the stream of a deleted sandbox pruned (actors/pruner.hpp), as soon as Kafka has it all; `done` when that wish is durable. Nothing happens to one
  /// that is going or gone. Blocking, for a reader thread. Fails with `errc::conflict` unless it is deleted, `errc::not_found`.
  virtual void prune(const events::sandbox_id& sandbox, caller who, std::function<void(events::outcome<void>)> done) = 0;

  /// Blocking, for a reader thread; what is folded. Fails with `errc::not_found` when there never was such a sandbox.
  virtual events::outcome<prune_report> report_of(const events::sandbox_id& sandbox) const = 0;

  // -- look-ups (point reads; any thread) ------------------------------------------

  /// Id of the sandbox with that id or uid; `errc::not_found`.
  virtual events::outcome<events::sandbox_id> resolve(std::string_view id_or_uid) const = 0;

  /// The sandbox whose client secret hashes to this; `errc::unauthorized`.
  virtual events::outcome<events::sandbox_id> authenticate(std::string_view client_secret) const = 0;

  struct listed {
    std::vector<std::string> sandboxes; ///< JSON text of each
    std::string next;                   ///< give as `after` for the next page; empty at the end
  };
  /// By id, or backwards from the end.
  virtual events::outcome<listed> list(std::string_view after, std::size_t limit, bool backwards = false) const = 0;

  /// Runs `work` on a reader thread: for history, state at a moment, replay.
  virtual void post(std::function<void()> work) = 0;

  /// The same for work on one sandbox, of which one runs at a time: so it never keeps every thread from the others.
  virtual void post_for(const events::sandbox_id& sandbox, std::function<void()> work) = 0;

  virtual storage::store& store() noexcept = 0;
  virtual storage::index_writer& index() noexcept = 0;
  virtual storage::journal& journal() noexcept = 0;
  virtual const events::redactor& redactor() const noexcept = 0;
  virtual const events::vault& vault() const noexcept = 0;
  virtual mock::script_engine* scripts() noexcept = 0; ///< null: there is none
  virtual plugin_registry& plugins() noexcept = 0;
  virtual std::shared_ptr<const webhook::payload_judge> schemas() const = 0; ///< what payloads are held against
  virtual node_counters counters() const noexcept = 0;
  virtual webhook_figures webhooks() const = 0;
  virtual prune_figures prunes() const = 0;

  /// Requests in flight finish, timers stop, sandboxes leave memory, the journal drains. Idempotent. Afterwards
  /// only `store()` may be used.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

} // namespace hourglass::actors
