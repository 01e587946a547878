// What becomes of an item and the members that a request wants for it: the whole, or as much of it as the item's schema allows.
#include "events/redact.hpp"
#include "mock/collection_limits.hpp"
#include "mock/collection_turn.hpp"

#include <algorithm>
#include <unordered_map>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t most_tries = 200; ///< members that are tried one by one
constexpr std::string_view redacted = "[redacted:"; ///< as `events::redactor` begins its tokens

bool holds_redacted(const json_value& v) {
  return (v.is_string() && v.text.starts_with(redacted)) || std::any_of(v.items.begin(), v.items.end(), holds_redacted);
}

std::size_t index_of(const json_value& v, std::string_view name) { return static_cast<std::size_t>(std::find(v.names.begin(), v.names.end(), name) - v.names.begin()); }

void drop(json_value& from, std::string_view name) {
  auto out = json_value::object();
  for (std::size_t i = 0; i < from.items.size(); ++i)
    if (from.names[i] != name)
      out.add(from.names[i], std::move(from.items[i]));
  out.seal();
  from = std::move(out);
}

/// Calls `join(old, patched)` for what both have; each is looked for once, however many there are. A null takes away if it `removes`.
template <class Join>
json_value joined(const json_value& to, const json_value& patch, bool removes, const Join& join) {
  std::unordered_map<std::string_view, const json_value*> left;
  for (std::size_t i = 0; i < patch.items.size(); ++i)
    left[patch.names[i]] = &patch.items[i];
  auto out = json_value::object();
  auto add = [&](const std::string& name, const json_value& old, const json_value& value) {
    if (!removes || !value.is_null())
      out.add(name, join(old, value));
  };
  for (std::size_t i = 0; to.is_object() && i < to.items.size(); ++i) {
    auto at = left.find(to.names[i]);
    if (at == left.end()) {
      out.add(to.names[i], to.items[i]);
    } else if (at->second != nullptr) {
      add(to.names[i], to.items[i], *at->second);
      at->second = nullptr;
    }
  }
  for (std::size_t i = 0; i < patch.items.size(); ++i)
    if (auto at = left.find(patch.names[i]); at->second != nullptr) {
      add(patch.names[i], {}, *at->second);
      at->second = nullptr;
    }
  out.seal();
  return out;
}

} // namespace

/// RFC 7396; without `removes` a null is a value as any other. Both are bounded in depth where they were read.
json_value collection_turn::merged(const json_value& to, const json_value& patch, bool removes) {
  if (!patch.is_object())
    return patch;
  return joined(to, patch, removes, [removes](const json_value& old, const json_value& value) { return merged(old, value, removes); });
}

/// What an item has whatever a request says: its id, and of `before` (or of the document's own item) what is the server's or required.
json_value collection_turn::begun(const json_value& id, const json_value* before) const {
  auto out = json_value::object();
  const auto& from = before != nullptr ? *before : c_.spec.base;
  if (from.member(c_.spec.id) == nullptr)
    out.add(c_.spec.id, id);
  for (std::size_t i = 0; i < from.names.size(); ++i) {
    const auto& name = from.names[i];
    if (name == c_.spec.id)
      out.add(name, id);
    else if (contains(c_.spec.fills, name) || contains(c_.spec.read_only, name) || contains(c_.spec.created, name) || contains(c_.spec.updated, name))
      out.add(name, from.items[i]);
  }
  for (std::size_t i = 0; before != nullptr && i < c_.spec.base.names.size(); ++i)
    if (contains(c_.spec.fills, c_.spec.base.names[i]) && out.member(c_.spec.base.names[i]) == nullptr)
      out.add(c_.spec.base.names[i], c_.spec.base.items[i]);
  out.seal();
  return out;
}

void collection_turn::stamp(json_value& item, bool fresh) const {
  auto set = [&](const std::string& name) {
    const auto* before = item.member(name);
    if (before == nullptr)
      return;
    item.set(name, before->is_number() ? json_value::of_number(ctx_.now.us / 1'000'000) : json_value::of(events::to_rfc3339(ctx_.now)));
  };
  if (fresh)
    for (const auto& name : c_.spec.created)
      set(name);
  for (const auto& name : c_.spec.updated)
    set(name);
}

/// What a request gives is kept as the log keeps it: a password becomes the same token that it has there. The id stays what it is, as it is in the path.
json_value collection_turn::without_secrets(json_value wanted) const {
  const auto text = to_text(wanted);
  auto kept = redact_.body("application/json", text);
  if (kept == text)
    return wanted;
  auto v = parse_json(kept);
  if (!v || !v->is_object())
    return wanted; // cannot be: it is the text of an object, with other values
  if (const auto* id = wanted.member(c_.spec.id))
    v->set(c_.spec.id, *id);
  v->seal();
  return std::move(*v);
}

/// False if its schema finds fault with the id of `item` itself.
bool collection_turn::id_fits(const json_value& item) {
  if (!c_.schema || c_.schema.accepts(item, purse_))
    return true;
  const auto faults = c_.schema.check(item, purse_);
  const auto at = told_pointer(pointer_to("", c_.spec.id));
  return std::none_of(faults.begin(), faults.end(), [&](const schema_fault& f) { return f.instance == at; });
}

/// Whether what stands there is a secret as the log keeps it. That text is ours: it cannot have the length or the pattern that a schema asks for.
bool collection_turn::is_kept_secret(const json_value& item, std::string_view at) const {
  const auto* v = at_pointer(item, at);
  if (v == nullptr || !v->is_string() || !v->text.starts_with(redacted) || redact_.token(v->text) != v->text)
    return false;
  auto probe = std::string{R"("4111111111111111")"}; // is hidden under every name that hides anything
  const auto* names = &item;
  std::vector<std::string> around;
  for (auto rest = at; !rest.empty();) {
    const auto end = std::min(rest.find('/', 1), rest.size());
    const auto* inside = at_pointer(*names, rest.substr(0, end));
    if (inside == nullptr)
      return false;
    const auto index = static_cast<std::size_t>(inside - names->items.data());
    around.push_back(names->is_array() ? std::string{"["} : '{' + to_text(json_value::of(names->names[index])) + ':');
    names = inside;
    rest.remove_prefix(end);
  }
  for (auto step = around.rbegin(); step != around.rend(); ++step)
    probe = *step + probe + (step->front() == '[' ? ']' : '}');
  return redact_.body("application/json", probe) != probe;
}

/// As the schema says, but for secrets, which are not what was given.
bool collection_turn::fits(const json_value& item) {
  if (c_.schema.accepts(item, purse_))
    return true;
  if (!holds_redacted(item))
    return false;
  const auto faults = c_.schema.check(item, purse_);
  return !purse_.empty() && faults.size() < limits::schema_faults &&
         std::all_of(faults.begin(), faults.end(), [&](const schema_fault& f) { return is_kept_secret(item, f.instance); });
}

/// Where the schema has no text for a secret: a number, so that answers keep their type. That it is not what was given is told.
void collection_turn::stand_in_for_secrets(json_value& item) {
  if (!c_.schema || c_.schema.accepts(item, purse_))
    return;
  for (const auto& fault : c_.schema.check(item, purse_)) {
    auto* secret = const_cast<json_value*>(at_pointer(item, fault.instance)); // of `item`, which is no constant
    if (fault.keyword != "type" || !is_kept_secret(item, fault.instance))
      continue;
    const auto token = *secret;
    auto suits = [&](json_value number) {
      *secret = std::move(number);
      const auto left = c_.schema.check(item, purse_);
      return !purse_.empty() && std::none_of(left.begin(), left.end(), [&](const schema_fault& f) { return f.instance == fault.instance; });
    };
    const auto* of_base = at_pointer(c_.spec.base, fault.instance);
    bool found = of_base != nullptr && of_base->is_number() && suits(*of_base);
    for (auto number : {0, 1, 1'000, 100'000, 1'000'000})
      found = found || suits(json_value::of_number(static_cast<std::int64_t>(number)));
    if (!found)
      *secret = token;
    tell("not kept: body" + fault.instance + " is a secret, and " + (found ? "a number of ours stands in its place" : "stands there as a text"));
  }
}

/// Notes why `name` could not be in the item, or not go from it. What the path says of an item is none of the body's.
void collection_turn::leave_out(const std::string& name, const json_value& with_it) {
  const bool of_path = std::any_of(c_.spec.from_path.begin(), c_.spec.from_path.end(), [&](const path_member& p) { return p.member == name; });
  if (of_path || left_out_.size() >= limits::schema_faults)
    return;
  auto faults = c_.schema.check(with_it, purse_);
  std::erase_if(faults, [&](const schema_fault& f) { return is_kept_secret(with_it, f.instance); });
  if (faults.empty())
    faults.push_back({told_pointer(pointer_to("", name)), "", "", "does not fit"});
  faults.front().schema = told_pointer(place_in_document(faults.front().schema));
  left_out_.push_back({{"body", told_pointer(name)}, std::move(faults.front())});
}

/// `least` with as many members of `wanted` as fit. A null takes a member away where it `removes`, or where it may not be one.
json_value collection_turn::one_by_one(json_value least, const json_value& wanted, bool removes) {
  for (std::size_t i = 0; i < wanted.items.size() && !purse_.empty(); ++i) {
    const auto& name = wanted.names[i];
    const auto& value = wanted.items[i];
    const auto at = index_of(least, name);
    const bool there = at < least.names.size();
    const bool takes_away = value.is_null() && name != c_.spec.id && there;
    if (!removes || !value.is_null()) {
      json_value before;
      if (there)
        before = std::exchange(least.items[at], value);
      else
        least.add(name, value);
      if (fits(least))
        continue;
      if (!value.is_null()) // what a null would take away is not there, or goes below
        leave_out(name, least);
      if (there) {
        least.items[at] = std::move(before);
      } else {
        least.names.pop_back();
        least.items.pop_back();
      }
    }
    if (!takes_away)
      continue;
    auto before = least.items[at];
    drop(least, name);
    if (fits(least))
      continue;
    leave_out(name, least);
    least.add(name, std::move(before));
  }
  least.seal();
  return least;
}

/// `least` with the members of `wanted`, but those that would make it something else than the schema describes. If `least` does not fit itself (the
/// document contradicts itself, or someone put other data there), the request may at least make nothing worse.
outcome<json_value> collection_turn::fitted(json_value least, const json_value& wanted, bool removes) {
  if (least.items.size() + wanted.items.size() > 2 * limits::collection_item_members)
    return failure(errc::too_large, "the item would have more members than the limit collection_item_members (" + std::to_string(limits::collection_item_members) + ")");
  auto all = joined(least, wanted, removes, [](const json_value&, const json_value& value) { return value; });
  if (!c_.schema || fits(all))
    return all;
  if (fits(least)) {
    if (wanted.items.size() > most_tries)
      return failure(errc::too_large, "a body whose members do not all fit may have at most " + std::to_string(most_tries) + " of them");
    auto out = one_by_one(std::move(least), wanted, removes);
    if (purse_.empty())
      return failure(errc::too_large, "holding the item against its schema costs more than a request may");
    return out;
  }
  if (auto ok = fits_as_well(all, least, "body"); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  return all;
}

/// Fails where something is wrong with `item` that was not with `before`: what it is, is then in `left_out_`, at `in`.
outcome<void> collection_turn::fits_as_well(const json_value& item, const json_value& before, const char* in) {
  if (item.items.size() > 2 * limits::collection_item_members)
    return failure(errc::too_large, "the item would have more members than the limit collection_item_members (" + std::to_string(limits::collection_item_members) + ")");
  if (!c_.schema || fits(item))
    return {};
  const auto known = c_.schema.check(before, purse_);
  const auto faults = c_.schema.check(item, purse_);
  if (purse_.empty())
    return failure(errc::too_large, "holding the item against its schema costs more than a request may");
  left_out_.clear();
  for (auto f : faults)
    if (std::find(known.begin(), known.end(), f) == known.end() && !is_kept_secret(item, f.instance)) {
      f.schema = told_pointer(place_in_document(f.schema));
      left_out_.push_back({{in}, std::move(f)});
    }
  return left_out_.empty() ? outcome<void>{} : failure(errc::invalid, "the item does not fit its schema");
}

} // namespace hourglass::mock
