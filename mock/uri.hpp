#pragma once

#include <string>
#include <string_view>

namespace hourglass::mock {

/// The parts of a URI reference (RFC 3986, appendix B). Views into what was split.
struct uri_parts {
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view query;
  std::string_view fragment;
  bool has_authority = false;
  bool has_query = false;
  bool has_fragment = false;
};
uri_parts split_uri(std::string_view text) noexcept;

/// `reference` as seen from `base` (RFC 3986, 5.2), with its fragment. A base without a scheme is allowed, and may be empty.
std::string resolve_uri(std::string_view base, std::string_view reference);

/// A URI in two: what is before the first `#`, and the fragment after it, which is empty if there is none.
struct uri_and_fragment {
  std::string_view uri;
  std::string_view fragment;
};
uri_and_fragment split_fragment(std::string_view text) noexcept;

} // namespace hourglass::mock
