#pragma once

#include "mock/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// `type/subtype` in lower case, without parameters; empty if `value` is no media type.
std::string media_essence(std::string_view value);

/// How well `pattern` (`type/subtype`, `type/*` or `*/*`) covers `essence`: 3 exact, 2, 1, or 0 for not at all.
int media_match(std::string_view pattern, std::string_view essence) noexcept;

/// `application/json`, `…+json` and the like.
bool is_json_media(std::string_view essence) noexcept;
bool is_xml_media(std::string_view essence) noexcept;

/// The quality in 0 to 1000 that an Accept header gives to `essence`; the most specific range decides.
int accept_quality(std::string_view accept, std::string_view essence);

/// What `Prefer` (RFC 7240) asks of the answer. Of repeated preferences the first counts; unknown ones are ignored.
struct preference {
  std::optional<unsigned> code;
  std::optional<std::string> example;
  std::optional<bool> dynamic;     ///< a body made of the schema, or not
  std::optional<std::string> seed; ///< what it is made from
  std::string problem; ///< not empty: a value that cannot be honoured
};
preference read_preference(const fields& headers);

} // namespace hourglass::mock
