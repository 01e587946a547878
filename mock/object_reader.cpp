#include "mock/object_reader.hpp"

#include <algorithm>

namespace hourglass::mock {

object_reader::object_reader(const json_value& v, std::string at) : v_(v), at_(std::move(at)) {
  if (!v_.is_object())
    problem_ = events::error{events::errc::invalid, "must be an object", at_};
}

void object_reader::only(std::initializer_list<std::string_view> names) {
  for (std::size_t i = 0; i < v_.names.size(); ++i) {
    const auto& name = v_.names[i];
    if (std::find(names.begin(), names.end(), name) == names.end())
      fail("is not a known member", name);
    else if (v_.member(name) != &v_.items[i])
      fail("stands twice", name);
  }
}

bool object_reader::is_null(std::string_view name) const {
  const auto* m = v_.member(name);
  return m != nullptr && m->is_null();
}

std::string object_reader::text(std::string_view name, std::size_t most, bool required) {
  const auto* m = v_.member(name);
  if (m == nullptr) {
    if (required)
      fail("is required", name);
    return {};
  }
  if (!m->is_string())
    fail("must be a string", name);
  else if (required && m->text.empty())
    fail("must not be empty", name);
  else if (m->text.size() > most)
    fail("is longer than " + std::to_string(most) + " bytes", name, events::errc::too_large);
  else if (m->text.find('\0') != std::string::npos)
    fail("has a NUL", name);
  else
    return m->text;
  return {};
}

bool object_reader::truth(std::string_view name, bool otherwise) {
  const auto* m = v_.member(name);
  if (m == nullptr)
    return otherwise;
  if (!m->is_bool())
    fail("must be true or false", name);
  return m->is_true();
}

std::int64_t object_reader::integer(std::string_view name, std::int64_t low, std::int64_t high, std::int64_t otherwise) {
  const auto* m = v_.member(name);
  if (m == nullptr)
    return otherwise;
  std::int64_t n = 0;
  if (!m->as_integer(n))
    fail("must be a whole number", name);
  else if (n < low || n > high)
    fail("must be from " + std::to_string(low) + " to " + std::to_string(high), name);
  return n;
}

const json_value* object_reader::object(std::string_view name, bool required) {
  const auto* m = v_.member(name);
  if (m == nullptr && required)
    fail("is required", name);
  if (m != nullptr && !m->is_object()) {
    fail("must be an object", name);
    return nullptr;
  }
  return m;
}

const json_value* object_reader::array(std::string_view name, std::size_t most) {
  const auto* m = v_.member(name);
  if (m == nullptr)
    return nullptr;
  if (!m->is_array())
    fail("must be an array", name);
  else if (m->items.size() > most)
    fail("has more than " + std::to_string(most) + " elements", name, events::errc::too_large);
  else
    return m;
  return nullptr;
}

void object_reader::fail(std::string why, std::string_view name, events::errc code) {
  if (!problem_)
    problem_ = events::error{code, std::move(why), where(name)};
}

} // namespace hourglass::mock
