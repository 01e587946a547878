#pragma once

#include "events/outcome.hpp"
#include "events/time.hpp"
#include "webhook/destination.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace hourglass::webhook {

/// Reads the members of one request body, which nobody has checked yet: strict JSON (`events::check_json`), and an object. The first problem is kept,
/// with a JSON Pointer to it; what follows it reads as missing. A member that is null counts as not given. Internal to webhook/.
///
///   body_reader r{text};
///   auto uid = r.text("uid").value_or("");
///   return r.done(std::move(command));
class body_reader {
public:
  /// The member `unread`, if named, is kept as text and not built.
  explicit body_reader(std::string_view text, std::string_view unread = {});

  /// The text of the member that was left unread; nothing if it is not there.
  std::optional<std::string_view> unread() const { return unread_; }

  bool has(const char* name) const { return find(name) != nullptr; }
  /// Given as null: for PATCH, where that means "back to the default".
  bool is_null(const char* name) const;
  /// Null when it is not there, or null.
  const nlohmann::json* given(const char* name) const;

  std::optional<std::string> text(const char* name);
  std::string needed_text(const char* name);
  std::optional<bool> truth(const char* name);
  std::optional<std::uint64_t> natural(const char* name, std::uint64_t most = UINT32_MAX);
  std::optional<std::uint32_t> small(const char* name);
  std::optional<std::vector<std::string>> texts(const char* name);
  std::optional<string_map> map(const char* name);
  std::optional<events::virtual_time> time(const char* name);
  /// Seconds, fractions allowed.
  std::optional<std::vector<duration>> delays(const char* name);
  /// What compiles itself of JSON: `content_filter`, `retry_policy`, `protection_policy`.
  template <class T>
  std::optional<T> compiled(const char* name) {
    const auto* v = given(name);
    if (v == nullptr)
      return std::nullopt;
    auto out = T::compile(*v, std::string{"/"} + name);
    if (!out)
      return fail(std::move(out).error()), std::nullopt;
    return *std::move(out);
  }
  std::optional<signature_profile> profile(const char* name);
  std::optional<key_kind> type_of_key(const char* name);
  std::optional<signing_key> key(const char* name, signature_profile how);

  /// For rules that these readers do not know.
  void fail(events::error why);
  void fail(std::string detail, std::string where);

  template <class T>
  events::outcome<T> done(T value) {
    if (problem_)
      return tl::unexpected{*problem_};
    return value;
  }

private:
  const nlohmann::json* find(const char* name) const;

  nlohmann::json object_;
  std::optional<std::string_view> unread_;
  std::optional<events::error> problem_;
};

} // namespace hourglass::webhook
