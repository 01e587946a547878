#pragma once

#include "mock/endpoints.hpp"
#include "mock/json_value.hpp"
#include "mock/openapi.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// What another tool's file becomes, while it is read: endpoints, and what could not be translated. Every endpoint that is added has been compiled.
class translation {
public:
  /// Something that the endpoint does not do; it is made all the same.
  void warn(std::string detail, std::string at);
  /// Adds an endpoint in the API's JSON, which stands at `from`. `id` may be empty: then it is made of what the endpoint matches, so that the same
  /// import finds it again. Of several that match the same the last one stays, with a warning. One that is no endpoint is left out, with a warning.
  /// Beyond `limits::endpoints_at_once`, and after four times as many tries, nothing is looked at any more.
  void add(json_value endpoint, std::string id, const std::string& from);

  /// With `strict`, fails with the first warning there is: `errc::invalid`, `where` = JSON Pointer. Fails with `errc::too_large` beyond
  /// `limits::endpoints_at_once`.
  events::outcome<put_endpoints> finish(bool strict) &&;

private:
  struct made {
    put_endpoints::one one;
    std::string request; ///< what it matches
  };
  std::vector<std::optional<made>> all_; ///< null: a later one stands for it
  std::size_t count_ = 0;
  std::size_t tried_ = 0;
  bool over_ = false;                      ///< more than are taken at once
  std::vector<document_warning> warnings_; ///< at most `limits::document_warnings`
  std::size_t untold_ = 0;
  std::map<std::string, std::size_t> by_request_; ///< what it matches -> place in `all_`
  std::map<std::string, std::size_t, std::less<>> by_id_;
};

constexpr std::size_t most_headers = 100; ///< of an answer that is read

/// Text as a literal part of a path template.
std::string literal_path(std::string_view path);
/// A body as an endpoint's JSON has it: if it is JSON that stays the same, as a value, else as a text.
void set_body(json_value& response, std::string body);

// -- what was recorded, and may hold secrets ---------------------------------------------

bool is_secret_name(std::string_view name);
/// Whether a body, read by its media type, or as all that it might be, may hold a secret.
bool holds_secret(std::string_view text, std::string_view content_type);
/// What a recorded query asks, by name; of secrets nothing but that they are there.
json_value asked_of_query(std::string_view query);
/// What a recorded body asks. Nothing of one that is no text, or long; nor of one that may hold a secret, which is told.
std::optional<json_value> asked_of_body(std::string_view body, std::string_view content_type, const std::string& at, translation& out);
/// Headers of an answer, without those that are the server's, those that said how the body was sent, and credentials; these are told.
void set_headers(json_value& response, const fields& headers, const std::string& at, translation& out);
/// As `set_body`; in JSON and forms the values of members with the name of a secret become `redacted`, which is told.
void set_recorded_body(json_value& response, const std::string& body, const std::string& at, translation& out);

// -- the tools -----------------------------------------------------------------------

/// WireMock's stub mappings: one, `{"mappings": […]}` or an array. A stub whose request asks for something that we cannot ask for, or that is only
/// reached in a scenario, is left out: it would answer what it should not. What its response cannot do (delays, faults, files) is told. Fails with
/// `errc::invalid` on what is none (`where` = `line:column` or JSON Pointer).
events::outcome<put_endpoints> read_wiremock(std::string_view text, bool strict);
/// A Postman collection v2.0 or v2.1: its saved example responses. Path variables and the collection's unknown variables become parameters. Of
/// several examples for the same request the first answers, the others where the headers `x-mock-response-code` or `x-mock-response-name` ask for
/// them.
events::outcome<put_endpoints> read_postman(std::string_view text, bool strict);
/// An HTTP Archive (HAR 1.2): its entries, or those of one host; of several with the same request the last. Requests are told apart by method, path
/// and query, and where that does not do, by their bodies.
events::outcome<put_endpoints> read_har(std::string_view text, bool strict, std::string_view host);

} // namespace hourglass::mock
