#pragma once

#include "events/outcome.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hourglass::webhook {

/// What filters see of a message. Its document is built once, and only when a filter asks: a payload that nobody filters by is not parsed.
///
/// document := {"eventType", "eventId", "channels": […], "tags": […], "payload": …}
class filtered_message {
public:
  /// Refers to what is given; the payload is JSON text.
  filtered_message(std::string_view event_type, std::string_view event_id, const std::vector<std::string>& channels,
                   const std::vector<std::string>& tags, std::string_view payload);
  ~filtered_message();
  filtered_message(const filtered_message&) = delete;
  filtered_message& operator=(const filtered_message&) = delete;

  std::string_view event_type() const noexcept { return event_type_; }
  const std::vector<std::string>& channels() const noexcept { return channels_; }
  const nlohmann::json& document() const;

private:
  std::string_view event_type_, event_id_, payload_;
  const std::vector<std::string>& channels_;
  const std::vector<std::string>& tags_;
  mutable std::unique_ptr<nlohmann::json> document_;
};

/// A condition on a message's content, compiled once.
///
/// filter    := {member…}, all of which hold
/// member    := "$and": [filter…] | "$or": [filter…] | "$not": filter | path: condition
/// path      := `payload.order.total`, steps separated by dots, or a JSON Pointer (`/payload/order/total`) where a name has a dot. Its first step is one of
///              eventType, eventId, channels, tags, payload. A number is an index of an array; any other step looks into every element of an array
/// condition := a value that is not an object: equal to it | {operator: argument…}, all of which hold
/// operator  := $eq $ne $in $nin $gt $gte $lt $lte $exists $startsWith $endsWith $contains $not
///
/// A path may reach several values, or none. `$eq`, `$in`, `$gt`, `$gte`, `$lt`, `$lte`, `$startsWith`, `$endsWith` and `$contains` hold when they hold for one of them, or for one
/// element of one that is an array; `$ne`, `$nin` and `$not` hold when `$eq`, `$in` and what they negate do not, so also where there is nothing. Numbers are
/// compared with numbers and texts with texts (by bytes); anything else is neither less nor greater. `$contains` is a piece of a text, or an element of an array.
///
/// Threads: const calls from any thread. Cheap to copy.
class content_filter {
public:
  content_filter() = default; ///< takes every message

  /// Fails with `errc::invalid` or `errc::too_large`, `where` a JSON Pointer that begins with `at`. Limits: `limits::filter_bytes`, `filter_depth`,
  /// `filter_conditions`.
  static events::outcome<content_filter> compile(const nlohmann::json& from, const std::string& at = "/filter");

  bool empty() const noexcept { return root_ == nullptr; }
  /// Canonical JSON; empty when there is none.
  const std::string& text() const noexcept;

  struct verdict {
    bool takes = true;
    bool undecided = false; ///< `limits::filter_steps` used up: taken, since a message too many is better than one too few
    std::string because;    ///< when it does not take: JSON Pointer to the first condition that does not hold
  };
  verdict judge(const filtered_message& m) const;
  bool takes(const filtered_message& m) const;

  bool operator==(const content_filter& other) const noexcept { return text() == other.text(); }

  struct node;
  struct compiled;

private:
  std::shared_ptr<const compiled> root_;
};

} // namespace hourglass::webhook
