// From an XML body to the value that its schema means.
#include "mock/xml.hpp"

#include "events/json_text.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <optional>

#include <pugixml.hpp>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t deepest = 64; ///< elements within elements

std::string_view without_prefix(std::string_view name) { return name.substr(std::min(name.find(':') + 1, name.size())); }
std::string_view name_of(const pugi::xml_node& e) { return without_prefix(e.name()); }

bool is_element(const pugi::xml_node& n) { return n.type() == pugi::node_element; }
bool is_text(const pugi::xml_node& n) { return n.type() == pugi::node_pcdata || n.type() == pugi::node_cdata; }
bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool has_elements(const pugi::xml_node& e) {
  return std::any_of(e.begin(), e.end(), is_element);
}

std::string text_in(const pugi::xml_node& e) {
  std::string out;
  for (const auto& n : e)
    if (is_text(n))
      out += n.value();
  return out;
}

bool is_nil(const pugi::xml_node& e) {
  for (const auto& a : e.attributes())
    if (without_prefix(a.name()) == "nil" && without_prefix(a.name()) != a.name())
      return std::string_view{a.value()} == "true" || std::string_view{a.value()} == "1";
  return false;
}

class xml_reader {
public:
  explicit xml_reader(reading& how) : how_(how) {}

  json_value value_of(const pugi::xml_node& e, const schema_walk& as, std::size_t depth) {
    if (!how_.purse.spend(1) || depth > deepest) {
      too_deep_ = too_deep_ || depth > deepest;
      return {};
    }
    if (is_nil(e))
      return {};
    auto text = text_in(e);
    const bool elements = has_elements(e);
    mixed_ = mixed_ || (elements && !is_blank(text));
    if (as.allows_array() && !as.allows_object() && !as.allows_string() && (elements || is_blank(text)))
      return wrapped(e, as, {}, depth);
    if (elements || (as.allows_object() && is_blank(text)))
      return object_of(e, as, depth);
    return typed(std::move(text), as);
  }

  bool mixed() const noexcept { return mixed_; }
  bool too_deep() const noexcept { return too_deep_; }

private:
  struct property {
    std::string name;
    bool attribute = false;
  };

  json_value typed(std::string text, const schema_walk& as) {
    if (!as.allows_string())
      text = trimmed(text); // what is no text may be laid out
    return typed_text(std::move(text), as, how_);
  }

  /// Names of elements and attributes, and the properties that they are.
  std::map<std::string, property, std::less<>> names_of(const schema_walk& as) {
    std::map<std::string, property, std::less<>> out;
    for (auto name : as.members(how_.purse)) {
      const auto m = as.member(name, how_.purse);
      const auto hint = m.xml();
      const property p{std::string{name}, hint.attribute};
      out.insert_or_assign(std::string{name}, p);
      if (!hint.name.empty())
        out.insert_or_assign(std::string{hint.name}, p);
      if (m.allows_array() && !hint.wrapped)
        if (auto item = m.element(0, how_.purse).xml(); !item.name.empty())
          out.try_emplace(std::string{item.name}, p);
      if (how_.purse.empty())
        break;
    }
    return out;
  }

  json_value object_of(const pugi::xml_node& e, const schema_walk& as, std::size_t depth) {
    const auto known = names_of(as);
    std::map<std::string, std::vector<pugi::xml_node>, std::less<>> groups;
    std::vector<std::string> order;
    auto out = json_value::object();
    std::set<std::string_view> attributes;
    for (const auto& a : e.attributes())
      if (auto at = known.find(without_prefix(a.name())); at != known.end() && at->second.attribute && attributes.insert(at->second.name).second)
        out.add(at->second.name, typed(a.value(), as.member(at->second.name, how_.purse)));
    for (const auto& child : e) {
      if (!is_element(child))
        continue;
      const auto at = known.find(name_of(child));
      auto name = at != known.end() ? at->second.name : std::string{name_of(child)};
      auto [group, fresh] = groups.try_emplace(std::move(name));
      if (fresh)
        order.push_back(group->first);
      group->second.push_back(child);
    }
    for (const auto& name : order) {
      if (how_.purse.empty())
        break;
      const auto& all = groups.find(name)->second;
      auto value = member_of(all, as.member(name, how_.purse), name, depth);
      if (attributes.contains(name)) // gives way
        out.set(name, std::move(value));
      else
        out.add(name, std::move(value));
    }
    out.seal();
    return out;
  }

  /// A property's value of all elements that are it.
  json_value member_of(const std::vector<pugi::xml_node>& all, const schema_walk& as, std::string_view name, std::size_t depth) {
    const bool list = as.allows_array() && !as.allows_object() && !as.allows_string();
    if (!list && all.size() == 1)
      return value_of(all.front(), as, depth + 1);
    if (list && as.xml().wrapped && all.size() == 1)
      return wrapped(all.front(), as, name, depth + 1);
    auto out = json_value::array();
    for (const auto& e : all)
      out.items.push_back(value_of(e, list ? as.element(out.items.size(), how_.purse) : as, depth + 1));
    return out;
  }

  /// The elements within `e` as an array, if they are what it should have; else what they look like. `outer`: the property; empty at the root.
  json_value wrapped(const pugi::xml_node& e, const schema_walk& as, std::string_view outer, std::size_t depth) {
    if (depth > deepest) {
      too_deep_ = true;
      return {};
    }
    auto text = text_in(e);
    if (!is_blank(text)) {
      mixed_ = mixed_ || has_elements(e);
      return json_value::of(std::move(text));
    }
    const auto hint = as.xml().name;
    const auto item = as.element(0, how_.purse).xml().name;
    auto out = json_value::array();
    for (const auto& child : e) {
      if (!is_element(child))
        continue;
      const auto name = name_of(child);
      if (!(item.empty() ? outer.empty() || name == outer || name == hint : name == item))
        return object_of(e, as, depth);
      out.items.push_back(value_of(child, as.element(out.items.size(), how_.purse), depth + 1));
      if (how_.purse.empty())
        break;
    }
    return out;
  }

  reading& how_;
  bool mixed_ = false;
  bool too_deep_ = false;
};

} // namespace

outcome<xml_body> read_xml(std::string_view text, const schema_walk& as, reading& how) {
  const bool legal = events::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
  });
  if (!legal)
    return failure(errc::invalid, "is not UTF-8, or has characters that XML has not");
  constexpr auto most = 10 * limits::parameter_parts; // a tree of elements is many times their text
  if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '<') + std::count(text.begin(), text.end(), '=')) > most) {
    how.cut = true;
    return xml_body{};
  }
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
  if (!parsed)
    return failure(errc::invalid, parsed.description(), place_of(text, static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0))));
  const auto roots = std::count_if(document.begin(), document.end(), is_element);
  if (roots != 1)
    return failure(errc::invalid, "has " + std::to_string(roots) + " root elements");
  const auto root = document.document_element();
  xml_reader in{how};
  xml_body out;
  out.root = name_of(root);
  out.value = in.value_of(root, as, 0);
  if (in.too_deep())
    return failure(errc::invalid, "has elements more than " + std::to_string(deepest) + " deep");
  if (in.mixed())
    return failure(errc::invalid, "has an element with text beside elements");
  return out;
}

} // namespace hourglass::mock
