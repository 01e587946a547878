#include "api/problem.hpp"

#include "http/problem.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

namespace hourglass::api {

namespace {

using events::errc;

/// Types of problems are written with dashes, Svix's codes with underscores; whoever made the name.
std::string spelled(std::string_view name, dialect how) {
  std::string out{name};
  std::replace(out.begin(), out.end(), how == dialect::svix ? '-' : '_', how == dialect::svix ? '_' : '-');
  return out;
}

bool points_into_body(std::string_view where) {
  return where.starts_with('/');
}

/// `/handler/script:3:9` names a place in a text.
void read_place(std::string_view where, unsigned& line, unsigned& column) {
  const auto second = where.rfind(':');
  const auto first = second == std::string_view::npos || second == 0 ? std::string_view::npos : where.rfind(':', second - 1);
  if (first == std::string_view::npos || !points_into_body(where))
    return;
  auto number = [](std::string_view digits, unsigned& out) {
    auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return bad == std::errc{} && end == digits.data() + digits.size();
  };
  if (!number(where.substr(first + 1, second - first - 1), line) || !number(where.substr(second + 1), column))
    line = column = 0;
}

/// What went wrong inside is for the log, not for the caller.
bool is_inside(errc code) {
  switch (code) {
  case errc::io:
  case errc::corrupt:
  case errc::internal:
  case errc::held:
  case errc::newer_format:
    return true;
  case errc::invalid:
  case errc::unauthorized:
  case errc::forbidden:
  case errc::not_found:
  case errc::conflict:
  case errc::too_large:
  case errc::overloaded:
  case errc::unavailable:
  case errc::timeout:
  case errc::abandoned:
    return false;
  }
  return true;
}

std::string_view title_of(errc code) {
  switch (code) {
  case errc::invalid:
    return "The request breaks a rule";
  case errc::unauthorized:
    return "A valid key is needed";
  case errc::forbidden:
    return "This key may not do that";
  case errc::not_found:
    return "There is no such thing";
  case errc::conflict:
    return "It contradicts the present state";
  case errc::too_large:
    return "A limit is exceeded";
  case errc::overloaded:
    return "No room now, try again";
  case errc::unavailable:
    return "Not available now, try again";
  case errc::timeout:
    return "It took too long";
  case errc::abandoned:
    return "The outcome is unknown";
  case errc::held:
  case errc::newer_format:
  case errc::io:
  case errc::internal:
    return "Something failed inside";
  case errc::corrupt:
    return "What is stored does not verify";
  }
  return "Something failed inside";
}

/// `/filterTypes/2` -> ["body", "filterTypes", "2"]; a parameter name -> ["query", name].
nlohmann::json location(std::string_view where) {
  auto loc = nlohmann::json::array();
  if (!points_into_body(where)) {
    if (where.empty() || where == "body")
      loc.push_back("body");
    else
      loc.insert(loc.end(), {"query", std::string{where}});
    return loc;
  }
  loc.push_back("body");
  std::string segment;
  auto flush = [&] {
    loc.push_back(segment);
    segment.clear();
  };
  for (std::size_t i = 1; i < where.size(); ++i) {
    if (where[i] == '/')
      flush();
    else if (where[i] == '~' && i + 1 < where.size())
      segment += where[++i] == '0' ? '~' : '/';
    else
      segment += where[i];
  }
  flush();
  return loc;
}

http::response json_response(unsigned status, const nlohmann::json& body) {
  http::response out;
  out.status = status;
  out.headers.push_back({"Content-Type", "application/json"});
  if (status == 503 || status == 429)
    out.headers.push_back({"Retry-After", "1"});
  out.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return out;
}

http::response svix_response(const events::error& e, unsigned status) {
  auto detail = is_inside(e.code) ? std::string{title_of(e.code)} : e.detail;
  if (status == 422)
    return json_response(status, {{"detail", {{{"loc", location(e.where)}, {"msg", detail}, {"type", "value_error"}}}}});
  return json_response(status, {{"code", std::string{events::to_string(e.code)}}, {"detail", detail}});
}

} // namespace

unsigned status_of(const events::error& e, dialect how) noexcept {
  switch (e.code) {
  case errc::invalid:
    return how == dialect::svix || points_into_body(e.where) ? 422 : 400;
  case errc::unauthorized:
    return 401;
  case errc::forbidden:
    return 403;
  case errc::not_found:
    return 404;
  case errc::conflict:
    return 409;
  case errc::too_large:
    return 413;
  case errc::overloaded:
  case errc::unavailable:
  case errc::abandoned:
    return 503;
  case errc::timeout:
    return 504;
  case errc::held:
  case errc::newer_format:
  case errc::corrupt:
  case errc::io:
  case errc::internal:
    return 500;
  }
  return 500;
}

http::response problem_response(const events::error& e, std::string_view correlation, dialect how) {
  auto status = status_of(e, how);
  http::response out;
  if (how == dialect::svix) {
    out = svix_response(e, status);
  } else {
    http::problem p;
    p.status = status;
    p.type = "/problems/" + spelled(events::to_string(is_inside(e.code) && e.code != errc::corrupt ? errc::internal : e.code), how); // that it does not verify is for auditors
    p.title = title_of(e.code);
    p.detail = is_inside(e.code) ? "See the server's log for this correlation id." : e.detail;
    p.where = e.where;
    read_place(e.where, p.line, p.column);
    p.correlation = correlation;
    out = to_response(p);
  }
  if (e.code == errc::unauthorized)
    out.headers.push_back({"WWW-Authenticate", R"(Bearer realm="hourglass")"});
  else if (e.code == errc::forbidden)
    out.headers.push_back({"WWW-Authenticate", R"(Bearer realm="hourglass", error="insufficient_scope")"});
  return out;
}

http::response problem_response(unsigned status, std::string_view slug, std::string detail, std::string_view correlation,
                                dialect how) {
  if (how == dialect::svix && status == 422) { // a list, as of every 422: clients read nothing else
    auto code = spelled(slug, how);
    return json_response(status, {{"code", code}, {"detail", {{{"loc", {"request"}}, {"msg", detail}, {"type", code}}}}});
  }
  if (how == dialect::svix)
    return json_response(status, {{"code", spelled(slug, how)}, {"detail", detail}});
  http::problem p;
  p.status = status;
  p.type = "/problems/" + std::string{slug};
  p.detail = std::move(detail);
  p.correlation = correlation;
  return to_response(p);
}

} // namespace hourglass::api
