#include "events/erasure.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <nlohmann/json.hpp>

namespace hourglass::events {

using nlohmann::json;

namespace {

bool from_hex(const std::string& text, hash& into) {
  if (text.size() != 2 * into.size())
    return false;
  auto nibble = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    into[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

tl::unexpected<error> lost(seq at, const char* what) {
  return failure(errc::corrupt, "event " + std::to_string(at) + what, std::to_string(at));
}

} // namespace

void write_erased_items(json_text& to, const std::vector<erased_item>& items) {
  to.key("items").open_array();
  for (const auto& item : items)
    to.open_object()
        .key("seq")
        .value(item.seq)
        .key("id")
        .value(item.id)
        .key("left")
        .value(to_hex(as_text(item.left)))
        .close_object();
  to.close_array();
}

outcome<std::vector<erased_item>> read_erased_items(std::string_view payload) {
  const auto broken = [] {
    return failure(errc::corrupt, "content.erased: member `items` is missing or wrong", "items");
  };
  const auto object = json::parse(payload, nullptr, false);
  if (!object.is_object())
    return broken();
  const auto items = object.find("items");
  if (items == object.end() || !items->is_array())
    return broken();
  std::vector<erased_item> out;
  out.reserve(items->size());
  for (const auto& one : *items) {
    if (!one.is_object())
      return broken();
    const auto at = one.find("seq"), id = one.find("id"), left = one.find("left");
    erased_item item;
    if (at == one.end() || !at->is_number_unsigned() || id == one.end() || !id->is_string() ||
        left == one.end() || !left->is_string() ||
        !from_hex(left->get_ref<const std::string&>(), item.left))
      return broken();
    item.seq = at->get<events::seq>();
    item.id = id->get<std::string>();
    out.push_back(std::move(item));
  }
  return out;
}

outcome<void> erasure_check::see(const record& next) {
  if (next.erased) {
    unexplained_.emplace(next.header.seq, sha256({next.payload}));
    return {};
  }
  if (next.header.kind != kind::content_erased)
    return {};
  const auto items = read_erased_items(next.payload);
  if (!items)
    return tl::unexpected{items.error()};
  for (const auto& item : *items) {
    const auto found = unexplained_.find(item.seq);
    if (found == unexplained_.end())
      continue; // explained before, or whole: a copy that was made before
    if (found->second != item.left)
      return lost(item.seq, " was erased, and something else is left of it than was written down");
    unexplained_.erase(found);
  }
  return {};
}

outcome<void> erasure_check::finish() const {
  if (unexplained_.empty())
    return {};
  return lost(unexplained_.begin()->first, " lost content, and no event of its stream says so");
}

} // namespace hourglass::events
