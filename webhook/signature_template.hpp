#pragma once

#include "events/outcome.hpp"
#include "http/message.hpp"
#include "webhook/signing.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

/// A way of signing that is written down instead of built in: what is signed, how, and in which headers it goes.
namespace hourglass::webhook {

/// template  := {"header": NAME, "signed"?: TEXT, "value"?: TEXT, "algorithm"?: "sha1"|"sha256"|"sha384"|"sha512", "encoding"?: "hex"|"base64"|"base64url",
///               "separator"?: TEXT, "headers"?: {NAME: TEXT}, "toleranceSeconds"?: 1..86400}
/// TEXT      := what stands there, with `{{id}}`, `{{timestamp}}`, `{{timestamp_ms}}`, `{{type}}`; in `signed` also `{{body}}`; in `value` also `{{signature}}` (of the newest key) or `{{signatures}}`
///
/// `signed` is `{{timestamp}}.{{body}}` if left out, and has `{{body}}` once; `value` is `{{signature}}`, and has one of its two once, between which and what else it has a verifier can
/// tell. With `{{signatures}}` each live key signs, joined by `separator` (`,`). HMAC with the secret's text as the key, as for other senders that are imitated.
/// At most 512 bytes a text, five more headers.
class signature_template {
public:
  /// Fails with `errc::invalid` or `errc::too_large`, `where` a JSON Pointer that begins with `at`.
  static events::outcome<signature_template> compile(const nlohmann::json& from, const std::string& at = "/signatureTemplate");

  bool empty() const noexcept { return content_ == nullptr; }
  /// As it was given, with what was left out. Empty if `empty`.
  const std::string& text() const noexcept;
  const std::string& header() const noexcept;
  /// It, or one of `headers`.
  bool sets(std::string_view name) const noexcept;
  std::int64_t tolerance_seconds() const noexcept;

  http::fields headers(std::span<const signing_key> keys, std::string_view id, std::string_view event_type, std::int64_t timestamp, std::string_view body) const;

  /// What a receiver reads of the headers.
  struct reading {
    std::string id, type, timestamp; ///< as far as they stand in one of the headers
    bool timed = false;              ///< the template has a timestamp; of milliseconds it is cut to seconds
    std::vector<std::string> signatures;
    std::string problem;             ///< a sentence: the header is not as the template makes it
  };
  reading read(const http::fields& headers) const;
  /// The signature of one key over what `of` and `body` come to.
  std::string sign(std::string_view key, const reading& of, std::string_view body) const;

  bool operator==(const signature_template& other) const noexcept { return content_ == other.content_ || text() == other.text(); }

private:
  struct content;
  std::shared_ptr<const content> content_;
};

} // namespace hourglass::webhook
