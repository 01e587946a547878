#include "actors/transformation_task.hpp"

#include "events/digest.hpp"

#include <algorithm>

namespace hourglass::actors {

mock::script_task transformation_task(std::string sandbox, std::string_view code, std::string input, events::virtual_time now,
                                      const events::entropy& chance) {
  mock::script_task t;
  t.sandbox = std::move(sandbox);
  t.script = mock::script_source::of(webhook::script_of(code));
  t.request = std::move(input);
  t.start = R"({"status":200,"headers":{}})";
  t.now = now;
  t.chance = chance;
  return t;
}

events::entropy chance_of_delivery(std::string_view message, std::string_view destination) {
  const auto digest = events::sha256({"chance of ", message, " to ", destination});
  events::entropy out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

mock::script_error within(mock::script_error e, std::string_view code) {
  const auto lines = static_cast<unsigned>(std::count(code.begin(), code.end(), '\n')) + 1;
  if (e.line > lines) {
    e.line = lines;
    e.column = static_cast<unsigned>(code.size() - (code.rfind('\n') == std::string_view::npos ? 0 : code.rfind('\n') + 1)) + 1;
  }
  return e;
}

std::string words_of(const mock::script_error& e, std::string_view code) {
  const auto at = within(e, code);
  auto out = at.message;
  if (at.line != 0)
    out += " (line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ")";
  return out;
}

events::outcome<webhook::transformed> result_of(const mock::script_outcome& o, std::string_view code, webhook::signature_profile profile) {
  using mock::script_fault;
  using events::errc, events::failure;
  if (o.error && (o.error->fault == script_fault::overloaded || o.error->fault == script_fault::unavailable))
    return failure(errc::unavailable, o.error->message);
  if (o.error)
    return failure(errc::invalid, words_of(*o.error, code));
  if (o.interrupted || o.waits)
    return failure(errc::invalid, "a transformation has no answer to give");
  if (!o.has_body || !o.json)
    return failure(errc::invalid, "`handler` must return the webhook, an object");
  return webhook::read_transformed(o.answer.body, profile);
}

} // namespace hourglass::actors
