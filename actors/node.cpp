#include "actors/node.hpp"

#include "actors/caf.hpp"
#include "actors/directory.hpp"
#include "actors/environment.hpp"
#include "actors/late_answers.hpp"
#include "actors/messages.hpp"
#include "actors/node_secrets.hpp"
#include "actors/pruner.hpp"
#include "actors/reader_pool.hpp"
#include "actors/registry.hpp"
#include "actors/scrubber.hpp"
#include "actors/testing.hpp"
#include "actors/transformation_task.hpp"
#include "replay/state.hpp"

#include <thread>

namespace hourglass::actors {

namespace {

struct scheduler_config : caf::actor_system_config {
  explicit scheduler_config(unsigned workers) {
    set("scheduler.policy", caf::atom("sharing")); // sleeps on a condition variable; work stealing naps for up to 10 ms when idle
    set("scheduler.max-threads", std::size_t{workers});
    set("scheduler.max-throughput", std::size_t{64}); // a busy sandbox gives way
  }
};

class real_node final : public node {
public:
  real_node(node_options options, std::unique_ptr<storage::store> store, events::redactor redactor, events::vault vault)
    : options_(std::move(options)),
      redactor_(std::make_shared<const events::redactor>(std::move(redactor))),
      store_(std::move(store)),
      scrubber_(std::make_unique<scrubber>(*store_, options_.scrub_after)),
      readers_(options_.readers),
      index_(storage::open_index_writer(*store_)),
      journal_(storage::open_journal(*store_)),
      client_(http::client::open(options_.client, options_.guard)),
      dispatcher_(*client_, redactor_),
      vault_(std::make_shared<const events::vault>(std::move(vault))),
      plugins_(vault_),
      config_(options_.workers),
      system_(std::make_unique<caf::actor_system>(config_)) {
    env_.reset(new environment{
      options_, *store_, *journal_, *index_, *client_, plugins_, dispatcher_, *redactor_, vault_, schemas_,
      [this](const events::sandbox_id& of, std::function<void()> work) { readers_.post_for(of, std::move(work)); },
      [this](const resident_ptr& door) { directory_->forget(door); },
      [this](std::string_view name, mock::request request, caller who, on_answer done) {
        auto id = resolve(name);
        id ? serve(*id, std::move(request), std::move(who), std::move(done)) : done(tl::unexpected<events::error>{std::move(id).error()});
      }});
    directory_ = std::make_unique<directory>(*system_, *env_, uids_);
    journal_->give_to([index = index_.get()](storage::position first, std::vector<storage::record_batch> batches) {
      index->take(first, std::move(batches));
    });
    journal_->listen([index = index_.get()](storage::position end) { index->notify(end); });
    pruner_ = std::make_shared<pruner>(*env_, *directory_);
  }

  /// From here on sandboxes wake by themselves.
  events::outcome<void> begin() {
    if (auto ok = pruner_->start(); !ok)
      return ok;
    caretaker_ = system_->spawn<caretaker_actor>(std::ref(*env_), std::ref(*directory_), pruner_);
    let_go_of_logger();
    return {};
  }

  ~real_node() override { stop(std::chrono::milliseconds{0}); }

  void serve(const events::sandbox_id& sandbox, mock::request request, caller who, on_answer done) override {
    env_->counters.requests.fetch_add(1, std::memory_order_relaxed);
    auto visitor = let_in(sandbox, false, bytes_of(request));
    if (!visitor)
      return done(tl::unexpected<events::error>{std::move(visitor).error()});
    auto job = std::make_shared<request_job>();
    job->request = std::move(request);
    job->ctx.principal = std::move(who.principal);
    job->ctx.correlation = std::move(who.correlation);
    job->done = std::move(done);
    job->inside = std::move(visitor->inside);
    caf::anon_send(visitor->sandbox, serve_request{std::move(job)});
  }

  void create(std::string text, caller who, on_receipt done) override {
    auto id = events::make_sandbox_id(wall_now().us / 1000, events::draw_entropy());
    auto secret = new_client_secret();
    mock::create_sandbox what;
    what.text = std::move(text);
    what.keys.push_back({"default", hash_of(secret)});
    auto visitor = let_in(id, true);
    if (!visitor)
      return done(tl::unexpected<events::error>{std::move(visitor).error()});
    auto job = std::make_shared<change_job>();
    job->what = command{mock::settings_command{std::move(what)}};
    job->reply_override = R"(,"client_id":")" + id.to_string() + R"(","client_secret":")" + secret + '"';
    submit_job(std::move(*visitor), job, std::move(who), std::move(done));
  }

  void submit(const events::sandbox_id& sandbox, command what, caller who, on_receipt done) override {
    auto visitor = let_in(sandbox, false, who.bytes);
    if (!visitor)
      return done(tl::unexpected<events::error>{std::move(visitor).error()});
    auto job = std::make_shared<change_job>();
    job->what = std::move(what);
    if (auto* of_endpoints = std::get_if<mock::endpoint_command>(&std::get<command>(job->what)))
      if (auto* import = std::get_if<mock::import_openapi>(of_endpoints))
        return read_first(sandbox, *import, std::move(*visitor), job, std::move(who), std::move(done));
    if (auto* of_data = std::get_if<mock::data_command>(&std::get<command>(job->what)); of_data != nullptr && mock::takes_long(*of_data))
      return read_first(sandbox, *of_data, std::move(*visitor), job, std::move(who), std::move(done));
    if (auto* of_endpoints = std::get_if<mock::endpoint_command>(&std::get<command>(job->what)))
      if (auto script = mock::script_in(*of_endpoints))
        return compile_first(sandbox, std::move(*script), std::move(*visitor), job, std::move(who), std::move(done));
    if (auto* of_webhooks = std::get_if<webhook::command>(&std::get<command>(job->what)))
      if (auto* change = std::get_if<webhook::change_transformation>(of_webhooks); change && change->code && !change->code->empty()) {
        const auto code = *change->code;
        return compile_first(sandbox, {webhook::script_of(code), mock::script_form::handler, "/code"}, std::move(*visitor), job, std::move(who), std::move(done),
                             [code](mock::script_error e) { return within(std::move(e), code); });
      }
    submit_job(std::move(*visitor), job, std::move(who), std::move(done));
  }

  void read(const events::sandbox_id& sandbox, reading what, on_receipt done) override {
    auto visitor = let_in(sandbox, false);
    if (!visitor)
      return done(tl::unexpected<events::error>{std::move(visitor).error()});
    auto job = std::make_shared<change_job>();
    job->what = std::move(what);
    submit_job(std::move(*visitor), job, {}, std::move(done));
  }

  events::outcome<events::sandbox_id> resolve(std::string_view id_or_uid) const override {
    if (auto id = events::sandbox_id::parse(id_or_uid)) {
      if (directory_->peek(*id))
        return *id;
      auto row = store_->get(registry::sandbox_key(*id));
      if (!row)
        return tl::unexpected<events::error>{std::move(row).error()};
      if (*row)
        return *id;
      return events::failure(events::errc::not_found, "no such sandbox");
    }
    return look_up(registry::uid_key(id_or_uid), events::errc::not_found, "no such sandbox");
  }

  events::outcome<events::sandbox_id> authenticate(std::string_view client_secret) const override {
    return look_up(registry::api_key_key(hash_of(client_secret)), events::errc::unauthorized, "this key is not valid");
  }

  events::outcome<listed> list(std::string_view after, std::size_t limit, bool backwards) const override {
    std::string from;
    if (!after.empty()) {
      auto id = events::sandbox_id::parse(after);
      if (!id)
        return events::failure(events::errc::invalid, "not a cursor of this list", "cursor");
      from = registry::sandbox_key(*id);
    }
    auto rows = store_->scan(registry::sandbox_prefix, from, limit + 1, backwards);
    if (!rows)
      return tl::unexpected<events::error>{std::move(rows).error()};
    listed out;
    for (std::size_t i = 0; i < rows->size() && i < limit; ++i)
      out.sandboxes.push_back(std::move((*rows)[i].value));
    if (rows->size() > limit) {
      auto id = registry::id_of(std::string_view{(*rows)[limit - 1].key}.substr(registry::sandbox_prefix.size()));
      if (id)
        out.next = id->to_string();
    }
    return out;
  }

  void post(std::function<void()> work) override { readers_.post(std::move(work)); }
  void post_for(const events::sandbox_id& sandbox, std::function<void()> work) override { readers_.post_for(sandbox, std::move(work)); }
  storage::store& store() noexcept override { return *store_; }
  storage::index_writer& index() noexcept override { return *index_; }
  storage::journal& journal() noexcept override { return *journal_; }
  const events::redactor& redactor() const noexcept override { return *redactor_; }
  const events::vault& vault() const noexcept override { return *vault_; }
  mock::script_engine* scripts() noexcept override { return options_.scripts.get(); }
  plugin_registry& plugins() noexcept override { return plugins_; }
  std::shared_ptr<const webhook::payload_judge> schemas() const override { return schemas_; }

  node_counters counters() const noexcept override {
    const auto& c = env_->counters;
    return {directory_->live(), c.woken,  c.passivated, c.degraded,
            c.child_restarts,   c.requests, c.rejected, c.attempts,
            c.attempts_in_flight};
  }

  void give_late_answers() {
    std::lock_guard guard{stop_mutex_};
    if (!system_)
      return;
    env_->holds_nothing_back = true; // before we look who is there: who comes later sees it
    for (const auto& s : directory_->all())
      caf::anon_send(s.sandbox, give_late{});
  }
  webhook_figures webhooks() const override { return env_->webhooks.read(wall_now()); }

  void prune(const events::sandbox_id& sandbox, caller who, std::function<void(events::outcome<void>)> done) override {
    if (env_->stopping)
      return done(events::failure(events::errc::unavailable, "the server is shutting down"));
    pruner_->want(sandbox, {std::move(who.principal), std::move(who.correlation)}, std::move(done));
  }
  events::outcome<prune_report> report_of(const events::sandbox_id& sandbox) const override { return pruner_->report(sandbox); }
  prune_figures prunes() const override { return pruner_->figures(); }

  void stop(std::chrono::milliseconds grace) override {
    std::lock_guard guard{stop_mutex_};
    if (!system_)
      return;
    env_->stopping = true;
    env_->holds_nothing_back = true;
    {
      caf::scoped_actor here{*system_}; // first, and to its end: it wakes sandboxes
      if (caretaker_) {
        here->send_exit(caretaker_, caf::exit_reason::user_shutdown);
        here->wait_for(std::exchange(caretaker_, nullptr));
      }
    }
    auto deadline = std::chrono::steady_clock::now() + grace;
    auto busy = [this] {
      for (const auto& s : directory_->all())
        if (s.door->inside() != 0)
          return true;
      return false;
    };
    while (busy() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    client_->stop(std::chrono::milliseconds{0}); // attempts still under way come back as cancelled and stay pending in the log
    if (options_.scripts)
      options_.scripts->stop();
    for (const auto& s : directory_->close())
      caf::anon_send_exit(s.sandbox, caf::exit_reason::user_shutdown);
    scrubber_.reset();
    readers_.stop();
    journal_->close(); // what was appended is written and answered, and its handlers let go of the actors; those that still run are refused
    system_.reset();   // waits for every actor
    journal_.reset();
    index_.reset();
    client_.reset();
    // The store stays open until the end: an export may still be reading it.
  }

  directory& where() noexcept { return *directory_; }

  /// What payloads are held against, before the first is: the catalogue may sleep for ever.
  events::outcome<void> read_catalogue() {
    auto where = look_up(registry::uid_key(catalogue_uid), events::errc::not_found, "there is none yet");
    if (!where)
      return where.error().code == events::errc::not_found ? events::outcome<void>{} : tl::unexpected<events::error>{where.error()};
    schemas_->catalogue_is(*where);
    auto state = replay::load(*store_, *where);
    if (state)
      schemas_->replace_all(state->outbox);
    return {}; // a catalogue that does not verify is degraded, and nobody else is
  }

private:
  events::outcome<directory::visitor> let_in(const events::sandbox_id& sandbox, bool create, std::size_t bytes = 0) {
    if (env_->stopping)
      return events::failure(events::errc::unavailable, "the server is shutting down");
    auto in = directory_->enter(sandbox, create);
    if (!in || in->inside.carry(bytes, options_.bytes_per_sandbox))
      return in;
    env_->counters.rejected.fetch_add(1, std::memory_order_relaxed);
    return events::failure(events::errc::overloaded,
                           "this sandbox has too much in hand (in_flight_bytes_per_sandbox, " + std::to_string(options_.bytes_per_sandbox) + ")");
  }

  static std::size_t bytes_of(const mock::request& r) noexcept {
    auto out = r.target.size() + r.body.size();
    for (const auto& [name, value] : r.headers)
      out += name.size() + value.size();
    return out;
  }

  /// An imported document, or what a seed document makes, may take seconds: not on a thread that all sandboxes share.
  template <class Long>
  void read_first(const events::sandbox_id& sandbox, Long& what, directory::visitor visitor, const change_ptr& job, caller who, on_receipt done) {
    job->done = std::move(done);
    job->inside = std::move(visitor.inside);
    readers_.post_for(sandbox, [job, &what, who = std::move(who), to = std::move(visitor.sandbox)]() mutable {
      auto read = [&what] {
        if constexpr (std::is_same_v<Long, mock::import_openapi>)
          return mock::read_ahead(what, what.chance.value_or(events::draw_entropy()));
        else
          return mock::read_ahead(what);
      }();
      if (!read)
        return job->answer(tl::unexpected<events::error>{std::move(read).error()});
      submit_job({std::move(to), std::move(job->inside)}, job, std::move(who), std::move(job->done));
    });
  }

  /// What does not compile never gets as far as the sandbox: the version of before stays.
  void compile_first(const events::sandbox_id& sandbox, mock::script_to_check script, directory::visitor visitor, const change_ptr& job, caller who,
                     on_receipt done, std::function<mock::script_error(mock::script_error)> place = {}) {
    if (!options_.scripts)
      return done(events::failure(events::errc::unavailable, "this node has no engine for scripts", script.where));
    job->done = std::move(done);
    job->inside = std::move(visitor.inside);
    auto source = script.source;
    options_.scripts->check(sandbox.to_string(), std::move(source), script.form,
                            [job, script = std::move(script), who = std::move(who), to = std::move(visitor.sandbox), place = std::move(place)](
                              const std::optional<mock::script_error>& e) mutable {
                              if (e) {
                                auto why = mock::told(place ? place(*e) : *e, script);
                                if (place && !why.where.empty())
                                  why.where = script.where; // of a list of places Svix's clients read the names only
                                return job->answer(tl::unexpected<events::error>{std::move(why)});
                              }
                              submit_job({std::move(to), std::move(job->inside)}, job, std::move(who), std::move(job->done));
                            });
  }

  static void submit_job(directory::visitor visitor, const change_ptr& job, caller who, on_receipt done) {
    job->ctx.principal = std::move(who.principal);
    job->ctx.correlation = std::move(who.correlation);
    job->once = std::move(who.once);
    job->done = std::move(done);
    job->inside = std::move(visitor.inside);
    caf::anon_send(visitor.sandbox, do_change{job});
  }

  events::outcome<events::sandbox_id> look_up(const std::string& key, events::errc missing, const char* what) const {
    auto row = store_->get(key);
    if (!row)
      return tl::unexpected<events::error>{std::move(row).error()};
    if (!*row)
      return events::failure(missing, what);
    return registry::id_of(**row);
  }

  node_options options_;
  std::shared_ptr<const events::redactor> redactor_;
  std::unique_ptr<storage::store> store_;
  std::unique_ptr<scrubber> scrubber_;
  reader_pool readers_;
  std::unique_ptr<storage::index_writer> index_;
  std::unique_ptr<storage::journal> journal_;
  std::unique_ptr<http::client> client_;
  webhook::dispatcher dispatcher_;
  std::shared_ptr<const events::vault> vault_;
  plugin_registry plugins_;
  scheduler_config config_;
  std::unique_ptr<caf::actor_system> system_;
  registry::uid_claims uids_;
  std::shared_ptr<payload_schemas> schemas_ = std::make_shared<payload_schemas>();
  std::unique_ptr<environment> env_;
  std::unique_ptr<directory> directory_;
  std::shared_ptr<pruner> pruner_;
  caf::actor caretaker_;
  std::mutex stop_mutex_;
};

} // namespace

events::outcome<std::unique_ptr<node>> node::open(node_options options) {
  auto store = storage::open_rocks_store(options.data / "rocksdb");
  if (!store)
    return tl::unexpected<events::error>{std::move(store).error()};
  return testing::open_on(std::move(options), std::move(*store));
}

void give_late_answers(node& of) { dynamic_cast<real_node&>(of).give_late_answers(); }

namespace testing {

events::outcome<std::unique_ptr<node>> open_on(node_options options, std::unique_ptr<storage::store> store) {
  auto key = redaction_key(options.data, store->end() <= 1);
  if (!key)
    return tl::unexpected<events::error>{std::move(key).error()};
  auto vault = open_vault(options.data, options.secret_keys);
  if (!vault)
    return tl::unexpected<events::error>{std::move(vault).error()};
  auto made = std::make_unique<real_node>(std::move(options), std::move(store), events::redactor{*key}, std::move(*vault));
  if (auto loaded = made->plugins().load(made->store()); !loaded && loaded.error().code != events::errc::corrupt) // then the catalogue is degraded, and has none
    return tl::unexpected<events::error>{std::move(loaded).error()};
  if (auto ok = made->read_catalogue().and_then([&] { return made->begin(); }); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  return made;
}

bool crash_child_of(node& of, const events::sandbox_id& sandbox, std::string_view name) {
  auto who = dynamic_cast<real_node&>(of).where().peek(sandbox);
  if (!who)
    return false;
  auto which = name == "endpoint" ? child::endpoint : name == "data" ? child::data : name == "clock" ? child::clock : child::outbox;
  caf::anon_send(*who, crash_child{which});
  return true;
}

bool ask_to_sleep(node& of, const events::sandbox_id& sandbox) {
  auto who = dynamic_cast<real_node&>(of).where().peek(sandbox);
  if (!who)
    return false;
  caf::anon_send(*who, retire{});
  return true;
}

} // namespace testing

} // namespace hourglass::actors
