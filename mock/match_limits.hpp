#pragma once

#include "events/limits.hpp"

/// The limits of what endpoints ask of requests; beside events/limits.hpp, which everything includes.
namespace hourglass::limits {

inline constexpr std::size_t match_bytes = 256 * kibi;     ///< of one match document: a JSON Schema must fit
inline constexpr std::size_t match_conditions = 200;       ///< in one match document, those within others counted
inline constexpr std::size_t match_depth = 8;              ///< of `not`, `any_of` and `all_of` inside each other
inline constexpr std::size_t match_regex_bytes = 4 * kibi; ///< of one pattern's text
inline constexpr std::size_t match_regex_steps = 50'000;   ///< instructions of all patterns of one match document; some 16 bytes each
inline constexpr std::uint64_t match_work = 10'000'000;    ///< of all conditions that one request is held against; as `schema_work`
inline constexpr std::uint64_t json_path_work = 1'000'000; ///< values that one JSONPath may visit; it remembers what it finds
inline constexpr std::size_t multipart_parts = 100;        ///< of a body that conditions look into; one with more fits none
inline constexpr std::size_t multipart_header_bytes = 8 * kibi;
inline constexpr std::size_t graphql_bytes = 256 * kibi; ///< of the text of an operation
inline constexpr std::size_t xml_bytes = 1 * mebi;       ///< of a body that an XPath looks into
inline constexpr std::size_t xpath_bytes = 1 * kibi;
inline constexpr std::size_t endpoints_per_route = 2'000;         ///< that only their matches tell apart: they are tried one after the other
inline constexpr std::size_t pattern_endpoints = 500;             ///< of a sandbox whose path is a regular expression: no tree finds them
inline constexpr std::size_t regex_steps_per_sandbox = 4'000'000; ///< of all endpoints' patterns: some 64 MB
inline constexpr std::size_t endpoints_at_once = 5'000;           ///< of one import; each is an event
inline constexpr std::size_t endpoints_at_once_bytes = 8 * mebi;  ///< of these events: they stand in one append
inline constexpr std::size_t near_misses = 3;                     ///< endpoints told of a request that none answers
inline constexpr std::size_t near_miss_differences = 3;           ///< told of each
inline constexpr std::size_t near_miss_on_path = 10'000;          ///< endpoints on the path of such a request, of any method
inline constexpr std::size_t near_miss_sample = 200;              ///< other endpoints whose path is compared
inline constexpr std::size_t near_miss_compared = 50;             ///< whose matches are looked at, once for each condition
inline constexpr unsigned endpoint_priority_most = 1'000'000;

} // namespace hourglass::limits
