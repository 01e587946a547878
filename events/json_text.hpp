#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hourglass::events {

/// Writes JSON text straight into a string, for payloads on the hot path; everything else uses nlohmann::json.
/// The caller keeps the grammar right (balanced objects, one value a key); commas are put by the writer.
///
///   std::string out;
///   json_text j{out};
///   j.open_object().key("status").value(200).key("headers").open_array()….close_array().close_object();
class json_text {
public:
  explicit json_text(std::string& out) : out_(out) {}

  json_text& open_object();
  json_text& close_object();
  json_text& open_array();
  json_text& close_array();
  json_text& key(std::string_view name);
  json_text& value(std::string_view text);
  json_text& value(const char* text) { return value(std::string_view{text}); }
  json_text& value(bool truth);
  template <std::integral T>
  json_text& value(T number) {
    if constexpr (std::signed_integral<T>)
      return integer(static_cast<std::int64_t>(number));
    else
      return natural(static_cast<std::uint64_t>(number));
  }
  json_text& null();
  /// `text` is already JSON and goes in as it is.
  json_text& raw(std::string_view text);
  /// Bytes from outside: `{"text": "…"}` when they are valid UTF-8, else `{"base64": "…"}`.
  json_text& bytes(std::string_view data);

private:
  json_text& integer(std::int64_t number);
  json_text& natural(std::uint64_t number);
  void separate();

  std::string& out_;
  bool first_ = true;
};

/// What stands between the quotes of a JSON string, unescaped; nothing if an escape is none. A lone surrogate is encoded as it is.
std::optional<std::string> json_unescape(std::string_view raw);

bool is_utf8(std::string_view text) noexcept;
std::string to_base64(std::string_view bytes);
/// Strict RFC 4648 with padding. False if `text` is not base64.
bool from_base64(std::string_view text, std::string& bytes);
std::string to_hex(std::string_view bytes);

} // namespace hourglass::events
