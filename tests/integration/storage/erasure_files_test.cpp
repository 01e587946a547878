#include "recovery_fixture.hpp"

#include "events/digest.hpp"
#include "events/erasure.hpp"
#include "events/json_text.hpp"

namespace hourglass::storage::testing {
namespace {

const std::string left = R"({"body":{}})";

/// What the files hold of content that was erased.
class erasure_files : public recovery {
protected:
  /// Text that LZ4 finds nothing to shorten in, so that it is found in a file if it is there.
  static std::string secret(const std::string& name, std::size_t size) {
    std::string out;
    for (int i = 0; out.size() < size; ++i)
      out += events::to_hex(events::as_text(events::sha256({name, std::to_string(i)})));
    return out.substr(0, size);
  }
  void write_secret(const std::string& text) {
    const auto batch =
        ann_.batch({{events::kind::message_created, R"({"body":")" + text + R"("})"}});
    ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::synced));
  }
  void erase(events::seq which) {
    std::string payload;
    events::json_text j{payload};
    j.open_object();
    events::write_erased_items(j, {{which, "msg", events::sha256({left})}});
    j.close_object();
    auto batch = ann_.batch({{events::kind::content_erased, payload}});
    batch.erases.push_back({which, left});
    ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::synced));
  }
  bool stands_in_files(const std::string& text) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder_.path() / "db"}) {
      if (!entry.is_regular_file())
        continue;
      std::ifstream in{entry.path(), std::ios::binary};
      std::stringstream all;
      all << in.rdbuf();
      if (all.str().find(text.substr(0, 48)) != std::string::npos)
        return true;
    }
    return false;
  }
  std::atomic<bool> stop_{false};
};

TEST_F(erasure_files, after_a_scrub_no_file_has_it_any_more) {
  open();
  const auto small = secret("small", 600), large = secret("large", 9'000),
             beside = secret("beside", 9'000), after = secret("after", 700);
  write_secret(small);
  write_secret(large); // in a blob file, with the next one
  write_secret(beside);
  store_.reset();
  open(); // from the log file into tables
  write_secret(after);
  EXPECT_EQ(store_->scrub_owed(), std::nullopt);
  for (events::seq which : {1U, 2U, 4U})
    erase(which);
  EXPECT_TRUE(store_->scrub_owed());
  EXPECT_TRUE(stands_in_files(small) && stands_in_files(large) && stands_in_files(after))
      << "or the test sees nothing";
  const auto scrubbed = store_->scrub(stop_);
  ASSERT_TRUE(scrubbed) << scrubbed.error().detail << " " << scrubbed.error().where;
  EXPECT_EQ(store_->scrub_owed(), std::nullopt);
  store_.reset();
  EXPECT_FALSE(stands_in_files(small)) << "tables";
  EXPECT_FALSE(stands_in_files(large)) << "blob files";
  EXPECT_FALSE(stands_in_files(after)) << "log files";
  open();
  EXPECT_EQ(store_->scrub_owed(), std::nullopt);
  EXPECT_EQ(store_->verify(ann_.id()).value(), ann_.head());
  EXPECT_EQ(store_->read(ann_.id(), 3, {1, 1})->front().payload, R"({"body":")" + beside + R"("})");
}

TEST_F(erasure_files, what_is_owed_is_remembered) {
  open();
  write_secret(secret("one", 600));
  erase(1);
  const auto since = store_->scrub_owed();
  ASSERT_TRUE(since);
  store_.reset();
  open();
  EXPECT_EQ(store_->scrub_owed(), since);
  stop_ = true;
  EXPECT_EQ(store_->scrub(stop_).error().code, events::errc::abandoned);
  EXPECT_EQ(store_->scrub_owed(), since) << "ended early, it is owed still";
}

/// One write: after a kill at any moment the event says so and the content is gone, or neither.
TEST_F(erasure_files, a_crash_leaves_it_erased_and_said_or_neither) {
  open();
  std::vector<std::string> written;
  for (int i = 0; i < 20; ++i) {
    auto batch = ann_.batch(
        {{events::kind::message_created,
          R"({"n":)" + std::to_string(i) + R"(,"body":")" + std::string(700, 'b') + R"("})"}});
    written.push_back(batch.records.front());
    ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::synced));
  }
  erase(1);
  const auto image = crash_image();
  const auto wal = last_wal(image);
  const auto whole = written_bytes(wal);
  store_.reset();
  int erased = 0, untouched = 0;
  for (std::uintmax_t cut = 0; cut < 1'400;
       cut += 37) { // the last write is of some 20 records, 19 of them whole again
    const auto copy = folder_.path() / ("cut" + std::to_string(cut));
    std::filesystem::copy(image, copy, std::filesystem::copy_options::recursive);
    std::filesystem::resize_file(last_wal(copy), whole - cut);
    for (const auto& entry :
         std::filesystem::directory_iterator{copy}) // what would tell that the end is missing
      if (entry.path().filename().string().find("head") != std::string::npos)
        std::filesystem::remove(entry.path());
    auto opened = open_rocks_store(copy);
    ASSERT_TRUE(opened) << opened.error().detail;
    const auto all = (*opened)->read(ann_.id(), 1).value();
    ASSERT_TRUE((*opened)->verify(ann_.id())) << cut;
    ASSERT_GE(all.size(), 20U);
    EXPECT_EQ(all[0].erased, all.size() == 21U) << cut;
    EXPECT_EQ((*opened)->read_raw(ann_.id(), 20).value(), written[19]);
    ++(all[0].erased ? erased : untouched);
    opened->reset();
    std::filesystem::remove_all(copy);
  }
  EXPECT_GT(erased, 0);
  EXPECT_GT(untouched, 0);
}

} // namespace
} // namespace hourglass::storage::testing
