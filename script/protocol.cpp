#include "script/protocol.hpp"

#include "events/json_text.hpp"
#include "mock/json_value.hpp"
#include "mock/script_limits.hpp"
#include "script/frame.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace hourglass::script {

namespace {

using events::errc;
using events::failure;
using events::outcome;

bool read_number(std::string_view text, unsigned& out) {
  auto [rest, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc{} && rest == text.data() + text.size();
}

bool read_headers(std::string_view text, mock::fields& out) {
  auto v = mock::parse_json(text, {limits::script_headers * 3 + 1, 3});
  if (!v || !v->is_array() || v->items.size() > limits::script_headers)
    return false;
  for (const auto& pair : v->items) {
    if (!pair.is_array() || pair.items.size() != 2 || !pair.items[0].is_string() || !pair.items[1].is_string() ||
        pair.items[0].text.size() > limits::script_header_bytes || pair.items[1].text.size() > limits::script_header_bytes)
      return false;
    out.push_back({pair.items[0].text, pair.items[1].text});
  }
  return true;
}

bool read_console(std::string_view packed, std::vector<mock::console_line>& out) {
  static constexpr std::array<std::string_view, 5> levels{"log", "info", "warn", "error", "debug"};
  auto texts = read_all_texts(packed, limits::console_lines * 2);
  if (!texts || texts->size() % 2 != 0)
    return false;
  for (std::size_t i = 0; i < texts->size(); i += 2) {
    if (std::find(levels.begin(), levels.end(), (*texts)[i]) == levels.end() || (*texts)[i + 1].size() > limits::console_line_bytes + 8)
      return false;
    out.push_back({std::string{(*texts)[i]}, std::string{(*texts)[i + 1]}});
  }
  return true;
}

} // namespace

outcome<ending> read_ending(std::string_view payload) {
  auto nonsense = [](const char* what) { return failure(errc::invalid, std::string{"the worker's outcome has a wrong "} + what); };
  auto texts = read_texts(payload, done_parts);
  if (!texts)
    return nonsense("form");
  auto text = [&](done_part p) { return (*texts)[static_cast<std::size_t>(p)]; };
  for (const auto& t : *texts)
    if (&t != &(*texts)[static_cast<std::size_t>(done_part::console)] && !events::is_utf8(t))
      return nonsense("encoding");
  ending out;
  auto& o = out.outcome;
  out.tired = text(done_part::tired) == "1";
  if (!read_console(text(done_part::console), o.console) ||
      !std::all_of(o.console.begin(), o.console.end(), [](const auto& l) { return events::is_utf8(l.text); }))
    return nonsense("console");
  const auto ended = text(done_part::ended);
  if (ended == "waits") {
    o.waits = true;
    return out;
  }
  if (ended != "ok" && ended != "interrupted") {
    auto fault = mock::script_fault_from(ended);
    mock::script_error e;
    if (!fault || *fault > mock::script_fault::memory || !read_number(text(done_part::line), e.line) || !read_number(text(done_part::column), e.column))
      return nonsense("end");
    e.fault = *fault;
    e.message = text(done_part::message).substr(0, limits::script_message_bytes);
    e.stack = text(done_part::stack).substr(0, limits::script_stack_bytes + 8);
    if (!events::is_utf8(e.message) || !events::is_utf8(e.stack)) // cut within a character: no worker of ours sends as much
      return nonsense("message");
    o.error = std::move(e);
    return out;
  }
  o.interrupted = ended == "interrupted";
  const auto form = text(done_part::form);
  if (!read_number(text(done_part::status), o.answer.status) || o.answer.status < 200 || o.answer.status > 599)
    return nonsense("status");
  if (!read_headers(text(done_part::headers), o.answer.headers))
    return nonsense("header");
  if ((form != "none" && form != "text" && form != "json") || text(done_part::body).size() > limits::script_answer_bytes)
    return nonsense("body");
  o.has_body = form != "none";
  o.json = form == "json";
  o.answer.body = text(done_part::body);
  return out;
}

std::optional<asked> read_call(std::string_view payload) {
  auto texts = read_texts(payload, 2);
  if (!texts || (*texts)[0].empty() || (*texts)[0].size() > 64 || !events::is_utf8((*texts)[0]) || !events::is_utf8((*texts)[1]))
    return std::nullopt;
  return asked{(*texts)[0], (*texts)[1]};
}

} // namespace hourglass::script
