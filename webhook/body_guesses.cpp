#include "webhook/body_guesses.hpp"

#include "events/limits.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

namespace {

constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string out;
  for (std::size_t at = 0;;) {
    auto found = text.find(what, at);
    out += text.substr(at, found - at);
    if (found == std::string_view::npos)
      return out;
    out += by;
    at = found + what.size();
  }
}

/// Calls `see(c, inside_string)` for every character of JSON text.
template <class See>
void walk(std::string_view json, See see) {
  bool inside = false, escaped = false;
  for (char c : json) {
    see(c, inside);
    if (!inside)
      inside = c == '"';
    else if (escaped)
      escaped = false;
    else if (c == '\\')
      escaped = true;
    else
      inside = c != '"';
  }
}

bool is_shallow(std::string_view json) {
  std::size_t depth = 0, deepest = 0;
  walk(json, [&](char c, bool inside) {
    if (inside)
      return;
    depth += c == '{' || c == '[' ? 1 : 0;
    depth -= (c == '}' || c == ']') && depth > 0 ? 1 : 0;
    deepest = std::max(deepest, depth);
  });
  return deepest <= limits::json_depth;
}

/// As Python's `json.dumps` has it: a space after every comma and colon.
std::string spaced(std::string_view compact) {
  std::string out;
  out.reserve(compact.size() + compact.size() / 8);
  walk(compact, [&out](char c, bool inside) {
    out += c;
    if (!inside && (c == ',' || c == ':'))
      out += ' ';
  });
  return out;
}

void guess_text(std::string_view body, std::vector<body_guess>& out) {
  auto put = [&out](std::string text, std::string_view change) { out.push_back({std::move(text), change}); };
  std::string whole{body};
  put(whole + "\n", "a newline at its end was taken away");
  put(whole + "\r\n", "a newline (CR LF) at its end was taken away");
  auto end = body.find_last_not_of(white_space);
  put(std::string{body.substr(0, end == std::string_view::npos ? 0 : end + 1)}, "a newline or other white space was added at its end");
  auto begin = body.find_first_not_of(white_space);
  if (begin != std::string_view::npos)
    put(std::string{body.substr(begin, end + 1 - begin)}, "white space was added around it");
  put(replaced(body, "\r\n", "\n"), "its line ends were changed from LF to CR LF");
  put(replaced(body, "\n", "\r\n"), "its line ends were changed from CR LF to LF");
  if (body.starts_with(byte_order_mark))
    put(std::string{body.substr(byte_order_mark.size())}, "a byte order mark was added before it");
}

void guess_json(std::string_view body, std::vector<body_guess>& out) {
  using ordered = nlohmann::ordered_json;
  auto tree = ordered::parse(body, nullptr, false);
  if (tree.is_discarded())
    return;
  auto put = [&out](std::string text, std::string_view change) { out.push_back({std::move(text), change}); };
  constexpr auto replace = ordered::error_handler_t::replace;
  auto compact = tree.dump(-1, ' ', false, replace), ascii = tree.dump(-1, ' ', true, replace);
  put(compact, "its JSON was parsed and written anew: it had no white space");
  put(spaced(compact), "its JSON was parsed and written anew: it had a space after every comma and colon (Python)");
  put(ascii, "its JSON was parsed and written anew: it had \\u escapes for what is not ASCII");
  put(spaced(ascii), "its JSON was parsed and written anew: it had \\u escapes, and a space after every comma and colon (Python)");
  put(replaced(compact, "/", "\\/"), "its JSON was parsed and written anew: its slashes were escaped (PHP)");
  for (int indent : {2, 4})
    put(tree.dump(indent, ' ', false, replace), "its JSON was parsed and written anew: it was indented");
  put(nlohmann::json(tree).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
      "its JSON was parsed and written anew: the names in its objects were in alphabetical order");
  if (tree.is_string())
    put(tree.get<std::string>(), "it was encoded as JSON a second time: it is a string that holds the body");
}

} // namespace

std::vector<body_guess> guess_bodies(std::string_view body) {
  std::vector<body_guess> all, out;
  guess_text(body, all);
  if (is_shallow(body))
    guess_json(body, all);
  for (auto& guess : all)
    if (guess.body != body && std::none_of(out.begin(), out.end(), [&](const body_guess& other) { return other.body == guess.body; }))
      out.push_back(std::move(guess));
  return out;
}

} // namespace hourglass::webhook
