#pragma once

#include "mock/graphql.hpp"
#include "mock/json_value.hpp"
#include "mock/match_limits.hpp"
#include "mock/message.hpp"
#include "mock/multipart.hpp"
#include "mock/schema.hpp"
#include "mock/xml_path.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

/// A body, of a request or of a part of one, that conditions look into. It is read once, when the first of them asks.
class body_view {
public:
  explicit body_view(std::string_view bytes) : bytes_(bytes) {}

  std::string_view bytes() const noexcept { return bytes_; }
  /// Null if it is no JSON, whatever its Content-Type says; also once the purse is empty.
  const json_value* json(schema_purse& purse);
  /// Null if it is no XML, likewise.
  const xml_document* xml(schema_purse& purse);
  bool unsure = false; ///< a condition of it could not be evaluated, so neither it nor its opposite holds

private:
  std::string_view bytes_;
  bool json_read_ = false;
  std::optional<json_value> json_;
  bool xml_read_ = false;
  std::shared_ptr<const xml_document> xml_;
};

/// A request that the conditions of several endpoints are held against, and what that may still cost. Refers to the request. One thread.
class match_subject {
public:
  explicit match_subject(const request& req);

  schema_purse purse{limits::match_work};
  body_view body;

  const request& whole() const noexcept { return req_; }
  const fields& query();
  const fields& cookies();
  /// Of a body of the media type application/x-www-form-urlencoded; else there are none.
  const fields& form();
  /// Of a body of a media type multipart/…, each with its own body; else there are none.
  struct part {
    multipart_part head;
    body_view body;
  };
  std::vector<part>& parts();
  const graphql_operation* graphql();                  ///< the operation that is asked for; null if it is no GraphQL, or says not which
  const graphql_request* graphql_whole();              ///< null if it is no GraphQL
  const std::vector<std::string_view>& graphql_text(); ///< its tokens

private:
  const request& req_;
  std::optional<fields> query_;
  std::optional<fields> cookies_;
  std::optional<fields> form_;
  std::optional<std::vector<part>> parts_;
  struct graphql_read {
    std::optional<graphql_request> whole;
    std::vector<std::string_view> tokens;
    std::optional<graphql_operation> operation;
  };
  graphql_read& read_operation();
  std::unique_ptr<graphql_read> graphql_; ///< null: not read yet
};

} // namespace hourglass::mock
