#include "mock/json_compare.hpp"

#include "mock/decimal.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace hourglass::mock {

namespace {

using type = json_value::type;

std::uint64_t mixed(std::uint64_t h) noexcept {
  h ^= h >> 31U;
  h *= 0x9e3779b97f4a7c15ULL;
  h ^= h >> 29U;
  h *= 0xbf58476d1ce4e5b9ULL;
  return h ^ (h >> 32U);
}

std::uint64_t text_hash(std::string_view text) noexcept { return std::hash<std::string_view>{}(text); }

bool is_last(const json_value& object, std::size_t i) { return object.member(object.names[i]) == &object.items[i]; }

std::size_t members_of(const json_value& object) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < object.items.size(); ++i)
    n += is_last(object, i) ? 1 : 0;
  return n;
}

bool take(std::uint64_t& work, std::uint64_t cost) noexcept {
  work = cost < work ? work - cost : 0;
  return work != 0;
}

bool same_object(const json_value& a, const json_value& b, std::uint64_t& work) {
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!take(work, 1 + a.names[i].size() / 64))
      return false;
    if (!is_last(a, i))
      continue;
    const auto* other = b.member(a.names[i]);
    if (other == nullptr || !same_value(a.items[i], *other, work))
      return false;
  }
  return take(work, a.items.size() + b.items.size()) && members_of(a) == members_of(b);
}

/// What hashing it may cost.
std::uint64_t weight(const json_value& v) {
  auto own = std::accumulate(v.names.begin(), v.names.end(), 1 + v.text.size() / 64, [](std::uint64_t n, const std::string& name) { return n + name.size() / 64; });
  return std::accumulate(v.items.begin(), v.items.end(), own, [](std::uint64_t n, const json_value& i) { return n + weight(i); });
}

} // namespace

bool same_value(const json_value& a, const json_value& b) {
  auto unbounded = ~std::uint64_t{0};
  return same_value(a, b, unbounded);
}

bool same_value(const json_value& a, const json_value& b, std::uint64_t& work) {
  if (!take(work, 1) || a.kind != b.kind)
    return false;
  switch (a.kind) {
  case type::null:
    return true;
  case type::boolean:
    return a.truth == b.truth;
  case type::string:
    return a.text.size() == b.text.size() && take(work, a.text.size() / 64) && a.text == b.text;
  case type::number: {
    std::int64_t left = 0;
    std::int64_t right = 0;
    if (small_integer(a.text, left) && small_integer(b.text, right))
      return left == right;
    return take(work, (a.text.size() + b.text.size()) / 16) && (a.text == b.text || decimal::of(a.text) == decimal::of(b.text));
  }
  case type::array:
    return a.items.size() == b.items.size() &&
           std::equal(a.items.begin(), a.items.end(), b.items.begin(), [&](const json_value& x, const json_value& y) { return same_value(x, y, work); });
  case type::object:
    return same_object(a, b, work);
  }
  return false;
}

std::uint64_t value_hash(const json_value& v) {
  auto h = static_cast<std::uint64_t>(v.kind) + 1;
  switch (v.kind) {
  case type::null:
    break;
  case type::boolean:
    h += v.truth ? 16 : 32;
    break;
  case type::string:
    h += text_hash(v.text);
    break;
  case type::number: {
    auto d = decimal::of(v.text);
    h += text_hash(d.digits) + static_cast<std::uint64_t>(d.exponent) * 31 + (d.negative ? 7 : 0);
    break;
  }
  case type::array:
    for (const auto& i : v.items)
      h = mixed(h) + value_hash(i);
    break;
  case type::object:
    for (std::size_t i = 0; i < v.items.size(); ++i)
      if (is_last(v, i))
        h += mixed(text_hash(v.names[i]) * 3 + value_hash(v.items[i]));
    break;
  }
  return mixed(h);
}

equal_pair find_equal(const std::vector<json_value>& items, std::uint64_t& work) {
  struct one {
    std::uint64_t hash;
    std::size_t place;
  };
  std::vector<one> all(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!take(work, weight(items[i])))
      return {};
    all[i] = {value_hash(items[i]), i};
  }
  std::sort(all.begin(), all.end(), [](const one& a, const one& b) { return a.hash != b.hash ? a.hash < b.hash : a.place < b.place; });
  equal_pair best;
  for (std::size_t from = 0; from < all.size();) {
    auto to = from + 1;
    for (; to < all.size() && all[to].hash == all[from].hash; ++to) {
      // Of equal hashes nearly all are equal, so the first pair ends this.
      for (auto k = from; k < to; ++k) {
        auto pair = equal_pair{all[k].place, all[to].place, true};
        if (!same_value(items[pair.first], items[pair.second], work)) {
          if (work == 0)
            return {};
          continue;
        }
        if (!best.found || pair.second < best.second)
          best = pair;
        while (to + 1 < all.size() && all[to + 1].hash == all[from].hash)
          ++to;
        break;
      }
    }
    from = to;
  }
  return best;
}

} // namespace hourglass::mock
