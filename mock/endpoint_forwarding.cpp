// How endpoints ask their upstreams, as far as it is said of several at once.
#include "mock/endpoint_tables.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/forward_limits.hpp"
#include "mock/match_limits.hpp"
#include "mock/object_reader.hpp"
#include "mock/recording.hpp"

#include <algorithm>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

/// The endpoint's rules with another target.
std::string with_target(const std::string& forward, const std::string& target) {
  auto v = parse_json(forward).value_or(json_value::object());
  v.set("target", json_value::of(target));
  return to_text(v);
}

/// {"active": true, "path"?} begins one, {"active": false} ends it.
outcome<recording_session> session_asked_for(const json_value& v, const recording_session& before, const events::context& ctx) {
  object_reader in{v, "/recording"};
  in.only({"active", "path"});
  const bool active = in.truth("active", true);
  const auto path = in.text("path", limits::endpoint_path_bytes);
  if (!path.empty() && (path.front() != '/' || !active))
    in.fail(active ? "must start with a slash" : "is said when it begins", "path");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  if (active == before.active)
    return failure(errc::conflict, active ? "it is being recorded already" : "nothing is being recorded");
  auto out = before;
  out.active = active;
  if (active)
    out = {true, path, ctx.wall, {}};
  else
    out.until = ctx.wall;
  return out;
}

struct changed {
  std::shared_ptr<const compiled_endpoint> before, after;
};

} // namespace

outcome<decision> decide_forwarding(const endpoint_state& state, const put_forwarding& command, const events::context& ctx) {
  auto v = parse_json(command.text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  object_reader in{*v, ""};
  in.only({"clients", "recording"});
  const auto* asked = in.object("recording");
  const auto* clients = in.object("clients", asked == nullptr);
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  endpoint_state::tables after;
  after.forwarding = state.self->forwarding;
  after.recording = state.self->recording;
  if (clients != nullptr) {
    auto read = read_forward_clients(*clients, "/clients");
    if (!read)
      return tl::unexpected<events::error>{read.error()};
    after.forwarding = std::move(*read);
  }
  if (asked != nullptr) {
    auto session = session_asked_for(*asked, after.recording, ctx);
    if (!session)
      return tl::unexpected<events::error>{session.error()};
    after.recording = std::move(*session);
  }
  decision out;
  std::string payload;
  events::json_text j{payload};
  write_forwarding(after, j.open_object());
  j.close_object();
  out.reply = payload;
  if (out.reply != forwarding_json(state))
    out.events.push_back({events::kind::forwarding_put, std::move(payload), {}, 0, {}});
  return out;
}

outcome<decision> decide_retarget(const endpoint_state& state, const retarget_endpoints& command) {
  auto v = parse_json(command.text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  object_reader in{*v, ""};
  in.only({"to", "from", "project_root", "dry_run"});
  const auto to = in.text("to", limits::forward_url_bytes, true);
  const auto from = in.text("from", limits::forward_url_bytes);
  const auto project = in.text("project_root", limits::endpoint_path_bytes);
  const bool dry_run = in.truth("dry_run", false);
  if (in.has("from") && from.empty())
    in.fail("must not be empty", "from");
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  std::vector<changed> all;
  std::vector<std::string> unchanged;
  std::size_t bytes = 0;
  for (const auto& [id, e] : state.self->by_id) {
    if (!e->forward)
      continue;
    const auto target = in.has("project_root") && e->spec.project_root != project ? std::nullopt : retarget(e->forward->target.text(), from, to);
    if (!target || *target == e->forward->target.text()) {
      unchanged.push_back(id);
      continue;
    }
    auto spec = e->spec;
    spec.forward = with_target(spec.forward, *target);
    auto after = compiled_endpoint::compile(std::move(spec));
    if (!after)
      return failure(after.error().code, "the endpoint " + id + " would have the target " + *target + ", which " + after.error().detail, "/to");
    bytes += (*after)->spec.forward.size();
    all.push_back({e, std::move(*after)});
    if (all.size() > limits::endpoints_at_once || bytes > limits::endpoints_at_once_bytes)
      return failure(errc::too_large, "more endpoints at once than the limit endpoints_at_once (" + std::to_string(limits::endpoints_at_once) + "): name a project_root");
  }
  decision out;
  events::json_text j{out.reply};
  j.open_object().key("endpoints").open_array();
  for (const auto& one : all) {
    const auto& spec = one.after->spec;
    j.open_object().key("id").value(spec.id).key("before").value(one.before->forward->target.text());
    j.key("after").value(one.after->forward->target.text()).close_object();
    if (dry_run)
      continue;
    std::string payload;
    write_endpoint(spec, payload);
    out.events.push_back({events::kind::endpoint_put, std::move(payload), {spec.id}, 0, {}});
  }
  j.close_array().key("unchanged").open_array();
  for (const auto& id : unchanged)
    j.value(id);
  j.close_array().key("dry_run").value(dry_run).close_object();
  return out;
}

outcome<void> apply_forwarding(endpoint_state::tables& to, const json_value& v) {
  auto clients = forward_clients{};
  if (const auto* said = v.member("clients")) {
    auto read = read_forward_clients(*said, "/clients");
    if (!read)
      return failure(errc::corrupt, read.error().detail, read.error().where);
    clients = std::move(*read);
  }
  recording_session session;
  if (const auto* said = v.member("recording")) {
    session.active = said->truth_member("active");
    session.path = said->string_member("path");
    session.since.us = said->integer_member("since_us", 0);
    session.until.us = said->integer_member("until_us", 0);
  }
  to.forwarding = std::move(clients);
  to.recording = std::move(session);
  return {};
}

void write_forwarding(const endpoint_state::tables& from, events::json_text& j) {
  write_forward_clients(from.forwarding, j.key("clients"));
  if (const auto& r = from.recording; r != recording_session{}) {
    j.key("recording").open_object().key("active").value(r.active).key("path").value(r.path).key("since_us").value(r.since.us);
    j.key("until_us").value(r.until.us).close_object();
  }
}

std::string forwarding_json(const endpoint_state& state) {
  std::string out;
  events::json_text j{out};
  write_forwarding(*state.self, j.open_object());
  j.close_object();
  return out;
}

std::string recording_json(const endpoint_state& state) {
  const auto& r = state.self->recording;
  std::string out;
  events::json_text j{out};
  auto moment = [&](std::string_view name, events::wall_time at) {
    j.key(name);
    at.us == 0 ? j.null() : j.value(events::to_rfc3339(at));
  };
  j.open_object().key("active").value(r.active).key("path").value(r.path);
  moment("since", r.since);
  moment("until", r.until);
  j.close_object();
  return out;
}

} // namespace hourglass::mock
