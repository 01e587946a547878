// bench_fill FOLDER SANDBOXES EVENTS IDS: a data folder as a server would have left it. The events are made by the same cores, sealed by the same codec and
// written by the same journal; only the actors and HTTP are left out. IDS gets 1,000 ids of sandboxes, and last that of one with a long stream.
#include "actors/node_secrets.hpp"
#include "actors/registry.hpp"
#include "events/codec.hpp"
#include "events/wall_clock.hpp"
#include "mock/endpoints.hpp"
#include "mock/serve.hpp"
#include "mock/settings.hpp"
#include "storage/index.hpp"
#include "storage/journal.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace {

using namespace hourglass;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_fill: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T value(events::outcome<T> what) {
  if (!what)
    give_up(what.error().detail + ' ' + what.error().where);
  return std::move(*what);
}

void check(const events::outcome<void>& what) {
  if (!what)
    give_up(what.error().detail);
}

constexpr std::string_view endpoint_text =
  R"({"method":"GET","path":"/coffees/{id}","response":{"status":200,"headers":{"Content-Type":"application/json"},)"
  R"("body":{"id":17,"name":"Cortado","tags":["coffee","milk"],"price":{"amount":310,"currency":"EUR"}}}})";

/// Writes whole streams, with a bounded amount under way.
class writer {
public:
  writer(storage::store& store, storage::journal& journal, events::redactor redactor)
    : store_(store), journal_(journal), redactor_(std::move(redactor)), now_{events::wall_now().us - std::int64_t{86'400'000'000}} {}

  events::sandbox_id write_stream(std::uint64_t count) {
    now_.us += 1'000;
    auto id = events::make_sandbox_id(now_.us / 1000, events::draw_entropy());
    events::chain_head head;
    auto batch = new_batch(id, head);

    mock::settings_state settings;
    mock::create_sandbox what;
    what.text = R"({"name":"sandbox )" + std::to_string(++written_) + "\"}";
    what.keys.push_back({"default", actors::hash_of(actors::new_client_secret())});
    auto created = value(mock::decide(settings, mock::settings_command{what}, context()));
    auto before = settings;
    for (const auto& d : created.events) {
      events::header at;
      at.wall = now_;
      at.virtual_ = {now_.us};
      check(mock::apply(settings, d.kind, d.payload, at));
      add(batch, head, d, context());
    }
    batch.rows = actors::registry::rows_for(before, settings, id);

    mock::endpoint_state endpoints;
    auto put = value(mock::decide(endpoints, mock::endpoint_command{mock::put_endpoint{std::string{endpoint_text}, {}}}, context()));
    for (const auto& d : put.events) {
      check(mock::apply(endpoints, d.kind, d.payload));
      add(batch, head, d, context());
    }
    while (head.seq < count) {
      serve(batch, head, endpoints);
      if (batch.records.size() >= 1'000) {
        append(std::move(batch));
        batch = new_batch(id, head);
      }
    }
    append(std::move(batch));
    return id;
  }

  void finish() const {
    while (under_way_.load() != 0)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

private:
  static storage::record_batch new_batch(const events::sandbox_id& id, const events::chain_head& head) {
    storage::record_batch out;
    out.sandbox = id;
    out.first = head.seq + 1;
    return out;
  }

  events::context context() const {
    events::context out;
    out.wall = now_;
    out.now = {now_.us};
    out.chance = events::draw_entropy();
    out.principal = "mock";
    out.correlation = "cor_0123456789000000000000";
    return out;
  }

  void serve(storage::record_batch& batch, events::chain_head& head, const mock::endpoint_state& endpoints) {
    now_.us += 10;
    mock::request request;
    request.method = "GET";
    request.target = "/coffees/17";
    request.headers = {{"Host", "127.0.0.1:8080"}, {"User-Agent", "fill"}, {"Accept", "application/json"}};
    request.peer = "127.0.0.1:40000";
    request.received = now_;
    auto ctx = context();
    for (const auto& d : mock::serve(endpoints, {}, request, ctx, redactor_).events)
      add(batch, head, d, ctx);
  }

  static void add(storage::record_batch& batch, events::chain_head& head, const events::draft& d, const events::context& ctx) {
    std::string bytes;
    events::seal(head, batch.sandbox, d, ctx, bytes);
    batch.records.push_back(std::move(bytes));
  }

  void append(storage::record_batch batch) {
    if (batch.records.empty())
      return;
    while (under_way_.load() > 2'000)
      std::this_thread::sleep_for(std::chrono::microseconds{100});
    under_way_.fetch_add(1);
    journal_.append(std::move(batch), [this](const storage::append_result& r) {
      if (r.outcome != storage::append_outcome::committed)
        give_up("the journal refused: " + r.why.detail);
      under_way_.fetch_sub(1);
    });
  }

  storage::store& store_;
  storage::journal& journal_;
  events::redactor redactor_;
  events::wall_time now_; ///< a day ago, and on
  std::uint64_t written_ = 0;
  std::atomic<int> under_way_{0};
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 5)
    give_up("FOLDER SANDBOXES EVENTS IDS");
  const std::filesystem::path folder = argv[1];
  const auto sandboxes = std::strtoull(argv[2], nullptr, 10);
  const auto events_in_all = std::strtoull(argv[3], nullptr, 10);
  if (sandboxes < 2 || events_in_all < 3 * sandboxes)
    give_up("at least 2 sandboxes with 3 events each");
  std::filesystem::create_directories(folder);
  auto key = value(actors::redaction_key(folder));
  auto store = value(storage::open_rocks_store(folder / "rocksdb"));
  std::ofstream ids{argv[4]};
  {
    auto journal = storage::open_journal(*store);
    writer write{*store, *journal, events::redactor{key}};
    // 100,000 sandboxes with 1,000,000 events: one of 40,000 events, the others share the rest.
    const auto long_stream = events_in_all / 25;
    const auto rest = events_in_all - long_stream;
    const auto listed_one_in = std::max<unsigned long long>(1, sandboxes / 1'000);
    unsigned long long left = rest;
    for (unsigned long long n = 0; n + 1 < sandboxes; ++n) {
      auto count = left / (sandboxes - 1 - n);
      left -= count;
      auto id = write.write_stream(count);
      if (n % listed_one_in == 0)
        ids << id.to_string() << '\n';
    }
    ids << write.write_stream(long_stream).to_string() << '\n';
    write.finish();
  }
  // A server folds the index behind its requests; long before it stops it is done.
  storage::index_options fold;
  fold.thread = false;
  auto index = storage::open_index_writer(*store, fold);
  while (value(index->fold_once())) {
  }
  std::printf("%llu events\n", static_cast<unsigned long long>(store->end() - 1));
  return store->end() - 1 == events_in_all ? 0 : 1;
}
