#pragma once

#include "events/json_text.hpp"
#include "webhook/destination.hpp"
#include "webhook/event_type.hpp"
#include "webhook/facts.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

/// How a destination, its secrets and an event type stand in payloads and snapshots. Internal to webhook/.
namespace hourglass::webhook::detail {

void write(events::json_text& j, const destination& d, bool with_secrets = true);
/// As a member `headers`.
void write(events::json_text& j, const std::vector<custom_header>& headers, bool with_secrets = true);
/// As a member `secrets`.
void write(events::json_text& j, const std::vector<secret>& secrets);
void write(events::json_text& j, const event_type& t);
/// As a member `schema_faults`.
void write(events::json_text& j, const std::vector<schema_fault>& faults);
/// Without its start and consumers, which the fold adds.
void write(events::json_text& j, const poller& p);
/// As a member `transport`.
void write_transport(events::json_text& j, const transport_settings& s, bool with_secrets);

/// Reads members of one JSON object and remembers the first that was not as it must be, so that the caller asks once, at the end.
class object_reader {
public:
  explicit object_reader(const nlohmann::json& object);

  std::string text(const char* name);
  std::string text_or_empty(const char* name);
  std::int64_t integer(const char* name, std::int64_t otherwise);
  std::int64_t integer(const char* name);
  std::uint64_t natural(const char* name);
  std::uint64_t natural(const char* name, std::uint64_t otherwise);
  bool truth(const char* name, bool otherwise);
  std::vector<std::string> texts(const char* name);
  /// Null when there is no such member.
  const nlohmann::json* find(const char* name) const;

  void fail(std::string_view what) { problem_ = problem_.empty() ? std::string{what} : problem_; }
  const std::string& problem() const noexcept { return problem_; }

private:
  const nlohmann::json& object_;
  std::string problem_; ///< name of the member
};

destination read_destination(const nlohmann::json& object, std::string& problem);
/// Of a member `headers`, if there is one.
std::vector<custom_header> read_headers(object_reader& r);
/// Of a member `transport`, if there is one.
transport_policy read_transport(object_reader& r);
std::vector<secret> read_secrets(const nlohmann::json& object, std::string& problem);
event_type read_event_type(const nlohmann::json& object, std::string& problem);
poller read_poller(const nlohmann::json& object, std::string& problem);
/// Of a member `schema_faults`, if there is one.
std::vector<schema_fault> read_schema_faults(object_reader& r);

/// A URL with `[hidden]` for the values of sensitive query parameters.
std::string public_url(std::string_view url);

/// The payload of a destination's or an attempt's event, or the content of a message's, with `public_url` and `[hidden]` for keys and the values of sensitive headers.
std::string mask(std::string_view payload);

} // namespace hourglass::webhook::detail
