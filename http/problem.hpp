#pragma once

#include "http/message.hpp"

#include <string>
#include <string_view>

namespace hourglass::http {

/// RFC 9457 problem details.
struct problem {
  unsigned status = 500;
  std::string type = "about:blank"; ///< a URI reference, e.g. `/problems/limit-exceeded`
  std::string title;                ///< short and the same for every occurrence of `type`; empty: the status phrase
  std::string detail;               ///< this occurrence
  std::string where;                ///< extension member `pointer`: JSON Pointer, header or parameter name; left out if empty
  unsigned line = 0, column = 0;    ///< extension members, in a text that `where` names, from 1; left out if 0
  std::string correlation;          ///< extension member `correlation_id`; left out if empty
};

/// For a problem that no handler has seen: `given` when it is one (1 to 64 printable characters), else a fresh one.
std::string correlation_or_fresh(std::string_view given);

/// `application/problem+json`; `Retry-After: 1` is added to a 503 or 429.
response to_response(const problem& p);

std::string_view status_phrase(unsigned status) noexcept;

} // namespace hourglass::http
