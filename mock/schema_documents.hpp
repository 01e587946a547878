#pragma once

#include "mock/schema.hpp"

#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace hourglass::mock {

/// A dialect taken apart.
struct schema_rules {
  schema_dialect dialect = schema_dialect::draft2020_12;
  bool applicators = true;
  bool validation = true;
  bool unevaluated = true;
  bool formats = false; ///< are asserted

  bool from(schema_dialect d) const noexcept { return dialect >= d; }
  bool openapi() const noexcept { return dialect == schema_dialect::openapi_2_0 || dialect == schema_dialect::openapi_3_0; }
  bool has_ids() const noexcept { return !openapi(); }
  bool reference_stands_alone() const noexcept { return dialect <= schema_dialect::draft7; } ///< what is beside `$ref` is ignored
};

/// Which subschemas the value of a keyword has.
enum class schema_children : std::uint8_t { none, one, list, map, one_or_list, map_or_names };
schema_children children_of(std::string_view keyword, const schema_rules& rules) noexcept;

/// The metaschemas of the drafts by their URI, as JSON text.
const std::map<std::string, std::string, std::less<>>& metaschema_texts();

/// Documents, and the schema resources, anchors and dialects within them. Private to schema*.cpp.
class schema_documents {
public:
  explicit schema_documents(schema_options options) : options_(options) {}

  /// Where a schema stands.
  struct place {
    const json_value* value = nullptr;
    std::uint32_t resource = 0;
    std::string at; ///< URI
  };
  struct resource {
    std::string uri;
    schema_rules rules;
    place root;
    std::map<std::string, place, std::less<>> anchors;
    std::map<std::string, place, std::less<>> dynamic; ///< those of `$dynamicAnchor`; with an empty name that of `$recursiveAnchor`
  };

  void add(std::string uri, const json_value& document) { sources_.emplace(std::move(uri), &document); }

  /// Fails on a document that is not known, or whose ids or dialects do not read.
  events::outcome<place> at_pointer_of(std::string_view uri, std::string_view pointer);
  events::outcome<place> at_value(std::string_view uri, const json_value& value, std::string at);
  events::outcome<place> resolve(std::uint32_t from, std::string_view reference);
  /// `child` of something in `parent`: itself a resource, perhaps.
  place below(std::uint32_t parent, const json_value& child, std::string at) const;

  const resource& at(std::uint32_t i) const { return resources_[i]; }
  std::size_t size() const noexcept { return resources_.size(); }
  const std::set<std::string>& used() const noexcept { return used_; }

private:
  using failed = std::optional<events::error>;

  events::outcome<std::uint32_t> resource_of(std::string_view uri);
  events::outcome<std::uint32_t> load(const std::string& uri, const json_value& document);
  events::outcome<schema_rules> rules_of(std::string_view metaschema, const std::string& at);
  events::outcome<place> walk(std::uint32_t from, std::string_view pointer, std::string_view reference);
  failed scan(const json_value& v, std::uint32_t in, const std::string& at, bool is_root);
  failed scan_children(const json_value& v, std::uint32_t in, const std::string& at);
  bool spell_out(std::string_view at) noexcept;
  failed start(const json_value& v, const std::string& id, std::uint32_t& in, std::string& at);

  schema_options options_;
  std::map<std::string, const json_value*, std::less<>> sources_;
  std::vector<resource> resources_;
  std::map<std::string, std::uint32_t, std::less<>> by_uri_;
  std::unordered_map<const json_value*, std::uint32_t> starts_; ///< values that begin a resource
  std::set<const json_value*> scanned_;
  std::size_t spelt_bytes_ = 0; ///< of all places that were looked at
  std::set<std::string> used_;
};

} // namespace hourglass::mock
