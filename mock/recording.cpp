#include "mock/recording.hpp"

#include "mock/forward.hpp"
#include "mock/forward_limits.hpp"
#include "mock/match_limits.hpp"
#include "mock/object_reader.hpp"
#include "mock/target.hpp"
#include "mock/translation.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

constexpr std::string_view token = "[redacted:";

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos; }

/// A number, a UUID, a long hexadecimal or one such as `ord_1A2b3C4d`: nothing that a path has for a name.
bool looks_like_id(std::string_view segment) {
  const auto digits = static_cast<std::size_t>(std::count_if(segment.begin(), segment.end(), [](char c) { return c >= '0' && c <= '9'; }));
  if (segment.empty() || digits == 0)
    return false;
  if (digits == segment.size() || (segment.size() >= 16 && is_hex(segment)))
    return true;
  std::string plain{segment};
  std::erase(plain, '-');
  if (segment.size() == 36 && plain.size() == 32 && is_hex(plain))
    return true;
  const bool word = std::all_of(segment.begin(), segment.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return word && ((segment.find('_') != std::string_view::npos && digits >= 1 && segment.size() >= 6) || segment.size() >= 20);
}

struct generalised {
  std::string path;
  std::vector<std::pair<std::string, std::string>> parameters; ///< name, value
};

generalised generalise(std::string_view path) {
  generalised out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    std::string value;
    if (looks_like_id(segment) && percent_decode(segment, false, value)) {
      const auto name = out.parameters.empty() ? std::string{"id"} : "id" + std::to_string(out.parameters.size() + 1);
      out.path += "/{" + name + '}';
      out.parameters.emplace_back(name, std::move(value));
    } else {
      out.path += '/' + literal_path(segment);
    }
  }
  return out;
}

/// Puts, where the answer has the value of a parameter, that parameter. True if it did anywhere.
class follower {
public:
  explicit follower(const generalised& path) : path_(path) {}

  bool run(json_value& body) {
    visit(body);
    return found_;
  }
  /// The template's text of what `run` has left.
  std::string text_of(const json_value& body) const {
    auto out = to_text(body);
    for (const auto& [name, value] : path_.parameters) // a number stays one: random between it and itself
      replace_all(out, '"' + mark(name) + '"', "{{random(request.path." + name + ", request.path." + name + ")}}");
    return out;
  }

private:
  static std::string mark(const std::string& name) { return "{{number of " + name + "}}"; }

  static void replace_all(std::string& in, const std::string& what, const std::string& with) {
    for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + with.size()))
      in.replace(at, what.size(), with);
  }

  void visit(json_value& v) {
    for (auto& item : v.items)
      visit(item);
    if (!v.is_string() && !v.is_number())
      return;
    for (const auto& [name, value] : path_.parameters)
      if (v.text == value) {
        v = json_value::of(v.is_number() ? mark(name) : "{{request.path." + name + "}}");
        found_ = true;
        return;
      }
  }

  const generalised& path_;
  bool found_ = false;
};

} // namespace

outcome<recording_options> recording_options::read(const json_value& v) {
  object_reader in{v, ""};
  recording_options out;
  out.path = in.text("path", limits::endpoint_path_bytes);
  const auto repeats = in.text("repeats", 16);
  out.generalise = in.truth("generalise", false);
  out.dry_run = in.truth("dry_run", false);
  out.priority = static_cast<unsigned>(in.integer("priority", 1, limits::endpoint_priority_most, out.priority));
  if (!repeats.empty() && repeats != "last" && repeats != "first")
    in.fail("must be last or first", "repeats");
  if (!out.path.empty() && out.path.front() != '/')
    in.fail("must start with a slash", "path");
  out.first_wins = repeats == "first";
  if (in.problem())
    return tl::unexpected<events::error>{*in.problem()};
  return out;
}

outcome<void> recording::take(const served_record& r) {
  if (!r.forward || !r.request.target.starts_with(how_.path))
    return {};
  const auto at = "/requests/" + r.request_id;
  auto omit = [&](std::string why) -> outcome<void> {
    if (omitted_.size() < limits::recorded_requests)
      omitted_.push_back({"left out, since " + std::move(why), at});
    return {};
  };
  if (r.forward->by == forward_note::answerer::mock)
    return omit("the mock answered it, not the upstream");
  if (r.forward->by == forward_note::answerer::error)
    return omit("the upstream did not answer it (" + r.forward->says + ")");
  if (r.response_cut)
    return omit("the log has only the front of its answer's body");
  if (r.request.method == "HEAD")
    return omit("a HEAD is answered by what answers GET");
  if (r.response.status == 304)
    return omit("its answer says only that nothing has changed (304)");
  if (!events::is_utf8(r.response.body) || r.response.body.find('\0') != std::string::npos)
    return omit("the body of its answer is no text");
  exchange e;
  e.id = at;
  e.method = r.request.method;
  e.target = r.request.target;
  if (!r.request_cut)
    e.body = r.request.body;
  if (const auto* type = find(r.request.headers, "content-type"))
    e.type = *type;
  e.answer = r.response;
  std::erase_if(e.answer.headers, [](const field& h) {
    return same_name(h.name, "x-upstream") || same_name(h.name, "x-request-id") || same_name(h.name, "via") || same_name(h.name, "age") ||
           same_name(h.name, "x-correlation-id") || h.value.find(token) != std::string::npos;
  });
  bytes_ += e.body.size() + e.answer.body.size() + e.target.size();
  if (all_.size() == limits::recorded_requests || bytes_ > limits::recorded_bytes)
    return failure(errc::too_large, "more was recorded than the limits recorded_requests (" + std::to_string(limits::recorded_requests) +
                                      ") and recorded_bytes (" + std::to_string(limits::recorded_bytes) + ") allow: name a path, since or until");
  all_.push_back(std::move(e));
  return {};
}

outcome<put_endpoints> recording::finish() && {
  translation out;
  for (auto& o : omitted_)
    out.warn(std::move(o.why), std::move(o.at));
  if (how_.first_wins)
    std::reverse(all_.begin(), all_.end());
  std::map<std::string, std::set<std::string>> bodies; // of a request line: whether they tell requests apart
  for (const auto& e : all_)
    bodies[e.method + ' ' + e.target].insert(e.body);
  for (auto& e : all_) {
    const auto parts = split_target(e.target);
    const auto path = how_.generalise ? generalise(parts.path) : generalised{literal_path(parts.path), {}};
    auto endpoint = json_value::object();
    endpoint.set("method", json_value::of(e.method));
    endpoint.set("path", json_value::of(path.path));
    endpoint.set("priority", json_value::of_number(static_cast<std::int64_t>(how_.priority)));
    auto match = json_value::object();
    if (auto query = asked_of_query(parts.query); query.items.size() > limits::match_conditions) {
      out.warn("left out, since its query has too many parameters", e.id);
      continue;
    } else if (!query.items.empty()) {
      match.set("query", std::move(query));
    }
    if (bodies[e.method + ' ' + e.target].size() > 1)
      if (auto condition = asked_of_body(e.body, e.type, e.id, out))
        match.set("body", std::move(*condition));
    if (!match.items.empty())
      endpoint.set("match", std::move(match));
    auto response = json_value::object();
    response.set("status", json_value::of_number(static_cast<std::int64_t>(e.answer.status)));
    set_headers(response, e.answer.headers, e.id, out);
    if (!e.answer.body.empty() && e.answer.status != 204)
      set_recorded_body(response, e.answer.body, e.id, out);
    if (auto* body = response.member("body"); body != nullptr && !path.parameters.empty() && e.answer.body.find("{{") == std::string::npos) {
      auto copy = *body;
      follower in{path};
      if ((copy.is_object() || copy.is_array()) && in.run(copy)) {
        response.set("body", json_value::of(in.text_of(copy)));
        response.set("template", json_value::of_bool(true));
      }
    }
    endpoint.set("response", std::move(response));
    out.add(std::move(endpoint), {}, e.id);
  }
  return std::move(out).finish(false);
}

} // namespace hourglass::mock
