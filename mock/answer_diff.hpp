#pragma once

#include "events/json_text.hpp"
#include "mock/json_value.hpp"
#include "mock/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// One thing in which two answers to a request differ. It has no values: they may be secrets, and belong in the answers themselves.
struct answer_difference {
  enum class kind : std::uint8_t {
    missing, ///< the upstream has it, the mock has not
    extra,   ///< the other way round
    type,    ///< they have something else of another kind there
    value,   ///< of the same kind, and not the same: as a rule the mock's own data
  };
  std::string at; ///< `status`, `header Content-Type`, or `body` and a JSON Pointer
  kind what = kind::value;
  bool operator==(const answer_difference&) const = default;
};
std::string_view to_string(answer_difference::kind k) noexcept;

/// What a mock would have said beside what its upstream has said.
struct answer_comparison {
  std::string mock;          ///< the endpoint that would have answered; empty: none
  unsigned upstream_status = 0, mock_status = 0;
  std::string not_compared;  ///< why the bodies were not, if they were not
  std::vector<answer_difference> differences; ///< at most `most`
  bool more = false;                          ///< there are others
  static constexpr std::size_t most = 50;

  /// Nothing but values differs: whoever is built for the one can read the other.
  bool same_shape() const noexcept;
  bool operator==(const answer_comparison&) const = default;
};

/// Status, Content-Type, those headers that one of them has and the other has not (but for what proxies and servers add), and JSON bodies member by
/// member; others byte by byte. Of lists the elements are compared by their place. Bounded work: what is too large is said not to be compared.
answer_comparison compare_answers(const response& upstream, const response& mock);

void write_comparison(const answer_comparison& c, events::json_text& j);
/// False if it does not read.
bool read_comparison(const json_value& v, answer_comparison& out);

} // namespace hourglass::mock
