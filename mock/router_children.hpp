#pragma once

#include "mock/far_memory.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hourglass::mock {

/// What stands below a node of the router, by the text of the next segment: a short list, and a
/// hash table once there are many. Most nodes have one or two; a node with 100,000 is one look-up
/// in two places of memory.
template <class Value>
class router_children {
public:
  Value* find(std::string_view text) { return const_cast<Value*>(std::as_const(*this).find(text)); }
  const Value* find(std::string_view text) const {
    if (!many_.empty()) {
      auto at = many_.find(text);
      return at != many_.end() ? &at->second : nullptr;
    }
    auto at =
        std::find_if(few_.begin(), few_.end(), [&](const auto& c) { return c.first == text; });
    return at != few_.end() ? &at->second : nullptr;
  }

  /// The one of `text`, made if there is none. Moves the others.
  Value& at(const std::string& text) {
    if (auto* known = find(text))
      return *known;
    if (many_.empty() && few_.size() == most_in_a_list) {
      many_.reserve(few_.size() * 2);
      for (auto& [name, value] : std::exchange(few_, list{}))
        many_.emplace(std::move(name), std::move(value));
    }
    if (!many_.empty())
      return many_.try_emplace(text).first->second;
    return few_.emplace_back(text, Value{}).second;
  }

  void erase(std::string_view text) {
    if (auto at = many_.find(text); at != many_.end())
      many_.erase(at);
    std::erase_if(few_, [&](const auto& c) { return c.first == text; });
  }

  bool empty() const noexcept { return few_.empty() && many_.empty(); }

  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [text, value] : few_)
      visit(text, value);
    for (const auto& [text, value] : many_)
      visit(text, value);
  }

private:
  static constexpr std::size_t most_in_a_list = 8;
  using list = std::vector<std::pair<std::string, Value>>;

  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept {
      return std::hash<std::string_view>{}(s);
    }
  };

  list few_;
  boost::unordered_flat_map<std::string, Value, hash, std::equal_to<>, far_allocator<std::pair<const std::string, Value>>> many_;
};

} // namespace hourglass::mock
