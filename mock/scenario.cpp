// Scenarios and chaos of one request; packs as they are put.
#include "mock/scenario.hpp"

#include "events/json_text.hpp"
#include "events/limits.hpp"
#include "mock/answer_choice.hpp"
#include "mock/data.hpp"
#include "mock/data_names.hpp"
#include "mock/endpoint_tables.hpp"
#include "mock/negotiation.hpp"
#include "mock/object_reader.hpp"
#include "mock/parameter.hpp"
#include "mock/refusal.hpp"
#include "mock/request_check.hpp"
#include "mock/seed.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

using events::errc;
using events::failure;
using events::outcome;

constexpr std::size_t most_scenarios = 1'000;
constexpr std::size_t most_magic = 1'000;
constexpr std::size_t most_name = 128;

std::string text_of(const json_value& v) { return v.is_bool() ? (v.truth ? "true" : "false") : v.text; }

// -- which scenario ------------------------------------------------------------------------

/// What a request has where magic values may stand, looked up once.
class magic_reader {
public:
  magic_reader(const plan& p, const request& req) : plan_(p), request_(req) {}

  bool has(const magic_value& m) {
    if (m.in == "header") {
      const auto* value = find(request_.headers, m.at);
      return value != nullptr && trimmed(*value) == m.equals;
    }
    if (m.in == "query") {
      if (!query_)
        query_ = encoded_pairs(split_target(request_.target).query, how_);
      return std::any_of(query_->begin(), query_->end(), [&](const field& f) {
        std::string value;
        return f.name == m.at && percent_decode(f.value, true, value) && value == m.equals;
      });
    }
    if (!body_) {
      static const request_check nothing_demanded;
      body_.emplace();
      if (!request_.body.empty())
        if (auto v = (plan_.endpoint->check ? *plan_.endpoint->check : nothing_demanded).body_of(request_))
          body_ = std::move(*v);
    }
    const auto* at = at_pointer(*body_, m.at);
    return at != nullptr && (at->is_string() || at->is_number() || at->is_bool()) && text_of(*at) == m.equals;
  }

private:
  const plan& plan_;
  const request& request_;
  schema_purse purse_;
  reading how_{purse_};
  std::optional<std::vector<field>> query_;
  std::optional<json_value> body_;
};

std::string scenario_meant(const plan& p, const scenario_pack* pack, const request& req) {
  if (req.scenario)
    return *req.scenario;
  if (const auto* header = find(req.headers, "x-sandbox-scenario"))
    if (auto name = trimmed(*header); !name.empty())
      return name.size() <= most_name && events::is_utf8(name) ? std::string{name} : std::string{};
  if (pack == nullptr || pack->magic.empty())
    return {};
  magic_reader in{p, req};
  const auto at = std::find_if(pack->magic.begin(), pack->magic.end(), [&](const magic_value& m) { return in.has(m); });
  return at != pack->magic.end() ? at->scenario : std::string{};
}

/// Has the endpoint give its own answer of that code and example, or a fixed one instead. A script knows the scenario's name, and answers itself.
void play(const scenario& s, plan& p, const request& req) {
  if (s.answer) {
    p.refusal = s.answer;
    p.status = s.answer->status;
    return;
  }
  if ((!s.code && s.example.empty()) || p.endpoint->script)
    return;
  const auto has_none = [&p](const std::string& what) {
    p.refusal = refusal(501, "no-such-response", "No such response", "the scenario wants " + what + ", which this endpoint has not", "X-Sandbox-Scenario");
    p.status = 501;
  };
  auto other = p;
  if (s.code && !choose_code(*p.endpoint, *s.code, other))
    return has_none("the answer of code " + std::to_string(*s.code));
  other.forwarding = false;
  other.example = 0;
  other.generate = nullptr;
  other.stateful = p.stateful && other.response == p.response;
  if (const auto& a = p.endpoint->answers[other.response]; !choose_content(a, req.headers, other))
    other.content = a.default_content;
  const auto& contents = p.endpoint->spec.responses[other.response].contents;
  if (!s.example.empty()) {
    const auto none = std::vector<example>{};
    const auto& examples = contents.empty() ? none : contents[other.content].examples;
    const auto at = std::find_if(examples.begin(), examples.end(), [&](const example& e) { return e.name == s.example; });
    if (at == examples.end())
      return has_none("the example " + s.example);
    other.example = static_cast<std::size_t>(at - examples.begin());
    other.stateful = false;
  }
  p = std::move(other);
}

// -- chaos ---------------------------------------------------------------------------------

const std::pair<const std::string, scenario_state::profile>* profile_of(const scenario_state& s, const endpoint& e) {
  if (s.profiles.empty())
    return nullptr;
  auto at = s.profiles.find(e.id);
  if (at == s.profiles.end())
    at = s.profiles.find(e.method + ' ' + e.full_path());
  if (const auto path = e.full_path(); at == s.profiles.end() && !e.path_regex) // `/stubs/bank/*`: all below, the nearest first
    for (auto slash = path.rfind('/'); at == s.profiles.end() && slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1))
      at = s.profiles.find(path.substr(0, slash) + "/*");
  if (at == s.profiles.end())
    at = s.profiles.find(all_endpoints);
  return at != s.profiles.end() ? &*at : nullptr;
}

void suffer(plan& p, const request& req) {
  const auto& fate = *p.fate;
  if (fate.fault != wire_fault::none) {
    p.refusal = refusal(fate.fault == wire_fault::malformed ? 200 : 503, "chaos", "Chaos",
                        "the chaos that was asked for broke this answer: " + std::string{to_string(fate.fault)});
    p.status = p.refusal->status;
    return;
  }
  if (!fate.status)
    return;
  auto declared = declared_error(*p.endpoint, *fate.status, req);
  p.refusal = declared ? std::move(*declared)
                       : refusal(*fate.status, "chaos", "Chaos", "this answer is the chaos that was asked for: " + std::to_string(*fate.status));
  if ((*fate.status == 429 || *fate.status == 503) && find(p.refusal->headers, "retry-after") == nullptr)
    p.refusal->headers.push_back({"Retry-After", "1"});
  p.status = *fate.status;
}

} // namespace

void meet_fate(plan& p, const data_state& data, const request& req, const events::entropy& chance) {
  if (!p.endpoint)
    return;
  const auto& state = data.scenarios;
  p.scenario = scenario_meant(p, state.pack.get(), req);
  const scenario* wanted = nullptr;
  if (state.pack && !p.scenario.empty())
    if (auto at = state.pack->scenarios.find(p.scenario); at != state.pack->scenarios.end())
      wanted = &at->second;
  if (wanted != nullptr && !p.refusal)
    play(*wanted, p, req);
  const auto* header = p.endpoint->script ? nullptr : find(req.headers, "x-chaos"); // a script asks for it itself, or does not
  if (header != nullptr || (wanted != nullptr && !wanted->chaos.empty())) {
    auto own = chaos::read(header != nullptr ? std::string_view{*header} : std::string_view{wanted->chaos});
    if (!own) {
      p.refusal = refusal(400, "invalid-chaos", "Invalid chaos", own.error().detail, "X-Chaos");
      p.status = 400;
      p.stateful = false;
      return;
    }
    p.fate = fate_of(*own, own->seed.empty() ? chance : chance_of(own->seed, 0));
  } else if (const auto* stored = profile_of(state, p.endpoint->spec)) {
    const auto& [key, profile] = *stored;
    const bool seeded = !profile.what.seed.empty();
    p.fate = fate_of(profile.what, seeded ? chance_of(profile.what.seed, profile.drawn) : chance);
    if (seeded)
      p.drawn = key;
  }
  if (p.fate)
    suffer(p, req);
  p.stateful = p.stateful && !p.refusal;
}

// -- packs -----------------------------------------------------------------------------------

namespace {

class pack_reader {
public:
  outcome<std::shared_ptr<const scenario_pack>> run(std::string_view name, const json_value& v) {
    out_->name = name;
    object_reader in{v, ""};
    in.only({"description", "seed", "chaos", "magic", "scenarios"});
    in.text("description", 4'096);
    in.object("seed"); // what is in it is read when it is applied: only then the collections are known
    const auto* chaos_of = in.object("chaos");
    const auto* scenarios = in.object("scenarios");
    const auto* magic = in.array("magic", most_magic);
    if (in.problem())
      return tl::unexpected<events::error>{*in.problem()};
    if (scenarios != nullptr && scenarios->items.size() > most_scenarios)
      return failure(errc::too_large, "has more than 1000 scenarios", "/scenarios");
    for (std::size_t i = 0; chaos_of != nullptr && i < chaos_of->items.size(); ++i)
      check_chaos(chaos_of->items[i], pointer_to("/chaos", chaos_of->names[i]));
    for (std::size_t i = 0; scenarios != nullptr && i < scenarios->items.size() && !problem_; ++i)
      read_scenario(scenarios->names[i], scenarios->items[i], pointer_to("/scenarios", scenarios->names[i]));
    for (std::size_t i = 0; magic != nullptr && i < magic->items.size() && !problem_; ++i)
      read_magic(magic->items[i], "/magic/" + std::to_string(i));
    if (problem_)
      return tl::unexpected<events::error>{*problem_};
    return std::shared_ptr<const scenario_pack>{std::move(out_)};
  }

private:
  void fail(std::string why, std::string where, errc code = errc::invalid) {
    if (!problem_)
      problem_ = events::error{code, std::move(why), std::move(where)};
  }

  std::string check_chaos(const json_value& v, const std::string& at) {
    if (!v.is_string())
      fail("must be a text such as latency=200,5xx=2%", at);
    else if (auto read = chaos::read(v.text); !read)
      fail(read.error().detail, at);
    return v.text;
  }

  void read_magic(const json_value& v, const std::string& at) {
    object_reader in{v, at};
    in.only({"in", "at", "equals", "scenario"});
    magic_value m{in.text("in", 16, true), in.text("at", 512), {}, in.text("scenario", most_name, true)};
    const auto* equals = v.member("equals");
    if (equals == nullptr || !(equals->is_string() || equals->is_number() || equals->is_bool()) || equals->text.size() > 4'096)
      in.fail("must be a text, a number or a truth of at most 4096 bytes", "equals");
    else
      m.equals = text_of(*equals);
    if (m.in != "body" && m.in != "query" && m.in != "header")
      in.fail("must be body, query or header", "in");
    else if (m.in == "body" ? !m.at.empty() && m.at.front() != '/' : m.at.empty())
      in.fail(m.in == "body" ? "must be a JSON Pointer" : "must be a name", "at");
    if (in.problem())
      fail(in.problem()->detail, in.problem()->where, in.problem()->code);
    out_->magic.push_back(std::move(m));
  }

  void read_scenario(const std::string& name, const json_value& v, const std::string& at) {
    object_reader in{v, at};
    in.only({"code", "example", "answer", "chaos"});
    scenario s;
    if (in.has("code"))
      s.code = static_cast<unsigned>(in.integer("code", 100, 599, 200));
    s.example = in.text("example", 512);
    const auto* answer = in.object("answer");
    if (answer != nullptr && s.code)
      in.fail("stands beside `code`: only one of them can be", "answer");
    if (name.empty() || name.size() > most_name)
      in.fail("must have a name of 1 to 128 bytes", "");
    if (in.problem())
      return fail(in.problem()->detail, in.problem()->where, in.problem()->code);
    if (answer != nullptr)
      read_answer(*answer, at + "/answer", s);
    if (const auto* c = v.member("chaos"))
      s.chaos = check_chaos(*c, at + "/chaos");
    out_->scenarios.emplace(name, std::move(s));
  }

  /// As the response of an endpoint that is put.
  void read_answer(const json_value& v, const std::string& at, scenario& into) {
    auto e = json_value::object();
    e.add("method", json_value::of("GET"));
    e.add("path", json_value::of("/"));
    e.add("response", v);
    e.seal();
    auto read = read_endpoint(to_text(e));
    if (read && read->templated)
      return fail("templates are not filled in here", at + "/template");
    if (!read) {
      auto where = read.error().where;
      if (where.starts_with("/response"))
        where.erase(0, 9);
      return fail(read.error().detail, at + where, read.error().code);
    }
    const auto& spec = read->responses.front();
    response out;
    out.status = static_cast<unsigned>(std::stoul(spec.status));
    if (!spec.contents.empty()) {
      out.headers.push_back({"Content-Type", spec.contents.front().media_type});
      out.body = spec.contents.front().examples.front().body;
    }
    out.headers.insert(out.headers.end(), spec.headers.begin(), spec.headers.end());
    into.answer = std::move(out);
  }

  std::shared_ptr<scenario_pack> out_ = std::make_shared<scenario_pack>();
  std::optional<events::error> problem_;
};

} // namespace

outcome<std::shared_ptr<const scenario_pack>> read_pack(std::string_view name, const json_value& v) { return pack_reader{}.run(name, v); }

} // namespace hourglass::mock
