#pragma once

#include "mock/endpoints.hpp"
#include "mock/far_memory.hpp"
#include "mock/request_check.hpp"
#include "mock/template.hpp"

#include <boost/container/small_vector.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

class answer_schemas;
class ecma_regex;
struct forward_rules;
class request_match;

/// One segment of a route.
struct route_segment {
  enum class kind : std::uint8_t { literal, mixed, parameter };
  kind what = kind::literal;
  std::string text;                ///< literal: decoded
  std::vector<std::string> around; ///< mixed: the texts before, between and after the parameters; ends may be empty
  bool operator==(const route_segment&) const = default;
};

/// A route ready for the router: what two endpoints may not share.
struct route_pattern {
  boost::container::small_vector<route_segment, 4> segments;
  std::vector<std::string> parameters; ///< names in order
};

/// Fails with `errc::invalid` on what is no path template: no leading slash, empty or dot segments, encoded slashes, NUL, malformed
/// escapes, unbalanced braces, parameters without a name, twice the same or side by side.
events::outcome<route_pattern> compile_route(std::string_view path);

/// An endpoint with everything decided that does not depend on the request. Immutable, and never moved: it looks into itself. What the usual
/// endpoint needs to be found and to answer lies in one piece: of 100,000 hardly one is in a cache, and each pointer that is followed waits for memory.
struct compiled_endpoint {
  struct body {
    std::string_view media_type; ///< these two look into `spec`, or into `told`
    std::string_view sent;
    std::string_view recorded;                  ///< as request_served will hold `sent`, in `told`; empty: it needs redaction
    std::optional<compiled_template> templated; ///< instead of `sent`
  };
  struct answer {
    unsigned code = 0;               ///< the status if it is one; 0 for a range or `default`
    unsigned range = 0;              ///< 4 for `4XX`
    std::size_t default_content = 0; ///< without Accept: the first JSON one, else the first
    boost::container::small_vector<body, 1> bodies;       ///< of all contents, one after the other
    boost::container::small_vector<std::size_t, 1> first; ///< index of each content's first body
    std::vector<std::string> media;  ///< essence of each content
    std::vector<compiled_template> headers; ///< of a templated endpoint
    const fields* fixed = nullptr;          ///< the headers of another, if it has any
  };

  endpoint spec;
  std::basic_string<char, std::char_traits<char>, far_allocator<char>> told; ///< what the usual request takes, one behind the other
  std::string_view id;   ///< as `spec` has it; looks into `told`
  route_pattern route;
  boost::container::small_vector<answer, 1> answers;
  std::shared_ptr<const request_check> check; ///< null: nothing is demanded of a request
  std::size_t preferred = 0;      ///< the answer without Prefer
  unsigned preferred_status = 200;
  std::shared_ptr<const collection> kept; ///< what it reads or changes; null: it answers from its examples
  std::shared_ptr<const script_source> script; ///< null: the answers are fixed or templates
  std::shared_ptr<const request_match> match;  ///< null: method and path are all it asks for, as usual
  std::shared_ptr<const ecma_regex> pattern;   ///< instead of `route`
  std::shared_ptr<const forward_rules> forward; ///< null: nobody else is asked
  std::shared_ptr<const answer_schemas> made_of; ///< what `Prefer` may have other bodies made of; null: its bodies are all there is

  compiled_endpoint() = default;
  compiled_endpoint(const compiled_endpoint&) = delete;
  compiled_endpoint& operator=(const compiled_endpoint&) = delete;

  /// Fails with `errc::invalid` (`where` as in the endpoint's JSON) if route or templates do not compile.
  static events::outcome<std::shared_ptr<const compiled_endpoint>> compile(endpoint spec, std::shared_ptr<const request_check> check = nullptr,
                                                                           const collections* kept = nullptr,
                                                                           std::shared_ptr<const answer_schemas> made_of = nullptr);
};

} // namespace hourglass::mock
