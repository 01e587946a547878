#include "mock/xml_path.hpp"

#include "mock/match_limits.hpp"

#include <algorithm>
#include <limits>

#include <pugixml.hpp>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

struct xml_document::inside {
  pugi::xml_document document;
};

struct xml_path::query {
  explicit query(const std::string& text) : compiled(text.c_str()) {}
  pugi::xpath_query compiled;
};

namespace {

constexpr std::size_t most_found = 1'000;
constexpr std::size_t deepest = 128; // the engine recurses once an element

struct census : pugi::xml_tree_walker {
  std::size_t nodes = 0;
  std::size_t depth_seen = 0;
  bool for_each(pugi::xml_node& node) override {
    nodes += 1 + static_cast<std::size_t>(std::distance(node.attributes_begin(), node.attributes_end()));
    depth_seen = std::max(depth_seen, static_cast<std::size_t>(depth()));
    return depth_seen <= deepest;
  }
};

/// How many steps of an expression may go far from where they start: `//`, `..`, axes by name, and absolute paths that do not stand at the beginning.
/// Texts in quotes count, too, which is only too careful.
std::size_t wide_steps(std::string_view text) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto pair = text.substr(i, 2);
    const bool is_step = pair == "//" || pair == ".." || pair == "::";
    const char before = i > 0 ? text[i - 1] : '(';
    const bool continues = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') || (before >= '0' && before <= '9') ||
                           std::string_view{"_.-*])/"}.find(before) != std::string_view::npos || static_cast<unsigned char>(before) >= 0x80;
    const bool absolute = text[i] == '/' && i > 0 && !continues;
    out += is_step || absolute ? 1 : 0;
    i += is_step ? 1 : 0;
  }
  return out;
}

/// Comparisons of which neither side is a text or a number as it is written: each node of one may be compared with each of the other.
std::size_t wide_comparisons(std::string_view text) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=' && text[i] != '<' && text[i] != '>')
      continue;
    const auto before = text.find_last_not_of("!<> \t\r\n", i > 0 ? i - 1 : 0);
    i += text.substr(i + 1).starts_with('=') ? 1 : 0;
    const auto after = text.find_first_not_of(" \t\r\n", i + 1);
    const bool to_text = before != std::string_view::npos && (text[before] == '\'' || text[before] == '"');
    const bool of_literal = after != std::string_view::npos && std::string_view{"'\"0123456789"}.find(text[after]) != std::string_view::npos;
    out += to_text || of_literal ? 0 : 1;
  }
  return out;
}

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  const auto most = std::numeric_limits<std::uint64_t>::max();
  return b != 0 && a > most / b ? most : a * b;
}

} // namespace

xml_document::xml_document() : self_(std::make_unique<inside>()) {}
xml_document::~xml_document() = default;

std::shared_ptr<const xml_document> xml_document::read(std::string_view bytes) {
  if (bytes.size() > limits::xml_bytes)
    return nullptr;
  std::shared_ptr<xml_document> out{new xml_document};
  // `parse_default` expands the five entities of XML itself and those by number, and no other.
  if (!out->self_->document.load_buffer(bytes.data(), bytes.size(), pugi::parse_default))
    return nullptr;
  census count;
  out->self_->document.traverse(count);
  if (count.depth_seen > deepest)
    return nullptr;
  out->nodes_ = count.nodes;
  out->text_bytes_ = (count.depth_seen + 1) * bytes.size();
  return out;
}

outcome<xml_path> xml_path::compile(std::string_view text) {
  if (text.size() > limits::xpath_bytes)
    return failure(errc::too_large, "is longer than the limit xpath_bytes (" + std::to_string(limits::xpath_bytes) + ")");
  if (text.find('\0') != std::string_view::npos)
    return failure(errc::invalid, "has a NUL");
  xml_path out;
  try {
    out.query_ = std::make_shared<const query>(std::string{text});
  } catch (const pugi::xpath_exception& e) { // the only way the library tells
    return failure(errc::invalid, std::string{e.what()} + " (1:" + std::to_string(e.result().offset + 1) + ")");
  }
  const bool from_anywhere = text.starts_with("//"); // visits each node once
  out.wide_ = wide_steps(text) - (from_anywhere ? 1 : 0) + wide_comparisons(text);
  out.deeds_ = 1 + static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return std::string_view{"([,|=<>"}.find(c) < 7; }));
  out.letters_ = text.find("translate") != std::string_view::npos ? text.size() : 1; // looks each letter up
  return out;
}

xml_path::found xml_path::find(const xml_document& document, schema_purse& purse) const {
  found out;
  const auto n = static_cast<std::uint64_t>(document.nodes()) + 1;
  auto cost = times(n + times(document.text_bytes() / 16, letters_), deeds_);
  for (std::size_t i = 0; i < wide_ && cost <= purse.left; ++i)
    cost = times(cost, n);
  if (cost >= purse.left) {
    out.complete = false;
    return out;
  }
  purse.spend(cost);
  const auto& root = document.self().document;
  const auto& compiled = query_->compiled;
  if (compiled.return_type() == pugi::xpath_type_boolean && !compiled.evaluate_boolean(root))
    return out;
  if (compiled.return_type() != pugi::xpath_type_node_set) {
    out.texts.push_back(compiled.evaluate_string(root));
    return out;
  }
  for (const auto& node : compiled.evaluate_node_set(root)) {
    if (out.texts.size() == most_found || purse.empty()) {
      out.complete = false;
      break;
    }
    std::string text = node.attribute() ? node.attribute().value() : std::string{};
    if (!node.attribute()) {
      static const pugi::xpath_query value{"string(.)"};
      text = value.evaluate_string(node);
    }
    purse.spend(1 + text.size() / 16);
    out.texts.push_back(std::move(text));
  }
  return out;
}

} // namespace hourglass::mock
