#pragma once

#include "events/limits.hpp"
#include "events/outcome.hpp"
#include "http/message.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hourglass::api {

/// Reads query parameters and remembers the first thing that is wrong; `where` is the parameter's name. A parameter given twice is refused.
class query_reader {
public:
  explicit query_reader(const http::fields& query) : query_(query) {}

  std::optional<std::string> text(std::string_view name, std::size_t max = 512);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  /// `true` or `false`.
  bool truth(std::string_view name, bool otherwise);
  /// RFC 3339; microseconds since the epoch.
  std::optional<std::int64_t> instant(std::string_view name);
  /// One of `words`; nothing when absent.
  std::optional<std::string> choice(std::string_view name, std::initializer_list<std::string_view> words);
  /// Comma-separated, repeated parameters too, and as `name[]` or `name[0]`.
  std::vector<std::string> list(std::string_view name, std::size_t most = 50);
  /// 1 to `limits::page_size`, 50 when absent.
  std::size_t limit(std::size_t otherwise = 50);

  void reject(std::string_view name, std::string why);
  events::outcome<void> done() const;

private:
  const std::string* find(std::string_view name);

  const http::fields& query_;
  std::optional<events::error> wrong_;
};

/// Whole decimal numbers only; nothing else.
std::optional<std::uint64_t> to_number(std::string_view text) noexcept;

/// An opaque cursor made of a text, and back. Fails with `errc::invalid` at `cursor`.
std::string to_cursor(std::string_view text);
events::outcome<std::string> from_cursor(std::string_view cursor);

/// The same for one list: a cursor that another list gave is refused. An empty one is the beginning.
std::string to_cursor_of(std::string_view list, std::string_view text);
events::outcome<std::string> from_cursor_of(std::string_view list, std::string_view cursor, std::string_view parameter = "cursor");

} // namespace hourglass::api
