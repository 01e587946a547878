#pragma once

#include "mock/sample.hpp"

namespace hourglass::mock {

/// A schema with its references and allOf laid flat. Private to sample*.cpp.
struct sampler::view {
  struct part {
    const json_value* schema;
    bool whole; ///< describes all of the value, so that its example is one of the value
  };
  std::vector<part> parts;
  schemas entered;                                          ///< references that were followed
  std::vector<std::pair<std::string, std::string>> decided; ///< discriminator properties and their values

  const json_value* keyword(std::string_view name) const;
  double bound(std::string_view name, double otherwise) const;
  std::size_t count(std::string_view name, std::size_t otherwise) const;
  bool nullable() const;
  bool has_properties() const;
  std::string_view type() const; ///< empty: nothing says
};

} // namespace hourglass::mock
