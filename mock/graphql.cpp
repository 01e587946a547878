#include "mock/graphql.hpp"

#include "mock/match_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The length of the token at the start of `text`, which is neither blank nor comment; 0 if there is none.
std::size_t token_length(std::string_view text) {
  if (text.starts_with("..."))
    return 3;
  if (std::string_view{"!$&()[]{}:=@|"}.find(text.front()) != std::string_view::npos)
    return 1;
  if (text.starts_with("\"\"\"")) {
    for (auto end = text.find("\"\"\"", 3); end != std::string_view::npos; end = text.find("\"\"\"", end + 3))
      if (text[end - 1] != '\\')
        return end + 3;
    return 0;
  }
  if (text.front() == '"') {
    for (std::size_t i = 1; i < text.size() && text[i] != '\n'; ++i) {
      if (text[i] == '"')
        return i + 1;
      i += text[i] == '\\' ? 1 : 0;
    }
    return 0;
  }
  const bool name = starts_name(text.front());
  if (!name && !is_digit(text.front()) && text.front() != '-')
    return 0;
  std::size_t i = 1;
  while (i < text.size() && (starts_name(text[i]) || is_digit(text[i]) || (!name && (text[i] == '.' || text[i] == '+' || text[i] == '-'))))
    ++i;
  return i;
}

class reader {
public:
  explicit reader(const std::vector<std::string_view>& tokens) : tokens_(tokens) {}

  std::optional<std::vector<graphql_operation>> run() {
    std::vector<graphql_operation> out;
    while (at_ < tokens_.size()) {
      const auto first = tokens_[at_];
      if (first == "fragment") {
        while (at_ < tokens_.size() && tokens_[at_] != "{")
          skip_one();
        if (!skip_group())
          return std::nullopt;
        continue;
      }
      graphql_operation one;
      one.type = "query";
      if (first != "{") {
        if (first != "query" && first != "mutation" && first != "subscription")
          return std::nullopt;
        one.type = first;
        ++at_;
        if (at_ < tokens_.size() && starts_name(tokens_[at_].front()))
          one.name = tokens_[at_++];
        while (at_ < tokens_.size() && tokens_[at_] != "{") // variables and directives
          if (!skip_one())
            return std::nullopt;
      }
      if (!read_fields(one))
        return std::nullopt;
      out.push_back(std::move(one));
    }
    return out.empty() ? std::nullopt : std::optional{std::move(out)};
  }

private:
  /// Skips a token, or all between it and what closes it. False at the end of the text.
  bool skip_one() {
    if (at_ < tokens_.size() && (tokens_[at_] == "(" || tokens_[at_] == "[" || tokens_[at_] == "{"))
      return skip_group();
    return at_++ < tokens_.size();
  }
  bool skip_group() {
    std::size_t depth = 0;
    while (at_ < tokens_.size()) {
      const auto t = tokens_[at_++];
      if (t == "(" || t == "[" || t == "{")
        ++depth;
      else if ((t == ")" || t == "]" || t == "}") && (depth == 0 || --depth == 0))
        return true;
    }
    return false;
  }
  bool read_fields(graphql_operation& into) {
    if (at_ >= tokens_.size() || tokens_[at_++] != "{")
      return false;
    while (at_ < tokens_.size()) {
      const auto t = tokens_[at_];
      if (t == "}") {
        ++at_;
        return true;
      }
      if (t == "...") { // a fragment: what it has is not the operation's own
        ++at_;
        if (at_ < tokens_.size() && starts_name(tokens_[at_].front()))
          at_ += tokens_[at_] == "on" ? 2 : 1;
        continue;
      }
      if (starts_name(t.front())) {
        ++at_;
        if (at_ + 1 < tokens_.size() && tokens_[at_] == ":") {
          into.fields.emplace_back(tokens_[at_ + 1]);
          at_ += 2;
        } else {
          into.fields.emplace_back(t);
        }
        continue;
      }
      if (t == "@") { // a directive and its name
        at_ += 2;
        continue;
      }
      if (!skip_one()) // arguments, selections
        return false;
    }
    return false;
  }

  const std::vector<std::string_view>& tokens_;
  std::size_t at_ = 0;
};

} // namespace

std::optional<std::vector<std::string_view>> graphql_tokens(std::string_view text) {
  if (text.size() > limits::graphql_bytes)
    return std::nullopt;
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const char c = text.front();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',') {
      text.remove_prefix(1);
    } else if (c == '#') {
      text.remove_prefix(std::min(text.find_first_of("\r\n"), text.size()));
    } else {
      const auto length = token_length(text);
      if (length == 0)
        return std::nullopt;
      out.push_back(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return out;
}

std::optional<std::vector<graphql_operation>> graphql_operations(const std::vector<std::string_view>& tokens) {
  return reader{tokens}.run();
}

std::optional<graphql_request> read_graphql(const request& req, const json_value* body) {
  graphql_request out;
  const auto* type = find(req.headers, "content-type");
  if (type != nullptr && media_essence(*type) == "application/graphql") {
    out.query = req.body;
    return out;
  }
  if (body != nullptr && body->is_object()) {
    const auto* query = body->member("query");
    if (query == nullptr || !query->is_string())
      return std::nullopt;
    out.query = query->text;
    out.operation_name = body->string_member("operationName");
    if (const auto* variables = body->member("variables"))
      out.variables = *variables;
    return out;
  }
  if (!req.body.empty())
    return std::nullopt;
  bool any = false;
  for (const auto& [name, value] : parse_query(split_target(req.target).query)) {
    if (name == "query") {
      out.query = value;
      any = true;
    } else if (name == "operationName") {
      out.operation_name = value;
    } else if (name == "variables") {
      if (auto v = parse_json(value))
        out.variables = std::move(*v);
    }
  }
  return any ? std::optional{std::move(out)} : std::nullopt;
}

} // namespace hourglass::mock
