#include "mock/answer_diff.hpp"

#include "mock/negotiation.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace hourglass::mock {

namespace {

using difference = answer_difference;

constexpr std::array<std::string_view, 4> kinds{"missing", "extra", "type", "value"};

/// What says nothing about an API: it changes with every answer, or with the server that gives it.
bool is_incidental(std::string_view name) {
  static constexpr std::array<std::string_view, 22> names{
    "date",       "server",   "via",           "age",           "connection",     "keep-alive",        "transfer-encoding", "content-length",
    "etag",       "vary",     "x-powered-by",  "x-request-id",  "last-modified",  "x-correlation-id",  "content-encoding",  "cache-control",
    "set-cookie", "alt-svc",  "accept-ranges", "x-upstream",    "x-request-validation", "content-type"};
  return std::any_of(names.begin(), names.end(), [&](auto n) { return same_name(n, name); });
}

class walker {
public:
  explicit walker(answer_comparison& out) : out_(out) {}

  void compare(const json_value& upstream, const json_value& mock, const std::string& at) {
    if (--steps_ < 0) {
      out_.more = true;
      return;
    }
    if (upstream.kind != mock.kind)
      return note(at, difference::kind::type);
    if (upstream.is_object()) {
      members(upstream, mock, at, difference::kind::missing, true);
      members(mock, upstream, at, difference::kind::extra, false);
    } else if (upstream.is_array()) {
      for (std::size_t i = 0; i < std::min(upstream.items.size(), mock.items.size()) && !full(); ++i)
        compare(upstream.items[i], mock.items[i], at + '/' + std::to_string(i));
      if (upstream.items.size() != mock.items.size()) // how many there are is a matter of data
        note(at, difference::kind::value);
    } else if (upstream.text != mock.text || upstream.truth != mock.truth) {
      note(at, difference::kind::value);
    }
  }

  void note(std::string at, difference::kind what) {
    if (full())
      out_.more = true;
    else
      out_.differences.push_back({std::move(at), what});
  }

private:
  bool full() const noexcept { return out_.differences.size() >= answer_comparison::most; }

  void members(const json_value& of, const json_value& other, const std::string& at, difference::kind when_missing, bool deeper) {
    for (std::size_t i = 0; i < of.names.size() && !full(); ++i) {
      const auto* there = other.member(of.names[i]);
      if (there == nullptr)
        note(pointer_to(at, of.names[i]), when_missing);
      else if (deeper)
        compare(of.items[i], *there, pointer_to(at, of.names[i]));
    }
  }

  answer_comparison& out_;
  std::int64_t steps_ = 100'000;
};

std::string essence_of(const response& r) {
  const auto* type = find(r.headers, "content-type");
  return type != nullptr ? media_essence(*type) : std::string{};
}

bool is_encoded(const response& r) {
  const auto* encoding = find(r.headers, "content-encoding");
  return encoding != nullptr && !same_name(trimmed(*encoding), "identity");
}

void compare_bodies(const response& upstream, const response& mock, answer_comparison& out, walker& in) {
  if (upstream.body == mock.body)
    return;
  if (is_encoded(upstream) || is_encoded(mock)) {
    out.not_compared = "a body has a Content-Encoding";
    return;
  }
  if (is_json_media(essence_of(upstream)) && is_json_media(essence_of(mock))) {
    auto a = parse_json(upstream.body, {200'000, limits::json_depth});
    auto b = parse_json(mock.body, {200'000, limits::json_depth});
    if (a && b)
      return in.compare(*a, *b, "body");
    out.not_compared = std::string{a ? "the mock's" : "the upstream's"} + " body is no JSON, or too large a value";
    return;
  }
  in.note("body", upstream.body.empty() ? difference::kind::extra : mock.body.empty() ? difference::kind::missing : difference::kind::value);
}

} // namespace

std::string_view to_string(answer_difference::kind k) noexcept { return kinds.at(static_cast<std::size_t>(k)); }

bool answer_comparison::same_shape() const noexcept {
  return not_compared.empty() && upstream_status == mock_status && !more &&
         std::all_of(differences.begin(), differences.end(), [](const auto& d) { return d.what == difference::kind::value && d.at != "header Content-Type"; });
}

answer_comparison compare_answers(const response& upstream, const response& mock) {
  answer_comparison out;
  out.upstream_status = upstream.status;
  out.mock_status = mock.status;
  walker in{out};
  if (upstream.status != mock.status)
    in.note("status", difference::kind::value);
  const auto a = essence_of(upstream), b = essence_of(mock);
  if (a != b)
    in.note("header Content-Type", a.empty() ? difference::kind::extra : b.empty() ? difference::kind::missing : difference::kind::value);
  for (const auto& h : upstream.headers)
    if (!is_incidental(h.name) && find(mock.headers, h.name) == nullptr)
      in.note("header " + h.name, difference::kind::missing);
  for (const auto& h : mock.headers)
    if (!is_incidental(h.name) && find(upstream.headers, h.name) == nullptr)
      in.note("header " + h.name, difference::kind::extra);
  compare_bodies(upstream, mock, out, in);
  return out;
}

void write_comparison(const answer_comparison& c, events::json_text& j) {
  j.open_object().key("mock_endpoint");
  c.mock.empty() ? j.null() : j.value(c.mock);
  j.key("upstream_status").value(c.upstream_status).key("mock_status").value(c.mock_status).key("same_shape").value(c.same_shape());
  if (!c.not_compared.empty())
    j.key("not_compared").value(c.not_compared);
  j.key("differences").open_array();
  for (const auto& d : c.differences) {
    j.open_object().key("at");
    events::is_utf8(d.at) ? j.value(d.at) : j.value("header");
    j.key("kind").value(to_string(d.what)).close_object();
  }
  j.close_array().key("more").value(c.more).close_object();
}

bool read_comparison(const json_value& v, answer_comparison& out) {
  const auto* differences = v.member("differences");
  if (differences == nullptr || !differences->is_array())
    return false;
  out.mock = v.string_member("mock_endpoint");
  out.upstream_status = static_cast<unsigned>(v.integer_member("upstream_status", 0));
  out.mock_status = static_cast<unsigned>(v.integer_member("mock_status", 0));
  out.not_compared = v.string_member("not_compared");
  out.more = v.truth_member("more");
  for (const auto& d : differences->items) {
    const auto at = std::find(kinds.begin(), kinds.end(), d.string_member("kind"));
    if (at == kinds.end())
      return false;
    out.differences.push_back({std::string{d.string_member("at")}, static_cast<difference::kind>(at - kinds.begin())});
  }
  return true;
}

} // namespace hourglass::mock
