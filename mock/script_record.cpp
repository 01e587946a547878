#include "mock/script_record.hpp"

namespace hourglass::mock {

namespace {

/// A line of the console may be a JSON value, or have one behind a word.
std::string without_secrets(const std::string& text, const events::redactor& redact, const events::redact_echo& seen) {
  auto out = seen.occurs_in(text) ? seen.replace(text) : text;
  const auto value = out.find_first_of("{[");
  if (value == std::string::npos)
    return out;
  return out.substr(0, value) + redact.body("application/json", std::string_view{out}.substr(value));
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
