#include "mock/outbound.hpp"

#include "mock/data_names.hpp"
#include "mock/forward_limits.hpp"
#include "mock/outbound_limits.hpp"
#include "mock/record_bytes.hpp"
#include "mock/refusal.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

std::string limit(std::string_view name, std::size_t value) { return "the limit " + std::string{name} + " (" + std::to_string(value) + ")"; }

std::optional<std::string> fault_of_url(std::string_view url) {
  if (url.size() > limits::outbound_url_bytes)
    return "the URL is longer than " + limit("outbound_url_bytes", limits::outbound_url_bytes);
  const auto scheme = lower(url.substr(0, url.find(':')));
  if ((scheme != "http" && scheme != "https") || !url.substr(scheme.size()).starts_with("://"))
    return "the URL must begin with http:// or https://";
  if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
    return "the URL has blanks or control characters";
  if (!events::is_utf8(url))
    return "the URL is not UTF-8";
  const auto rest = url.substr(scheme.size() + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?#\\"));
  if (rest.find('#') != std::string_view::npos) // nobody is sent it, and what stands behind it is read in different ways
    return "the URL has a fragment (#)";
  if (authority.empty())
    return "the URL names no host";
  if (authority.find('@') != std::string_view::npos) // it would stand in the log
    return "the URL has user information (@)";
  return std::nullopt;
}

bool is_set_by_the_client(std::string_view name) {
  static constexpr std::array<std::string_view, 11> names{"host",    "content-length", "transfer-encoding", "connection", "keep-alive",
                                                          "upgrade", "te",             "trailer",           "expect",     "proxy-connection",
                                                          "accept-encoding"}; // an answer in another encoding would hide its secrets
  return std::any_of(names.begin(), names.end(), [&](auto n) { return same_name(n, name); });
}

std::optional<std::string> fault_of_headers(const fields& headers) {
  if (headers.size() > limits::outbound_headers)
    return "more headers than " + limit("outbound_headers", limits::outbound_headers);
  for (const auto& [name, value] : headers) {
    if (!is_token(name))
      return "the header name `" + quoted(name) + "` is none";
    if (is_set_by_the_client(name))
      return "the header " + name + " is set by the client";
    if (name.size() + value.size() > limits::outbound_header_bytes)
      return "the header " + name.substr(0, 64) + " is longer than " + limit("outbound_header_bytes", limits::outbound_header_bytes);
    if (!is_field_value(value))
      return "the header " + name + " has control characters";
  }
  return std::nullopt;
}

std::size_t length_as_json(std::string_view bytes) { return mock::length_as_json(bytes, events::is_utf8(bytes)); }

std::size_t bytes_of(const fields& headers) {
  std::size_t out = 0;
  for (const auto& [name, value] : headers)
    out += name.size() + length_as_json(value) + 8;
  return out;
}

// Of a forward the bodies have limits of their own, and come to the log otherwise.
std::size_t bytes_of(const outbound_call& c) {
  return c.url.size() + bytes_of(c.headers) + (c.kind == outbound_kind::forward ? 0 : length_as_json(c.body)) + 128;
}
std::size_t bytes_of(const outbound_outcome& o) { return o.message.size() + bytes_of(o.headers) + length_as_json(o.body) + 128; }

std::size_t bytes_of(const made_calls& calls) {
  std::size_t out = 0;
  for (const auto& c : calls)
    out += bytes_of(c.call) + (c.call.kind == outbound_kind::forward ? 0 : bytes_of(c.outcome));
  return out;
}

bool is_url_header(std::string_view name) {
  static constexpr std::array<std::string_view, 5> names{"location", "content-location", "link", "referer", "refresh"};
  return std::any_of(names.begin(), names.end(), [&](auto n) { return same_name(n, name); });
}

std::string redacted(const field& f, const std::string& value, const events::redactor& redact, events::redact_echo* seen) {
  if (is_url_header(f.name))
    return redact.target(value, seen);
  return events::redactor::is_sensitive_header(f.name) ? redact.header(f.name, value, seen) : value;
}

/// What a body is, whatever it is said to be: a script that gives a text sends it as plain text, and so do many servers.
std::string_view type_of(const fields& headers, std::string_view body) {
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (body[first] == '{' || body[first] == '['))
    return "application/json";
  const auto of_form = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view{"-._~%+&=*[]"}.find(c) != std::string_view::npos; };
  if (body.find('=') != std::string_view::npos && std::all_of(body.begin(), body.end(), of_form))
    return "application/x-www-form-urlencoded";
  return content_type(headers);
}

/// The log does not have the time of a call, and one that is made has some (`fault_of`).
bool is_of_record(const outbound_call& c) { return c.kind != outbound_kind::delay && c.timeout.count() == 0; }

/// As it would stand in a record.
outbound_call as_recorded(const outbound_call& c, const events::redactor& redact) {
  outbound_call out;
  out.url = redact.target(c.url);
  for (const auto& f : c.headers)
    out.headers.push_back({f.name, redacted(f, f.value, redact, nullptr)});
  out.body = redact.body(type_of(c.headers, c.body), c.body);
  return out;
}

/// Whether `asked`, which is as it would be recorded, is `known`, which has tokens for its secrets.
bool is_recorded_as(const outbound_call& known, const outbound_call& asked, const events::redactor& redact) {
  if (known.headers.size() != asked.headers.size())
    return false;
  for (std::size_t i = 0; i < known.headers.size(); ++i) {
    const auto& [name, value] = known.headers[i];
    if (name != asked.headers[i].name || redact.as_in(value, asked.headers[i].value) != value)
      return false;
  }
  return redact.as_in(known.url, asked.url) == known.url && redact.as_in(known.body, asked.body) == known.body;
}

bool is_same(const outbound_call& known, const outbound_call& asked) {
  if (known.kind != asked.kind)
    return false;
  if (known.kind == outbound_kind::delay)
    return known.timeout == asked.timeout;
  return known.method == asked.method && known.url == asked.url && known.headers == asked.headers && known.body == asked.body;
}

/// Without what is secret elsewhere. Twice: a whole that is known is put in as it was redacted then, before other secrets were.
std::string hidden(std::string text, const events::redact_echo& seen) {
  for (int i = 0; i < 2 && seen.occurs_in(text); ++i)
    text = seen.replace(text);
  return text;
}

void write_headers(events::json_text& j, const fields& headers, const events::redactor& redact, events::redact_echo& seen) {
  j.open_array();
  for (const auto& f : headers) {
    j.open_array().value(f.name);
    write_text(j, redacted(f, hidden(f.value, seen), redact, &seen));
    j.close_array();
  }
  j.close_array();
}

void write_body(events::json_text& j, const fields& headers, const std::string& body, const events::redactor& redact, events::redact_echo& seen) {
  j.bytes(body.empty() ? std::string{} : redact.body(type_of(headers, body), hidden(body, seen), &seen));
}

/// Of an answer that is kept beside the one that was given: beyond this only the front, so that both and the request fit in a record.
void write_upstream_body(events::json_text& j, const outbound_outcome& o, const events::redactor& redact, events::redact_echo& seen) {
  auto body = redact.body(type_of(o.headers, o.body), hidden(o.body, seen), &seen);
  if (length_as_json(body) <= limits::forward_recorded_bytes)
    return void(j.bytes(body));
  const auto text = events::is_utf8(body);
  auto front = body.substr(0, limits::forward_recorded_bytes / 6);
  while (text && !events::is_utf8(front))
    front.pop_back();
  j.open_object().key(text ? "text" : "base64").value(text ? front : events::to_base64(front)).key("truncated").value(true).close_object();
}

void write_http(events::json_text& j, const made_call& made, const events::redactor& redact, events::redact_echo& seen, std::string_view given) {
  const auto& [call, what, round] = made;
  const bool forward = call.kind == outbound_kind::forward;
  if (call.kind == outbound_kind::plugin) {
    write_body(j.key("plugin").value(call.url).key("args"), call.headers, call.body, redact, seen);
  } else {
    j.key("method").value(call.method).key("url").value(redact.target(hidden(call.url, seen), &seen));
    write_headers(j.key("headers"), call.headers, redact, seen);
    if (forward)
      j.key("forward").value(true);
    else
      write_body(j.key("body"), call.headers, call.body, redact, seen);
  }
  j.key("took_us").value(what.took_us);
  if (!what.error.empty()) {
    j.key("error").open_object().key("kind").value(what.error).key("message").value(hidden(what.message, seen)).close_object();
    return;
  }
  j.key("answer").open_object().key("status").value(what.status);
  write_headers(j.key("headers"), what.headers, redact, seen);
  if (!forward)
    write_body(j.key("body"), what.headers, what.body, redact, seen);
  else if (what.body != given || what.body.empty())
    write_upstream_body(j.key("body"), what, redact, seen);
  j.close_object();
}

void write_all(events::json_text& j, const made_calls& calls, const events::redactor& redact, events::redact_echo& seen, std::string_view given) {
  j.open_array();
  for (const auto& made : calls) {
    j.open_object();
    if (made.call.kind == outbound_kind::delay)
      j.key("delay_ms").value(made.call.timeout.count());
    else
      write_http(j, made, redact, seen, given);
    j.key("round").value(made.round).close_object();
  }
  j.close_array();
}

/// People who write down what a call is to come to leave out what there is not.
bool read_if_there(const json_value& v, fields& headers, std::string& body) {
  const auto* given = v.member("headers");
  const auto* bytes = v.member("body");
  return (given == nullptr || read_headers(given, headers)) && (bytes == nullptr || read_bytes(bytes, body));
}

bool read_answer(const json_value& v, bool forward, outbound_outcome& out) {
  if (const auto* error = v.member("error")) {
    out.error = error->string_member("kind");
    out.message = error->string_member("message");
    return !out.error.empty();
  }
  const auto* answer = v.member("answer");
  if (answer == nullptr)
    return false;
  const auto status = answer->integer_member("status", 0);
  out.status = static_cast<unsigned>(status);
  if (status < 100 || status > 999)
    return false;
  const auto* body = answer->member("body");
  out.is_answer = forward && body == nullptr;
  out.cut = body != nullptr && body->truth_member("truncated");
  return read_if_there(*answer, out.headers, out.body);
}

bool read_call(const json_value& v, made_call& out) {
  const auto round = v.integer_member("round", 1);
  if (round < 1 || round > limits::outbound_rounds)
    return false;
  out.round = static_cast<unsigned>(round);
  if (v.member("delay_ms") != nullptr) {
    out.call.kind = outbound_kind::delay;
    out.call.method.clear();
    out.call.timeout = std::chrono::milliseconds{v.integer_member("delay_ms", -1)};
    return out.call.timeout.count() >= 0;
  }
  out.outcome.took_us = v.integer_member("took_us", 0);
  if (v.member("plugin") != nullptr) {
    out.call = call_of_plugin(std::string{v.string_member("plugin")}, {});
    return !out.call.url.empty() && read_bytes(v.member("args"), out.call.body) && read_answer(v, false, out.outcome);
  }
  out.call.method = v.string_member("method");
  out.call.url = v.string_member("url");
  const bool forward = v.truth_member("forward");
  if (forward)
    out.call.kind = outbound_kind::forward;
  return !out.call.method.empty() && !out.call.url.empty() && read_if_there(v, out.call.headers, out.call.body) && read_answer(v, forward, out.outcome);
}

} // namespace

outbound_outcome outbound_outcome::failed(std::string error, std::string message) {
  outbound_outcome out;
  out.error = std::move(error);
  out.message = std::move(message);
  return out;
}

outbound_call call_of_plugin(std::string name, std::string args) {
  outbound_call out;
  out.kind = outbound_kind::plugin;
  out.method.clear();
  out.url = std::move(name);
  out.headers = {{"content-type", "application/json"}};
  out.body = std::move(args);
  out.timeout = limits::outbound_call_time; // it has its own
  return out;
}

std::optional<std::string> fault_of(const outbound_call& call) {
  constexpr std::chrono::milliseconds longest = limits::outbound_call_longest;
  if (call.timeout < std::chrono::milliseconds{call.kind == outbound_kind::delay ? 0 : 1} || call.timeout > longest)
    return "the time must be at most " + std::to_string(longest.count()) + " ms";
  if (call.kind == outbound_kind::delay)
    return std::nullopt;
  if (call.kind == outbound_kind::plugin) {
    if (!is_data_name(call.url))
      return "there is no plugin of such a name";
    if (call.body.size() > limits::outbound_body_bytes)
      return "the arguments are longer than " + limit("outbound_body_bytes", limits::outbound_body_bytes);
    return std::nullopt;
  }
  if (!is_token(call.method) || call.method.size() > 32 || same_name(call.method, "connect"))
    return "`" + quoted(call.method) + "` is no method to call with";
  if (auto fault = fault_of_url(call.url))
    return fault;
  if (auto fault = fault_of_headers(call.headers))
    return fault;
  if (call.body.size() > limits::outbound_body_bytes)
    return "the body is longer than " + limit("outbound_body_bytes", limits::outbound_body_bytes);
  return std::nullopt;
}

std::shared_ptr<const made_calls> with_round(const std::shared_ptr<const made_calls>& before, std::vector<outbound_call> calls,
                                             std::vector<outbound_outcome> outcomes) {
  auto out = before ? std::make_shared<made_calls>(*before) : std::make_shared<made_calls>();
  const auto round = out->empty() ? 1U : out->back().round + 1;
  auto bytes = bytes_of(*out);
  for (const auto& c : calls)
    bytes += bytes_of(c);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto what = i < outcomes.size() ? std::move(outcomes[i]) : outbound_outcome::failed("cancelled", "it was not made");
    const auto length = calls[i].kind == outbound_kind::forward ? 0 : bytes_of(what);
    if (bytes + length > limits::outbound_bytes) {
      const auto took = what.took_us;
      what = outbound_outcome::failed("too_large", "the answer is, with the other calls of this request, more than " + limit("outbound_bytes", limits::outbound_bytes));
      what.took_us = took;
    } else {
      bytes += length;
    }
    out->push_back({std::move(calls[i]), std::move(what), round});
  }
  return out;
}

// -- one go ---------------------------------------------------------------------------

outbound_book::outbound_book(std::shared_ptr<const made_calls> known, const events::redactor& redact)
  : known_(std::move(known)), redact_(redact), given_(known_ ? known_->size() : 0), bytes_(known_ ? bytes_of(*known_) : 0) {}

outcome<const outbound_outcome*> outbound_book::ask(outbound_call call) {
  auto give = [&](std::size_t i) {
    given_[i] = true;
    return &(*known_)[i].outcome;
  };
  if (auto fault = fault_of(call))
    return failure(errc::invalid, std::move(*fault));
  for (std::size_t i = 0; i < given_.size(); ++i)
    if (!given_[i] && is_same((*known_)[i].call, call))
      return give(i);
  std::optional<outbound_call> recorded; // to compare with it is dear, so only a replay does
  for (std::size_t i = 0; i < given_.size(); ++i) {
    const auto& known = (*known_)[i].call;
    if (given_[i] || !is_of_record(known) || known.kind != call.kind || known.method != call.method)
      continue;
    if (!recorded)
      recorded = as_recorded(call, redact_);
    if (is_recorded_as(known, *recorded, redact_))
      return give(i);
  }
  if (given_.size() + wanted_.size() >= limits::outbound_calls)
    return failure(errc::too_large, "more calls than " + limit("outbound_calls", limits::outbound_calls));
  if (!given_.empty() && known_->back().round >= limits::outbound_rounds)
    return failure(errc::too_large, "more calls one after the other than " + limit("outbound_rounds", limits::outbound_rounds));
  bytes_ += bytes_of(call);
  if (bytes_ > limits::outbound_bytes)
    return failure(errc::too_large, "the calls of this request are more than " + limit("outbound_bytes", limits::outbound_bytes));
  wanted_.push_back(std::move(call));
  return nullptr;
}

// -- the record ---------------------------------------------------------------------------

void write_calls(events::json_text& j, const made_calls& calls, const events::redactor& redact, events::redact_echo& seen, std::string_view given) {
  std::string unheard; // a secret may be told as such only behind where it stands first
  events::json_text first{unheard};
  write_all(first, calls, redact, seen, given);
  write_all(j, calls, redact, seen, given);
}

std::shared_ptr<const made_calls> with_answer(made_calls calls, const std::string& body, bool cut) {
  for (auto& made : calls)
    if (made.outcome.is_answer) {
      made.outcome.body = body;
      made.outcome.cut = cut;
    }
  return std::make_shared<const made_calls>(std::move(calls));
}

std::shared_ptr<const made_calls> read_calls(const json_value& v) {
  if (!v.is_array())
    return nullptr;
  auto out = std::make_shared<made_calls>();
  for (const auto& one : v.items)
    if (!read_call(one, out->emplace_back()))
      return nullptr;
  return out;
}

std::string to_json(const std::vector<outbound_call>& calls) {
  std::string out;
  events::json_text j{out};
  j.open_array();
  for (const auto& c : calls) {
    j.open_object();
    if (c.kind == outbound_kind::delay) {
      j.key("delay_ms").value(c.timeout.count()).close_object();
      continue;
    }
    if (c.kind == outbound_kind::plugin) {
      j.key("plugin").value(c.url).key("args").bytes(c.body).close_object();
      continue;
    }
    j.key("method").value(c.method).key("url").value(c.url).key("headers").open_array();
    for (const auto& [name, value] : c.headers) {
      write_text(j.open_array().value(name), value);
      j.close_array();
    }
    j.close_array().key("body").bytes(c.body).close_object();
  }
  j.close_array();
  return out;
}

std::string to_text(const std::vector<outbound_call>& calls, const events::redactor& redact) {
  std::string out;
  for (const auto& c : calls) {
    out += out.empty() ? "" : ", ";
    if (c.kind == outbound_kind::delay)
      out += "a delay of " + std::to_string(c.timeout.count()) + " ms";
    else if (c.kind == outbound_kind::plugin)
      out += "the plugin " + c.url;
    else
      out += c.method + " " + redact.target(c.url);
  }
  return out;
}

} // namespace hourglass::mock
