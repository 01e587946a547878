#pragma once

#include "mock/json_match.hpp"
#include "mock/json_path.hpp"
#include "mock/match_subject.hpp"
#include "mock/text_condition.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hourglass::mock {

/// Why a request does not fit an endpoint: one condition, what it wants and what came.
struct match_difference {
  std::string where;               ///< JSON Pointer into the endpoint
  std::string wanted;              ///< as JSON, cut where it is long; empty: not told, it may be a secret
  std::optional<std::string> came; ///< nothing: there is none; empty and `hidden`: not told
  bool hidden = false;
  std::string detail; ///< where in a body it differs, and how
};

/// What a body must be.
///
///   condition := {one of}
///     "text": condition of a text
///     "json": {"equals", "ignore_array_order"?, "ignore_extra_elements"?}
///     "json_path": {"path", and "equals" …, the operators of a text, or "json": …}   a value that is found fits; with neither, one is found
///     "json_schema": a schema, of draft 2020-12 if it does not say otherwise
///     "xpath": {"path", and the operators of a text}   the text of a node that is found fits; without operators, one is found
///     "not": condition     "any_of", "all_of": [condition …]
///
/// Immutable; any thread.
class body_condition {
public:
  /// Fails with `errc::invalid` or `errc::too_large`, `where` beginning with `at`.
  static events::outcome<body_condition> compile(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth = 0);

  /// False, too, once the purse is empty.
  bool holds(body_view& body, schema_purse& purse) const;
  /// Of one that does not hold.
  match_difference difference(body_view& body, schema_purse& purse) const;

private:
  struct path_rule {
    json_path path;
    std::string source;
    std::optional<text_condition> text;
    std::optional<json_match> json;
  };
  struct xml_rule {
    xml_path path;
    std::optional<text_condition> text;
  };
  struct group {
    enum class kind : std::uint8_t { negation, any, all };
    kind what = kind::all;
    std::vector<body_condition> parts;
  };

  static events::outcome<path_rule> compile_path(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth);
  static events::outcome<xml_rule> compile_xpath(const json_value& v, const std::string& at, match_budget& budget, std::size_t depth);
  static bool holds_xpath(const xml_rule& rule, body_view& body, schema_purse& purse);
  bool holds_path(const path_rule& rule, body_view& body, schema_purse& purse) const;
  void tell_path(const path_rule& rule, body_view& body, schema_purse& purse, match_difference& into) const;

  std::string where_;
  std::string told_;    ///< what it wants, as JSON, cut
  bool secret_ = false; ///< names in it say that values are better not told
  std::variant<text_condition, json_match, path_rule, json_schema, xml_rule, group> rule_;
};

} // namespace hourglass::mock
