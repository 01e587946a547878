#pragma once

#include "events/ids.hpp"
#include "mock/json_value.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::mock {

struct schema_purse;

/// Makes values that fit the schemas of one document. The same seed, document and `place` give the same value, whatever was made before.
///
/// Honours type (or list of types), const, enum, default, example(s), format, pattern, bounds, lengths, multipleOf, required, properties,
/// additionalProperties, items, prefixItems, uniqueItems, contains, allOf, the first oneOf/anyOf that works (with its discriminator), if with then,
/// nullable, writeOnly (left out). A recursion is cut at the nearest optional place.
/// What a schema demands beyond that (`not`, dependencies, …) is met by trying: without the schema's own examples, and with only what is required, until
/// `verdict` is content; if it never is, the first try stands.
class sampler {
public:
  /// How much of a schema one value shows. Beyond it, only what is required.
  struct extent {
    std::size_t nodes = limits::sample_nodes;
    std::size_t depth = 7;
  };

  /// Whether a value fits a schema of the document. What that costs is spent from `purse`, and counts as steps.
  using verdict = std::function<bool(const json_value& schema, const json_value& value, schema_purse& purse)>;

  sampler(const json_value& root, const events::entropy& seed, extent most, verdict fits = {});

  /// Whether examples and defaults that schemas give are used; else only `const` and `enum`.
  void use_own_values(bool use) noexcept { may_use_own_ = use; }

  /// Only so many of `limits::document_sample_steps` are left to it.
  void leave(std::size_t steps) noexcept { total_steps_ = limits::document_sample_steps - std::min(steps, limits::document_sample_steps); }

  /// A value for `schema`; null if there is none within the limits.
  json_value sample(const json_value& schema, std::string_view place);

  /// What `verdict` said of the value that was made last.
  enum class judgement : std::uint8_t {
    fits,
    fits_without_own, ///< but `first_try`, with the examples and defaults that schemas give, did not
    does_not_fit,     ///< none did, and the first stands
    no_value,         ///< and there was none
  };
  judgement last() const noexcept { return last_; }
  const json_value& first_try() const noexcept { return first_try_; } ///< only where it did not fit

  /// True once `limits::document_sample_steps` are used up, by schemas that were visited, verdicts, and tries of texts for patterns: from then on every value is null.
  bool exhausted() const noexcept { return total_steps_ >= limits::document_sample_steps; }

private:
  struct view;
  using maybe = std::optional<json_value>;
  using schemas = std::vector<const json_value*>;

  maybe attempt(const json_value& schema, std::string_view place, std::uint64_t number);
  bool add_contained(const view& v, std::size_t depth, std::size_t most, json_value& out);
  maybe value_of(const schemas& all, std::size_t depth, std::size_t ordinal, std::string_view name);
  bool gather(const json_value& schema, view& v, bool whole, std::size_t depth, std::size_t within = SIZE_MAX);
  maybe choose(const view& v, std::size_t next, std::size_t depth, std::size_t ordinal, std::string_view name);
  maybe generate(const view& v, std::size_t depth, std::size_t ordinal, std::string_view name);
  maybe given(const view& v, std::size_t ordinal);
  bool allows(const schemas& all, const std::string& text);
  maybe object(const view& v, std::size_t depth);
  bool extra_members(const view& v, std::size_t depth, json_value& out);
  maybe array(const view& v, std::size_t depth);
  json_value number(const view& v, bool whole);
  json_value text(const view& v, std::string_view name, std::size_t ordinal);
  std::string word_for(std::string_view name, std::size_t ordinal, std::size_t least, std::size_t most);
  template <class Work>
  auto paid(std::uint64_t most, Work&& work);
  std::string formatted(std::string_view format);

  std::uint64_t draw() noexcept;
  std::uint64_t below(std::uint64_t n) noexcept { return draw() % n; }

  const json_value& root_;
  extent most_;
  std::uint64_t seed_;
  verdict fits_;
  bool may_use_own_ = true;
  bool own_values_ = true; ///< examples and defaults of schemas are used
  bool own_taken_ = false; ///< in this try
  judgement last_ = judgement::fits;
  json_value first_try_;
  bool lean_ = false;      ///< only what is required
  std::uint64_t state_ = 0;
  schemas active_; ///< references being filled in, for the recursion cut
  std::size_t nodes_ = 0;
  std::size_t steps_ = 0;
  std::size_t total_steps_ = 0;
};

} // namespace hourglass::mock
