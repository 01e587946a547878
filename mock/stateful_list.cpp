// Lists of a collection: which items, and which of them.
#include "mock/collection_limits.hpp"
#include "mock/collection_turn.hpp"
#include "mock/openapi_item.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace hourglass::mock {

namespace {

std::string text_of(const json_value& v) { return v.is_string() || v.is_number() ? v.text : v.is_bool() ? (v.truth ? "true" : "false") : std::string{}; }

/// Whether `v` is what a filter names: itself, one of its elements, or what they are called. `number`: what the filter names, if it is one.
bool is_meant(const json_value& v, std::string_view wanted, const std::optional<double>& number) {
  if (v.is_array())
    return std::any_of(v.items.begin(), v.items.end(), [&](const json_value& one) { return is_meant(one, wanted, number); });
  if (v.is_object()) {
    for (const auto* name : {"id", "name"})
      if (const auto* m = v.member(name); m != nullptr && text_of(*m) == wanted)
        return true;
    return false;
  }
  return text_of(v) == wanted || (v.is_number() && number && v.as_double() == *number);
}

std::optional<double> as_number(const std::string& text) {
  auto v = parse_json(text);
  return v && v->is_number() ? std::optional{v->as_double()} : std::nullopt;
}

/// Whether any text in `v` has one of these in it.
bool mentions(const json_value& v, const std::vector<std::string>& lowered) {
  if (v.is_string()) {
    const auto text = lower(v.text);
    return std::any_of(lowered.begin(), lowered.end(), [&](const std::string& one) { return text.find(one) != std::string::npos; });
  }
  return std::any_of(v.items.begin(), v.items.end(), [&](const json_value& one) { return mentions(one, lowered); });
}

const std::string* value_of(const fields& query, const std::string& name) {
  if (name.empty())
    return nullptr;
  auto at = std::find_if(query.begin(), query.end(), [&](const field& f) { return f.name == name; });
  return at != query.end() ? &at->value : nullptr;
}

/// A number of at least `least`, or `otherwise`.
std::size_t number_of(const std::string* text, std::size_t least, std::size_t otherwise) {
  std::size_t out = 0;
  if (text == nullptr)
    return otherwise;
  auto [rest, bad] = std::from_chars(text->data(), text->data() + text->size(), out);
  return bad == std::errc{} && rest == text->data() + text->size() && out >= least ? out : otherwise;
}

} // namespace

/// A filter that is given more than once, or with commas, takes any of its values; of all filters together so many count as an answer may cost.
std::vector<collection_turn::wish> collection_turn::wishes(const fields& query) const {
  std::vector<wish> out;
  std::size_t left = limits::collection_wishes;
  for (const auto& f : s_.filters) {
    wish one{f.value, {}, {}};
    auto add = [&](std::string_view value) {
      auto meant = f.value.empty() ? lower(value) : std::string{value};
      if (left == 0 || meant.empty() || one.values.size() == limits::collection_values || std::find(one.values.begin(), one.values.end(), meant) != one.values.end())
        return;
      one.numbers.push_back(f.value.empty() ? std::nullopt : as_number(meant));
      one.values.push_back(std::move(meant));
      --left;
    };
    for (const auto& pair : query) {
      if (pair.name != f.name)
        continue;
      add(pair.value);
      std::string_view rest = pair.value;
      while (!f.value.empty() && left > 0 && rest.find(',') != std::string_view::npos) {
        add(rest.substr(0, rest.find(',')));
        rest.remove_prefix(rest.find(',') + 1);
        if (rest.find(',') == std::string_view::npos)
          add(rest);
      }
    }
    if (!one.values.empty())
      out.push_back(std::move(one));
  }
  return out;
}

bool collection_turn::matches(const json_value& item, const std::vector<wish>& all) {
  return std::all_of(all.begin(), all.end(), [&](const wish& w) {
    if (w.member.empty())
      return mentions(item, w.values);
    const auto* member = item.member(w.member);
    for (std::size_t i = 0; member != nullptr && i < w.values.size(); ++i)
      if (is_meant(*member, w.values[i], w.numbers[i]))
        return true;
    return false;
  });
}

/// Leaves of `entries` those that match. False if that would be more work than one request may be.
bool collection_turn::filter(std::vector<collection_view::entry>& entries, const std::vector<wish>& all) const {
  std::size_t times = 0;
  for (const auto& w : all)
    times += w.values.size();
  auto left = limits::collection_filter_bytes;
  for (const auto& e : entries) {
    const auto cost = e.text != nullptr ? e.text->size() * times : 0;
    if (cost > left)
      return false;
    left -= cost;
  }
  if (times > 0)
    std::erase_if(entries, [&](const collection_view::entry& e) { return !matches(items_.item(e), all); });
  return true;
}

/// How many entries end at the key `after`, or before it if it is not there (any more).
std::size_t collection_turn::behind(const std::vector<collection_view::entry>& entries, std::string_view after) const {
  const auto key = collection_key(after);
  const bool numbers = c_.spec.kind == id_kind::integer;
  auto at = std::find_if(entries.begin(), entries.end(), [&](const collection_view::entry& e) { return e.key == key; });
  if (at != entries.end())
    return static_cast<std::size_t>(at - entries.begin()) + 1;
  at = std::find_if(entries.begin(), entries.end(), [&](const collection_view::entry& e) {
    return numbers && key.size() != e.key.size() ? key.size() < e.key.size() : std::string_view{key} < e.key;
  });
  return static_cast<std::size_t>(at - entries.begin());
}

response collection_turn::list() {
  const auto query = parse_query(split_target(req_.target).query);
  auto entries = items_.entries();
  if (!filter(entries, wishes(query)))
    return refuse(422, "too-much-to-look-at", "Too much to look at",
                  "these filters look at more than the limit collection_filter_bytes (" + std::to_string(limits::collection_filter_bytes) + ") of items, for each value once");
  page_.total = entries.size();
  const bool pages = !s_.limit.empty() || !s_.page.empty() || !s_.offset.empty() || !s_.after.empty();
  const auto largest = !pages ? limits::collection_items : s_.page_most > 0 ? std::min(static_cast<std::size_t>(s_.page_most), limits::collection_page) : limits::collection_page;
  const auto otherwise = s_.page_size > 0 ? static_cast<std::size_t>(s_.page_size) : largest; // without parameters that page nobody could ask for the rest
  page_.size = std::min(number_of(value_of(query, s_.limit), 1, otherwise), largest);
  const auto first = static_cast<std::size_t>(s_.first_page);
  page_.number = number_of(value_of(query, s_.page), first, first);
  page_.offset = std::min(number_of(value_of(query, s_.offset), 0, 0), page_.total); // no number is large enough to come round
  if (!s_.page.empty())
    page_.offset += std::min(page_.number - first, page_.total) * page_.size;
  if (const auto* after = value_of(query, s_.after); after != nullptr && !after->empty())
    page_.offset += behind(entries, *after);
  page_.offset = std::min(page_.offset, page_.total);
  const auto end = std::min(page_.offset + page_.size, page_.total);
  page_.more = end < page_.total;
  std::vector<json_value> shown;
  std::size_t bytes = 0;
  for (auto i = page_.offset; i < end && bytes <= limits::template_output_bytes; ++i) {
    bytes += entries[i].text != nullptr ? entries[i].text->size() : 0;
    shown.push_back(items_.item(entries[i]));
    page_.more = i + 1 < page_.total;
  }
  if (!shown.empty())
    if (const auto* id = shown.back().member(c_.spec.id))
      page_.last = id_text(*id);
  return show_all(std::move(shown));
}

/// What stands around the items and counts them: each only if the example has it there, and of that type.
void collection_turn::count_pages(json_value& around, std::size_t depth) const {
  for (std::size_t i = 0; i < around.items.size() && i < around.names.size(); ++i) {
    auto& v = around.items[i];
    const auto plain = plain_name(around.names[i]);
    auto is = [&](std::initializer_list<std::string_view> names) { return std::find(names.begin(), names.end(), plain) != names.end(); };
    if (v.is_object() && depth == 0 && is({"meta", "metadata", "pagination", "paging", "page", "pageinfo"}))
      count_pages(v, 1);
    if (v.is_number()) {
      const bool all = is({"total", "totalcount", "totalitems", "totalresults", "totalelements", "totalrecords", "count"});
      const auto pages = page_.size > 0 ? (page_.total + page_.size - 1) / page_.size : 0;
      if (all)
        v = json_value::of_number(static_cast<std::int64_t>(page_.total));
      else if (is({"totalpages", "pages", "pagecount"}))
        v = json_value::of_number(static_cast<std::int64_t>(pages));
      else if (is({"limit", "perpage", "pagesize", "size"}))
        v = json_value::of_number(static_cast<std::int64_t>(page_.size));
      else if (is({"offset", "skip", "start"}))
        v = json_value::of_number(static_cast<std::int64_t>(page_.offset));
      else if (is({"page", "pagenumber", "currentpage"}))
        v = json_value::of_number(static_cast<std::int64_t>(page_.number));
    } else if (v.is_bool() && is({"hasmore", "hasnext", "hasnextpage", "more"})) {
      v.truth = page_.more;
    } else if (v.is_string() && is({"nextcursor", "nextmarker", "nextpagetoken", "nexttoken", "endcursor", "lastid"})) {
      v.text = plain == "lastid" || page_.more ? page_.last : std::string{};
    }
  }
}

} // namespace hourglass::mock
