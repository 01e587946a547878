#pragma once

#include "mock/compiled.hpp"

namespace hourglass::mock {

/// Finds the answer for a status: exact, then its range, then `default`. False if there is none.
bool choose_code(const compiled_endpoint& e, unsigned code, plan& p);

/// The content of `a` by Accept: by quality; of equals, the one that is sent without Accept, then the first. False if none is acceptable.
bool choose_content(const compiled_endpoint::answer& a, const fields& headers, plan& p);

/// The answer that the document has for an error, if it has one with a body: of that status, its range, or `default` where that is not the success.
std::optional<response> declared_error(const compiled_endpoint& e, unsigned status, const request& req);

} // namespace hourglass::mock
