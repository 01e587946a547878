// Collections and what operations do to them, as JSON: in events and snapshots, and as the API shows it.
#include "mock/collection.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

constexpr std::array<std::string_view, 6> roles{"list", "create", "get", "replace", "merge", "remove"};
constexpr std::array<std::string_view, 3> kinds{"integer", "uuid", "text"};
constexpr std::array<std::string_view, 3> modes{"off", "on", "empty"};

std::string text_of(const json_value& v, std::string_view name) { return std::string{v.string_member(name)}; }

void write_names(events::json_text& j, std::string_view key, const std::vector<std::string>& names) {
  if (names.empty())
    return;
  j.key(key).open_array();
  for (const auto& n : names)
    j.value(n);
  j.close_array();
}

std::vector<std::string> names_of(const json_value& v, std::string_view key) {
  std::vector<std::string> out;
  if (const auto* list = v.member(key); list != nullptr && list->is_array())
    for (const auto& item : list->items)
      out.push_back(item.text);
  return out;
}

void write_text(events::json_text& j, std::string_view key, const std::string& text) {
  if (!text.empty())
    j.key(key).value(text);
}

} // namespace

std::string_view to_string(state_mode mode) noexcept { return modes[static_cast<std::size_t>(mode)]; }

std::optional<state_mode> state_mode_from(std::string_view name) noexcept {
  const auto* at = std::find(modes.begin(), modes.end(), name);
  return at != modes.end() ? std::optional{static_cast<state_mode>(at - modes.begin())} : std::nullopt;
}

std::string_view to_string(collection_role role) noexcept { return roles[static_cast<std::size_t>(role)]; }

std::string collection_key(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '@';
    if (plain) {
      out += c;
      continue;
    }
    out += ':';
    out += digits[static_cast<unsigned char>(c) >> 4U];
    out += digits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string id_text(const json_value& id) {
  if (id.is_string())
    return id.text;
  std::int64_t whole = 0;
  return id.as_integer(whole) ? std::to_string(whole) : id.is_number() ? id.text : std::string{};
}

void write_state(const state_spec& state, events::json_text& j) {
  j.open_object().key("collection").value(state.collection).key("role").value(to_string(state.role)).key("on").value(state.on);
  if (state.id_in_body)
    j.key("id_in_body").value(true);
  j.key("shown").value(state.shown);
  write_names(j, "at", state.at);
  write_names(j, "members", state.members);
  write_names(j, "needs", state.needs);
  if (!state.filters.empty()) {
    j.key("filters").open_array();
    for (const auto& f : state.filters)
      j.open_array().value(f.name).value(f.value).close_array();
    j.close_array();
  }
  write_text(j, "limit", state.limit);
  write_text(j, "page", state.page);
  write_text(j, "offset", state.offset);
  write_text(j, "after", state.after);
  if (state.page_size != 0)
    j.key("page_size").value(state.page_size);
  if (state.page_most != 0)
    j.key("page_most").value(state.page_most);
  if (state.first_page != 1)
    j.key("first_page").value(state.first_page);
  write_names(j, "answers", state.answers);
  j.close_object();
}

events::outcome<state_spec> decode_state(const json_value& v) {
  auto corrupt = [] { return events::failure(events::errc::corrupt, "what an endpoint does to its collection does not read"); };
  state_spec out;
  out.collection = text_of(v, "collection");
  const auto* role = std::find(roles.begin(), roles.end(), v.string_member("role"));
  if (out.collection.empty() || role == roles.end())
    return corrupt();
  out.role = static_cast<collection_role>(role - roles.begin());
  out.on = v.truth_member("on");
  out.id_in_body = v.truth_member("id_in_body");
  out.shown = v.truth_member("shown");
  out.at = names_of(v, "at");
  out.members = names_of(v, "members");
  out.needs = names_of(v, "needs");
  if (const auto* filters = v.member("filters"))
    for (const auto& f : filters->items) {
      if (f.items.size() != 2)
        return corrupt();
      out.filters.push_back({f.items[0].text, f.items[1].text});
    }
  out.limit = text_of(v, "limit");
  out.page = text_of(v, "page");
  out.offset = text_of(v, "offset");
  out.after = text_of(v, "after");
  out.page_size = v.integer_member("page_size", 0);
  out.page_most = v.integer_member("page_most", 0);
  out.first_page = v.integer_member("first_page", 1);
  out.answers = names_of(v, "answers");
  return out;
}

void write_collection(const collection_spec& c, events::json_text& j) {
  j.open_object().key("namespace").value(c.space).key("path").value(c.path);
  write_text(j, "parent", c.parent);
  j.key("captures").value(c.captures).key("id").value(c.id).key("kind").value(kinds[static_cast<std::size_t>(c.kind)]);
  write_text(j, "id_like", c.id_like);
  write_text(j, "id_pattern", c.id_pattern);
  write_text(j, "schema", c.schema);
  write_names(j, "fills", c.fills);
  write_names(j, "read_only", c.read_only);
  write_names(j, "write_only", c.write_only);
  write_names(j, "created", c.created);
  write_names(j, "updated", c.updated);
  if (!c.from_path.empty()) {
    j.key("from_path").open_array();
    for (const auto& p : c.from_path)
      j.open_object().key("member").value(p.member).key("capture").value(p.capture).key("number").value(p.number).close_object();
    j.close_array();
  }
  j.key("base").raw(to_text(c.base)).key("seeds").open_array();
  for (const auto& s : c.seeds)
    j.raw(to_text(s));
  j.close_array().close_object();
}

events::outcome<collection_spec> decode_collection(const json_value& v) {
  auto corrupt = [] { return events::failure(events::errc::corrupt, "a collection of an imported document does not read"); };
  collection_spec out;
  out.space = text_of(v, "namespace");
  out.path = text_of(v, "path");
  out.parent = text_of(v, "parent");
  out.id = text_of(v, "id");
  const auto* kind = std::find(kinds.begin(), kinds.end(), v.string_member("kind"));
  const auto* base = v.member("base");
  const auto* seeds = v.member("seeds");
  out.captures = static_cast<std::size_t>(std::max<std::int64_t>(0, v.integer_member("captures", 0)));
  if (out.space.empty() || out.id.empty() || out.captures == 0 || kind == kinds.end() || base == nullptr || seeds == nullptr || !seeds->is_array())
    return corrupt();
  out.kind = static_cast<id_kind>(kind - kinds.begin());
  out.id_like = text_of(v, "id_like");
  out.id_pattern = text_of(v, "id_pattern");
  out.schema = text_of(v, "schema");
  out.fills = names_of(v, "fills");
  out.read_only = names_of(v, "read_only");
  out.write_only = names_of(v, "write_only");
  out.created = names_of(v, "created");
  out.updated = names_of(v, "updated");
  if (const auto* list = v.member("from_path"))
    for (const auto& p : list->items)
      out.from_path.push_back({text_of(p, "member"), static_cast<std::size_t>(std::max<std::int64_t>(0, p.integer_member("capture", 0))), p.truth_member("number")});
  out.base = *base;
  out.seeds = seeds->items;
  return out;
}

} // namespace hourglass::mock
