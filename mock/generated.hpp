#pragma once

#include "events/ids.hpp"
#include "mock/negotiation.hpp"
#include "mock/openapi.hpp"
#include "mock/schema.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

// Bodies that `Prefer: dynamic` and `Prefer: seed` have made anew for one request.
namespace hourglass::limits {

inline constexpr std::size_t generated_answer_steps = 200'000; ///< as `document_sample_steps`, for one answer; under a tenth of a second

} // namespace hourglass::limits

namespace hourglass::mock {

struct plan;

/// The response schemas of an imported document, and where its endpoints' bodies come from. As events and snapshots have it:
///   {"dialect": "openapi_3_0" | "draft2020_12", "generated": whether the document's examples were left alone, "schemas": {key: schema},
///    "of": {endpoint id: [of each response [of each content {"schema"?: key, "generated"?: true, "given"?: text}]]}}
/// Nothing of it is looked at before somebody asks.
///
/// Threads: any, but one at a time makes.
class answer_schemas {
public:
  /// `text`: JSON, as above.
  explicit answer_schemas(std::string text);
  ~answer_schemas();

  const std::string& text() const noexcept { return text_; }
  bool generated() const;
  const json_value& value() const; ///< `text`, read
  /// Null: nothing is known of it.
  const answer_source* find(std::string_view endpoint, std::size_t response, std::size_t content) const;

  /// A value for the schema `key`: the same chance and `place` give the same. Nothing where none is found within the limits.
  std::optional<json_value> make(const std::string& key, std::string_view place, bool own_values, const events::entropy& chance) const;

private:
  struct opened;
  const opened& open() const;
  json_schema compiled(const std::string& key) const;

  std::string text_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<opened> opened_; ///< never changes, but for what is compiled
};

/// How the body of one answer is made. Self-contained, as a plan is.
struct generation {
  std::shared_ptr<const answer_schemas> of;
  answer_source from;
  std::string place;
  std::string essence; ///< of its media type
  bool stands = false;     ///< it is the one that is there
  bool own_values = false; ///< with the examples and defaults that schemas have
  std::optional<std::string> seed; ///< none: of the request's own chance
  std::string applied; ///< the value of `Preference-Applied`

  /// Nothing where the one that is there stands, or none is found.
  std::optional<std::string> body(const events::entropy& chance) const;
};

/// What `wish` makes of the answer that `p` has chosen; null: nothing, or nothing can be made.
std::shared_ptr<const generation> generation_of(const plan& p, const preference& wish);

/// The member `answers` of an import's event: the sources of each of `endpoints`, which have their ids. Empty: there is nothing to make bodies of.
std::string answers_text(const openapi_document& doc, const std::vector<endpoint>& endpoints, bool generated);

/// `value` as bytes of a media type. In JSON a text that holds an object is one only if the schema asks for a string.
std::optional<std::string> body_of_value(const std::string& essence, const json_value& value, const json_value* schema);

} // namespace hourglass::mock
