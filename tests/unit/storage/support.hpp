#pragma once

#include "storage/store.hpp"
#include "tests/support/delegating_store.hpp"

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

/// Fails writes when told to.
class flaky_store final : public delegating_store {
public:
  explicit flaky_store(std::unique_ptr<store> real) : delegating_store(std::move(real)) {}

  /// The next `n` writes fail with `code`; with `after_writing` the store has taken the events all the same, as a lost answer would have it.
  void fail_next(int n, events::errc code = events::errc::io, bool after_writing = false) {
    failures_ = n;
    code_ = code;
    after_writing_ = after_writing;
  }
  void refuse_resume(bool refuse) { refuse_resume_ = refuse; }
  int writes() const { return writes_; }

  events::outcome<void> write(std::span<const record_batch> batches, position first, durability how) override {
    ++writes_;
    if (failures_ > 0) {
      --failures_;
      if (after_writing_)
        (void)real().write(batches, first, how);
      return events::failure(code_, "a test wants it so");
    }
    return real().write(batches, first, how);
  }
  events::outcome<void> resume() override {
    if (refuse_resume_)
      return events::failure(events::errc::io, "still broken");
    return real().resume();
  }
  void idle() override {
    real().idle();
    ++idles;
    idles.notify_all();
  }
  events::outcome<std::optional<events::chain_head>> head(const events::sandbox_id& s) const override {
    ++heads_read;
    return real().head(s);
  }

  mutable std::atomic<int> heads_read = 0;
  std::atomic<int> idles = 0;

private:
  int failures_ = 0;
  int writes_ = 0;
  events::errc code_ = events::errc::io;
  bool after_writing_ = false;
  bool refuse_resume_ = false;
};

} // namespace hourglass::storage::testing
