#include "storage/kafka_client.hpp"

#include <algorithm>
#include <array>

namespace hourglass::storage::kafka {

using events::errc;
using events::failure;
using events::outcome;

namespace {

void log_nothing(const rd_kafka_t*, int, const char*, const char*) {}

events::outcome<void> set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf, name, value, why.data(), why.size()) != RD_KAFKA_CONF_OK)
    return failure(errc::invalid, why.data(), name);
  return {};
}

} // namespace

outcome<conf_handle> make_conf(const kafka_options& options, std::span<const setting> ours) {
  conf_handle conf{rd_kafka_conf_new()};
  for (const auto& [name, value] : options.settings) {
    if (std::any_of(ours.begin(), ours.end(), [&key = name](const setting& s) { return key == s.name; }))
      return failure(errc::invalid, "is fixed: the export's promises rest on it", name);
    if (auto done = set(conf.get(), name.c_str(), value.c_str()); !done)
      return tl::unexpected{std::move(done.error())};
  }
  for (const auto& [name, value] : ours)
    if (auto done = set(conf.get(), name, value.c_str()); !done)
      return tl::unexpected{std::move(done.error())};
  if (auto done = set(conf.get(), "bootstrap.servers", options.bootstrap.c_str()); !done)
    return tl::unexpected{std::move(done.error())};
  rd_kafka_conf_set_log_cb(conf.get(), log_nothing);
  return conf;
}

outcome<client_handle> make_client(rd_kafka_type_t type, conf_handle conf) {
  std::array<char, 512> why{};
  client_handle client{rd_kafka_new(type, conf.get(), why.data(), why.size())};
  if (!client)
    return failure(errc::invalid, why.data(), "kafka");
  static_cast<void>(conf.release()); // the client's now
  return client;
}

int partitions_of(rd_kafka_t* client, const std::string& topic, int timeout_ms) {
  struct topic_releaser {
    void operator()(rd_kafka_topic_t* t) const noexcept { rd_kafka_topic_destroy(t); }
  };
  const std::unique_ptr<rd_kafka_topic_t, topic_releaser> handle{
      rd_kafka_topic_new(client, topic.c_str(), nullptr)};
  const rd_kafka_metadata_t* raw = nullptr;
  if (!handle || rd_kafka_metadata(client, 0, handle.get(), &raw, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return -1;
  const metadata_handle metadata{raw};
  for (int i = 0; i < metadata->topic_cnt; ++i)
    if (metadata->topics[i].topic == topic)
      return metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata->topics[i].partition_cnt : 0;
  return 0;
}

} // namespace hourglass::storage::kafka
