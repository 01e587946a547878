#include "mock/openapi_bundle.hpp"

#include "mock/document_limits.hpp"

#include <algorithm>
#include <set>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::string_view others = "documents";

std::size_t size_of(const json_value& v) {
  std::size_t n = 1;
  for (const auto& item : v.items)
    n += size_of(item);
  return n;
}

/// What is no schema and may look like a reference.
bool is_data(std::string_view keyword) { return keyword == "example" || keyword == "default" || keyword == "const" || keyword == "enum" || keyword == "value"; }

/// Whose members are called as their author likes: `default` is a response there, and `value` a schema.
bool has_names(std::string_view keyword) {
  static constexpr std::string_view all[] = {"properties",    "patternProperties", "dependentSchemas", "$defs",           "definitions", "schemas",
                                             "responses",     "parameters",        "examples",         "requestBodies",   "headers",     "links",
                                             "callbacks",     "pathItems",         "webhooks",         "securitySchemes", "encoding"};
  return std::find(std::begin(all), std::end(all), keyword) != std::end(all);
}

/// `name`, as it stands in the document `in`, among all documents: `../b.yaml` in `a/x.yaml` is `b.yaml`.
std::string resolved(std::string_view in, std::string_view name) {
  if (name.find("://") != std::string_view::npos)
    return std::string{name};
  std::string path;
  if (name.starts_with('/')) {
    auto host = in.find("://");
    auto slash = host != std::string_view::npos ? in.find('/', host + 3) : 0;
    path = std::string{in.substr(0, std::min(slash, in.size()))} + std::string{name};
  } else {
    path = std::string{in.substr(0, in.rfind('/') == std::string_view::npos ? 0 : in.rfind('/') + 1)} + std::string{name};
  }
  auto scheme = path.find("://");
  const auto begin = scheme != std::string::npos ? scheme + 3 : 0;
  std::vector<std::string> parts;
  for (std::size_t from = begin; from <= path.size();) {
    auto end = std::min(path.find('/', from), path.size());
    auto part = path.substr(from, end - from);
    from = end + 1;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (part != ".")
      parts.push_back(std::move(part));
  }
  std::string out = path.substr(0, begin);
  for (std::size_t i = 0; i < parts.size(); ++i)
    out += (i == 0 ? "" : "/") + parts[i];
  return out;
}

std::string told(const std::string& name) { return name.size() <= 200 ? name : "a name of " + std::to_string(name.size()) + " bytes"; }

/// Where a value stands, told only if there is something to tell: a pointer of each would be as long as all names above it.
struct place_below {
  const place_below* above = nullptr;
  std::string_view name; ///< of the first: a pointer
  std::size_t index = 0;
  bool member = true;

  std::string pointer() const {
    if (above == nullptr)
      return std::string{name};
    return member ? pointer_to(above->pointer(), name) : above->pointer() + '/' + std::to_string(index);
  }
};

/// Calls `see(reference, where)` for each `$ref` below `v`, which is the value of the keyword `of`, if of any; stops and gives what it says.
template <class Value, class See>
std::optional<events::error> each_reference(Value& v, const place_below& at, std::string_view of, const See& see) {
  const auto names = has_names(of);
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    const auto member = v.is_object();
    if (member && !names && is_data(v.names[i]))
      continue;
    const bool is_reference = member && of != "properties" && v.names[i] == "$ref" && v.items[i].is_string();
    if (!is_reference && v.items[i].items.empty())
      continue;
    const place_below where{&at, member ? std::string_view{v.names[i]} : std::string_view{}, i, member};
    auto wrong = is_reference ? see(v.items[i], where) : each_reference(v.items[i], where, member && !names ? std::string_view{v.names[i]} : std::string_view{}, see);
    if (wrong)
      return wrong;
  }
  return std::nullopt;
}

/// An object, or the text of one.
outcome<json_value> read_one(const json_value& v, const std::string& at, std::size_t& left) {
  json_value out = v;
  if (v.is_string()) {
    auto read = parse_document(v.text, {left, limits::json_depth});
    if (!read) {
      auto e = std::move(read).error();
      e.where = at + (e.where.empty() ? "" : ":" + e.where);
      return tl::unexpected<events::error>{std::move(e)};
    }
    out = std::move(*read);
  }
  if (!out.is_object())
    return failure(errc::invalid, "must be a document, as an object or as its text", at);
  left -= std::min(left, size_of(out));
  if (left == 0)
    return failure(errc::too_large, "all documents together have more values than the limit document_nodes (" + std::to_string(limits::document_nodes) + ")", at);
  return out;
}

} // namespace

bool openapi_bundle::is_one(const json_value& root) {
  return root.is_object() && root.member("document") != nullptr && root.member("openapi") == nullptr && root.member("swagger") == nullptr;
}

outcome<json_value> openapi_bundle::join(json_value root) {
  for (const auto& name : root.names)
    if (name != "document" && name != others)
      return failure(errc::invalid, "is not known here; there are document and documents", pointer_to("", name));
  auto left = limits::document_nodes;
  auto main = read_one(*root.member("document"), "/document", left);
  if (!main)
    return main;
  auto all = json_value::object();
  std::set<std::string, std::less<>> names;
  const auto* given = root.member(others);
  if (given != nullptr && !given->is_object())
    return failure(errc::invalid, "must be an object of documents by their names", "/documents");
  for (std::size_t i = 0; given != nullptr && i < given->items.size(); ++i) {
    if (given->names[i].size() > limits::document_name_bytes)
      return failure(errc::invalid, "the name of a document is longer than the limit document_name_bytes (" + std::to_string(limits::document_name_bytes) + ")",
                     "/documents/" + given->names[i].substr(0, 32) + "…");
    auto name = resolved("", given->names[i]);
    const auto at = pointer_to("/documents", given->names[i]);
    auto one = read_one(given->items[i], at, left);
    if (!one)
      return one;
    if (!names.insert(name).second)
      return failure(errc::invalid, "another document has this name", at);
    all.add(std::move(name), std::move(*one));
  }
  all.seal();
  std::string in; // the document that is looked at
  auto text_left = limits::document_text_bytes;
  auto redirect = [&](json_value& reference, const place_below& where) -> std::optional<events::error> {
    const auto hash = std::min(reference.text.find('#'), reference.text.size());
    const auto name = hash == 0 ? in : resolved(in, std::string_view{reference.text}.substr(0, hash));
    const auto fragment = hash < reference.text.size() ? reference.text.substr(hash + 1) : std::string{};
    if (hash != 0 && !names.contains(name))
      return events::error{errc::invalid, "refers to " + told(name) + ", which is not among the documents of this import; nothing is fetched", where.pointer()};
    if (name.empty())
      return std::nullopt;
    auto whole = reference_to_place(pointer_to("/documents", name)) + fragment;
    if (whole.size() > text_left)
      return events::error{errc::too_large, "with this reference, all that lead from document to document are longer than the limit document_text_bytes (" +
                                              std::to_string(limits::document_text_bytes) + ")", where.pointer()};
    text_left -= whole.size();
    reference.text = std::move(whole);
    return std::nullopt;
  };
  if (auto wrong = each_reference(*main, {nullptr, "/document"}, {}, redirect))
    return tl::unexpected<events::error>{std::move(*wrong)};
  for (std::size_t i = 0; i < all.items.size(); ++i) {
    in = all.names[i];
    const auto at = pointer_to("/documents", in);
    if (auto wrong = each_reference(all.items[i], {nullptr, at}, {}, redirect))
      return tl::unexpected<events::error>{std::move(*wrong)};
  }
  main->set(others, std::move(all));
  main->seal();
  return main;
}

std::vector<std::string> openapi_bundle::names_in(std::string_view in, const json_value& document) {
  std::set<std::string> out;
  each_reference(document, {}, {}, [&](const json_value& reference, const place_below&) -> std::optional<events::error> {
    if (auto hash = std::min(reference.text.find('#'), reference.text.size()); hash != 0)
      out.insert(resolved(in, std::string_view{reference.text}.substr(0, hash)));
    return std::nullopt;
  });
  return {out.begin(), out.end()};
}

std::optional<document_warning> openapi_bundle::first_of_others(const json_value& root) {
  std::optional<document_warning> out;
  each_reference(root, {}, {}, [&](const json_value& reference, const place_below& where) -> std::optional<events::error> {
    if (reference.text.empty() || reference.text.front() == '#')
      return std::nullopt;
    out = document_warning{"refers to " + told(reference.text.substr(0, reference.text.find('#'))) +
                             ", which is not in this import, and nothing is fetched: send it along, as {\"document\": …, \"documents\": {\"NAME\": …}}",
                           where.pointer()};
    return events::error{};
  });
  return out;
}

} // namespace hourglass::mock
