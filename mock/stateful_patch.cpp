// A JSON Patch of an item: all of it or nothing.
#include "mock/answer_choice.hpp"
#include "mock/collection_limits.hpp"
#include "mock/collection_turn.hpp"
#include "mock/json_compare.hpp"
#include "mock/json_patch.hpp"
#include "mock/refusal.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

json_value without(json_value from, std::string_view name) {
  auto out = json_value::object();
  for (std::size_t i = 0; i < from.items.size(); ++i)
    if (from.names[i] != name)
      out.add(std::move(from.names[i]), std::move(from.items[i]));
  return out;
}

} // namespace

/// Puts back what the server alone says of an item, and notes what of it the patch had changed.
json_value collection_turn::with_own_members(json_value after, const json_value& before) {
  auto keep = [&](const std::string& name) {
    const auto* old = before.member(name);
    const auto* now = after.member(name);
    if (old == now || (old != nullptr && now != nullptr && same_value(*old, *now)))
      return;
    if (left_out_.size() < limits::schema_faults)
      left_out_.push_back({{"body", told_pointer(name)},
                           {told_pointer(pointer_to("", name)), "", "readOnly", "is the server's, and stays what it is"}});
    if (old != nullptr)
      after.set(name, *old);
    else
      after = without(std::move(after), name);
  };
  keep(c_.spec.id);
  for (const auto& name : c_.spec.read_only)
    keep(name);
  items_.set_from_path(after);
  return after;
}

/// Tested values as the item has them: where its secrets are tokens, equal secrets are equal tokens.
void collection_turn::hide_tested(json_value& operations) const {
  for (auto& operation : operations.items) {
    const auto* value = operation.member("value");
    if (value == nullptr || operation.string_member("op") != "test")
      continue;
    const auto path = operation.string_member("path");
    auto named = json_value::object();
    named.add(std::string{path.substr(std::min(path.rfind('/'), path.size() - 1) + 1)}, *value);
    auto hidden = without_secrets(std::move(named));
    operation.set("value", std::move(hidden.items.front()));
  }
}

response collection_turn::not_patched(const events::error& why) {
  const auto status = why.code == events::errc::invalid ? 400U : why.code == events::errc::conflict ? 409U : 422U;
  auto declared = declared_error(e_, status, req_);
  const auto detail = (why.where.empty() ? std::string{"the patch"} : "in the patch, " + why.where) + ' ' + why.detail;
  if (!declared)
    return refusal(status, "patch-not-applied", "The patch was not applied", detail, why.where);
  tell(detail);
  return std::move(*declared);
}

response collection_turn::patch() {
  const auto id = id_in_path();
  const auto before = items_.find(id);
  if (!before)
    return missing(id);
  if (auto large = too_large())
    return std::move(*large);
  auto operations = parse_json(req_.body);
  if (!operations)
    return refuse({{{"body"}, unread_fault(operations.error())}});
  hide_tested(*operations);
  auto patched_item = patched(*before, *operations);
  if (!patched_item)
    return not_patched(patched_item.error());
  if (!patched_item->is_object())
    return not_patched({events::errc::not_found, "makes something else of the item than an object", ""});
  auto item = with_own_members(std::move(*patched_item), *before);
  if (auto refused = what_is_left_out())
    return std::move(*refused);
  item = without_secrets(std::move(item));
  stamp(item, false);
  item.seal();
  if (auto ok = fits_as_well(item, *before, "item"); !ok)
    return unfit(ok.error());
  stand_in_for_secrets(item);
  if (auto ok = items_.put(id, item); !ok)
    return refuse(ok.error());
  return show(std::move(item));
}

} // namespace hourglass::mock
