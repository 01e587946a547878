#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>

#include <gtest/gtest.h>

namespace hourglass::testing {

/// Every key and value of every family of a closed database, those that a later version adds too.
inline void each_key(const std::filesystem::path& of,
                     const std::function<void(const std::string& family, std::string_view key,
                                              std::string_view value)>& see) {
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, of.string(), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
  for (const auto& name : names)
    wanted.emplace_back(name, rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::OpenForReadOnly({}, of.string(), wanted, &handles, &db).ok());
  for (auto* handle : handles) {
    const std::unique_ptr<rocksdb::Iterator> it{db->NewIterator({}, handle)};
    for (it->SeekToFirst(); it->Valid(); it->Next())
      see(handle->GetName(), {it->key().data(), it->key().size()},
          {it->value().data(), it->value().size()});
    EXPECT_TRUE(it->status().ok());
  }
  for (auto* handle : handles)
    db->DestroyColumnFamilyHandle(handle);
  delete db;
}

/// How often any of `names` stands in a key or value, by family and the two letters that keys begin
/// with. Those for which `but` holds do not count.
inline std::map<std::string, int>
where_they_stand(const std::filesystem::path& of, const std::vector<std::string>& names,
                 const std::function<bool(std::string_view key)>& but = {}) {
  std::map<std::string, int> out;
  each_key(of, [&](const std::string& family, std::string_view key, std::string_view value) {
    for (const auto& name : names)
      if ((key.find(name) != std::string_view::npos ||
           value.find(name) != std::string_view::npos) &&
          !(but && but(key))) {
        ++out[family + " " + std::string{key.substr(0, family == "state" ? 4 : 2)}];
        return;
      }
  });
  return out;
}

} // namespace hourglass::testing
