#include "mock/handler.hpp"

#include "events/digest.hpp"
#include "events/json_check.hpp"
#include "events/json_text.hpp"
#include "mock/chaos.hpp"
#include "mock/compiled.hpp"
#include "mock/data_names.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/json_value.hpp"
#include "mock/refusal.hpp"
#include "mock/script_limits.hpp"
#include "mock/script_record.hpp"
#include "mock/target.hpp"
#include "mock/template.hpp"

#include <algorithm>
#include <functional>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

tl::unexpected<events::error> bad(std::string_view what) { return failure(errc::invalid, std::string{what}); }

/// Keys are often numbers in a script.
std::string text_of(const json_value& v) { return v.is_string() || v.is_number() ? v.text : std::string{}; }

std::string json_of(std::string_view text) {
  std::string out;
  events::json_text{out}.value(text);
  return out;
}

// -- $resp ----------------------------------------------------------------------------

std::string start_json(const plan& p) {
  std::string out;
  events::json_text j{out};
  j.open_object().key("status").value(p.status).key("headers").open_object();
  if (p.response < p.endpoint->spec.responses.size())
    for (const auto& [name, value] : p.endpoint->spec.responses[p.response].headers)
      j.key(name).value(value);
  j.close_object().close_object();
  return out;
}

/// What is wrong with an answer that a script gave, if anything is.
std::string fault_of(const script_outcome& o) {
  for (const auto& [name, value] : o.answer.headers) {
    if (!is_token(name))
      return "the header name `" + name.substr(0, 64) + "` is none";
    if (is_framing_header(name))
      return "the header " + name + " is set by the server";
    if (!is_field_value(value))
      return "the header " + name + " has control characters";
  }
  if (o.has_body && !o.answer.body.empty() && (o.answer.status == 204 || o.answer.status == 304))
    return "an answer of status " + std::to_string(o.answer.status) + " has no body";
  return {};
}

response answer_of(const script_outcome& o) {
  auto out = o.answer;
  if (o.has_body && find(out.headers, "content-type") == nullptr)
    out.headers.insert(out.headers.begin(), {"Content-Type", o.json ? "application/json" : "text/plain; charset=utf-8"});
  return out;
}

/// The shared function that it was thrown in, as `function name`; empty: the handler itself.
std::string_view function_of(const script_error& e) {
  auto frame = std::string_view{e.stack}.substr(0, e.stack.find('\n')); // name@file:line:column
  frame.remove_prefix(std::min(frame.find('@') + 1, frame.size()));
  for (int numbers = 0; numbers < 2; ++numbers)
    frame = frame.substr(0, frame.rfind(':'));
  return frame.starts_with("function ") ? frame : std::string_view{};
}

/// Its words as the log has them: what a script throws may quote what it knows.
response answer_of(const script_error& e, const plan& p, const events::context& ctx, const std::string& sandbox, const events::redactor& redact) {
  response out;
  out.status = 500;
  out.headers.push_back({"Content-Type", "application/problem+json"});
  const auto& spec = p.endpoint->spec;
  events::json_text j{out.body};
  j.open_object().key("type").value("/problems/script-failed").key("title").value("The script failed").key("status").value(500);
  j.key("detail").value(without_secrets(e.message, redact, {})).key("kind").value(to_string(e.fault));
  j.key("sandbox").value(sandbox).key("endpoint").value(spec.id).key("project").value(spec.project_root).key("group").value(spec.group_root);
  if (e.line != 0)
    j.key("line").value(e.line).key("column").value(e.column);
  if (const auto function = function_of(e); !function.empty())
    j.key("in").value(function);
  if (!ctx.correlation.empty())
    j.key("correlation_id").value(ctx.correlation);
  j.close_object();
  return out;
}

bool is_type_name(std::string_view name) {
  return !name.empty() && name.size() <= 256 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

/// Ends that the same task need not come to again, or that depend on more than the task.
bool is_by_chance(script_fault f) {
  return f == script_fault::time || f == script_fault::memory || f == script_fault::died || f == script_fault::refused;
}

} // namespace

handler_run::handler_run(std::shared_ptr<const plan> p, std::shared_ptr<const data_state> data, std::shared_ptr<const request> req, events::context ctx,
                         std::string sandbox, const events::redactor& redact)
  : plan_(std::move(p)),
    data_(std::move(data)),
    request_(std::move(req)),
    ctx_(std::move(ctx)),
    sandbox_(std::move(sandbox)),
    redact_(redact),
    view_(*data_),
    book_(request_->calls, redact) {
}

script_outcome not_run(const events::error& why) {
  script_outcome out;
  out.error = script_error{script_fault::thrown, why.detail, 0, 0, {}};
  return out;
}

outcome<script_task> handler_run::task(const std::shared_ptr<handler_run>& self) {
  script_task t;
  auto request = request_json(*self->plan_, *self->request_);
  if (!request)
    return tl::unexpected<events::error>{std::move(request).error()};
  t.request = std::move(*request);
  t.sandbox = self->sandbox_;
  t.script = self->plan_->endpoint->script;
  t.library = self->plan_->library;
  t.start = start_json(*self->plan_);
  t.now = self->ctx_.now;
  t.chance = self->ctx_.chance;
  t.host = self;
  return t;
}

// -- what a script asks -----------------------------------------------------------------

outcome<std::string> handler_run::call(std::string_view name, std::string_view arguments) {
  if (auto fine = events::check_json(arguments, limits::json_depth); !fine) // half a surrogate, a number like 1e999
    return failure(fine.error().code, "the arguments of " + std::string{name} + ": " + fine.error().detail);
  auto given = parse_json(arguments);
  if (!given)
    return failure(given.error().code, "the arguments of " + std::string{name} + ": " + given.error().detail);
  if (!given->is_array())
    return bad("the arguments are no list");
  const auto& a = *given;
  if (name == "mock.find") {
    const auto* found = view_.find(text_of(a.item_at(0)), text_of(a.item_at(1)));
    return found != nullptr ? *found : std::string{"null"};
  }
  if (name == "mock.list")
    return list(a);
  if (name.starts_with("mock."))
    return write(name.substr(5), a);
  if (name == "env.get") {
    const auto found = data_->env.find(text_of(a.item_at(0)));
    return found != data_->env.end() ? json_of(found->second) : std::string{"null"};
  }
  if (name == "template.text" || name == "template.render")
    return from_template(text_of(a.item_at(0)), name == "template.render");
  if (name == "scenario.resolve") {
    const auto wanted = trimmed(a.item_at(0).is_string() ? std::string_view{a.item_at(0).text} : std::string_view{});
    if (!wanted.empty())
      return json_of(wanted);
    return plan_->scenario.empty() ? to_text(a.item_at(1)) : json_of(plan_->scenario); // a magic value of the request may mean one
  }
  if (name == "webhook.emit")
    return emit(a);
  if (name == "chaos.apply")
    return chaos_of(a);
  if (name == "plugin.exec")
    return call_plugin(a);
  if (name == "mapper.apply")
    return mapped(a);
  if (name == "http.call")
    return call_outside(a);
  if (name == "concurrency.delay")
    return pause(a);
  if (name == "idempotency.find")
    return remembered(a);
  if (name == "idempotency.keep")
    return keep(a);
  return bad("there is no call of this name");
}

outcome<std::string> handler_run::list(const json_value& arguments) const {
  const auto& options = arguments.item_at(1);
  std::int64_t most = 1'000;
  if (const auto* limit = options.member("limit"); limit != nullptr && (!limit->as_integer(most) || most < 1 || most > 10'000))
    return bad("`limit` must be a whole number from 1 to 10000");
  auto found = view_.list(text_of(arguments.item_at(0)), std::string{options.string_member("after")}, std::string{options.string_member("prefix")},
                          static_cast<std::size_t>(most));
  if (!found)
    return tl::unexpected<events::error>{std::move(found).error()};
  std::string out;
  events::json_text j{out};
  j.open_array();
  for (const auto& item : *found)
    j.open_object().key("key").value(item.key).key("value").raw(item.value).close_object();
  j.close_array();
  return out;
}

outcome<std::string> handler_run::write(std::string_view name, const json_value& arguments) {
  const auto space = text_of(arguments.item_at(0)), key = text_of(arguments.item_at(1));
  if (space == idempotency_space)
    return bad("the namespace " + space + " is written by $func.sbx.idempotency.remember only");
  if (space == mapper_space)
    return bad("the namespace " + space + " is not written by scripts");
  if (name == "delete") {
    auto removed = view_.remove(space, key);
    if (!removed)
      return tl::unexpected<events::error>{std::move(removed).error()};
    return *removed ? "true" : "false";
  }
  const bool there = view_.find(space, key) != nullptr;
  if (name == "insert" ? there : name == "update" ? !there : name != "put")
    return bad(name == "insert" ? "there is an item " + key + " in " + space + " already"
               : name == "update" ? "there is no item " + key + " in " + space
                                  : "there is no call of this name");
  const auto value = to_text(arguments.item_at(2));
  if (auto ok = view_.put(space, key, value); !ok)
    return failure(ok.error().code, (ok.error().where == "/namespace" ? "the namespace " : ok.error().where == "/key" ? "the key " : "") + ok.error().detail);
  return value;
}

outcome<std::string> handler_run::from_template(std::string_view name, bool filled_in) {
  const auto found = data_->templates.find(name);
  if (found == data_->templates.end())
    return failure(errc::not_found, "there is no template " + std::string{name.substr(0, 128)});
  if (!filled_in)
    return json_of(found->second);
  if (!scope_)
    scope_.emplace(*request_, plan_->endpoint->route.parameters, plan_->captures, *data_, ctx_);
  auto spent = [this](std::size_t bytes) -> outcome<void> {
    if (scope_->charge(bytes))
      return {};
    return failure(errc::too_large, "the templates of this request read and make more than the limit template_work_bytes (" +
                                      std::to_string(limits::template_work_bytes) + ")");
  };
  if (auto fine = spent(found->second.size()); !fine)
    return tl::unexpected<events::error>{std::move(fine).error()};
  auto compiled = compiled_template::compile(found->second, flavour_of_template(found->first, found->second));
  if (!compiled)
    return tl::unexpected<events::error>{std::move(compiled).error()};
  std::string text;
  if (auto ok = compiled->render(*scope_, text); !ok)
    return tl::unexpected<events::error>{std::move(ok).error()};
  if (auto fine = spent(text.size()); !fine)
    return tl::unexpected<events::error>{std::move(fine).error()};
  if (!events::is_utf8(text)) // a target may hold any byte
    return bad("the text of the template is not UTF-8");
  return json_of(text);
}

outcome<std::string> handler_run::mapped(const json_value& arguments) const {
  const auto name = text_of(arguments.item_at(0));
  const auto found = data_->mappers.find(name);
  if (found == data_->mappers.end() || !found->second.compiled)
    return failure(errc::not_found, (found == data_->mappers.end() ? "there is no mapper " : "this version does not take the mapper ") + quoted(name));
  auto made = found->second.compiled->apply(arguments.item_at(1));
  if (!made)
    return failure(made.error().code, "the mapper " + name + " at " + made.error().where + ": " + made.error().detail);
  return to_text(*made);
}

outcome<std::string> handler_run::emit(const json_value& arguments) {
  const auto type = text_of(arguments.item_at(0));
  if (!is_type_name(type))
    return bad("the type of an event has 1 to 256 characters of A-Z a-z 0-9 - _ .");
  if (!arguments.item_at(1).is_object())
    return bad("the payload must be an object");
  if (emitted_.size() >= limits::script_messages)
    return failure(errc::too_large, "more messages than the limit script_messages (" + std::to_string(limits::script_messages) + ")");
  auto payload = to_text(arguments.item_at(1));
  if (payload.size() > limits::message_bytes)
    return failure(errc::too_large, "the payload is longer than the limit message_bytes (" + std::to_string(limits::message_bytes) + ")");
  if (emitted_bytes_ + payload.size() > limits::script_messages_bytes)
    return failure(errc::too_large, "the payloads are longer together than the limit script_messages_bytes (" + std::to_string(limits::script_messages_bytes) + ")");
  emitted_bytes_ += payload.size();
  emitted_.push_back({type, std::move(payload)});
  return "null";
}

/// The status to answer with instead, or null. What breaks on the wire is the server's.
outcome<std::string> handler_run::chaos_of(const json_value& arguments) {
  if (arguments.item_at(0).is_null())
    return "null";
  auto wanted = chaos::read(text_of(arguments.item_at(0)));
  if (!wanted)
    return tl::unexpected<events::error>{std::move(wanted).error()};
  const auto fate = fate_of(*wanted, ctx_.chance);
  const auto before = fate_.value_or(chaos_fate{});
  fate_ = chaos_fate{std::max(before.delay, fate.delay), std::max(before.dribble, fate.dribble), std::nullopt, fate.fault != wire_fault::none ? fate.fault : before.fault};
  if (fate.fault != wire_fault::none)
    return fate.fault == wire_fault::malformed ? "200" : "503";
  return fate.status ? std::to_string(*fate.status) : std::string{"null"};
}

// -- the end ------------------------------------------------------------------------------

outcome<served> handler_run::unfinished() const {
  if (book_.wanted().empty())
    return failure(errc::unavailable, "the script's worker waits for nothing");
  served out;
  out.wanted = book_.wanted();
  out.response = refusal(503, "call-not-known", "A call is not known", "nobody is called here, and this was wanted: " + to_text(out.wanted, redact_));
  return out;
}

outcome<served> handler_run::finish(const script_outcome& outcome) const {
  if (outcome.waits)
    return unfinished();
  script_note note;
  note.digest = plan_->endpoint->script->digest;
  note.interrupted = outcome.interrupted;
  note.console = outcome.console;
  note.error = outcome.error;
  if (!note.error)
    if (auto fault = fault_of(outcome); !fault.empty())
      note.error = script_error{script_fault::thrown, std::move(fault), 0, 0, {}};
  if (note.error && note.error->fault == script_fault::overloaded)
    return failure(errc::overloaded, note.error->message);
  if (note.error && note.error->fault == script_fault::unavailable)
    return failure(errc::unavailable, note.error->message);
  if (note.error)
    return conclude(*plan_, answer_of(*note.error, *plan_, ctx_, sandbox_, redact_), *request_, ctx_, redact_, &note);
  std::vector<events::draft> changes;
  for (const auto& command : view_.changes()) {
    auto decided = decide_together(*data_, command); // that they fit is the view's word
    if (!decided) // it has asked before
      return failure(errc::internal, "a script's change is refused: " + decided.error().detail);
    std::move(decided->events.begin(), decided->events.end(), std::back_inserter(changes));
  }
  note.changes = changes.size();
  for (const auto& e : emitted_)
    note.emitted.push_back(e.type);
  auto met = *plan_;
  if (fate_) { // it has asked for it
    auto& all = met.fate ? *met.fate : met.fate.emplace();
    all.delay = std::max(all.delay, fate_->delay);
    all.dribble = std::max(all.dribble, fate_->dribble);
    all.fault = fate_->fault != wire_fault::none ? fate_->fault : all.fault;
  }
  auto out = conclude(met, answer_of(outcome), *request_, ctx_, redact_, &note);
  std::move(changes.begin(), changes.end(), std::back_inserter(out.events));
  out.emitted = emitted_;
  return out;
}

served refused_emission(const plan& p, std::string_view ran, std::string why, const request& req, const events::context& ctx, const std::string& sandbox,
                        const events::redactor& redact) {
  script_note note;
  if (auto record = decode_served(ran); record && record->script)
    note = std::move(*record->script);
  note.interrupted = false;
  note.changes = 0;
  note.emitted.clear();
  note.error = script_error{script_fault::refused, std::move(why), 0, 0, {}};
  return conclude(p, answer_of(*note.error, p, ctx, sandbox, redact), req, ctx, redact, &note);
}

// -- apart from its sandbox -----------------------------------------------------------------

detached_run::detached_run(plan p, data_state data, request req, events::context ctx, std::string sandbox, const events::redactor& redact)
  : run_(std::make_shared<handler_run>(std::make_shared<const plan>(std::move(p)), std::make_shared<const data_state>(std::move(data)),
                                       std::make_shared<const request>(std::move(req)), std::move(ctx), std::move(sandbox), redact)) {
}

void detached_run::run(const std::shared_ptr<detached_run>& self, script_engine& engine, const script_note* before, std::function<void()> done) {
  if (before != nullptr && before->error && is_by_chance(before->error->fault)) {
    self->outcome_.error = before->error;
    self->outcome_.console = before->console;
    return done();
  }
  auto task = handler_run::task(self->run_);
  if (!task) {
    self->outcome_ = not_run(task.error());
    return done();
  }
  engine.run(std::move(*task), [self, done = std::move(done)](script_outcome o) {
    self->outcome_ = std::move(o);
    done();
  });
}

} // namespace hourglass::mock
