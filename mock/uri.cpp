#include "mock/uri.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

/// RFC 3986, 5.2.4.
std::string without_dot_segments(std::string_view in) {
  std::string out;
  while (!in.empty()) {
    if (in.starts_with("../")) {
      in.remove_prefix(3);
    } else if (in.starts_with("./")) {
      in.remove_prefix(2);
    } else if (in.starts_with("/./")) {
      in.remove_prefix(2);
    } else if (in == "/.") {
      in = "/";
    } else if (in.starts_with("/../") || in == "/..") {
      in = in == "/.." ? std::string_view{"/"} : in.substr(3);
      out.resize(std::min(out.size(), out.rfind('/') == std::string::npos ? 0 : out.rfind('/')));
    } else if (in == "." || in == "..") {
      in = {};
    } else {
      auto end = std::min(in.find('/', 1), in.size());
      out += in.substr(0, end);
      in.remove_prefix(end);
    }
  }
  return out;
}

/// RFC 3986, 5.2.3.
std::string merged(const uri_parts& base, std::string_view path) {
  if (base.has_authority && base.path.empty())
    return "/" + std::string{path};
  auto slash = base.path.rfind('/');
  return std::string{base.path.substr(0, slash == std::string_view::npos ? 0 : slash + 1)} + std::string{path};
}

bool is_scheme(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; });
}

} // namespace

uri_and_fragment split_fragment(std::string_view text) noexcept {
  auto hash = text.find('#');
  return hash == std::string_view::npos ? uri_and_fragment{text, {}} : uri_and_fragment{text.substr(0, hash), text.substr(hash + 1)};
}

uri_parts split_uri(std::string_view text) noexcept {
  uri_parts out;
  if (auto hash = text.find('#'); hash != std::string_view::npos) {
    out.has_fragment = true;
    out.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  if (auto mark = text.find('?'); mark != std::string_view::npos) {
    out.has_query = true;
    out.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  if (auto colon = text.find_first_of(":/"); colon != std::string_view::npos && text[colon] == ':' && is_scheme(text.substr(0, colon))) {
    out.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    out.has_authority = true;
    auto end = std::min(text.find('/', 2), text.size());
    out.authority = text.substr(2, end - 2);
    text.remove_prefix(end);
  }
  out.path = text;
  return out;
}

std::string resolve_uri(std::string_view base, std::string_view reference) {
  auto from = split_uri(base);
  auto to = split_uri(reference);
  auto with = from;
  std::string path;
  auto query = to.query;
  auto has_query = to.has_query;
  if (!to.scheme.empty() || to.has_authority) {
    with = to;
    if (to.scheme.empty())
      with.scheme = from.scheme;
    path = without_dot_segments(to.path);
  } else if (to.path.empty()) {
    path = from.path;
    if (!to.has_query) {
      query = from.query;
      has_query = from.has_query;
    }
  } else {
    path = to.path.front() == '/' ? without_dot_segments(to.path) : without_dot_segments(merged(from, to.path));
  }
  std::string out;
  if (!with.scheme.empty())
    out += std::string{with.scheme} + ':';
  if (with.has_authority)
    out += "//" + std::string{with.authority};
  out += path;
  if (has_query)
    out += '?' + std::string{query};
  if (to.has_fragment)
    out += '#' + std::string{to.fragment};
  return out;
}

} // namespace hourglass::mock
