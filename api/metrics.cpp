#include "api/metrics.hpp"

#include "api/core.hpp"
#include "api/tail.hpp"
#include "events/wall_clock.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace hourglass::api {

namespace {

class page {
public:
  void add(std::string name, std::string help, double value, bool counter,
           const std::vector<std::pair<std::string, std::string>>& labels = {}) {
    auto& family = families_[name];
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    prometheus::ClientMetric metric;
    for (auto& [key, text] : labels)
      metric.label.push_back({key, text});
    if (counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
  }
  void histogram(const std::string& name, std::string help, const actors::latency_counts& of) {
    auto& family = families_[name];
    family.name = name;
    family.help = std::move(help);
    family.type = prometheus::MetricType::Histogram;
    auto& metric = family.metric.emplace_back();
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < of.counts.size(); ++i) {
      so_far += of.counts[i];
      metric.histogram.bucket.push_back({so_far, i < of.bounds.size() ? of.bounds[i] : std::numeric_limits<double>::infinity()});
    }
    metric.histogram.sample_count = so_far;
    metric.histogram.sample_sum = of.sum;
  }
  void counter(std::string name, std::string help, std::uint64_t value) {
    add("hourglass_" + std::move(name) + "_total", std::move(help), static_cast<double>(value), true);
  }
  void gauge(std::string name, std::string help, std::uint64_t value) {
    add("hourglass_" + std::move(name), std::move(help), static_cast<double>(value), false);
  }
  std::string text() const {
    std::vector<prometheus::MetricFamily> all;
    for (auto& [name, family] : families_)
      all.push_back(family);
    return prometheus::TextSerializer{}.Serialize(all);
  }

private:
  std::map<std::string, prometheus::MetricFamily> families_;
};

void add_node(page& to, const actors::node_counters& n) {
  to.gauge("sandboxes_live", "Sandboxes in memory", n.live);
  to.counter("sandboxes_degraded", "Times that a sandbox came to refuse work, after repeated crashes or for a log that does not verify", n.degraded);
  to.counter("sandboxes_woken", "Sandboxes brought into memory", n.woken);
  to.counter("sandboxes_passivated", "Sandboxes that left memory", n.passivated);
  to.counter("child_restarts", "Children of sandboxes restarted from the log", n.child_restarts);
  to.counter("mock_requests", "Requests to sandboxes", n.requests);
  to.counter("rejected", "Requests and changes refused for want of room", n.rejected);
  to.counter("webhook_attempts", "Webhook attempts begun", n.attempts);
  to.gauge("webhook_attempts_in_flight", "Webhook attempts under way", n.attempts_in_flight);
}

void add_webhooks(page& to, const actors::webhook_figures& w) {
  to.counter("webhook_messages", "Messages accepted", w.messages);
  to.counter("webhook_delivered", "Deliveries that arrived", w.delivered);
  to.counter("webhook_attempts_failed", "Attempts that failed", w.failed);
  to.counter("webhook_dead", "Deliveries that became dead letters, those that were too old among them", w.dead);
  to.counter("webhook_expired", "Deliveries that were too old for a further attempt", w.expired);
  to.histogram("hourglass_webhook_latency_seconds", "From when a message was due first to its receipt, on its sandbox's clock", w.latency);
  to.gauge("webhook_pending", "Deliveries that wait, in sandboxes that were in memory since the start", w.pending);
  to.add("hourglass_webhook_oldest_seconds", "How long the oldest of them has waited", w.oldest_s, false);
  for (auto state : {"failing", "held", "half_open", "recovering", "probing", "disabled"}) {
    auto found = w.by_state.find(state);
    to.add("hourglass_webhook_destinations", "Destinations that are not well: how their breaker stands", found == w.by_state.end() ? 0 : static_cast<double>(found->second),
           false, {{"state", state}});
  }
  for (const auto& row : w.worst) {
    std::vector<std::pair<std::string, std::string>> labels{{"sandbox", row.sandbox}, {"destination", row.destination}};
    to.add("hourglass_webhook_destination_pending", "Deliveries that wait, of the 20 destinations with most", static_cast<double>(row.pending), false, labels);
    to.add("hourglass_webhook_destination_oldest_seconds", "How long the oldest of them has waited", row.oldest_s, false, labels);
    labels.emplace_back("state", row.state);
    to.add("hourglass_webhook_destination_state", "1, with how it stands", 1, false, labels);
  }
}

void add_storage(page& to, actors::node& node) {
  auto j = node.journal().counters();
  to.counter("journal_batches", "Batches committed", j.batches);
  to.counter("journal_events", "Events committed", j.events);
  to.counter("journal_bytes", "Bytes committed", j.bytes);
  to.counter("journal_syncs", "Syncs to disk", j.syncs);
  to.counter("journal_rejected", "Batches rejected", j.rejected);
  to.counter("journal_unknown", "Batches whose outcome was unknown", j.unknown);
  to.gauge("journal_queued_bytes", "Bytes that wait for the journal", j.queued_bytes);
  to.add("hourglass_journal_last_sync_seconds", "Duration of the last write and sync",
         static_cast<double>(j.last_sync_us) / 1e6, false);
  auto end = node.journal().end();
  auto folded = node.index().folded();
  to.gauge("log_end", "Position after the last event", end);
  to.gauge("index_lag_events", "Events that the index has not folded yet", end > folded ? end - folded : 0);
  const auto owed = node.store().scrub_owed();
  to.gauge("erased_in_files_seconds", "For how long content that was erased has stood in the files; a day and a merge, if all is well (there must be room for it)",
           owed ? static_cast<std::uint64_t>(std::max<std::int64_t>(events::wall_now().us - owed->us, 0)) / 1'000'000 : 0);
  const auto pruned = node.prunes();
  to.counter("pruned_sandboxes", "Deleted sandboxes whose streams were taken out of the store", pruned.sandboxes);
  to.counter("pruned_events", "Events of those", pruned.events);
  to.gauge("prune_deleted_sandboxes", "Deleted sandboxes whose streams stand in the log, as of the last look", pruned.deleted);
  to.gauge("prune_held_sandboxes", "Of those, whose time is over but that wait until Kafka has all of them", pruned.held);
  to.gauge("prune_going_sandboxes", "Sandboxes whose streams are being taken away", pruned.going);
  auto figures = node.store().figures();
  to.gauge("store_disk_bytes", "Bytes on disk, estimated", figures.disk_bytes);
  to.gauge("store_memory_bytes", "Memory of the store, estimated", figures.memory_bytes);
  to.gauge("store_pending_compaction_bytes", "Bytes that wait for compaction", figures.pending_compaction_bytes);
}

void add_server(page& to, const http::server_counters& s) {
  to.counter("http_connections", "Connections accepted", s.accepted);
  to.gauge("http_connections_open", "Connections open", s.open);
  to.counter("http_requests", "Requests read whole", s.requests);
  to.counter("http_refused", "Requests refused for want of admission credit", s.refused_credit);
  to.counter("http_malformed", "Requests that broke the protocol", s.malformed);
  to.counter("http_timeouts", "Requests that came too slowly", s.timeouts);
  to.gauge("http_in_flight_bytes", "Bytes of requests in flight", s.in_flight_bytes);
}

void add_counts(page& to, const std::string& route, const core::counts& of) {
  for (std::size_t i = 1; i < of.by_class.size(); ++i)
    if (auto n = of.by_class[i].load(std::memory_order_relaxed); n != 0)
      to.add("hourglass_answers_total", "Answers by route and class of status", static_cast<double>(n), true,
             {{"route", route}, {"class", std::to_string(i) + "xx"}});
}

} // namespace

std::string metrics_text(core& in) {
  page out;
  out.add("hourglass_info", "What runs here", 1, false, {{"version", in.options.version}});
  add_node(out, in.node.counters());
  add_webhooks(out, in.node.webhooks());
  add_storage(out, in.node);
  if (in.options.server)
    add_server(out, in.options.server());
  for (auto& [r, counts] : in.answered)
    add_counts(out, std::string{r->id}, counts);
  add_counts(out, "mock", in.mock_answered);
  out.counter("unrouted", "Requests to paths or methods that do not exist", in.unrouted.load());
  if (in.options.tails)
    out.gauge("tails", "Live tails open", in.options.tails->subscribers());
  if (in.options.figures)
    for (auto& f : in.options.figures())
      out.add(f.name, f.help, f.value, f.counter, f.labels);
  return out.text();
}

} // namespace hourglass::api
