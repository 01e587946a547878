// How far the export has come, and whether the topic is still the one that this was said of.
#include "storage/kafka_session.hpp"

#include <algorithm>
#include <charconv>

namespace hourglass::storage::kafka {

using events::errc;
using events::failure;
using events::outcome;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr auto cursor_interval = 200ms; // a crash sends at most this much twice

/// `POSITION PARTITIONS [EMPTY]`; nothing if it is anything else.
struct cursor {
  position at = 0;
  int partitions = 0;
  std::uint64_t empty_places = 0; ///< before it, that had been pruned when it came to them: the topic never had their events
};

std::string text_of(const cursor& c) {
  auto out = std::to_string(c.at) + ' ' + std::to_string(c.partitions);
  return c.empty_places == 0 ? out : out + ' ' + std::to_string(c.empty_places);
}

std::optional<cursor> parse_cursor(std::string_view text) {
  cursor out;
  const auto* const end = text.data() + text.size();
  auto got = std::from_chars(text.data(), end, out.at);
  if (got.ec != std::errc{} || got.ptr == end || *got.ptr != ' ')
    return std::nullopt;
  got = std::from_chars(got.ptr + 1, end, out.partitions);
  if (got.ec == std::errc{} && got.ptr != end && *got.ptr == ' ')
    got = std::from_chars(got.ptr + 1, end, out.empty_places);
  if (got.ec != std::errc{} || got.ptr != end || out.at == 0 || out.empty_places >= out.at)
    return std::nullopt;
  return out;
}

} // namespace

outcome<void> session::find_cursor(topic_answer answer) {
  struct text_releaser {
    rd_kafka_t* client;
    void operator()(char* text) const noexcept { rd_kafka_mem_free(client, text); }
  };
  const std::unique_ptr<char, text_releaser> cluster{rd_kafka_clusterid(client_.get(), metadata_timeout_ms),
                                                     {client_.get()}};
  if (!cluster)
    return failure(errc::unavailable, "the cluster does not tell its id");
  cursor_key_ = std::string{"cursor/kafka/"} + cluster.get() + '/' + options_.topic;

  position at = 1;
  std::uint64_t empty_places = 0;
  if (answer == topic_answer::was_there) {
    const auto row = store_.get(cursor_key_);
    if (!row)
      return tl::unexpected{row.error()};
    if (*row) {
      const auto found = parse_cursor(**row);
      if (!found)
        return failure(errc::corrupt, "the cursor of the export does not parse", cursor_key_);
      if (found->at > store_.end())
        return failure(errc::conflict, "the export is ahead of the log, which ends at " + std::to_string(store_.end()) +
                                           ": this data folder is older than the topic", std::to_string(found->at));
      const auto held = messages_ever();
      if (!held)
        return tl::unexpected{held.error()};
      if (*held < found->at - 1 - found->empty_places)
        return begin_anew(); // another topic of the same name: deleted and made again, by us or behind our back
      if (found->partitions != partitions_)
        return failure(errc::conflict,
                       "the topic has " + std::to_string(partitions_) + " partitions and had " +
                           std::to_string(found->partitions) +
                           " when the export began; sandboxes would change their partition and lose their order",
                       options_.topic);
      at = found->at;
      empty_places = found->empty_places;
    }
  }
  if (answer == topic_answer::created)
    return begin_anew(); // an old cursor of a topic that was deleted must go
  window_ = delivery_window{at, empty_places};
  saved_ = at;
  board_.window(at, 0);
  return {};
}

/// From the first event on. The cursor is moved back before anything is sent: left where it was, it could be believed after a crash.
outcome<void> session::begin_anew() {
  window_ = delivery_window{1};
  saved_ = 0;
  board_.window(1, 0);
  const row cursor_row{cursor_key_, text_of({1, partitions_})};
  if (const auto put = store_.put({&cursor_row, 1}); !put)
    return put;
  saved_ = 1;
  return {};
}

/// How many messages the topic has ever taken; retention does not lower it. Every event before the cursor is one of them at least, but for those
/// that had been pruned when it came to them.
outcome<std::uint64_t> session::messages_ever() const {
  std::uint64_t sum = 0;
  for (int partition = 0; partition < partitions_; ++partition) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    const auto code =
        rd_kafka_query_watermark_offsets(client_.get(), options_.topic.c_str(), partition, &low, &high, metadata_timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return tl::unexpected{kafka_error(code, "the topic does not say how much it holds")};
    sum += static_cast<std::uint64_t>(std::max<std::int64_t>(high, 0));
  }
  return sum;
}

void session::save_cursor(bool now) {
  if (window_.confirmed() == saved_ || cursor_key_.empty())
    return;
  if (!now && steady_clock::now() - saved_at_ < cursor_interval)
    return;
  saved_at_ = steady_clock::now();
  const row cursor_row{cursor_key_, text_of({window_.confirmed(), partitions_, window_.empty_places()})};
  // When the store refuses, the cursor stays behind, which only means duplicates; it is tried again.
  if (const auto put = store_.put({&cursor_row, 1}); !put)
    board_.trouble(put.error());
  else
    saved_ = window_.confirmed();
}

} // namespace hourglass::storage::kafka
