#include "storage/kafka_message.hpp"

#include "events/codec.hpp"
#include "events/json_text.hpp"

namespace hourglass::storage {

using events::errc;
using events::failure;
using events::outcome;

namespace {

std::string padded(events::seq seq) {
  const auto digits = std::to_string(seq);
  return std::string(20 - digits.size(), '0') + digits;
}

} // namespace

outcome<kafka_message> to_kafka_message(const log_entry& entry) {
  auto record = events::decode(entry.bytes);
  if (!record)
    return tl::unexpected{std::move(record.error())};
  auto& header = record->header;
  if (header.sandbox != entry.sandbox || header.seq != entry.seq)
    return failure(errc::corrupt, "the log names another event than its record does", std::to_string(entry.at));
  const auto sandbox = header.sandbox.to_string();
  // The payload ends the record (grammar in events/codec.cpp).
  const auto front = std::string_view{entry.bytes}.substr(0, entry.bytes.size() - record->payload.size());

  kafka_message out;
  out.headers.reserve(12);
  out.headers.emplace_back("content-type", "application/json");
  out.headers.emplace_back("ce_specversion", "1.0");
  out.headers.emplace_back("ce_id", sandbox + '/' + std::to_string(header.seq));
  out.headers.emplace_back("ce_source", "/sandboxes/" + sandbox);
  out.headers.emplace_back("ce_type", "hourglass." + std::string{events::to_string(header.kind)});
  out.headers.emplace_back("ce_time", events::to_rfc3339(header.wall));
  if (!header.entities.empty())
    out.headers.emplace_back("ce_subject", std::move(header.entities.front()));
  out.headers.emplace_back("ce_partitionkey", sandbox);
  out.headers.emplace_back("ce_sequence", padded(header.seq));
  out.headers.emplace_back("ce_hgposition", std::to_string(entry.at));
  out.headers.emplace_back("ce_hgrecord", events::to_base64(front));
  if (record->erased)
    out.headers.emplace_back("ce_hgerased", "true");
  out.key = sandbox;
  out.value = std::move(record->payload);
  return out;
}

outcome<std::string> from_kafka_message(std::string_view hgrecord, std::string_view value) {
  std::string record;
  if (!events::from_base64(hgrecord, record))
    return failure(errc::corrupt, "the header ce_hgrecord is not base64", "ce_hgrecord");
  record += value;
  return record;
}

} // namespace hourglass::storage
