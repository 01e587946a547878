#include "storage/kafka_reader.hpp"

#include "events/erasure.hpp"
#include "storage/kafka_client.hpp"
#include "storage/kafka_message.hpp"

#include <algorithm>
#include <vector>

namespace hourglass::storage {

using events::errc;
using events::failure;
using events::outcome;
using std::chrono::steady_clock;

namespace {

constexpr int poll_ms = 200;

std::string_view header_of(const rd_kafka_message_t* message, const char* name) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return {};
  return {static_cast<const char*>(value), size};
}

/// Folds messages into chains.
class folder {
public:
  using callback = std::function<void(const events::record&, std::string_view)>;

  explicit folder(const callback& each) : each_(each) {}

  outcome<void> take(const rd_kafka_message_t* message) {
    ++contents_.messages;
    const std::string_view value{static_cast<const char*>(message->payload), message->len};
    const auto stored = from_kafka_message(header_of(message, "ce_hgrecord"), value);
    if (!stored)
      return tl::unexpected{stored.error()};
    const auto event = events::decode(*stored);
    if (!event)
      return tl::unexpected{event.error()};
    auto& chain = chains_[event->header.sandbox];
    if (event->header.seq <= chain.head.seq)
      return repeated(chain, *event);
    if (auto continued = events::follow(chain.head, *event).and_then([&] { return chain.erasures.see(*event); }); !continued)
      return tl::unexpected{std::move(continued.error())};
    chain.links.push_back(event->link);
    ++contents_.events;
    if (each_)
      each_(*event, *stored);
    return {};
  }

  outcome<topic_contents> finish() {
    for (const auto& [sandbox, chain] : chains_) {
      if (auto explained = chain.erasures.finish(); !explained)
        return tl::unexpected{std::move(explained.error())};
      contents_.heads.emplace(sandbox, chain.head);
    }
    return std::move(contents_);
  }

private:
  struct chain_so_far {
    events::chain_head head;
    events::erasure_check erasures;
    std::vector<events::hash> links; ///< of every event, to know a copy from a different event under the same id
  };

  outcome<void> repeated(const chain_so_far& chain, const events::record& event) {
    if (chain.links[event.header.seq - 1] != event.link)
      return failure(errc::corrupt, "two different events have the same id",
                     event.header.sandbox.to_string() + '/' + std::to_string(event.header.seq));
    ++contents_.duplicates;
    return {};
  }

  const callback& each_;
  std::map<events::sandbox_id, chain_so_far> chains_;
  topic_contents contents_;
};

/// Where each partition ends now; a partition is dropped when the reading has reached that.
using ends = std::vector<std::int64_t>;

outcome<ends> find_ends(rd_kafka_t* client, const std::string& topic, int partitions, rd_kafka_topic_partition_list_t* list) {
  ends out(static_cast<std::size_t>(partitions), 0);
  for (int partition = 0; partition < partitions; ++partition) {
    std::int64_t low = 0;
    auto& high = out[static_cast<std::size_t>(partition)];
    if (const auto code = rd_kafka_query_watermark_offsets(client, topic.c_str(), partition, &low, &high, 10'000);
        code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return failure(errc::io, rd_kafka_err2str(code), topic);
    if (low >= high)
      high = 0;
    else
      rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = low;
  }
  return out;
}

outcome<void> read_all(rd_kafka_t* client, ends waiting, folder& into, steady_clock::time_point deadline) {
  auto left = std::count_if(waiting.begin(), waiting.end(), [](std::int64_t end) { return end > 0; });
  while (left > 0) {
    if (steady_clock::now() >= deadline)
      return failure(errc::timeout, "the end of the topic was not reached in time");
    const kafka::message_handle message{rd_kafka_consumer_poll(client, poll_ms)};
    if (!message)
      continue;
    auto& end = waiting[static_cast<std::size_t>(message->partition)];
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // Control records at the end of a partition have offsets, but no message.
      if (end > 0 && message->offset >= end) {
        end = 0;
        --left;
      }
      continue;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (message->err == RD_KAFKA_RESP_ERR__TRANSPORT || message->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        continue; // the library comes back; the deadline ends it
      return failure(errc::io, rd_kafka_message_errstr(message.get()));
    }
    if (end == 0)
      continue; // came after the reading began
    if (message->offset < end)
      if (auto taken = into.take(message.get()); !taken)
        return taken;
    if (message->offset + 1 >= end) {
      end = 0;
      --left;
    }
  }
  return {};
}

} // namespace

outcome<topic_contents> read_topic(const kafka_options& options,
                                   const std::function<void(const events::record&, std::string_view)>& each,
                                   steady_clock::time_point deadline) {
  const kafka::setting ours[] = {
      {"group.id", "hourglass-reader"}, // asked for by the library; no group is joined
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"}, // never skip what a retention rule removed in the meantime
      {"isolation.level", "read_committed"},
      {"enable.partition.eof", "true"},
      {"check.crcs", "true"},
      {"allow.auto.create.topics", "false"},
  };
  auto conf = kafka::make_conf(options, ours);
  if (!conf)
    return tl::unexpected{std::move(conf.error())};
  auto client = kafka::make_client(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!client)
    return tl::unexpected{std::move(client.error())};
  rd_kafka_poll_set_consumer(client->get());
  int partitions = -1;
  while (partitions < 0) {
    if (steady_clock::now() >= deadline)
      return failure(errc::timeout, "no broker answered", options.bootstrap);
    partitions = kafka::partitions_of(client->get(), options.topic, 1'000);
  }
  if (partitions == 0)
    return failure(errc::not_found, "there is no such topic", options.topic);

  const kafka::list_handle list{rd_kafka_topic_partition_list_new(partitions)};
  const auto until = find_ends(client->get(), options.topic, partitions, list.get());
  if (!until)
    return tl::unexpected{until.error()};
  if (const auto code = rd_kafka_assign(client->get(), list.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failure(errc::io, rd_kafka_err2str(code), options.topic);
  folder into{each};
  auto read = read_all(client->get(), *until, into, deadline);
  rd_kafka_consumer_close(client->get());
  if (!read)
    return tl::unexpected{std::move(read.error())};
  return into.finish();
}

} // namespace hourglass::storage
