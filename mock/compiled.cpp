#include "mock/compiled.hpp"

#include "events/json_text.hpp"
#include "events/redact.hpp"
#include "mock/forward_limits.hpp"
#include "mock/forward_rules.hpp"
#include "mock/negotiation.hpp"
#include "mock/request_match.hpp"
#include "mock/target.hpp"

#include <algorithm>

namespace hourglass::mock {

namespace {

tl::unexpected<events::error> bad_route(std::string why) { return events::failure(events::errc::invalid, std::move(why), "/path"); }

events::outcome<std::string> decoded_literal(std::string_view text) {
  std::string out;
  if (!percent_decode(text, false, out))
    return bad_route("the path has a malformed escape, a NUL or bytes that are not UTF-8");
  if (out.find_first_of("/\\") != std::string::npos)
    return bad_route("the path has an encoded slash");
  if (std::any_of(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return bad_route("the path has a control character");
  return out;
}

/// Reads one segment, adding the names of its parameters.
events::outcome<route_segment> compile_segment(std::string_view text, std::vector<std::string>& names) {
  std::vector<std::string> around;
  while (true) {
    auto open = std::min(text.find('{'), text.size());
    auto before = decoded_literal(text.substr(0, open));
    if (!before)
      return tl::unexpected<events::error>{before.error()};
    if (before->find('}') != std::string::npos)
      return bad_route("the path has a `}` without `{`");
    if (!around.empty() && before->empty() && open < text.size())
      return bad_route("two parameters stand side by side");
    around.push_back(std::move(*before));
    if (open == text.size())
      break;
    auto close = text.find('}', open);
    if (close == std::string_view::npos)
      return bad_route("the path has a `{` without `}`");
    auto name = text.substr(open + 1, close - open - 1);
    if (name.empty() || name.size() > 128 || name.find_first_of("{/?#") != std::string_view::npos)
      return bad_route("a path parameter needs a name of 1 to 128 characters");
    if (std::find(names.begin(), names.end(), name) != names.end())
      return bad_route("the path parameter `" + std::string{name} + "` stands twice");
    names.emplace_back(name);
    text.remove_prefix(close + 1);
  }
  route_segment out;
  if (around.size() == 1) {
    out.text = std::move(around.front());
  } else if (around.size() == 2 && around[0].empty() && around[1].empty()) {
    out.what = route_segment::kind::parameter;
  } else {
    out.what = route_segment::kind::mixed;
    out.around = std::move(around);
  }
  return out;
}

template_flavour flavour_of(std::string_view essence) {
  if (is_json_media(essence))
    return template_flavour::json;
  return is_xml_media(essence) ? template_flavour::xml : template_flavour::text;
}

events::error within(events::error e, std::string_view part) {
  e.where = std::string{part} + (e.where.empty() ? "" : ":" + e.where);
  return e;
}

events::outcome<compiled_endpoint::answer> compile_answer(const response_spec& spec, bool templated) {
  compiled_endpoint::answer out;
  if (spec.status.size() == 3 && spec.status[1] >= '0' && spec.status[1] <= '9')
    out.code = static_cast<unsigned>((spec.status[0] - '0') * 100 + (spec.status[1] - '0') * 10 + (spec.status[2] - '0'));
  else if (spec.status != "default")
    out.range = static_cast<unsigned>(spec.status[0] - '0');
  bool json = false;
  for (const auto& c : spec.contents) {
    auto essence = media_essence(c.media_type);
    if (!json && is_json_media(essence)) {
      json = true;
      out.default_content = out.media.size();
    }
    out.first.push_back(out.bodies.size());
    for (const auto& e : c.examples) {
      auto& body = out.bodies.emplace_back();
      body.media_type = c.media_type;
      body.sent = e.body;
      if (!templated)
        continue;
      auto compiled = compiled_template::compile(e.body, flavour_of(essence));
      if (!compiled)
        return tl::unexpected<events::error>{within(compiled.error(), "/response/body")};
      body.templated = std::move(*compiled);
    }
    out.media.push_back(std::move(essence));
  }
  if (!templated && !spec.headers.empty())
    out.fixed = &spec.headers;
  if (templated) {
    for (const auto& h : spec.headers) {
      auto compiled = compiled_template::compile(h.value, template_flavour::text);
      if (!compiled)
        return tl::unexpected<events::error>{within(compiled.error(), pointer_to("/response/headers", h.name))};
      out.headers.push_back(std::move(*compiled));
    }
  }
  return out;
}

/// The lowest 2xx, else `2XX`, else `default`, else the first; ranges and `default` stand for their lowest success.
void choose_preferred(compiled_endpoint& e) {
  auto rank = [](const compiled_endpoint::answer& a) {
    if (a.code >= 200 && a.code < 300)
      return a.code;
    if (a.range == 2)
      return 300U;
    return a.code == 0 && a.range == 0 ? 301U : 302U;
  };
  for (std::size_t i = 1; i < e.answers.size(); ++i)
    if (rank(e.answers[i]) < rank(e.answers[e.preferred]))
      e.preferred = i;
  const auto& chosen = e.answers[e.preferred];
  e.preferred_status = chosen.code != 0 ? chosen.code : chosen.range != 0 ? chosen.range * 100 : 200;
}

/// Puts what will be told of requests into one piece: first of the usual one, without Prefer and Accept, the id, media type, body and recorded body, unless they
/// are long, which is read as fast where it lies; then what is recorded of the others.
void lay_out(compiled_endpoint& e) {
  constexpr std::size_t long_one = 4'096;
  static const events::redactor any_key{{}}; // what redaction leaves alone under one key it leaves alone under all
  std::vector<compiled_endpoint::body*> bodies;
  std::vector<std::string> recorded;
  const auto add = [&](compiled_endpoint::body& b) {
    bodies.push_back(&b);
    if (auto& text = recorded.emplace_back(); !e.spec.templated && any_key.body(b.media_type, b.sent) == b.sent)
      events::json_text{text}.bytes(b.sent);
  };
  auto& usual = e.answers[e.preferred];
  const auto at = usual.first.empty() ? 0 : usual.first[usual.default_content];
  auto* first = at < usual.bodies.size() ? &usual.bodies[at] : nullptr;
  if (first != nullptr)
    add(*first);
  for (auto& a : e.answers)
    for (auto& b : a.bodies)
      if (&b != first)
        add(b);
  std::size_t room = e.spec.id.size();
  const auto of_first = first != nullptr && !e.spec.templated ? first->media_type.size() + first->sent.size() : 0;
  const bool copied = of_first != 0 && room + of_first + recorded.front().size() <= long_one;
  room += copied ? of_first : 0;
  for (const auto& text : recorded)
    room += text.size();
  e.told.reserve(room);
  const auto lay = [&](std::string_view text) {
    const auto begin = e.told.size();
    e.told += text;
    return std::string_view{e.told}.substr(begin);
  };
  e.id = lay(e.spec.id);
  if (copied) {
    first->media_type = lay(first->media_type);
    first->sent = lay(first->sent);
  }
  for (std::size_t i = 0; i < bodies.size(); ++i)
    bodies[i]->recorded = lay(recorded[i]);
}

} // namespace

events::outcome<route_pattern> compile_route(std::string_view path) {
  if (path.empty() || path.front() != '/')
    return bad_route("the path must start with a slash");
  if (path.size() > limits::endpoint_path_bytes)
    return events::failure(events::errc::too_large, "the path is longer than the limit endpoint_path_bytes (" + std::to_string(limits::endpoint_path_bytes) + ")", "/path");
  if (path.find_first_of("?#") != std::string_view::npos)
    return bad_route("the path may have neither query nor fragment");
  route_pattern out;
  path.remove_prefix(1);
  while (true) {
    auto end = std::min(path.find('/'), path.size());
    if (out.segments.size() == limits::endpoint_path_segments)
      return events::failure(events::errc::too_large, "the path has more segments than the limit endpoint_path_segments (" + std::to_string(limits::endpoint_path_segments) + ")", "/path");
    if (end == 0 && end < path.size())
      return bad_route("the path has an empty segment");
    auto segment = compile_segment(path.substr(0, end), out.parameters);
    if (!segment)
      return tl::unexpected<events::error>{segment.error()};
    if (segment->text == "." || segment->text == "..")
      return bad_route("the path has a dot segment");
    out.segments.push_back(std::move(*segment));
    if (end == path.size())
      return out;
    path.remove_prefix(end + 1);
  }
}

events::outcome<std::shared_ptr<const compiled_endpoint>> compiled_endpoint::compile(endpoint spec, std::shared_ptr<const request_check> check,
                                                                                     const collections* kept, std::shared_ptr<const answer_schemas> made_of) {
  auto out = std::allocate_shared<compiled_endpoint>(far_allocator<compiled_endpoint>{});
  out->spec = std::move(spec);
  out->check = std::move(check);
  if (out->spec.source == endpoint_source::openapi)
    out->made_of = std::move(made_of);
  if (out->spec.path_regex) {
    match_budget budget;
    auto pattern = whole_regex(out->spec.path, "/path_regex", budget);
    if (!pattern)
      return tl::unexpected<events::error>{pattern.error()};
    out->pattern = std::move(*pattern);
  } else {
    auto route = compile_route(out->spec.full_path());
    if (!route)
      return tl::unexpected<events::error>{route.error()};
    out->route = std::move(*route);
  }
  if (!out->spec.match.empty()) {
    auto v = parse_json(out->spec.match);
    if (!v)
      return events::failure(v.error().code, v.error().detail, "/match");
    auto match = request_match::compile(*v, out->route.parameters);
    if (!match)
      return tl::unexpected<events::error>{match.error()};
    if ((*match)->conditions() > 0)
      out->match = std::move(*match);
  }
  if (out->spec.responses.empty())
    return events::failure(events::errc::invalid, "an endpoint needs a response", "/response");
  for (const auto& r : out->spec.responses) {
    auto answer = compile_answer(r, out->spec.templated);
    if (!answer)
      return tl::unexpected<events::error>{answer.error()};
    out->answers.push_back(std::move(*answer));
  }
  choose_preferred(*out);
  lay_out(*out);
  if (kept != nullptr && out->spec.state.on)
    if (auto at = kept->find(out->spec.state.collection); at != kept->end() && out->route.parameters.size() + 1 >= at->second->spec.captures)
      out->kept = at->second;
  if (!out->spec.forward.empty()) {
    auto v = parse_json(out->spec.forward);
    if (!v)
      return events::failure(v.error().code, v.error().detail, "/forward");
    auto forward = forward_rules::compile(*v, out->route.parameters);
    if (!forward)
      return tl::unexpected<events::error>{forward.error()};
    out->forward = std::move(*forward);
  }
  if (!out->spec.script.empty())
    out->script = script_source::of(out->spec.script);
  return std::shared_ptr<const compiled_endpoint>{std::move(out)};
}

} // namespace hourglass::mock
