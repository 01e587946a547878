#pragma once

// Inside storage/ only: what the export and the reader share of librdkafka. Nobody else includes this.

#include "events/outcome.hpp"
#include "storage/kafka_export.hpp"

#include <librdkafka/rdkafka.h>

#include <memory>
#include <span>
#include <string>

namespace hourglass::storage::kafka {

template <auto Release>
struct releaser {
  template <class T>
  void operator()(T* thing) const noexcept {
    Release(thing);
  }
};

using client_handle = std::unique_ptr<rd_kafka_t, releaser<rd_kafka_destroy>>;
using conf_handle = std::unique_ptr<rd_kafka_conf_t, releaser<rd_kafka_conf_destroy>>;
using queue_handle = std::unique_ptr<rd_kafka_queue_t, releaser<rd_kafka_queue_destroy>>;
using event_handle = std::unique_ptr<rd_kafka_event_t, releaser<rd_kafka_event_destroy>>;
using error_handle = std::unique_ptr<rd_kafka_error_t, releaser<rd_kafka_error_destroy>>;
using headers_handle = std::unique_ptr<rd_kafka_headers_t, releaser<rd_kafka_headers_destroy>>;
using new_topic_handle = std::unique_ptr<rd_kafka_NewTopic_t, releaser<rd_kafka_NewTopic_destroy>>;
using message_handle = std::unique_ptr<rd_kafka_message_t, releaser<rd_kafka_message_destroy>>;
using list_handle = std::unique_ptr<rd_kafka_topic_partition_list_t, releaser<rd_kafka_topic_partition_list_destroy>>;
using metadata_handle = std::unique_ptr<const rd_kafka_metadata_t, releaser<rd_kafka_metadata_destroy>>;

struct setting {
  const char* name;
  std::string value;
};

/// The user's settings first, then ours, which win. Nothing is logged: what matters comes through the error callback.
/// Fails with `errc::invalid` naming the setting.
events::outcome<conf_handle> make_conf(const kafka_options& options, std::span<const setting> ours);

/// Takes `conf`. Fails with `errc::invalid`, where librdkafka finds that settings do not fit together.
events::outcome<client_handle> make_client(rd_kafka_type_t type, conf_handle conf);

/// Number of partitions, or -1 when no broker answered in time, 0 when there is no such topic.
int partitions_of(rd_kafka_t* client, const std::string& topic, int timeout_ms);

} // namespace hourglass::storage::kafka
