#include "mock/ecma_regex.hpp"

#include "mock/schema_limits.hpp"

#include <algorithm>

#include <re2/re2.h>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

outcome<std::shared_ptr<const ecma_regex>> ecma_regex::compile(std::string_view pattern) {
  auto text = to_re2(pattern);
  if (!text)
    return tl::unexpected<events::error>{text.error()};
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(static_cast<std::int64_t>(limits::regex_bytes));
  auto engine = std::make_unique<re2::RE2>(*text, options);
  if (engine->error_code() == re2::RE2::ErrorPatternTooLarge)
    return failure(errc::too_large, "compiles to more than the limit regex_bytes (" + std::to_string(limits::regex_bytes) + ")", "0");
  if (!engine->ok())
    return failure(errc::invalid, engine->error(), "0");
  auto out = std::shared_ptr<ecma_regex>(new ecma_regex);
  out->pattern_ = pattern;
  out->engine_ = std::move(engine);
  return std::shared_ptr<const ecma_regex>{std::move(out)};
}

ecma_regex::~ecma_regex() = default;

bool ecma_regex::matches(std::string_view text) const { return re2::RE2::PartialMatch({text.data(), text.size()}, *engine_); }

std::size_t ecma_regex::steps() const { return static_cast<std::size_t>(std::max(engine_->ProgramSize(), 1)); }

} // namespace hourglass::mock
