#include "mock/script_record.hpp"

#include "events/json_check.hpp"
#include "events/limits.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

/// A value that a text begins with, by its brackets.
struct bracketed {
  std::size_t length = 0; ///< up to its end, or up to where the last of its members ends that are whole
  std::string missing;    ///< the brackets that would close it there; empty: it has its end
};

/// `steps` is what looking may still cost.
bracketed value_at_front(std::string_view text, std::size_t& steps) {
  bracketed out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size() && steps > 0; ++i, --steps) {
    const auto c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      out.missing.insert(out.missing.begin(), c == '{' ? '}' : ']');
      out.length = i + 1;
    } else if (!quoted && (c == '}' || c == ']')) {
      out.missing.erase(0, 1);
      out.length = i + 1;
      if (out.missing.empty())
        break;
    } else if (!quoted && c == ',') {
      out.length = i;
    }
  }
  return out;
}

unsigned number(const json_value& v, std::string_view name) {
  std::int64_t out = 0;
  const auto* n = v.member(name);
  return n != nullptr && n->as_integer(out) && out > 0 ? static_cast<unsigned>(out) : 0U;
}

std::optional<script_error> read_error(const json_value& v) {
  auto fault = script_fault_from(v.string_member("kind"));
  if (!fault)
    return std::nullopt;
  return script_error{*fault, std::string{v.string_member("message")}, number(v, "line"), number(v, "column"), std::string{v.string_member("stack")}};
}

} // namespace

/// It may be JSON values, and words between them that have brackets too. Of a value that was cut off its whole members are kept.
std::string without_secrets(const std::string& text, const events::redactor& redact, const events::redact_echo& seen) {
  constexpr std::string_view cut = "…"; ///< the worker's sign that a line was longer
  constexpr std::size_t looks = 64; ///< at all of it: only brackets that nobody closes make more of them
  const auto whole = seen.occurs_in(text) ? seen.replace(text) : text;
  std::string_view left = whole;
  std::size_t steps = looks * whole.size();
  std::string out;
  for (;;) {
    const auto value = std::min(left.find_first_of("{["), left.size());
    out.append(left.substr(0, value));
    left.remove_prefix(value);
    if (left.empty())
      return out;
    const auto front = value_at_front(left, steps);
    if (steps == 0) // what is not looked at is not kept either
      return out + std::string{cut};
    const auto given = std::string{left.substr(0, front.length)} + front.missing;
    auto told = redact.body("application/json", given);
    const bool is_json = told != given || events::check_json(given, limits::json_depth);
    if (!is_json) {
      out.push_back(left.front());
      left.remove_prefix(1);
      continue;
    }
    told.resize(told.size() - front.missing.size());
    out.append(told);
    if (!front.missing.empty() && left.ends_with(cut)) // in the middle of a member, whose name may say that it is secret
      return out + std::string{cut};
    left.remove_prefix(front.length);
  }
}

void write_note(events::json_text& j, const script_note& note, const events::redactor& redact, const events::redact_echo& seen) {
  j.open_object().key("digest").value(note.digest);
  if (note.interrupted)
    j.key("interrupted").value(true);
  if (note.error) {
    j.key("error").open_object().key("kind").value(to_string(note.error->fault));
    j.key("message").value(without_secrets(note.error->message, redact, seen));
    if (note.error->line != 0)
      j.key("line").value(note.error->line).key("column").value(note.error->column);
    if (!note.error->stack.empty())
      j.key("stack").value(note.error->stack);
    j.close_object();
  }
  if (!note.console.empty()) {
    j.key("console").open_array();
    for (const auto& line : note.console)
      j.open_array().value(line.level).value(without_secrets(line.text, redact, seen)).close_array();
    j.close_array();
  }
  if (note.changes != 0)
    j.key("changes").value(note.changes);
  if (!note.emitted.empty()) {
    j.key("emitted").open_array();
    for (const auto& type : note.emitted)
      j.value(type);
    j.close_array();
  }
  j.close_object();
}

std::optional<script_note> read_note(const json_value& v) {
  script_note out;
  out.digest = v.string_member("digest");
  if (out.digest.empty())
    return std::nullopt;
  const auto* interrupted = v.member("interrupted");
  out.interrupted = interrupted != nullptr && interrupted->is_true();
  if (const auto* error = v.member("error")) {
    out.error = read_error(*error);
    if (!out.error)
      return std::nullopt;
  }
  if (const auto* console = v.member("console"))
    for (const auto& line : console->items) {
      if (line.items.size() != 2)
        return std::nullopt;
      out.console.push_back({line.items[0].text, line.items[1].text});
    }
  out.changes = number(v, "changes");
  if (const auto* emitted = v.member("emitted"))
    for (const auto& type : emitted->items)
      out.emitted.push_back(type.text);
  return out;
}

} // namespace hourglass::mock
