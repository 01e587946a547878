#pragma once

#include "storage/journal.hpp"
#include "tests/unit/storage/support.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>

#include <gtest/gtest.h>

namespace hourglass::storage::testing {

/// A store on files, images of it as a crash would leave them, and ways to spoil those.
class recovery : public ::testing::Test {
protected:
  void open(const rocks_options& options = {}) {
    auto opened = open_rocks_store(folder_.path() / "db", options);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = std::move(*opened);
  }

  void write(author& who, std::size_t count = 1) {
    const auto batch = who.batch(count);
    ASSERT_TRUE(store_->write({&batch, 1}, store_->end(), durability::synced));
  }

  /// The files as a kill of the process at this moment would leave them.
  std::filesystem::path crash_image() {
    const auto image = folder_.path() / ("image" + std::to_string(++images_));
    for (int left = 20;; --left) // RocksDB removes files that are of no use any more while we copy
      try {
        std::filesystem::copy(folder_.path() / "db", image, std::filesystem::copy_options::recursive);
        return image;
      } catch (const std::filesystem::filesystem_error&) {
        if (left == 0)
          throw;
        std::filesystem::remove_all(image);
      }
  }

  static std::vector<std::filesystem::path> files(const std::filesystem::path& in, std::string_view extension) {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator{in})
      if (entry.path().extension() == extension)
        out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
  }

  static std::filesystem::path last_wal(const std::filesystem::path& in) { return files(in, ".log").back(); }

  /// The bytes of a log that is preallocated end before the file does.
  static std::uintmax_t written_bytes(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    std::stringstream text;
    text << in.rdbuf();
    return text.str().find_last_not_of('\0') + 1;
  }

  static void flip(const std::filesystem::path& file, std::uintmax_t at) {
    std::fstream f{file, std::ios::binary | std::ios::in | std::ios::out};
    f.seekg(static_cast<std::streamoff>(at));
    const auto c = static_cast<char>(f.get() ^ 0x10);
    f.seekp(static_cast<std::streamoff>(at));
    f.put(c);
  }

  /// Works on the database behind the store's back.
  static void tamper(const std::filesystem::path& at, const std::function<void(rocksdb::DB&, const std::vector<rocksdb::ColumnFamilyHandle*>&)>& how) {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, at.string(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
    for (const auto& name : names)
      wanted.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, at.string(), wanted, &handles, &db).ok());
    how(*db, handles);
    for (auto* handle : handles)
      db->DestroyColumnFamilyHandle(handle);
    delete db;
  }

  static rocksdb::ColumnFamilyHandle* named(const std::vector<rocksdb::ColumnFamilyHandle*>& all, std::string_view name) {
    for (auto* handle : all)
      if (handle->GetName() == name)
        return handle;
    return nullptr;
  }

  temporary_folder folder_;
  std::unique_ptr<store> store_;
  author ann_{sandbox(1)};
  author bob_{sandbox(2)};
  int images_ = 0;
};

} // namespace hourglass::storage::testing
