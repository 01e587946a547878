#pragma once

#include "mock/sample.hpp"
#include "mock/schema.hpp"

#include <algorithm>

namespace hourglass::mock {

/// A schema with its references and allOf laid flat. Private to sample*.cpp.
struct sampler::view {
  struct part {
    const json_value* schema;
    bool whole; ///< describes all of the value, so that its example is one of the value
    std::size_t within; ///< index of the reference that led to it; SIZE_MAX: none
  };
  struct reference {
    const json_value* target;
    std::size_t within; ///< as of a part
  };
  std::vector<part> parts;
  std::vector<reference> entered;                           ///< references that were followed
  std::vector<std::pair<std::string, std::string>> decided; ///< discriminator properties and their values

  const json_value* keyword(std::string_view name) const;
  double bound(std::string_view name, double otherwise) const;
  std::size_t count(std::string_view name, std::size_t otherwise) const;
  bool nullable() const;
  bool has_properties() const;
  bool leads_to(std::size_t within, const json_value* target) const; ///< whether one is on the way from the other
  std::string_view type() const; ///< empty: nothing says
};

/// Has `work` done from a purse of at most `most`, which the document pays.
template <class Work>
auto sampler::paid(std::uint64_t most, Work&& work) {
  schema_purse purse{std::min<std::uint64_t>(most, exhausted() ? 0 : limits::document_sample_steps - total_steps_)};
  const auto before = purse.left;
  auto out = work(purse);
  total_steps_ += before - purse.left;
  return out;
}

} // namespace hourglass::mock
