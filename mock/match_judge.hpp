#pragma once

#include "mock/compiled.hpp"
#include "mock/match_subject.hpp"
#include "mock/request_match.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hourglass::mock {

/// Says of endpoints whether a request fits what they ask for beside method and path. Refers to the request. One thread.
class match_judge {
public:
  explicit match_judge(const request& req, const recorded_choice* recorded = nullptr) : req_(req), recorded_(recorded) {}

  bool looks_for_mock = false; ///< those that only forward are as if they were not there

  /// Its match, if it has any.
  bool holds(const compiled_endpoint& e, const std::vector<std::string>& captures) {
    if (!e.match)
      return true;
    if (recorded_ != nullptr)
      return e.spec.id == recorded_->endpoint || e.spec.id == recorded_->forwarded;
    return e.match->holds(subject(), captures);
  }
  /// Its path, if that is a regular expression.
  bool has_path(const compiled_endpoint& e);

  match_subject& subject() {
    if (!subject_)
      subject_.emplace(req_);
    return *subject_;
  }

private:
  const request& req_;
  const recorded_choice* recorded_;
  std::optional<match_subject> subject_; ///< made when a match asks: the usual request pays nothing
};

} // namespace hourglass::mock
