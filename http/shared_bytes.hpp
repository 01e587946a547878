#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace hourglass::http {

/// Bytes that nobody changes any more and many may hold: a copy costs no memory. They live as long as any copy does.
class shared_bytes {
public:
  shared_bytes() = default;
  shared_bytes(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
  shared_bytes(const char* text) : shared_bytes(std::string{text}) {}
  /// Null: none.
  shared_bytes(std::shared_ptr<const std::string> text) : text_(std::move(text)) {}

  std::string_view view() const noexcept { return text_ ? std::string_view{*text_} : std::string_view{}; }
  operator std::string_view() const noexcept { return view(); }
  const char* data() const noexcept { return view().data(); }
  std::size_t size() const noexcept { return view().size(); }
  bool empty() const noexcept { return view().empty(); }
  friend bool operator==(const shared_bytes& a, std::string_view b) noexcept { return a.view() == b; }

private:
  std::shared_ptr<const std::string> text_;
};

} // namespace hourglass::http
