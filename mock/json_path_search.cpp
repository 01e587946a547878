// Looking for what a JSONPath selects.
#include "mock/decimal.hpp"
#include "mock/json_compare.hpp"
#include "mock/json_path.hpp"

#include <algorithm>

namespace hourglass::mock {

class json_path::search {
public:
  search(std::uint64_t& work, const json_value& root) : work_{work}, root_{root} {}

  found run(const std::vector<segment>& segments, const json_value& from) {
    found out;
    out.values.push_back(&from);
    for (const auto& s : segments) {
      next_.clear();
      for (const auto* v : out.values)
        visit(s, *v);
      out.values.swap(next_);
    }
    out.complete = !stopped_;
    return out;
  }

private:
  bool pay() {
    if (work_ == 0)
      stopped_ = true;
    else
      --work_;
    return !stopped_;
  }
  void keep(const json_value& v) {
    if (pay())
      next_.push_back(&v);
  }
  void visit(const segment& s, const json_value& v) {
    if (!pay())
      return;
    for (const auto& each : s.selectors)
      select(each, v);
    if (s.descendant)
      for (const auto& item : v.items)
        visit(s, item);
  }
  void select(const selector& s, const json_value& v) {
    switch (s.what) {
    case selector::kind::name:
      if (const auto* m = v.member(s.name))
        keep(*m);
      break;
    case selector::kind::wildcard:
      for (const auto& item : v.items)
        keep(item);
      break;
    case selector::kind::index: {
      auto size = static_cast<std::int64_t>(v.items.size());
      auto i = s.start < 0 ? s.start + size : s.start;
      if (v.is_array() && i >= 0 && i < size)
        keep(v.items[static_cast<std::size_t>(i)]);
      break;
    }
    case selector::kind::slice:
      if (v.is_array())
        slice(s, v);
      break;
    case selector::kind::filter:
      for (const auto& item : v.items)
        if (pay() && holds(*s.filter, item))
          keep(item);
    }
  }

  std::vector<const json_value*> values_of(const operand& o, const json_value& current) {
    if (!pay()) // a query of no steps pays nothing itself
      return {};
    if (o.literal)
      return {&o.value};
    search inner{work_, root_};
    auto out = inner.run(o.query, o.from_root ? root_ : current);
    stopped_ = stopped_ || !out.complete;
    return std::move(out.values);
  }
  bool holds(const expression& e, const json_value& current) {
    using kind = expression::kind;
    auto is_so = [&](const expression& part) { return holds(part, current); };
    if (e.what == kind::any)
      return std::any_of(e.parts.begin(), e.parts.end(), is_so);
    if (e.what == kind::all)
      return std::all_of(e.parts.begin(), e.parts.end(), is_so);
    if (e.what == kind::negation)
      return !is_so(e.parts.front());
    const auto left = values_of(e.sides.front(), current);
    if (e.what == kind::exists)
      return !left.empty();
    const auto right = values_of(e.sides.back(), current);
    return !stopped_ && compare(e.what, left.empty() ? nullptr : left.front(), right.empty() ? nullptr : right.front());
  }
  /// RFC 9535, 2.3.5.2.2; null is nothing, which is equal to nothing.
  bool compare(expression::kind what, const json_value* a, const json_value* b) {
    using kind = expression::kind;
    if (what == kind::greater || what == kind::at_least)
      return compare(what == kind::greater ? kind::less : kind::at_most, b, a);
    if (what == kind::less)
      return less(a, b);
    const bool equal = a == nullptr || b == nullptr ? a == b : same_value(*a, *b, work_);
    if (work_ == 0)
      stopped_ = true;
    return what == kind::unequal ? !equal : equal || (what == kind::at_most && less(a, b));
  }
  bool less(const json_value* a, const json_value* b) {
    if (a == nullptr || b == nullptr || a->kind != b->kind)
      return false;
    const auto cost = (a->text.size() + b->text.size()) / 16;
    work_ = cost < work_ ? work_ - cost : 0;
    if (work_ == 0) {
      stopped_ = true;
      return false;
    }
    if (a->is_number())
      return mock::compare(decimal::of(a->text), decimal::of(b->text)) < 0;
    return a->is_string() && a->text < b->text;
  }
  /// RFC 9535, 2.3.4.2.
  void slice(const selector& s, const json_value& v) {
    auto size = static_cast<std::int64_t>(v.items.size());
    auto place = [&](std::int64_t i) { return i < 0 ? i + size : i; };
    if (s.step > 0) {
      auto end = std::clamp<std::int64_t>(s.has_end ? place(s.end) : size, 0, size);
      for (auto i = std::clamp<std::int64_t>(s.has_start ? place(s.start) : 0, 0, size); i < end && !stopped_; i += s.step)
        keep(v.items[static_cast<std::size_t>(i)]);
    } else if (s.step < 0) {
      auto end = std::clamp<std::int64_t>(s.has_end ? place(s.end) : -1, -1, size - 1);
      for (auto i = std::clamp<std::int64_t>(s.has_start ? place(s.start) : size - 1, -1, size - 1); i > end && !stopped_; i += s.step)
        keep(v.items[static_cast<std::size_t>(i)]);
    }
  }

  std::uint64_t& work_;
  const json_value& root_;
  std::vector<const json_value*> next_;
  bool stopped_ = false;
};

json_path::found json_path::find(const json_value& root, std::uint64_t& work) const {
  return search{work, root}.run(segments_, root);
}

} // namespace hourglass::mock
