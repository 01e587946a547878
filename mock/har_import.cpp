// Recorded traffic, an HTTP Archive (HAR 1.1, 1.2), as endpoints.
#include "mock/translation.hpp"

#include "events/json_text.hpp"
#include "mock/match_limits.hpp"
#include "mock/negotiation.hpp"
#include "mock/target.hpp"

#include <algorithm>
#include <map>

namespace hourglass::mock {

using events::errc;
using events::failure;
using events::outcome;

namespace {

/// A recorded request, as far as it says which endpoint it becomes.
struct exchange {
  const json_value* request = nullptr;
  const json_value* response = nullptr;
  std::string at;
  std::string method;
  std::string host;
  std::string target;
};

std::string host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto user = url.rfind('@'); user != std::string_view::npos)
    url.remove_prefix(user + 1);
  return lower(url);
}

std::string target_of(std::string_view url) {
  const auto scheme = url.find("://");
  url.remove_prefix(scheme != std::string_view::npos ? scheme + 3 : 0);
  url = url.substr(0, url.find('#'));
  const auto start = url.find_first_of("/?");
  if (start == std::string_view::npos)
    return "/";
  return (url[start] == '?' ? "/" : "") + std::string{url.substr(start)};
}

class archive_reader {
public:
  archive_reader(const json_value& entries, std::string_view host, translation& out) : out_(out) {
    for (std::size_t i = 0; i < entries.items.size(); ++i)
      note(entries.items[i], "/log/entries/" + std::to_string(i), host);
  }

  void run() {
    std::map<std::string, std::size_t> of_target; // bodies tell requests apart only where nothing else does
    for (const auto& e : all_)
      ++of_target[e.method + ' ' + e.target];
    for (const auto& e : all_)
      add(e, of_target[e.method + ' ' + e.target] > 1);
  }
  bool empty() const noexcept { return all_.empty(); }

private:
  void note(const json_value& entry, std::string at, std::string_view host) {
    exchange e;
    e.request = entry.member("request");
    e.response = entry.member("response");
    const auto url = e.request != nullptr ? e.request->string_member("url") : std::string_view{};
    if (e.request == nullptr || e.response == nullptr || url.empty())
      return out_.warn("left out, since it has no request and response", std::move(at));
    e.host = host_of(url);
    if (!host.empty() && e.host != lower(host))
      return; // not asked for
    if (!lower(url.substr(0, 8)).starts_with("http"))
      return out_.warn("left out, since it is no HTTP", std::move(at));
    if (url.size() > 4 * limits::endpoint_path_bytes)
      return out_.warn("left out, since its URL is too long", std::move(at));
    e.at = std::move(at);
    e.method = e.request->string_member("method");
    e.target = target_of(url);
    all_.push_back(std::move(e));
  }

  void add(const exchange& e, bool several) {
    const auto status = e.response->integer_member("status", 0);
    if (status < 200 || status == 304)
      return out_.warn("left out, since its answer has the status " + std::to_string(status), e.at + "/response/status");
    const auto* content = e.response->member("content");
    if (content != nullptr && content->integer_member("size", 0) > 0 && content->string_member("text").empty())
      return out_.warn("left out, since the archive does not have the body of its answer", e.at + "/response/content");
    std::string body{content != nullptr ? content->string_member("text") : std::string_view{}};
    if (content != nullptr && content->string_member("encoding") == "base64") {
      std::string bytes;
      if (!events::from_base64(body, bytes) || !events::is_utf8(bytes) || bytes.find('\0') != std::string::npos)
        return out_.warn("left out, since the body of its answer is no text", e.at + "/response/content");
      body = std::move(bytes);
    }
    auto endpoint = json_value::object();
    const auto parts = split_target(e.target);
    endpoint.set("method", json_value::of(e.method));
    endpoint.set("path", json_value::of(literal_path(parts.path)));
    auto match = json_value::object();
    auto query = asked_of_query(parts.query);
    if (query.items.size() > limits::match_conditions)
      return out_.warn("left out, since its query has too many parameters", e.at + "/request/url");
    if (!query.items.empty())
      match.set("query", std::move(query));
    if (several)
      note_body(e, match);
    if (!match.items.empty())
      endpoint.set("match", std::move(match));
    auto response = json_value::object();
    response.set("status", json_value::of_number(status));
    fields headers;
    if (const auto* list = e.response->member("headers"))
      for (const auto& h : list->items)
        headers.push_back({std::string{h.string_member("name")}, std::string{h.string_member("value")}});
    if (find(headers, "content-type") == nullptr && content != nullptr && !content->string_member("mimeType").empty())
      headers.push_back({"Content-Type", std::string{content->string_member("mimeType")}});
    set_headers(response, headers, e.at + "/response/headers", out_);
    if (!body.empty() && status != 204)
      set_recorded_body(response, body, e.at + "/response/content/text", out_);
    endpoint.set("response", std::move(response));
    out_.add(std::move(endpoint), {}, e.at);
  }

  void note_body(const exchange& e, json_value& match) {
    if (const auto* post = e.request->member("postData"))
      if (auto condition = asked_of_body(post->string_member("text"), post->string_member("mimeType"), e.at + "/request/postData", out_))
        match.set("body", std::move(*condition));
  }

  translation& out_;
  std::vector<exchange> all_;
};

} // namespace

outcome<put_endpoints> read_har(std::string_view text, bool strict, std::string_view host) {
  auto v = parse_json(text);
  if (!v)
    return tl::unexpected<events::error>{v.error()};
  const auto* log = v->member("log");
  const auto* entries = log != nullptr ? log->member("entries") : nullptr;
  if (entries == nullptr || !entries->is_array())
    return failure(errc::invalid, "is no HTTP Archive: it has no list of entries", "/log/entries");
  translation out;
  archive_reader reader{*entries, host, out};
  if (reader.empty() && !host.empty())
    return failure(errc::invalid, "the archive has no entry of this host", "host");
  reader.run();
  return std::move(out).finish(strict);
}

} // namespace hourglass::mock
