#include "mock/json_patch.hpp"

#include "mock/json_compare.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;
using steps = std::vector<std::string>;

constexpr std::uint64_t cost_of_value = 16; ///< of work, beside its text: it takes some hundred bytes of memory

/// Fails with `errc::invalid` on what is no JSON Pointer.
outcome<steps> steps_of(std::string_view pointer) {
  steps out;
  if (!pointer.empty() && pointer.front() != '/')
    return failure(errc::invalid, "must be a JSON Pointer: empty, or beginning with a slash");
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      if (out.size() == limits::json_depth)
        return failure(errc::too_large, "leads deeper than the limit json_depth (" + std::to_string(limits::json_depth) + ")");
      out.emplace_back();
    } else if (pointer[i] != '~') {
      out.back() += pointer[i];
    } else if (i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      out.back() += pointer[++i] == '0' ? '~' : '/';
    } else {
      return failure(errc::invalid, "must be a JSON Pointer: after a `~` comes 0 or 1");
    }
  }
  return out;
}

/// The index in an array of `size` elements; nothing if it is no index, or one beyond. Leading zeros are none (RFC 6901).
bool index_in(std::string_view step, std::size_t size, std::size_t& out) {
  const bool digits = !step.empty() && std::all_of(step.begin(), step.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && (step.size() == 1 || step.front() != '0') && std::from_chars(step.data(), step.data() + step.size(), out).ec == std::errc{} && out < size;
}

class patcher {
public:
  patcher(json_value document, std::uint64_t work) : root_(std::move(document)), work_(work) {}

  outcome<void> run(const json_value& operation) {
    if (!operation.is_object())
      return failure(errc::invalid, "must be an object");
    const auto op = operation.string_member("op");
    const bool has_from = op == "move" || op == "copy";
    const bool has_value = op == "add" || op == "replace" || op == "test";
    if (!has_from && !has_value && op != "remove")
      return failure(errc::invalid, "must be one of add, remove, replace, move, copy and test", "/op");
    auto path = steps_in(operation, "path");
    if (!path)
      return tl::unexpected<events::error>{std::move(path).error()};
    const auto* value = operation.member("value");
    if (has_value && value == nullptr)
      return failure(errc::invalid, "is required", "/value");
    if (has_from) {
      auto from = steps_in(operation, "from");
      return from ? carry(*from, *path, op == "move") : tl::unexpected<events::error>{std::move(from).error()};
    }
    if (op == "test")
      return test(*path, *value);
    if (op == "add")
      return copy_to(*path, *value);
    auto* at = find(*path);
    if (at == nullptr)
      return failure(errc::not_found, "leads to nothing", "/path");
    if (op == "remove")
      return take(*path, nullptr);
    if (auto ok = charge(*value, path->size(), "/value"); !ok)
      return ok;
    *at = *value;
    return {};
  }
  bool exhausted() const noexcept { return work_ == 0; }
  json_value result() && { return std::move(root_); }

private:
  static outcome<steps> steps_in(const json_value& operation, std::string_view name) {
    const auto* v = operation.member(name);
    if (v == nullptr || !v->is_string())
      return failure(errc::invalid, "is required, as a text", pointer_to("", name));
    auto out = steps_of(v->text);
    if (!out)
      return failure(out.error().code, out.error().detail, pointer_to("", name));
    return out;
  }

  bool pay(std::uint64_t work) { return (work_ = work < work_ ? work_ - work : 0) != 0; }
  static tl::unexpected<events::error> costly(std::string_view where) {
    return failure(errc::too_large, "makes the patch more work than one may be", std::string{where});
  }

  /// Pays for a copy of `v` at `depth`.
  outcome<void> charge(const json_value& v, std::size_t depth, std::string_view where) {
    if (depth >= limits::json_depth && !v.items.empty())
      return failure(errc::too_large, "would be deeper than the limit json_depth (" + std::to_string(limits::json_depth) + ")", std::string{where});
    if (!pay(cost_of_value + v.text.size()))
      return costly(where);
    for (const auto& name : v.names)
      if (!pay(name.size()))
        return costly(where);
    for (const auto& item : v.items)
      if (auto ok = charge(item, depth + 1, where); !ok)
        return ok;
    return {};
  }

  /// Null where it leads to nothing, or once everything is used up.
  json_value* find(const steps& path, std::size_t without = 0) {
    auto* at = &root_;
    for (std::size_t s = 0; at != nullptr && s + without < path.size(); ++s)
      at = inside(*at, path[s]);
    return at;
  }
  json_value* inside(json_value& around, const std::string& step) {
    if (around.is_array()) {
      std::size_t i = 0;
      return index_in(step, around.items.size(), i) ? &around.items[i] : nullptr;
    }
    if (!around.is_object() || !pay(around.names.size()))
      return nullptr;
    auto at = std::find(around.names.rbegin(), around.names.rend(), step);
    return at != around.names.rend() ? &around.items[static_cast<std::size_t>(around.names.rend() - at) - 1] : nullptr;
  }

  outcome<void> test(const steps& path, const json_value& value) {
    const auto* at = find(path);
    if (at == nullptr)
      return failure(errc::not_found, "leads to nothing", "/path");
    const bool same = same_value(*at, value, work_);
    if (work_ == 0)
      return costly("");
    return same ? outcome<void>{} : failure(errc::conflict, "is not what stands there", "/value");
  }

  outcome<void> carry(const steps& from, const steps& path, bool moves) {
    auto* at = find(from);
    if (at == nullptr)
      return failure(errc::not_found, "leads to nothing", "/from");
    if (moves && from == path)
      return {};
    if (moves && path.size() > from.size() && std::equal(from.begin(), from.end(), path.begin()))
      return failure(errc::invalid, "is inside of what is moved", "/path");
    json_value value;
    if (!moves)
      return copy_to(path, *at);
    if (auto ok = take(from, &value); !ok)
      return ok;
    if (auto ok = charge(value, path.size(), "/path"); !ok) // for its depth
      return ok;
    return put(path, std::move(value));
  }

  outcome<void> copy_to(const steps& path, const json_value& value) {
    if (auto ok = charge(value, path.size(), "/path"); !ok)
      return ok;
    return put(path, json_value{value}); // a copy first: it may stand in what is changed
  }

  outcome<void> put(const steps& path, json_value value) {
    if (path.empty()) {
      root_ = std::move(value);
      return {};
    }
    auto* around = find(path, 1);
    const auto& last = path.back();
    if (around != nullptr && around->is_array()) {
      auto i = around->items.size();
      if (last != "-" && !index_in(last, i + 1, i))
        return failure(errc::not_found, "is no place in the array", "/path");
      if (!pay(around->items.size() - i))
        return costly("/path");
      around->items.insert(around->items.begin() + static_cast<std::ptrdiff_t>(i), std::move(value));
      return {};
    }
    if (around == nullptr || !around->is_object())
      return failure(errc::not_found, "is inside of nothing that could hold it", "/path");
    if (auto* there = inside(*around, last))
      *there = std::move(value);
    else
      around->add(last, std::move(value));
    return {};
  }

  /// Takes what is there out of what it stands in; it is there.
  outcome<void> take(const steps& path, json_value* into) {
    if (path.empty()) {
      if (into != nullptr)
        *into = std::move(root_);
      root_ = {};
      return {};
    }
    auto* around = find(path, 1);
    auto* at = around != nullptr ? inside(*around, path.back()) : nullptr;
    if (at == nullptr || !pay(around->items.size()))
      return costly("/path");
    if (into != nullptr)
      *into = std::move(*at);
    if (around->is_array()) {
      around->items.erase(around->items.begin() + (at - around->items.data()));
      return {};
    }
    auto rest = json_value::object();
    for (std::size_t i = 0; i < around->items.size(); ++i)
      if (around->names[i] != path.back())
        rest.add(std::move(around->names[i]), std::move(around->items[i]));
    *around = std::move(rest);
    return {};
  }

  json_value root_;
  std::uint64_t work_;
};

} // namespace

outcome<json_value> patched(json_value document, const json_value& patch, patch_budget budget) {
  if (!patch.is_array())
    return failure(errc::invalid, "must be a list of operations");
  if (patch.items.size() > budget.operations)
    return failure(errc::too_large, "has more operations than a JSON Patch may have here (" + std::to_string(budget.operations) + ")");
  patcher p{std::move(document), budget.work};
  for (std::size_t i = 0; i < patch.items.size(); ++i)
    if (auto ok = p.run(patch.items[i]); !ok) {
      const auto where = '/' + std::to_string(i);
      if (p.exhausted()) // what was not found may be there
        return failure(errc::too_large, "makes the patch more work than one may be", where);
      return failure(ok.error().code, ok.error().detail, where + ok.error().where);
    }
  return std::move(p).result();
}

} // namespace hourglass::mock
