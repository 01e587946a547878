// What the reader of the Kafka topic takes from a stranger's broker: the header ce_hgrecord, and behind the first NUL the value.

#include "events/codec.hpp"
#include "storage/kafka_message.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace hourglass;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const auto cut = input.find('\0');
  const auto hgrecord = input.substr(0, cut);
  const auto value = cut == std::string_view::npos ? std::string_view{} : input.substr(cut + 1);
  const auto stored = storage::from_kafka_message(hgrecord, value);
  if (!stored)
    return 0;
  const auto event = events::decode(*stored);
  if (!event)
    return 0;
  // A record that verifies goes back to a topic as the same bytes, wherever the stranger made the cut.
  const auto message = storage::to_kafka_message({1, event->header.sandbox, event->header.seq, *stored});
  if (!message || message->value != event->payload)
    std::abort();
  const auto again = storage::from_kafka_message(message->headers.back().second, message->value);
  if (!again || *again != *stored)
    std::abort();
  return 0;
}
