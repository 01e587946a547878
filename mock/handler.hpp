#pragma once

#include "mock/endpoints.hpp"
#include "mock/json_value.hpp"
#include "mock/script.hpp"
#include "mock/script_view.hpp"
#include "mock/serve.hpp"
#include "mock/template.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What `$req`, `$resp` and `$func` are, and what becomes of a script's outcome. docs/decisions/043-scripts.md says in which order.
//
// $req   := {method, path, params, query, headers, cookies, body}
//           query and params: name -> text, or an array of texts where a query name is repeated; headers: lower-case name -> text, repeats joined by ", ";
//           body: the value, if the media type is JSON and it parses; else text; null if it is neither or empty
// $resp  := {status, headers, body}    body: undefined or null (none), a string, or any value that JSON has
// $func  := error(status, headers, body)                    answers at once
//         | mock.find(namespace, key)                       the value, or null
//         | mock.list(namespace, {after, prefix, limit})    [{key, value}…] in order of key, at most 1,000 if no limit says less or more
//         | mock.insert(namespace, key, value)              throws if it is there
//         | mock.update(namespace, key, value)              throws if it is not
//         | mock.put(namespace, key, value)             of these three, a value that JSON has
//         | mock.delete(namespace, key)                     whether it was there
//         | env.get(name)                                   text, or null
//         | template.json(name) | template.dyn(name)        the template, filled in, as a value or as text; it sees the data as the request found it
//         | template.file(name)                             its source
//         | sbx.clock.now()                                 RFC 3339, the sandbox's time
//         | sbx.scenario.resolve(given, otherwise)
//         | sbx.chaos.applyFromHeader(header)               `mock/chaos.hpp`; latency holds the answer back, a status is answered at once
//         | sbx.webhook.emit(type, payload)
//         | sbx.idempotency.remember(key, make, {seconds, profile})
//                                                           what `make` gave under this key: a text or a number; none: nothing is kept. It lasts `seconds` of
//                                                           the sandbox's clock, a day if it does not say. Another request (method, target, body) under the
//                                                           key is answered as `profile` has it: `ietf` 422, `stripe` 400. Kept in the namespace `sbx.idempotency`,
//                                                           which `mock` only reads
//         | http.get(url, options) | .post | .put | .patch | .delete | .request(url, {method, …})
//                                                           a call to the outside: {status, ok, headers, body, json()}. Options: headers, query, body (a text) or
//                                                           json (a value), timeout (ms; 10 s if it does not say, at most 30). An answer of any status is one;
//                                                           where there is none, an HttpError with `kind` and `url` is thrown
//         | concurrency.all([function…])                    what each gave, in order; the calls of all of them are made at once
//         | concurrency.map(list, function, {limit})        the same of `function(item, index)` for each item, at most `limit` at once
//         | concurrency.delay(ms)                           at most 30 s, for which nothing is held up
//         | dataMapper.apply(name, input)                   what the sandbox's mapper of this name makes of it (`mock/mapper.hpp`)
//         | plugin.exec(name, args)                         what the plugin makes of `args`, a value; where it fails, a PluginError with `kind` and `plugin`
//         | <function>(…)                                   of the sandbox
// What a script wrote before `error` stays; of one that fails nothing does.
// A call is an input: a script that wants one whose outcome is not known ends there, without a trace, and is run again from its beginning when it is.
namespace hourglass::mock {

/// Where what is remembered lies. A script reads it, and writes it by `remember` only.
inline constexpr std::string_view idempotency_space = "sbx.idempotency";

/// One request whose script runs: whom the script asks, and what it wants changed.
///
/// Threads: made and finished by the request's owner; in between, `call` by the engine. Everything it is given must stay as it is until then.
class handler_run final : public script_host {
public:
  /// `p.runs_script()`; `sandbox` as a text; `redact` must outlive it.
  handler_run(std::shared_ptr<const plan> p, std::shared_ptr<const data_state> data, std::shared_ptr<const request> req, events::context ctx,
              std::string sandbox, const events::redactor& redact);

  /// For the engine; `self` becomes its host. Fails with `errc::too_large` when the request is more than a script may get.
  static events::outcome<script_task> task(const std::shared_ptr<handler_run>& self);

  events::outcome<std::string> call(std::string_view name, std::string_view arguments) override;

  /// The answer and the events: request_served, then what the script changed, unless it failed. What fails here did not run: `errc::overloaded`,
  /// `errc::unavailable`; then nothing happened. Of one that waits for calls only `wanted`, and a refusal for those who call nobody.
  events::outcome<served> finish(const script_outcome& outcome) const;

private:
  events::outcome<std::string> list(const json_value& arguments) const;
  events::outcome<std::string> write(std::string_view name, const json_value& arguments);
  events::outcome<std::string> remembered(const json_value& arguments);
  events::outcome<std::string> keep(const json_value& arguments);
  void forget_old(const std::string& near);
  events::outcome<void> room_for_one_more();
  events::outcome<std::string> from_template(std::string_view name, bool filled_in);
  events::outcome<std::string> emit(const json_value& arguments);
  events::outcome<std::string> chaos_of(const json_value& arguments);
  events::outcome<std::string> call_outside(const json_value& arguments);
  events::outcome<std::string> pause(const json_value& arguments);
  events::outcome<std::string> call_plugin(const json_value& arguments);
  events::outcome<std::string> mapped(const json_value& arguments) const;
  events::outcome<served> unfinished() const;
  std::string fingerprint() const;
  std::string fingerprint_of_before() const;

  std::shared_ptr<const plan> plan_;
  std::shared_ptr<const data_state> data_;
  std::shared_ptr<const request> request_;
  events::context ctx_;
  std::string sandbox_;
  const events::redactor& redact_;
  script_view view_;
  std::optional<template_scope> scope_; ///< of all templates of the run: one purse, and one stream of chance
  std::vector<emission> emitted_;
  std::size_t emitted_bytes_ = 0;
  std::string walked_to_; ///< of what is remembered, in search of what has had its time
  bool full_ = false;     ///< and there was no more of it
  std::optional<chaos_fate> fate_; ///< that the script asks for
  outbound_book book_;
};

/// A scripted request apart from its sandbox, on copies: a replay, a trial. Changes nothing.
///
/// Threads: one at a time; `run` ends on the engine's.
class detached_run {
public:
  /// `p.runs_script()`; `redact` must outlive it.
  detached_run(plan p, data_state data, request req, events::context ctx, std::string sandbox, const events::redactor& redact);

  /// `before` is how it ended when it ran first: an end that another run may not come to (time, memory, a worker's death) is taken from there. `done` is
  /// called once, on the engine's thread or at once; it must not block. `self` lives until then.
  static void run(const std::shared_ptr<detached_run>& self, script_engine& engine, const script_note* before, std::function<void()> done);

  /// After `done`; takes a while with a large answer.
  events::outcome<served> finish() const { return run_->finish(outcome_); }

private:
  std::shared_ptr<handler_run> run_;
  script_outcome outcome_;
};

/// A run that did not come about, as the script's own error.
script_outcome not_run(const events::error& why);

/// The end of a run whose webhooks its sandbox does not take: nothing has changed, and the script has failed. `ran`: the request_served event that it
/// would have had; `why` names the webhook.
served refused_emission(const plan& p, std::string_view ran, std::string why, const request& req, const events::context& ctx, const std::string& sandbox,
                        const events::redactor& redact);

/// As a script sees them: lower-case name -> text, repeats joined by ", ".
void write_joined(events::json_text& j, const fields& headers);

/// `$req` as JSON. Fails with `errc::too_large`.
events::outcome<std::string> request_json(const plan& p, const request& req);

} // namespace hourglass::mock
