// The functions that all handlers of a sandbox may call, and which scripts must compile before they are kept.
#include "mock/endpoint_tables.hpp"

#include "mock/script_limits.hpp"

#include <algorithm>
#include <array>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

/// A name that a script can write behind `$func.`.
bool is_identifier(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; };
  return !name.empty() && name.size() <= 64 && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_taken(std::string_view name) {
  // What `$func` has, will have, and what would be no ordinary property.
  static constexpr std::array<std::string_view, 16> ours{"error",  "mock",        "env",     "template",    "sbx",      "http",      "dataMapper",   "plugin",
                                                        "concurrency", "console", "then",   "constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"};
  return std::find(ours.begin(), ours.end(), name) != ours.end();
}

std::size_t bytes_of(const std::map<std::string, std::string, std::less<>>& functions) {
  std::size_t out = 0;
  for (const auto& [name, source] : functions)
    out += name.size() + source.size();
  return out;
}

} // namespace

std::optional<script_to_check> script_in(const endpoint_command& command) {
  if (const auto* f = std::get_if<put_function>(&command))
    return script_to_check{f->source, script_form::function, "/source"};
  const auto* put = std::get_if<put_endpoint>(&command);
  if (put == nullptr)
    return std::nullopt;
  auto e = read_endpoint(put->text);
  if (!e || e->script.empty())
    return std::nullopt;
  return script_to_check{std::move(e->script), script_form::handler, "/handler/script"};
}

events::error told(const script_error& e, const script_to_check& what) {
  if (e.fault == script_fault::overloaded || e.fault == script_fault::unavailable || e.fault == script_fault::died)
    return {e.fault == script_fault::overloaded ? errc::overloaded : errc::unavailable, e.message, {}};
  if (e.line == 0)
    return {errc::invalid, e.message, what.where};
  return {errc::invalid, "line " + std::to_string(e.line) + ", column " + std::to_string(e.column) + ": " + e.message,
          what.where + ':' + std::to_string(e.line) + ':' + std::to_string(e.column)};
}

const std::map<std::string, std::string, std::less<>>& endpoint_state::functions() const noexcept { return self->functions; }

void endpoint_state::tables::note_functions() {
  library = nullptr;
  if (functions.empty())
    return;
  std::string text;
  events::json_text j{text};
  j.open_array();
  for (const auto& [name, source] : functions)
    j.open_array().value(name).value(source).close_array();
  j.close_array();
  library = script_source::of(std::move(text));
}

outcome<decision> decide_put_function(const endpoint_state& state, const put_function& command) {
  if (!is_identifier(command.name))
    return failure(errc::invalid, "must be an identifier of 1 to 64 characters of A-Z a-z 0-9 _ $", "/name");
  if (is_taken(command.name))
    return failure(errc::invalid, "$func has a member of this name already", "/name");
  if (command.source.size() > limits::script_bytes)
    return failure(errc::too_large, "is longer than the limit script_bytes (" + std::to_string(limits::script_bytes) + ")", "/source");
  const auto& known = state.self->functions;
  const auto before = known.find(command.name);
  const bool there = before != known.end();
  if (!there && known.size() >= limits::script_functions)
    return failure(errc::too_large, "more functions than the limit script_functions (" + std::to_string(limits::script_functions) + ")");
  if (bytes_of(known) - (there ? before->second.size() : 0) + command.name.size() + command.source.size() > limits::script_functions_bytes)
    return failure(errc::too_large, "the functions are together longer than the limit script_functions_bytes (" +
                                      std::to_string(limits::script_functions_bytes) + ")");
  decision out;
  std::string payload;
  events::json_text{payload}.open_object().key("name").value(command.name).key("source").value(command.source).close_object();
  out.reply = payload;
  if (!there || before->second != command.source)
    out.events.push_back({events::kind::function_put, std::move(payload), {"function:" + command.name}, 0, {}});
  return out;
}

outcome<decision> decide_remove_function(const endpoint_state& state, const remove_function& command) {
  if (!state.self->functions.contains(command.name))
    return failure(errc::not_found, "there is no such function");
  decision out;
  std::string payload;
  events::json_text{payload}.open_object().key("name").value(command.name).close_object();
  out.events.push_back({events::kind::function_removed, std::move(payload), {"function:" + command.name}, 0, {}});
  return out;
}

outcome<void> apply_function(endpoint_state::tables& to, events::kind kind, const json_value& v) {
  std::string name{v.string_member("name")};
  const auto* source = v.member("source");
  if (!is_identifier(name) || (kind == events::kind::function_put && (source == nullptr || !source->is_string())))
    return failure(errc::corrupt, "an event of functions does not read");
  if (kind == events::kind::function_put)
    to.functions.insert_or_assign(std::move(name), source->text);
  else
    to.functions.erase(name);
  to.note_functions();
  return {};
}

} // namespace hourglass::mock
