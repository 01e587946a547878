#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

/// A disk that is full, or whose log cannot be synced, while a test wants it so.
namespace hourglass::storage::testing {

struct disk_faults {
  std::atomic<bool> full{false};            ///< every append fails, nothing arrives
  std::atomic<bool> full_for_tables{false}; ///< only what is flushed finds no room; the log does
  std::atomic<std::uint64_t> room{std::uint64_t{1} << 40}; ///< what the disk says is free
  std::atomic<bool> log_sync_fails{false}; ///< the log takes the bytes, but cannot say that they are safe
};

class failing_file final : public rocksdb::FSWritableFileOwnerWrapper {
public:
  failing_file(std::unique_ptr<rocksdb::FSWritableFile> real, const disk_faults& faults, const std::string& name)
      : FSWritableFileOwnerWrapper(std::move(real)), faults_(faults), is_log_(name.ends_with(".log")),
        is_table_(name.ends_with(".sst") || name.ends_with(".blob")) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& o, rocksdb::IODebugContext* d) override {
    return is_full() ? rocksdb::IOStatus::NoSpace("no space left on the test's disk") : FSWritableFileOwnerWrapper::Append(data, o, d);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& o, const rocksdb::DataVerificationInfo& v,
                           rocksdb::IODebugContext* d) override {
    return is_full() ? rocksdb::IOStatus::NoSpace("no space left on the test's disk")
                     : FSWritableFileOwnerWrapper::Append(data, o, v, d);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& o, rocksdb::IODebugContext* d) override {
    return is_log_ && faults_.log_sync_fails ? rocksdb::IOStatus::NoSpace("the test's disk cannot sync")
                                             : FSWritableFileOwnerWrapper::Sync(o, d);
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& o, rocksdb::IODebugContext* d) override { return Sync(o, d); }

private:
  bool is_full() const { return faults_.full || (faults_.full_for_tables && is_table_); }

  const disk_faults& faults_;
  bool is_log_;
  bool is_table_;
};

class failing_disk final : public rocksdb::FileSystemWrapper {
public:
  explicit failing_disk(const disk_faults& faults) : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}

  const char* Name() const override { return "failing_disk"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& o,
                                    std::unique_ptr<rocksdb::FSWritableFile>* out, rocksdb::IODebugContext* d) override {
    std::unique_ptr<rocksdb::FSWritableFile> real;
    auto status = FileSystemWrapper::NewWritableFile(name, o, &real, d);
    if (status.ok())
      *out = std::make_unique<failing_file>(std::move(real), faults_, name);
    return status;
  }

  rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&, std::uint64_t* room, rocksdb::IODebugContext*) override {
    *room = faults_.room;
    return rocksdb::IOStatus::OK();
  }

private:
  const disk_faults& faults_;
};

} // namespace hourglass::storage::testing
