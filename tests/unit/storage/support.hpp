#pragma once

#include "storage/store.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

/// What the tests of storage/ share: streams to write, a folder to write to, a store that fails on demand.
namespace hourglass::storage::testing {

/// A folder that is gone at the end of the test.
class temporary_folder {
public:
  temporary_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "hourglass-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

inline events::sandbox_id sandbox(std::uint8_t number) {
  events::sandbox_id id;
  id.bytes[0] = 1;
  id.bytes[15] = number;
  return id;
}

/// What is remarkable about one event of a test.
struct said {
  events::kind kind = events::kind::data_put;
  std::string payload = "{}";
  std::int64_t wall_us = 0; ///< 0: a millisecond after the event before
  std::string principal = "admin";
  std::string correlation = "c";
  std::vector<std::string> entities = {};
};

/// Seals the events of one sandbox, one after the other.
class author {
public:
  explicit author(events::sandbox_id of) : sandbox_(of) {}

  std::string seal(const said& what = {}) {
    std::string out;
    const events::wall_time wall{what.wall_us != 0 ? what.wall_us : head_.wall.us + 1'000};
    events::seal(head_, sandbox_, {what.kind, what.payload, what.entities, 0, {}},
                 {wall, {}, {}, what.principal, what.correlation}, out);
    return out;
  }

  record_batch batch(const std::vector<said>& all) {
    record_batch out{sandbox_, head_.seq + 1, {}, {}, {}};
    for (const auto& one : all)
      out.records.push_back(seal(one));
    return out;
  }

  record_batch batch(std::size_t count = 1) { return batch(std::vector<said>(count)); }

  const events::chain_head& head() const { return head_; }
  const events::sandbox_id& id() const { return sandbox_; }
  void go_back_to(const events::chain_head& head) { head_ = head; }

private:
  events::sandbox_id sandbox_;
  events::chain_head head_;
};

/// Passes everything on, but fails writes when told to.
class flaky_store final : public store {
public:
  explicit flaky_store(std::unique_ptr<store> real) : real_(std::move(real)) {}

  /// The next `n` writes fail with `code`; with `after_writing` the store has taken the events all the same, as a lost answer would have it.
  void fail_next(int n, events::errc code = events::errc::io, bool after_writing = false) {
    failures_ = n;
    code_ = code;
    after_writing_ = after_writing;
  }
  void refuse_resume(bool refuse) { refuse_resume_ = refuse; }
  int writes() const { return writes_; }
  store& real() { return *real_; }

  events::outcome<void> write(std::span<const record_batch> batches, position first, durability how) override {
    ++writes_;
    if (failures_ > 0) {
      --failures_;
      if (after_writing_)
        (void)real_->write(batches, first, how);
      return events::failure(code_, "a test wants it so");
    }
    return real_->write(batches, first, how);
  }
  position end() const noexcept override { return real_->end(); }
  events::outcome<void> resume() override {
    if (refuse_resume_)
      return events::failure(events::errc::io, "still broken");
    return real_->resume();
  }
  void idle() override {
    real_->idle();
    ++idles;
    idles.notify_all();
  }
  events::outcome<void> health() const override { return real_->health(); }
  store_figures figures() const override { return real_->figures(); }
  events::outcome<std::optional<events::chain_head>> head(const events::sandbox_id& s) const override {
    ++heads_read;
    return real_->head(s);
  }
  events::outcome<std::vector<events::record>> read(const events::sandbox_id& s, events::seq from,
                                                    read_budget b) const override {
    return real_->read(s, from, b);
  }
  events::outcome<std::optional<std::string>> read_raw(const events::sandbox_id& s, events::seq q) const override {
    return real_->read_raw(s, q);
  }
  events::outcome<std::vector<log_entry>> read_log(position from, read_budget b) const override {
    return real_->read_log(from, b);
  }
  events::outcome<events::seq> seq_at(const events::sandbox_id& s, events::wall_time t) const override {
    return real_->seq_at(s, t);
  }
  events::outcome<events::chain_head> verify(const events::sandbox_id& s,
                                             const std::function<bool(events::seq)>& p) const override {
    return real_->verify(s, p);
  }
  events::outcome<std::optional<std::string>> get(std::string_view key) const override { return real_->get(key); }
  events::outcome<std::vector<row>> scan(std::string_view p, std::string_view a, std::size_t l,
                                         bool r) const override {
    return real_->scan(p, a, l, r);
  }
  events::outcome<void> put(std::span<const row> rows) override { return real_->put(rows); }
  events::outcome<void> put_snapshot(const events::sandbox_id& s, const snapshot& n) override {
    return real_->put_snapshot(s, n);
  }
  events::outcome<std::optional<snapshot>> latest_snapshot(const events::sandbox_id& s,
                                                           events::seq at_most) const override {
    return real_->latest_snapshot(s, at_most);
  }
  events::outcome<std::vector<due_entry>> due_until(events::wall_time u, std::size_t l,
                                                    const std::optional<due_entry>& a) const override {
    return real_->due_until(u, l, a);
  }
  events::outcome<void> drop_due_before(events::wall_time t) override { return real_->drop_due_before(t); }
  events::outcome<void> put_index(std::span<const std::string> k, position folded) override {
    return real_->put_index(k, folded);
  }
  position index_end() const noexcept override { return real_->index_end(); }
  events::outcome<std::vector<std::string>> scan_index(std::string_view f, std::string_view t, std::size_t l,
                                                       bool r) const override {
    return real_->scan_index(f, t, l, r);
  }

  mutable std::atomic<int> heads_read = 0;
  std::atomic<int> idles = 0;

private:
  std::unique_ptr<store> real_;
  int failures_ = 0;
  int writes_ = 0;
  events::errc code_ = events::errc::io;
  bool after_writing_ = false;
  bool refuse_resume_ = false;
};

} // namespace hourglass::storage::testing
