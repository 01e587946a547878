#pragma once

#include "mock/json_value.hpp"

#include <optional>
#include <string>
#include <utility>

namespace hourglass::mock {

/// A pattern of WireMock as one of our conditions, or what has no translation and where it stands.
struct translated_pattern {
  std::optional<json_value> condition;
  std::string lost;
  std::string at;
  std::string note; ///< of one that is translated, but not quite
};

/// Of a text: `equalTo`, `contains`, `matches`, `absent` … as a `text_condition`.
translated_pattern translate_text_pattern(const json_value& p, const std::string& at);
/// Of a body: these, and `equalToJson`, `matchesJsonPath`, `matchesJsonSchema`, `matchesXPath`, as a `body_condition`.
translated_pattern translate_body_pattern(const json_value& p, const std::string& at);

/// A body with WireMock's Handlebars expressions as one of our templates, where every expression in it has a translation.
std::optional<std::string> translate_handlebars(std::string_view text);

/// A regular expression of Java, where `.` is any character, as WireMock compiles them. Of flags a leading `(?s)` is understood; others stay, and are
/// refused when it is compiled.
std::string translate_regex(std::string_view pattern);

} // namespace hourglass::mock
