// `$func.http` and `$func.concurrency`: calls whose outcomes are inputs of the run, so that what is not known yet ends it (mock/outbound.hpp).
#include "mock/handler.hpp"

#include "events/json_check.hpp"
#include "events/json_text.hpp"
#include "mock/outbound_limits.hpp"

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::string_view not_known = R"({"wanted":true})"; ///< the worker ends the run, or this branch of it

/// {method, url, headers: [[name, value]…], body, timeout}, as the prelude makes it; but nothing that comes from a worker is believed.
outcome<outbound_call> call_of(const json_value& v) {
  outbound_call out;
  out.method = v.string_member("method");
  out.url = v.string_member("url");
  out.body = v.string_member("body");
  if (const auto* headers = v.member("headers"); headers != nullptr)
    for (const auto& pair : headers->items)
      out.headers.push_back({pair.item_at(0).text, pair.item_at(1).text});
  out.timeout = limits::outbound_call_time;
  if (const auto* timeout = v.member("timeout"); timeout != nullptr && !timeout->is_null()) {
    std::int64_t ms = 0;
    if (!timeout->as_integer(ms))
      return failure(errc::invalid, "`timeout` must be a whole number of milliseconds");
    out.timeout = std::chrono::milliseconds{ms};
  }
  return out;
}

std::string as_told(const outbound_outcome& what) {
  std::string out;
  events::json_text j{out};
  j.open_object();
  if (!what.error.empty()) {
    j.key("error").open_object().key("kind").value(what.error).key("message").value(what.message).close_object();
  } else {
    j.key("status").value(what.status);
    write_joined(j.key("headers"), what.headers);
    if (events::is_utf8(what.body))
      j.key("body").value(what.body);
    else
      j.key("body").null().key("base64").value(events::to_base64(what.body));
  }
  j.close_object();
  return out;
}

} // namespace

outcome<std::string> handler_run::call_outside(const json_value& arguments) {
  auto call = call_of(arguments.item_at(0));
  if (!call)
    return tl::unexpected<events::error>{std::move(call).error()};
  auto known = book_.ask(std::move(*call));
  if (!known)
    return tl::unexpected<events::error>{std::move(known).error()};
  return *known != nullptr ? as_told(**known) : std::string{not_known};
}

outcome<std::string> handler_run::call_plugin(const json_value& arguments) {
  if (!arguments.item_at(0).is_string())
    return failure(errc::invalid, "a plugin is called by its name");
  auto known = book_.ask(call_of_plugin(arguments.item_at(0).text, to_text(arguments.item_at(1))));
  if (!known)
    return tl::unexpected<events::error>{std::move(known).error()};
  if (*known == nullptr)
    return std::string{not_known};
  const auto& what = **known;
  std::string out;
  events::json_text j{out};
  j.open_object();
  if (!what.error.empty())
    j.key("error").open_object().key("kind").value(what.error).key("message").value(what.message).close_object();
  else // of a trial anything may stand here
    j.key("result").raw(events::check_json(what.body, limits::json_depth) ? what.body : "null");
  j.close_object();
  return out;
}

outcome<std::string> handler_run::pause(const json_value& arguments) {
  std::int64_t ms = 0;
  if (!arguments.item_at(0).as_integer(ms))
    return failure(errc::invalid, "a delay is a whole number of milliseconds");
  outbound_call call;
  call.kind = outbound_kind::delay;
  call.method.clear();
  call.timeout = std::chrono::milliseconds{ms};
  auto known = book_.ask(std::move(call));
  if (!known)
    return tl::unexpected<events::error>{std::move(known).error()};
  return *known != nullptr ? std::string{"{}"} : std::string{not_known};
}

} // namespace hourglass::mock
