#pragma once

#include "events/envelope.hpp"
#include "events/outcome.hpp"
#include "mock/data.hpp"
#include "mock/json_value.hpp"
#include "mock/message.hpp"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::mock {

// A template is text with expressions in `{{ }}`:
//
// expression := literal | call | path
// literal    := "text" | 'text' | number | true | false | null
// path       := root step*                       step := `.` name | `[` expression `]`
// root       := request.path.<parameter>         as the router matched it
//             | request.query.<name>             the first of that name
//             | request.header.<name>            case does not matter
//             | request.body[.member | [index]]* of a JSON body; without steps the body itself, as text if it is not JSON
//             | request.method | request.target
//             | env.<name>
//             | response.status | response.header.<name> | response.body[.member | [index]]*   of an upstream's answer, where it is about one
//             | data.<namespace>                 all values, as an array in order of key
//             | data.<namespace>.<key>[.member]*  (`data.pets[request.path.id].name`)
// call       := now | now.unix | now.ms          the sandbox's clock: RFC 3339, seconds, milliseconds
//             | uuid                             version 4, from the request's chance
//             | random(low, high)                a whole number, both ends included
//             | default(expression, expression)  the second if the first is missing or null
//
// In JSON an expression stands for a value (`"id": {{request.path.id}}` gives `"id": "7"`), or inside a string for its text, escaped
// (`"/pets/{{request.path.id}}"`). What is missing is `null` as a value and nothing inside a string. In XML text is escaped; elsewhere it is not.

enum class template_flavour : std::uint8_t { json, xml, text };

/// What a template may tell of: with `answer` of what an upstream answered, too.
enum class template_about : std::uint8_t { request, answer };

/// Of a template that has only a name: by its end (`json`, `xml`), else JSON if it looks like it.
template_flavour flavour_of_template(std::string_view name, std::string_view source);

/// Everything an expression can see, and what it may still cost. One per answer: it caches what it reads and counts what it draws.
class template_scope {
public:
  template_scope(const request& req, std::span<const std::string> names, std::span<const std::string> captures,
                 const data_state& data, const events::context& ctx);

  // -- look-ups: null when there is no such thing ------------------------------
  const std::string* path_parameter(std::string_view name) const;
  const std::string* query(std::string_view name);
  const json_value& body();
  const json_value* item(std::string_view space, std::string_view key);
  const response* answer() const noexcept { return answer_; }
  const json_value& answer_body();

  void tell_of(const response& answer) noexcept { answer_ = &answer; } ///< of an upstream; it must outlive the scope

  const request& req() const noexcept { return req_; }
  const data_state& data() const noexcept { return data_; }
  const events::context& ctx() const noexcept { return ctx_; }

  std::uint64_t draw() noexcept; ///< the next of a stream that `ctx.chance` starts

  /// False once an answer has read more than `limits::template_work_bytes`.
  bool charge(std::size_t bytes) noexcept;
  bool exhausted() const noexcept { return exhausted_; }

private:
  const request& req_;
  std::span<const std::string> names_;
  std::span<const std::string> captures_;
  const data_state& data_;
  const events::context& ctx_;
  std::optional<fields> query_;
  std::optional<json_value> body_;
  const response* answer_ = nullptr;
  std::optional<json_value> answer_body_;
  std::map<std::pair<std::string, std::string>, json_value> items_;
  std::uint64_t state_[2];
  std::size_t work_ = 0;
  bool exhausted_ = false;
};

struct template_node; // mock/template.cpp

/// A template, checked and ready. Immutable; any thread.
class compiled_template {
public:
  /// Fails with `errc::invalid` (`where` = `line:column` in `source`) on a malformed expression, and in JSON if the text around the expressions is
  /// not JSON; with `errc::too_large` beyond `limits::template_expressions` or `limits::template_depth`.
  static events::outcome<compiled_template> compile(std::string_view source, template_flavour flavour, template_about about = template_about::request);

  compiled_template(compiled_template&&) noexcept;
  compiled_template& operator=(compiled_template&&) noexcept;
  ~compiled_template();

  /// Appends to `out`. Fails with `errc::too_large` beyond `limits::template_output_bytes` or `limits::template_work_bytes`.
  events::outcome<void> render(template_scope& scope, std::string& out) const;

private:
  struct piece;
  explicit compiled_template(template_flavour flavour);

  template_flavour flavour_;
  std::vector<piece> pieces_;
};

} // namespace hourglass::mock
