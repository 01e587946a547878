#include "mock/collection_view.hpp"

#include "events/digest.hpp"
#include "mock/collection_id.hpp"
#include "mock/collection_limits.hpp"

#include <algorithm>
#include <charconv>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::string_view marks = "sbx.collections";
constexpr std::size_t longest_key = 128; // mock/data.hpp
constexpr std::int64_t most_number = std::int64_t{1} << 53; // beyond it JSON numbers are not exact everywhere
constexpr std::int64_t most_mark = std::int64_t{1} << 52;   // a larger one that a request gives does not have us count on from there
constexpr std::size_t most_unfit = 3;                       // ids that the schema refuses, before we look elsewhere

/// Stored values are compact JSON.
bool is_item(const std::string& text) { return !text.empty() && text.front() == '{'; }

std::string prefix_of(std::span<const std::string> parents) {
  std::string out;
  for (const auto& p : parents)
    out += collection_key(p) + "::";
  return out;
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t out = 0;
  auto [rest, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc{} && rest == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

} // namespace

collection_view::collection_view(const collection& c, const data_state& data, std::span<const std::string> captures, const events::context& ctx)
  : c_(c), data_(data), captures_(captures), ctx_(ctx), prefix_(prefix_of(captures.first(c.spec.captures - 1))), view_(data) {}

const data_state::items* collection_view::stored() const {
  auto at = data_.namespaces.find(c_.spec.space);
  return at != data_.namespaces.end() ? &at->second : nullptr;
}

std::string collection_view::mark_key() const {
  auto key = prefix_.empty() ? c_.spec.space : c_.spec.space + "::" + prefix_.substr(0, prefix_.size() - 2);
  return key.size() <= longest_key ? key : events::to_hex(events::as_text(events::sha256({key})));
}

bool collection_view::changed() const {
  if (data_.find(marks, mark_key()) != nullptr)
    return true;
  const auto* items = stored();
  if (items == nullptr)
    return false;
  auto first = items->lower_bound(prefix_);
  return first != items->end() && first->first.starts_with(prefix_);
}

const json_value* collection_view::seed_of(std::string_view key) const {
  auto at = std::find(c_.seed_keys.begin(), c_.seed_keys.end(), key);
  return at != c_.seed_keys.end() ? &c_.spec.seeds[static_cast<std::size_t>(at - c_.seed_keys.begin())] : nullptr;
}

std::optional<json_value> collection_view::find(std::string_view id) const {
  if (!changed()) {
    const auto* seed = seed_of(collection_key(id));
    if (seed == nullptr)
      return std::nullopt;
    auto out = *seed;
    set_from_path(out);
    return out;
  }
  const auto* text = data_.find(c_.spec.space, key_of(id));
  auto item = text != nullptr && is_item(*text) ? parse_json(*text) : failure(errc::not_found, "");
  return item ? std::optional{std::move(*item)} : std::nullopt;
}

bool collection_view::taken(std::string_view id) const {
  return changed() ? data_.find(c_.spec.space, key_of(id)) != nullptr : seed_of(collection_key(id)) != nullptr;
}

bool collection_view::has_parents() const {
  for (const auto* above = c_.parent.get(); above != nullptr; above = above->parent.get())
    if (!collection_view{*above, data_, captures_, ctx_}.find(captures_[above->spec.captures - 1]))
      return false;
  return true;
}

std::vector<collection_view::entry> collection_view::entries() const {
  std::vector<entry> out;
  if (!changed()) {
    for (std::size_t i = 0; i < c_.seed_keys.size(); ++i)
      out.push_back({c_.seed_keys[i], nullptr, i});
    return out;
  }
  const auto* items = stored();
  if (items == nullptr)
    return out;
  for (auto at = items->lower_bound(prefix_); at != items->end() && at->first.starts_with(prefix_) && out.size() < limits::collection_items; ++at)
    if (is_item(at->second))
      out.push_back({std::string_view{at->first}.substr(prefix_.size()), &at->second, 0});
  if (c_.spec.kind == id_kind::integer)
    std::stable_sort(out.begin(), out.end(), [](const entry& a, const entry& b) { // as numbers
      return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : a.key < b.key;
    });
  return out;
}

json_value collection_view::item(const entry& e) const {
  if (e.text == nullptr) {
    auto out = c_.spec.seeds[e.seed];
    set_from_path(out);
    return out;
  }
  auto value = parse_json(*e.text);
  return value ? std::move(*value) : json_value{};
}

void collection_view::set_from_path(json_value& item) const {
  for (const auto& p : c_.spec.from_path) {
    if (p.capture >= captures_.size() || !item.is_object())
      continue;
    const auto& text = captures_[p.capture];
    const auto number = p.number ? number_in(text) : std::nullopt;
    if (number || !p.number)
      item.set(p.member, number ? json_value::of_number(*number) : json_value::of(text));
  }
}

json_value collection_view::id_of(std::string_view text) const {
  const auto number = c_.spec.kind == id_kind::integer ? number_in(text) : std::nullopt;
  return number && std::to_string(*number) == text ? json_value::of_number(*number) : json_value::of(std::string{text}); // 007 is no other name of 7
}

/// Of those that were ever given, as far as it is known.
std::int64_t collection_view::last_number() const {
  if (c_.spec.kind != id_kind::integer)
    return 0;
  std::int64_t last = 0;
  if (const auto* mark = data_.find(marks, mark_key()))
    if (auto v = parse_json(*mark); v && v->member("last") != nullptr && v->member("last")->as_integer(last))
      return last;
  for (const auto& e : entries())
    last = std::max(last, number_in(e.key).value_or(0));
  return last;
}

std::optional<json_value> collection_view::fresh_number(const std::function<bool(const json_value&)>& fits) const {
  std::optional<json_value> unfit; // what is given if none fits: then the document contradicts itself
  auto look = [&](std::int64_t number, std::int64_t step) -> std::optional<json_value> {
    std::size_t wrong = 0;
    for (std::size_t tries = 0; tries <= limits::collection_items && number > 0 && number < most_number && wrong < most_unfit; ++tries, number += step) {
      if (taken(std::to_string(number)))
        continue;
      auto id = json_value::of_number(number);
      if (fits(id))
        return id;
      ++wrong;
      if (!unfit)
        unfit = std::move(id);
    }
    return std::nullopt;
  };
  const auto last = std::min(last_number(), most_number - 1);
  if (auto next = look(last + 1, 1))
    return next;
  if (auto below = look(last, -1)) // the top is reached
    return below;
  auto first = look(1, 1);
  return first ? first : unfit;
}

std::optional<json_value> collection_view::fresh_id(const std::function<bool(const json_value&)>& fits) const {
  if (c_.spec.kind == id_kind::integer)
    return fresh_number(fits);
  id_chance chance{ctx_.chance, c_.spec.space};
  std::optional<json_value> unfit;
  for (std::size_t attempt = 0; attempt < 8; ++attempt) {
    auto id = made_id(c_.spec, chance, attempt);
    if (taken(id))
      continue;
    auto value = json_value::of(std::move(id));
    if (fits(value))
      return value;
    if (!unfit)
      unfit = std::move(value);
  }
  return unfit;
}

outcome<void> collection_view::mark(std::int64_t last) {
  std::string text = "{}";
  if (c_.spec.kind == id_kind::integer)
    text = R"({"last":)" + std::to_string(last) + '}';
  return view_.put(std::string{marks}, mark_key(), text);
}

outcome<void> collection_view::write_seeds() {
  if (changed())
    return {};
  for (std::size_t i = 0; i < c_.seed_keys.size(); ++i)
    if (auto ok = view_.put(c_.spec.space, prefix_ + c_.seed_keys[i], to_text(item({c_.seed_keys[i], nullptr, i}))); !ok)
      return ok;
  return mark(last_number());
}

outcome<void> collection_view::put(std::string_view id, const json_value& item) {
  const auto key = key_of(id);
  if (key.size() > longest_key)
    return failure(errc::invalid, "the id is too long to be kept");
  const auto* items = stored();
  if (items != nullptr && items->size() >= limits::collection_items && !items->contains(key))
    return failure(errc::too_large, "more items than the limit collection_items (" + std::to_string(limits::collection_items) + ")");
  if (auto ok = write_seeds(); !ok)
    return ok;
  if (auto number = number_in(id); number && c_.spec.kind == id_kind::integer && *number > last_number() && *number <= most_mark)
    if (auto ok = mark(*number); !ok)
      return ok;
  return view_.put(c_.spec.space, key, to_text(item));
}

outcome<void> collection_view::remove(std::string_view id) {
  if (auto ok = write_seeds(); !ok)
    return ok;
  if (auto ok = mark(last_number()); !ok) // so that a collection which is empty now stays so
    return ok;
  auto removed = view_.remove(c_.spec.space, key_of(id));
  if (!removed)
    return tl::unexpected<events::error>{std::move(removed).error()};
  return {};
}

} // namespace hourglass::mock
