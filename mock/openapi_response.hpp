#pragma once

#include "mock/openapi.hpp"
#include "mock/openapi_doubt.hpp"
#include "mock/openapi_request.hpp"
#include "mock/sample.hpp"
#include "mock/schema.hpp"

namespace hourglass::mock {

/// Reads the responses of operations and the payloads of webhooks: statuses, headers, media types, examples. Private to openapi*.cpp.
class openapi_responses {
public:
  /// `generated`: examples are not used. `schemas` gathers what bodies can be made of.
  openapi_responses(const json_value& root, const events::entropy& seed, sampler::extent most, bool generated,
                    std::vector<document_warning>& warnings, openapi_requests& schemas);

  /// The answers of `operation`, at least one, and where they come from. Fails with `errc::too_large` once all of them together would not fit in one event.
  events::outcome<void> read(const json_value& operation, const std::string& where, std::vector<response_spec>& out, answer_sources& from);

  /// What a webhook sends, from its request body: `example` is JSON text.
  events::outcome<void> read_payload(const json_value& body, const std::string& where, std::string& media_type, std::string& example);

  void warn(std::string detail, std::string where);
  /// Counts what will stand beside the bodies. Fails as `read`.
  events::outcome<void> charge(std::size_t bytes, const std::string& where);

  /// True if there is something to save by generating less.
  bool has_generated() const noexcept { return generated_ > 0; }

  /// Adds what does not fit its schema to the warnings, behind all others.
  void tell_doubts() { doubts_.take(warnings_); }

private:
  void read_headers(const json_value& response, const std::string& where, response_spec& out);
  void read_content(const std::string& media_type, const json_value& media, const std::string& where, response_spec& out, std::vector<answer_source>& from);
  std::vector<example> examples_of(const std::string& essence, const json_value& media, const std::string& where, answer_source& from);
  std::vector<example> given_examples(const std::string& essence, const json_value& media, const std::string& where);
  void named_examples(const std::string& essence, const json_value& media, const std::string& where, std::vector<example>& out);
  std::optional<std::string> generated(const std::string& essence, const json_value& media, const std::string& where);
  const json_value* schema_of(const json_value& media, const std::string& where);

  /// A value for the schema at `at`, made at `place`.
  json_value sampled(const json_value& schema, std::string_view place, std::string at);
  void judge(const std::string& essence, const json_value& media, const std::string& where, const json_value& example, const std::string& at);

  const json_value& root_;
  bool generated_only_;
  openapi_requests& kept_;
  openapi_doubts doubts_;
  std::string at_; ///< of the schema that a value is made of
  sampler sampler_;
  std::vector<document_warning>& warnings_;
  static constexpr std::size_t reserve = 1 * limits::mebi; ///< for what stands around the bodies

  std::size_t bytes_ = 0;
  std::size_t generated_ = 0; ///< of these
  bool told_exhausted_ = false;
};

} // namespace hourglass::mock
