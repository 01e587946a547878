#pragma once

#include "api/call.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::api {

using mock::capability;

/// Which key a route asks for.
enum class access : std::uint8_t {
  anyone,  ///< no key
  any_key, ///< the admin's, or a sandbox's
  sandbox, ///< the admin's, or that of the sandbox in the path
  admin,
};

/// What a route takes as its body.
enum class body : std::uint8_t {
  none,
  json,          ///< must be there
  unread_json,   ///< must be there; the handler checks and reads the text itself
  optional_json, ///< an empty body is `{}`
  document,      ///< bytes that the handler reads itself
  payload,       ///< JSON, or bytes of any type, that the handler reads itself
};

struct query_doc {
  std::string_view name;
  std::string_view type; ///< `string`, `integer`, `boolean`, `date-time`
  std::string_view says;
};

struct answer_doc {
  unsigned status = 200;
  std::string_view schema; ///< name in `components/schemas`; empty: no body
  std::string_view says;
  std::string_view media_type = "application/json";
};

/// One operation of our API: how to reach it, how to run it, and all that `/openapi.json` says about it.
struct route {
  using handler = void (*)(core&, const call_ptr&);

  std::string_view method{};
  std::string_view path{}; ///< `/sandboxes/{sandbox}/data/{namespace}`; a parameter is a whole segment
  std::string_view id{};   ///< operationId
  std::string_view tag{};
  std::string_view says{};
  access who = access::admin;
  dialect speaks = dialect::ours;
  std::vector<query_doc> query{};
  body takes = body::none;
  std::string_view body_schema{};
  std::vector<answer_doc> answers{};
  /// The sandbox of the path need not be there, for the admin: then the call's `sandbox` is zero, and the handler makes it or answers 404.
  bool may_create = false;
  /// What a portal's token needs for it, beside being of this sandbox; without: no such token is let in.
  std::optional<capability> portal{};
  handler run = nullptr;
};

/// Method and path -> route. Literal segments win over parameters. Built once, then read by all threads.
class router {
public:
  router();
  ~router();
  router(router&&) noexcept;
  router& operator=(router&&) noexcept;

  /// Two routes with the same method and shape are a programmer's error.
  void add(route r);

  struct found {
    const route* to = nullptr;
    std::vector<std::pair<std::string_view, std::string>> path; ///< decoded parameters
    std::string allow;                                          ///< methods of this path, when `to` is null and the path exists
    bool malformed = false; ///< a segment does not decode, is `.` or `..`, or is no UTF-8
  };
  found find(std::string_view method, std::string_view path) const;

  const std::vector<std::unique_ptr<route>>& all() const noexcept { return all_; }

private:
  struct node;
  std::vector<std::unique_ptr<route>> all_;
  std::unique_ptr<node> root_;
};

/// Names of the `{parameters}` of a path template, in order.
std::vector<std::string_view> parameters_of(std::string_view path);

} // namespace hourglass::api
