#include "mock/multipart.hpp"

#include "mock/match_limits.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <cstring>

namespace hourglass::mock {

namespace {

std::size_t find_from(std::string_view text, std::string_view what, std::size_t from) {
  if (from > text.size())
    return std::string_view::npos;
  const auto* at = static_cast<const char*>(memmem(text.data() + from, text.size() - from, what.data(), what.size()));
  return at != nullptr ? static_cast<std::size_t>(at - text.data()) : std::string_view::npos;
}

/// Takes a line, without its end. False if there is none.
bool take_line(std::string_view& text, std::string_view& line) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos)
    return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return true;
}

std::string part_number(std::size_t n) { return "part " + std::to_string(n) + " of the body "; }

/// What stands between two boundaries: the `number`th part.
events::outcome<multipart_part> read_part(std::string_view text, std::size_t number) {
  multipart_part out;
  const auto before = text.size();
  std::string_view line;
  while (true) {
    if (!take_line(text, line))
      return events::failure(events::errc::invalid, part_number(number) + "has no empty line after its headers");
    if (before - text.size() > limits::multipart_header_bytes)
      return events::failure(events::errc::too_large, part_number(number) + "has longer headers than the limit multipart_header_bytes (" +
                                                        std::to_string(limits::multipart_header_bytes) + ")");
    if (line.empty())
      break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return events::failure(events::errc::invalid, part_number(number) + "has a line among its headers that is none");
    out.headers.push_back({std::string{line.substr(0, colon)}, std::string{trimmed(line.substr(colon + 1))}});
  }
  out.body = text;
  if (const auto* disposition = find(out.headers, "content-disposition")) {
    out.name = header_parameter(*disposition, "name").value_or("");
    auto filename = header_parameter(*disposition, "filename");
    out.has_filename = filename.has_value();
    out.filename = std::move(filename).value_or("");
  }
  return out;
}

} // namespace

std::optional<std::string> header_parameter(std::string_view header, std::string_view name) {
  auto at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    header.remove_prefix(at + 1);
    const auto equals = header.find('=');
    if (equals == std::string_view::npos)
      return std::nullopt;
    const auto key = trimmed(header.substr(0, equals));
    header.remove_prefix(equals + 1);
    std::string value;
    if (header.starts_with('"')) {
      std::size_t i = 1;
      while (i < header.size() && header[i] != '"') {
        if (header[i] == '\\' && i + 1 < header.size() &&
            (header[i + 1] == '"' || header[i + 1] == '\\')) // browsers send backslashes of a path unescaped
          ++i;
        value += header[i++];
      }
      header.remove_prefix(std::min(i + 1, header.size()));
      at = header.find(';');
    } else {
      at = header.find(';');
      value = trimmed(header.substr(0, at));
    }
    if (same_name(key, name))
      return value;
  }
  return std::nullopt;
}

events::outcome<std::vector<multipart_part>> read_multipart(std::string_view content_type, std::string_view body, std::size_t most) {
  constexpr std::size_t longest_boundary = 200; // RFC 2046 says 70
  if (!lower(content_type.substr(0, 10)).starts_with("multipart/"))
    return events::failure(events::errc::invalid, "the Content-Type is not multipart");
  const auto boundary = header_parameter(content_type, "boundary");
  if (!boundary || boundary->empty())
    return events::failure(events::errc::invalid, "the Content-Type has no boundary");
  if (boundary->size() > longest_boundary)
    return events::failure(events::errc::invalid, "the Content-Type has a boundary of more than " + std::to_string(longest_boundary) + " characters");
  const auto dashes = "--" + *boundary;
  std::vector<multipart_part> out;
  std::size_t from = std::string_view::npos; // where the current part starts
  std::size_t at = 0;
  while (true) {
    at = find_from(body, dashes, at);
    if (at == std::string_view::npos)
      return events::failure(events::errc::invalid, from == std::string_view::npos
                                                      ? "the boundary of the Content-Type is nowhere in the body"
                                                      : "the body has no closing boundary after part " + std::to_string(out.size() + 1));
    const auto start = at;
    at += dashes.size();
    if (start > 0 && body[start - 1] != '\n')
      continue; // in the middle of a line it is none
    const bool last = body.substr(at).starts_with("--");
    auto end = last ? at + 2 : at;
    while (end < body.size() && (body[end] == ' ' || body[end] == '\t'))
      ++end;
    if (end < body.size() && body[end] == '\r')
      ++end;
    if (end < body.size() ? body[end] != '\n' : !last)
      continue; // a longer boundary that starts like ours
    if (from != std::string_view::npos) {
      auto text = body.substr(from, start - from - 1); // without the line end, which is the boundary's
      if (text.ends_with('\r'))
        text.remove_suffix(1);
      if (out.size() == most)
        return events::failure(events::errc::too_large, "the body has more parts than " + std::to_string(most));
      // A part without a body ends with the line end of its headers.
      auto part = read_part(text, out.size() + 1);
      if (!part)
        part = read_part(body.substr(from, start - from), out.size() + 1);
      if (!part)
        return tl::unexpected<events::error>{part.error()};
      out.push_back(std::move(*part));
    }
    if (last)
      return out;
    from = end + 1;
    at = from;
  }
}

} // namespace hourglass::mock
