#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "storage/records.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::storage {

/// One event as it travels through Kafka: CloudEvents 1.0, binary content mode. Knows no Kafka.
///
///   key             the sandbox id; so one sandbox keeps one partition and its order
///   value           the payload, JSON, as stored
///   content-type    application/json
///   ce_specversion  1.0
///   ce_id           SANDBOX/SEQ, the same in every copy: a reader drops what it has seen
///   ce_source       /sandboxes/SANDBOX
///   ce_type         hourglass.KIND (`hourglass.message.created`)
///   ce_time         wall time, RFC 3339
///   ce_subject      the first entity, if the event has one
///   ce_partitionkey the sandbox id (CloudEvents' partitioning extension)
///   ce_sequence     seq with 20 digits, so that it sorts as text (CloudEvents' sequence extension)
///   ce_hgposition   place in the log of the node that exported it
///   ce_hgrecord     base64 of the stored record up to its payload: with the value behind it, the record is back byte for byte, and its chain
///                   can be verified
///   ce_hgerased     `true` when content was erased before the export: the value is what is left. What was exported before stays as it was; the event
///                   `hourglass.content.erased` names it
struct kafka_message {
  std::string key;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Verifies the record on the way: a broken one is never exported. Fails with `errc::corrupt` or `errc::newer_format`.
events::outcome<kafka_message> to_kafka_message(const log_entry& entry);

/// The stored bytes of the record; `hgrecord` is the header of that name. Fails with `errc::corrupt` when it is not base64.
events::outcome<std::string> from_kafka_message(std::string_view hgrecord, std::string_view value);

} // namespace hourglass::storage
