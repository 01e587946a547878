#pragma once

#include "mock/json_value.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::mock {

/// Takes members out of a JSON object from outside. Keeps the first thing that is wrong, so that a caller reads everything and asks once.
class object_reader {
public:
  object_reader(const json_value& v, std::string at);

  /// Anything else is an error: a misspelt member must not be ignored in silence.
  void only(std::initializer_list<std::string_view> names);
  bool has(std::string_view name) const { return v_.member(name) != nullptr; }
  bool is_null(std::string_view name) const;

  std::string text(std::string_view name, std::size_t most, bool required = false);
  bool truth(std::string_view name, bool otherwise);
  std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high, std::int64_t otherwise);
  const json_value* object(std::string_view name, bool required = false);
  const json_value* array(std::string_view name, std::size_t most);

  void fail(std::string why, std::string_view name, events::errc code = events::errc::invalid);
  std::string where(std::string_view name) const { return pointer_to(at_, name); }
  const std::optional<events::error>& problem() const { return problem_; }

private:
  const json_value& v_;
  std::string at_;
  std::optional<events::error> problem_;
};

} // namespace hourglass::mock
