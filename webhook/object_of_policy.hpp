#pragma once

#include "events/json_pointer.hpp"
#include "events/outcome.hpp"
#include "events/time.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

using events::duration;

inline constexpr double month_seconds = 30 * 24.0 * 3600;

/// Reads one object; the first problem is kept. What nobody asks for is refused: a typo must not change how messages are retried.
class object_of_policy {
public:
  object_of_policy(const nlohmann::json& object, std::string at, std::initializer_list<std::string_view> known) : object_(object), at_(std::move(at)) {
    if (!object.is_object())
      fail("must be an object", {});
    for (auto member = object.begin(); object.is_object() && member != object.end(); ++member)
      if (std::find(known.begin(), known.end(), member.key()) == known.end())
        fail("is not known here", member.key());
  }

  const nlohmann::json* find(std::string_view name) const {
    if (problem_ || !object_.is_object())
      return nullptr;
    auto at = object_.find(name);
    return at == object_.end() ? nullptr : &*at;
  }
  const nlohmann::json* given(std::string_view name) const {
    const auto* v = find(name);
    return v == nullptr || v->is_null() ? nullptr : v;
  }
  bool is_null(std::string_view name) const {
    const auto* v = find(name);
    return v != nullptr && v->is_null();
  }
  std::string at(std::string_view name) const { return at_ + events::pointer_step(name); }

  std::optional<double> number(std::string_view name, double least, double most) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    if (!v->is_number() || !(v->get<double>() >= least && v->get<double>() <= most)) {
      fail("must be a number of " + shown(least) + " to " + shown(most), name);
      return std::nullopt;
    }
    return v->get<double>();
  }
  std::optional<duration> seconds(std::string_view name, double least, double most = month_seconds) {
    auto v = number(name, least, most);
    return v ? std::optional{duration{std::llround(*v * 1e6)}} : std::nullopt;
  }
  std::optional<std::uint32_t> natural(std::string_view name, std::uint32_t least, std::uint32_t most) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    if (!v->is_number_unsigned() || v->get<std::uint64_t>() < least || v->get<std::uint64_t>() > most) {
      fail("must be an integer of " + std::to_string(least) + " to " + std::to_string(most), name);
      return std::nullopt;
    }
    return static_cast<std::uint32_t>(v->get<std::uint64_t>());
  }

  std::optional<std::string> text(std::string_view name, std::size_t most) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    if (!v->is_string())
      return fail("must be a string", name), std::nullopt;
    if (v->get_ref<const std::string&>().size() > most)
      return fail(events::errc::too_large, "is longer than " + std::to_string(most) + " bytes", at(name)), std::nullopt;
    return v->get<std::string>();
  }

  void need(std::string_view name) {
    if (given(name) == nullptr)
      fail("is required", name);
  }
  void fail(std::string why, std::string_view name) { fail(events::errc::invalid, std::move(why), name.empty() ? at_ : at(name)); }
  void fail(events::errc code, std::string why, std::string where) {
    if (!problem_)
      problem_ = events::error{code, std::move(why), std::move(where)};
  }
  void fail(const std::optional<events::error>& other) {
    if (!problem_)
      problem_ = other;
  }
  const std::optional<events::error>& problem() const noexcept { return problem_; }

private:
  static std::string shown(double v) {
    auto text = std::to_string(v);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.'))
      text.pop_back();
    return text;
  }

  const nlohmann::json& object_;
  std::string at_;
  std::optional<events::error> problem_;
};

} // namespace hourglass::webhook
