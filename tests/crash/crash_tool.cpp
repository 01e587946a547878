// crash_tool topic HOST:PORT TOPIC    one line an event, "SANDBOX SEQ LINK", as the topic has them; fails unless every chain in it verifies
// crash_tool format FOLDER NUMBER     writes the format of a closed data folder
#include "storage/kafka_reader.hpp"
#include "storage/keys.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>

namespace {

using namespace hourglass;

int fail(const std::string& why) {
  std::fprintf(stderr, "crash_tool: %s\n", why.c_str());
  return 1;
}

std::string hex(const events::hash& bytes) {
  std::string out;
  for (auto byte : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

int topic(const std::string& bootstrap, const std::string& name) {
  storage::kafka_options options;
  options.bootstrap = bootstrap;
  options.topic = name;
  const auto read = storage::read_topic(
      options,
      [](const events::record& event, std::string_view) {
        std::printf("%s %llu %s\n", event.header.sandbox.to_string().c_str(), static_cast<unsigned long long>(event.header.seq),
                    hex(event.link).c_str());
      },
      std::chrono::steady_clock::now() + std::chrono::minutes{5});
  if (!read)
    return fail(read.error().detail + " (" + read.error().where + ")");
  std::fprintf(stderr, "%llu messages, %llu events, %llu copies\n", static_cast<unsigned long long>(read->messages),
               static_cast<unsigned long long>(read->events), static_cast<unsigned long long>(read->duplicates));
  return 0;
}

int format(const std::string& folder, std::string_view number) {
  std::uint32_t wanted = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), wanted).ec != std::errc{})
    return fail("the format must be a number");
  rocksdb::DBOptions options;
  std::vector<std::string> names;
  if (const auto listed = rocksdb::DB::ListColumnFamilies(options, folder, &names); !listed.ok())
    return fail(listed.ToString());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names)
    families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  if (const auto opened = rocksdb::DB::Open(options, folder, families, &handles, &raw); !opened.ok())
    return fail(opened.ToString());
  const std::unique_ptr<rocksdb::DB> db{raw};
  int code = fail("the folder has no family meta");
  for (auto* handle : handles) {
    if (handle->GetName() == "meta") {
      std::string value;
      storage::keys::add_number(value, wanted);
      rocksdb::WriteOptions synced;
      synced.sync = true;
      const auto put = db->Put(synced, handle, rocksdb::Slice{storage::keys::meta_format.data(), storage::keys::meta_format.size()}, value);
      code = put.ok() ? 0 : fail(put.ToString());
    }
    db->DestroyColumnFamilyHandle(handle);
  }
  return code;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words{argv + 1, argv + argc};
  if (words.size() == 3 && words[0] == "topic")
    return topic(words[1], words[2]);
  if (words.size() == 3 && words[0] == "format")
    return format(words[1], words[2]);
  return fail("topic HOST:PORT TOPIC | format FOLDER NUMBER");
}
