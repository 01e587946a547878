#include "api/idempotency.hpp"

#include "api/router.hpp"
#include "events/digest.hpp"
#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "events/wall_clock.hpp"
#include "http/media_type.hpp"

#include <algorithm>
#include <chrono>

namespace hourglass::api {

using events::errc;

namespace {

constexpr std::string_view header_name = "Idempotency-Key";
constexpr std::uint64_t admissions_per_sweep = 256;
constexpr std::size_t rows_per_sweep = 1'024; // more than come meanwhile

std::string hash_of(std::string_view a, std::string_view b, std::string_view c) {
  // Lengths first, so that no two lists of parts read the same.
  auto lengths = std::to_string(a.size()) + ':' + std::to_string(b.size()) + ':';
  return events::to_hex(events::as_text(events::sha256({lengths, a, b, c})));
}

/// The draft of the IETF has the key in quotes, everybody else sends it bare: both name the same.
std::string_view unquoted(std::string_view key) {
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"')
    key = key.substr(1, key.size() - 2);
  return key;
}

bool well_formed(std::string_view key) {
  return !key.empty() && key.size() <= limits::idempotency_key_bytes &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// Of a payload that is no JSON the type is part of the message.
std::string type_of_payload(const call& c) {
  auto type = http::find(c.request->headers, "Content-Type");
  return c.at->takes == body::payload && !type.empty() && !http::is_json_type(type) ? '\n' + std::string{type} : std::string{};
}

} // namespace

/// The name is under way as long as anyone holds this.
class answer_book::lease {
public:
  lease(answer_book& book, actors::once what) : book_(book), what_(std::make_shared<const actors::once>(std::move(what))) {}
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;
  ~lease() {
    if (!taken_)
      return;
    std::lock_guard guard{book_.lock_};
    book_.under_way_.erase(what_->name);
  }

  bool take() {
    std::lock_guard guard{book_.lock_};
    return taken_ = book_.under_way_.insert(what_->name).second;
  }

  const std::shared_ptr<const actors::once>& what() const noexcept { return what_; }

private:
  answer_book& book_;
  std::shared_ptr<const actors::once> what_;
  bool taken_ = false;
};

bool answer_book::is_asked_for(const call& c) {
  return c.at->method != "GET" && !http::find(c.request->headers, header_name).empty();
}

bool answer_book::admit(const call_ptr& c) {
  if (!is_asked_for(*c))
    return true;
  auto key = unquoted(http::find(c->request->headers, header_name));
  if (!well_formed(key)) {
    c->fail({errc::invalid, "must be 1 to " + std::to_string(limits::idempotency_key_bytes) + " printable characters (idempotency_key_bytes)",
             std::string{header_name}});
    return false;
  }
  auto [path, query] = http::split_target(c->request->target);
  auto principal = c->who.name();
  const auto fingerprint = hash_of(c->at->method, std::string{query} + type_of_payload(*c), c->request->body);
  auto held = std::make_shared<lease>(*this, actors::once{hash_of(principal, path, key), fingerprint});
  if (!held->take()) {
    c->fail({errc::conflict, "a request with this Idempotency-Key is under way; try again when it is answered", std::string{header_name}});
    return false;
  }
  auto before = actors::find_once(node_.store(), held->what()->name, events::wall_now());
  if (!before) {
    held.reset(); // before the answer leaves: who has it may ask again at once
    c->fail(before.error());
    return false;
  }
  if (*before && (*before)->fingerprint != held->what()->fingerprint) {
    held.reset();
    c->send(problem_response(422, "idempotency-key-reused", "this Idempotency-Key was used for a request with another method, query, type or body",
                             c->correlation, c->speaks));
    return false;
  }
  if (*before && (*before)->status != 0) {
    held.reset();
    replay(c, std::move(**before));
    return false;
  }
  c->once = held->what();
  c->before_answer = [this, held = std::move(held)](const call& answered, const http::response& answer, std::function<void()> go_on) mutable {
    if (answered.answer_is_secret || (answer.status / 100 != 2 && !answered.taken_back)) {
      held.reset();
      return go_on();
    }
    // On a reader thread: an answer comes from the journal's, which may not wait for the disk.
    node_.post([this, held = std::move(held), keeping = answered.shared_from_this(), copy = answer, go_on = std::move(go_on)]() mutable {
      keep(held->what(), *keeping, copy);
      held.reset();
      go_on();
    });
  };
  if (admitted_.fetch_add(1, std::memory_order_relaxed) % admissions_per_sweep == 0)
    node_.post([this, c] { forget_old(); }); // the call keeps this book alive
  return true;
}

void answer_book::replay(const call_ptr& c, actors::once_row row) {
  http::response out;
  out.status = row.status;
  out.headers = std::move(row.headers);
  out.headers.push_back({"Idempotent-Replayed", "true"});
  out.body = std::move(row.body);
  c->send(std::move(out));
}

/// If the rows cannot be written the answer is true all the same, and the receipt stands.
void answer_book::keep(const std::shared_ptr<const actors::once>& what, const call& answered, const http::response& answer) {
  if (answered.taken_back) {
    const storage::row gone{actors::once_key(what->name), {}, true};
    (void)node_.store().put({&gone, 1});
    return;
  }
  auto made = actors::find_once(node_.store(), what->name, events::wall_now());
  if (!made)
    return;
  auto row = *made ? std::move(**made) : actors::once_row{};
  if (!*made)
    row.at = events::wall_now();
  row.fingerprint = what->fingerprint;
  if (row.sandbox.empty() && answered.sandbox != events::sandbox_id{})
    row.sandbox = answered.sandbox.to_string();
  row.done.reply.clear(); // it was needed for as long as there was no answer
  row.status = answer.status;
  for (const auto& h : answer.headers)
    if (h.name != "X-Correlation-Id")
      row.headers.push_back(h);
  row.body = answer.body;
  (void)node_.store().put(actors::write_once(what->name, row));
}

/// Rows that are past their time go, a bounded number at once. A name that is under way is left for the next time: its row may be new.
void answer_book::forget_old() {
  auto& store = node_.store();
  auto oldest = store.scan(actors::once_age_prefix, {}, rows_per_sweep);
  if (!oldest)
    return;
  auto now = events::wall_now();
  constexpr auto kept_us = std::chrono::duration_cast<std::chrono::microseconds>(limits::idempotency_time).count();
  const auto young = actors::once_age_key({now.us - kept_us}, {});
  for (auto& aged : *oldest) {
    if (aged.key >= young)
      return;
    lease held{*this, {std::string{actors::name_in_age_key(aged.key)}, {}}};
    if (!held.take())
      continue;
    auto fresh = actors::find_once(store, held.what()->name, now);
    if (!fresh)
      continue;
    std::vector<storage::row> gone{{aged.key, {}, true}};
    if (!*fresh)
      gone.push_back({actors::once_key(held.what()->name), {}, true});
    (void)store.put(gone);
  }
}

} // namespace hourglass::api
