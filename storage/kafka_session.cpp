#include "storage/kafka_session.hpp"

#include "events/limits.hpp"
#include "storage/kafka_message.hpp"

#include <algorithm>
#include <array>

namespace hourglass::storage::kafka {

using events::errc;
using events::error;
using events::failure;
using events::outcome;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr auto idle_interval = 1s;
constexpr int slice_ms = 100; // longest wait that a stop has to sit out
constexpr int topic_timeout_ms = 5'000;
// base64 of the header, the names of the headers, and the largest record with room
constexpr std::size_t message_bytes = limits::record_bytes + limits::record_bytes / 2;

} // namespace

error kafka_error(rd_kafka_resp_err_t code, std::string_view what) {
  return {errc::unavailable, std::string{what} + ": " + rd_kafka_err2str(code), rd_kafka_err2name(code)};
}

session::session(store& of, const kafka_options& options, board& shared)
    : store_(of), options_(options), board_(shared) {
  // nop
}

outcome<client_handle> session::make_producer(const kafka_options& options, session* owner) {
  const setting ours[] = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      // A batch that fails for good must not let later ones pass: see the class.
      {"enable.gapless.guarantee", "true"},
      // Never given up: while a broker is away its events wait here, as many as fit the window, and the rest in the log.
      {"message.timeout.ms", "0"},
      // By key, and as Kafka's own clients do it, so that a producer or consumer in Java finds the same partition.
      {"partitioner", "murmur2_random"},
      {"linger.ms", std::to_string(options.linger.count())},
      {"compression.codec", "lz4"},
      {"message.max.bytes", std::to_string(message_bytes)},
      // Above the window's limits, so that the window is what holds back.
      {"queue.buffering.max.messages", std::to_string(options.in_flight_records + 1'000)},
      {"queue.buffering.max.kbytes", std::to_string(options.in_flight_bytes / 1'024 + 2 * message_bytes / 1'024)},
      {"socket.nagle.disable", "true"},
      {"reconnect.backoff.max.ms", "2000"},
  };
  auto conf = make_conf(options, ours);
  if (!conf)
    return tl::unexpected{std::move(conf.error())};
  rd_kafka_conf_set_opaque(conf->get(), owner);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    if (opaque != nullptr)
      static_cast<session*>(opaque)->on_delivery(*message);
  });
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t*, int code, const char* reason, void* opaque) {
    if (opaque != nullptr)
      static_cast<session*>(opaque)->on_error(static_cast<rd_kafka_resp_err_t>(code), reason);
  });
  return make_client(RD_KAFKA_PRODUCER, std::move(*conf));
}

outcome<void> session::run() {
  auto done = connect();
  if (done && !board_.stopping())
    done = stream();
  if (client_)
    finish();
  return done;
}

// -- connecting -----------------------------------------------------------------

outcome<void> session::connect() {
  auto client = make_producer(options_, this);
  if (!client)
    return tl::unexpected{std::move(client.error())};
  client_ = std::move(*client);
  while (!board_.stopping()) {
    const auto answer = ask_for_topic();
    if (!answer)
      return tl::unexpected{answer.error()};
    if (ended_by_)
      return tl::unexpected{*ended_by_};
    if (*answer == topic_answer::no_broker)
      continue;
    return find_cursor(*answer);
  }
  return {};
}

/// Creating is also asking: a topic that is there says so. Clusters that let us not create are asked for what they have.
outcome<session::topic_answer> session::ask_for_topic() {
  if (!options_.create_topic)
    return look_for_topic({errc::not_found, "there is no such topic, and it is not to be created", options_.topic});
  std::array<char, 256> why{};
  const new_topic_handle topic{rd_kafka_NewTopic_new(options_.topic.c_str(), options_.partitions,
                                                     options_.replication, why.data(), why.size())};
  if (!topic)
    return failure(errc::invalid, why.data(), "topic");
  // Kafka's own retention would make gaps, and its default size is smaller than our largest record.
  const auto size = std::to_string(message_bytes);
  rd_kafka_NewTopic_set_config(topic.get(), "max.message.bytes", size.c_str());
  rd_kafka_NewTopic_set_config(topic.get(), "retention.ms", "-1");
  rd_kafka_NewTopic_set_config(topic.get(), "retention.bytes", "-1");
  rd_kafka_NewTopic_set_config(topic.get(), "cleanup.policy", "delete");

  using options_handle = std::unique_ptr<rd_kafka_AdminOptions_t, releaser<rd_kafka_AdminOptions_destroy>>;
  const options_handle how{rd_kafka_AdminOptions_new(client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS)};
  rd_kafka_AdminOptions_set_request_timeout(how.get(), topic_timeout_ms, why.data(), why.size());
  rd_kafka_AdminOptions_set_operation_timeout(how.get(), topic_timeout_ms, why.data(), why.size());
  const queue_handle queue{rd_kafka_queue_new(client_.get())};
  auto* wanted = topic.get();
  rd_kafka_CreateTopics(client_.get(), &wanted, 1, how.get(), queue.get());

  event_handle event;
  while (!event && !board_.stopping()) {
    event.reset(rd_kafka_queue_poll(queue.get(), slice_ms));
    rd_kafka_poll(client_.get(), 0); // errors of connecting
  }
  if (!event)
    return topic_answer::no_broker;
  auto code = rd_kafka_event_error(event.get());
  std::string reason = code != RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_event_error_string(event.get()) : "";
  if (const auto* result = rd_kafka_event_CreateTopics_result(event.get());
      result != nullptr && code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    std::size_t count = 0;
    const auto* const* topics = rd_kafka_CreateTopics_result_topics(result, &count);
    if (count == 1) {
      code = rd_kafka_topic_result_error(topics[0]);
      if (const auto* text = rd_kafka_topic_result_error_string(topics[0]); text != nullptr)
        reason = text;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      partitions_ = options_.partitions;
      return topic_answer::created;
    }
  }
  auto found = look_for_topic(kafka_error(code, "the topic cannot be created (" + reason + ")"));
  if (!found && (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS))
    return topic_answer::no_broker; // or one that has not told itself yet
  return found;
}

outcome<session::topic_answer> session::look_for_topic(error if_absent) {
  partitions_ = partitions_of(client_.get(), options_.topic, metadata_timeout_ms);
  rd_kafka_poll(client_.get(), 0); // errors of connecting
  if (partitions_ < 0)
    return topic_answer::no_broker;
  if (partitions_ == 0)
    return tl::unexpected{std::move(if_absent)};
  return topic_answer::was_there;
}

// -- streaming ------------------------------------------------------------------

outcome<void> session::stream() {
  board_.state(kafka_state::streaming);
  while (!board_.stopping()) {
    const auto sent = send_more();
    if (!sent)
      return tl::unexpected{sent.error()};
    if (window_.empty()) {
      save_cursor(true);
      idle();
      rd_kafka_poll(client_.get(), 0);
    } else {
      // Returns as soon as a delivery report was served; a new event waits at most this long while others are on their way.
      rd_kafka_poll(client_.get(), *sent ? 0 : away_ ? slice_ms : 5);
    }
    if (ended_by_)
      return tl::unexpected{*ended_by_};
    save_cursor(false);
  }
  return {};
}

/// Hands over what there is room for. True if there was anything.
outcome<bool> session::send_more() {
  if (window_.size() >= options_.in_flight_records || window_.bytes() >= options_.in_flight_bytes ||
      window_.next() >= store_.end())
    return false;
  const read_budget room{std::min<std::size_t>(options_.in_flight_records - window_.size(), 1'000),
                         std::min<std::size_t>(options_.in_flight_bytes - window_.bytes(), 4'194'304)};
  const auto entries = store_.read_log(window_.next(), room);
  if (!entries)
    return tl::unexpected{entries.error()};
  bool any = false;
  for (const auto& entry : *entries) {
    if (entry.at != window_.next())
      return failure(errc::corrupt, "the log has no event at " + std::to_string(window_.next()), std::to_string(entry.at));
    if (entry.pruned()) {
      window_.passed();
      any = true;
      continue;
    }
    const auto sent = send(entry);
    if (!sent)
      return tl::unexpected{sent.error()};
    if (!*sent)
      break; // the producer's queue is full: read again when there is room
    any = true;
  }
  board_.window(window_.confirmed(), window_.size());
  return any;
}

outcome<bool> session::send(const log_entry& entry) {
  auto message = to_kafka_message(entry);
  if (!message)
    return tl::unexpected{error{message.error().code,
                                "event at position " + std::to_string(entry.at) + " is not exported: " + message.error().detail,
                                message.error().where}};
  headers_handle headers{rd_kafka_headers_new(message->headers.size())};
  for (const auto& [name, value] : message->headers)
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  std::array<rd_kafka_vu_t, 6> parts{};
  parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  parts[0].u.cstr = options_.topic.c_str();
  parts[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[1].u.i = RD_KAFKA_MSG_F_COPY;
  parts[2].vtype = RD_KAFKA_VTYPE_KEY;
  parts[2].u.mem = {message->key.data(), message->key.size()};
  parts[3].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[3].u.mem = {message->value.data(), message->value.size()};
  parts[4].vtype = RD_KAFKA_VTYPE_HEADERS;
  parts[4].u.headers = headers.get();
  parts[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[5].u.ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(entry.at));
  const error_handle refused{rd_kafka_produceva(client_.get(), parts.data(), parts.size())};
  if (refused) {
    const auto code = rd_kafka_error_code(refused.get());
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return false;
    return tl::unexpected{ended_by_.value_or(
        kafka_error(code, "event at position " + std::to_string(entry.at) + " is not taken"))};
  }
  static_cast<void>(headers.release()); // the message's now
  window_.sent(entry.bytes.size());
  return true;
}

/// Nothing to do: waits for an event. After a broker went away, asks for it, so that the state tells the truth while nothing is sent.
void session::idle() {
  if (window_.next() < store_.end())
    return;
  board_.sleep(idle_interval);
  if (!away_ || board_.stopping() || window_.next() < store_.end())
    return;
  if (partitions_of(client_.get(), options_.topic, metadata_timeout_ms) > 0) {
    away_ = false;
    board_.state(kafka_state::streaming);
  }
}

void session::finish() {
  // What is on its way gets a moment to be confirmed, unless nobody is there to do so.
  const auto until = steady_clock::now() + options_.stop_grace;
  while (!ended_by_ && !away_ && !window_.empty() && steady_clock::now() < until)
    rd_kafka_poll(client_.get(), slice_ms);
  if (!ended_by_)
    ended_by_ = error{errc::unavailable, "the export ends", {}}; // what is purged is no failure
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_poll(client_.get(), 0);
  save_cursor(true);
  client_.reset();
  board_.window(window_.confirmed(), 0);
}

// -- callbacks --------------------------------------------------------------------

void session::on_delivery(const rd_kafka_message_t& message) {
  const auto at = static_cast<position>(reinterpret_cast<std::uintptr_t>(message._private));
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (!ended_by_)
      ended_by_ = kafka_error(message.err, "event at position " + std::to_string(at) + " was not delivered");
    return;
  }
  delivered_ = true;
  board_.delivered();
  if (away_) {
    away_ = false;
    board_.state(kafka_state::streaming);
  }
  if (window_.confirm(at))
    board_.window(window_.confirmed(), window_.size());
}

void session::on_error(rd_kafka_resp_err_t code, const char* reason) {
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> why{};
    code = rd_kafka_fatal_error(client_.get(), why.data(), why.size());
    ended_by_ = kafka_error(code, why.data());
    return;
  }
  board_.trouble({errc::unavailable, reason, rd_kafka_err2name(code)});
  // A lost connection alone may be one of several, or an idle one that the broker closed.
  const bool connected = !cursor_key_.empty();
  if (connected && (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !window_.empty())) {
    away_ = true;
    board_.state(kafka_state::retrying);
  }
}

} // namespace hourglass::storage::kafka
